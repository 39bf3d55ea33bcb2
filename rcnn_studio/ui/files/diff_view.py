"""Two versions of a file side by side, or one below the other. It shows rows that somebody else has made."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    Qt,
)
from PySide6.QtGui import (
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QScrollBar,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.files.diff_rows import PAD, DiffDelegate, DiffModel, row_text
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.workspace.files_diff import Difference, Row, unified


class DiffView(QWidget):
    """One difference with its head: how many places, next and previous, side by side or not. F7 goes to the next
    place, Shift+F7 to the one before; Ctrl+C copies the selected rows as a patch has them."""

    def __init__(self, before: str, after: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.diff")
        self._difference: Difference | None = None
        self.model = DiffModel(self)
        self.delegate = DiffDelegate(self)
        self.places = QLabel()
        self.places.setProperty("role", "muted")
        self.previous = IconButton("arrow-up", self.tr("Previous change (Shift+F7)"))
        self.next = IconButton("arrow-down", self.tr("Next change (F7)"))
        self.split = QToolButton(text=self.tr("Side by side"), checkable=True, checked=True)
        self.split.setToolTip(self.tr("Both versions beside each other, or what was above what is"))
        self._names = (before, after)
        self.before, self.after = QLabel(before), QLabel(after)
        self.view = self._list()
        self.across = QScrollBar(Qt.Orientation.Horizontal)
        self.note = QLabel(wordWrap=True)
        self.note.setProperty("role", "warning")
        self.note.setContentsMargins(10, 5, 10, 5)
        self.message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.message.setProperty("role", "muted")
        self.nothing = EmptyState("table", self.tr("No file chosen"), self.tr("Choose a file to see what differs."))
        self.pages = QStackedWidget()
        body = QWidget()
        for page in (body, self.message, self.nothing):
            self.pages.addWidget(page)
        self._lay_out(body)
        self.previous.clicked.connect(self._on_previous)
        self.next.clicked.connect(self._on_next)
        self.split.toggled.connect(self._on_split)
        self.across.valueChanged.connect(self._on_across)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view, self.copy)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        for keys, slot in (("F7", self._on_next), ("Shift+F7", self._on_previous)):
            shortcut = QShortcut(QKeySequence(keys), self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.show_nothing()

    def _list(self) -> QListView:
        view = QListView()
        view.setModel(self.model)
        view.setItemDelegate(self.delegate)
        view.setUniformItemSizes(True)
        view.setAccessibleName(self.tr("Differences"))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.delegate.use_font_of(view.font())
        return view

    def _lay_out(self, body: QWidget) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(10, 5, 6, 5)
        head.addWidget(self.places, 1)
        for widget in (self.previous, self.next, self.split):
            head.addWidget(widget)
        titles = QHBoxLayout()
        titles.setContentsMargins(10, 0, 10, 3)
        for label in (self.before, self.after):
            label.setProperty("role", "muted")
            titles.addWidget(label, 1)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(titles)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.across)
        layout.addWidget(self.note)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)

    # --- doors ------------------------------------------------------------------------------------

    def show_difference(self, difference: Difference) -> None:
        self._difference = difference
        if difference.binary:
            self.show_message(self.tr("This file is no text, so its versions are not shown."))
        elif not difference.rows:
            self.show_message(self.tr("Both versions are the same, byte for byte."))
        else:
            self._fill()
            self.pages.setCurrentIndex(0)
            self._on_next()

    def set_titles(self, before: str, after: str) -> None:
        """What the two versions are called."""
        self._names = (before, after)

    def show_message(self, text: str) -> None:
        """A sentence in the place of a difference."""
        self.model.set_rows(())
        self.message.setText(text)
        self.pages.setCurrentWidget(self.message)

    def show_nothing(self) -> None:
        self.model.set_rows(())
        self.pages.setCurrentWidget(self.nothing)

    @property
    def text(self) -> str:
        """All rows that are shown, as a patch has them."""
        return "\n".join(row_text(row) for row in self.model.rows)

    def copy(self) -> None:
        """Put the selected rows on the clipboard, all of them where none is selected."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        shown = [self.model.rows[n] for n in rows] or self.model.rows
        QGuiApplication.clipboard().setText("\n".join(row_text(row) for row in shown))

    # --- inside -----------------------------------------------------------------------------------

    def _fill(self) -> None:
        difference = self._difference
        if difference is None:
            return
        split = self.split.isChecked()
        self.delegate.split = split
        rows = difference.rows if split else unified(difference.rows)
        numbers = [line.number for row in rows for line in (row.left, row.right) if line is not None]
        self.delegate.digits = max(3, len(str(max(numbers, default=0))))
        self.model.set_rows(rows)
        one, many = self.tr("1 place differs"), self.tr("{0} places differ").format(difference.places)
        self.places.setText(one if difference.places == 1 else many)
        self.note.setVisible(bool(difference.capped))
        self.note.setText(
            self.tr("There is more: only what differs before line {0} is shown. The file itself is written whole.")
            .format(f"{difference.capped:,}")
        )  # fmt: skip
        for label, name, sign in ((self.before, self._names[0], "−"), (self.after, self._names[1], "+")):
            label.setText(name if split else f"{sign}  {name}")
        self._measure()

    def _measure(self) -> None:
        """The scroll bar below: how far the longest line reaches out of its half."""
        letter = self.delegate.metrics.horizontalAdvance("0")
        lines = [line.text for row in self.model.rows for line in (row.left, row.right) if line is not None]
        longest = max((len(text) + 3 * text.count("\t") for text in lines), default=0)
        room = self.delegate.text_room(self.view.viewport().width())
        over = max(0, round(longest * letter) - room + PAD)
        self.across.setRange(0, over)
        self.across.setPageStep(max(1, room))
        self.across.setSingleStep(round(4 * letter))
        self.across.setVisible(over > 0)

    def _starts(self) -> list[int]:
        """The first row of each place."""
        rows = self.model.rows
        changed = [row.kind not in ("same", "gap") for row in rows]
        return [n for n, is_change in enumerate(changed) if is_change and not (n and changed[n - 1])]

    def _go_to(self, place: int) -> None:
        index = self.model.index(place)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        self._bring_into_view(self.model.rows[place])

    def _bring_into_view(self, row: Row) -> None:
        """Push long lines so that what differs in this row is seen."""
        line = next((line for line in (row.right, row.left) if line is not None and line.spans), None)
        if line is None:
            return
        letter, (begin, end) = self.delegate.metrics.horizontalAdvance("0"), line.spans[0]
        room = self.delegate.text_room(self.view.viewport().width())
        left, right = round(begin * letter), round(end * letter)
        if not self.across.value() <= left <= right <= self.across.value() + room:
            self.across.setValue(left - room // 2 if right > room else 0)

    def _on_next(self) -> None:
        at = self.view.currentIndex().row()
        self._step(next((n for n in self._starts() if n > at), None))

    def _on_previous(self) -> None:
        at = self.view.currentIndex().row()
        self._step(next((n for n in reversed(self._starts()) if n < at), None))

    def _step(self, place: int | None) -> None:
        if place is not None:
            self._go_to(place)

    def _on_split(self, _on: bool) -> None:
        self._fill()
        self._on_next()

    def _on_across(self, value: int) -> None:
        self.delegate.shift = value
        self.view.viewport().update()

    # --- Qt ---------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.delegate.use_font_of(self.view.font())
            self._measure()
        super().changeEvent(event)
