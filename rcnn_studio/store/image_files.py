"""Whether the image files of a project are there, with the size that they had at the import. Changes nothing.

Looks at headers only; whether the pixels are sound is asked by the dataset's own checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats.images import read_size
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store.locations import from_stored
from rcnn_studio.store.reading import Readers

_STEP = 200


def check_images(
    readers: Readers, project: Path, image_ids: Sequence[int] | None, *, report: Report, should_stop: ShouldStop
) -> Iterator[Problem]:
    """image_ids: None for all. A folder of images that is away is named once. Reports Progress. Raises ProjectError,
    Cancelled."""
    with readers.transaction() as db:
        roots = {
            number: from_stored(text, bool(relative), project)
            for number, text, relative in db.execute("SELECT id, path, relative FROM roots").fetchall()
        }
        query = "SELECT root_id, path, width, height FROM images"
        if image_ids is None:
            rows = db.execute(f"{query} ORDER BY id").fetchall()
        else:
            found = (db.execute(f"{query} WHERE id = ?", (number,)).fetchone() for number in image_ids)
            rows = [row for row in found if row is not None]
    away = {number for number, root in roots.items() if not root.is_dir()}
    for number in sorted(away):
        count = sum(row[0] == number for row in rows)
        if count:
            message = f"the folder is away, with {count} of the images looked for."
            action = "Connect the drive, or put the folder back. All labels are kept."
            yield _problem(roots[number], "missing-folder", message, action)
    for done, (number, path, width, height) in enumerate(rows):
        if done % _STEP == 0:
            check(should_stop)
            report(Progress("Looking for the images", done, len(rows)))
        if number not in away:
            yield from _fault_of(roots[number], path, (width, height))


def _fault_of(root: Path, name: str, known: tuple[int, int]) -> Iterator[Problem]:
    kept = "Its labels are kept; it cannot be shown or trained on."
    try:
        path = resolve_inside(root, name)
    except FormatError as error:
        yield _problem(root / name, "unreadable-image", error.reason, kept)
        return
    if not path.exists():
        yield _problem(path, "missing-image", "the image file is gone.", f"{kept} Put the image back.")
        return
    try:
        size = read_size(path)
    except FormatError as error:
        yield _problem(path, "unreadable-image", error.reason, f"{kept} Replace it with a sound copy.")
        return
    if size != known:
        message = f"has {size[0]} x {size[1]} pixels; at the import it had {known[0]} x {known[1]}."
        action = "Its boxes are kept as they are, and not scaled. Look whether they fit, or put the old image back."
        yield _problem(path, "image-size-changed", message, action, "warning")


def _problem(file: Path, kind: str, message: str, action: str, level: str = "error") -> Problem:
    return Problem(file=str(file), where="", kind=kind, message=message, action=action, level=level)
