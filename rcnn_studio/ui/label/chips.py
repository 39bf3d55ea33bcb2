"""Small name plates for boxes, drawn once per text and colour. Decides no positions."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap

from rcnn_studio.ui.theme import text_on

KEPT = 600
FONT_PX = 11


class Chips:
    """A cache of plates in device pixels; `clear` it when font or screen density changes."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[str, str, float, bool], QPixmap] = OrderedDict()

    def get(self, text: str, color: str, dpr: float, *, hollow: bool = False) -> QPixmap:
        """A plate of the box's colour with text that reads on it. hollow: dark with a coloured rim, for detections."""
        key = (text, color, dpr, hollow)
        plate = self._made.get(key)
        if plate is None:
            plate = self._made[key] = _plate(text, QColor(color), dpr, hollow=hollow)
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return plate

    def clear(self) -> None:
        self._made.clear()


def font(dpr: float) -> QFont:
    """The plates' font at a screen density."""
    made = QFont()
    made.setPixelSize(max(8, round(FONT_PX * dpr)))
    made.setWeight(QFont.Weight.DemiBold)
    return made


def _plate(text: str, color: QColor, dpr: float, *, hollow: bool) -> QPixmap:
    used = font(dpr)
    metrics = QFontMetricsF(used)
    pad = 5 * dpr
    width = int(metrics.horizontalAdvance(text) + 2 * pad + 0.5)
    height = int(metrics.height() + 2.5 * dpr)
    plate = QPixmap(max(1, width), max(1, height))
    plate.fill(Qt.GlobalColor.transparent)
    ground = QColor(18, 20, 24, 225) if hollow else color
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(QRectF(0, 0, width, height), 3 * dpr, 3 * dpr)
    if hollow:
        painter.setBrush(color)
        painter.drawRect(QRectF(0, 0, 3 * dpr, height))
    painter.setFont(used)
    painter.setPen(QColor("#ffffff") if hollow else text_on(color))
    painter.drawText(QRectF(pad + (dpr if hollow else 0), 0, width, height), int(Qt.AlignmentFlag.AlignVCenter), text)
    painter.end()
    return plate
