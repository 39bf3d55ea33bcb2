"""One record of a COCO file as values, read alike by import and by patching. Reads no files.

COCO's own box is [x, y, width, height] from 0; ids may be numbers or text and need not be in order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.json_text import DoubleKeys
from rcnn_studio.formats.text import without_controls

MAX_COORDINATE = 1e6
ATTRIBUTES = {"difficult": BoxFlag.DIFFICULT, "truncated": BoxFlag.TRUNCATED, "occluded": BoxFlag.OCCLUDED}
"""CVAT's names for what COCO has no key for, inside an annotation's "attributes"."""

_KEPT = "It is kept in the file and left out of training and scoring; correct it there."


@dataclass(frozen=True, slots=True)
class CocoBox:
    """A sound annotation. image: index in "images"; bbox: x, y, width, height as written."""

    image: int
    category_id: int
    bbox: tuple[float, float, float, float]
    flags: BoxFlag

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        x, y, width, height = self.bbox
        return x, y, x + width, y + height


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is left out. where: its place, like `annotations[17].bbox[2]`."""

    where: str
    kind: str
    message: str

    def in_file(self, file: str) -> Problem:
        return Problem(file=file, where=self.where, kind=self.kind, message=self.message, action=_KEPT)


def id_key(value: object) -> str | None:
    """An id as text, so that 1 and "1" are the same; None for what is no id."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value)


def read_annotation(
    value: object, index: int, images: Mapping[str, int], categories: Mapping[str, int]
) -> CocoBox | BadRecord:
    """images: id key -> index in "images"; categories: id key -> category id of the project."""
    place = f"annotations[{index}]"
    if not isinstance(value, dict):
        return BadRecord(place, "not-an-object", "is not an object.")
    if isinstance(value, DoubleKeys):
        return BadRecord(f"{place}.{value.double}", "double-key", "the key occurs twice.")
    for key in ("image_id", "category_id", "bbox"):
        if key not in value:
            return BadRecord(f"{place}.{key}", "missing-key", "is missing.")
    image = images.get(id_key(value["image_id"]) or "")
    if image is None:
        return BadRecord(f"{place}.image_id", "dangling-image", f"no image has the id {shown(value['image_id'])}.")
    category = categories.get(id_key(value["category_id"]) or "")
    if category is None:
        message = f"no category has the id {shown(value['category_id'])}."
        return BadRecord(f"{place}.category_id", "dangling-category", message)
    bbox = _read_bbox(value["bbox"], f"{place}.bbox")
    if isinstance(bbox, BadRecord):
        return bbox
    return CocoBox(image, category, bbox, read_flags(value))


def read_flags(value: Mapping[str, Any]) -> BoxFlag:
    """iscrowd, and what "attributes" says; anything that is no clear yes is a no."""
    flags = BoxFlag.CROWD if _is_true(value.get("iscrowd")) else BoxFlag.NONE
    attributes = value.get("attributes")
    if isinstance(attributes, dict):
        for name, flag in ATTRIBUTES.items():
            if _is_true(attributes.get(name)):
                flags |= flag
    return flags


def read_category(value: object, index: int) -> tuple[str, str] | BadRecord:
    """(id key, name) of an element of "categories"."""
    place = f"categories[{index}]"
    key = _read_id(value, place)
    if isinstance(key, BadRecord):
        return key
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or not without_controls(name):
        return BadRecord(f"{place}.name", "missing-name", "the category has no name.")
    return key, without_controls(name)


def read_image(value: object, index: int) -> tuple[str, str] | BadRecord:
    """(id key, file name) of an element of "images"; the name is that of its coco_url where it has no file_name."""
    place = f"images[{index}]"
    key = _read_id(value, place)
    if isinstance(key, BadRecord):
        return key
    name = value.get("file_name", value.get("coco_url")) if isinstance(value, dict) else None
    if not isinstance(name, str) or not name.strip():
        return BadRecord(f"{place}.file_name", "missing-name", "the image has no file name.")
    return key, name


def _read_id(value: object, place: str) -> str | BadRecord:
    """The id key of an image or a category."""
    if not isinstance(value, dict):
        return BadRecord(place, "not-an-object", "is not an object.")
    if isinstance(value, DoubleKeys):
        return BadRecord(f"{place}.{value.double}", "double-key", "the key occurs twice.")
    key = id_key(value.get("id"))
    return BadRecord(f"{place}.id", "bad-id", f"{shown(value.get('id'))} is no id.") if key is None else key


def image_index(images: list[Any]) -> dict[str, int]:
    """id key -> index in "images"; of two records with one id the first counts."""
    found: dict[str, int] = {}
    for index, value in enumerate(images):
        key = id_key(value.get("id")) if isinstance(value, dict) else None
        if key is not None:
            found.setdefault(key, index)
    return found


def _read_bbox(value: object, place: str) -> tuple[float, float, float, float] | BadRecord:
    if not isinstance(value, list) or len(value) != 4:
        return BadRecord(place, "not-a-box", f"{shown(value)} is not a list of four numbers.")
    for i, number in enumerate(value):
        if isinstance(number, bool) or not isinstance(number, int | float):
            return BadRecord(f"{place}[{i}]", "not-a-number", f"{shown(number)} is not a number.")
        if abs(number) > MAX_COORDINATE or not math.isfinite(number):
            return BadRecord(f"{place}[{i}]", "out-of-range", f"{shown(number)} is no pixel position.")
    x, y, width, height = (float(v) for v in value)
    if width < 0 or height < 0:
        return BadRecord(f"{place}[{2 if width < 0 else 3}]", "negative-size", "the box has a negative size.")
    if width == 0 or height == 0 or x + width <= x or y + height <= y:
        return BadRecord(place, "zero-area", f"the box {shown(value)} has no area.")
    return x, y, width, height


def _is_true(value: object) -> bool:
    return (isinstance(value, bool | int | float) and value != 0) or value in ("true", "yes", "1")


def shown(value: object) -> str:
    """A value as messages show it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def has_shape(record: Mapping[str, Any]) -> bool:
    """True if the annotation has a mask or keypoints beside its box."""
    return bool(record.get("segmentation")) or bool(record.get("keypoints"))
