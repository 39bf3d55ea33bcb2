"""Writing labels into a COCO file by changing, in its own text, only what differs. Pure: bytes in, bytes out.

The original is always the file as it was imported, so undoing everything gives its very bytes back. What becomes of
the mask and the keypoints of a moved box is decided in coco_stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rcnn_studio.domain.dataset import Box, BoxFlag, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import coco_document, coco_stale, json_text
from rcnn_studio.formats.coco_document import CocoDocument
from rcnn_studio.formats.coco_record import (
    ATTRIBUTES,
    MAX_COORDINATE,
    BadRecord,
    CocoBox,
    has_shape,
    image_index,
    read_annotation,
    read_category,
)
from rcnn_studio.formats.coco_table import highest_number
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.given_attributes import alone, given, grouped, json_splices, new_in
from rcnn_studio.formats.json_style import Style, append_elements, json_value, remove_elements, set_member
from rcnn_studio.formats.json_text import JsonArray
from rcnn_studio.formats.text import Splice, is_same, number_text

_MAX_AREA = MAX_COORDINATE**2
_OWN_STATES = frozenset({ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED})
_EMPTY_DOCUMENT = b'{\n"images": [],\n"annotations": [],\n"categories": []\n}\n'


def patch(
    original: bytes | None,
    file: LinkedFile,
    images: Sequence[ImageRecord],
    categories: Sequence[Category],
    places: Mapping[int, int | None],
) -> bytes | None:
    """See Codec.patch. Raises FormatError if the original or the result cannot be read."""
    if original is None and not any(image.boxes or image.state in _OWN_STATES for image in images):
        return None
    document = coco_document.parse(_EMPTY_DOCUMENT if original is None else original, file.path)
    changes = _Patch(document, file, categories).run(images, places)
    if not changes:
        return original
    result = document.text.spliced(changes)
    del document, changes
    json_text.verify(result, file.path, ("images", "annotations", "categories"))
    return result


class _Patch:
    """Collects the changes of one file."""

    def __init__(self, document: CocoDocument, file: LinkedFile, categories: Sequence[Category]) -> None:
        self._text = document.text.text
        self._document = document
        self._path = file.path
        self._images = self._array("images")
        self._annotations = self._array("annotations")
        self._categories = self._array("categories")
        self._project = {category.id: category for category in categories}
        self._imported_as = {str(key): int(number) for key, number in file.options.get("category_ids", [])}
        self._image_ids: dict[str, int] = image_index(document.images)
        self._category_json: dict[int, str] = {}
        self._stale = coco_stale.choice_of(file)
        self._changes: list[Splice] = []

    def run(self, images: Sequence[ImageRecord], places: Mapping[int, int | None]) -> list[Splice]:
        by_place = {place: image for image in images if (place := places.get(image.id)) is not None}
        boxes = {box.place: box for image in by_place.values() for box in image.boxes if box.place is not None}
        used = {box.category_id for image in images for box in image.boxes}
        new_categories = self._name_category_ids(used if self._imported_as else used | set(self._project))
        sound, unsound = self._document.annotations.resolve(self._image_ids, self._imported_as)
        given = np.isin(sound.images, np.array(list(by_place), dtype=np.int64))
        held_ids = set(np.unique(sound.category_ids[~given]).tolist())
        held = {key for key, number in self._imported_as.items() if number in held_ids}
        held |= {item.category for item in unsound if item.category is not None}
        kept: set[int] = set()
        removed: set[int] = set()
        for place in sound.places[given].tolist():
            box = boxes.get(place)
            if box is None:
                removed.add(place)
            else:
                kept.add(box.id)
                self._patch_annotation(place, box)
        self._patch_categories(held, used, new_categories)
        image_json = self._add_images(images, by_place)
        new = [(image, box) for image in images for box in image.boxes if box.id not in kept]
        self._add_annotations(new, image_json, removed)
        self._changes += remove_elements(self._annotations, removed)
        return self._changes

    def _array(self, name: str) -> JsonArray:
        """The file's list of this name; a file without one gets an empty list at its end."""
        found = self._document.text.arrays.get(name)
        return found if found is not None else JsonArray(self._text, -1)

    def _patch_annotation(self, index: int, box: Box) -> None:
        value = self._annotations.value(index)
        record = read_annotation(value, index, self._image_ids, self._imported_as)
        assert isinstance(record, CocoBox)  # the table has found it sound by the same rule
        start = self._annotations.span(index)[0]
        moved = not all(is_same(a, b) for a, b in zip(record.xyxy, box.xyxy, strict=True))
        other = record.category_id != box.category_id
        if not moved and not other and record.flags == box.flags and not given(box):
            return
        members = json_text.members_of(self._text, start)
        if moved:
            spans = json_text.elements_of(self._text, members["bbox"].start)
            wanted = _new_bbox(record.bbox, box)
            for (begin, end), old, new in zip(spans, record.bbox, wanted, strict=True):
                if old != new:
                    self._changes.append(Splice(begin, end, number_text(new)))
            if wanted[2:] != record.bbox[2:]:
                self._patch_area(members, value, record, box, wanted[2] * wanted[3])
            self._changes += coco_stale.splices(self._text, members, value, record.xyxy, box.xyxy, self._stale)
        if other:
            member = members["category_id"]
            self._changes.append(Splice(member.start, member.end, self._category_of(box)))
        self._patch_flags(start, members, record.flags ^ box.flags, box.flags, new_in(value, box, "attributes"))
        self._changes += json_splices(self._text, start, members, value, box, "attributes")

    def _patch_area(
        self,
        members: Mapping[str, json_text.Member],
        value: Mapping[str, Any],
        record: CocoBox,
        box: Box,
        box_area: float,
    ) -> None:
        """The area of the box follows it; that of a mask only where the mask does."""
        area = value.get("area")
        if isinstance(area, bool) or not isinstance(area, int | float) or not abs(area) <= _MAX_AREA:
            return
        wanted: float | None = box_area
        if not _was_box_area(area, record.bbox):
            wanted = None
            if has_shape(value):
                wanted = coco_stale.area_after(area, record.xyxy, box.xyxy, value, self._stale)
        if wanted is not None and not is_same(area, wanted):
            self._changes.append(Splice(members["area"].start, members["area"].end, number_text(wanted)))

    def _patch_flags(
        self,
        start: int,
        members: Mapping[str, json_text.Member],
        changed: BoxFlag,
        flags: BoxFlag,
        more: Mapping[str, Any],
    ) -> None:
        """more: further members of "attributes" that the record lacks."""
        if changed & BoxFlag.CROWD:
            crowd = str(int(bool(flags & BoxFlag.CROWD)))
            self._changes.append(set_member(self._text, start, members, "iscrowd", crowd))
        names = {name: bool(flags & flag) for name, flag in ATTRIBUTES.items() if changed & flag} | dict(more)
        if not names:
            return
        member = members.get("attributes")
        if member is None or self._text[member.start] != "{":
            self._changes.append(set_member(self._text, start, members, "attributes", json_value(names)))
            return
        inner = json_text.members_of(self._text, member.start)
        if not inner:
            self._changes.append(Splice(member.start, member.end, json_value(names)))
            return
        for name, new in names.items():
            self._changes.append(set_member(self._text, member.start, inner, name, json_value(new)))

    def _name_category_ids(self, used: set[int]) -> list[dict[str, Any]]:
        """Finds the JSON of each project category's id in this file. -> records of those used that it lacks"""
        taken: set[str] = set()
        for index, value in enumerate(self._document.categories):
            read = read_category(value, index)
            if isinstance(read, BadRecord):
                continue
            taken.add(read[0])
            number = self._imported_as.get(read[0])
            if number is not None:
                self._category_json.setdefault(number, json_value(value["id"]))
        new: list[dict[str, Any]] = []
        highest = _highest_id(self._document.categories)
        for number in sorted(used - set(self._category_json)):
            if number not in self._project:
                raise FormatError(self._path, "", f"a box has category {number}, which the project lacks. Run a check.")
            category = self._project[number]
            file_id = number if str(number) not in taken else (highest := highest + 1)
            taken.add(str(file_id))
            self._category_json[number] = str(file_id)
            new.append({"id": file_id, "name": category.name, "supercategory": category.supercategory})
        return new

    def _patch_categories(self, held: set[str], used: set[int], new: Sequence[Mapping[str, Any]]) -> None:
        """New ones are added, renamed ones get their name; removed ones go unless a record still speaks of them."""
        removed: set[int] = set()
        seen: set[str] = set()
        for index, value in enumerate(self._document.categories):
            read = read_category(value, index)
            if isinstance(read, BadRecord) or read[0] not in self._imported_as or read[0] in seen:
                continue
            seen.add(read[0])
            category = self._project.get(self._imported_as[read[0]])
            if category is None:
                if read[0] not in held and self._imported_as[read[0]] not in used:
                    removed.add(index)
            elif category.name != read[1]:
                member = json_text.members_of(self._text, self._categories.span(index)[0])["name"]
                self._changes.append(Splice(member.start, member.end, json_value(category.name)))
        self._append("categories", self._categories, new, ("id", "name", "supercategory"), removed)
        self._changes += remove_elements(self._categories, removed)

    def _add_images(self, images: Sequence[ImageRecord], by_place: Mapping[int, ImageRecord]) -> dict[int, str]:
        """The JSON of each image's id in this file; labelled images that the file lacks are appended."""
        found = {image.id: json_value(self._document.images[place]["id"]) for place, image in by_place.items()}
        highest = _highest_id(self._document.images)
        new: list[dict[str, Any]] = []
        for image in images:
            if image.id in found or not (image.boxes or image.state in _OWN_STATES):
                continue
            number = highest + image.id
            found[image.id] = str(number)
            new.append({"id": number, "file_name": image.path, "width": image.width, "height": image.height})
        self._append("images", self._images, new, ("id", "file_name", "width", "height"), set())
        return found

    def _add_annotations(
        self, boxes: Sequence[tuple[ImageRecord, Box]], image_json: Mapping[int, str], removed: set[int]
    ) -> None:
        """New ids are the file's highest plus the box's own, so that a box keeps its id whatever else comes or goes."""
        highest = self._document.annotations.highest_id()
        new: list[dict[str, Any]] = []
        more: dict[str, None] = {}
        for image, box in sorted(boxes, key=lambda pair: pair[1].id):
            x1, y1, x2, y2 = (round(v, 2) for v in box.xyxy)
            record: dict[str, Any] = {
                "id": highest + box.id,
                "image_id": json.loads(image_json[image.id]),
                "category_id": json.loads(self._category_of(box)),
                "segmentation": [],
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": int(box.crowd),
            }
            attributes: dict[str, Any] = {name: True for name, flag in ATTRIBUTES.items() if box.flags & flag}
            attributes |= grouped(box, "attributes")
            own = alone(box, "attributes")
            more |= dict.fromkeys(own)
            record = {**own, **record}
            new.append({**record, "attributes": attributes} if attributes else record)
        required = ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "attributes", *more)
        self._append("annotations", self._annotations, new, required, removed)

    def _append(
        self, name: str, array: JsonArray, new: Sequence[Mapping[str, Any]], required: Sequence[str], removed: set[int]
    ) -> None:
        if not new:
            return
        style = Style.learned(self._text, array, self._images)
        texts = [style.object_text(record, required) for record in new]
        if array.start >= 0:
            self._changes.append(append_elements(self._text, array, texts, style, removed))
            return
        members = self._document.text.members
        value = f"[{style.between.join(texts)}]"
        top = self._text.index("{")
        self._changes.append(set_member(self._text, top, members, name, value, close=self._document.text.close))

    def _category_of(self, box: Box) -> str:
        return self._category_json[box.category_id]


def _new_bbox(old: tuple[float, float, float, float], box: Box) -> tuple[float, float, float, float]:
    """x, y, width, height as they are to be written: of the old numbers, those that still say it stay as they are."""
    starts: list[float] = []
    sizes: list[float] = []
    for axis in (0, 1):
        low, high = box.xyxy[axis], box.xyxy[axis + 2]
        start = old[axis] if is_same(old[axis], low) else round(low, 2)
        starts.append(start)
        sizes.append(old[axis + 2] if is_same(old[axis + 2], high - low) else round(high - start, 2))
    return starts[0], starts[1], sizes[0], sizes[1]


def _was_box_area(area: float, bbox: tuple[float, float, float, float]) -> bool:
    """True if the record's area is its box's, exactly or as a whole number, and not that of a mask."""
    of_box = bbox[2] * bbox[3]
    return abs(area - of_box) <= 0.01 + 1e-3 * of_box or area in (int(of_box), round(of_box))


def _highest_id(values: Sequence[Any]) -> int:
    """The highest number among the ids of these records."""
    return highest_number([value.get("id") for value in values if isinstance(value, dict)])
