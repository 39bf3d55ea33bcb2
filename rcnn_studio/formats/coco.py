"""COCO: one JSON file for many images. Reading one or several of them; patching and export are beside it.

A bad record is listed and the rest is read. Masks and keypoints stay in the file unseen. Nothing here writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import (
    Box,
    BoxSource,
    Category,
    Dataset,
    ImageRecord,
    ImageState,
    next_color,
    next_hotkey,
)
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import coco_export, coco_patch, paths
from rcnn_studio.formats import images as image_files
from rcnn_studio.formats.coco_layout import (
    ImageFinder,
    coco_files,
    find_root,
    hints_for,
    looks_like_coco,
    source_files,
)
from rcnn_studio.formats.coco_record import (
    BadRecord,
    CocoBox,
    id_key,
    image_index,
    read_annotation,
    read_category,
    read_image,
)
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source

EMPTY_STATES = {"unlabelled": ImageState.UNLABELLED, "confirmed": ImageState.CONFIRMED_EMPTY}
_REPORT_EVERY = 200
_MAX_CATEGORY_ID = 1 << 31


class CocoCodec:
    """The codec "coco"."""

    name = "coco"

    def sniff(self, path: Path) -> bool:
        """True for a JSON file with annotations, or a folder that holds one at its top or one level below."""
        try:
            return bool(coco_files(path)) if path.is_dir() else looks_like_coco(path)
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read."""
        if source.empty not in EMPTY_STATES:
            known = ", ".join(EMPTY_STATES)
            raise FormatError(source.path, "", f"images without annotations cannot be {source.empty!r}, only {known}.")
        listed = source_files(source)
        files: list[_File] = []
        for number, (split, path) in enumerate(listed):
            check(should_stop)
            report(Progress(f"Reading {path.name}", number, len(listed)))
            files.append(_load(split, path))
        reader = _Reader(files, source)
        for file in files:
            reader.read_images(file, report, should_stop)
        return reader.result()

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch. Removing or renaming a category changes the file's "categories"."""
        if file.refused:
            return original
        return coco_patch.patch(original, file, images, categories, places)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: annotations/instances_<split>.json with ids from 1, and copies of the images in images/."""
        return coco_export.write(dataset, out, report, should_stop)


@dataclass(slots=True)
class _File:
    """A COCO file as parsed. categories: (id key, name) of the sound ones; names: file_name by index in images."""

    split: str
    path: Path
    images: list[Any]
    annotations: list[Any]
    categories: list[tuple[str, str]]
    names: dict[int, str]
    problems: list[Problem]
    category_ids: dict[str, int] = field(default_factory=dict)


def _load(split: str, path: Path) -> _File:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    document = coco_patch.parse(data, path)
    arrays = {name: array.values for name, array in document.arrays.items()}
    if "images" not in arrays:
        raise FormatError(path, "images", "is missing: this is no COCO annotation file. Choose another file.")
    file = _File(split, path, arrays["images"], arrays.get("annotations", []), [], {}, [])
    _load_categories(file, arrays.get("categories", []))
    _load_images(file)
    _list_double_ids(file)
    return file


def _load_categories(file: _File, values: list[Any]) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        read = read_category(value, index)
        if isinstance(read, BadRecord):
            file.problems.append(read.in_file(str(file.path)))
        elif read[0] in seen:
            message = f"the id {read[0]} is another category's already."
            bad = BadRecord(f"categories[{index}].id", "double-id", message)
            file.problems.append(bad.in_file(str(file.path)))
        else:
            seen.add(read[0])
            file.categories.append(read)


def _load_images(file: _File) -> None:
    first = image_index(file.images)
    for index, value in enumerate(file.images):
        read = read_image(value, index)
        if not isinstance(read, BadRecord) and first[read[0]] != index:
            message = f"the id {read[0]} is that of images[{first[read[0]]}] already."
            read = BadRecord(f"images[{index}].id", "double-id", message)
        if isinstance(read, BadRecord):
            file.problems.append(read.in_file(str(file.path)))
        else:
            file.names[index] = read[1]


def _list_double_ids(file: _File) -> None:
    """Annotations that share an id are used, but other tools may drop one of them."""
    first: dict[str, int] = {}
    for index, value in enumerate(file.annotations):
        key = id_key(value.get("id")) if isinstance(value, dict) else None
        if key is None or first.setdefault(key, index) == index:
            continue
        file.problems.append(
            Problem(
                file=str(file.path),
                where=f"annotations[{index}].id",
                kind="double-id",
                message=f"the id {key} is that of annotations[{first[key]}] already.",
                action="Both are used and kept; other tools may lose one.",
                level="warning",
            )
        )


class _Reader:
    """Brings the files together: one table of categories, one numbering of images and boxes."""

    def __init__(self, files: Sequence[_File], source: Source) -> None:
        self._files = files
        self._empty = EMPTY_STATES[source.empty]
        self._categories = _merge_categories(files)
        names = [name for file in files for name in list(file.names.values())[:5]]
        self._finder: ImageFinder = find_root(source, [(f.split, f.path) for f in files], names)
        self._images: list[ImportedImage] = []
        self._problems: list[Problem] = [problem for file in files for problem in file.problems]
        self._claimed: dict[str, str] = {}
        self._next_box_id = 1

    def read_images(self, file: _File, report: Report, should_stop: ShouldStop) -> None:
        boxes, doubtful = self._read_boxes(file)
        hints = hints_for(file.split, file.path)
        number = self._files.index(file)
        for count, (index, name) in enumerate(file.names.items()):
            if count % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress(f"Reading the images of {file.path.name}", count, len(file.names)))
            found = self._find(file, index, name, hints)
            if found is None:
                continue
            path, width, height = found
            self._check_size(file, index, width, height)
            own = self._make_boxes(boxes.get(index, []))
            state = ImageState.LABELLED if own else ImageState.NEEDS_FIX if index in doubtful else self._empty
            if not self._is_complete(path):
                state = ImageState.NEEDS_FIX
            record = ImageRecord(
                id=len(self._images) + 1,
                root=0,
                path=path,
                width=width,
                height=height,
                state=state,
                split=file.split,
                boxes=own,
                extra={"coco_id": file.images[index]["id"]},
            )
            self._images.append(ImportedImage(record=record, file=number, place=index))

    def result(self) -> Imported:
        files = tuple(
            LinkedFile(
                path=str(file.path),
                format="coco",
                split=file.split,
                options={"category_ids": [[key, number] for key, number in file.category_ids.items()]},
            )
            for file in self._files
        )
        if not self._images:
            path = self._files[0].path
            raise FormatError(path, "images", f"none of its images is in {self._finder.root}. Name their folder.")
        return Imported(
            categories=self._categories,
            roots=(str(self._finder.root),),
            files=files,
            images=tuple(self._images),
            problems=tuple(self._problems),
        )

    def _read_boxes(self, file: _File) -> tuple[dict[int, list[tuple[int, CocoBox]]], set[int]]:
        """Sound boxes by image index, and the images that have bad ones."""
        index_of = image_index(file.images)
        boxes: dict[int, list[tuple[int, CocoBox]]] = defaultdict(list)
        doubtful: set[int] = set()
        for place, value in enumerate(file.annotations):
            read = read_annotation(value, place, index_of, file.category_ids)
            if isinstance(read, CocoBox):
                boxes[read.image].append((place, read))
                continue
            self._problems.append(read.in_file(str(file.path)))
            image = index_of.get(id_key(value.get("image_id")) or "") if isinstance(value, dict) else None
            if image is not None:
                doubtful.add(image)
        return boxes, doubtful

    def _make_boxes(self, boxes: Sequence[tuple[int, CocoBox]]) -> tuple[Box, ...]:
        made: list[Box] = []
        for place, box in boxes:
            x1, y1, x2, y2 = box.xyxy
            made.append(
                Box(
                    id=self._next_box_id,
                    x1=x1,
                    y1=y1,
                    x2=x2,
                    y2=y2,
                    category_id=box.category_id,
                    flags=box.flags,
                    source=BoxSource.IMPORTED,
                    place=place,
                )
            )
            self._next_box_id += 1
        return tuple(made)

    def _find(self, file: _File, index: int, name: str, hints: Sequence[str]) -> tuple[str, int, int] | None:
        """(path, width, height) of the image; None, with a problem listed, if it cannot be used."""
        place = f"images[{index}].file_name"
        action = "The image and its annotations are left out of the project, and kept in the file."
        try:
            path = self._finder.find(name, hints)
            if path in self._claimed or not paths.is_storable(path):
                other = self._claimed.get(path)
                reason = f"{path} is {other} already." if other else "the name is not valid UTF-8."
                raise FormatError(file.path, place, reason)
            width, height = image_files.read_size(self._finder.root / path)
        except FormatError as error:
            where_image = error.path if error.path not in (self._finder.root, file.path) else file.path
            in_file = where_image == file.path
            self._problems.append(
                Problem(
                    file=str(where_image),
                    where=place if in_file else error.where,
                    kind="unusable-image" if in_file else "unreadable-image",
                    message=error.reason,
                    action=action,
                )
            )
            return None
        self._claimed[path] = f"images[{index}] of {file.path.name}"
        return path, width, height

    def _is_complete(self, path: str) -> bool:
        full = self._finder.root / path
        if image_files.is_complete(full):
            return True
        self._problems.append(
            Problem(
                file=str(full),
                where="",
                kind="truncated-image",
                message="the image is cut off or damaged.",
                action="It is set to 'needs fix' and left out of training. Replace it with a sound copy.",
            )
        )
        return False

    def _check_size(self, file: _File, index: int, width: int, height: int) -> None:
        said = file.images[index].get("width"), file.images[index].get("height")
        if said == (width, height) or None in said or said == (0, 0):
            return
        self._problems.append(
            Problem(
                file=str(file.path),
                where=f"images[{index}].width",
                kind="size-mismatch",
                message=f"says {said[0]!r} x {said[1]!r}, but the image has {width} x {height} pixels.",
                action="The boxes are taken as they are; look whether they fit.",
                level="warning",
            )
        )


def _merge_categories(files: Sequence[_File]) -> tuple[Category, ...]:
    """One category for each name, in file order; ids as in the files where these agree, else numbered from 1.

    Sets category_ids of each file.
    """
    keys: dict[str, str] = {}
    for file in files:
        for key, name in file.categories:
            keys.setdefault(name, key)
    kept = _common_ids(files, keys)
    made: list[Category] = []
    for number, (name, key) in enumerate(keys.items(), start=1):
        made.append(
            Category(
                id=kept.get(name, number),
                name=name,
                color=next_color(made),
                hotkey=next_hotkey(made),
                extra={} if kept else {"coco_id": key},
            )
        )
    ids = {category.name: category.id for category in made}
    for file in files:
        file.category_ids = {key: ids[name] for key, name in file.categories}
    return tuple(made)


def _common_ids(files: Sequence[_File], keys: Mapping[str, str]) -> dict[str, int]:
    """Project ids by name if the files' own ids can serve: positive numbers, one a name and one name each."""
    every = {(key, name) for file in files for key, name in file.categories}
    numbers = {name: int(key) for name, key in keys.items() if key.isascii() and key.isdigit() and len(key) < 11}
    usable = len(numbers) == len(keys) == len(every) == len(set(numbers.values()))
    return numbers if usable and all(0 < n < _MAX_CATEGORY_ID for n in numbers.values()) else {}
