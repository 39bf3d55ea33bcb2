"""The legend of a plot: one switch a curve, with its line as drawn and its value at the pointer. Keeps no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QWidget

from rcnn_studio.ui.theme import Colors, colors_of

SAMPLE_WIDTH = 20
GAP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveStyle:
    """How a curve looks, in light and dark; dashes in multiples of its width. key: its technical name."""

    key: str
    title: str
    light: str
    dark: str
    width: float
    dashes: tuple[float, ...] = ()
    symbol: str = ""

    def color(self, colors: Colors) -> str:
        return self.dark if colors.dark else self.light


class LegendEntry(QAbstractButton):
    """Checked while its curve is shown."""

    def __init__(self, style: CurveStyle, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = style
        self._value = ""
        self.setText(style.title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setToolTip(hint)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_value("")

    @property
    def value(self) -> str:
        return self._value

    def set_value(self, value: str) -> None:
        """The read-out beside the name; empty for none."""
        if value != self._value or not self.accessibleName():
            self._value = value
            self.setAccessibleName(f"{self.text()} {value}".strip())
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colors = colors_of(self.palette())
        shown = self.isChecked()
        area = QRectF(self.rect())
        if self.underMouse() or self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(colors.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.hover))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        self._paint_sample(painter, QColor(self._style.color(colors) if shown else colors.border_strong), area)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText) if shown else QColor(colors.muted))
        room = area.adjusted(4 + SAMPLE_WIDTH + GAP, 0, -4, 0)
        metrics = self.fontMetrics()
        value_width = metrics.horizontalAdvance(self._value) if shown else 0
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room.width()) - value_width - GAP)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        if shown:
            painter.setPen(QColor(colors.muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._value)

    def _paint_sample(self, painter: QPainter, color: QColor, area: QRectF) -> None:
        pen = QPen(color, max(2.0, self._style.width))
        if self._style.dashes:
            pen.setDashPattern(list(self._style.dashes))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        middle = area.center().y()
        painter.drawLine(QPointF(4, middle), QPointF(4 + SAMPLE_WIDTH, middle))
        if self._style.symbol:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            spot = QRectF(4 + SAMPLE_WIDTH / 2 - 3.5, middle - 3.5, 7, 7)
            painter.drawEllipse(spot) if self._style.symbol == "o" else painter.drawRect(spot)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = 8 + SAMPLE_WIDTH + 2 * GAP + metrics.horizontalAdvance(self.text() + "0.000")
        return QSize(width, metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(8 + SAMPLE_WIDTH + 2 * GAP + metrics.horizontalAdvance("0.000"), metrics.height() + 6)


class Legend(QWidget):
    """The entries in as many columns as fit, so that a plot keeps the height."""

    shown_changed = Signal()

    def __init__(self, styles: Sequence[CurveStyle], hints: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries = [LegendEntry(style, hint) for style, hint in zip(styles, hints, strict=True)]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(4)
        self._grid.setVerticalSpacing(0)
        self._columns = 0
        for entry in self.entries:
            entry.toggled.connect(self._on_toggled)
        self._place(min(2, len(self.entries)))

    def set_values(self, values: Sequence[str]) -> None:
        for entry, value in zip(self.entries, values, strict=True):
            entry.set_value(value)

    def shown(self, number: int) -> bool:
        return self.entries[number].isChecked()

    @property
    def rows(self) -> int:
        return -(-len(self.entries) // max(1, self._columns))

    def _place(self, columns: int) -> None:
        if columns != self._columns:
            self._columns = columns
            for number, entry in enumerate(self.entries):
                self._grid.addWidget(entry, number // columns, number % columns)
            widths = self._widths(columns)
            for column in range(len(self.entries)):
                self._grid.setColumnStretch(column, widths[column] if column < columns else 0)
            self.updateGeometry()

    def _widths(self, columns: int) -> list[int]:
        """Width of each column when there are so many."""
        widths = [entry.sizeHint().width() for entry in self.entries]
        return [max(widths[column::columns]) for column in range(columns)]

    def _fitting(self, room: int) -> int:
        """Most columns that a width has room for."""
        for columns in range(len(self.entries), 1, -1):
            if sum(self._widths(columns)) + (columns - 1) * self._grid.horizontalSpacing() <= room:
                return columns
        return 1

    def _on_toggled(self, _on: bool) -> None:
        self.shown_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self._fitting(self.width()))
