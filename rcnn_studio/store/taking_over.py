"""Making the project say what another version of a linked file says: one Edit that keeps what has not changed.

Finds which box of theirs is which of ours; reads the version through the codec, in a temporary folder.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rcnn_studio.domain.dataset import (
    Box,
    BoxSource,
    Category,
    ImageRecord,
    ImageState,
    next_color,
    next_hotkey,
)
from rcnn_studio.domain.edits import DocumentChange, Edit, ImageChange, change_between, state_after
from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.domain.geometry import iou_matrix
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec, yolo_record
from rcnn_studio.formats.codec import Imported
from rcnn_studio.formats.text import is_same
from rcnn_studio.store import documents
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.reading import read_categories, read_images_of_file

_SAME_BOX_IOU = 0.5


@dataclass(slots=True, kw_only=True)
class TakeOver:
    """What it needs to take a version over. inherited: place of an unchanged box -> its index in the new version."""

    edit: Edit
    options: Mapping[str, Any]
    places: dict[int, int | None]
    inherited: dict[int, int]
    unknown_images: int


@dataclass(slots=True)
class _Theirs:
    """One image as their version has it. indices: of its boxes' records; place: of the image."""

    record: ImageRecord
    place: int | None


@dataclass(slots=True)
class _Version:
    """categories: by the ids that the boxes have. ids: annotation id by index of record, where the format has them."""

    images: dict[int, _Theirs]
    categories: tuple[Category, ...]
    options: dict[str, Any]
    unknown_images: int = 0
    ids: dict[int, str] = field(default_factory=dict)


def plan(
    db: sqlite3.Connection,
    file: FileRow,
    data: bytes | None,
    image_path: Callable[[ImageRecord], Path],
    next_box_id: Callable[[], int],
    text: str,
) -> TakeOver:
    """Inside one read transaction. image_path: where an image of this file lies. text: of the edit; "{0}" stands for
    the name of the file. Raises FormatError for a version that cannot be read, ProjectError."""
    images, _ = read_images_of_file(db, file.id, touched_only=False)
    if not images:
        raise ProjectError(f"{file.path}: belongs to no image of the project. Keep your version instead.")
    version = _read_version(file, data, images, image_path)
    before = read_categories(db)
    after, ids = _categories(before, version, file)
    generation = documents.next_generation(db, file.id)
    old_ids = _annotation_ids(documents.read(db, file.id, file.generation)) if version.ids else {}
    inherited: dict[int, int] = {}
    changes: list[ImageChange] = []
    for image in images:
        theirs = version.images.get(image.id)
        record = None if theirs is None else _with_categories(theirs.record, ids)
        mine = _index_of_mine(image, file, old_ids)
        pairs = _pairs(image.boxes, record.boxes if record else (), mine, version.ids)
        wanted = _wanted(image, record, pairs, generation, inherited, next_box_id, file.linked.format)
        change = change_between(image, wanted)
        if change.removed or change.added or change.state[0] != change.state[1]:
            changes.append(change)
    edit = Edit(
        text=text.format(file.path.name),
        images=tuple(changes),
        categories=None if len(after) == len(before) else (before, after),
        documents=(DocumentChange(file_id=file.id, before=file.generation, after=generation),),
    )
    places = {image.id: version.images[image.id].place if image.id in version.images else None for image in images}
    options = {**version.options}
    if file.linked.format == "yolo":
        del options["category_ids"]
    elif "category_ids" in options:
        options["category_ids"] = [[key, ids[number]] for key, number in options["category_ids"]]
    return TakeOver(
        edit=edit, options=options, places=places, inherited=inherited, unknown_images=version.unknown_images
    )


def store(db: sqlite3.Connection, taken: TakeOver, data: bytes | None) -> None:
    """Makes the version known as a base document, so that the edit can be applied."""
    (change,) = taken.edit.documents
    documents.add(db, change, data, taken.options, taken.places, taken.inherited)


def _wanted(
    image: ImageRecord,
    theirs: ImageRecord | None,
    pairs: Sequence[tuple[Box | None, Box]],
    generation: int,
    inherited: dict[int, int],
    next_box_id: Callable[[], int],
    name: str,
) -> ImageRecord:
    """Our record as it is to be: unchanged boxes as they are, changed ones with their id and where they came from."""
    boxes: list[Box] = []
    for mine, other in pairs:
        place = documents.place_in(generation, other.place)
        if mine is None:
            boxes.append(replace(other, id=next_box_id(), source=BoxSource.IMPORTED, place=place))
        elif mine.place is not None and other.place is not None and _is_equal(mine, other):
            inherited[mine.place] = other.place
            boxes.append(mine)
        elif _is_equal(mine, other):
            boxes.append(replace(mine, place=place))
        else:
            x1, y1, x2, y2 = other.xyxy
            boxes.append(
                replace(
                    mine,
                    x1=x1,
                    y1=y1,
                    x2=x2,
                    y2=y2,
                    category_id=other.category_id,
                    flags=other.flags,
                    edited=True,
                    place=place,
                )
            )
    made = tuple(sorted(boxes, key=lambda box: box.id))
    return replace(image, boxes=made, state=_state(image, theirs, made, name))


