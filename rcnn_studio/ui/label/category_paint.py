"""How a class looks in lists: its swatch, its key in a small cap, and where the parts of a row stand.

Paints and measures; knows no project.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap

from rcnn_studio.ui import icons
from rcnn_studio.ui.theme import Colors

ROW_HEIGHT = 28
SWATCH = 14
KEYCAP = 18
BUTTON = 24
ICON = 16
GAP = 10
SCORE_WIDTH = 36
HERE_WIDTH = 32
SCORE_FROM = 300
HERE_FROM = 272
"""Narrower rows leave out the score, then the number of boxes in the image."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the parts of a row stand; an empty rectangle for a part without room."""

    swatch: QRect
    name: QRect
    score: QRect
    here: QRect
    count: QRect
    key: QRect
    eye: QRect
    lock: QRect


def columns(area: QRect, *, count_width: int, scored: bool) -> Columns:
    """The parts of a row from the right: lock, eye, key, all boxes, those here, score; the name has the rest."""
    right = area.right() - 4
    places: list[QRect] = []
    here = HERE_WIDTH if area.width() >= HERE_FROM else 0
    score = SCORE_WIDTH if scored and area.width() >= SCORE_FROM else 0
    for width, gap in ((BUTTON, 0), (BUTTON, 0), (KEYCAP, 4), (count_width, GAP), (here, 6), (score, 4)):
        right -= width + (gap if width else 0)
        places.append(QRect(right + 1, area.top(), width, area.height()))
    lock, eye, key, count, here_area, score_area = places
    swatch = QRect(area.left() + 12, area.top() + (area.height() - SWATCH) // 2, SWATCH, SWATCH)
    left = swatch.right() + GAP
    name = QRect(left, area.top(), max(0, right - 6 - left), area.height())
    return Columns(swatch, name, score_area, here_area, count, key, eye, lock)


def grouped(number: int) -> str:
    """1 234, with a narrow space that does not break."""
    return f"{number:,}".replace(",", "\u202f")


def count_width(metrics: QFontMetrics, most: int) -> int:
    return max(30, metrics.horizontalAdvance(grouped(most)) + 2)


def paint_swatch(painter: QPainter, area: QRect, color: str, colors: Colors, *, hollow: bool = False) -> None:
    """hollow: only a ring of the colour, for a class that is hidden."""
    painter.setPen(QPen(QColor(color if hollow else colors.border_strong), 2 if hollow else 1))
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else QColor(color))
    inset = 1.0 if hollow else 0.5
    painter.drawRoundedRect(QRectF(area).adjusted(inset, inset, -inset, -inset), 3.5, 3.5)


def paint_keycap(painter: QPainter, area: QRect, key: str | None, colors: Colors) -> None:
    """The key in a small cap, in the middle of the area; nothing without one."""
    if not key or area.width() <= 0:
        return
    top = area.top() + (area.height() - KEYCAP) / 2
    cap = QRectF(area.left() + 0.5, top + 0.5, KEYCAP - 1, KEYCAP - 1)
    painter.setPen(QPen(QColor(colors.border_strong), 1))
    painter.setBrush(QColor(colors.raised))
    painter.drawRoundedRect(cap, 4, 4)
    painter.setPen(QColor(colors.muted))
    painter.drawText(cap, int(Qt.AlignmentFlag.AlignCenter), key)


def paint_icon(painter: QPainter, area: QRect, name: str, color: str, dpr: float) -> None:
    """One of the studio's icons in the middle of the area."""
    picture = QPixmap(icons.pixmap(name, color, round(ICON * dpr)))
    picture.setDevicePixelRatio(dpr)
    painter.drawPixmap(area.center() - QPoint(ICON // 2 - 1, ICON // 2 - 1), picture)


def paint_name(painter: QPainter, area: QRect, text: str, font: QFont, color: str) -> None:
    """Cut in the middle where it is too long: names often differ at their end."""
    painter.setFont(font)
    painter.setPen(QColor(color))
    short = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideMiddle, area.width())
    painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), short)


def paint_number(painter: QPainter, area: QRect, text: str) -> None:
    if area.width() > 0:
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text)
