"""The small square of a class's colour that stands before its name in menus and lists. Paints into no widget."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

SIDE = 12
SCALE = 2.0


@lru_cache(maxsize=256)
def swatch_pixmap(color: str) -> QPixmap:
    """A rounded square in a colour (#rrggbb), 12 pixels wide, sharp on screens of twice the density."""
    drawn = QPixmap(round(SIDE * SCALE), round(SIDE * SCALE))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(drawn.rect(), 3 * SCALE, 3 * SCALE)
    painter.end()
    drawn.setDevicePixelRatio(SCALE)
    return drawn


@lru_cache(maxsize=256)
def swatch(color: str) -> QIcon:
    """The same as an icon, which keeps its colour in a selected row."""
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(swatch_pixmap(color), mode)
    return icon
