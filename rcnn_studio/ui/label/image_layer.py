"""The picture: smaller copies when small, tiles where a very large one is looked at closely, single pixels with a grid.

What is painted is kept until picture, view or look change, so that boxes over it cost no scaling. Decodes nothing.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from rcnn_studio.ui.label.look import NEUTRAL, Look
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.strokes import paint_grid, seen_pixels
from rcnn_studio.workspace.image_tiles import factor_for
from rcnn_studio.workspace.pictures import Picture

NEAREST_FROM = 3.0
GRID_FROM = 16.0


class ImageLayer:
    """See the module."""

    def __init__(self) -> None:
        self._shown = QImage()
        self._key: tuple[object, ...] = ()

    def paint(self, painter: QPainter, scene: Scene) -> None:
        frame, view, picture = scene.frame, scene.view, scene.image
        painter.fillRect(QRect(0, 0, frame.width, frame.height), QColor(scene.colors.canvas))
        area = self._area(scene)
        if picture is None:
            self._shown, self._key = QImage(), ()
            if not scene.message:
                painter.fillRect(area, QColor(scene.colors.window))
            return
        if area.isEmpty():
            return
        key = (picture.key, scene.tiles, scene.look, frame, view, scene.dpr)
        if key != self._key:
            self._key, self._shown = key, self._rendered(scene, picture, area)
        painter.drawImage(area.topLeft(), self._shown)
        if scene.grid and view.scale >= GRID_FROM * scene.dpr:
            paint_grid(painter, scene)

    @staticmethod
    def _area(scene: Scene) -> QRect:
        """The window's pixels, by their centres, that lie on the image."""
        frame, view = scene.frame, scene.view
        x1, y1 = round(view.dx), round(view.dy)
        x2, y2 = round(view.dx + frame.image_width * view.scale), round(view.dy + frame.image_height * view.scale)
        whole = QRect(x1, y1, max(1, x2 - x1), max(1, y2 - y1))
        return whole.intersected(QRect(0, 0, frame.width, frame.height))

    def _rendered(self, scene: Scene, picture: Picture, area: QRect) -> QImage:
        """What is seen of the image, as it is to look. area: device pixels"""
        if self._shown.size() == area.size():
            image, self._shown = self._shown, QImage()
        else:
            image = QImage(area.size(), QImage.Format.Format_RGB32)
        image.fill(QColor(scene.colors.canvas))
        painter = QPainter(image)
        painter.translate(-area.topLeft())
        self._paint_copy(painter, scene, picture)
        for tile in scene.tiles:
            if factor_for(scene.view.scale) <= tile.factor < picture.factor:
                self._set_sampling(painter, scene, tile.factor)
                painter.drawImage(_on_screen(scene, tile.area), tile.image)
        painter.end()
        if scene.look != NEUTRAL:
            apply_look(image, scene.look)
        return image

    def _paint_copy(self, painter: QPainter, scene: Scene, picture: Picture) -> None:
        level = picture.level_at(scene.view.scale)
        across, down = level.width() / picture.width, level.height() / picture.height
        self._set_sampling(painter, scene, picture.width / level.width())
        if scene.view.scale > 1:
            part = seen_pixels(scene)
            source = QRectF(part.x() * across, part.y() * down, part.width() * across, part.height() * down)
            painter.drawImage(_on_screen(scene, part), level, source)
        else:
            painter.drawImage(_on_screen(scene, QRectF(0, 0, picture.width, picture.height)), level)

    @staticmethod
    def _set_sampling(painter: QPainter, scene: Scene, factor: float) -> None:
        """Single pixels are shown as such once they are large, but only where they are the image's own."""
        smooth = factor > 1 or scene.view.scale < NEAREST_FROM * scene.dpr
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)


def apply_look(image: QImage, look: Look) -> None:
    """Put every channel of an RGB32 image through the look's table, in place."""
    values = np.frombuffer(image.bits(), dtype=np.uint8).reshape(image.height(), image.width(), 4)
    np.take(look.table(), values, out=values, mode="clip")
    values[..., 3] = 255


def _on_screen(scene: Scene, area: QRectF) -> QRectF:
    x, y = scene.view.to_device(area.x(), area.y())
    return QRectF(x, y, area.width() * scene.view.scale, area.height() * scene.view.scale)
