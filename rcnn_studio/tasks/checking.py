"""What is wrong with a dataset or a project, box by box, as it is now. Changes no file of theirs.

Reading is the codecs' work, looking at images looking's, the rules are in domain; here they are put together, and
what they say gets its file and its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import content_checks, statistics
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.content_checks import Places
from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.domain.statistics import Statistics, TrainingSize
from rcnn_studio.formats import codec, sniff
from rcnn_studio.formats.box_columns import NO_PLACE
from rcnn_studio.formats.codec import Imported, Source
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.columns import dataset_of
from rcnn_studio.tasks.looking import Look, alike_groups, equal_groups, look_at
from rcnn_studio.tasks.project_files import ProjectPlaces, box_place, check_files, reread

_ROTATED = "The image is turned by its EXIF data; its boxes seem to be drawn before turning. Look at them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How closely images are looked at. pixels: decode a small version of each, which finds damage and look-alikes;
    whole: decode each at full size."""

    pixels: bool = True
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """What was found. of: what was checked, with its kind ("project", or the dataset's format). statistics: None where
    nobody asked for it."""

    of: Path
    kind: str
    images: int
    boxes: int
    problems: tuple[Problem, ...]
    statistics: Statistics | None = None

    @property
    def errors(self) -> int:
        """How many of the problems are of level "error"."""
        return sum(1 for problem in self.problems if problem.level == "error")


