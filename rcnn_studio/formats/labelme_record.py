"""One shape of a labelme JSON file as values, read alike by import and by patching. Reads no files.

A rectangle has two corners in any order (some tools write all four), a polygon its points; the box around the points
is used. Points are continuous pixels from 0. Other shapes (lines, points, circles, masks) have no box and stay as they
are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.gathering import MAX_COORDINATE, Fault, shown
from rcnn_studio.formats.json_text import DoubleKeys
from rcnn_studio.formats.text import without_controls

RECTANGLE, POLYGON = "rectangle", "polygon"
FLAGS: Mapping[str, BoxFlag] = {
    "difficult": BoxFlag.DIFFICULT,
    "truncated": BoxFlag.TRUNCATED,
    "occluded": BoxFlag.OCCLUDED,
    "crowd": BoxFlag.CROWD,
}
"""Names of this program's flags among a shape's own "flags"."""

_BOXED = {RECTANGLE: 2, POLYGON: 3, "rotation": 4}
_UNBOXED = frozenset({"line", "linestrip", "point", "points", "circle", "mask"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A sound shape with a box. index: in "shapes"; points: as (x, y)."""

    index: int
    label: str
    kind: str
    points: tuple[tuple[float, float], ...]
    flags: BoxFlag

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        xs, ys = [p[0] for p in self.points], [p[1] for p in self.points]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Unboxed:
    """A sound shape of a kind that has no box."""

    kind: str


def read_shape(value: object, index: int) -> Shape | Unboxed | Fault:
    """An element of "shapes"."""
    place = f"shapes[{index}]"
    if not isinstance(value, dict):
        return Fault(place, "not-an-object", "is not an object.")
    if isinstance(value, DoubleKeys):
        return Fault(f"{place}.{value.double}", "double-key", "the key occurs twice.")
    kind = value.get("shape_type", POLYGON)
    if isinstance(kind, str) and kind in _UNBOXED:
        return Unboxed(kind)
    if not isinstance(kind, str) or kind not in _BOXED:
        return Fault(f"{place}.shape_type", "unknown-shape", f"{shown(kind)} is no shape that has a box.")
    label = value.get("label")
    if not isinstance(label, str) or not without_controls(label):
        return Fault(f"{place}.label", "missing-name", f"{shown(label)} is no label.")
    points = _read_points(value.get("points"), f"{place}.points", _BOXED[kind])
    if isinstance(points, Fault):
        return points
    shape = Shape(index, without_controls(label), kind, points, read_flags(value))
    x1, y1, x2, y2 = shape.xyxy
    if x1 == x2 or y1 == y2:
        return Fault(f"{place}.points", "zero-area", f"the {kind} has no area.")
    return shape


def read_flags(value: Mapping[str, Any]) -> BoxFlag:
    """What "flags" says, and the key "difficult" that X-AnyLabeling writes; anything that is no clear yes is a no."""
    flags = BoxFlag.DIFFICULT if value.get("difficult") is True else BoxFlag.NONE
    given = value.get("flags")
    for name, flag in FLAGS.items():
        if isinstance(given, dict) and given.get(name) is True:
            flags |= flag
    return flags


def _read_points(value: object, place: str, least: int) -> tuple[tuple[float, float], ...] | Fault:
    if not isinstance(value, list) or len(value) < least:
        return Fault(place, "too-few-points", f"{shown(value)} is not a list of {least} points or more.")
    points: list[tuple[float, float]] = []
    for i, point in enumerate(value):
        if not isinstance(point, list) or len(point) != 2:
            return Fault(f"{place}[{i}]", "not-a-point", f"{shown(point)} is not a pair of numbers.")
        for j, number in enumerate(point):
            if isinstance(number, bool) or not isinstance(number, int | float):
                return Fault(f"{place}[{i}][{j}]", "not-a-number", f"{shown(number)} is not a number.")
            if abs(number) > MAX_COORDINATE or not math.isfinite(number):
                return Fault(f"{place}[{i}][{j}]", "out-of-range", f"{shown(number)} is no pixel position.")
        points.append((float(point[0]), float(point[1])))
    return tuple(points)
