"""Making the project say what another version of a linked file says: one Edit that keeps what has not changed.

Finds which box of theirs is which of ours; reads the version through the codec, in a temporary folder where it wants
one.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
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
from rcnn_studio.formats import Source, coco_document, codec
from rcnn_studio.formats.codec import Imported, Rereads
from rcnn_studio.formats.text import is_same
from rcnn_studio.store import documents
from rcnn_studio.store.applying import write_problems
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.reading import read_categories, read_images_of_file

_SAME_BOX_IOU = 0.5
_MOST_NAMED = 100


@dataclass(slots=True, kw_only=True)
class TakeOver:
    """What it needs to take a version over. inherited: place of an unchanged box -> its index in the new version.
    problems: what is wrong in the version, which takes the place of what was wrong in the one before."""

    edit: Edit
    options: Mapping[str, Any]
    places: dict[int, int | None]
    inherited: dict[int, int]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Theirs:
    """One image as their version has it. indices: of its boxes' records; place: of the image."""

    record: ImageRecord
    place: int | None


@dataclass(slots=True)
class _Version:
    """categories: by the ids that the boxes have. own_ids: these are the project's, and those of new ones free there.
    ids: annotation id by index of record, where the format has them."""

    images: dict[int, _Theirs]
    categories: tuple[Category, ...]
    options: dict[str, Any]
    own_ids: bool = False
    problems: tuple[Problem, ...] = ()
    ids: Sequence[str | None] = ()


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
    if file.linked.format == "yolo-names":
        raise ProjectError(
            f"{file.path}: holds the names of the categories and no labels, so it cannot be taken over alone. Keep "
            "your version, or import the dataset anew as another project."
        )
    images, _ = read_images_of_file(db, file.id, touched_only=False)
    if not images:
        raise ProjectError(f"{file.path}: belongs to no image of the project. Keep your version instead.")
    before = read_categories(db)
    version = _read_version(file, data, images, before, image_path)
    after, ids = _categories(before, version, file)
    generation = documents.next_generation(db, file.id)
    old_ids = _annotation_ids(documents.read(db, file.id, file.generation), file) if version.ids else ()
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
    if "category_ids" in options:
        options["category_ids"] = [[key, ids[number]] for key, number in options["category_ids"]]
    return TakeOver(edit=edit, options=options, places=places, inherited=inherited, problems=version.problems)


def store(db: sqlite3.Connection, taken: TakeOver, file: FileRow, data: bytes | None) -> None:
    """Makes the version known as a base document, so that the edit can be applied."""
    (change,) = taken.edit.documents
    documents.add(db, change, data, taken.options, taken.places, taken.inherited)
    db.execute("DELETE FROM problems WHERE file = ?", (str(file.path),))
    write_problems(db, taken.problems)


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
    ours: Sequence[Box], theirs: Sequence[Box], my_ids: Mapping[int, str], their_ids: Sequence[str | None]
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
        claim(index, by_key.get(_at(their_ids, other.place) or ""))
    for index, other in enumerate(theirs):
        claim(index, next((b.id for b in free.values() if _is_equal(b, other)), None))
    for index, other in enumerate(theirs):
        if index not in found:
            claim(index, _nearest(other, list(free.values())))
    return [(found.get(index), other) for index, other in enumerate(theirs)]


def _at(ids: Sequence[str | None], place: int | None) -> str | None:
    return ids[place] if place is not None and 0 <= place < len(ids) else None


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
    present = {category.id for category in before}
    ids: dict[int, int] = {}
    for category in version.categories:
        number = category.id if version.own_ids else by_name.get(category.name, known.get(keys.get(category.id, "")))
        if number is None or number not in present:
            number = category.id if version.own_ids else max((c.id for c in made), default=0) + 1
            color, hotkey = next_color(made), next_hotkey(made)
            made.append(Category(id=number, name=category.name, color=color, hotkey=hotkey))
            present.add(number)
            by_name[category.name] = number
        ids[category.id] = number
    return tuple(made), ids


def _index_of_mine(image: ImageRecord, file: FileRow, old_ids: Sequence[str | None]) -> dict[int, str]:
    """Annotation id by the id of our box."""
    if not old_ids:
        return {}
    placed = documents.with_places_of(image.boxes, file.generation, file.places_from, {})
    return {box.id: key for box in placed if (key := _at(old_ids, box.place)) is not None}


def _annotation_ids(data: bytes | None, file: FileRow) -> Sequence[str | None]:
    """By the index in "annotations"."""
    return () if data is None else coco_document.parse(data, file.path).annotations.id_keys()


def _read_version(
    file: FileRow,
    data: bytes | None,
    images: Sequence[ImageRecord],
    categories: Sequence[Category],
    image_path: Callable[[ImageRecord], Path],
) -> _Version:
    reader = codec(file.linked.format)
    try:
        if isinstance(reader, Rereads):
            return _reread(reader, file, data, images[0], categories)
        if file.linked.format in WITH_CATEGORY_TABLE:
            return _read_coco(file, data, images, image_path)
        return _read_voc(file, data, images[0], image_path(images[0]))
    except OSError as error:
        where = error.filename or file.path
        raise ProjectError(f"{where}: cannot be read ({error.strerror}). Keep your version instead.") from error


def _reread(
    reader: Rereads, file: FileRow, data: bytes | None, image: ImageRecord, categories: Sequence[Category]
) -> _Version:
    if data is None:
        empty = replace(image, boxes=(), state=ImageState.UNLABELLED)
        return _Version({image.id: _Theirs(empty, None)}, (), dict(file.linked.options), own_ids=True)
    imported = reader.reread(data, file.linked, image, categories)
    return _Version(
        {image.id: _Theirs(imported.record(0), None)},
        imported.categories,
        dict(imported.files[0].options),
        own_ids=True,
        problems=imported.problems,
    )


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
    new: list[tuple[int | None, str]] = []
    for record, place in _records(imported):
        path = Path(imported.roots[record.root]) / record.path
        mine = ours.get(str(path.resolve())) or ours.get(str(path))
        if mine is None:
            new.append((place, record.path))
        else:
            found[mine.id] = _Theirs(record, place)
    problems = [replace(p, file=str(file.path)) if p.file == str(copy) else p for p in imported.problems]
    return _Version(
        found,
        imported.categories,
        dict(imported.files[0].options),
        problems=(*problems, *_new_images(file, new)),
        ids=_annotation_ids(data, file),
    )


def _new_images(file: FileRow, images: Sequence[tuple[int | None, str]]) -> Iterator[Problem]:
    """Images that their version has and the project has not: kept in the file, named one by one up to a number."""
    action = "It stays in the file as it is. To label it here, import the dataset anew as another project."
    for place, path in images[:_MOST_NAMED]:
        where = "images" if place is None else f"images[{place}]"
        message = f"{path} is in the version that was taken over, and not in the project."
        yield Problem(
            file=str(file.path), where=where, kind="new-image", message=message, action=action, level="warning"
        )
    if len(images) > _MOST_NAMED:
        message = f"{len(images) - _MOST_NAMED} more images are in that version, and not in the project."
        yield Problem(
            file=str(file.path), where="images", kind="new-image", message=message, action=action, level="warning"
        )


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
