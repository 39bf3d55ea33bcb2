"""What lies under the pointer: boxes and the eight handles, in image pixels. Pure numpy, no Qt."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.ui.label.shapes import Corners, Shapes


class Handle(IntEnum):
    """The eight handles, clockwise from the top left corner."""

    NW = 0
    N = 1
    NE = 2
    E = 3
    SE = 4
    S = 5
    SW = 6
    W = 7

    @property
    def moves_left(self) -> bool:
        return self in (Handle.NW, Handle.W, Handle.SW)

    @property
    def moves_right(self) -> bool:
        return self in (Handle.NE, Handle.E, Handle.SE)

    @property
    def moves_top(self) -> bool:
        return self in (Handle.NW, Handle.N, Handle.NE)

    @property
    def moves_bottom(self) -> bool:
        return self in (Handle.SW, Handle.S, Handle.SE)

    @property
    def is_corner(self) -> bool:
        return self % 2 == 0


def boxes_at(shapes: Shapes, x: float, y: float, *, slack: float) -> list[int]:
    """Ids of the boxes whose inside, or edge within `slack` image pixels, holds the point; smallest first."""
    if not len(shapes):
        return []
    a = shapes.xyxy
    hit = (a[:, 0] - slack <= x) & (x <= a[:, 2] + slack) & (a[:, 1] - slack <= y) & (y <= a[:, 3] + slack)
    rows = np.flatnonzero(hit)
    if not len(rows):
        return []
    sides = a[rows, 2:] - a[rows, :2]
    return [int(i) for i in shapes.ids[rows[np.argsort(sides[:, 0] * sides[:, 1], kind="stable")]]]


def boxes_within(shapes: Shapes, band: Corners) -> list[int]:
    """Ids of the boxes that lie wholly inside the band."""
    x1, y1, x2, y2 = band
    a = shapes.xyxy
    mask = (a[:, 0] >= x1) & (a[:, 1] >= y1) & (a[:, 2] <= x2) & (a[:, 3] <= y2)
    return [int(i) for i in shapes.ids[mask]]


def rows_seen(shapes: Shapes, seen: Corners) -> NDArray[np.int64]:
    """Rows of the boxes that touch what the window shows."""
    x1, y1, x2, y2 = seen
    a = shapes.xyxy
    mask = (a[:, 2] >= x1) & (a[:, 3] >= y1) & (a[:, 0] <= x2) & (a[:, 1] <= y2)
    return np.flatnonzero(mask)


def handle_points(corners: Corners) -> NDArray[np.float64]:
    """The eight points in the order of Handle. -> (8, 2)"""
    x1, y1, x2, y2 = corners
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2
    return np.array([[x1, y1], [mx, y1], [x2, y1], [x2, my], [x2, y2], [mx, y2], [x1, y2], [x1, my]])


def inner_handles(corners: Corners, *, side: float) -> tuple[list[Handle], NDArray[np.float64], float]:
    """Handles that lie inside of the box, as the draw tool has them: all beyond the outline begins another box.

    side: of a square, in image pixels; the squares of a small box are a third of its shorter side, those of a box too
    small for five in a row stand at the corners only. -> (handles, (N, 2) middles of their squares, side)
    """
    x1, y1, x2, y2 = corners
    shorter = min(x2 - x1, y2 - y1)
    handles = [h for h in Handle if h.is_corner or shorter >= 5 * side]
    side = min(side, shorter / 3)
    half = side / 2
    return handles, handle_points((x1 + half, y1 + half, x2 - half, y2 - half))[handles], side


def inner_handle_at(corners: Corners, x: float, y: float, *, side: float, slack: float) -> Handle | None:
    """The handle whose square inside of the box holds the point; slack: about a screen's pixel, for the outline."""
    x1, y1, x2, y2 = corners
    if not (x1 - slack <= x <= x2 + slack and y1 - slack <= y <= y2 + slack):
        return None
    handles, points, side = inner_handles(corners, side=side)
    distances = np.abs(points - (x, y)).max(axis=1)
    nearest = int(distances.argmin())
    return handles[nearest] if distances[nearest] <= side / 2 + slack else None


def handle_at(corners: Corners, x: float, y: float, *, reach: float) -> Handle | None:
    """The handle within `reach` image pixels of the point; a side is one along its whole length.

    On a small box the reach inward shrinks, so that its middle stays free for moving.
    """
    x1, y1, x2, y2 = corners
    if not (x1 - reach <= x <= x2 + reach and y1 - reach <= y <= y2 + reach):
        return None
    reach_x, reach_y = min(reach, (x2 - x1) / 4), min(reach, (y2 - y1) / 4)
    left, right = x - x1 <= reach_x, x2 - x <= reach_x
    top, bottom = y - y1 <= reach_y, y2 - y <= reach_y
    return _HANDLES.get((int(right) - int(left), int(bottom) - int(top)))


_HANDLES = {
    (-1, -1): Handle.NW,
    (0, -1): Handle.N,
    (1, -1): Handle.NE,
    (1, 0): Handle.E,
    (1, 1): Handle.SE,
    (0, 1): Handle.S,
    (-1, 1): Handle.SW,
    (-1, 0): Handle.W,
}
