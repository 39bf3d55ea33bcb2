"""A project's files as they are on disk now: linked label files, runs, what a crash left behind. Changes nothing."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import codec
from rcnn_studio.formats.atomic import is_left_over
from rcnn_studio.formats.checkpoint_files import FOLDER, verify_checkpoints
from rcnn_studio.formats.codec import SPLIT_NAMES, Source
from rcnn_studio.formats.paths import natural_key
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.listing import read_linked
from rcnn_studio.store.project import ProjectStore

_PUT_ASIDE = re.compile(r"\.rcnn-new-[0-9a-f]+|\.tmp-.+|\.old-.+")
"""Names under which folders are made before they are whole, or put aside while they are replaced."""

_BOX_PLACES = {
    "voc": "object[{0}]/bndbox",
    "coco": "annotations[{0}].bbox",
    "labelme": "shapes[{0}]",
    "yolo": "line {1}",
    "csv": "line {1}",
}
_GENERATION = 1 << 40  # a place from here on speaks of a document that is no longer the imported one
_BY_THEIR_ROOT = ("yolo", "labelme")


def box_place(format_name: str, index: int) -> str:
    """How a format's own messages name its box record number `index`, counted from 0."""
    return _BOX_PLACES.get(format_name, "box[{0}]").format(index, index + 1)


def check_files(store: ProjectStore, report: Report, should_stop: ShouldStop) -> list[Problem]:
    """The database and the linked files as the store sees them, the checkpoints of the runs, and what was left behind.

    Raises ProjectError, Cancelled.
    """
    own = store.verify(with_images=False, report=report, should_stop=should_stop)
    # boxes without an area are listed with all other boxes, by the rules of datasets
    found = [problem for problem in own if problem.kind != "bad-corners"]
    runs = _folders(store.runs_folder)
    for run in runs:
        check(should_stop)
        report(Progress(f"Checking the run {run.name}"))
        found += verify_checkpoints(run)
    known = {problem.file for problem in found}
    places = [store.folder, store.folder.parent, *runs, *(run / FOLDER for run in runs)]
    return [*found, *(problem for problem in _leftovers(places) if problem.file not in known)]


def reread(store: ProjectStore, report: Report, should_stop: ShouldStop) -> tuple[Problem, ...]:
    """What the linked files have wrong now, read again by their codecs; of formats that are only imported, what was
    found at the import. Raises Cancelled."""
    table = read_linked(store.folder)
    sources = list(sources_of(table.files.values(), store.roots()))
    found: list[Problem] = []
    for format_name, source in sources:
        try:
            found += codec(format_name).read(source, report, should_stop).problems
        except FormatError as error:
            action = "Its labels are kept in the project. Put it in order, then check again."
            found.append(_problem(error.path, error.where, "unreadable-dataset", error.reason, action))
    return tuple(found) if sources else store.problems()


def sources_of(files: Iterable[FileRow], roots: tuple[str, ...]) -> Iterator[tuple[str, Source]]:
    """(format, source) from which the linked files can be read again; a format of which there is no file gives none."""
    by_format: dict[str, list[FileRow]] = defaultdict(list)
    for file in files:
        if file.linked.exists:
            by_format[file.linked.format].append(file)
    root = Path(roots[0]) if roots else Path()
    if voc := by_format.get("voc"):
        one_based = voc[0].linked.options.get("one_based")
        folder = _annotations_home(voc, root)
        turned = any("turn" in file.linked.options for file in voc)
        convention = None if one_based is None else bool(one_based)
        yield "voc", Source(path=folder, images=root, one_based=convention, turn_boxes=turned)
    if coco := by_format.get("coco"):
        rank = {name: number for number, name in enumerate(SPLIT_NAMES)}
        coco.sort(key=lambda file: (rank.get(file.linked.split, len(rank)), natural_key(str(file.path))))
        named = tuple((file.linked.split, file.path) for file in coco)
        yield "coco", Source(path=named[0][1], images=root, files=named)
    for name in _BY_THEIR_ROOT:
        if name in by_format:
            yield name, Source(path=root)


class ProjectPlaces:
    """Places of an open project: those in the label file where it is as it was imported, else the image and the box's
    number in the project."""

    def __init__(self, store: ProjectStore, dataset: Dataset) -> None:
        self.dataset = str(store.folder)
        self._store = store
        self._columns = dataset
        self._table = read_linked(store.folder)
        self._last: tuple[int, dict[int, int | None]] = (-1, {})

    def image(self, index: int) -> str:
        return str(Path(self._columns.roots[int(self._columns.image_roots[index])], self._columns.paths[index]))

    def box(self, row: int) -> tuple[str, str]:
        index = int(np.searchsorted(self._columns.offsets, row, side="right")) - 1
        image_id, box_id = int(self._columns.image_ids[index]), int(self._columns.box_ids[row])
        file = self._table.files.get(self._table.file_of.get(image_id, -1))
        place = None
        if file is not None and file.linked.exists and image_id not in self._table.touched:
            place = self._places(image_id).get(box_id)
        if file is None or place is None or place >= _GENERATION:
            return self.image(index), f"box {box_id}"
        return str(file.path), box_place(file.linked.format, place)

    def _places(self, image_id: int) -> dict[int, int | None]:
        """Place of each box of one image by its id; the last image asked for is kept."""
        if self._last[0] != image_id:
            boxes = self._store.image(image_id).boxes
            self._last = image_id, {box.id: box.place for box in boxes}
        return self._last[1]


def _annotations_home(files: list[FileRow], root: Path) -> Path:
    """The folder to read VOC files from: that of Annotations, or the images' own where they lie beside them."""
    common = Path(os.path.commonpath([str(file.path.parent) for file in files]))
    if common.is_relative_to(root):
        return root
    inside = next((place for place in (common, *common.parents) if place.name.casefold() == "annotations"), None)
    return common if inside is None else inside.parent


def _leftovers(places: Iterable[Path]) -> Iterator[Problem]:
    """Temporary files and folders of this program that stand in these folders."""
    action = "It holds no labels. Delete it when RCNN Studio is not running."
    for place in places:
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(place)):
                if is_left_over(name) or _PUT_ASIDE.fullmatch(name):
                    yield _problem(place / name, "", "left-over", "is left over from a crash.", action, "note")


def _folders(parent: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    return []


def _problem(path: Path | str, where: str, kind: str, message: str, action: str, level: str = "error") -> Problem:
    return Problem(file=str(path), where=where, kind=kind, message=message, action=action, level=level)
