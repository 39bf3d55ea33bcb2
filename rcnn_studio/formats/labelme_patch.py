"""Writing labels into a labelme JSON file by changing, in its own text, only what differs. Pure: bytes in, bytes out.

The original is always the file as it was imported, so undoing everything gives its very bytes back. The picture that
labelme may have put into the file (imageData) is never touched. A polygon moves and stretches with its box.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rcnn_studio.domain.dataset import Box, BoxFlag, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import json_text
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.given_attributes import alone, grouped, json_splices, new_in
from rcnn_studio.formats.json_style import Style, append_elements, json_value, remove_elements, set_member
from rcnn_studio.formats.json_text import JsonArray, JsonText, Member
from rcnn_studio.formats.labelme_record import FLAGS, RECTANGLE, Shape, read_shape
from rcnn_studio.formats.text import Splice, is_same, number_text

VERSION = "5.5.0"
_OWN_STATES = frozenset({ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED})
_SHAPE_KEYS = ("label", "points", "group_id", "shape_type", "flags")


def parse(data: bytes, path: Path | str) -> tuple[JsonText, list[Any]]:
    """The file with the places of its shapes, and the shapes. Raises FormatError."""
    shapes: list[Any] = []
    document = json_text.parse(data, path, {"shapes": lambda _first, values: shapes.extend(values)})
    return document, shapes


def patch(original: bytes | None, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> bytes | None:
    """See Codec.patch. Raises FormatError if the original or the result cannot be read."""
    names = {category.id: category.name for category in categories}
    if original is None:
        if not image.boxes and image.state not in _OWN_STATES:
            return None
        return fresh_document(image, names, image_path=str(file.options.get("image_path", "")), path=file.path)
    document, shapes = parse(original, file.path)
    changes = _Patch(document, shapes, names, file.path).run(image)
    if not changes:
        return original
    result = document.spliced(changes)
    parse(result, file.path)
    return result


def fresh_document(image: ImageRecord, names: Mapping[int, str], *, image_path: str, path: str) -> bytes:
    """A new file as labelme 5 writes it, without the picture in it. image_path: relative to the file's folder"""
    document: dict[str, Any] = {
        "version": VERSION,
        "flags": {},
        "shapes": [shape_record(box, category_name(names, box, path)) for box in image.boxes],
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


def shape_record(box: Box, label: str) -> dict[str, Any]:
    """A rectangle as labelme writes it; flags only where one is set."""
    x1, y1, x2, y2 = (_number(value) for value in box.xyxy)
    return {
        "label": label,
        "points": [[x1, y1], [x2, y2]],
        "group_id": None,
        "description": "",
        "shape_type": RECTANGLE,
        "flags": {name: True for name, flag in FLAGS.items() if box.flags & flag},
        "mask": None,
    }


def category_name(names: Mapping[int, str], box: Box, path: str) -> str:
    if box.category_id not in names:
        raise FormatError(path, "", f"a box has category {box.category_id}, which the project lacks. Run a check.")
    return names[box.category_id]


def _number(value: float) -> float | int:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


class _Patch:
    """Collects the changes of one file."""

    def __init__(self, document: JsonText, values: list[Any], names: Mapping[int, str], path: str) -> None:
        self._document = document
        self._text = document.text
        self._names = names
        self._path = path
        self._values = values
        self._shapes = document.arrays.get("shapes", JsonArray(document.text, -1))
        self._changes: list[Splice] = []

    def run(self, image: ImageRecord) -> list[Splice]:
        boxes = {box.place: box for box in reversed(image.boxes) if box.place is not None}
        kept: set[int] = set()
        removed: set[int] = set()
        for index, value in enumerate(self._values):
            shape = read_shape(value, index)
            if not isinstance(shape, Shape):
                continue
            box = boxes.get(index)
            if box is None:
                removed.add(index)
            else:
                kept.add(box.id)
                self._patch_shape(self._shapes.span(index)[0], value, shape, box)
        self._append([box for box in image.boxes if box.id not in kept], removed)
        self._changes += remove_elements(self._shapes, removed)
        return self._changes

    def _patch_shape(self, start: int, value: Mapping[str, Any], shape: Shape, box: Box) -> None:
        members = json_text.members_of(self._text, start)
        label = category_name(self._names, box, self._path)
        if label != shape.label:
            self._replace(members["label"], json.dumps(label, ensure_ascii=self._is_ascii()))
        if not all(is_same(a, b) for a, b in zip(shape.xyxy, box.xyxy, strict=True)):
            self._move(members["points"], shape, box)
        more = new_in(value, box, "flags")
        if shape.flags != box.flags or more:
            self._patch_flags(start, members, value, shape.flags ^ box.flags, box.flags, more)
        self._changes += json_splices(self._text, start, members, value, box, "flags")

    def _move(self, points: Member, shape: Shape, box: Box) -> None:
        """Every coordinate that differs is replaced; those on the old box's sides come out on the new one's."""
        spans = [
            json_text.elements_of(self._text, start) for start, _ in json_text.elements_of(self._text, points.start)
        ]
        for axis in (0, 1):
            old = shape.xyxy[axis], shape.xyxy[axis + 2]
            now = box.xyxy[axis], box.xyxy[axis + 2]
            if is_same(old[0], now[0]) and is_same(old[1], now[1]):
                continue
            for point, places in zip(shape.points, spans, strict=True):
                new = _moved(point[axis], old, now)
                if not is_same(new, point[axis]):
                    self._changes.append(Splice(*places[axis], number_text(new)))

    def _patch_flags(
        self,
        start: int,
        members: Mapping[str, Member],
        value: Mapping[str, Any],
        changed: BoxFlag,
        flags: BoxFlag,
        more: Mapping[str, Any],
    ) -> None:
        """more: further members of "flags" that the shape lacks."""
        if changed & BoxFlag.DIFFICULT and isinstance(value.get("difficult"), bool):
            self._replace(members["difficult"], json_value(bool(flags & BoxFlag.DIFFICULT)))
            if not _has(value.get("flags"), "difficult"):
                changed &= ~BoxFlag.DIFFICULT
        names = {name: bool(flags & flag) for name, flag in FLAGS.items() if changed & flag} | dict(more)
        if not names:
            return
        member = members.get("flags")
        if member is None or self._text[member.start] != "{":
            self._changes.append(set_member(self._text, start, members, "flags", json_value(names)))
            return
        inner = json_text.members_of(self._text, member.start)
        if not inner:
            self._changes.append(Splice(member.start, member.end, json_value(names)))
            return
        for name, is_set in names.items():
            self._changes.append(set_member(self._text, member.start, inner, name, json_value(is_set)))

    def _append(self, boxes: Sequence[Box], removed: set[int]) -> None:
        if not boxes:
            return
        style = Style.learned(self._text, self._shapes, JsonArray(self._text, -1))
        ascii_only = self._is_ascii()
        texts = []
        for box in sorted(boxes, key=lambda b: b.id):
            record = shape_record(box, category_name(self._names, box, self._path))
            own = alone(box, "flags")
            record |= {**own, "flags": {**record["flags"], **grouped(box, "flags")}}
            text = style.object_text({**record, "label": "@"}, (*_SHAPE_KEYS, *own))
            texts.append(text.replace('"@"', json.dumps(record["label"], ensure_ascii=ascii_only), 1))
        if self._shapes.start >= 0:
            self._changes.append(append_elements(self._text, self._shapes, texts, style, removed))
            return
        top = self._text.index("{")
        value = f"[{style.between.join(texts)}]"
        members = self._document.members
        self._changes.append(set_member(self._text, top, members, "shapes", value, close=self._document.close))

    def _replace(self, member: Member, text: str) -> None:
        self._changes.append(Splice(member.start, member.end, text))

    def _is_ascii(self) -> bool:
        """labelme writes names as they are, other tools escape them: a file that is all ASCII stays so."""
        return self._text.isascii()


def _moved(value: float, old: tuple[float, float], now: tuple[float, float]) -> float:
    if value == old[0]:
        return now[0]
    if value == old[1]:
        return now[1]
    return now[0] + (value - old[0]) * (now[1] - now[0]) / (old[1] - old[0])


def _has(flags: object, name: str) -> bool:
    return isinstance(flags, dict) and name in flags