def _state(image: ImageRecord, theirs: ImageRecord | None, boxes: tuple[Box, ...], name: str) -> ImageState:
    """What a file of one image says about it is taken over; a COCO file says nothing but its boxes."""
    if image.state == ImageState.NEEDS_FIX:
        return image.state
    if name not in WITH_CATEGORY_TABLE and theirs is not None:
        return theirs.state
    unchanged = [(b.id, b.xyxy, b.category_id) for b in image.boxes] == [(b.id, b.xyxy, b.category_id) for b in boxes]
    return image.state if unchanged else state_after(boxes, image.state)


def _pairs(
    ours: Sequence[Box], theirs: Sequence[Box], my_ids: Mapping[int, str], their_ids: Mapping[int, str]
) -> list[tuple[Box | None, Box]]:
    """Each box of theirs with the one of ours that it is: of the same annotation id, else equal, else the same kind
    of thing in about the same place."""
    free = {box.id: box for box in ours}
    by_key = {my_ids[box.id]: box.id for box in ours if box.id in my_ids}
    found: dict[int, Box] = {}

    def claim(index: int, number: int | None) -> None:
        if number is not None and index not in found and number in free:
            found[index] = free.pop(number)

    for index, other in enumerate(theirs):
        claim(index, by_key.get(their_ids.get(-1 if other.place is None else other.place, "")))
    for index, other in enumerate(theirs):
        claim(index, next((b.id for b in free.values() if _is_equal(b, other)), None))
    for index, other in enumerate(theirs):
        if index not in found:
            claim(index, _nearest(other, list(free.values())))
    return [(found.get(index), other) for index, other in enumerate(theirs)]


def _nearest(box: Box, others: Sequence[Box]) -> int | None:
    same = [other for other in others if other.category_id == box.category_id]
    if not same:
        return None
    overlaps = iou_matrix([box.xyxy], [other.xyxy for other in same])[0]
    best = int(overlaps.argmax())
    return same[best].id if overlaps[best] >= _SAME_BOX_IOU else None


def _is_equal(a: Box, b: Box) -> bool:
    return (
        a.category_id == b.category_id
        and a.flags == b.flags
        and all(is_same(p, q) for p, q in zip(a.xyxy, b.xyxy, strict=True))
    )


def _with_categories(record: ImageRecord, ids: Mapping[int, int]) -> ImageRecord:
    return replace(record, boxes=tuple(replace(box, category_id=ids[box.category_id]) for box in record.boxes))


def _categories(
    before: tuple[Category, ...], version: _Version, file: FileRow
) -> tuple[tuple[Category, ...], dict[int, int]]:
    """Our table with what theirs adds, and the id in it of each of their categories: by name, then by the id that
    the file has had for it, else a new one."""
    made = list(before)
    by_name = {category.name: category.id for category in before}
    known = {str(key): int(number) for key, number in file.linked.options.get("category_ids", [])}
    keys = {int(number): str(key) for key, number in version.options.get("category_ids", [])}
    if file.linked.format == "yolo":
        known = {key: number for number, key in keys.items()}
    present = {category.id for category in before}
    ids: dict[int, int] = {}
    for category in version.categories:
        number = by_name.get(category.name, known.get(keys.get(category.id, "")))
        if number is None or number not in present:
            number = max((c.id for c in made), default=0) + 1
            color, hotkey = next_color(made), next_hotkey(made)
            made.append(Category(id=number, name=category.name, color=color, hotkey=hotkey))
            present.add(number)
            by_name[category.name] = number
        ids[category.id] = number
    return tuple(made), ids


def _index_of_mine(image: ImageRecord, file: FileRow, old_ids: Mapping[int, str]) -> dict[int, str]:
    """Annotation id by the id of our box."""
    if not old_ids:
        return {}
    placed = documents.with_places_of(image.boxes, file.generation, file.places_from, {})
    return {box.id: old_ids[box.place] for box in placed if box.place is not None and box.place in old_ids}


