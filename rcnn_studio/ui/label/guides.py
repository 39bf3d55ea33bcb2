"""Where a short word stands on the canvas, and the lines that a dragged edge sticks to."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter

from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.strokes import CASING, faded

BESIDE_PX, MARGIN_PX, LOWER_PX = 18, 6, 18


def hint_area(scene: Scene, width: float, height: float) -> QRectF:
    """Beside the pointer, inside the window, and never under it; else at the lower edge, in the middle. Device px."""
    frame = scene.frame
    if scene.hint_at is None:
        return QRectF((frame.width - width) / 2, frame.height - height - scene.px(LOWER_PX), width, height)
    x, y = scene.hint_at[0] * scene.dpr, scene.hint_at[1] * scene.dpr
    beside, margin = scene.px(BESIDE_PX), scene.px(MARGIN_PX)
    left = min(max(margin, x + beside), max(margin, frame.width - width - margin))
    top = y + beside
    if top + height + margin > frame.height:
        top = y - beside - height
    return QRectF(left, max(margin, top), width, height)


class GuidesLayer:
    """Lines across the window, in the accent colour, along which a dragged edge lies now."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        x, y = scene.guides
        frame, thin = scene.frame, scene.px(1)
        accent = QColor(scene.colors.accent)
        if x is not None:
            at = round(scene.view.to_device(x, 0)[0])
            painter.fillRect(QRect(at - thin, 0, 3 * thin, frame.height), faded(CASING, 120))
            painter.fillRect(QRect(at, 0, thin, frame.height), accent)
        if y is not None:
            at = round(scene.view.to_device(0, y)[1])
            painter.fillRect(QRect(0, at - thin, frame.width, 3 * thin), faded(CASING, 120))
            painter.fillRect(QRect(0, at, frame.width, thin), accent)
