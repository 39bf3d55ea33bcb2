"""Where the name plates go: inside what is seen of the image, at their box, none over another. Paints nothing.

Greedy, in the order of asking, on a coarse grid of what is taken: a plate costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize

CELL = 4
MANY = 300
Kind = Literal["box", "detection"]
Key = tuple[Kind, int]
Ints = NDArray[np.int64]


class Plates:
    """Places of one picture of the window, in device pixels. bounds: where plates may lie."""

    def __init__(self, bounds: QRect, *, gap: int = 1) -> None:
        self.bounds = bounds
        self.where: dict[Key, QRect] = {}
        self._gap = gap
        self._taken = np.zeros(
            (max(0, bounds.bottom()) // CELL + 2, max(0, bounds.right()) // CELL + 2), dtype=np.bool_
        )

    def place(self, key: Key, box: QRect, size: QSize) -> QPoint | None:
        """Take a place for a box's plate; None where there is no free one."""
        for spot in self._spots(box, size):
            if self._free(spot, size):
                self._take(key, QRect(spot, size))
                return spot
        return None

    def place_many(self, ids: Ints, boxes: Ints, sizes: Ints) -> list[tuple[int, int, int]]:
        """As place for many boxes, at one place each: above at the left, or inside where that is out of bounds.

        ids: (N,), boxes: (N, 4) xyxy, sizes: (N, 2) of their plates. -> (row, x, y) of those that have a place
        """
        b, gap = self.bounds, self._gap
        wide, high = sizes[:, 0], sizes[:, 1]
        x = np.clip(boxes[:, 0] - gap, b.left(), np.maximum(b.left(), b.right() + 1 - wide))
        above = boxes[:, 1] - high - gap
        y = np.where(above >= b.top(), above, np.maximum(boxes[:, 1], b.top()) + 2 * gap)
        cells = np.stack([x // CELL, -(-(x + wide) // CELL), y // CELL, -(-(y + high) // CELL)], axis=1)
        inside = (y >= b.top()) & (y + high <= b.bottom() + 1) & (x >= 0) & (y >= 0)
        placed: list[tuple[int, int, int]] = []
        taken = self._taken
        for row in np.flatnonzero(inside).tolist():
            left, right, top, bottom = cells[row].tolist()
            part = taken[top:bottom, left:right]
            if not part.any():
                part[...] = True
                placed.append((row, int(x[row]), int(y[row])))
        for row, left, top in placed:
            self.where[("box", int(ids[row]))] = QRect(left, top, int(wide[row]), int(high[row]))
        return placed

    def spot(self, key: Key, box: QRect, size: QSize) -> QPoint | None:
        """A place on top of the others, for one that must be seen: a free one if there is, else the first. None for
        a box that is not in view."""
        spots = list(self._spots(box, size))
        free = (spot for spot in spots if not self._covers(QRect(spot, size), key))
        return next(free, spots[0] if spots else None)

    def grown(self, key: Key, size: QSize) -> QPoint | None:
        """Where a longer plate fits at the place of the one there is; None where it has none or would cover others."""
        own = self.where.get(key)
        if own is None:
            return None
        spot = self._held_inside(own.topLeft(), size)
        return None if self._covers(QRect(spot, size), key) else spot

    def at(self, x: int, y: int) -> Key | None:
        """Whose plate lies there."""
        return next((key for key, area in reversed(self.where.items()) if area.contains(x, y)), None)

    def _spots(self, box: QRect, size: QSize) -> Iterator[QPoint]:
        """Above and inside at the left, then the other corners; only those whose height is inside the bounds."""
        seen = box.intersected(self.bounds)
        if seen.isEmpty():
            return
        wide, high, gap = size.width(), size.height(), self._gap
        left, right = seen.left() - gap, seen.right() + 1 + gap - wide
        above, below = seen.top() - high - gap, seen.bottom() + 1 + gap
        top, bottom = seen.top() + 2 * gap, seen.bottom() + 1 - 2 * gap - high
        for x, y in (
            (left, above),
            (left, top),
            (right, above),
            (left, below),
            (right, top),
            (left, bottom),
            (right, below),
            (right, bottom),
        ):
            if self.bounds.top() <= y and y + high <= self.bounds.bottom() + 1:
                yield self._held_inside(QPoint(x, y), size)

    def _held_inside(self, spot: QPoint, size: QSize) -> QPoint:
        b = self.bounds
        x = max(b.left(), min(spot.x(), b.right() + 1 - size.width()))
        y = max(b.top(), min(spot.y(), b.bottom() + 1 - size.height()))
        return QPoint(x, y)

    def _cells(self, spot: QPoint, size: QSize) -> tuple[slice, slice]:
        x, y = max(0, spot.x()), max(0, spot.y())
        return (
            slice(y // CELL, -(-(y + size.height()) // CELL)),
            slice(x // CELL, -(-(x + size.width()) // CELL)),
        )

    def _free(self, spot: QPoint, size: QSize) -> bool:
        return not self._taken[self._cells(spot, size)].any()

    def _take(self, key: Key, area: QRect) -> None:
        self.where[key] = area
        self._taken[self._cells(area.topLeft(), area.size())] = True

    def _covers(self, area: QRect, own: Key) -> bool:
        """Whether a plate here would cover another than its own; among very many nobody asks."""
        return len(self.where) <= MANY and any(
            area.intersects(other) for key, other in self.where.items() if key != own
        )
