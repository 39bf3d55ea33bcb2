"""The layers that are painted on every update, clipped to what has changed: selection, draft, crosshair, hints."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from rcnn_studio.ui.label import chips
from rcnn_studio.ui.label.group import GroupLayer
from rcnn_studio.ui.label.guides import GuidesLayer
from rcnn_studio.ui.label.hinting import paint_hint
from rcnn_studio.ui.label.layers import Layer
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.strokes import (
    CASING,
    HANDLE_PX,
    HOVER_ALPHA,
    WHITE,
    edges,
    faded,
    paint_handles,
    rims,
    set_casing,
)

SHADE = QColor(0, 0, 0, 130)


class SelectionLayer:
    """The box under the pointer, the selected ones, and those under a drag: brighter, plated; handles.

    A selected box is not filled: a tint would hide the edge it is to be fitted to.
    """

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if not scene.boxes_shown:
            return
        if scene.hover_shown and scene.hovered is not None and scene.hovered not in scene.selection:
            self._paint_box(painter, scene, scene.hovered, selected=False)
        shown = sorted(scene.selection | scene.moved.keys())
        for box_id in shown:
            self._paint_box(painter, scene, box_id, selected=True, plated=len(shown) <= 50)
        if len(scene.selection) == 1:
            (only,) = scene.selection
            corners = scene.corners(only)
            if corners is not None and scene.category_of(only) not in scene.locked:
                paint_handles(painter, scene, corners, scene.color(scene.category_of(only)))

    @staticmethod
    def _paint_box(painter: QPainter, scene: Scene, box_id: int, *, selected: bool, plated: bool = True) -> None:
        corners = scene.corners(box_id)
        if corners is None:
            return
        rects = scene.view.rects(np.array([corners]))
        color = QColor(scene.color(scene.category_of(box_id)))
        x1, y1, x2, y2 = rects[0].tolist()
        if not selected and not scene.hover_faint:
            painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), faded(color, HOVER_ALPHA))
        painter.setPen(Qt.PenStyle.NoPen)
        if selected or scene.hover_faint:
            grown = rects + np.array([-1, -1, 1, 1]) * scene.px(1)
            painter.setBrush(CASING)
            painter.drawRects(edges(grown + np.array([-1, -1, 1, 1]) * scene.px(1), scene.px(1)))
            painter.setBrush(WHITE)
            painter.drawRects(edges(grown, scene.px(1)))
        painter.setBrush(color)
        painter.drawRects(edges(rects, scene.px(2 if selected or scene.hover_faint else 3)))
        if plated:
            area = QRect(x1, y1, max(1, x2 - x1), max(1, y2 - y1))
            _paint_own_plate(painter, scene, box_id, corners, area, sized=selected)


class DraftLayer:
    """The rectangle being drawn with its size, and the rubber band."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.band is not None:
            x1, y1, x2, y2 = scene.view.rects(np.array([scene.band]))[0].tolist()
            accent = QColor(scene.colors.accent)
            painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), faded(accent, 40))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawRects(edges(np.array([[x1, y1, x2, y2]]), scene.px(1)))
        if scene.draft is not None:
            self._paint_draft(painter, scene, scene.draft)

    @staticmethod
    def _paint_draft(painter: QPainter, scene: Scene, draft: Corners) -> None:
        rects = scene.view.rects(np.array([draft]))
        color = QColor(scene.draft_color)
        x1, y1, x2, y2 = rects[0].tolist()
        painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), faded(color, 36))
        set_casing(painter, scene.px(1))
        painter.drawRects(rims(rects, scene.px(1)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRects(edges(rects, scene.px(2)))
        plate = scene.chips.get(f"{draft[2] - draft[0]:g} × {draft[3] - draft[1]:g}", "#16191e", scene.dpr)
        painter.drawPixmap(x2 - plate.width(), y2 + scene.px(4), plate)


class CrosshairLayer:
    """Two thin lines through the pointer, black and white by turns so that they show on everything."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.crosshair is None:
            return
        x, y = (round(v) for v in scene.view.to_device(*scene.crosshair))
        width, height, thin = scene.frame.width, scene.frame.height, scene.px(1)
        painter.fillRect(QRect(0, y, width, thin), SHADE)
        painter.fillRect(QRect(x, 0, thin, height), SHADE)
        pen = QPen(QColor(255, 255, 255, 215), thin)
        pen.setDashPattern([4, 4])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        middle = thin // 2
        painter.drawLine(0, y + middle, width, y + middle)
        painter.drawLine(x + middle, 0, x + middle, height)


class HintLayer:
    """A short word at the lower edge, and the message in the middle where there is no picture."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.message:
            painter.setFont(chips.font(scene.dpr * 1.2))
            painter.setPen(QColor(scene.colors.muted))
            margin = scene.px(24)
            area = QRect(margin, 0, scene.frame.width - 2 * margin, scene.frame.height)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), scene.message)
        if scene.hint:
            paint_hint(painter, scene)


def make_live_layers() -> tuple[Layer, ...]:
    return (GroupLayer(), SelectionLayer(), DraftLayer(), GuidesLayer(), CrosshairLayer(), HintLayer())


def _paint_own_plate(
    painter: QPainter, scene: Scene, box_id: int, corners: Corners, area: QRect, *, sized: bool
) -> None:
    """The plate of a box in hand, with its size where that covers no other plate; on top where it had no place."""
    text, color = scene.label(scene.shapes.row_of[box_id]), scene.color(scene.category_of(box_id))
    plate = scene.chips.get(text, color, scene.dpr)
    if sized:
        size = f"{corners[2] - corners[0]:g} × {corners[3] - corners[1]:g}"
        long = scene.chips.get(f"{text}  {size}", color, scene.dpr)
        spot = None if box_id in scene.moved else scene.plates.grown(("box", box_id), long.size())
        if spot is not None or ("box", box_id) not in scene.plates.where:
            plate = long
    else:
        spot = None
    if spot is None:
        own = scene.plates.where.get(("box", box_id))
        spot = own.topLeft() if own is not None else scene.plates.spot(("box", box_id), area, plate.size())
    if spot is not None:
        painter.drawPixmap(spot, plate)


def painted_area(scene: Scene, box_id: int) -> QRect:
    """Everything the live layers may paint for a box, plate and handles included; empty for an unknown id."""
    corners = scene.corners(box_id)
    if corners is None:
        return QRect()
    x1, y1, x2, y2 = scene.view.rects(np.array([corners]))[0].tolist()
    side, above = scene.px(HANDLE_PX), scene.px(chips.FONT_PX * 2.2)
    metrics = QFontMetricsF(chips.font(scene.dpr))
    wide = metrics.horizontalAdvance(f"{scene.label(scene.shapes.row_of[box_id])}  00000 × 00000.00") + scene.px(12)
    left, right = min(x1, x2 - int(wide)), max(x2, x1 + int(wide))
    return QRect(left, y1, right - left, y2 - y1).adjusted(-side, -side - above, side, side + above)


def draft_area(scene: Scene, corners: Corners) -> QRect:
    """Everything the draft layer may paint for this rectangle."""
    x1, y1, x2, y2 = scene.view.rects(np.array([corners]))[0].tolist()
    side = scene.px(chips.FONT_PX * 2.6)
    return QRect(min(x1, x2 - scene.px(110)), y1, max(x2 - x1, scene.px(110)), y2 - y1).adjusted(
        -side, -side, side, side
    )
