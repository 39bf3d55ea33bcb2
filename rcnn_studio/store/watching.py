"""Looking whether other programs have changed linked files, and keeping copies of them as they were imported.

A little at a time, in the pauses of the thread that writes back; what the end of the session leaves undone goes on in
the next one. Never writes a linked file.

A kept copy lets "mine" be a patch of the imported bytes also where another program has changed a file before we ever
wrote it. It costs about a fifth of the file in the database; files that hold more than labels (labelme's with the
picture inside) are kept at their first write only.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.store import documents, linked
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.reading import Readers
from rcnn_studio.store.status import StatusBoard
from rcnn_studio.store.writer import Writer

_log = logging.getLogger(__name__)
_STEP = 50
MOST_BYTES_KEPT = 256 << 10
"""Of a file of one image; larger ones hold more than labels."""


class Watcher:
    """One look over all linked files; `start_over` begins another one. `step` is for one thread at a time."""

    def __init__(self, project: Path, readers: Readers, writer: Writer, board: StatusBoard) -> None:
        self._project = project
        self._readers = readers
        self._writer = writer
        self._board = board
        self._lock = threading.Lock()
        self._next: int | None = -1  # id behind which the look goes on; None: nothing to do
        self.finished = threading.Event()
        """Set when a look has come to its end."""

    @property
    def has_work(self) -> bool:
        with self._lock:
            return self._next is not None

    def start_over(self) -> None:
        with self._lock:
            self._next = -1
            self.finished.clear()

    def step(self) -> None:
        """Looks at the next files. Raises nothing: what is wrong is on the board or tried again at the next look."""
        with self._lock:
            after = self._next
        if after is None:
            return
        try:
            with self._readers.transaction() as db:
                files = linked.read_files(db, self._project, after=after, limit=_STEP)
            self.look_at(files, patient=True)
            self._keep_documents(files)
        except (StudioError, OSError, sqlite3.Error) as error:
            _log.info("looking at the linked files was put off: %s", error)
            files = []
        with self._lock:
            if self._next == after:
                self._next = files[-1].id if len(files) == _STEP else None
                if self._next is None:
                    self.finished.set()

    def look_at(self, files: Sequence[FileRow], *, patient: bool) -> None:
        """Marks those that are not what they were. patient: a file whose look is the one last seen is not read.

        Raises StudioError if the database refuses.
        """
        seen: list[tuple[str, int, str]] = []
        changed: list[tuple[FileRow, str]] = []
        for file in files:
            look = linked.look_of(file.path)
            if file.status != "ok" or (patient and look == file.seen and (look or not file.hash)):
                continue
            try:
                found = linked.current_hash(file)
            except FormatError as error:
                _log.info("not looked at: %s", error)
                continue
            if found != file.hash:
                changed.append((file, found))
            elif look != file.seen:
                seen.append((look, file.id, file.hash))
        if seen or changed:
            told = self._writer.call(lambda db: _record(db, seen, changed))
            for path, message in told:
                self._board.set_file_error(path, message)

    def _keep_documents(self, files: Sequence[FileRow]) -> None:
        """Keeps them as they were imported, so that they can be rebuilt whatever others do to them."""
        small: list[tuple[FileRow, bytes]] = []
        for file in files:
            if file.origin != "disk" or file.status != "ok":
                continue
            of_many = file.linked.format in WITH_CATEGORY_TABLE
            data = _bytes(file.path, MOST_BYTES_KEPT if not of_many else None)
            if data is None or linked.digest(data) != file.hash:
                continue
            if len(data) > linked.LARGE:
                self.keep_imported(file, data)
            else:
                small.append((file, data))
        if small:
            packed = [(file, list(documents.compressed_parts(data))) for file, data in small]
            self._writer.call(lambda db: _keep_all(db, packed))

    def keep_imported(self, file: FileRow, data: bytes) -> None:
        """Part by part, so that no edit waits for long; only the last commit says that it is whole."""
        for part, chunk in enumerate(documents.compressed_parts(data)):
            self._writer.call(
                lambda db, part=part, chunk=chunk: documents.store_part(  # type: ignore[misc]
                    db, file.id, file.generation, part, chunk
                )
            )
        self._writer.call(
            lambda db: db.execute(
                "UPDATE files SET origin = 'stored' WHERE id = ? AND generation = ? AND origin = 'disk' AND hash = ?",
                (file.id, file.generation, file.hash),
            )
        )


def _record(
    db: sqlite3.Connection, seen: Sequence[tuple[str, int, str]], changed: Sequence[tuple[FileRow, str]]
) -> list[tuple[str, str]]:
    """Only where the file's row is still what the look started from: it may have been written meanwhile."""
    db.executemany("UPDATE files SET seen = ? WHERE id = ? AND hash = ?", seen)
    told: list[tuple[str, str]] = []
    for file, found in changed:
        same = db.execute(
            "SELECT 1 FROM files WHERE id = ? AND hash = ? AND status = 'ok'"
            " AND NOT EXISTS (SELECT 1 FROM intents WHERE file_id = files.id)",
            (file.id, file.hash),
        ).fetchone()
        if same is not None:
            told.append((str(file.path), linked.mark_conflict(db, file, linked.changed_text(found))))
    return told


def _keep_all(db: sqlite3.Connection, packed: Sequence[tuple[FileRow, Sequence[bytes]]]) -> None:
    for file, parts in packed:
        linked.keep_parts(db, file, parts)


def _bytes(path: Path, most: int | None) -> bytes | None:
    """The file; None for one that cannot be read now or is larger than `most` bytes."""
    try:
        return path.read_bytes() if most is None or path.stat().st_size <= most else None
    except OSError as error:
        _log.info("not kept yet: %s", error)
        return None
