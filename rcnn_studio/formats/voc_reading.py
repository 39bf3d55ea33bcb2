"""Reading a laid-out VOC dataset: annotations first, then image headers, then both together as columns.

A bad object or file is listed and the rest is read. Nothing here writes.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import images, paths, voc_layout
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.codec import Imported, LinkedFile, Source
from rcnn_studio.formats.image_columns import ImageColumns, Made
from rcnn_studio.formats.image_names import ImageNames
from rcnn_studio.formats.voc_annotations import Annotations
from rcnn_studio.formats.voc_convention import Convention, Evidence
from rcnn_studio.formats.voc_layout import NO_XML
from rcnn_studio.formats.voc_rows import RowCollector, VocRows
from rcnn_studio.formats.voc_turning import Turn

_REPORT_EVERY = 50
_LEFT_OUT = "The image and its labels are left out of the project, and kept as they are on disk."


def read_voc(source: Source, layout: voc_layout.Layout, report: Report, should_stop: ShouldStop) -> Imported:
    """The dataset of this layout. Raises Cancelled when asked to stop."""
    evidence, collector = Evidence(), RowCollector()
    annotations = Annotations(str(layout.annotations), layout.xml_files)
    for number in range(len(layout.xml_files)):
        if number % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading annotations", number, len(layout.xml_files)))
        annotations.read_next(evidence, collector)
    pairs, splits, problems = _matched(source, layout, annotations)
    convention = evidence.decide() if source.one_based is None else Convention(source.one_based, "chosen at import")
    rows = collector.finish(one_based=convention.one_based)
    style = annotations.style(with_database=source.one_based is None)
    reader = _Reader(source, layout, pairs, annotations, rows, _Links(layout, pairs, annotations, convention, style))
    reader.problems += problems
    for image, split in enumerate(splits):
        if image % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading image headers", image, len(splits)))
        reader.add(image, split)
    report(Progress("Reading image headers", len(splits), len(splits)))
    return reader.result()


def _matched(
    source: Source, layout: voc_layout.Layout, annotations: Annotations
) -> tuple[voc_layout.Pairs, list[str], list[Problem]]:
    """Which XML each image has, and which split. The index of the names goes when this is known."""
    names = ImageNames(layout.image_files)
    pairs = voc_layout.pair(layout, names, annotations.filename)
    annotations.refuse_shared(pairs.used)
    splits, split_problems = voc_layout.read_splits(layout, source, names, pairs)
    return pairs, splits, [*layout.problems, *pairs.problems, *split_problems]


class _Reader:
    """Collects images and problems, and numbers images and boxes."""

    def __init__(
        self,
        source: Source,
        layout: voc_layout.Layout,
        pairs: voc_layout.Pairs,
        annotations: Annotations,
        rows: VocRows,
        links: _Links,
    ) -> None:
        self._layout = layout
        self._root = str(layout.images)
        self._turns = source.turn_boxes
        self._xml_of = pairs.xml_of
        self._annotations = annotations
        self._rows = rows
        self._links = links
        self._sound = rows.has_area()
        self._starts, self._stops = annotations.spans()
        self._odd = rows.odd()
        self._odd_starts, self._odd_stops = (np.searchsorted(self._odd, b) for b in (self._starts, self._stops))
        self._has_box = _any_in(self._sound, self._starts, self._stops)
        self._turned: list[tuple[int, int, Turn]] = []
        self._sizes = array("i")
        self._states = array("B")
        self._splits: list[str] = []
        self.problems: list[Problem] = []

    def add(self, image: int, split: str) -> None:
        """An image with its XML, if it has one that is read."""
        xml = self._xml_of[image]
        if xml != NO_XML:
            self._list_faults(xml)
        info = self._inspect(image)
        if info is None:
            return
        state = ImageState.UNLABELLED
        if xml != NO_XML:
            state = self._state(xml)
            size = self._annotations.size(xml)
            if xml not in self._annotations.refused and size is not None and size != (info.width, info.height):
                self._note_size(image, xml, size, info)
        self._append(image, info, state, split)

    def result(self) -> Imported:
        """What was added. Categories stand in the order of their names, the same for every import of these files."""
        boxes, categories = self._columns()
        count = len(self._states)
        return Imported(
            categories=categories,
            roots=(self._root,),
            files=Made(count, self._links.file),
            images=ImageColumns(
                paths=[self._layout.image_files[image] for image in self._links.images],
                sizes=np.array(self._sizes, dtype=np.int32).reshape(-1, 2),
                states=np.array(self._states, dtype=np.uint8),
                splits=self._splits,
                files=range(count),
            ),
            problems=tuple(self.problems),
            boxes=boxes,
        )

    def _columns(self) -> tuple[BoxColumns, tuple[Category, ...]]:
        """The boxes in the order of the images."""
        xyxy = self._rows.become_corners()
        for start, stop, turn in self._turned:
            for row in range(start, stop):
                x1, y1, x2, y2 = xyxy[row].tolist()
                xyxy[row] = turn.upright((x1, y1, x2, y2))
        offsets, wanted = self._wanted_rows()
        name_ids = self._rows.name_ids[wanted]
        categories, id_of = self._categories(name_ids)
        boxes = BoxColumns(
            offsets=offsets,
            ids=np.arange(1, len(name_ids) + 1, dtype=np.int32),
            xyxy=xyxy[wanted],
            category_ids=id_of[name_ids],
            flags=self._rows.flags[wanted],
            places=self._rows.places[wanted],
        )
        return boxes, categories

    def _wanted_rows(self) -> tuple[NDArray[np.int64], NDArray[np.int32] | slice]:
        """-> offsets of the images' boxes, and the rows of these; as a slice where they are all rows, which then need
        no copy"""
        xmls = np.array([self._xml_of[image] for image in self._links.images], dtype=np.int32)
        starts = np.where(xmls == NO_XML, 0, self._starts[xmls]) if len(self._starts) else np.zeros_like(xmls)
        stops = np.where(xmls == NO_XML, 0, self._stops[xmls]) if len(self._starts) else starts
        offsets = np.zeros(len(xmls) + 1, dtype=np.int64)
        np.cumsum(stops - starts, out=offsets[1:])
        rows = np.arange(offsets[-1], dtype=np.int32)
        rows += np.repeat((starts - offsets[:-1]).astype(np.int32), stops - starts)
        sound = self._sound[rows]
        if len(rows) == len(self._rows) and sound.all() and (rows[1:] > rows[:-1]).all():
            return offsets, slice(None)
        return np.concatenate([[0], np.cumsum(sound)])[offsets].astype(np.int64), rows[sound]

    def _categories(self, name_ids: NDArray[np.int32]) -> tuple[tuple[Category, ...], NDArray[np.int32]]:
        """-> the categories of these rows, and the id of each name's (0 for a name that no row has)"""
        used = np.zeros(len(self._rows.names), dtype=np.bool_)
        used[name_ids] = True
        names = [self._rows.names[number] for number in np.flatnonzero(used).tolist()]
        categories = make_categories(sorted(names, key=paths.natural_key))
        id_of = {category.name: category.id for category in categories}
        return categories, np.array([id_of.get(name, 0) for name in self._rows.names], dtype=np.int32)

    def _list_faults(self, xml: int) -> None:
        path = self._annotations.path(xml)
        faults = list(self._annotations.faults(xml))
        for place in range(self._odd_starts[xml], self._odd_stops[xml]):
            faults += self._rows.faults(self._odd[place])
        self.problems += [fault.in_file(path) for fault in faults]
        error = self._annotations.refused.get(xml)
        if error is not None:
            action = "The file is never written; the image has no labels until it is mended and imported again."
            self._problem(path, error.where, "unreadable-annotation", error.reason, action)

    def _state(self, xml: int) -> ImageState:
        """An image with nothing but bad records is no negative, whatever `verified` says."""
        verified = self._annotations.is_verified(xml)
        if self._has_box[xml]:
            return ImageState.VERIFIED if verified else ImageState.LABELLED
        if self._annotations.has_objects(xml) or xml in self._annotations.refused:
            return ImageState.NEEDS_FIX
        return ImageState.VERIFIED if verified else ImageState.CONFIRMED_EMPTY

    def _append(self, image: int, info: images.ImageInfo, state: ImageState, split: str) -> None:
        path = paths.below(self._root, self._layout.image_files[image])
        if not info.complete:
            action = "It is set to 'needs fix' and left out of training. Replace it with a sound copy."
            self._problem(path, "", "truncated-image", "the image is cut off or damaged.", action)
            state = ImageState.NEEDS_FIX
        if info.frames:
            message = "the image has several frames; the first one is used."
            self._problem(path, "", "several-frames", message, "Save it as a picture of its own.", level="warning")
        self._links.add(image)
        self._sizes.extend((info.width, info.height))
        self._states.append(state)
        self._splits.append(split)

    def _inspect(self, image: int) -> images.ImageInfo | None:
        """None, with a problem listed, for what cannot be shown at all."""
        path = paths.below(self._root, self._layout.image_files[image])
        try:
            return images.inspect(path)
        except FormatError as error:
            self._problem(path, error.where, "unreadable-image", error.reason, _LEFT_OUT)
            return None

    def _note_size(self, image: int, xml: int, size: tuple[int, int], info: images.ImageInfo) -> None:
        """Lists a <size> that is not the image's; turns the boxes where that is asked for and needed."""
        stored = info.stored_width, info.stored_height
        said = "says {} x {}".format(*size)
        message = f"{said}, but the image has {info.width} x {info.height} pixels."
        action, kind = "The boxes are taken as they are; look whether they fit.", "size-mismatch"
        if size == stored:
            message = f"{said}, as the image is stored; its EXIF data turn it to {info.width} x {info.height}."
            kind = "rotated-image"
            action = "The boxes may have been drawn before turning: look, and if so import with turned boxes."
            if self._turns:
                turn = Turn(info.orientation, *stored)
                kind, action = "turned-boxes", "Its boxes are turned with it, and written back as they were."
                self._turned.append((int(self._starts[xml]), int(self._stops[xml]), turn))
                self._links.turns[image] = turn
        self._problem(self._annotations.path(xml), "size", kind, message, action, level="warning")

    def _problem(self, file: str, where: str, kind: str, message: str, action: str, level: str = "error") -> None:
        self.problems.append(Problem(file=file, where=where, kind=kind, message=message, action=action, level=level))


