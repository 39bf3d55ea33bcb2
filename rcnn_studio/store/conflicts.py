"""Linked files that another program has changed: listed, and settled by the person's choice.

Never overwrites a foreign version without a copy of it in the backups folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rcnn_studio.domain.dataset import ImageRecord
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store import backups, documents, linked, taking_over
from rcnn_studio.store.applying import apply_edit
from rcnn_studio.store.backups import Backup
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.reading import Readers
from rcnn_studio.store.writer import Writer

Keep = Literal["mine", "theirs"]
_THEIRS = "Take over {0} as changed by another program"
_BACKUP = "Restore {0} from a backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A linked file that is not as we left it. message: what happened and what can be done."""

    path: str
    message: str


def list_conflicts(db: sqlite3.Connection, project: Path) -> list[Conflict]:
    return [Conflict(path=str(file.path), message=message) for file, message in linked.conflicts(db, project)]


class Settler:
    """Settles conflicts of one project, and takes earlier versions of linked files over."""

    def __init__(
        self,
        project: Path,
        backups_folder: Path,
        roots: tuple[Path, ...],
        readers: Readers,
        writer: Writer,
        next_box_id: Callable[[], int],
    ) -> None:
        self._project = project
        self._backups = backups_folder
        self._roots = roots
        self._readers = readers
        self._writer = writer
        self._next_box_id = next_box_id

    def settle(self, path: Path, keep: Keep) -> tuple[int, ...]:
        """-> ids of the images whose labels are others now. With "mine" the file is due for writing afterwards.

        Raises ProjectError if there is no such conflict or the choice is not possible, FormatError if a file
        cannot be read or written.
        """
        with self._readers.transaction() as db:
            found = [file for file, _ in linked.conflicts(db, self._project) if file.path == path]
        if not found:
            raise ProjectError(f"{path}: is not in conflict.")
        theirs = _read(found[0].path)
        if keep == "mine":
            self._keep_mine(found[0], theirs)
            return ()
        return self._take_over(found[0], theirs, _THEIRS, on_disk=True)

    def restore(self, backup: Backup) -> tuple[int, ...]:
        """Makes the project say what a kept version of a file says; the file follows. -> as in settle"""
        data = backups.read(backup)
        with self._readers.transaction() as db:
            file = linked.read_file(db, backup.file_id, self._project)
        if file.status != "ok":
            raise ProjectError(f"{file.path}: is in conflict or cannot be read. Settle that first.")
        return self._take_over(file, data, _BACKUP, on_disk=False)

    def _keep_mine(self, file: FileRow, theirs: bytes | None) -> None:
        def work(db: sqlite3.Connection) -> None:
            if theirs is not None:
                backups.keep_theirs(db, self._backups, file.id, file.path.name, theirs, file.written)
            if file.origin == "disk":  # changed before there was a copy: there is nothing left to patch
                documents.give_up(db, file.id)
            db.execute(
                "UPDATE files SET status = 'ok', message = '', hash = ?, seen = '', written = -1, since = 0"
                " WHERE id = ?",
                (linked.digest(theirs), file.id),
            )

        self._writer.call(work)

    def _take_over(self, file: FileRow, data: bytes | None, text: str, *, on_disk: bool) -> tuple[int, ...]:
        """Makes `data` the document that is patched from now on. on_disk: it is what the file holds."""
        with self._readers.transaction() as db:
            taken = taking_over.plan(db, file, data, self._image_path, self._next_box_id, text)

        def work(db: sqlite3.Connection) -> None:
            taking_over.store(db, taken, file, data)
            apply_edit(db, taken.edit)
            if on_disk:
                db.execute("UPDATE files SET hash = ?, seen = '' WHERE id = ?", (linked.digest(data), file.id))

        self._writer.call(work)
        return tuple(change.image_id for change in taken.edit.images)

    def _image_path(self, image: ImageRecord) -> Path:
        return resolve_inside(self._roots[image.root], image.path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from error
