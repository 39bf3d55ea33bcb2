"""COCO: one JSON file for many images. Reading one or several of them; patching and export are beside it.

A bad record is listed and the rest is read. Masks and keypoints stay in the file unseen. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import (
    Category,
    Dataset,
    ImageRecord,
    ImageState,
    next_color,
    next_hotkey,
)
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import coco_document, coco_export, coco_patch, json_text, losses
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.coco_images import ImageChecker
from rcnn_studio.formats.coco_layout import (
    ImageFinder,
    coco_files,
    find_root,
    hints_for,
    looks_like_coco,
    looks_like_results,
    source_files,
)
from rcnn_studio.formats.coco_record import (
    BadRecord,
    image_index,
    read_category,
    read_image,
    shown,
)
from rcnn_studio.formats.coco_table import AnnotationTable, SoundBoxes
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source

EMPTY_STATES = {"unlabelled": ImageState.UNLABELLED, "confirmed": ImageState.CONFIRMED_EMPTY}
_REPORT_EVERY = 200
_SAMPLED_NAMES = 10
_MAX_CATEGORY_ID = 1 << 31


class CocoCodec:
    """The codec "coco"."""

    name = "coco"
    holds = losses.COCO

    def sniff(self, path: Path) -> bool:
        """True for a JSON file with annotations, or a folder that holds one at its top or one level below."""
        try:
            return bool(coco_files(path)) if path.is_dir() else looks_like_coco(path) or looks_like_results(path)
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
            files.append(_load(split, path, report, should_stop))
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
        """See Codec.patch. Removing or renaming a category changes the file's "categories".

        file.options["stale"]: what becomes of the mask and the keypoints of a moved box, see coco_stale.CHOICES.
        """
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
    annotations: AnnotationTable
    categories: list[tuple[str, str]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    category_ids: dict[str, int] = field(default_factory=dict)

    def add(self, bad: BadRecord) -> None:
        self.problems.append(bad.in_file(str(self.path)))


def _load(split: str, path: Path, report: Report, should_stop: ShouldStop) -> _File:
    def on_batch(count: int) -> None:
        check(should_stop)
        report(Progress(f"Reading {path.name}", count, 0))

    document = coco_document.parse(json_text.read_bytes(path), path, on_batch)
    if "images" not in document.text.arrays:
        raise FormatError(path, "images", "is missing: this is no COCO annotation file. Choose another file.")
    file = _File(split, path, document.images, document.annotations)
    _load_categories(file, document.categories)
    _load_images(file)
    _list_double_names(file)
    _list_ids(file)
    return file


def _load_categories(file: _File, values: list[Any]) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        read = read_category(value, index)
        if isinstance(read, BadRecord):
            file.add(read)
        elif read[0] in seen:
            message = f"the id {read[0]} is another category's already."
            file.add(BadRecord(f"categories[{index}].id", "double-id", message))
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
            file.add(read)
        else:
            file.names[index] = read[1]


def _list_ids(file: _File) -> None:
    """Annotations that share an id, or have none that is one, are used, but other tools may drop them."""
    for index, value in file.annotations.odd_ids():
        _warn(file, index, "bad-id", f"{shown(value)} is no id.", "The box is used and its record kept; give it an id.")
    for index, key, first in file.annotations.double_ids():
        action = "Both are used and kept; other tools may lose one."
        _warn(file, index, "double-id", f"the id {key} is that of annotations[{first}] already.", action)


def _list_double_names(file: _File) -> None:
    """Categories of one name are one category here."""
    first: dict[str, str] = {}
    for key, name in file.categories:
        if first.setdefault(name, key) != key:
            file.problems.append(
                Problem(
                    file=str(file.path),
                    where="categories",
                    kind="double-name",
                    message=f"the categories {first[name]} and {key} are both named {name!r}.",
                    action="They are one category here; both are kept in the file.",
                    level="warning",
                )
            )


def _warn(file: _File, index: int, kind: str, message: str, action: str) -> None:
    where = f"annotations[{index}].id"
    file.problems.append(
        Problem(file=str(file.path), where=where, kind=kind, message=message, action=action, level="warning")
    )


class _Reader:
    """Brings the files together: one table of categories, one numbering of images and boxes."""

    def __init__(self, files: Sequence[_File], source: Source) -> None:
        self._files = files
        self._empty = EMPTY_STATES[source.empty]
        self._categories = _merge_categories(files)
        samples = [(f.split, f.path, list(islice(f.names.values(), _SAMPLED_NAMES))) for f in files]
        self._finder: ImageFinder = find_root(source, samples)
        self._images: list[ImportedImage] = []
        self._boxes: list[SoundBoxes] = []
        self._counts: list[NDArray[np.int64]] = []
        self._problems: list[Problem] = [problem for file in files for problem in file.problems]
        self._checker = ImageChecker(self._finder)

    def read_images(self, file: _File, report: Report, should_stop: ShouldStop) -> None:
        sound, unsound = file.annotations.resolve(image_index(file.images), file.category_ids)
        self._problems += [item.bad.in_file(str(file.path)) for item in unsound]
        doubtful = {item.image for item in unsound}
        counts = np.bincount(sound.images, minlength=len(file.images))
        used = np.zeros(len(file.images), dtype=np.bool_)
        hints = hints_for(file.split, file.path)
        number = self._files.index(file)
        for count, (index, name) in enumerate(file.names.items()):
            if count % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress(f"Reading the images of {file.path.name}", count, len(file.names)))
            record = file.images[index]
            path = self._checker.find(file.path, index, record, name, hints)
            info = None if path is None else self._checker.inspect(file.path, index, record, path)
            if path is None or info is None:
                continue
            used[index] = True
            state = self._empty if index not in doubtful else ImageState.NEEDS_FIX
            if counts[index]:
                state = ImageState.LABELLED
            if not info.complete:
                state = ImageState.NEEDS_FIX
            imported = ImageRecord(
                id=len(self._images) + 1,
                root=0,
                path=path,
                width=info.width,
                height=info.height,
                state=state,
                split=file.split,
                extra={"coco_id": _storable(record["id"])},
            )
            self._images.append(ImportedImage(record=imported, file=number, place=index))
        self._boxes.append(sound.of_images(used))
        self._counts.append(counts[used])

    def result(self) -> Imported:
        files = tuple(
            LinkedFile(
                path=str(file.path),
                format="coco",
                split=file.split,
                options=_options(file),
            )
            for file in self._files
        )
        self._checker.note_foreign()
        if not self._images:
            path = self._files[0].path
            raise FormatError(path, "images", f"none of its images is in {self._finder.root}. Name their folder.")
        return Imported(
            categories=self._categories,
            roots=(str(self._finder.root),),
            files=files,
            images=tuple(self._images),
            problems=(*self._problems, *self._checker.problems),
            boxes=self._columns(),
        )

    def _columns(self) -> BoxColumns:
        boxes = self._boxes
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), *self._counts]).cumsum()
        return BoxColumns(
            offsets=offsets,
            ids=np.arange(1, offsets[-1] + 1, dtype=np.int64),
            xyxy=np.concatenate([part.xyxy() for part in boxes]),
            category_ids=np.concatenate([part.category_ids for part in boxes]),
            flags=np.concatenate([part.flags for part in boxes]),
            places=np.concatenate([part.places for part in boxes]),
        )


def _options(file: _File) -> dict[str, Any]:
    """What the file has to be patched with: see CocoCodec.patch and LinkedFile."""
    ids = [[key, number] for key, number in file.category_ids.items()]
    return {"category_ids": ids, "shapes": True} if file.annotations.has_shapes else {"category_ids": ids}


def _storable(image_id: Any) -> Any:
    """The id as a project can hold it: numbers beyond 64 bits as text."""
    return str(image_id) if isinstance(image_id, int) and not -(1 << 63) <= image_id < 1 << 63 else image_id


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
