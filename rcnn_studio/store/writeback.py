"""The thread that brings linked files up to date: it waits for a pause, builds bytes, writes them, records it.

All of its own database writes go through the writer; what is written and how is in linked. In pauses it looks
after what is not urgent: copies of imported documents, and files that other programs have changed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.store import backups, intents, linked
from rcnn_studio.store.linked import FileRow, Outcome, Prepared
from rcnn_studio.store.reading import Readers
from rcnn_studio.store.status import StatusBoard
from rcnn_studio.store.watching import Watcher
from rcnn_studio.store.writer import Writer

_log = logging.getLogger(__name__)

# Seconds of quiet after a file's last edit before it is written, and the longest it is put off while edits go on.
_PAUSE_S = {"coco": 3.0}
_DEFAULT_PAUSE_S = 0.5
_LONGEST_S = {"coco": 30.0}
_DEFAULT_LONGEST_S = 5.0
_BULK_PAUSE_S = 1.0
_RETRY_S = 5.0
_LONGEST_REST_S = 0.1
_BATCH = 32
_SINGLY = ("coco",)
MANY = 500
"""An edit that makes more files than this lag behind has them written from the list in the database."""
_COUNT_BACKUPS_EVERY = 64


class WriteBack:
    """Started by `start`, ended by `stop`. Every other method may be called on any thread but its own."""

    def __init__(
        self, project: Path, backups_folder: Path, readers: Readers, writer: Writer, board: StatusBoard
    ) -> None:
        self._project = project
        self._backups = backups_folder
        self._readers = readers
        self._writer = writer
        self._board = board
        self._watcher = Watcher(project, readers, writer, board)
        self._cond = threading.Condition()
        self._due: dict[int, tuple[float, float]] = {}  # file id -> (when, not later than)
        self._all_due: float | None = None
        self._failed: set[int] = set()
        self._asked = 0
        self._answered = 0
        self._paused = False
        self._closing = False
        self._batches = 0
        self._thread = threading.Thread(target=self._run, name="store-writeback", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def schedule(self, files: Sequence[tuple[int, str]]) -> None:
        """These files (id, format) lag behind: written after a pause."""
        if len(files) > MANY:
            self.schedule_all(_BULK_PAUSE_S)
            return
        now = time.monotonic()
        with self._cond:
            for file_id, name in files:
                pause = _PAUSE_S.get(name, _DEFAULT_PAUSE_S)
                limit = self._due.get(file_id, (0.0, now + _LONGEST_S.get(name, _DEFAULT_LONGEST_S)))[1]
                self._due[file_id] = (min(now + pause, limit), limit)
            self._cond.notify_all()

    def schedule_all(self, pause_s: float = 0.0) -> None:
        """Everything that lags behind is written, a batch at a time; single files that fall due come first."""
        when = time.monotonic() + pause_s
        with self._cond:
            self._all_due = when if self._all_due is None else min(when, self._all_due)
            self._cond.notify_all()

    def run_now(self, *, wait: bool) -> None:
        """Writes every file that lags behind without a pause; failed ones are tried again. wait: until that is
        done, one way or the other. Does nothing while paused."""
        with self._cond:
            if self._paused:
                return
            self._asked += 1
            ticket = self._asked
            self._cond.notify_all()
            while wait and self._answered < ticket and self._thread.is_alive() and not self._paused:
                self._cond.wait(1.0)

    def set_paused(self, paused: bool) -> None:
        """Paused: no further batch is begun; what lags behind stays marked. Resumed: it is all written."""
        with self._cond:
            self._paused = paused
            self._cond.notify_all()
        self._board.set_paused(paused)
        if not paused:
            self.schedule_all()

    def look(self) -> None:
        """Looks for files that other programs have changed, in the next pause."""
        self._watcher.start_over()
        with self._cond:
            self._cond.notify_all()

    def look_at(self, files: Sequence[FileRow]) -> None:
        """Looks at these files now, on the calling thread. Raises StudioError."""
        self._watcher.look_at(files, patient=False)

    def stop(self) -> None:
        """Ends the thread after the batch in hand; what is left stays marked in the database."""
        with self._cond:
            self._closing = True
            self._cond.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (ticket := self._wait()) is not None:
            if ticket < 0:
                self._look_for_a_while()
                continue
            try:
                if ticket:
                    self._reconsider_conflicts()
                self._write_due(everything=bool(ticket))
            except StudioError as error:
                self._postpone_all(str(error))
            except Exception as error:
                _log.exception("write-back failed")
                self._postpone_all(f"The linked files could not be written ({error!r}). Report this fault.")
            else:
                self._board.set_file_error(str(self._project), "")
            if ticket:
                with self._cond:
                    self._answered = max(self._answered, ticket)
                    self._cond.notify_all()

    def _look_for_a_while(self) -> None:
        """One step of the look, and as long a rest: a hundred thousand files must not slow an edit down."""
        start = time.monotonic()
        self._watcher.step()
        with self._cond:
            if not self._closing and self._asked == self._answered:
                self._cond.wait(min(_LONGEST_REST_S, time.monotonic() - start))

    def _wait(self) -> int | None:
        """Until something is due (0) or asked for (its ticket), or there is time for a look (-1); None at the end."""
        with self._cond:
            while not self._closing:
                if not self._paused:
                    if self._asked > self._answered:
                        return self._asked
                    first = self._first_due()
                    if first is not None and first <= time.monotonic():
                        return 0
                else:
                    self._answered, first = self._asked, None
                if self._watcher.has_work:
                    return -1
                self._cond.wait(None if first is None else max(0.0, first - time.monotonic()))
            return None

    def _first_due(self) -> float | None:
        times = [when for when, _ in self._due.values()]
        if self._all_due is not None:
            times.append(self._all_due)
        return min(times, default=None)

    def _write_due(self, *, everything: bool) -> None:
        """Single files that are due, then batches of all that lag behind, with a look at new ones in between."""
        now = time.monotonic()
        with self._cond:
            whole = everything or (self._all_due is not None and self._all_due <= now)
            if whole:
                self._all_due = None
                self._failed.clear()
        while not self._stopping():
            single = self._take_single()
            if single:
                self._write(single)
            if not whole:
                return
            with self._readers.transaction() as db:
                rest = linked.pending_files(db, _BATCH + len(self._failed))
            batch = [item for item in rest if item[0] not in self._failed][:_BATCH]
            if not batch:
                return
            self._write(batch)
        if whole:
            self.schedule_all()

    def _stopping(self) -> bool:
        with self._cond:
            return self._closing or self._paused

    def _take_single(self) -> list[tuple[int, str]]:
        now = time.monotonic()
        with self._cond:
            ids = [file_id for file_id, (when, _) in self._due.items() if when <= now]
            for file_id in ids:
                del self._due[file_id]
        if not ids:
            return []
        with self._readers.transaction() as db:
            return linked.may_be_written(db, ids)

    def _reconsider_conflicts(self) -> None:
        """A conflict goes away by itself when the file is as it was."""
        with self._readers.transaction() as db:
            disputed = linked.conflicts(db, self._project)
        for file, _ in disputed:
            try:
                if linked.current_hash(file) != file.hash:
                    continue
            except FormatError:
                continue
            number = file.id
            self._writer.call(
                lambda db, number=number: db.execute(  # type: ignore[misc]
                    "UPDATE files SET status = 'ok', message = '' WHERE id = ?", (number,)
                )
            )
            self._board.set_file_error(str(file.path), "")

    def _postpone_all(self, message: str) -> None:
        """The database itself was in the way: say so, and try everything again in a while."""
        self._board.set_file_error(str(self._project), message)
        self.schedule_all(_RETRY_S)

    def _retry_later(self, file_ids: Iterable[int]) -> None:
        later = time.monotonic() + _RETRY_S
        with self._cond:
            for file_id in file_ids:
                self._failed.add(file_id)
                if len(self._due) < MANY:
                    self._due.setdefault(file_id, (later, later))
                else:
                    self._all_due = later

    def _write(self, files: Sequence[tuple[int, str]]) -> None:
        many = [file_id for file_id, name in files if name not in _SINGLY]
        batches = [many[i : i + _BATCH] for i in range(0, len(many), _BATCH)]
        batches += [[file_id] for file_id, name in files if name in _SINGLY]
        for number, batch in enumerate(batches):
            if self._stopping():
                with self._cond:
                    now = time.monotonic()
                    self._due.update((file_id, (now, now)) for rest in batches[number:] for file_id in rest)
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
            to_write = self._writer.call(lambda db: intents.record_intents(db, to_write, self._project, self._backups))
            outcomes += self._put_in_place(to_write)
        outcomes += [linked.write(item) for item in prepared if item.changes_nothing]
        self._settle(outcomes)

    def _put_in_place(self, to_write: Sequence[Prepared]) -> list[Outcome]:
        kept = [item.keep for item in to_write if item.keep is not None]
        try:
            backups.make_folders(kept)
        except StudioError as error:
            return [linked.outcome_of(item.file, error) for item in to_write]
        outcomes = [linked.write(item) for item in to_write]
        backups.sync(kept)
        return outcomes

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self._batches += 1
        cap = backups.MAX_BYTES if (self._batches - 1) % _COUNT_BACKUPS_EVERY == 0 else None
        written = [outcome.file.id for outcome in outcomes if outcome.kind == "written"]
        gone = self._writer.call(
            lambda db: (
                intents.record_outcomes(db, outcomes, self._project, self._backups)
                + backups.prune(db, self._backups, written, max_bytes=cap)
            )
        )
        backups.remove(gone)
        self._retry_later(outcome.file.id for outcome in outcomes if outcome.kind == "failed")
        for outcome in outcomes:
            self._board.set_file_error(str(outcome.file.path), outcome.message)
        with self._readers.transaction() as db:
            again = linked.may_be_written(db, written)
        if again:  # edited, or an edit taken back, while they were written
            self.schedule(again)

    def _prepare(self, file_id: int) -> Prepared | Outcome | None:
        with self._readers.transaction() as db:
            file = linked.read_file(db, file_id, self._project)
            interrupted = intents.has_intent(db, file_id)
        try:
            if interrupted:
                self._settle_intent(file)
            with self._readers.transaction() as db:
                job = linked.read_job(db, file_id, self._project)
            if job is None:
                return None
            made = linked.prepare(job)
            if made.imported is not None and len(made.imported) > linked.LARGE:
                self._watcher.keep_imported(job.file, made.imported)
            return made
        except Exception as error:  # a codec's fault concerns this file only
            return linked.outcome_of(file, error)

    def _settle_intent(self, file: FileRow) -> None:
        found = linked.current_hash(file)
        intents.flush_interrupted(file)
        gone = self._writer.call(lambda db: intents.settle_intent(db, file, found, self._backups))
        backups.remove(gone)
        with self._readers.transaction() as db:
            self._board.set_file_error(str(file.path), linked.conflict_message(db, file.id))
