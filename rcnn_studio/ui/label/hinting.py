"""The short word on the canvas: where it stands so that it hides nothing that is worked on, and how it goes.

One line. At the pointer it lies beside the boxes in hand, never on them, and is gone after a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from rcnn_studio.ui.label import chips
from rcnn_studio.ui.label.scene import Scene

BESIDE_PX, MARGIN_PX, LOWER_PX = 18, 6, 18
STAYS_MS, STAYS_AT_POINTER_MS, MS_PER_LETTER = 3500, 1500, 40
"""How long a word is seen in full; at the pointer as long as it takes to read it."""
FADE_STEPS, FADE_STEP_MS = 5, 40
MANY = 12
"""Of more boxes in hand than these only the one under the pointer is kept free."""


class Hint(QObject):
    """Puts a word into the scene and takes it away again. repaint: shows the scene as it is then."""

    def __init__(self, scene: Scene, repaint: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._scene, self._repaint = scene, repaint
        self._stays = QTimer(self, singleShot=True)
        self._stays.timeout.connect(self._on_read)
        self._fades = QTimer(self, interval=FADE_STEP_MS)
        self._fades.timeout.connect(self._on_fade)

    def show(self, text: str, at: tuple[float, float] | None) -> None:
        """at: logical widget point beside which it stands; None: in the middle of the lower edge."""
        scene = self._scene
        self._fades.stop()
        scene.hint, scene.hint_at, scene.hint_shown = text, at, 1.0
        scene.hint_spot = None if at is None else beside_pointer(scene)
        self._stays.start(STAYS_MS if at is None else max(STAYS_AT_POINTER_MS, MS_PER_LETTER * len(text)))
        self._repaint()

    def end(self) -> None:
        self._stays.stop()
        self._fades.stop()
        self._scene.hint = ""
        self._repaint()

    def _on_read(self) -> None:
        self._fades.start()

    def _on_fade(self) -> None:
        self._scene.hint_shown -= 1 / FADE_STEPS
        if self._scene.hint_shown <= 0.01:
            self.end()
        else:
            self._repaint()


def beside_pointer(scene: Scene) -> QRectF:
    """A place for the word near the pointer that is on no box in hand; else where least of them is. Device pixels."""
    size = _size(scene)
    busy = _in_hand(scene)
    places = list(_places(scene, *size, busy))
    margin = scene.px(MARGIN_PX)
    window = QRectF(0, 0, scene.frame.width, scene.frame.height).adjusted(margin, margin, -margin, -margin)
    inside = [place for place in places if window.contains(place)]
    for place in inside:
        if not any(place.intersects(box) for box in busy):
            return place
    return min(inside or places[-2:], key=lambda place: sum(_overlap(place, box) for box in busy))


def paint_hint(painter: QPainter, scene: Scene) -> None:
    used = chips.font(scene.dpr * 1.1)
    width, height = _size(scene)
    frame = scene.frame
    lower = QRectF((frame.width - width) / 2, frame.height - height - scene.px(LOWER_PX), width, height)
    area = scene.hint_spot if scene.hint_spot is not None else lower
    text = QFontMetricsF(used).elidedText(scene.hint, Qt.TextElideMode.ElideRight, area.width() - scene.px(24))
    painter.save()
    painter.setOpacity(scene.hint_shown)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(255, 255, 255, 60), scene.px(1)))
    painter.setBrush(QColor(18, 20, 24, 230))
    painter.drawRoundedRect(area, height / 2, height / 2)
    painter.setFont(used)
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine), text)
    painter.restore()


def _size(scene: Scene) -> tuple[float, float]:
    """Of one line with the text, at most as wide as the window."""
    metrics = QFontMetricsF(chips.font(scene.dpr * 1.1))
    widest = max(1, scene.frame.width - 2 * scene.px(MARGIN_PX))
    return min(metrics.horizontalAdvance(scene.hint) + scene.px(28), widest), metrics.height() + scene.px(14)


def _in_hand(scene: Scene) -> list[QRectF]:
    """Where the boxes lie that are being worked on: the selected ones, the one under the pointer, the draft."""
    ids = set(scene.selection) if len(scene.selection) <= MANY else set()
    if scene.hovered is not None and (not ids or len(scene.selection) > MANY):
        ids.add(scene.hovered)
    corners = [c for c in (scene.draft, *(scene.corners(i) for i in sorted(ids))) if c is not None]
    if not corners:
        return []
    around = scene.px(4)
    rects = scene.view.rects(np.array(corners)).tolist()
    return [QRectF(a, b, c - a, d - b).adjusted(-around, -around, around, around) for a, b, c, d in rects]


def _places(scene: Scene, width: float, height: float, busy: list[QRectF]) -> Iterator[QRectF]:
    """Around the pointer first, then along the sides of each box in hand, then at the edges of the window."""
    frame, beside, margin = scene.frame, scene.px(BESIDE_PX), scene.px(MARGIN_PX)
    x, y = (v * scene.dpr for v in scene.hint_at or (0.0, 0.0))
    for left in (x + beside, x - beside - width):
        for top in (y + beside, y - beside - height):
            yield QRectF(left, top, width, height)
    middle = min(max(margin, x - width / 2), max(margin, frame.width - width - margin))
    for box in busy:
        yield QRectF(middle, box.bottom() + margin, width, height)
        yield QRectF(middle, box.top() - margin - height, width, height)
        yield QRectF(box.right() + margin, y - height / 2, width, height)
        yield QRectF(box.left() - margin - width, y - height / 2, width, height)
    left = max(margin, (frame.width - width) / 2)
    yield QRectF(left, frame.height - height - scene.px(LOWER_PX), width, height)
    yield QRectF(left, margin, width, height)


def _overlap(a: QRectF, b: QRectF) -> float:
    both = a.intersected(b)
    return both.width() * both.height()
