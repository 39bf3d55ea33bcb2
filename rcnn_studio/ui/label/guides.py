"""The lines that a dragged edge sticks to."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.strokes import CASING, faded


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
