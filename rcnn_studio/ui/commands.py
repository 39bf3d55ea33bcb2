"""What the actions do: those of the window, and those of the open project. One line of wiring each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.domain.runs import RunEnded
from rcnn_studio.formats.archive import is_zip
from rcnn_studio.store.status import StoreStatus
from rcnn_studio.tasks.exporting import Exported, export_dataset
from rcnn_studio.tasks.importing import create_project, find_project, open_or_create
from rcnn_studio.tasks.places import data_home
from rcnn_studio.tasks.samples import make_sample_project
from rcnn_studio.ui.export_dialog import ExportDialog
from rcnn_studio.ui.key_sheet import KeySheet
from rcnn_studio.ui.menus import group_choices
from rcnn_studio.ui.new_project import NewProject, NewProjectDialog
from rcnn_studio.ui.room import SessionRoom
from rcnn_studio.ui.theme import ThemeMode
from rcnn_studio.workspace.device import DeviceLine, look_at_device
from rcnn_studio.workspace.export_losses import count_losses
from rcnn_studio.workspace.job import Work

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow

WINDOW_ACTIONS = frozenset(
    {
        "action.project.new",
        "action.project.open",
        "action.project.import",
        "action.app.quit",
        "action.help.keys",
        "action.view.reset_layout",
        "action.view.boxes",
        "action.view.detections",
    }
    | {f"action.view.theme_{mode}" for mode in ThemeMode}
)

REMEMBERED = ("action.view.boxes", "action.view.detections")
"""Toggles that are at the next start as they were left."""


class WindowCommands(QObject):
    """Actions that need no open project: new, open, theme, help, quit."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        actions = window.studio_actions
        actions["action.project.new"].triggered.connect(self.new_project)
        actions["action.project.open"].triggered.connect(self.choose_folder)
        actions["action.project.import"].triggered.connect(self.choose_file)
        actions["action.app.quit"].triggered.connect(window.close)
        actions["action.help.keys"].triggered.connect(self.show_keys)
        actions["action.view.reset_layout"].triggered.connect(window.reset_layout)
        for name in REMEMBERED:
            actions[name].setChecked(bool(window.settings.get(f"toggle.{name}", True)))
            actions[name].toggled.connect(partial(window.settings.set, f"toggle.{name}"))
        for mode in ThemeMode:
            action = actions[f"action.view.theme_{mode}"]
            action.setChecked(window.theme.mode == mode)
            action.triggered.connect(partial(window.set_theme, mode))
        for prefix in ("action.activity.", "action.view.theme_", "action.tool."):
            group_choices(actions, prefix, window)
        window.welcome.path_chosen.connect(self._on_path_chosen)
        window.welcome.sample_chosen.connect(self.open_sample)
        window.recent_menu.path_chosen.connect(self._on_path_chosen)
        window.recent_menu.cleared.connect(window.refresh_recent)
        window.welcome.clear_chosen.connect(self._on_clear_chosen)
        self._start(self.tr("Looking at the device"), partial(look_at_device, window.settings), self._on_device)

    def enable_session_actions(self, enabled: bool) -> None:
        for name, action in self._window.studio_actions.items():
            if name not in WINDOW_ACTIONS:
                action.setEnabled(enabled)

    # --- opening ------------------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        project = None if is_zip(path) else find_project(path)
        if project is not None:
            self._window.open_project(project)
            return
        self._start(self.tr("Opening {0}").format(path.name), partial(open_or_create, path), self._on_project_made)

    def open_last_or_sample(self) -> None:
        recent = self._window.settings.recent()
        if recent:
            self.open_path(Path(recent[0]))
        elif not self._window.settings.get("sample_shown", False):
            self.open_sample()

    @Slot()
    def open_sample(self) -> None:
        target = data_home() / "sample"
        self._window.settings.set("sample_shown", True)
        self._start(self.tr("Preparing the sample"), partial(_make_sample, target), self._on_sample_made)

    @Slot()
    def choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Open a project, a dataset or images"))
        if chosen:
            self.open_path(Path(chosen))

    @Slot()
    def choose_file(self) -> None:
        kinds = self.tr("Datasets and projects (*.json *.yaml *.yml *.csv *.zip *.rcnn);;All files (*)")
        chosen, _kind = QFileDialog.getOpenFileName(self._window, self.tr("Open a dataset file"), "", kinds)
        if chosen:
            self.open_path(Path(chosen))

    @Slot()
    def new_project(self) -> None:
        dialog = NewProjectDialog(self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.choice is not None:
            self._start(
                self.tr("Making {0}").format(dialog.choice.project.name),
                partial(_create, dialog.choice),
                self._on_project_made,
            )

    @Slot()
    def show_keys(self) -> None:
        KeySheet(self._window).show()

    def _start(self, name: str, work: Work, done: Callable[[object], None]) -> None:
        board = self._window.board
        job = board.prepare(name, work)
        job.job_finished.connect(done)
        job.job_failed.connect(self._on_failed)
        board.start(job)

    @Slot(object)
    def _on_project_made(self, folder: object) -> None:
        window = self._window
        if isinstance(folder, Path) and window.open_project(folder) and window.session is not None:
            serious = [p for p in window.session.store.problems() if p.level != "note"]
            if serious:
                more = self.tr(" … and {0} more").format(len(serious) - 1) if len(serious) > 1 else ""
                show = (self.tr("Show problems"), self._show_problems)
                window.messages.show_warning(f"{serious[0]}{more}", show)

    def _show_problems(self) -> None:
        if self._window.room is not None:
            self._window.room.set_extra("problems")

    @Slot(object)
    def _on_sample_made(self, folder: object) -> None:
        self._on_project_made(folder)
        text = self.tr(
            "This is your own copy of the sample, in {0}. W draws a box, 1-4 give its class, D turns the page; "
            "Ctrl+2 trains. F1 shows every key."
        )
        self._window.messages.show_note(text.format(data_home() / "sample"))

    @Slot(object)
    def _on_failed(self, error: StudioError) -> None:
        self._window.messages.show_error(str(error))

    @Slot(str)
    def _on_path_chosen(self, path: str) -> None:
        self.open_path(Path(path))

    @Slot()
    def _on_clear_chosen(self) -> None:
        self._window.settings.clear_recent()
        self._window.refresh_recent()

    @Slot(object)
    def _on_device(self, line: object) -> None:
        if isinstance(line, DeviceLine):
            self._window.device_line.setText(line.text)
            self._window.device_line.setToolTip(line.hint)


class SessionCommands(QObject):
    """Actions on the open project. Lives as long as its room."""

    def __init__(self, window: MainWindow, room: SessionRoom) -> None:
        super().__init__(room)
        self._window = window
        self._room = room
        self._session = room.session
        self._asked_empty: int | None = None
        project, review, training = room.session.project, room.session.review, room.session.training
        handlers = {
            "edit.undo": project.undo_stack.undo,
            "edit.redo": project.undo_stack.redo,
            "image.find": room.image_list.focus_filter,
            "image.go_to": self.go_to,
            "image.verify": self.verify,
            "image.thumbnails": room.session.make_all_thumbnails,
            "image.confirm_empty": self.confirm_empty,
            "project.write_back": self.write_back,
            "project.export": self.export,
            "files.changes": self.show_changes,
            "files.conflicts": self.show_conflicts,
            "files.check": self.check_dataset,
            "files.problems": partial(room.set_extra, "problems"),
            "files.history": partial(room.set_extra, "history"),
            "project.show_folder": self.show_folder,
            "train.start": room.train.start,
            "train.stop": training.stop,
            "predict.current": partial(review.predict, "current"),
            "predict.unlabelled": partial(review.predict, "unlabelled"),
            "predict.all": partial(review.predict, "all"),
            "activity.label": partial(window.set_activity, "label"),
            "activity.train": partial(window.set_activity, "train"),
            "activity.review": partial(window.set_activity, "review"),
        }
        self._wired = [
            (
                window.studio_actions[f"action.{name}"],
                window.studio_actions[f"action.{name}"].triggered.connect(handler),
            )
            for name, handler in handlers.items()
        ]
        window.window_commands.enable_session_actions(True)
        project.message.connect(window.messages.show_info)
        review.message.connect(window.messages.show_info)
        training.failed.connect(window.messages.show_error)
        training.run_ended.connect(self._on_run_ended)
        training.state_changed.connect(self.refresh)
        project.undo_stack.indexChanged.connect(self.refresh)
        project.status_changed.connect(self._on_status)
        review.runs_changed.connect(self.refresh)
        review.busy_changed.connect(self.refresh)
        room.train.review_requested.connect(self.review_detections)

    def unwire(self) -> None:
        """Let go of the window's actions."""
        for action, connection in self._wired:
            action.triggered.disconnect(connection)
        for name in self._room.extras:
            self._window.studio_actions[f"action.files.{name}"].setChecked(False)
        # a QUndoStack that is destroyed says once more that it changed
        self._session.project.undo_stack.indexChanged.disconnect(self.refresh)

    def refresh(self, *_unused: object) -> None:
        """Enable what can be done now."""
        actions, session = self._window.studio_actions, self._session
        stack = session.project.undo_stack
        actions["action.edit.undo"].setEnabled(stack.canUndo())
        actions["action.edit.undo"].setText(self.tr("Undo {0}").format(stack.undoText()).strip())
        actions["action.edit.redo"].setEnabled(stack.canRedo())
        actions["action.edit.redo"].setText(self.tr("Redo {0}").format(stack.redoText()).strip())
        actions["action.train.start"].setEnabled(not session.training.running)
        actions["action.train.stop"].setEnabled(session.training.running and not session.training.stopping)
        can_predict = session.review.run is not None and not session.review.predicting
        for name in ("current", "unlabelled", "all"):
            actions[f"action.predict.{name}"].setEnabled(can_predict)

    # --- images -----------------------------------------------------------------------------------------

    @Slot()
    def verify(self) -> None:
        """Mark the image verified and go on; where there are no boxes, ask once whether there is nothing here."""
        project = self._session.project
        if project.current_id is None:
            return
        if not project.boxes and project.current_id != self._asked_empty:
            self._asked_empty = project.current_id
            self._room.canvas.show_hint(self.tr("Nothing here? Press Space again, or B"))
            return
        if not project.boxes:
            self.confirm_empty()
            return
        project.set_state(project.current_id, ImageState.VERIFIED)
        self._room.image_list.go(1)

    @Slot()
    def confirm_empty(self) -> None:
        project = self._session.project
        if project.current_id is None:
            return
        if project.boxes:
            self._window.messages.show_info(
                self.tr("This image has boxes: delete them before saying that nothing is here.")
            )
            return
        image_id = project.current_id
        project.set_state(image_id, ImageState.CONFIRMED_EMPTY)
        record = project.image_record(image_id)
        if record.state == ImageState.CONFIRMED_EMPTY:
            text = self.tr("{0}: marked as empty (nothing here). {1} takes it back.")
            undo = self._window.studio_actions["action.edit.undo"].shortcut()
            keys = undo.toString(QKeySequence.SequenceFormat.NativeText)
            self._window.messages.show_info(text.format(PurePosixPath(record.path).stem, keys))
        self._room.image_list.go(1)

    @Slot()
    def review_detections(self) -> None:
        """To the activity of reviewing, on the image where there is most likely something to decide."""
        self._window.set_activity("review")
        image_id = self._session.review.image_to_review()
        if image_id is not None:
            self._session.project.set_current(image_id)

    @Slot()
    def go_to(self) -> None:
        text, accepted = QInputDialog.getText(
            self._window, self.tr("Go to image"), self.tr("Number in the list, or part of a name:")
        )
        if accepted and text.strip() and not self._room.image_list.go_to(text.strip()):
            self._window.messages.show_info(self.tr("No image is called {0}.").format(text.strip()))

    # --- files ------------------------------------------------------------------------------------------

    @Slot()
    def write_back(self) -> None:
        """Also what was put off."""
        self._session.store.resume_writing()
        self._session.store.write_back(wait=False)

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
        dialog = ExportDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._on_export_chosen)
        job = self._session.board.prepare(
            self.tr("Counting for the export"), partial(count_losses, self._session.store), quiet=True
        )
        job.job_finished.connect(dialog.show_losses)
        dialog.finished.connect(job.stop)
        self._session.board.start(job)
        dialog.open()

    @Slot(str, str)
    def _on_export_chosen(self, format_name: str, folder: str) -> None:
        work = partial(export_dataset, self._session.store, format_name, Path(folder))
        job = self._session.board.prepare(self.tr("Exporting"), work)
        job.job_finished.connect(self._on_exported)
        job.job_failed.connect(self._on_failed)
        self._session.board.start(job)

    @Slot(object)
    def _on_exported(self, result: object) -> None:
        if isinstance(result, Exported):
            text = self.tr("Exported {0} images with {1} boxes.").format(result.images, result.boxes)
            self._window.messages.show_info(" ".join([text, *result.lost]))

    @Slot(object)
    def _on_failed(self, error: StudioError) -> None:
        self._window.messages.show_error(str(error))

    @Slot(object)
    def _on_status(self, status: object) -> None:
        if isinstance(status, StoreStatus) and status.kind == "error" and not self._has_banner(status.message):
            self._window.messages.show_error(status.message)

    def _has_banner(self, message: str) -> bool:
        """Files changed by others have a banner of their own."""
        return any(message.startswith(conflict.message) for conflict in self._session.store.conflicts())

    @Slot(object)
    def _on_run_ended(self, ended: object) -> None:
        if not isinstance(ended, RunEnded):
            return
        if ended.status == "failed":
            self._window.messages.show_error(ended.message)
        elif ended.best_epoch:
            text = self.tr("Training has ended, best AP50 {0:.2f}. Open any image: its detections are there (Ctrl+3).")
            self._window.messages.show_info(text.format(ended.best_AP50))


def _create(choice: NewProject, report: Report, should_stop: ShouldStop) -> Path:
    """The task for a choice of the dialog. -> the project's folder"""
    made = create_project(
        choice.project,
        choice.source,
        format_name=choice.format_name,
        split_fraction=choice.val_fraction,
        report=report,
        should_stop=should_stop,
    )
    return made.project


def _make_sample(target: Path, report: Report, should_stop: ShouldStop) -> Path:
    return make_sample_project(target, report=report, should_stop=should_stop)
