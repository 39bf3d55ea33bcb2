"""What tells flagged and locked boxes from others without a colour, also where there is no room for a name plate.

A crowd is hatched; truncated, difficult and occluded boxes have a corner of their own cut off; the outline of a locked
class is dotted. Detections are dashed and selected boxes rimmed elsewhere.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygon

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.strokes import CASING, WHITE, faded, seen

CORNER_PX = 9
LEAST_PX = 20
"""A box whose shorter side is less on the screen has no corners to cut."""
MANY = 2000
HATCH_ALPHA = 90

_CORNERS = ((BoxFlag.DIFFICULT, True, True), (BoxFlag.TRUNCATED, True, False), (BoxFlag.OCCLUDED, False, False))
"""Flag, at the right, at the top: the name plate has the left corner at the top."""


class FlagsLayer:
    """Nothing is painted for boxes without flags in classes that are free, nor where there are more than MANY."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        shapes = scene.shapes
        if not scene.boxes_shown or not len(shapes):
            return
        locked = np.isin(shapes.category_ids, list(scene.locked)) if scene.locked else np.zeros(len(shapes), dtype=bool)
        rows = np.flatnonzero((shapes.flags != 0) | locked)
        if scene.moved:
            rows = rows[~np.isin(shapes.ids[rows], list(scene.moved))]
        rects = scene.view.rects(shapes.xyxy[rows])
        shown = seen(rects, scene)
        if len(shown) > MANY:
            return
        for place in shown.tolist():
            row = rows[place]
            x1, y1, x2, y2 = rects[place].tolist()
            area = QRect(x1, y1, max(1, x2 - x1), max(1, y2 - y1))
            if locked[row]:
                _dot(painter, scene, area)
            color = QColor(scene.color(int(shapes.category_ids[row])))
            _mark(painter, scene, area, BoxFlag(int(shapes.flags[row])), color)


def _mark(painter: QPainter, scene: Scene, area: QRect, flags: BoxFlag, color: QColor) -> None:
    if flags & BoxFlag.CROWD:
        painter.setPen(Qt.PenStyle.NoPen)
        for ink, shift in ((faded(CASING, HATCH_ALPHA), 1), (faded(color, 2 * HATCH_ALPHA), 0)):
            painter.setBrushOrigin(area.x() + shift, area.y())
            painter.setBrush(QBrush(ink, Qt.BrushStyle.BDiagPattern))
            painter.drawRect(area)
        painter.setBrushOrigin(0, 0)
    if min(area.width(), area.height()) < scene.px(LEAST_PX):
        return
    side = scene.px(CORNER_PX)
    for flag, right, top in _CORNERS:
        if flags & flag:
            x, y = (area.right() + 1 if right else area.x()), (area.y() if top else area.bottom() + 1)
            across, down = (-side if right else side), (side if top else -side)
            painter.setPen(QPen(WHITE, scene.px(1)))
            painter.setBrush(CASING)
            painter.drawPolygon(QPolygon([QPoint(x, y), QPoint(x + across, y), QPoint(x, y + down)]))


def _dot(painter: QPainter, scene: Scene, area: QRect) -> None:
    pen = QPen(CASING, scene.px(2))
    pen.setDashPattern([1.0, 1.5])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(area.adjusted(1, 1, -1, -1))
