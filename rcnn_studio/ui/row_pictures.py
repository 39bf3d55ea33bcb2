"""Rows of a list painted once and kept, so that a scroll or a new current row copies pixels. Knows no meaning."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

DrawRow = Callable[[QPainter, QStyleOptionViewItem], None]
KEPT = 160


class RowPictures:
    """Up to KEPT rows, those not seen for longest dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Hashable, ...], QPixmap] = OrderedDict()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, what: Hashable, draw: DrawRow) -> None:
        """Paint a row on its list's ground. what: all that a row shows beside font, colours, size, and whether it is
        selected or under the pointer; draw: paints it, where its picture is not there yet."""
        device = painter.device()
        dpr = device.devicePixelRatioF()
        if dpr != int(dpr):  # a row may begin between two pixels
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw(painter, option)
            painter.restore()
            return
        area, state = option.rect, option.state
        over, chosen = QStyle.StateFlag.State_MouseOver in state, QStyle.StateFlag.State_Selected in state
        looks = (option.font.key(), option.palette.cacheKey(), area.width(), area.height(), dpr)
        key = (what, over, chosen, *looks)
        picture = self._kept.get(key)
        if picture is None:
            picture = self._kept[key] = _drawn(option, dpr, draw)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        painter.drawPixmap(area.topLeft(), picture)


def _drawn(option: QStyleOptionViewItem, dpr: float, draw: DrawRow) -> QPixmap:
    picture = QPixmap(option.rect.size() * dpr)
    picture.setDevicePixelRatio(dpr)
    picture.fill(option.palette.base().color())
    local = QStyleOptionViewItem(option)
    local.rect = QRect(QPoint(0, 0), option.rect.size())
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    try:
        draw(painter, local)
    finally:
        painter.end()  # a picture must not go while it is painted on
    return picture
