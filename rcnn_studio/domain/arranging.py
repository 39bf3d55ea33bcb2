"""Boxes lined up with each other or made of one size. Pure rules, no undo, no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rcnn_studio.domain.dataset import Box

Side = Literal["left", "right", "top", "bottom"]
Size = Literal["width", "height", "size"]


def aligned(boxes: Sequence[Box], side: Side) -> list[Box]:
    """The boxes moved, sizes kept, so that all have the outermost edge on that side."""
    if not boxes:
        return []
    if side == "left":
        edge = min(b.x1 for b in boxes)
        return [b.moved_to(edge, b.y1, edge + b.width, b.y2) for b in boxes]
    if side == "right":
        edge = max(b.x2 for b in boxes)
        return [b.moved_to(edge - b.width, b.y1, edge, b.y2) for b in boxes]
    if side == "top":
        edge = min(b.y1 for b in boxes)
        return [b.moved_to(b.x1, edge, b.x2, edge + b.height) for b in boxes]
    edge = max(b.y2 for b in boxes)
    return [b.moved_to(b.x1, edge - b.height, b.x2, edge) for b in boxes]


def same_sized(boxes: Sequence[Box], model: Box, size: Size, *, width: int, height: int) -> list[Box]:
    """The boxes with the model's width, height or both, grown and shrunk about their middles.

    The left and top corner falls on a whole pixel, and a box that would pass the image's border is moved back in.
    width, height: of the image, in pixels.
    """
    wide, high = size in ("width", "size"), size in ("height", "size")
    made = []
    for b in boxes:
        x1, x2 = _span(b.x1, b.x2, model.width, width) if wide else (b.x1, b.x2)
        y1, y2 = _span(b.y1, b.y2, model.height, height) if high else (b.y1, b.y2)
        made.append(b.moved_to(x1, y1, x2, y2))
    return made


def _span(low: float, high: float, length: float, limit: int) -> tuple[float, float]:
    """A stretch of this length about the middle of the old one, inside [0, limit] where it fits."""
    if high - low == length:
        return low, high
    start = max(0.0, min(round((low + high - length) / 2), limit - length))
    return start, start + length


def largest(boxes: Sequence[Box]) -> Box:
    """The box with the largest area; the first of several. Raises ValueError for none."""
    return max(boxes, key=lambda b: b.width * b.height)
