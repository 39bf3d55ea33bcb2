"""Masks and key points that stand in a file's record beside its box, and how they follow the box when it is edited.

Reads no files; which way is taken is the person's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from rcnn_studio.domain.dataset import Box

SHAPE_KEYS = ("segmentation", "keypoints", "polygon", "points")

Corners = tuple[float, float, float, float]


class ShapeWay(StrEnum):
    """KEEP as they were, SCALE with the box, CLEAR."""

    KEEP = "keep"
    SCALE = "scale"
    CLEAR = "clear"


def has_shape(box: Box) -> bool:
    """True if the box's record holds a mask or key points."""
    return any(box.extra.get(key) for key in SHAPE_KEYS)


def follow(extra: Mapping[str, Any], before: Corners, after: Corners, way: ShapeWay) -> dict[str, Any]:
    """The other fields of a record whose box went from `before` to `after` (pixels). Masks as run lengths cannot be
    scaled: they are kept."""
    made = dict(extra)
    for key in SHAPE_KEYS:
        value = made.get(key)
        if not value or way == ShapeWay.KEEP:
            continue
        if way == ShapeWay.CLEAR:
            made[key] = [] if key != "keypoints" else _unlabelled(value)
        elif isinstance(value, list):
            made[key] = _scaled(key, value, before, after)
    return made


def _unlabelled(values: object) -> list[float]:
    """Key points as COCO writes those nobody has set: all zero ("Data format", keypoint detection)."""
    return [0] * len(values) if isinstance(values, list) else []


def _scaled(key: str, value: list[Any], before: Corners, after: Corners) -> list[Any]:
    if value and isinstance(value[0], list):
        return [_scaled(key, part, before, after) for part in value]
    step = 3 if key == "keypoints" else 2
    return _moved(value, step, before, after) if len(value) % step == 0 and _are_numbers(value) else value


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _moved(values: Sequence[float], step: int, before: Corners, after: Corners) -> list[float]:
    """Points (x, y, ...) as they lie in the new box as they lay in the old one; those nobody has set stay zero."""
    width, height = max(before[2] - before[0], 1e-9), max(before[3] - before[1], 1e-9)
    sx, sy = (after[2] - after[0]) / width, (after[3] - after[1]) / height
    made = list(values)
    for n in range(0, len(values), step):
        if step == 3 and not values[n + 2]:
            continue
        made[n] = round(after[0] + (values[n] - before[0]) * sx, 2)
        made[n + 1] = round(after[1] + (values[n + 1] - before[1]) * sy, 2)
    return made
