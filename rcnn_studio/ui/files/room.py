"""Everything about files of one open project, wired to it: models, dialogs, panels, banners, badge.

Places nothing: the window puts `problems` and `history` into docks, the banners over the canvas, the badge below.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.durability import promise
from rcnn_studio.store.status import StoreStatus
from rcnn_studio.ui.files.badge import Promise, ReadOnlyBanner, SavedBadge
from rcnn_studio.ui.files.banner import Banner
from rcnn_studio.ui.files.changes import ChangesDialog
from rcnn_studio.ui.files.conflicts import ConflictBanner, ConflictsDialog
from rcnn_studio.ui.files.history import HistoryPanel
from rcnn_studio.ui.files.problems import ProblemsPanel
from rcnn_studio.ui.files.shape_question import ShapeQuestion
from rcnn_studio.ui.files.words import counted, session_text
from rcnn_studio.workspace.files import Changes, FilesModel
from rcnn_studio.workspace.files_checks import Locator, check_of
from rcnn_studio.workspace.files_conflicts import ConflictsModel, Settled
from rcnn_studio.workspace.files_history import HistoryModel
from rcnn_studio.workspace.files_problems import ProblemsModel, Spot
from rcnn_studio.workspace.files_shapes import ShapePolicy
from rcnn_studio.workspace.files_store import StoreConflicts, StoreFiles, StoreHistory
from rcnn_studio.workspace.session import Session

SUMMARY_MS = 1500
"""After the last change, so long, what the session has changed is counted anew."""


class FilesRoom(QObject):
    """Made right after the session was opened. message(str): for the message bar. Call close before the session's."""

    message = Signal(str)

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._pending = 0
        self._stale = False
        store, board, project = session.store, session.board, session.project
        self._source = StoreFiles(store)
        self.files = FilesModel(self._source, board, self)
        self._summary_timer = QTimer(self, singleShot=True, interval=SUMMARY_MS)
        self._summary_timer.timeout.connect(self.files.summarize)
        self.conflicts = ConflictsModel(StoreConflicts(store), board, self)
        self.found = ProblemsModel(store.problems(), Locator(store, self._paths), check_of(store), board, self)
        self.past = HistoryModel(StoreHistory(store), project, self)
        self.shapes = ShapePolicy(store, self)
        self.problems = ProblemsPanel(self.found)
        self.history = HistoryPanel(self.past)
        self.conflict_banner = ConflictBanner(self.conflicts)
        self.read_only_banner = ReadOnlyBanner(store.owner, window) if store.read_only else None
        self.shape_question = ShapeQuestion(self.shapes)
        self.badge = SavedBadge(Promise(full=promise(), read_only=self._why_read_only()))
        self.changes: ChangesDialog | None = None
        self.conflict_dialog: ConflictsDialog | None = None
        self._wire()
        self.badge.show_status(store.status())
        self.conflicts.refresh()

    def _wire(self) -> None:
        project = self._session.project
        project.status_changed.connect(self._on_status)
        project.edited.connect(self._on_edited)
        self.files.edit_ready.connect(self._on_edit)
        self.files.restored.connect(self._on_restored)
        self.files.summary_changed.connect(self._on_summary)
        self.files.written.connect(self._on_written)
        self.conflicts.settled.connect(self._on_settled)
        self.conflict_banner.review_asked.connect(self.show_conflicts)
        self.badge.asked.connect(self.show_changes)
        self.problems.spot_chosen.connect(self._on_spot)
        self.problems.message.connect(self.message)

    @property
    def banners(self) -> tuple[Banner, ...]:
        """Those that may be shown over the picture, from above."""
        all_of_them = (self.read_only_banner, self.conflict_banner, self.shape_question)
        return tuple(banner for banner in all_of_them if banner is not None)

    def show_changes(self) -> None:
        """What will change on disk."""
        if self.changes is None:
            self.changes = ChangesDialog(self.files, self._window)
        self._bring_up(self.changes)

    def show_conflicts(self) -> None:
        """The files that another program has changed."""
        if self.conflict_dialog is None:
            self.conflict_dialog = ConflictsDialog(self.conflicts, self._window)
        self._bring_up(self.conflict_dialog)

    def write_now(self) -> None:
        """Write what lags behind; a message says how much that was."""
        self.files.write_now()

    def closing_text(self) -> str:
        """Once the project is closed, and everything written: what this session has changed on disk; "" for nothing."""
        try:
            number = self._source.count_written()
        except StudioError:
            return ""
        known = self.files.summary
        boxes = known.boxes if known.total == number and not self._stale else None
        return session_text(Changes(more=number, boxes=boxes))

    def close(self) -> None:
        """Ends the threads and takes the dialogs and banners away; docks and badge go with what holds them."""
        for model in (self.files, self.conflicts, self.found, self.past):
            model.close()
        for widget in (self.changes, self.conflict_dialog, *self.banners):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.deleteLater()

    @staticmethod
    def _bring_up(dialog: ChangesDialog | ConflictsDialog) -> None:
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _paths(self) -> list[tuple[int, str]]:
        store = self._session.store
        return [(int(i), str(store.image_path(int(i)))) for i in self._session.project.rows.ids]

    def _why_read_only(self) -> str:
        store = self._session.store
        if not store.read_only:
            return ""
        if store.owner:
            return self.tr("{0} has this project open.").format(store.owner)
        return self.tr("This project's folder cannot be written.")

    def _on_status(self, status: object) -> None:
        if isinstance(status, StoreStatus):
            self.badge.show_status(status)
            self._follow_writing(status.pending_files)
            if status.kind == "error" or self.conflicts.conflicts:
                self.conflicts.refresh()

    def _follow_writing(self, pending: int) -> None:
        """An open list of changes shows what has been written, or waits, since it was opened."""
        if pending != self._pending:
            self._pending = pending
            self._stale = True
            self._summary_timer.start()
            if self.changes is not None and self.changes.isVisible():
                self.files.refresh()

    def _on_summary(self) -> None:
        self._stale = self._summary_timer.isActive()
        self.badge.show_changed(session_text(self.files.summary))

    def _on_written(self, number: int) -> None:
        left = self._session.store.status().pending_files
        if left:
            one, many = self.tr("1 file is not written yet."), self.tr("{0} files are not written yet.")
            self.message.emit(counted(left, one, many))
        elif number:
            self.message.emit(counted(number, self.tr("1 file written."), self.tr("{0} files written.")))
        else:
            self.message.emit(self.tr("Everything is written."))

    def _on_edited(self, edit: Edit) -> None:
        for change in edit.images:
            self.shapes.notice(change.image_id, change.removed, change.added)

    def _on_edit(self, edit: Edit) -> None:
        self._session.project.push(edit)
        self.files.refresh()

    def _on_restored(self, image_ids: list[int]) -> None:
        self._session.project.reload_images(image_ids)

    def _on_settled(self, settled: Settled) -> None:
        if settled.images:
            self._session.project.reload_images(settled.images)

    def _on_spot(self, spot: Spot) -> None:
        project = self._session.project
        if project.rows.has(spot.image_id):
            project.set_current(spot.image_id)
            project.set_selection([] if spot.box_id is None else [spot.box_id])