def _annotation_ids(data: bytes | None) -> dict[int, str]:
    """Index in "annotations" -> the record's id as text; of two with one id, the first."""
    if data is None:
        return {}
    values = json.loads(data.decode("utf-8-sig")).get("annotations", [])
    found: dict[str, int] = {}
    for index, value in enumerate(values):
        if isinstance(value, dict) and "id" in value:
            found.setdefault(str(value["id"]), index)
    return {index: key for key, index in found.items()}


def _read_version(
    file: FileRow, data: bytes | None, images: Sequence[ImageRecord], image_path: Callable[[ImageRecord], Path]
) -> _Version:
    try:
        if file.linked.format == "yolo":
            return _read_yolo(file, data, images[0])
        if file.linked.format in WITH_CATEGORY_TABLE:
            return _read_coco(file, data, images, image_path)
        return _read_voc(file, data, images[0], image_path(images[0]))
    except OSError as error:
        raise ProjectError(f"{file.path}: cannot be read ({error.strerror}). Keep your version instead.") from error


def _read_coco(
    file: FileRow, data: bytes | None, images: Sequence[ImageRecord], image_path: Callable[[ImageRecord], Path]
) -> _Version:
    if data is None:
        raise ProjectError(f"{file.path}: is gone, with the labels of {len(images)} images. Keep your version instead.")
    ours = {str(image_path(image)): image for image in images}
    root = image_path(images[0])
    for _ in Path(images[0].path).parts:
        root = root.parent
    with tempfile.TemporaryDirectory(prefix="rcnn-studio-") as name:
        copy = Path(name) / file.path.name
        copy.write_bytes(data)
        source = Source(path=copy, images=root, split=file.linked.split)
        imported = codec("coco").read(source, ignore, never)
    found: dict[int, _Theirs] = {}
    unknown = 0
    for record, place in _records(imported):
        mine = ours.get(str((Path(imported.roots[record.root]) / record.path).resolve())) or ours.get(
            str(Path(imported.roots[record.root]) / record.path)
        )
        if mine is None:
            unknown += 1
        else:
            found[mine.id] = _Theirs(record, place)
    options = dict(imported.files[0].options)
    return _Version(found, imported.categories, options, unknown, _annotation_ids(data))


def _records(imported: Imported) -> Iterator[tuple[ImageRecord, int | None]]:
    for index, image in enumerate(imported.images):
        yield imported.record(index), image.place


def _read_voc(file: FileRow, data: bytes | None, image: ImageRecord, path: Path) -> _Version:
    """Through a dataset of this one image in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="rcnn-studio-") as name:
        folder = Path(name)
        for child in ("Annotations", "JPEGImages"):
            (folder / child).mkdir()
        shutil.copyfile(path, folder / "JPEGImages" / path.name)
        if data is not None:
            (folder / "Annotations" / f"{path.stem}.xml").write_bytes(data)
        source = Source(path=folder, one_based=bool(file.linked.options.get("one_based", True)))
        imported = codec(file.linked.format).read(source, ignore, never)
    refused = next((f.refused for f in imported.files if f.refused), "")
    if refused or len(imported.images) != 1:
        raise FormatError(file.path, "", "cannot be read as an annotation. Mend it, or keep your version instead.")
    return _Version({image.id: _Theirs(imported.record(0), None)}, imported.categories, dict(file.linked.options))


def _read_yolo(file: FileRow, data: bytes | None, image: ImageRecord) -> _Version:
    """The lines of one text file; a category's id is its class index plus one."""
    options = dict(file.linked.options)
    if data is None:
        empty = replace(image, boxes=(), state=ImageState.UNLABELLED)
        return _Version({image.id: _Theirs(empty, None)}, (), {**options, "category_ids": []})
    boxes: list[Box] = []
    for index, line in enumerate(yolo_record.read_text(data, file.path).lines):
        row = yolo_record.read_row(
            line.text, index, classes=options.get("classes"), keypoints=int(options.get("keypoints", 0))
        )[0]
        corners = None if row is None else row.corners(image.width, image.height)
        if row is not None and corners is not None:
            x1, y1, x2, y2 = corners
            boxes.append(Box(id=0, x1=x1, y1=y1, x2=x2, y2=y2, category_id=row.category + 1, place=index))
    state = ImageState.LABELLED if boxes else ImageState.CONFIRMED_EMPTY
    used = sorted({box.category_id for box in boxes})
    record = replace(image, boxes=tuple(boxes), state=state)
    names = tuple(Category(id=number, name=f"class {number - 1}") for number in used)
    version = _Version({image.id: _Theirs(record, None)}, names, options)
    version.options["category_ids"] = [[str(number - 1), number] for number in used]
    return version
