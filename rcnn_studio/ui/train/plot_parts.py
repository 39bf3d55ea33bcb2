"""The pyqtgraph side of the plots: a themed surface, curves and markers. Loaded when a plot is first seen.

Holds no data and decides no ranges; plots.py does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from rcnn_studio.ui.theme import Colors
from rcnn_studio.ui.train.curves import Floats

AXIS_FONT_PX = 11
LEFT_AXIS_WIDTH, BOTTOM_AXIS_HEIGHT = 40, 20
AXES = ("bottom", "left")


def pen_of(color: str, width: float, dashes: Sequence[float] = (), *, alpha: int = 255) -> QPen:
    """A cosmetic pen; dashes in multiples of its width, none for a solid line."""
    tint = QColor(color)
    tint.setAlpha(alpha)
    pen = QPen(tint, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashes:
        pen.setDashPattern(list(dashes))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


class WholeAxis(pg.AxisItem):
    """An axis of counted things: ticks at whole numbers only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        wanted = super().tickSpacing(low, high, size) or []
        whole = sorted({max(1.0, float(round(spacing))) for spacing, _offset in wanted}, reverse=True)
        return [(spacing, 0.0) for spacing in whole]


class Surface(pg.PlotWidget):
    """Axes and curves; what the axes count stands in the plot's title, because the height is the curves'. Drag zooms,
    double click shows all again; the wheel scrolls the panel, with Ctrl it zooms."""

    pointed = Signal(float)
    left = Signal()
    zoomed = Signal()
    range_changed = Signal()
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"bottom": WholeAxis("bottom")})
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self._item = self.getPlotItem()
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        self._item.setContentsMargins(0, 4, 6, 0)
        self.view = self._item.getViewBox()
        self.view.setMouseMode(pg.ViewBox.RectMode)
        self.view.disableAutoRange()
        self.view.setDefaultPadding(0.0)
        self.view.sigRangeChangedManually.connect(self._on_zoomed)
        self.view.sigXRangeChanged.connect(self._on_range_changed)
        font = QFont(self.font())
        font.setPixelSize(AXIS_FONT_PX)
        for name in AXES:
            axis = self._item.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickFont=font, tickLength=-4, tickTextOffset=4, autoExpandTextSpace=False)
        self._item.getAxis("left").setWidth(LEFT_AXIS_WIDTH)
        self._item.getAxis("bottom").setHeight(BOTTOM_AXIS_HEIGHT)
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.cursor_line.setZValue(50)
        self.cursor_line.hide()
        self._item.addItem(self.cursor_line, ignoreBounds=True)

    def add_curve(self, z: float, *, smooth: bool) -> pg.PlotCurveItem:
        """An empty line; smooth: antialiased."""
        curve = pg.PlotCurveItem(antialias=smooth, skipFiniteCheck=True)
        curve.setZValue(z)
        self._item.addItem(curve, ignoreBounds=True)
        return curve

    def add_markers(self, z: float, symbol: str, size: float) -> pg.ScatterPlotItem:
        markers = pg.ScatterPlotItem(symbol=symbol, size=size, pxMode=True)
        markers.setZValue(z)
        self._item.addItem(markers, ignoreBounds=True)
        return markers

    def add_line(self, z: float) -> pg.InfiniteLine:
        line = pg.InfiniteLine(angle=90, movable=False)
        line.setZValue(z)
        line.hide()
        self._item.addItem(line, ignoreBounds=True)
        return line

    def set_colors(self, colors: Colors) -> None:
        self.setBackground(colors.panel)
        for name in AXES:
            axis = self._item.getAxis(name)
            axis.setPen(pg.mkPen(colors.border_strong))
            axis.setTextPen(colors.muted)
        self._item.showGrid(x=False, y=True, alpha=0.25 if colors.dark else 0.35)
        self.cursor_line.setPen(pen_of(colors.muted, 1))

    def set_log(self, on: bool) -> None:
        """Label the left axis as powers of ten; the curves must hold log10 of their values."""
        self._item.getAxis("left").setLogMode(y=on)

    def set_ranges(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.view.setRange(xRange=x, yRange=y, padding=0, disableAutoRange=True)

    def x_range(self) -> tuple[float, float]:
        low, high = self.view.viewRange()[0]
        return float(low), float(high)

    def place_cursor(self, x: float | None) -> None:
        self.cursor_line.setVisible(x is not None)
        if x is not None:
            self.cursor_line.setPos(x)

    def pixels(self) -> int:
        """Width of the drawing area in pixels, for thinning."""
        return max(60, int(self.view.width()))

    def _on_zoomed(self, *_: object) -> None:
        self.zoomed.emit()

    def _on_range_changed(self, *_: object) -> None:
        self.range_changed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        place: QPointF = self.view.mapSceneToView(self.mapToScene(event.position().toPoint()))
        self.pointed.emit(float(place.x()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.reset_asked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()


def set_points(curve: pg.PlotCurveItem, x: Floats, y: Floats) -> None:
    """Give a curve its points (N,) each; none clears it."""
    curve.setData(np.ascontiguousarray(x), np.ascontiguousarray(y))
