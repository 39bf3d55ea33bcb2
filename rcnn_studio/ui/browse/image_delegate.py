"""How a row of the image list looks: thumbnail, name, state badge, box count, split chip. Holds no data."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from rcnn_studio.domain.splits import VAL
from rcnn_studio.ui import icons, theme
from rcnn_studio.ui.browse.image_model import ImageModel
from rcnn_studio.ui.browse.words import ImageItem, count_text, state_text
from rcnn_studio.ui.theme import Colors

THUMB, LOW_THUMB = QSize(72, 54), QSize(36, 27)
ROW_HEIGHT, LOW_ROW_HEIGHT = 64, 34
BADGE = 15
MARGIN = 10
FADED = 0.4
"""Opacity of the picture of an image that does not match the filter any more."""


class ImageDelegate(QStyledItemDelegate):
    """For an ImageModel only. compact: low rows, with everything on one line."""

    def __init__(self, model: ImageModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.compact = False

    @property
    def row_height(self) -> int:
        return LOW_ROW_HEIGHT if self.compact else ROW_HEIGHT

    def set_compact(self, on: bool) -> None:
        if on != self.compact:
            self.compact = on
            self.sizeHintChanged.emit(QModelIndex())

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
        size = LOW_THUMB if self.compact else THUMB
        thumb = QRect(area.left() + MARGIN, area.top() + (area.height() - size.height()) // 2, *size.toTuple())
        painter.setOpacity(FADED if item.stale else 1.0)
        _paint_thumb(painter, thumb, self._model.thumbnail(place), colors)
        painter.setOpacity(1.0)
        inset = 0 if self.compact else 3
        text = QRect(
            thumb.right() + MARGIN,
            thumb.top() + inset,
            area.right() - thumb.right() - 2 * MARGIN,
            thumb.height() - 2 * inset,
        )
        if self.compact:
            _paint_line(painter, text, item, colors, option.font)
        else:
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
        return QSize(180, self.row_height)


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


def _paint_name(
    painter: QPainter, area: QRect, item: ImageItem, colors: Colors, font: QFont, *, middle: bool = False
) -> None:
    painter.setFont(font)
    painter.setPen(QColor(colors.muted if item.stale else colors.text))
    name = QFontMetrics(font).elidedText(item.name, Qt.TextElideMode.ElideMiddle, area.width())
    upright = Qt.AlignmentFlag.AlignVCenter if middle else Qt.AlignmentFlag.AlignTop
    painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | upright), name)


def _paint_line(painter: QPainter, area: QRect, item: ImageItem, colors: Colors, font: QFont) -> None:
    """From the right: split, number of boxes, badge; the name has the rest."""
    small = _small(font)
    painter.setFont(small)
    metrics = QFontMetrics(small)
    right = area.right()
    line = QRect(area.left(), area.center().y() - 9, area.width(), 19)
    if item.split:
        right = _paint_chip(painter, line, item.split, colors, metrics) - 6
    if item.boxes:
        width = metrics.horizontalAdvance(str(item.boxes))
        painter.setPen(QColor(colors.muted))
        where = QRect(right - width, line.top(), width, line.height())
        painter.drawText(where, int(Qt.AlignmentFlag.AlignVCenter), str(item.boxes))
        right -= width + 4
    _paint_icon(painter, _badge(line, right - BADGE), *_sign(item, colors))
    right -= BADGE + 6
    name = QRect(area.left(), area.top(), max(0, right - area.left()), area.height())
    _paint_name(painter, name, item, colors, font, middle=True)


def _sign(item: ImageItem, colors: Colors) -> tuple[str, str]:
    """Icon and colour of a row's badge."""
    if item.stale:
        return "refresh", colors.warning
    return theme.STATE_ICONS[item.state], theme.state_color(item.state, colors)


def _badge(line: QRect, left: int) -> QRect:
    return QRect(left, line.top() + (line.height() - BADGE) // 2, BADGE, BADGE)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(max(6.0, font.pointSizeF() * 0.92))
    return small


def _paint_facts(painter: QPainter, area: QRect, item: ImageItem, colors: Colors, font: QFont) -> None:
    """Badge with state, or with the number of boxes where there are some; the split at the right."""
    line = QRect(area.left(), area.bottom() - 19, area.width(), 19)
    small = _small(font)
    painter.setFont(small)
    metrics = QFontMetrics(small)
    badge = _badge(line, line.left())
    _paint_icon(painter, badge, *_sign(item, colors))
    right = line.right()
    if item.split and not item.stale:
        right = _paint_chip(painter, line, item.split, colors, metrics) - 6
    room = right - badge.right() - 6
    text = count_text(item.boxes) if item.boxes else state_text(item.state)
    if item.stale:
        text = QCoreApplication.translate("ImageModel", "No longer matches")
    painter.setPen(QColor(colors.warning if item.stale else colors.muted))
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
