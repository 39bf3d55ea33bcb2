"""Reading the bytes that were built for a linked file once more, before they replace anything.

Compares what the format's own reader finds with the boxes that were to be written. Opens no file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rcnn_studio.domain.dataset import BoxFlag, Category, ImageRecord
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import coco_document, labelme_patch, labelme_record, voc_file, yolo_record
from rcnn_studio.formats.coco_record import BadRecord, image_index, read_category
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.text import without_controls

Corners = tuple[float, float, float, float]
Found = tuple[object, int, Corners]
"""A box as it is compared: what stands for its category, its flags, its corners in pixels."""

Places = Mapping[int, int | None]
_NEAR_PX = 0.02
_VOC_FLAGS = BoxFlag.DIFFICULT | BoxFlag.TRUNCATED | BoxFlag.OCCLUDED


def check(
    data: bytes, file: LinkedFile, images: Sequence[ImageRecord], categories: Sequence[Category], places: Places
) -> None:
    """Raises FormatError if the bytes do not say what these images' boxes say."""
    checker = _CHECKERS.get(file.format)
    if checker is not None:
        checker(data, file, images, categories, places)


def _check_voc(
    data: bytes, file: LinkedFile, images: Sequence[ImageRecord], categories: Sequence[Category], _: Places
) -> None:
    names = {category.id: without_controls(category.name) for category in categories}
    one_based = bool(file.options.get("one_based", True))
    found: list[Found] = []
    for record in voc_file.read_file(data, file.path).objects:
        corners = record.corners(one_based=one_based)
        if corners is not None:
            found.append((record.name, int(record.flags), corners))
    wanted = [(names.get(b.category_id), int(b.flags & _VOC_FLAGS), b.xyxy) for image in images for b in image.boxes]
    _compare(file, found, wanted)


def _check_yolo(
    data: bytes, file: LinkedFile, images: Sequence[ImageRecord], _categories: Sequence[Category], _: Places
) -> None:
    (image,) = images
    keypoints = int(file.options.get("keypoints", 0))
    classes = file.options.get("classes")
    used = {box.category_id - 1 for box in image.boxes}
    found: list[Found] = []
    for index, line in enumerate(yolo_record.read_text(data, file.path).lines):
        row = yolo_record.read_row(line.text, index, classes=None, keypoints=keypoints)[0]
        corners = None if row is None else row.corners(image.width, image.height)
        if row is None or corners is None:
            continue
        if classes is not None and row.category >= int(classes) and row.category not in used:
            continue
        found.append((row.category, 0, corners))
    _compare(file, found, [(box.category_id - 1, 0, box.xyxy) for box in image.boxes])


def _check_labelme(
    data: bytes, file: LinkedFile, images: Sequence[ImageRecord], categories: Sequence[Category], _: Places
) -> None:
    names = {category.id: without_controls(category.name) for category in categories}
    shapes = (labelme_record.read_shape(v, i) for i, v in enumerate(labelme_patch.parse(data, file.path)[1]))
    found: list[Found] = [(s.label, int(s.flags), s.xyxy) for s in shapes if isinstance(s, labelme_record.Shape)]
    wanted = [(names.get(b.category_id), int(b.flags), b.xyxy) for image in images for b in image.boxes]
    _compare(file, found, wanted)


def _check_coco(
    data: bytes, file: LinkedFile, images: Sequence[ImageRecord], categories: Sequence[Category], places: Places
) -> None:
    """Only the annotations of the images that were given are compared: the others are the original's own text."""
    document = coco_document.parse(data, file.path)
    wanted_images = _coco_images(document.images, images, places)
    category_ids = _coco_categories(document.categories, file, categories)
    sound, _ = document.annotations.resolve(image_index(document.images), category_ids)
    given = sound.pick(np.isin(sound.images, np.array(list(wanted_images), dtype=np.int64)))
    rows = zip(
        given.images.tolist(), given.category_ids.tolist(), given.flags.tolist(), given.xyxy().tolist(), strict=True
    )
    found: list[Found] = [
        ((image, category), flags, (x1, y1, x2, y2)) for image, category, flags, (x1, y1, x2, y2) in rows
    ]
    numbers = {image_id: index for index, image_id in wanted_images.items()}
    wanted = [((numbers.get(i.id), b.category_id), int(b.flags), b.xyxy) for i in images for b in i.boxes]
    _compare(file, found, wanted)


def _coco_images(values: Sequence[Any], images: Sequence[ImageRecord], places: Places) -> dict[int, int]:
    """Index in "images" -> image id, by place, or by name for an image that was appended."""
    found = {place: image.id for image in images if (place := places.get(image.id)) is not None}
    appended = {image.path: image.id for image in images if places.get(image.id) is None}
    for index, value in enumerate(values):
        if index not in found and isinstance(value, dict) and value.get("file_name") in appended:
            found[index] = appended[value["file_name"]]
    return found


def _coco_categories(values: Sequence[Any], file: LinkedFile, categories: Sequence[Category]) -> dict[str, int]:
    """Key of an id in the file -> category id of the project: as imported, else by name."""
    by_name = {category.name: category.id for category in categories}
    imported = {str(key): int(number) for key, number in file.options.get("category_ids", [])}
    found: dict[str, int] = {}
    for index, value in enumerate(values):
        read = read_category(value, index)
        if not isinstance(read, BadRecord) and read[0] not in found:
            number = imported.get(read[0], by_name.get(read[1]))
            if number is not None:
                found[read[0]] = number
    return found


def _compare(file: LinkedFile, found: Iterable[Found], wanted: Iterable[Found]) -> None:
    """Both as unordered lists; a box that is written with two decimals is the same within a fiftieth of a pixel."""
    left, right = sorted(found, key=_order), sorted(wanted, key=_order)
    if len(left) == len(right) and all(map(_is_same, left, right)):
        return
    rest = list(left)
    for box in right:
        match = next((i for i, other in enumerate(rest) if _is_same(box, other)), None)
        if match is None:
            raise _refusal(file, f"a box that is written would be read as another one: {_shown(box)}")
        del rest[match]
    if rest:
        raise _refusal(file, f"a box would be read that is not in the project: {_shown(rest[0])}")


def _order(box: Found) -> tuple[str, int, tuple[float, ...]]:
    return str(box[0]), box[1], tuple(round(value, 1) for value in box[2])


def _is_same(a: Found, b: Found) -> bool:
    return a[:2] == b[:2] and all(abs(p - q) <= _NEAR_PX for p, q in zip(a[2], b[2], strict=True))


def _shown(box: Found) -> str:
    return json.dumps([str(box[0]), box[1], [round(value, 2) for value in box[2]]])


def _refusal(file: LinkedFile, what: str) -> FormatError:
    return FormatError(file.path, "", f"was not written, because {what}. Report this; the file is untouched.")


_CHECKERS: Mapping[str, Callable[[bytes, LinkedFile, Sequence[ImageRecord], Sequence[Category], Places], None]] = {
    "voc": _check_voc,
    "yolo": _check_yolo,
    "labelme": _check_labelme,
    "coco": _check_coco,
}
