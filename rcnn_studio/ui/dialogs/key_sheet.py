"""The sheet of all keys (F1): in columns by subject, as the keys are bound now. Changes none of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.actions import shown_keys
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.actions.subjects import SheetRow, sheet

COLUMN_WIDTH = 330
LARGEST = (1420, 940)
MARGIN = 48


class KeySheet(QDialog):
    """Every action with its keys, with a filter. Stays open beside the work, and follows changed keys."""

    edit_requested = Signal()

    def __init__(self, actions: dict[str, QAction], keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("key_sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("All keys"))
        self._actions, self._keymap = actions, keymap
        self.filter = QLineEdit(placeholderText=self.tr("Find an action or a key"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.tr("Find an action or a key"))
        self.filter.setMaximumWidth(360)
        edit = QPushButton(self.tr("Change keys …"))
        edit.setAutoDefault(False)
        edit.clicked.connect(self.edit_requested)
        self.keyless = QCheckBox(self.tr("Also what has no key"), objectName="key_sheet.keyless")
        self.keyless.toggled.connect(self.fill)
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(self.filter, 1)
        head.addWidget(self.keyless)
        head.addStretch(1)
        head.addWidget(edit)
        self.sections: list[KeySection] = []
        self._columns: list[QVBoxLayout] = []
        self.scroll_area = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._nothing = QLabel(self.tr("No action and no key is called that."), alignment=Qt.AlignmentFlag.AlignCenter)
        self._nothing.setProperty("role", "muted")
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self._nothing)
        layout.addWidget(self.scroll_area, 1)
        self.filter.textChanged.connect(self._on_filter)
        keymap.changed.connect(self.fill)
        self._fit_screen()
        self.fill()

    def fill(self) -> None:
        """Show the keys as they are now."""
        self.sections = [KeySection(title, rows) for title, rows in sheet(self._actions)]
        self.sections.append(KeySection(self.tr("Mouse"), self._mouse()))
        self._lay_out(self._column_count())
        self._on_filter(self.filter.text())

    def _mouse(self) -> list[SheetRow]:
        zoom, scroll = self.tr("Wheel"), self.tr("Shift+wheel")
        if self._keymap.wheel == "scroll":
            zoom, scroll = self.tr("Ctrl+wheel"), self.tr("Wheel")
        verify = self._actions["action.image.verify"]
        held = shown_keys(verify)
        pan = (self.tr("Middle drag"), *([self.tr("{0} held + drag").format(held[0])] if held else []))
        rows = (
            (self.tr("Draw"), (self.tr("Drag"), self.tr("Click, click"))),
            (self.tr("Zoom at the pointer"), (zoom,)),
            (self.tr("Scroll"), (scroll,)),
            (self.tr("Drag the view"), pan),
            (self.tr("Select several boxes"), (self.tr("Ctrl+click"), self.tr("Drag a frame"))),
            (self.tr("Square; from the centre"), (self.tr("Shift"), self.tr("Alt"))),
        )
        return [SheetRow(text=text, tip="", keys=keys, ids=()) for text, keys in rows]

    def _fit_screen(self) -> None:
        screen = self.screen().availableGeometry()
        self.resize(min(LARGEST[0], screen.width() - MARGIN), min(LARGEST[1], screen.height() - 2 * MARGIN))

    def _column_count(self) -> int:
        return max(1, (self.width() - 40) // COLUMN_WIDTH)

    def _lay_out(self, count: int) -> None:
        """The sections in order, into columns of about the same height."""
        content, row = QWidget(), QHBoxLayout()
        row.setSpacing(28)
        row.setContentsMargins(4, 4, 12, 8)
        content.setLayout(row)
        self._columns = [QVBoxLayout() for _ in range(count)]
        lines = [2 + (len(part.rows) if self.keyless.isChecked() else part.keyed) for part in self.sections]
        for section, column in zip(self.sections, divided(lines, count), strict=True):
            self._columns[column].addWidget(section)
        for column in self._columns:
            column.setSpacing(16)
            column.addStretch(1)
            row.addLayout(column, 1)
        before = self.scroll_area.takeWidget()
        self.scroll_area.setWidget(content)
        if before is not None:
            before.deleteLater()

    def _on_filter(self, text: str) -> None:
        words = text.casefold().split()
        keyless = bool(words) or self.keyless.isChecked()
        found = [section.show_matching(words, keyless=keyless) for section in self.sections]
        self._nothing.setVisible(not any(found))

    # --- Qt ---------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._columns and len(self._columns) != self._column_count():
            self._lay_out(self._column_count())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.sections:
            self._lay_out(self._column_count())


class KeySection(QWidget):
    """A heading with its rows."""

    def __init__(self, title: str, rows: list[SheetRow]) -> None:
        super().__init__()
        self._title = title
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(0, 1)
        grid.addWidget(heading, 0, 0, 1, 2)
        self.rows: list[tuple[SheetRow, QLabel, QWidget]] = []
        for number, row in enumerate(rows, start=1):
            text, caps = QLabel(row.text, wordWrap=True), _caps(row.keys)
            text.setToolTip(row.tip)
            text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            if not row.keys:
                text.setProperty("role", "muted")
            grid.addWidget(text, number, 0)
            grid.addWidget(caps, number, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.rows.append((row, text, caps))

    @property
    def keyed(self) -> int:
        """Rows with a key."""
        return sum(bool(row.keys) for row, _text, _caps in self.rows)

    def show_matching(self, words: list[str], *, keyless: bool) -> bool:
        """Show the rows that hold every word, in their text, tip, heading or keys. -> whether there are any"""
        found = False
        for row, text, caps in self.rows:
            place = " ".join([self._title, row.text, row.tip, *row.keys]).casefold()
            fits = all(word in place for word in words) and (keyless or bool(row.keys))
            text.setVisible(fits)
            caps.setVisible(fits)
            found = found or fits
        self.setVisible(found)
        return found


def divided(lines: list[int], columns: int) -> list[int]:
    """The column of each section, in order, so that the longest column is as short as it can be. lines: lengths"""
    for capacity in range(max(lines, default=0), sum(lines) + 1):
        places, at, used = [], 0, 0
        for length in lines:
            if used + length > capacity:
                at, used = at + 1, 0
            used += length
            places.append(at)
        if at < columns:
            return places
    return [0] * len(lines)


def _caps(keys: tuple[str, ...]) -> QWidget:
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    for key in keys:
        cap = QLabel(key)
        cap.setProperty("role", "key")
        line.addWidget(cap)
    return holder
