"""Masks and keypoints of a COCO annotation whose box was moved: they no longer fit it.

They are kept, scaled with the box, or cleared, as the linked file's option "stale" says. Masks in run-length encoding
are never decoded here: they are kept where others are scaled. Reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import json_text
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.json_text import Member
from rcnn_studio.formats.text import Splice, is_same, number_text

CHOICES = tuple(str(way) for way in ShapeWay)

Corners = tuple[float, float, float, float]


def choice_of(file: LinkedFile) -> str:
    """What is done with the masks of moved boxes. Raises FormatError for an option that nobody knows."""
    choice = str(file.options.get("stale", "keep"))
    if choice not in CHOICES:
        raise FormatError(file.path, "", f"masks cannot be treated as {choice!r}, only {', '.join(CHOICES)}.")
    return choice


def splices(
    text: str, members: Mapping[str, Member], record: Mapping[str, Any], old: Corners, new: Corners, choice: str
) -> list[Splice]:
    """What changes in the text of an annotation's mask and keypoints when its box moves. Odd ones stay verbatim."""
    if choice == "keep":
        return []
    mask, keypoints = record.get("segmentation"), record.get("keypoints")
    made: list[Splice] = []
    if mask and (choice == "clear" or isinstance(mask, list)):
        made += _clear_mask(members) if choice == "clear" else _scale_mask(text, members, mask, old, new)
    if isinstance(keypoints, list) and _are_numbers(keypoints) and len(keypoints) % 3 == 0:
        made += _change_keypoints(text, members, keypoints, old, new, choice)
    return made


def area_after(area: float, old: Corners, new: Corners, record: Mapping[str, Any], choice: str) -> float | None:
    """The area of the mask, which is not that of the box, after the move; None if it stays as it is."""
    if choice == "clear":
        return (new[2] - new[0]) * (new[3] - new[1])
    if choice == "scale" and isinstance(record.get("segmentation"), list) and record["segmentation"]:
        return area * (new[2] - new[0]) * (new[3] - new[1]) / ((old[2] - old[0]) * (old[3] - old[1]))
    return None


def _clear_mask(members: Mapping[str, Member]) -> list[Splice]:
    member = members["segmentation"]
    return [Splice(member.start, member.end, "[]")]


def _scale_mask(
    text: str, members: Mapping[str, Member], polygons: Sequence[object], old: Corners, new: Corners
) -> list[Splice]:
    if not all(isinstance(p, list) and _are_numbers(p) and len(p) % 2 == 0 for p in polygons):
        return []
    made: list[Splice] = []
    spans = json_text.elements_of(text, members["segmentation"].start)
    for (start, _), polygon in zip(spans, polygons, strict=True):
        assert isinstance(polygon, list)
        for i, (begin, end) in enumerate(json_text.elements_of(text, start)):
            made += _scaled(begin, end, polygon[i], old, new, axis=i % 2)
    return made


def _change_keypoints(
    text: str, members: Mapping[str, Member], values: Sequence[float], old: Corners, new: Corners, choice: str
) -> list[Splice]:
    """Keypoints are triples of x, y and visibility; one with visibility 0 is not labelled and has no place."""
    made: list[Splice] = []
    for i, (begin, end) in enumerate(json_text.elements_of(text, members["keypoints"].start)):
        if choice == "clear":
            made += [] if values[i] == 0 else [Splice(begin, end, "0")]
        elif i % 3 < 2 and values[i - i % 3 + 2] != 0:
            made += _scaled(begin, end, values[i], old, new, axis=i % 3)
    if choice == "clear" and "num_keypoints" in members:
        made.append(Splice(members["num_keypoints"].start, members["num_keypoints"].end, "0"))
    return made


def _scaled(begin: int, end: int, value: float, old: Corners, new: Corners, *, axis: int) -> list[Splice]:
    low, high = old[axis], old[axis + 2]
    moved = new[axis] + (value - low) * (new[axis + 2] - new[axis]) / (high - low)
    return [] if is_same(moved, value) else [Splice(begin, end, number_text(moved))]


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e9 for v in values)
