"""The view moves on by itself while a box is drawn or dragged and the pointer is at the canvas's border.

Only towards what is not seen yet. Knows no tools and no boxes.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from rcnn_studio.ui.label.shapes import Corners

ZONE_PX = 20.0
"""Logical pixels along the border in which the view begins to move."""

STEP_PX = 14.0
"""Logical pixels a tick at most; beyond the border as fast as 3 zones inside."""

TICK_MS = 30


class EdgePan(QObject):
    """place() -> where the pointer is in logical widget pixels, None while nothing is dragged; hidden() -> how much of
    the image is not seen at the left, top, right and bottom, in logical pixels; pan(dx, dy) moves the image."""

    def __init__(
        self,
        place: Callable[[], tuple[float, float] | None],
        size: Callable[[], tuple[float, float]],
        hidden: Callable[[], Corners],
        pan: Callable[[float, float], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._place, self._size, self._hidden, self._pan = place, size, hidden, pan
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    def follow(self) -> None:
        """The pointer is elsewhere, or a drag has begun or ended: start or stop."""
        wanted = self._step() != (0.0, 0.0)
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted:
            self._timer.stop()

    def _step(self) -> tuple[float, float]:
        place = self._place()
        if place is None:
            return 0.0, 0.0
        (x, y), (width, height) = place, self._size()
        left, top, right, bottom = self._hidden()
        return _speed(x, width, left, right), _speed(y, height, top, bottom)

    def _on_tick(self) -> None:
        dx, dy = self._step()
        if (dx, dy) == (0.0, 0.0):
            self._timer.stop()
        else:
            self._pan(dx, dy)


def _speed(at: float, length: float, hidden_before: float, hidden_after: float) -> float:
    """By how much the image moves right or down: the further into the zone, the faster; not past the image's end."""
    if at < ZONE_PX and hidden_before > 0:
        return min(hidden_before, STEP_PX, STEP_PX * (ZONE_PX - at) / (3 * ZONE_PX) + 1)
    if at > length - ZONE_PX and hidden_after > 0:
        return -min(hidden_after, STEP_PX, STEP_PX * (at - length + ZONE_PX) / (3 * ZONE_PX) + 1)
    return 0.0
