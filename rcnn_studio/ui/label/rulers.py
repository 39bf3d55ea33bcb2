"""Rulers beside the canvas: pixel numbers along its top and left side, and marks where the pointer is.

They stand beside the picture, never on it, and take no room while they are off. A pan or zoom draws the scale anew; a
move of the mouse paints two marks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QEvent, QLineF, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from rcnn_studio.ui import theme
from rcnn_studio.ui.label import chips
from rcnn_studio.ui.label.pointing import PointingSurface
from rcnn_studio.workspace.settings import Settings

BREADTH = 20
NUMBER_EVERY = 64
"""Logical pixels that lie between two numbers at least."""
MARK = 4
SETTING = "canvas.rulers"


def step_of(scale: float) -> int:
    """Image pixels between two numbers: 1, 2 or 5 times a power of ten. scale: logical pixels per image pixel"""
    least = NUMBER_EVERY / scale
    power = 10 ** max(0, math.floor(math.log10(least)))
    return max(1, next(power * n for n in (1, 2, 5, 10) if power * n >= least))


class Ruler(QWidget):
    """One side. upright: the left one."""

    def __init__(self, canvas: PointingSurface, *, upright: bool) -> None:
        super().__init__()
        self.setObjectName("ruler.left" if upright else "ruler.top")
        self.setAccessibleName(self.tr("Vertical ruler") if upright else self.tr("Horizontal ruler"))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._canvas, self._upright = canvas, upright
        self._scale_drawn = QPixmap()
        self._key: tuple[object, ...] = ()
        self._mark: float | None = None
        if upright:
            self.setFixedWidth(BREADTH)
        else:
            self.setFixedHeight(BREADTH)
        canvas.view_changed.connect(self.update)
        canvas.pointer_moved.connect(self._on_pointer)

    @property
    def mark(self) -> float | None:
        """Logical pixels along this ruler where the pointer is; None where it is off the canvas."""
        return self._mark

    def numbers(self) -> dict[int, float]:
        """Image pixel -> where its number stands, in logical pixels along this ruler."""
        length, scale = self._length(), self._per_pixel()
        step, start = step_of(scale), self._place(0)
        first, last = math.floor(-start / scale / step), math.ceil((length - start) / scale / step)
        return {n * step: start + n * step * scale for n in range(first, last + 1)}

    def _length(self) -> int:
        return self.height() if self._upright else self.width()

    def _per_pixel(self) -> float:
        return self._canvas.zoom / self._canvas.scene.dpr

    def _place(self, pixel: float) -> float:
        at = self._canvas.image_to_widget(pixel, pixel)
        return at.y() if self._upright else at.x()

    def _on_pointer(self, _x: float, _y: float) -> None:
        p = self._canvas.pointer
        mark = None if p is None else (p.wy if self._upright else p.wx)
        for at in (self._mark, mark):
            if at is not None:
                self.update(self._around(at))
        self._mark = mark

    def _around(self, at: float) -> QRect:
        start = math.floor(at) - MARK - 2
        long = 2 * MARK + 4
        return QRect(0, start, BREADTH, long) if self._upright else QRect(start, 0, long, BREADTH)

    def _draw_scale(self) -> None:
        """Ticks and numbers, kept until the view or the look changes."""
        dpr = self.devicePixelRatioF()
        self._scale_drawn = QPixmap(self.size() * dpr)
        self._scale_drawn.setDevicePixelRatio(dpr)
        colors = theme.colors_of(self.palette())
        self._scale_drawn.fill(QColor(colors.panel))
        painter = QPainter(self._scale_drawn)
        if self._upright:  # the same scale, lying on its side
            painter.rotate(-90)
            painter.scale(-1, 1)
        self._draw_ticks(painter, colors)
        self._draw_numbers(painter, colors)
        painter.end()

    def _draw_ticks(self, painter: QPainter, colors: theme.Colors) -> None:
        step, scale = step_of(self._per_pixel()), self._per_pixel()
        parts = next((n for n in (10, 5, 2) if step % n == 0 and step / n * scale >= 5), 1)
        lines = []
        for pixel, at in self.numbers().items():
            for part in range(parts):
                where = round(at + part * step / parts * scale) + 0.5
                tall = 8 if part == 0 else 5 if parts == 10 and part == 5 else 3
                inside = 0 <= pixel + part * step / parts <= self._extent()
                if inside:
                    lines.append(QLineF(where, BREADTH - tall, where, BREADTH))
        painter.setPen(QPen(QColor(colors.muted), 1))
        painter.drawLines(lines)
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.drawLine(QLineF(0, BREADTH - 0.5, self._length(), BREADTH - 0.5))

    def _draw_numbers(self, painter: QPainter, colors: theme.Colors) -> None:
        painter.setFont(chips.font(0.85))
        painter.setPen(QColor(colors.muted))
        for pixel, at in self.numbers().items():
            if not 0 <= pixel <= self._extent():
                continue
            area = QRectF(at + 3, 0, NUMBER_EVERY, BREADTH - 6)
            painter.save()
            if self._upright:  # turned back, so that it is not seen in a mirror
                painter.translate(area.left(), 0)
                painter.scale(-1, 1)
                area = QRectF(-NUMBER_EVERY, 0, NUMBER_EVERY, BREADTH - 6)
            side = Qt.AlignmentFlag.AlignRight if self._upright else Qt.AlignmentFlag.AlignLeft
            painter.drawText(area, int(side | Qt.AlignmentFlag.AlignVCenter), str(pixel))
            painter.restore()

    def _extent(self) -> int:
        return self._canvas.image_size[1 if self._upright else 0]

    def sizeHint(self) -> QSize:
        return QSize(BREADTH, BREADTH)

    def paintEvent(self, event: QPaintEvent) -> None:
        key = (self._canvas.scene.view, self._canvas.image_size, self.size(), self.devicePixelRatioF())
        if key != self._key:
            self._key = key
            self._draw_scale()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._scale_drawn)
        if self._mark is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.colors_of(self.palette()).accent))
            at, tip = self._mark + 0.5, BREADTH - 0.5
            points = [(at, tip), (at - MARK, tip - 6), (at + MARK, tip - 6)]
            painter.drawPolygon(QPolygonF([QPointF(y, x) if self._upright else QPointF(x, y) for x, y in points]))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._key = ()
            self.update()


class RuledCanvas(QFrame):
    """The canvas with its rulers, off at first."""

    def __init__(self, canvas: PointingSurface, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ruled_canvas")
        self.canvas = canvas
        self.top, self.left = Ruler(canvas, upright=False), Ruler(canvas, upright=True)
        self.corner = QWidget(autoFillBackground=True)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.corner, 0, 0)
        layout.addWidget(self.top, 0, 1)
        layout.addWidget(self.left, 1, 0)
        layout.addWidget(canvas, 1, 1)
        layout.setColumnStretch(1, 1)
        layout.setRowStretch(1, 1)
        self.setFocusProxy(canvas)
        self.set_rulers(False)

    def bind(self, actions: Mapping[str, QAction], settings: Settings) -> None:
        """Connect view.rulers, which is remembered."""
        action = actions["action.view.rulers"]
        action.setChecked(bool(settings.get(SETTING, action.isChecked())))
        action.toggled.connect(self.set_rulers)
        action.toggled.connect(partial(settings.set, SETTING))
        self.set_rulers(action.isChecked())

    def set_rulers(self, shown: bool) -> None:
        for widget in (self.corner, self.top, self.left):
            widget.setVisible(shown)
