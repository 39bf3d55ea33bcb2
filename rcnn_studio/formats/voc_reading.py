"""Reading a laid-out VOC dataset: annotations first, then image headers, then both together as values.

A bad object or file is listed and the rest is read. Nothing here writes.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import images, paths, voc_layout, xml_text
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.voc_convention import Convention, Evidence
from rcnn_studio.formats.voc_file import VocFile, filename_fault, read_file
from rcnn_studio.formats.voc_record import Fault
from rcnn_studio.formats.voc_rows import RowCollector, VocRows
from rcnn_studio.formats.voc_turning import Turn

_REPORT_EVERY = 50
_LEFT_OUT = "The image and its labels are left out of the project, and kept as they are on disk."


@dataclass(slots=True)
class _Annotation:
    """One XML, its objects being rows start..stop. refused: why it cannot be read or must not be written."""

    path: str
    start: int = 0
    stop: int = 0
    object_count: int = 0
    size: tuple[int, int] | None = None
    verified: bool = False
    filename: str | None = None
    faults: list[Fault] = field(default_factory=list)
    refused: FormatError | None = None


def read_voc(source: Source, layout: voc_layout.Layout, report: Report, should_stop: ShouldStop) -> Imported:
    """The dataset of this layout. Raises Cancelled when asked to stop."""
    evidence, rows = Evidence(), RowCollector()
    annotations: dict[str, _Annotation] = {}
    folder = str(layout.annotations)
    for number, name in enumerate(layout.xml_files):
        if number % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading annotations", number, len(layout.xml_files)))
        annotations[name] = _read_annotation(folder, name, evidence, rows)
    pairs = voc_layout.pair(layout, lambda name: annotations[name].filename)
    _refuse_shared(annotations[name] for name in pairs.xml_of.values())
    convention = evidence.decide() if source.one_based is None else Convention(source.one_based, "chosen at import")
    splits, split_problems = voc_layout.read_splits(layout, source, pairs)
    reader = _Reader(source, layout, convention, rows.finish(one_based=convention.one_based))
    reader.problems += [*layout.problems, *pairs.problems, *split_problems]
    for number, image in enumerate(layout.image_files):
        if number % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading image headers", number, len(layout.image_files)))
        if image in pairs.xml_of:
            reader.add(image, annotations[pairs.xml_of[image]], splits.get(image, ""))
        else:
            reader.add_unlabelled(image, layout.annotations / pairs.planned[image], splits.get(image, ""))
    report(Progress("Reading image headers", len(layout.image_files), len(layout.image_files)))
    return reader.result()


class _Reader:
    """Collects images, files and problems, and numbers images and boxes."""

    def __init__(self, source: Source, layout: voc_layout.Layout, convention: Convention, rows: VocRows) -> None:
        self._layout = layout
        self._root = str(layout.images)
        self._turns = source.turn_boxes
        self._rows = rows
        self._sound = rows.has_area()
        self._odd: list[int] = rows.odd().tolist()
        self._sound_before: list[int] = np.concatenate([[0], np.cumsum(self._sound)]).tolist()
        self._options = {"one_based": convention.one_based, "evidence": convention.evidence}
        self._folder_options: dict[str, Mapping[str, Any]] = {}
        self._files: list[LinkedFile] = []
        self._images: list[ImportedImage] = []
        self._spans: list[tuple[int, int]] = []
        self.problems: list[Problem] = []

    def add(self, image: str, annotation: _Annotation, split: str) -> None:
        """An image with its XML."""
        self._list_faults(annotation)
        info = self._inspect(image)
        if info is None:
            return
        options = self._options_of(image)
        if annotation.refused is not None:
            options = {**options, "refused": str(annotation.refused)}
        elif annotation.size is not None and annotation.size != (info.width, info.height):
            turn = self._note_size(annotation, info)
            if turn is not None:
                options = {**options, "turn": [turn.orientation, turn.width, turn.height]}
                self._turn_rows(annotation, turn)
        linked = LinkedFile(path=annotation.path, format="voc", options=options)
        self._append(image, info, self._state(annotation), split, (annotation.start, annotation.stop), linked)

    def add_unlabelled(self, image: str, xml: Path, split: str) -> None:
        """An image that has no XML, or none that is read."""
        info = self._inspect(image)
        if info is None:
            return
        options = self._options_of(image)
        if xml.is_symlink() or xml.exists():
            options = {**options, "refused": f"{xml}: is a link out of the dataset, or no readable file"}
        linked = LinkedFile(path=str(xml), format="voc", options=options, exists=False)
        self._append(image, info, ImageState.UNLABELLED, split, (0, 0), linked)

    def result(self) -> Imported:
        """What was added. Categories stand in the order of their names, the same for every import of these files."""
        starts = np.array([start for start, _ in self._spans], dtype=np.int64)
        counts = np.array([stop - start for start, stop in self._spans], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
        sound = self._sound[rows]
        offsets = np.concatenate([[0], np.cumsum(sound)])[offsets]
        rows = rows[sound]
        categories, ids = self._categories(rows)
        return Imported(
            categories=categories,
            roots=(str(self._layout.images),),
            files=tuple(self._files),
            images=tuple(self._images),
            problems=tuple(self.problems),
            boxes=BoxColumns(
                offsets=offsets.astype(np.int64),
                ids=np.arange(1, len(rows) + 1, dtype=np.int64),
                xyxy=self._rows.xyxy[rows],
                category_ids=ids,
                flags=self._rows.flags[rows],
                places=self._rows.places[rows],
            ),
        )

    def _categories(self, rows: NDArray[np.int64]) -> tuple[tuple[Category, ...], NDArray[np.int64]]:
        """-> the categories of these rows, and the id of each row's"""
        name_ids = self._rows.name_ids[rows]
        used = np.zeros(len(self._rows.names), dtype=bool)
        used[name_ids] = True
        names = [self._rows.names[number] for number in np.flatnonzero(used).tolist()]
        categories = make_categories(sorted(names, key=paths.natural_key))
        id_of = {category.name: category.id for category in categories}
        ids = np.array([id_of.get(name, 0) for name in self._rows.names], dtype=np.int64)
        return categories, ids[name_ids]

    def _list_faults(self, annotation: _Annotation) -> None:
        faults = list(annotation.faults)
        place = bisect_left(self._odd, annotation.start)
        while place < len(self._odd) and self._odd[place] < annotation.stop:
            faults += self._rows.faults(self._odd[place])
            place += 1
        self.problems += [fault.in_file(annotation.path) for fault in faults]
        if annotation.refused is not None:
            action = "The file is never written; the image has no labels until it is mended and imported again."
            error = annotation.refused
            self._problem(annotation.path, error.where, "unreadable-annotation", error.reason, action)

    def _state(self, annotation: _Annotation) -> ImageState:
        """An image with nothing but bad records is no negative, whatever `verified` says."""
        if self._sound_before[annotation.stop] > self._sound_before[annotation.start]:
            return ImageState.VERIFIED if annotation.verified else ImageState.LABELLED
        if annotation.object_count or annotation.refused is not None:
            return ImageState.NEEDS_FIX
        return ImageState.VERIFIED if annotation.verified else ImageState.CONFIRMED_EMPTY

    def _append(
        self,
        image: str,
        info: images.ImageInfo,
        state: ImageState,
        split: str,
        span: tuple[int, int],
        linked: LinkedFile,
    ) -> None:
        path = paths.below(self._root, image)
        if not info.complete:
            action = "It is set to 'needs fix' and left out of training. Replace it with a sound copy."
            self._problem(path, "", "truncated-image", "the image is cut off or damaged.", action)
            state = ImageState.NEEDS_FIX
        if info.frames:
            message = "the image has several frames; the first one is used."
            self._problem(path, "", "several-frames", message, "Save it as a picture of its own.", level="warning")
        record = ImageRecord(
            id=len(self._images) + 1,
            root=0,
            path=image,
            width=info.width,
            height=info.height,
            state=state,
            split=split,
        )
        self._images.append(ImportedImage(record=record, file=len(self._files)))
        self._files.append(linked)
        self._spans.append(span)

    def _options_of(self, image: str) -> Mapping[str, Any]:
        """The options of a file are shared by all files of a folder: there may be a hundred thousand."""
        folder = image.rpartition("/")[0]
        options = self._folder_options.get(folder)
        if options is None:
            options = self._options | {"folder": (self._layout.images / folder).name}
            self._folder_options[folder] = options
        return options

    def _inspect(self, image: str) -> images.ImageInfo | None:
        """None, with a problem listed, for what cannot be shown at all."""
        path = paths.below(self._root, image)
        try:
            return images.inspect(path)
        except FormatError as error:
            self._problem(path, error.where, "unreadable-image", error.reason, _LEFT_OUT)
            return None

    def _note_size(self, annotation: _Annotation, info: images.ImageInfo) -> Turn | None:
        """Lists a <size> that is not the image's. -> how to turn the boxes, where that is asked for and needed"""
        stored = info.stored_width, info.stored_height
        said = "says {} x {}".format(*(annotation.size or ()))
        message = f"{said}, but the image has {info.width} x {info.height} pixels."
        action, kind = "The boxes are taken as they are; look whether they fit.", "size-mismatch"
        turn = None
        if annotation.size == stored:
            message = f"{said}, as the image is stored; its EXIF data turn it to {info.width} x {info.height}."
            kind = "rotated-image"
            action = "The boxes may have been drawn before turning: look, and if so import with turned boxes."
            if self._turns:
                turn = Turn(info.orientation, *stored)
                kind, action = "turned-boxes", "Its boxes are turned with it, and written back as they were."
        self._problem(annotation.path, "size", kind, message, action, level="warning")
        return turn

    def _turn_rows(self, annotation: _Annotation, turn: Turn) -> None:
        for row in range(annotation.start, annotation.stop):
            x1, y1, x2, y2 = self._rows.xyxy[row].tolist()
            self._rows.xyxy[row] = turn.upright((x1, y1, x2, y2))

    def _problem(self, file: str, where: str, kind: str, message: str, action: str, level: str = "error") -> None:
        self.problems.append(Problem(file=file, where=where, kind=kind, message=message, action=action, level=level))


