"""Make a project from a dataset, from a zip archive of one, or from a folder of images.

Reads no file format and writes no table itself.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.domain.splits import SplitRules
from rcnn_studio.formats import archive, codec, find_dataset, sniff
from rcnn_studio.formats.codec import Codec, Source
from rcnn_studio.formats.images import IMAGE_SUFFIXES
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from rcnn_studio.tasks.places import data_home
from rcnn_studio.tasks.splitting import split_imported

FOLDER_NAME = "rcnn-project"
UNPACKED_NAME = "dataset"
_MOST_NAMES = 100
_RULES = SplitRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResult:
    """A project that was made. images, boxes: how many; problems: what the dataset has wrong, record by record."""

    project: Path
    images: int
    boxes: int
    categories: tuple[Category, ...]
    problems: tuple[Problem, ...]


def project_title(folder: Path) -> str:
    """What people call a project: its folder's name, or the data folder's where the project lies inside the data."""
    return folder.parent.name if folder.name == FOLDER_NAME else folder.name


def is_project(folder: Path) -> bool:
    return (folder / DATABASE_NAME).is_file()


def create_project(
    folder: Path,
    source: Source,
    *,
    format_name: str | None = None,
    splits: SplitRules = _RULES,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> NewResult:
    """Read the dataset and make a project of it in `folder`, which must be absent or empty.

    format_name: the codec ("voc", "coco", "yolo", ...; None: found out from the source). Where the dataset names no
    splits, labelled images are put into them at once by these rules, for good.
    A zip archive is unpacked into the folder `dataset` of the project, where the images and labels then live.
    Raises ProjectError or FormatError naming the place, Cancelled; nothing is left behind then.
    """
    folder = folder.absolute()
    _check_place(folder)
    if not archive.is_zip(source.path):
        reader = codec(format_name) if format_name is not None else sniff(source.path)
        return _create(folder, source, reader, splits, report, should_stop)
    with _left_as_found(folder):
        folder.mkdir(exist_ok=True)
        unpacked, reader = _unpack(source, folder / UNPACKED_NAME, format_name, report, should_stop)
        return _create(folder, unpacked, reader, splits, report, should_stop)


def find_project(path: Path) -> Path | None:
    """The project that a folder, a database or a dropped folder of images already has; None where it has none."""
    if path.is_file():
        path = path.parent
    path = path.absolute()
    return next((place for place in (path, path / FOLDER_NAME, _place_in_data_home(path)) if is_project(place)), None)


def open_or_create(path: Path, report: Report = ignore, should_stop: ShouldStop = never) -> Path:
    """The project of a folder, an image, a label file or a zip archive dropped on the window, made now where there is
    none yet.

    It lies in the folder itself, in `rcnn-project`, so that labels and runs stay with the data; in the user's data
    folder (and without label files) where the folder cannot be written. The formats are told apart by what is there.
    An archive is unpacked beside itself, into a folder of its name. Raises as create_project does.
    """
    if archive.is_zip(path):
        return _open_or_create_from_zip(path.absolute(), report, should_stop)
    found = find_project(path)
    if found is not None:
        return found
    if not path.exists():
        raise ProjectError(f"{path}: no such folder. Check the path, or name a folder of images or a project.")
    path = path.absolute()
    home = path.parent if path.is_file() else path
    source = Source(path=home if path.suffix.lower() in IMAGE_SUFFIXES else path)
    place = home / FOLDER_NAME
    if not _writable(home):
        place = _place_in_data_home(home)
        place.parent.mkdir(parents=True, exist_ok=True)
        source = replace(source, label_format="none")
    return create_project(place, source, report=report, should_stop=should_stop).project


# --- inside -----------------------------------------------------------------------------------------


def _create(
    folder: Path,
    source: Source,
    reader: Codec,
    splits: SplitRules,
    report: Report,
    should_stop: ShouldStop,
) -> NewResult:
    report(Progress("Reading the dataset"))
    imported = reader.read(source, report, should_stop)
    if not imported.images:
        first = f" The first: {imported.problems[0]}" if imported.problems else ""
        raise FormatError(source.path, "", f"no image can be read.{first}")
    imported = split_imported(imported, splits, report, should_stop)
    check(should_stop)
    ProjectStore.create(folder, imported, report=report, should_stop=should_stop).close()
    return NewResult(
        project=folder,
        images=len(imported.images),
        boxes=imported.box_count,
        categories=imported.categories,
        problems=imported.problems,
    )


def _unpack(
    source: Source, target: Path, format_name: str | None, report: Report, should_stop: ShouldStop
) -> tuple[Source, Codec]:
    """The dataset in the archive `source.path`, unpacked into `target`, and its codec."""
    archive.extract(source.path, target, report, should_stop)
    place, reader = find_dataset(target)
    return replace(source, path=place), codec(format_name) if format_name is not None else reader


@contextmanager
def _left_as_found(folder: Path) -> Iterator[None]:
    """Takes away what an import that fails has put into the folder, and the folder if it was not there."""
    existed = folder.is_dir()
    try:
        yield
    except BaseException:
        shutil.rmtree(folder / UNPACKED_NAME, ignore_errors=True)
        if not existed and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise


def _open_or_create_from_zip(path: Path, report: Report, should_stop: ShouldStop) -> Path:
    """The project in the folder of the archive's name, or in a numbered one where that is something else's."""
    base = path.with_suffix("")
    if not _writable(path.parent):
        base = _place_in_data_home(path)
        base.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, _MOST_NAMES):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        if is_project(folder / FOLDER_NAME):
            return folder / FOLDER_NAME
        if not folder.exists():
            break
    else:
        raise ProjectError(f"{base}: is there already, and so are {_MOST_NAMES} like it. Remove some of them.")
    try:
        source, reader = _unpack(Source(path=path), folder, None, report, should_stop)
        return _create(folder / FOLDER_NAME, source, reader, _RULES, report, should_stop).project
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _check_place(folder: Path) -> None:
    if is_project(folder):
        raise ProjectError(f"{folder}: there is a project here already. Open it, or name another folder.")
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder}: is a file. Name a new folder for the project.")
    if folder.is_dir() and any(folder.iterdir()):
        raise ProjectError(f"{folder}: is not empty. Name a new folder for the project.")
    if not folder.parent.is_dir():
        raise ProjectError(f"{folder.parent}: no such folder. Make it first, or name another place for the project.")


def _writable(folder: Path) -> bool:
    probe = folder / f".rcnn-{secrets.token_hex(4)}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError:
        return False
    return True


def _place_in_data_home(folder: Path) -> Path:
    """Where the project of a read-only folder lies: one place per folder."""
    digest = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return data_home() / "projects" / f"{folder.name}-{digest}"
