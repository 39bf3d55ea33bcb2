"""Editors of single settings, each with one value, one signal and a mark when it differs from the preset.

Knows no TrainConfig: form.py says which setting an editor stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from rcnn_studio.ui.theme import colors_of, pad

Choice = tuple[Any, str]


class WheelGuard(QObject):
    """Lets the wheel scroll the panel instead of changing a value that merely lies under the pointer."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class ChangedDot(QAbstractButton):
    """A dot beside a setting that differs from the preset; a click takes the preset's value back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(16, 20)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_changed(False, "", "")

    def show_changed(self, changed: bool, label: str, preset_value: str) -> None:
        """Show or hide the dot; it keeps its place either way."""
        self.setEnabled(changed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if changed else Qt.FocusPolicy.NoFocus)
        text = self.tr("Changed; the preset says {0}. Click to take that back.").format(preset_value) if changed else ""
        self.setToolTip(text)
        self.setAccessibleName(self.tr("Reset {0} to {1}").format(label, preset_value) if changed else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.isEnabled():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QColor(colors_of(self.palette()).accent)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse() or self.hasFocus():
            halo = QColor(accent)
            halo.setAlpha(70)
            painter.setBrush(halo)
            painter.drawEllipse(QPointF(8, 10), 7, 7)
        painter.setBrush(accent)
        painter.drawEllipse(QPointF(8, 10), 3.5, 3.5)

    def sizeHint(self) -> QSize:
        return QSize(16, 20)


class Editor(QWidget):
    """One value. `edited` is emitted when the person changes it, never by set_value."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._guard = WheelGuard(self)
        self._quiet = False
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)

    def value(self) -> Any:
        """The value; raises ValueError with the end of a sentence ("is no number") where there is none."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `edited`."""
        self._quiet = True
        self._show(value)
        self._quiet = False

    def text_of(self, value: Any) -> str:
        """A value as the person reads it."""
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _show(self, value: Any) -> None:
        raise NotImplementedError

    def _add(self, widget: QWidget, stretch: int = 1) -> None:
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(self._guard)
        self._row.addWidget(widget, stretch)
        if self.focusProxy() is None:
            self.setFocusProxy(widget)

    def _on_edited(self, *_: object) -> None:
        if not self._quiet:
            self.edited.emit()


def narrow(combo: QComboBox) -> QComboBox:
    """Let a combo box be narrower than its longest entry, so that a panel of 300 pixels clips nothing."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


class ChoiceEditor(Editor):
    """One of a few; a value that is none of them is added, so that nothing a preset says is lost."""

    def __init__(self, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.combo = narrow(QComboBox())
        for value, text in choices:
            self.combo.addItem(text, value)
        self.combo.currentIndexChanged.connect(self._on_edited)
        self._add(self.combo)

    def value(self) -> Any:
        return self.combo.currentData()

    def text_of(self, value: Any) -> str:
        place = self.combo.findData(value)
        return self.combo.itemText(place) if place >= 0 else str(value)

    def _show(self, value: Any) -> None:
        place = self.combo.findData(value)
        if place < 0:
            self.combo.addItem(str(value), value)
            place = self.combo.count() - 1
        self.combo.setCurrentIndex(place)


class WholeEditor(Editor):
    """A whole number in a range, with its unit."""

    def __init__(self, low: int, high: int, *, unit: str = "", step: int = 1, zero: str = "") -> None:
        super().__init__()
        self.spin = QSpinBox(minimum=low, maximum=high, singleStep=step, suffix=f" {unit}" if unit else "")
        pad(self.spin)
        self.spin.setSpecialValueText(zero)
        self.spin.setKeyboardTracking(False)
        self.spin.valueChanged.connect(self._on_edited)
        self._add(self.spin)

    def value(self) -> int:
        return self.spin.value()

    def text_of(self, value: Any) -> str:
        return (
            self.spin.specialValueText() or str(value)
            if value == self.spin.minimum()
            else f"{value}{self.spin.suffix()}"
        )

    def _show(self, value: Any) -> None:
        self.spin.setValue(int(value))


class RealEditor(Editor):
    """A number of any size, typed as people write it (0.0007 or 7e-4); `zero` names what 0 means."""

    def __init__(self, *, hint: str = "", zero: str = "") -> None:
        super().__init__()
        self._zero = zero
        self._shown: tuple[str, float] = ("", 0.0)
        self.line = QLineEdit(placeholderText=hint)
        self.line.textEdited.connect(self._on_edited)
        self._add(self.line)

    def value(self) -> float:
        text = self.line.text().strip().replace(",", ".")
        if text == self._shown[0]:
            return self._shown[1]
        try:
            number = float(text)
        except ValueError as error:
            raise ValueError(self.tr("'{0}' is no number").format(text)) from error
        if not math.isfinite(number):
            raise ValueError(self.tr("'{0}' is no finite number").format(text))
        return number

    def text_of(self, value: Any) -> str:
        return self._zero if self._zero and not value else f"{value:g}"

    def _show(self, value: Any) -> None:
        self._shown = (f"{value:g}", float(value))
        self.line.setText(self._shown[0])


class NumbersEditor(Editor):
    """Several numbers, with commas or spaces between them. -> a tuple of floats"""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.textEdited.connect(self._on_edited)
        self._add(self.line)

    def value(self) -> tuple[float, ...]:
        parts = self.line.text().replace(",", " ").replace(";", " ").split()
        try:
            return tuple(float(part) for part in parts)
        except ValueError as error:
            raise ValueError(self.tr("'{0}' is no list of numbers").format(self.line.text())) from error

    def text_of(self, value: Any) -> str:
        return ", ".join(f"{number:g}" for number in value)

    def _show(self, value: Any) -> None:
        self.line.setText(self.text_of(value))


class TextEditor(Editor):
    """A word."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.textEdited.connect(self._on_edited)
        self._add(self.line)

    def value(self) -> str:
        return self.line.text().strip()

    def _show(self, value: Any) -> None:
        self.line.setText(str(value))


