"""COCO files that are wrong in one place, made field by field: every field with every damage.

The damage is put into the text, so that it can be what no JSON writer would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MARK = "@@"
FIELDS = (
    *("images", "annotations", "categories"),
    *("images[1]", "images[1].id", "images[1].file_name", "images[1].width", "images[1].height"),
    *("annotations[1]", "annotations[1].id", "annotations[1].image_id", "annotations[1].category_id"),
    *("annotations[1].bbox", *(f"annotations[1].bbox[{i}]" for i in range(4))),
    *("annotations[1].area", "annotations[1].iscrowd", "annotations[1].segmentation", "annotations[1].attributes"),
    *("categories[1]", "categories[1].id", "categories[1].name", "info"),
)
DAMAGES = {
    "missing": "",
    "null": "null",
    "true": "true",
    "text": '"abc"',
    "empty text": '""',
    "blank text": '" "',
    "number as text": '"12.5"',
    "list": "[[1], {}]",
    "empty list": "[]",
    "object": '{"a": [1]}',
    "negative": "-7",
    "fraction": "0.5",
    "huge": "1e30",
    "too large for a float": "1e999",
    "long number": "9" * 300,
    "longer number": "9" * 400,
    "not a number": "NaN",
    "infinity": "-Infinity",
    "5,000 digits": "1" * 5000,
    "200,000 levels": "[" * 200_000,
    "unclosed": "[1, 2",
    "bare word": "abc",
    "control character": '"a\x01b"',
    "bad escape": '"\\x41"',
    "half a surrogate": '"\\ud800"',
}
UNREAD = {
    "annotations[1].area",
    "annotations[1].segmentation",
    "annotations[1].iscrowd",
    "annotations[1].attributes",
    "info",
}
"""Fields that this program keeps without looking at them, or takes for unset when they are odd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """text: the file. where: what is wrong in it. broken: True if it is no JSON any more."""

    name: str
    where: str
    damage: str
    text: str

    @property
    def broken(self) -> bool:
        return self.damage in BROKEN


BROKEN = (
    "not a number",
    "infinity",
    "5,000 digits",
    "200,000 levels",
    "unclosed",
    "bare word",
    "control character",
    "bad escape",
)


def document() -> dict[str, Any]:
    """Two images with two boxes each, the second of which is damaged in every way."""
    return {
        "info": {"year": 2020},
        "images": [{"id": 10 + i, "file_name": f"{i}.png", "width": 64, "height": 48} for i in range(2)],
        "categories": [{"id": 3, "name": "bolt"}, {"id": 7, "name": "nut"}],
        "annotations": [
            {
                "id": 1 + i,
                "image_id": 10 + i % 2,
                "category_id": (3, 7)[i % 2],
                "bbox": [5 + i, 6, 15, 24],
                "area": 360,
                "iscrowd": 0,
                "segmentation": [[1, 2, 3, 4, 5, 6]],
                "attributes": {"occluded": False},
            }
            for i in range(4)
        ],
    }


def cases() -> Iterator[Case]:
    for field in FIELDS:
        for damage, text in DAMAGES.items():
            yield Case(name=f"{field}: {damage}", where=field, damage=damage, text=_damaged(field, damage, text))
        yield Case(name=f"{field}: twice", where=field, damage="twice", text=_twice(field))


def _damaged(field: str, damage: str, text: str) -> str:
    value = document()
    parent, key = _place(value, field)
    if damage == "missing":
        del parent[key]
        return json.dumps(value)
    parent[key] = MARK
    return json.dumps(value).replace(f'"{MARK}"', text, 1)


def _twice(field: str) -> str:
    """The member is there twice; an element of a list has a member that is."""
    value = document()
    parent, key = _place(value, field)
    if isinstance(key, int):
        text = json.dumps(parent[key])
        parent[key] = MARK
        twice = f'{{"a": 1, "a": 2, {text[1:]}' if text.startswith("{") else '{"a": 1, "a": 1}'
        return json.dumps(value).replace(f'"{MARK}"', twice, 1)
    original = json.dumps(parent[key])
    parent[key] = MARK
    return json.dumps(value).replace(f'"{MARK}"', f"{original}, {json.dumps(key)}: {original}", 1)


def _place(value: Any, field: str) -> tuple[Any, Any]:
    """The container of the field, and its key in it."""
    keys: list[str | int] = []
    for part in field.replace("[", ".[").split("."):
        keys.append(int(part[1:-1]) if part.startswith("[") else part)
    for key in keys[:-1]:
        value = value[key]
    return value, keys[-1]
