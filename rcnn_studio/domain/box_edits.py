"""How boxes change under a hand: moved, grown, flagged, made from a detection. Pure rules, no undo, no screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rcnn_studio.domain.dataset import HOTKEYS, Box, BoxFlag, BoxSource, Category
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import ProjectError

_UNWRITABLE = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold (production 2, Char), and the white space that no name keeps."""


def nudged(boxes: Sequence[Box], dx: float, dy: float, *, width: int, height: int) -> list[Box]:
    """The boxes moved together by pixels, stopped where the first of them meets the image's border."""
    if not boxes:
        return []
    dx = _limited(dx, low=-min(b.x1 for b in boxes), high=width - max(b.x2 for b in boxes))
    dy = _limited(dy, low=-min(b.y1 for b in boxes), high=height - max(b.y2 for b in boxes))
    return [b.moved_to(b.x1 + dx, b.y1 + dy, b.x2 + dx, b.y2 + dy) for b in boxes]


def _limited(step: float, *, low: float, high: float) -> float:
    """A step cut to [low, high] in its own direction; a box that lies outside already is never pushed back."""
    return min(step, max(0.0, high)) if step > 0 else max(step, min(0.0, low))


def grown(box: Box, edges: tuple[float, float, float, float], *, width: int, height: int) -> Box:
    """The box with its left, top, right, bottom edges moved by pixels; at least one pixel stays, inside the image."""
    dx1, dy1, dx2, dy2 = edges
    x1 = min(max(0.0, box.x1 + dx1), box.x2 - 1) if dx1 else box.x1
    y1 = min(max(0.0, box.y1 + dy1), box.y2 - 1) if dy1 else box.y1
    x2 = max(min(float(width), box.x2 + dx2), x1 + 1) if dx2 else box.x2
    y2 = max(min(float(height), box.y2 + dy2), y1 + 1) if dy2 else box.y2
    return box.moved_to(x1, y1, x2, y2)


def with_flag_toggled(boxes: Sequence[Box], flag: BoxFlag) -> tuple[list[Box], bool]:
    """The boxes with the flag set on all, or cleared where all have it. -> (boxes, whether it is set now)"""
    on = not all(b.flags & flag for b in boxes)
    return [replace(b, flags=(b.flags | flag) if on else (b.flags & ~flag), edited=True) for b in boxes], on


def from_detection(found: Detections, index: int, *, box_id: int, run_id: str, width: int, height: int) -> Box:
    """Detection number `index` as a box on whole pixels inside the image, with its run and score remembered."""
    x1, y1, x2, y2 = (float(v) for v in found.xyxy[index])
    left = min(max(0.0, round(x1)), width - 1.0)
    top = min(max(0.0, round(y1)), height - 1.0)
    return Box(
        id=box_id,
        x1=left,
        y1=top,
        x2=min(max(left + 1.0, round(x2)), float(width)),
        y2=min(max(top + 1.0, round(y2)), float(height)),
        category_id=int(found.category_ids[index]),
        source=BoxSource.RUN,
        run_id=run_id,
        score=round(float(found.scores[index]), 4),
    )


def clean_category_name(name: str) -> str:
    """The name without outer blanks. Raises ProjectError for an empty one and for characters no XML can hold."""
    clean = name.strip()
    if not clean or _UNWRITABLE.search(clean):
        raise ProjectError("A class name needs at least one character and no control characters.")
    return clean


def without_category(categories: Sequence[Category], gone: Category) -> tuple[Category, ...]:
    """The others; those on keys after the one that falls free move up by one."""
    if gone.hotkey is None:
        return tuple(c for c in categories if c.id != gone.id)
    free = HOTKEYS.index(gone.hotkey)
    places = {c.id: HOTKEYS.index(c.hotkey) for c in categories if c.hotkey is not None}
    return tuple(
        replace(c, hotkey=HOTKEYS[places[c.id] - 1]) if places.get(c.id, -1) > free else c
        for c in categories
        if c.id != gone.id
    )