class SwitchEditor(Editor):
    """On or off."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.box = QCheckBox(text)
        self.box.toggled.connect(self._on_edited)
        self._add(self.box)

    def value(self) -> bool:
        return self.box.isChecked()

    def text_of(self, value: Any) -> str:
        return self.tr("on") if value else self.tr("off")

    def _show(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class WeightsEditor(Editor):
    """Where the first weights come from: nowhere, a download, an earlier run, a file of the person's own."""

    _ASK = object()

    def __init__(self) -> None:
        super().__init__()
        self.combo = narrow(QComboBox())
        self._runs: tuple[Choice, ...] = ()
        self._value = "none"
        self.combo.activated.connect(self._on_activated)
        self.combo.currentIndexChanged.connect(self._on_index)
        self._add(self.combo)
        self._fill()

    def set_runs(self, runs: Sequence[Choice]) -> None:
        """(weights value, title) of the runs to start from, newest first."""
        if tuple(runs) != self._runs:
            self._runs = tuple(runs)
            self.set_value(self._value)

    def value(self) -> str:
        return self._value

    def text_of(self, value: Any) -> str:
        place = self.combo.findData(value)
        return self.combo.itemText(place) if place >= 0 else Path(str(value)).name

    def _show(self, value: Any) -> None:
        self._value = str(value)
        self._fill()

    def _fill(self) -> None:
        self._quiet, before = True, self._quiet
        self.combo.clear()
        self.combo.addItem(self.tr("Random weights"), "none")
        self.combo.addItem(self.tr("ImageNet (download)"), "imagenet")
        self.combo.addItem(self.tr("COCO (download)"), "coco")
        self.combo.addItem(self.tr("Last run"), "run:last")
        for value, title in self._runs:
            self.combo.addItem(self.tr("Run {0}").format(title), value)
        if self.combo.findData(self._value) < 0:
            self.combo.addItem(Path(self._value).name, self._value)
            self.combo.setItemData(self.combo.count() - 1, self._value, Qt.ItemDataRole.ToolTipRole)
        self.combo.addItem(self.tr("File ..."), self._ASK)
        self.combo.setCurrentIndex(self.combo.findData(self._value))
        self._quiet = before

    def _on_index(self, place: int) -> None:
        chosen = self.combo.itemData(place)
        if not self._quiet and isinstance(chosen, str) and chosen != self._value:
            self._value = chosen
            self.edited.emit()

    def _on_activated(self, place: int) -> None:
        if isinstance(self.combo.itemData(place), str):
            return
        path, _kind = QFileDialog.getOpenFileName(
            self, self.tr("Weights to start from"), "", self.tr("Weights (*.safetensors *.pth *.pt)")
        )
        changed = bool(path) and path != self._value
        self.set_value(path or self._value)
        if changed:
            self.edited.emit()