def check_dataset(
    source: Source,
    *,
    format_name: str | None = None,
    depth: Depth | None = None,
    training_size: TrainingSize | None = None,
    with_statistics: bool = False,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Checked:
    """Read the dataset as an import would, and say what is wrong with it. No project is made, nothing is written.

    format_name: the codec (None: found out from the source). Raises FormatError where it cannot be read at all,
    Cancelled.
    """
    reader = codec(format_name) if format_name is not None else sniff(source.path)
    imported = reader.read(source, report, should_stop)
    dataset = dataset_of(imported)
    places = ImportedPlaces(source.path, imported, dataset)
    content = _check_content(dataset, places, depth or Depth(), training_size or TrainingSize(), report, should_stop)
    return Checked(
        of=source.path,
        kind=reader.name,
        images=len(dataset),
        boxes=dataset.box_count,
        problems=_joined(imported.problems, content),
        statistics=statistics.count(dataset, training_size) if with_statistics else None,
    )


def check_project(
    store: ProjectStore,
    *,
    depth: Depth | None = None,
    training_size: TrainingSize | None = None,
    with_statistics: bool = False,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Checked:
    """The project itself, its linked files as they are now, its images, boxes, splits and runs.

    Raises ProjectError where its database cannot be read, Cancelled.
    """
    files = check_files(store, report, should_stop)
    read_again = reread(store, report, should_stop)
    check(should_stop)
    report(Progress("Reading the labels"))
    dataset = store.snapshot()
    places = ProjectPlaces(store, dataset)
    content = _check_content(dataset, places, depth or Depth(), training_size or TrainingSize(), report, should_stop)
    return Checked(
        of=store.folder,
        kind="project",
        images=len(dataset),
        boxes=dataset.box_count,
        problems=_joined((*files, *read_again), content),
        statistics=statistics.count(dataset, training_size) if with_statistics else None,
    )


class ImportedPlaces:
    """Places of a dataset as its codec read it."""

    def __init__(self, named: Path, imported: Imported, dataset: Dataset) -> None:
        self.dataset = str(named)
        self._imported = imported
        self._columns = dataset

    def image(self, index: int) -> str:
        return str(Path(self._columns.roots[int(self._columns.image_roots[index])], self._columns.paths[index]))

    def box(self, row: int) -> tuple[str, str]:
        index = int(np.searchsorted(self._columns.offsets, row, side="right")) - 1
        number = self._imported.images[index].file
        place = int(self._imported.boxes.places[row])
        if number is None or place == NO_PLACE:
            return self.image(index), f"box[{row - int(self._columns.offsets[index])}]"
        linked = self._imported.files[number]
        return linked.path, box_place(linked.format, place)


# --- content ------------------------------------------------------------------------------------------


def _check_content(
    dataset: Dataset,
    places: Places,
    depth: Depth,
    training_size: TrainingSize,
    report: Report,
    should_stop: ShouldStop,
) -> list[Problem]:
    """Boxes, categories, splits and images of what could be read."""
    paths = [Path(places.image(index)) for index in range(len(dataset))]
    looks = _looks(dataset, paths, depth, report, should_stop)
    check(should_stop)
    report(Progress("Checking boxes"))
    found = [*_check_images(dataset, places, looks)]
    found += content_checks.check_boxes(dataset, places, training_size)
    check(should_stop)
    found += content_checks.check_categories(dataset, places)
    found += content_checks.check_splits(dataset, places)
    report(Progress("Comparing images"))
    equal = equal_groups(paths, looks, should_stop)
    found += content_checks.check_alike(dataset, places, equal.tolist(), exact=True)
    check(should_stop)
    alike = _without_copies(alike_groups(looks, should_stop), equal)
    found += content_checks.check_alike(dataset, places, alike.tolist(), exact=False)
    return found


def _looks(
    dataset: Dataset, paths: Sequence[Path], depth: Depth, report: Report, should_stop: ShouldStop
) -> list[Look]:
    """One Look an image. A path that leads out of its root, as in a crafted project, is not opened."""
    refused: dict[int, Look] = {}
    for index, (root, name) in enumerate(zip(dataset.image_roots.tolist(), dataset.paths, strict=True)):
        try:
            resolve_inside(Path(dataset.roots[root]), name)
        except FormatError as error:
            refused[index] = Look(error=error)
    allowed = [path for index, path in enumerate(paths) if index not in refused]
    seen = iter(look_at(allowed, pixels=depth.pixels, whole=depth.whole, report=report, should_stop=should_stop))
    return [refused[index] if index in refused else next(seen) for index in range(len(paths))]


def _without_copies(alike: NDArray[np.int64], equal: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups of those that look alike, with the second of equal files taken out: these are listed already."""
    own = np.arange(len(alike), dtype=np.int64)
    return np.where(equal == own, alike, own)


def _check_images(dataset: Dataset, places: Places, looks: Sequence[Look]) -> Iterator[Problem]:
    for index, look in enumerate(looks):
        file = places.image(index)
        if look.size is None:
            kind = "missing-image" if look.missing else "unreadable-image"
            reason = "the image file is gone." if look.missing or look.error is None else look.error.reason
            action = "Its labels are kept; it cannot be shown or trained on. Put the image back."
            yield _of_image(file, kind, reason, action, "error")
            continue
        if look.error is not None:
            action = "It cannot be shown or trained on. Replace it with a sound copy."
            yield _of_image(file, "truncated-image", look.error.reason, action, "error")
        known = (int(dataset.sizes[index, 0]), int(dataset.sizes[index, 1]))
        if look.size != known:
            message = f"has {look.size[0]} x {look.size[1]} pixels; at the import it had {known[0]} x {known[1]}."
            action = "Its boxes are kept as they are, and not scaled. Look whether they fit, or put the old image back."
            yield _of_image(file, "image-size-changed", message, action, "warning")
        elif look.stored is not None and _drawn_before_turning(dataset, index, look.size, look.stored):
            yield _of_image(file, "rotated-boxes", "the boxes fit the image before it is turned.", _ROTATED, "warning")


def _drawn_before_turning(dataset: Dataset, index: int, size: tuple[int, int], stored: tuple[int, int]) -> bool:
    """True where EXIF turns the image on its side and its boxes fit only as it is stored."""
    boxes = dataset.xyxy[dataset.rows(index)]
    if stored == size or stored != size[::-1] or not len(boxes) or not np.isfinite(boxes).all():
        return False
    reach = boxes[:, 2:].max(axis=0) - content_checks.BORDER_TOLERANCE
    return bool((reach > size).any() and (reach <= stored).all())


def _of_image(file: str, kind: str, message: str, action: str, level: str) -> Problem:
    return Problem(file=file, where="", kind=kind, message=message, action=action, level=level)


def _joined(said: Sequence[Problem], content: Iterable[Problem]) -> tuple[Problem, ...]:
    """All problems, without those of the content that a reader has said of the same place already."""
    known = {(problem.file, problem.where, problem.kind) for problem in said}
    return (*said, *(p for p in content if (p.file, p.where, p.kind) not in known))
