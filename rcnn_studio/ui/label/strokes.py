"""What several layers paint with: bars, casings, handles, grids, and which rectangles are seen. Whole device pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from rcnn_studio.ui.label.hit import Handle, handle_points, inner_handles
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import Corners

CASING = QColor(14, 16, 20)
WHITE = QColor(255, 255, 255)
HANDLE_PX = 8
HOVER_ALPHA, FOCUS_ALPHA = 18, 26
"""How much of a box's colour lies over the picture, of 255: little, so that the object's edge is seen."""


def edges(rects: NDArray[np.int64], line: int) -> list[QRect]:
    """Four filled bars for every outline: five times as fast as a pen of that width. (N, 4) -> 4 N rectangles"""
    bars: list[QRect] = []
    for x1, y1, x2, y2 in rects.tolist():
        width, height = max(x2 - x1, line), max(y2 - y1, line)
        bars.append(QRect(x1, y1, width, line))
        bars.append(QRect(x1, y1 + height - line, width, line))
        if height > 2 * line:
            bars.append(QRect(x1, y1 + line, line, height - 2 * line))
            bars.append(QRect(x1 + width - line, y1 + line, line, height - 2 * line))
    return bars


def set_casing(painter: QPainter, line: int) -> None:
    """The dark pen around outlines, so that light colours show on light pictures."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(CASING, line if line > 1 else 0)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)


def outlines(rects: NDArray[np.int64]) -> list[QRect]:
    return [QRect(x1, y1, x2 - x1 - 1, y2 - y1 - 1) for x1, y1, x2, y2 in rects.tolist()]


def rims(rects: NDArray[np.int64], line: int) -> list[QRect]:
    """What the casing pen follows: just outside every outline. (N, 4) -> N rectangles"""
    half = line // 2 + 1 if line > 1 else 1
    return [QRect(a - half, b - half, c - a + 2 * half - 1, d - b + 2 * half - 1) for a, b, c, d in rects.tolist()]


def paint_handles(painter: QPainter, scene: Scene, corners: Corners, color: str) -> None:
    """Eight squares around the outline's points, inside of the box in the draw tool; the one that a press would take is
    filled with white and rimmed with the box's colour."""
    handles, points, side = _handles(scene, corners)
    if side < 3:
        return
    inset = max(2, side // 4)
    for handle, (x, y) in zip(handles, points.tolist(), strict=True):
        wx, wy = scene.view.to_device(x, y)
        square = QRect(round(wx - side / 2), round(wy - side / 2), side, side)
        rim, fill = (QColor(color), WHITE) if handle == scene.grip else (WHITE, QColor(color))
        painter.setPen(QPen(CASING, 0))
        painter.setBrush(rim)
        painter.drawRect(square.adjusted(-1, -1, 1, 1) if handle == scene.grip else square)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRect(square.adjusted(inset, inset, 1 - inset, 1 - inset))


def _handles(scene: Scene, corners: Corners) -> tuple[list[Handle], NDArray[np.float64], int]:
    """-> (handles, (N, 2) middles of their squares in image pixels, side of a square in device pixels)"""
    side = scene.px(HANDLE_PX)
    if scene.handles_inside:
        handles, points, length = inner_handles(corners, side=side / scene.view.scale)
        return handles, points, round(length * scene.view.scale)
    small = min(corners[2] - corners[0], corners[3] - corners[1]) * scene.view.scale < 3 * side
    handles = [h for h in Handle if h.is_corner or not small]
    return handles, handle_points(corners)[handles], side


def seen_pixels(scene: Scene) -> QRectF:
    """The whole image pixels that the window shows, one more on each side for smooth borders."""
    frame = scene.frame
    left, top, right, bottom = scene.view.seen(frame.width, frame.height)
    x1, y1 = max(0, int(left) - 1), max(0, int(top) - 1)
    x2, y2 = min(frame.image_width, int(right) + 2), min(frame.image_height, int(bottom) + 2)
    return QRectF(x1, y1, max(0, x2 - x1), max(0, y2 - y1))


def paint_grid(painter: QPainter, scene: Scene) -> None:
    frame, view = scene.frame, scene.view
    left, top, right, bottom = view.seen(frame.width, frame.height)
    x1, x2 = max(0, int(left)), min(frame.image_width, int(right) + 1)
    y1, y2 = max(0, int(top)), min(frame.image_height, int(bottom) + 1)
    dx1, dy1 = (round(v) for v in view.to_device(x1, y1))
    dx2, dy2 = (round(v) for v in view.to_device(x2, y2))
    bars = [QRect(round(x * view.scale + view.dx), dy1, 1, dy2 - dy1) for x in range(x1, x2 + 1)]
    bars += [QRect(dx1, round(y * view.scale + view.dy), dx2 - dx1, 1) for y in range(y1, y2 + 1)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(128, 128, 128, 70))
    painter.drawRects(bars)


def plate_bounds(scene: Scene) -> QRect:
    """What is seen of the image; all of the window where that is too little for a plate."""
    frame, view = scene.frame, scene.view
    window = QRect(0, 0, frame.width, frame.height)
    size = QSize(round(frame.image_width * view.scale), round(frame.image_height * view.scale))
    seen = QRect(QPoint(round(view.dx), round(view.dy)), size).intersected(window)
    return seen if seen.width() >= scene.px(160) and seen.height() >= scene.px(60) else window


def seen(rects: NDArray[np.int64], scene: Scene) -> NDArray[np.int64]:
    """Rows of the rectangles that touch the window. rects: (N, 4) device pixels"""
    inside = (rects[:, 2] > 0) & (rects[:, 3] > 0)
    return np.flatnonzero(inside & (rects[:, 0] < scene.frame.width) & (rects[:, 1] < scene.frame.height))


def faded(color: QColor, alpha: int) -> QColor:
    faded = QColor(color)
    faded.setAlpha(alpha)
    return faded
