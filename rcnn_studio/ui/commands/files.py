"""Actions on the files of the open project: write now, what changes, check, show, export, splits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from rcnn_studio.tasks.exporting import Exported, export_dataset
from rcnn_studio.ui.dialogs.export_dialog import ExportDialog
from rcnn_studio.ui.dialogs.splits_dialog import SplitsDialog
from rcnn_studio.workspace.export_losses import count_losses

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow
    from rcnn_studio.ui.room import SessionRoom


class FileCommands(QObject):
    """Lives as long as its room."""

    def __init__(self, window: MainWindow, room: SessionRoom) -> None:
        super().__init__(room)
        self._window = window
        self._room = room
        self._session = room.session

    @Slot()
    def write_back(self) -> None:
        """Also what was put off; a message says how much that was."""
        if self._window.files is not None:
            self._window.files.write_now()

    @Slot()
    def show_changes(self) -> None:
        """What will change on disk."""
        if self._window.files is not None:
            self._window.files.show_changes()

    @Slot()
    def show_conflicts(self) -> None:
        if self._window.files is not None:
            self._window.files.show_conflicts()

    @Slot()
    def check_dataset(self) -> None:
        """Look at everything, as a job; what is found comes into the list of problems."""
        self._room.set_extra("problems")
        if self._window.files is not None:
            self._window.files.found.check_again()

    @Slot()
    def show_folder(self) -> None:
        """The project's data in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._session.store.folder.parent)))

    @Slot()
    def export(self) -> None:
        dialog = ExportDialog(self._window, start=str(self._session.store.folder.parent))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._on_export_chosen)
        job = self._session.board.prepare(
            self.tr("Counting for the export"), partial(count_losses, self._session.store), quiet=True
        )
        job.job_finished.connect(dialog.show_losses)
        dialog.finished.connect(job.stop)
        self._session.board.start(job)
        dialog.open()

    @Slot()
    def draw_splits(self) -> None:
        dialog = SplitsDialog(self._session.project, self._session.board, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @Slot(str, str)
    def _on_export_chosen(self, format_name: str, folder: str) -> None:
        work = partial(export_dataset, self._session.store, format_name, Path(folder))
        job = self._session.board.prepare(self.tr("Exporting"), work)
        job.job_finished.connect(self._on_exported)
        job.job_failed.connect(self._window.messages.show_problem)
        self._session.board.start(job)

    @Slot(object)
    def _on_exported(self, result: object) -> None:
        if isinstance(result, Exported):
            text = self.tr("Exported {0} images with {1} boxes.").format(result.images, result.boxes)
            self._window.messages.show_info(" ".join([text, *result.lost]))
