"""What changes on disk, and what has changed there: the files, the difference of the one looked at, its earlier
versions, and what can be done. It reads and writes through the model only."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.files.diff_view import DiffView
from rcnn_studio.ui.files.file_list import FileItem, FileList
from rcnn_studio.ui.files.scope_switch import ScopeSwitch
from rcnn_studio.ui.files.versions import VersionsList
from rcnn_studio.ui.files.words import boxes_text, changes_text, counted, moment_text, tr
from rcnn_studio.workspace.files import ChangedFile, FilesModel, Shown, Version

LIST_WIDTH = 330


class ChangesDialog(QDialog):
    """Not modal: labelling goes on while it is open. edit_ready(Edit): to be pushed on the undo stack;
    restored(ids): images whose labels are others now."""

    edit_ready = Signal(object)
    restored = Signal(list)

    def __init__(self, model: FilesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.changes")
        self.setWindowTitle(self.tr("What changes on disk"))
        self._model = model
        self._focused = False
        self.summary = QLabel()
        self.summary.setProperty("role", "title")
        self.explanation = QLabel(wordWrap=True)
        self.explanation.setProperty("role", "muted")
        self.scope = ScopeSwitch()
        self.filter = QLineEdit(placeholderText=self.tr("Filter files"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.tr("Filter files"))
        self.list = FileList("files.changes.list", self.tr("Changed files"), _item_of, self)
        self.diff = DiffView(self.tr("Before"), self.tr("After"))
        self.versions = VersionsList(self)
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self.restore = QPushButton(self.tr("Restore this file as it was"), objectName="files.changes.restore")
        self.later = QPushButton(self.tr("Later"), objectName="files.changes.later")
        self.write = QPushButton(self.tr("Write now"), objectName="files.changes.write", default=True)
        self.write.setProperty("role", "primary")
        self.pages = QStackedWidget()
        self.nothing = EmptyState("verify", "", "")
        self.pages.addWidget(self._body())
        self.pages.addWidget(self.nothing)
        self._lay_out()
        self._wire()
        self.resize(1120, 700)
        self._on_changes()
        self._on_difference()

    def _body(self) -> QWidget:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.filter)
        column.addWidget(self.list, 1)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.diff)
        right.addWidget(self.versions)
        right.setSizes([460, 150])
        right.setCollapsible(0, False)
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(left)
        body.addWidget(right)
        body.setSizes([LIST_WIDTH, 1120 - LIST_WIDTH])
        body.setCollapsible(0, False)
        body.setCollapsible(1, False)
        body.setStretchFactor(1, 1)
        return body

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.restore)
        buttons.addStretch(1)
        buttons.addWidget(self.later)
        buttons.addWidget(self.write)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self.summary, 1)
        head.addWidget(self.scope)
        layout.addLayout(head)
        layout.addWidget(self.explanation)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.error)
        layout.addLayout(buttons)

    def _wire(self) -> None:
        model = self._model
        model.changes_changed.connect(self._on_changes)
        model.difference_changed.connect(self._on_difference)
        model.versions_changed.connect(self._on_versions)
        model.failed.connect(self._on_failed)
        model.restored.connect(self.restored)
        model.edit_ready.connect(self.edit_ready)
        self.scope.chosen.connect(model.set_scope)
        self.list.file_chosen.connect(self._on_chosen)
        self.filter.textChanged.connect(self._on_filter)
        self.versions.version_chosen.connect(self._on_version)
        self.versions.restore_asked.connect(self._on_restore_version)
        self.restore.clicked.connect(self._on_restore)
        self.later.clicked.connect(self.close)
        self.write.clicked.connect(self._on_write)

    # --- what the model says ----------------------------------------------------------------------

    def _on_changes(self) -> None:
        changes = self._model.changes
        self.pages.setCurrentIndex(1 if self._model.loaded and not changes.total else 0)
        self.scope.show_scope(self._model.scope)
        self._show_nothing()
        self.explanation.setVisible(bool(changes.total))
        self.summary.setText(changes_text(changes) if changes.total else "")
        self.explanation.setText(self._explained())
        self._on_filter(self.filter.text())
        if changes.total and not self._focused:
            self._focused = True
            self.list.setFocus()
        waiting = changes.waiting > 0 and not self._model.read_only
        self.write.setEnabled(waiting)
        self.write.setText(self.tr("Write now") if changes.waiting != 1 else self.tr("Write it now"))
        self.later.setText(self.tr("Later") if waiting else self.tr("Close"))
        self.restore.setVisible(bool(changes.total))
        self._enable()

    def _explained(self) -> str:
        changes = self._model.changes
        waiting = changes.waiting
        written = changes.total - waiting
        parts = [self.tr("Every edit is saved in the project already.")]
        if self._model.read_only:
            parts.append(self.tr("The project is read-only here, so nothing is written."))
        elif waiting:
            one = self.tr("1 file is still to be written, at the latest when the project is closed.")
            many = self.tr("{0} files are still to be written, at the latest when the project is closed.")
            parts.append(counted(waiting, one, many))
        if written:
            parts.append(self._said_of_written(written, ever=changes.scope == "ever"))
        if changes.more:
            parts.append(self.tr("The first {0} are listed.").format(f"{len(changes.files):,}"))
        return " ".join(parts)

    def _said_of_written(self, written: int, *, ever: bool) -> str:
        if ever:
            one = self.tr("1 file was written since the beginning; its first and its last ten versions are kept.")
            many = self.tr(
                "{0} files were written since the beginning; of each the first and the last ten versions are kept."
            )
        else:
            one = self.tr("1 file was written since the project was opened.")
            many = self.tr("{0} files were written since the project was opened.")
        return counted(written, one, many)

    def _show_nothing(self) -> None:
        hint = self.tr("Draw or move a box: what it changes in your dataset files is shown here, line by line.")
        session = self._model.changes.scope == "session"
        none, never = self.tr("No file has changed in this session"), self.tr("No file has ever been changed")
        earlier = self.tr("What earlier sessions have changed is listed under Since the beginning.")
        self.nothing.set_texts(none if session else never, f"{hint}\n{earlier}" if session else hint, "")

    def _on_filter(self, text: str) -> None:
        wanted = text.strip().casefold()
        self.list.set_values([f for f in self._model.changes.files if wanted in f.path.casefold()])
        if not self.list.path and self._model.shown is not None:
            self._model.look_away()

    def _on_difference(self) -> None:
        model = self._model
        if model.shown is None:
            self.diff.show_nothing()
        elif model.difference_error:
            self.diff.show_message(model.difference_error)
        elif model.difference is None:
            self.diff.show_message(self.tr("Comparing …"))
        else:
            self.diff.set_titles(*self._titles(model.shown))
            self.diff.show_difference(model.difference)
        self._enable()

    def _titles(self, shown: Shown) -> tuple[str, str]:
        if shown.version is None:
            new = any(file.new and file.path == shown.path for file in self._model.changes.files)
            return self.tr("Before: the file did not exist") if new else self.tr("Before"), self.tr("After")
        if shown.version.kind == "absent":
            return self.tr("The file did not exist"), self.tr("The file now")
        return self.tr("Version of {0}").format(moment_text(shown.version.time)), self.tr("The file now")

    def _on_versions(self) -> None:
        self.versions.set_versions(self._model.versions)

    def _on_failed(self, message: str) -> None:
        self.error.setText(message)
        self.error.show()

    def _enable(self) -> None:
        self.restore.setEnabled(bool(self.list.path) and not self._model.read_only)
        self.restore.setToolTip(self.tr("Takes back what changed in this file. It can be undone."))
        self.versions.set_read_only(self._model.read_only)

    # --- what the person does ---------------------------------------------------------------------

    def _on_chosen(self, path: str) -> None:
        if path:
            self._model.look_at(path)
        else:
            self._model.look_away()

    def _on_version(self, version: object) -> None:
        if self.list.path:
            self._model.look_at(self.list.path, version if isinstance(version, Version) else None)

    def _on_restore(self) -> None:
        self.error.hide()
        if self.list.path:
            self._model.take_back(self.list.path)

    def _on_restore_version(self, version: object) -> None:
        self.error.hide()
        if isinstance(version, Version):
            self._model.restore(version)

    def _on_write(self) -> None:
        self.error.hide()
        self._model.write_now()

    # --- Qt ---------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.error.hide()
        self._focused = False
        self._model.set_scope(None)


def _item_of(value: object) -> FileItem:
    assert isinstance(value, ChangedFile)
    boxes = boxes_text(value.boxes) if value.boxes is not None else ""
    if value.kind == "failed":
        return FileItem(path=value.path, icon="error", tone="bad", word=tr("not written"), tip=value.message)
    if value.kind == "waiting":
        word = _word(value, boxes or tr("to write"))
        return FileItem(path=value.path, icon="write-back", tone="warning", word=word, tip=_tip(value))
    if value.same:
        tip = tr("Its last version is byte for byte the one from before.")
        return FileItem(path=value.path, icon="accept", tone="muted", word=tr("as it was"), tip=tip)
    word = _word(value, boxes or tr("written"))
    return FileItem(path=value.path, icon="accept", tone="good", word=word, tip=_tip(value))


def _word(value: ChangedFile, text: str) -> str:
    return tr("new, {0}").format(text) if value.new else text


def _tip(value: ChangedFile) -> str:
    return tr("The file did not exist before.") if value.new else ""