def _read_annotation(folder: str, name: str, evidence: Evidence, rows: RowCollector) -> _Annotation:
    path = _target(paths.below(folder, name))
    annotation = _Annotation(path, start=len(rows), stop=len(rows))
    try:
        file = read_file(_read_bytes(path), path)
    except FormatError as error:
        annotation.refused = error
        return annotation
    evidence.add(name, file)
    rows.add(file.objects)
    annotation.stop = len(rows)
    annotation.object_count = len(file.objects)
    annotation.size, annotation.verified, annotation.filename = file.size, file.verified, file.filename
    annotation.faults = _faults_of(file)
    return annotation


def _faults_of(file: VocFile) -> list[Fault]:
    faults = file.faults
    odd_name = filename_fault(file.filename)
    if odd_name is not None:
        faults.append(odd_name)
    for voc_object in file.objects:
        if voc_object.faults:
            faults += voc_object.faults
    return faults


def _refuse_shared(annotations: Iterable[_Annotation]) -> None:
    """Two images must not share one file through links: what one of them saves, the other would overwrite."""
    owners: dict[str, _Annotation] = {}
    for annotation in annotations:
        first = owners.setdefault(annotation.path, annotation)
        if first is not annotation and annotation.refused is None:
            reason = "is the file of another image too, through a link. Give each image a file of its own."
            annotation.refused = FormatError(annotation.path, "", reason)
            annotation.start = annotation.stop = annotation.object_count = 0
            annotation.faults = []


def _target(path: str) -> str:
    return os.path.realpath(path) if os.path.islink(path) else path


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(xml_text.MAX_BYTES + 1)
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    if len(data) > xml_text.MAX_BYTES:
        raise FormatError(path, "", "is far too large for an annotation. Check the file.")
    return data
