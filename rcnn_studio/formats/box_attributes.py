"""What a dataset's file says of a box beside class, corners and flags: VOC's pose, COCO's extra keys, labelme's flags.

Reads one document and tells the attributes of its records by their index. Box.extra["attributes"] holds what a person
has put in the place of such values; the codecs write that back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import coco_record, labelme_record, xml_text
from rcnn_studio.formats.given_attributes import KEY
from rcnn_studio.formats.voc_record import FLAG_TAGS

LIMITS = {"voc": 4 << 20, "labelme": 32 << 20, "coco": 8 << 20}
"""The formats that have attributes, and from which size in bytes on a file is not parsed for those of one box."""

_VOC_OWN = frozenset({"name", "bndbox", "truncated", "difficult", "occluded", "polygon", "segm", "mask", *FLAG_TAGS})
_COCO_OWN = frozenset({"id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "keypoints"})
_LABELME_OWN = frozenset({"label", "points", "shape_type", "mask", "difficult"})
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """name: a path such as "attributes.color"; value: as JSON; editable: one plain value that can be written back.
    there: False for one that this record lacks and others have; value is one of theirs then."""

    name: str
    value: Any
    editable: bool = True
    there: bool = True

    @property
    def text(self) -> str:
        """The value as a person reads and types it; "" where there is none yet."""
        if not self.there:
            return ""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)[:_LONGEST]


Records = Mapping[int, tuple[Attribute, ...]]


def read(name: str, data: bytes, path: Path | str) -> Records:
    """The attributes of every record of a document in the format `name`, by index; records without are left out.

    Raises FormatError where the document cannot be read.
    """
    reader = _READERS.get(name)
    found = {} if reader is None else dict(reader(data, path))
    return {index: attributes for index, attributes in found.items() if attributes}


def offered(records: Records) -> tuple[Attribute, ...]:
    """What any record of the document has and can be written: an attribute a name, in the order they come."""
    found: dict[str, Attribute] = {}
    for attributes in records.values():
        for attribute in attributes:
            if attribute.editable and "." not in attribute.name.partition(".")[2]:
                found.setdefault(attribute.name, replace(attribute, there=False))
    return tuple(found.values())


def typed(text: str, before: object) -> Any:
    """A typed value in the kind of the one it replaces. Raises ValueError where it is none of that kind."""
    if isinstance(before, bool):
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.strip().casefold() not in words:
            raise ValueError("true or false")
        return words[text.strip().casefold()]
    if isinstance(before, int | float):
        value = json.loads(text)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            raise ValueError("a number")
        return value
    return text


def _voc(data: bytes, path: Path | str) -> Iterator[tuple[int, tuple[Attribute, ...]]]:
    for index, element in enumerate(xml_text.read(data, path).findall("object")):
        yield index, tuple(_of_element(element))


def _of_element(element: ElementTree.Element) -> Iterator[Attribute]:
    """Plain children, and the name and value pairs that CVAT and Datumaro put into <attributes>."""
    seen: set[str] = set()
    for child in element:
        if child.tag in _VOC_OWN or child.tag in seen:
            continue
        seen.add(child.tag)
        if child.tag == "attributes":
            for pair in child.findall("attribute"):
                values = xml_text.texts(pair)
                if "name" in values and "value" in values:
                    yield Attribute(name=f"attributes.{values['name']}", value=values["value"])
        elif len(child):
            text = ", ".join(f"{k} {v}" for k, v in xml_text.texts(child).items())
            yield Attribute(name=str(child.tag), value=text[:_LONGEST], editable=False)
        else:
            yield Attribute(name=str(child.tag), value=xml_text.text_of(child))


def _coco(data: bytes, path: Path | str) -> Iterator[tuple[int, tuple[Attribute, ...]]]:
    for index, value in enumerate(_json(data, path, "annotations")):
        if isinstance(value, dict):
            yield index, tuple(_of_object(value, _COCO_OWN, {KEY: frozenset(coco_record.ATTRIBUTES)}))


def _labelme(data: bytes, path: Path | str) -> Iterator[tuple[int, tuple[Attribute, ...]]]:
    for index, value in enumerate(_json(data, path, "shapes")):
        if isinstance(value, dict):
            yield index, tuple(_of_object(value, _LABELME_OWN, {"flags": frozenset(labelme_record.FLAGS)}))


def _json(data: bytes, path: Path | str, key: str) -> list[Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise FormatError(path, "", f"cannot be read for its attributes ({error}).") from error
    records = document.get(key, []) if isinstance(document, dict) else []
    return records if isinstance(records, list) else []


def _of_object(
    value: Mapping[str, Any], own: frozenset[str], groups: Mapping[str, frozenset[str]]
) -> Iterator[Attribute]:
    """Members beside a record's own; of the groups, theirs without the flags that have a column."""
    for key, member in value.items():
        if key in own:
            continue
        if key in groups and isinstance(member, dict):
            for inner, deep in member.items():
                if inner not in groups[key]:
                    yield Attribute(name=f"{key}.{inner}", value=deep, editable=_is_plain(deep))
        else:
            yield Attribute(name=key, value=member, editable=_is_plain(member))


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


_READERS: dict[str, Callable[[bytes, Path | str], Iterator[tuple[int, tuple[Attribute, ...]]]]] = {
    "voc": _voc,
    "coco": _coco,
    "labelme": _labelme,
}
