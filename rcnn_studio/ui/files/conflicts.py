"""Files that another program has changed: a banner that names them, and the dialog in which a person settles them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.files.banner import Banner
from rcnn_studio.ui.files.diff_view import DiffView
from rcnn_studio.ui.files.file_list import FileItem, FileList
from rcnn_studio.ui.files.words import counted, files_text, split_path, tr
from rcnn_studio.workspace.files_conflicts import ConflictsModel, Dispute, Keep, Settled

LIST_WIDTH = 300


class ConflictBanner(Banner):
    """review_asked: the person wants to see and settle them. It comes back when other files are in conflict."""

    review_asked = Signal()

    def __init__(self, model: ConflictsModel, parent: QWidget | None = None) -> None:
        super().__init__("files.conflict_banner", icon="warning", level="warning", parent=parent)
        self._model = model
        self._said: frozenset[str] = frozenset()
        self.add_buttons(
            ("files.conflict_banner.review", self.tr("Review …"), self.tr("See both versions and choose"), self._ask)
        )
        model.conflicts_changed.connect(self._on_conflicts)
        self._on_conflicts()

    def _ask(self) -> None:
        self.review_asked.emit()

    def _on_conflicts(self) -> None:
        paths = frozenset(conflict.path for conflict in self._model.conflicts)
        if paths == self._said:
            return
        self._said = paths
        first = split_path(self._model.conflicts[0].path)[0] if paths else ""
        if not paths:
            self.say("")
        elif len(paths) == 1:
            self.say(
                self.tr(
                    "{0} was changed by another program and was not overwritten. Your labels are safe in the project."
                ).format(first)
            )
        else:
            self.say(
                self.tr(
                    "{0} and {1} were changed by another program and were not overwritten. Your labels are safe in"
                    " the project."
                ).format(first, counted(len(paths) - 1, self.tr("1 more file"), self.tr("{0} more files")))
            )


class ConflictsDialog(QDialog):
    """Not modal. settled(Settled) once the choices were carried out."""

    settled = Signal(object)

    def __init__(self, model: ConflictsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.conflicts")
        self.setWindowTitle(self.tr("Changed by another program"))
        self._model = model
        self.summary = QLabel()
        self.summary.setProperty("role", "title")
        self.explanation = QLabel(wordWrap=True)
        self.explanation.setProperty("role", "muted")
        self.list = FileList("files.conflicts.list", self.tr("Files in conflict"), self._item_of, self)
        self.diff = DiffView(self.tr("Theirs, on disk"), self.tr("Mine, from the project"))
        self.mine, self.theirs = QRadioButton(self.tr("Keep mine")), QRadioButton(self.tr("Keep theirs"))
        self.all_mine = QPushButton(self.tr("Mine for all"), objectName="files.conflicts.all_mine")
        self.all_theirs = QPushButton(self.tr("Theirs for all"), objectName="files.conflicts.all_theirs")
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self.chosen = QLabel()
        self.chosen.setProperty("role", "muted")
        self.later = QPushButton(self.tr("Later"), objectName="files.conflicts.later")
        self.settle = QPushButton(self.tr("Settle"), objectName="files.conflicts.settle", default=True)
        self.settle.setProperty("role", "primary")
        self.body = self._body()
        self.nothing = EmptyState(
            "verify", self.tr("No conflicts"), self.tr("No other program has changed your dataset files.")
        )
        self._lay_out()
        self._wire()
        self.resize(1080, 680)
        self._on_conflicts()
        self._on_difference()

    def _body(self) -> QSplitter:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, 1)
        both = QHBoxLayout()
        both.addWidget(self.all_mine)
        both.addWidget(self.all_theirs)
        column.addLayout(both)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.diff, 1)
        column.addWidget(self._choices())
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(left)
        body.addWidget(right)
        body.setSizes([LIST_WIDTH, 1080 - LIST_WIDTH])
        body.setStretchFactor(1, 1)
        for n in range(2):
            body.setCollapsible(n, False)
        return body

    def _choices(self) -> QFrame:
        """Both ways, each with what it does."""
        card = QFrame()
        card.setProperty("role", "card")
        rows = QVBoxLayout(card)
        rows.setContentsMargins(12, 8, 12, 10)
        rows.setSpacing(3)
        folder = str(self._model.backups_folder)
        says = (
            (
                self.mine,
                "files.conflicts.mine",
                self.tr("Your labels are written to the file. A copy of their version is kept in {0}.").format(folder),
            ),
            (
                self.theirs,
                "files.conflicts.theirs",
                self.tr(
                    "Their file stays as it is, and the project takes over the labels in it. Your version stays in the"
                    " history and can be brought back from there."
                ),
            ),
        )
        for button, name, text in says:
            button.setObjectName(name)
            button.setAccessibleDescription(text)
            hint = QLabel(text, wordWrap=True)
            hint.setProperty("role", "muted")
            hint.setContentsMargins(22, 0, 0, 4)
            rows.addWidget(button)
            rows.addWidget(hint)
        return card

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.chosen)
        buttons.addStretch(1)
        buttons.addWidget(self.later)
        buttons.addWidget(self.settle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        layout.addWidget(self.summary)
        layout.addWidget(self.explanation)
        layout.addWidget(self.body, 1)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(self.error)
        layout.addLayout(buttons)

    def _wire(self) -> None:
        model = self._model
        model.conflicts_changed.connect(self._on_conflicts)
        model.difference_changed.connect(self._on_difference)
        model.settled.connect(self._on_settled)
        self.list.file_chosen.connect(self._on_chosen)
        self.mine.clicked.connect(self._on_mine)
        self.theirs.clicked.connect(self._on_theirs)
        self.all_mine.clicked.connect(self._on_all_mine)
        self.all_theirs.clicked.connect(self._on_all_theirs)
        self.later.clicked.connect(self.close)
        self.settle.clicked.connect(self._on_settle)

    # --- what the model says ----------------------------------------------------------------------

    def _item_of(self, value: object) -> FileItem:
        assert isinstance(value, Dispute)
        words = {"mine": (tr("mine"), "good"), "theirs": (tr("theirs"), "accent"), None: (tr("not chosen"), "warning")}
        word, tone = words[self._model.choices.get(value.path)]
        icon = "warning" if tone == "warning" else "accept"
        return FileItem(path=value.path, icon=icon, tone=tone, word=word, tip=value.message)

    def _on_conflicts(self) -> None:
        model = self._model
        count = len(model.conflicts)
        self.body.setVisible(bool(count))
        self.nothing.setVisible(not count)
        self.summary.setVisible(bool(count))
        self.explanation.setVisible(bool(count))
        self.summary.setText(self.tr("{0} changed by another program").format(files_text(count)))
        self.explanation.setText(
            self.tr(
                "What is on disk is not what this program left there, so it was not overwritten; your labels are safe"
                " in the project. Choose for each file whose version is to stay."
            )
        )
        self.list.set_values(model.conflicts)
        self._show_choice()
        done = sum(1 for conflict in model.conflicts if conflict.path in model.choices)
        self.chosen.setText(self.tr("{0} of {1} chosen").format(done, count) if count else "")
        self.settle.setEnabled(bool(done) and not model.settling)
        self.settle.setText(self.tr("Settling …") if model.settling else self.tr("Settle"))
        for button in (self.all_mine, self.all_theirs):
            button.setVisible(count > 1)

    def _show_choice(self) -> None:
        choice = self._model.choices.get(self.list.path)
        for button, keep in ((self.mine, "mine"), (self.theirs, "theirs")):
            button.setAutoExclusive(False)
            button.setChecked(choice == keep)
            button.setAutoExclusive(True)

    def _on_difference(self) -> None:
        model = self._model
        if not model.shown:
            self.diff.show_nothing()
        elif model.difference_error:
            self.diff.show_message(model.difference_error)
        elif model.difference is None:
            self.diff.show_message(self.tr("Comparing …"))
        else:
            self.diff.show_difference(model.difference)

    def _on_settled(self, result: object) -> None:
        if not isinstance(result, Settled):
            return
        self.error.setVisible(bool(result.refused))
        self.error.setText("\n".join(reason for _path, reason in result.refused))
        self.settled.emit(result)

    # --- what the person does ---------------------------------------------------------------------

    def _on_chosen(self, path: str) -> None:
        if path:
            self._model.look_at(path)
        self._show_choice()

    def _choose(self, keep: Keep) -> None:
        if self.list.path:
            self._model.choose(self.list.path, keep)

    def _on_mine(self) -> None:
        self._choose("mine")

    def _on_theirs(self) -> None:
        self._choose("theirs")

    def _on_all_mine(self) -> None:
        self._model.choose_all("mine")

    def _on_all_theirs(self) -> None:
        self._model.choose_all("theirs")

    def _on_settle(self) -> None:
        self.error.hide()
        self._model.settle()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._model.refresh()
        if self.list.path:
            self._model.look_at(self.list.path)
        self.list.setFocus()
