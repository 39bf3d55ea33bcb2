"""Dragged edges stick to the image's border and, where that is wanted, to edges of other boxes. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.ui.label.shapes import Corners

_NONE = np.zeros(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What a dragged edge sticks to: the border of an image of `size`, and edges at xs and ys of other boxes.

    border_reach, reach: how near an edge must come, in image pixels.
    """

    size: tuple[int, int]
    border_reach: float
    reach: float = 0.0
    xs: NDArray[np.float64] = field(default_factory=lambda: _NONE)
    ys: NDArray[np.float64] = field(default_factory=lambda: _NONE)

    def snap_x(self, x: float) -> float | None:
        """The line that an edge at x sticks to, if there is one."""
        return _nearest(x, self.xs, self.reach, self.size[0], self.border_reach)

    def snap_y(self, y: float) -> float | None:
        return _nearest(y, self.ys, self.reach, self.size[1], self.border_reach)

    def shift(self, boxes: Sequence[Corners], dx: float, dy: float) -> tuple[float, float, float | None, float | None]:
        """The move of these boxes, changed by the least that lets one of their edges stick in each direction.

        -> (dx, dy, the line at x, the line at y)
        """
        by_x, at_x = _least([(e + dx, self.snap_x(e + dx)) for b in boxes for e in (b[0], b[2])])
        by_y, at_y = _least([(e + dy, self.snap_y(e + dy)) for b in boxes for e in (b[1], b[3])])
        return dx + by_x, dy + by_y, at_x, at_y

    def inner(self, x: float | None, y: float | None) -> tuple[float | None, float | None]:
        """The lines that are worth showing: not the image's own border."""
        return (None if x in (0, self.size[0]) else x), (None if y in (0, self.size[1]) else y)


def _nearest(value: float, lines: NDArray[np.float64], reach: float, end: float, border: float) -> float | None:
    for edge in (0.0, float(end)):
        if abs(value - edge) <= border:
            return edge
    if not len(lines):
        return None
    best = float(lines[np.abs(lines - value).argmin()])
    return best if abs(best - value) <= reach else None


def _least(edges: Sequence[tuple[float, float | None]]) -> tuple[float, float | None]:
    """(edge, the line it sticks to) of several edges -> (the shortest way to a line, that line)"""
    gaps = [(line - edge, line) for edge, line in edges if line is not None]
    return min(gaps, key=lambda gap: abs(gap[0]), default=(0.0, None))