class _Links:
    """The linked file of each image that was added, made when asked for. images: their numbers in the layout."""

    def __init__(
        self,
        layout: voc_layout.Layout,
        pairs: voc_layout.Pairs,
        annotations: Annotations,
        convention: Convention,
        style: Mapping[str, Any],
    ) -> None:
        self.images = array("i")
        self.turns: dict[int, Turn] = {}
        self._layout = layout
        self._pairs = pairs
        self._annotations = annotations
        self._options = {"one_based": convention.one_based, "evidence": convention.evidence}
        self._style = style
        self._new_options: dict[str, Mapping[str, Any]] = {}
        self._folder_options: dict[str, Mapping[str, Any]] = {}
        self._in_the_way: set[int] = set()

    def add(self, image: int) -> None:
        """The next image of the import."""
        self.images.append(image)
        if self._pairs.xml_of[image] == NO_XML and os.path.lexists(self._planned(image)):
            self._in_the_way.add(image)

    def file(self, index: int) -> LinkedFile:
        """The file of image number `index` of the import."""
        image = self.images[index]
        xml = self._pairs.xml_of[image]
        options = self._options_of(self._layout.image_files[image])
        if xml == NO_XML:
            path = self._planned(image)
            options = self._with_style(options)
            if image in self._in_the_way:
                options = {**options, "refused": f"{path}: is a link out of the dataset, or no readable file"}
            return LinkedFile(path=path, format="voc", options=options, exists=False)
        refused, turn = self._annotations.refused.get(xml), self.turns.get(image)
        if refused is not None:
            options = {**options, "refused": str(refused)}
        elif turn is not None:
            options = {**options, "turn": [turn.orientation, turn.width, turn.height]}
        path = self._annotations.path(xml)
        return LinkedFile(path=path, format="voc", options=options, hash=self._annotations.hash(xml))

    def _planned(self, image: int) -> str:
        return str(self._layout.annotations / self._pairs.planned[image])

    def _with_style(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """For a file that is not there: how it is to look. Shared by the new files of a folder, too."""
        if not self._style:
            return options
        return self._new_options.setdefault(str(options["folder"]), {**options, "style": self._style})

    def _options_of(self, image: str) -> Mapping[str, Any]:
        """The options of a file are shared by all files of a folder: there may be a hundred thousand."""
        folder = image.rpartition("/")[0]
        options = self._folder_options.get(folder)
        if options is None:
            options = self._options | {"folder": (self._layout.images / folder).name}
            self._folder_options[folder] = options
        return options


def _any_in(found: NDArray[np.bool_], starts: NDArray[np.int32], stops: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether any of found[start:stop] is true, for each span."""
    before = np.zeros(len(found) + 1, dtype=np.int32)
    np.cumsum(found, out=before[1:])
    return np.asarray(before[stops] > before[starts])
