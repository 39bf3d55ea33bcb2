"""What write-back is going to change in linked files, and what it has changed last, as bytes before and after.

Writes nothing; the window makes the difference visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.atomic import FileChanged
from rcnn_studio.store import backups, linked
from rcnn_studio.store.reading import Readers


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """A linked file. before, after: its bytes, None where it does not exist. message: why `after` is not known, or
    why the file will not be written as it is."""

    path: Path
    before: bytes | None
    after: bytes | None
    message: str = ""


def what_will_change(readers: Readers, project: Path, limit: int) -> list[FileDiff]:
    """The files that lag behind, those of the oldest edit first; files whose bytes stay as they are, are left out."""
    with readers.transaction() as db:
        pending = linked.pending_files(db, 4 * limit)
    found: list[FileDiff] = []
    for file_id, _ in pending:
        diff = _preview(readers, project, file_id)
        if diff is not None and (diff.before != diff.after or diff.message):
            found.append(diff)
            if len(found) >= limit:
                break
    return found


def _preview(readers: Readers, project: Path, file_id: int) -> FileDiff | None:
    with readers.transaction() as db:
        job = linked.read_job(db, file_id, project)
    if job is None:
        return None
    before = _bytes(job.file.path)
    message = ""
    if linked.digest(before) != job.file.hash:
        message = linked.outcome_of(
            job.file, FileChanged(job.file.path, "", linked.changed_text(linked.digest(before)))
        ).message
    try:
        return FileDiff(path=job.file.path, before=before, after=linked.prepare(job).data, message=message)
    except (StudioError, OSError) as error:
        return FileDiff(
            path=job.file.path, before=before, after=before, message=linked.outcome_of(job.file, error).message
        )


def last_written(readers: Readers, project: Path, folder: Path, limit: int) -> list[FileDiff]:
    """The latest replaced versions that are kept, each beside the file as it is now, the newest first, one a file."""
    with readers.transaction() as db:
        newest: dict[int, backups.Backup] = {}
        for backup in backups.listing(db, folder, limit=20 * limit):
            if backup.kind != "theirs":
                newest.setdefault(backup.file_id, backup)
        files = {file_id: linked.read_file(db, file_id, project) for file_id in list(newest)[:limit]}
    return [
        FileDiff(path=file.path, before=_bytes(newest[file_id].path), after=_bytes(file.path))
        for file_id, file in files.items()
    ]


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
