"""How a row of the image list looks: thumbnail, name, state badge, box count, split chip. Holds no data."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from rcnn_studio.domain.splits import VAL
from rcnn_studio.ui import icons, theme
from rcnn_studio.ui.browse.image_model import ImageItem, ImageModel, count_text, state_text
from rcnn_studio.ui.theme import Colors

THUMB = QSize(72, 54)
ROW_HEIGHT = 64
BADGE = 15
MARGIN = 10


class ImageDelegate(QStyledItemDelegate):
    """For an ImageModel only."""

    def __init__(self, model: ImageModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, place: int) -> None:
        colors = theme.colors_of(option.palette)
        item = self._model.item(place)
        area: QRect = option.rect
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        if current:
            painter.fillRect(area, QColor(colors.selected))
            painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), QColor(colors.accent))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(colors.hover))
        thumb = QRect(area.left() + MARGIN, area.top() + (area.height() - THUMB.height()) // 2, *THUMB.toTuple())
        _paint_thumb(painter, thumb, self._model.thumbnail(place), colors)
        text = QRect(
            thumb.right() + MARGIN, thumb.top() + 3, area.right() - thumb.right() - 2 * MARGIN, THUMB.height() - 6
        )
        _paint_name(painter, text, item, colors, option.font)
        _paint_facts(painter, text, item, colors, option.font)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_row(painter, option, index.row())
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(180, ROW_HEIGHT)


def _paint_thumb(painter: QPainter, area: QRect, image: QImage | None, colors: Colors) -> None:
    """The picture cut to fill its place; an icon while it is made, a warning where it cannot be."""
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(area), 4, 4)
    painter.fillPath(shape, QColor(colors.window))
    if image is None or image.isNull():
        name, color = ("image", colors.border_strong) if image is None else ("warning", colors.warning)
        _paint_icon(painter, QRect(area.center().x() - 10, area.center().y() - 10, 20, 20), name, color)
        return
    painter.save()
    painter.setClipPath(shape)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(area, image, _cover(image.size(), area.size()))
    painter.restore()


def _cover(image: QSize, area: QSize) -> QRect:
    """The middle part of an image that has the area's shape."""
    part = area.scaled(image, Qt.AspectRatioMode.KeepAspectRatio)
    return QRect((image.width() - part.width()) // 2, (image.height() - part.height()) // 2, *part.toTuple())


def _paint_name(painter: QPainter, area: QRect, item: ImageItem, colors: Colors, font: QFont) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colors.text))
    name = QFontMetrics(font).elidedText(item.name, Qt.TextElideMode.ElideMiddle, area.width())
    painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), name)


def _paint_facts(painter: QPainter, area: QRect, item: ImageItem, colors: Colors, font: QFont) -> None:
    """Badge with state, or with the number of boxes where there are some; the split at the right."""
    line = QRect(area.left(), area.bottom() - 19, area.width(), 19)
    small = QFont(font)
    small.setPointSizeF(max(6.0, font.pointSizeF() * 0.92))
    painter.setFont(small)
    metrics = QFontMetrics(small)
    badge = QRect(line.left(), line.top() + (line.height() - BADGE) // 2, BADGE, BADGE)
    _paint_icon(painter, badge, theme.STATE_ICONS[item.state], theme.state_color(item.state, colors))
    right = line.right()
    if item.split:
        right = _paint_chip(painter, line, item.split, colors, metrics) - 6
    room = right - badge.right() - 6
    text = count_text(item.boxes) if item.boxes else state_text(item.state)
    painter.setPen(QColor(colors.muted))
    where = QRect(badge.right() + 6, line.top(), max(0, room), line.height())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
    painter.drawText(where, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


def _paint_chip(painter: QPainter, line: QRect, split: str, colors: Colors, metrics: QFontMetrics) -> int:
    """The split's name in a rim at the right end. -> its left edge"""
    width = metrics.horizontalAdvance(split) + 12
    color = QColor(colors.accent if split == VAL else colors.muted)
    area = QRectF(line.right() - width + 0.5, line.top() + 1.5, width - 1, line.height() - 3)
    rim = QColor(color)
    rim.setAlpha(150 if split == VAL else 90)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(rim, 1))
    painter.drawRoundedRect(area, area.height() / 2, area.height() / 2)
    painter.setPen(color)
    painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), split)
    return int(area.left())


def _paint_icon(painter: QPainter, area: QRect, name: str, color: str) -> None:
    device = painter.device()
    dpr = device.devicePixelRatioF() if device is not None else 1.0
    painter.drawPixmap(area, icons.pixmap(name, color, round(area.width() * dpr)))
