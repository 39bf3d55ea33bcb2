"""The parts of the filter's popup: a titled group of switches, a range of numbers, the classes. Hold no filter."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.image_query import Range
from rcnn_studio.ui import theme
from rcnn_studio.ui.browse.chips import Chip
from rcnn_studio.ui.browse.flow import FlowLayout
from rcnn_studio.ui.swatch import swatch

MANY_CATEGORIES = 8
ROW_HEIGHT, ROWS_SHOWN = 22, 5


def heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    return label


class Switches(QWidget):
    """A line or two of chips. changed: the person has switched one; `single`: at most one is on."""

    changed = Signal()

    def __init__(
        self, choices: Sequence[tuple[Hashable, str, str]], *, single: bool = False, parent: QWidget | None = None
    ) -> None:
        """choices: (value, text, icon) of each."""
        super().__init__(parent)
        self._single = single
        self._flow = FlowLayout(self)
        self.chips: dict[Hashable, Chip] = {}
        self.set_choices(choices)

    def set_choices(self, choices: Sequence[tuple[Hashable, str, str]]) -> None:
        self._flow.clear()
        self.chips = {}
        for value, text, icon in choices:
            chip = Chip(text, icon=icon, checkable=True)
            chip.toggled.connect(self._on_toggled)
            self.chips[value] = chip
            self._flow.addWidget(chip)

    def values(self) -> list[Hashable]:
        return [value for value, chip in self.chips.items() if chip.isChecked()]

    def show_values(self, values: Collection[Hashable]) -> None:
        """Without saying that it changed."""
        for value, chip in self.chips.items():
            with QSignalBlocker(chip):
                chip.setChecked(value in values)

    def _on_toggled(self, on: bool) -> None:
        if on and self._single:
            for chip in self.chips.values():
                if chip is not self.sender():
                    with QSignalBlocker(chip):
                        chip.setChecked(False)
        self.changed.emit()


class NumberRange(QWidget):
    """From ... to ..., either end open. changed: the person has set one."""

    changed = Signal()

    def __init__(self, name: str, unit: str = "", *, most: int = 99_999, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Range | None = None
        self._low, self._high = self._field(name, unit, most), self._field(name, unit, most)
        self._low.setAccessibleName(self.tr("{0}, from").format(name))
        self._high.setAccessibleName(self.tr("{0}, to").format(name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (QLabel(self.tr("from")), self._low, QLabel(self.tr("to")), self._high):
            row.addWidget(widget, 1 if isinstance(widget, QSpinBox) else 0)

    def _field(self, name: str, unit: str, most: int) -> QSpinBox:
        field = QSpinBox(minimum=-1, maximum=most, value=-1, suffix=unit)
        field.setSpecialValueText(self.tr("any"))
        field.setKeyboardTracking(False)
        theme.pad(field)
        field.valueChanged.connect(self._on_changed)
        return field

    def value(self) -> Range | None:
        """What is asked for; as exactly as it was shown while nobody has touched it."""
        if self._shown is not None:
            return self._shown
        low, high = self._low.value(), self._high.value()
        if low < 0 and high < 0:
            return None
        return float(max(0, low)), math.inf if high < 0 else float(high)

    def _on_changed(self) -> None:
        self._shown = None
        self.changed.emit()

    def show_value(self, value: Range | None) -> None:
        """Without saying that it changed."""
        self._shown = value
        low, high = (-1.0, math.inf) if value is None else value
        for field, number in ((self._low, low), (self._high, high)):
            with QSignalBlocker(field):
                field.setValue(-1 if math.isinf(number) else round(number))


class CategoryChoice(QWidget):
    """The classes with a check mark each; a field to find one where there are many."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(placeholderText=self.tr("Find a class"))
        self.search.setAccessibleName(self.tr("Find a class"))
        self.search.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Classes"))
        self.list.setIconSize(QSize(12, 12))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        self.search.textChanged.connect(self._on_find)
        self.list.itemChanged.connect(self.changed)
        self.list.itemPressed.connect(self._on_pressed)
        self.list.itemClicked.connect(self._on_clicked)
        self._on_at_press = False

    def show_categories(self, categories: Sequence[Category], chosen: Collection[int]) -> None:
        with QSignalBlocker(self.list):
            self.list.clear()
            for category in categories:
                item = QListWidgetItem(swatch(category.color), category.name)
                item.setData(Qt.ItemDataRole.UserRole, category.id)
                item.setSizeHint(QSize(0, ROW_HEIGHT))
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if category.id in chosen else Qt.CheckState.Unchecked)
                self.list.addItem(item)
        self.search.setVisible(len(categories) > MANY_CATEGORIES)
        self.list.setFixedHeight(ROW_HEIGHT * max(1, min(ROWS_SHOWN, len(categories))))
        self._on_find(self.search.text())

    def values(self) -> frozenset[int]:
        items = [self.list.item(row) for row in range(self.list.count())]
        return frozenset(
            int(item.data(Qt.ItemDataRole.UserRole)) for item in items if item.checkState() == Qt.CheckState.Checked
        )

    def _on_clicked(self, item: QListWidgetItem) -> None:
        """A click on the name does what a click on the mark does (which Qt has done by itself already)."""
        on = item.checkState() == Qt.CheckState.Checked
        if on == self._on_at_press:
            item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def _on_pressed(self, item: QListWidgetItem) -> None:
        self._on_at_press = item.checkState() == Qt.CheckState.Checked

    def _on_find(self, text: str) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(text.strip().casefold() not in item.text().casefold())
