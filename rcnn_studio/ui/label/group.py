"""Several selected boxes resized together: their common frame, its eight handles, and what a pull makes of the boxes.

Pure arithmetic in image pixels, and the layer that shows the frame. Knows no mouse and no undo.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from rcnn_studio.ui.label.drag import whole
from rcnn_studio.ui.label.hit import Handle, handle_points
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.strokes import CASING, HANDLE_PX, WHITE, paint_handles

FRAME_COLOR = "#2f3742"
"""Of the handles: of no class, because the boxes may be of several."""
OUT_PX = 7.0
"""Logical pixels by which the frame stands off the boxes, so that it is not taken for one."""


def frame_of(xyxy: NDArray[np.float64]) -> Corners:
    """The smallest rectangle around boxes. xyxy: (N, 4), N at least 1"""
    x1, y1 = xyxy[:, :2].min(axis=0).tolist()
    x2, y2 = xyxy[:, 2:].max(axis=0).tolist()
    return x1, y1, x2, y2


def grown(frame: Corners, by: float) -> Corners:
    return frame[0] - by, frame[1] - by, frame[2] + by, frame[3] + by


def corner_handle_at(frame: Corners, x: float, y: float, *, reach: float) -> Handle | None:
    """The handle whose middle lies within `reach`; the lines between them take no press, boxes may lie there."""
    away = np.abs(handle_points(frame) - (x, y)).max(axis=1)
    nearest = int(away.argmin())
    return Handle(nearest) if away[nearest] <= reach else None


def scaled(boxes: Mapping[int, Corners], was: Corners, now: Corners) -> dict[int, Corners]:
    """The boxes where the frame's change takes them, on whole pixels, each at least a pixel wide and high.

    A direction in which the frame stayed as it was leaves every number in it alone.
    """
    made = {}
    for box_id, (x1, y1, x2, y2) in boxes.items():
        left, right = _stretched(x1, x2, (was[0], was[2]), (now[0], now[2]))
        top, bottom = _stretched(y1, y2, (was[1], was[3]), (now[1], now[3]))
        made[box_id] = (left, top, right, bottom)
    return made


def _stretched(low: float, high: float, was: tuple[float, float], now: tuple[float, float]) -> tuple[float, float]:
    if was == now or was[1] <= was[0]:
        return low, high
    ratio = (now[1] - now[0]) / (was[1] - was[0])
    first, last = whole(now[0] + (low - was[0]) * ratio), whole(now[0] + (high - was[0]) * ratio)
    if last - first < 1:
        first = max(now[0], min(first, now[1] - 1))
        last = first + 1
    return first, last


def scene_frame(scene: Scene) -> Corners | None:
    """The frame of what is selected and may be moved, a drag in progress included; None for fewer than two boxes."""
    if len(scene.selection) < 2 or not scene.boxes_shown:
        return None
    shapes = scene.shapes
    rows = shapes.rows(sorted(scene.selection))
    if scene.locked:
        rows = rows[~np.isin(shapes.category_ids[rows], list(scene.locked))]
    if len(rows) < 2:
        return None
    corners = [scene.moved.get(int(i), shapes.corners(int(i))) for i in shapes.ids[rows]] if scene.moved else None
    return frame_of(shapes.xyxy[rows] if corners is None else np.array(corners))


def frame_area(scene: Scene, frame: Corners) -> QRect:
    """Everything that the layer may paint for this frame. Device pixels."""
    x1, y1, x2, y2 = scene.view.rects(np.array([frame]))[0].tolist()
    side = scene.px(HANDLE_PX + OUT_PX) + 2
    return QRect(x1, y1, x2 - x1, y2 - y1).adjusted(-side, -side, side, side)


class GroupLayer:
    """A thin line around the boxes that are selected together, with its handles, in the select tool."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        frame = None if scene.handles_inside else scene_frame(scene)
        if frame is None:
            return
        around = grown(frame, OUT_PX * scene.dpr / scene.view.scale)
        x1, y1, x2, y2 = scene.view.rects(np.array([around]))[0].tolist()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ink, pattern in ((CASING, None), (WHITE, [3.0, 3.0])):
            pen = QPen(QColor(ink), scene.px(1))
            if pattern is not None:
                pen.setDashPattern(pattern)
            painter.setPen(pen)
            painter.drawRect(QRect(x1, y1, x2 - x1, y2 - y1))
        paint_handles(painter, scene, around, FRAME_COLOR)
