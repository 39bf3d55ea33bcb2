"""Write a project's labels as a dataset of its own. Leaves the project and its linked files alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, ignore, never
from rcnn_studio.formats import EXPORTS, codec
from rcnn_studio.formats.losses import UNLABELLED, losses
from rcnn_studio.store.project import ProjectStore

EXPORT_FORMATS = EXPORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How much was written. boxes: of labelled, confirmed-empty and verified images; files: images included; lost: what
    the format has no place for, a sentence each."""

    images: int
    boxes: int
    files: int
    lost: tuple[str, ...] = ()


def export_dataset(
    store: ProjectStore, format_name: str, out: Path, report: Report = ignore, should_stop: ShouldStop = never
) -> Exported:
    """The images and their boxes into the folder `out`, which must be absent or empty.

    Raises FormatError where `out` is in the way, Cancelled when stopped; both leave no half-written export behind.
    """
    existed = _check_target(out)
    report(Progress("Reading the labels"))
    snapshot = store.snapshot()
    try:
        writer = codec(format_name)
        files = writer.write(snapshot, out, report, should_stop)
    except BaseException:
        _clear(out, keep_folder=existed)
        raise
    labelled = snapshot.indices()
    boxes = int(np.diff(snapshot.offsets)[labelled].sum())
    images = len(snapshot) if UNLABELLED in writer.holds else len(labelled)
    return Exported(images=images, boxes=boxes, files=files, lost=losses(snapshot, writer.holds))


def _check_target(out: Path) -> bool:
    """Whether the folder is there already. Raises FormatError where it cannot become the export's folder."""
    if out.is_file():
        raise FormatError(out, "", "is a file. Name a new folder to export into.")
    if out.is_dir():
        if any(out.iterdir()):
            raise FormatError(out, "", "is not empty. Name a new folder to export into.")
        return True
    if not out.absolute().parent.is_dir():
        raise FormatError(out.absolute().parent, "", "no such folder. Make it first, or choose another place.")
    return False


def _clear(out: Path, *, keep_folder: bool) -> None:
    """Take away what a failed export has written: everything in `out` came from it."""
    for child in list(out.iterdir()) if out.is_dir() else []:
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            child.unlink(missing_ok=True)
    if not keep_folder and out.is_dir():
        out.rmdir()
