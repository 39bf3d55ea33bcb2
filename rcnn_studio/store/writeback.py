"""The thread that brings linked files up to date: it waits for a pause, builds bytes, writes them, records it.

All of its own database writes go through the writer; what is written and how is in linked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.store import linked
from rcnn_studio.store.linked import FileRow, Outcome, Prepared
from rcnn_studio.store.reading import Readers
from rcnn_studio.store.status import StatusBoard
from rcnn_studio.store.writer import Writer

_log = logging.getLogger(__name__)

# Seconds of quiet after a file's last edit before it is written, and the longest it is put off while edits go on.
_PAUSE_S = {"coco": 3.0}
_DEFAULT_PAUSE_S = 0.5
_LONGEST_S = {"coco": 30.0}
_DEFAULT_LONGEST_S = 5.0
_RETRY_S = 5.0
_BATCH = 64
_SINGLY = ("coco",)


class WriteBack:
    """Started by `start`, ended by `stop`. schedule, run_now and stop may be called on any thread but its own."""

    def __init__(self, project: Path, readers: Readers, writer: Writer, board: StatusBoard) -> None:
        self._project = project
        self._readers = readers
        self._writer = writer
        self._board = board
        self._cond = threading.Condition()
        self._due: dict[int, tuple[float, float]] = {}  # file id -> (when, not later than)
        self._asked = 0
        self._answered = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-writeback", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def schedule(self, files: Iterable[tuple[int, str]], *, at_once: bool = False) -> None:
        """These files (id, format) lag behind: written after a pause."""
        now = time.monotonic()
        with self._cond:
            for file_id, name in files:
                pause = 0.0 if at_once else _PAUSE_S.get(name, _DEFAULT_PAUSE_S)
                limit = self._due.get(file_id, (0.0, now + _LONGEST_S.get(name, _DEFAULT_LONGEST_S)))[1]
                self._due[file_id] = (min(now + pause, limit), limit)
            self._cond.notify_all()

    def run_now(self, *, wait: bool) -> None:
        """Writes every file that lags behind without a pause; failed ones are tried again. wait: until that is
        done, one way or the other."""
        with self._cond:
            self._asked += 1
            ticket = self._asked
            self._cond.notify_all()
            while wait and self._answered < ticket and self._thread.is_alive():
                self._cond.wait(1.0)

    def stop(self) -> None:
        """Ends the thread after the batch in hand; what is left stays marked in the database."""
        with self._cond:
            self._closing = True
            self._cond.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (ticket := self._wait()) is not None:
            try:
                self._write(self._pending() if ticket else self._take_due())
            except StudioError as error:
                self._postpone_all(str(error))
            except Exception as error:
                _log.exception("write-back failed")
                self._postpone_all(f"The linked files could not be written ({error!r}). Report this fault.")
            else:
                self._board.set_file_error(str(self._project), "")
            if ticket:
                with self._cond:
                    self._answered = ticket
                    self._cond.notify_all()

    def _wait(self) -> int | None:
        """Until something is due (0) or asked for (its ticket); None at the end."""
        with self._cond:
            while not self._closing:
                if self._asked > self._answered:
                    return self._asked
                now = time.monotonic()
                first = min((when for when, _ in self._due.values()), default=None)
                if first is not None and first <= now:
                    return 0
                self._cond.wait(None if first is None else first - now)
            return None

    def _take_due(self) -> list[tuple[int, str]]:
        now = time.monotonic()
        with self._cond:
            ids = [file_id for file_id, (when, _) in self._due.items() if when <= now]
        with self._readers.transaction() as db:
            wanted = set(ids)
            due = [(i, name) for i, name in linked.pending_files(db) if i in wanted]
        with self._cond:
            for file_id in ids:
                self._due.pop(file_id, None)
        return due

    def _pending(self) -> list[tuple[int, str]]:
        """All that lag behind, those included whose conflict has gone away by itself."""
        with self._readers.transaction() as db:
            disputed = linked.conflicts(db, self._project)
        for file, _ in disputed:
            self._reconsider(file)
        with self._readers.transaction() as db:
            pending = linked.pending_files(db)
        with self._cond:
            self._due.clear()
        return pending

    def _reconsider(self, file: FileRow) -> None:
        try:
            if linked.current_hash(file) != file.hash:
                return
        except FormatError:
            return
        self._writer.call(lambda db: db.execute("UPDATE files SET status = 'ok' WHERE id = ?", (file.id,)))
        self._board.set_file_error(str(file.path), "")

    def _postpone_all(self, message: str) -> None:
        """The database itself was in the way: say so, and try everything again in a while."""
        self._board.set_file_error(str(self._project), message)
        try:
            with self._readers.transaction() as db:
                pending = linked.pending_files(db)
        except StudioError:
            pending = []
        self._retry_later(file_id for file_id, _ in pending)

    def _retry_later(self, file_ids: Iterable[int]) -> None:
        later = time.monotonic() + _RETRY_S
        with self._cond:
            for file_id in file_ids:
                self._due.setdefault(file_id, (later, later))

    def _write(self, files: Sequence[tuple[int, str]]) -> None:
        many = [file_id for file_id, name in files if name not in _SINGLY]
        batches = [many[i : i + _BATCH] for i in range(0, len(many), _BATCH)]
        batches += [[file_id] for file_id, name in files if name in _SINGLY]
        for number, batch in enumerate(batches):
            if self._closing:
                self._retry_later(file_id for rest in batches[number:] for file_id in rest)
                return
            self._write_batch(batch)

    def _write_batch(self, file_ids: Sequence[int]) -> None:
        """One transaction of intents, the files, one transaction of outcomes."""
        outcomes: list[Outcome] = []
        prepared: list[Prepared] = []
        for file_id in file_ids:
            made = self._prepare(file_id)
            if isinstance(made, Prepared):
                prepared.append(made)
            elif made is not None:
                outcomes.append(made)
        to_write = [item for item in prepared if not item.changes_nothing]
        if to_write:
            self._writer.call(lambda db: linked.record_intents(db, to_write))
        outcomes += [linked.write(item) for item in prepared]
        if outcomes:
            self._writer.call(lambda db: linked.record_outcomes(db, outcomes))
        self._retry_later(outcome.file.id for outcome in outcomes if outcome.kind == "failed")
        for outcome in outcomes:
            self._board.set_file_error(str(outcome.file.path), outcome.message)

    def _prepare(self, file_id: int) -> Prepared | Outcome | None:
        with self._readers.transaction() as db:
            file = linked.read_file(db, file_id, self._project)
            interrupted = linked.has_intent(db, file_id)
        try:
            if interrupted:
                found = linked.current_hash(file)
                self._writer.call(lambda db: linked.settle_intent(db, file, found))
            with self._readers.transaction() as db:
                job = linked.read_job(db, file_id, self._project)
            return None if job is None else linked.prepare(job)
        except Exception as error:  # a codec's fault concerns this file only
            return linked.outcome_of(file, error)
