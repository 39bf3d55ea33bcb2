"""The one thread that writes the project database: queued work in, committed transactions out.

Knows nothing of edits or files; it runs what it is given, each piece in a savepoint, several in one transaction
when they have piled up, and speaks of a piece as done only after the commit has reached the disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.store.schema import open_for_writing
from rcnn_studio.store.status import StatusBoard

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

_MAX_BATCH = 128
_RETRY_S = 1.0
_IDLE_S = 0.5
_CHECKPOINT_EVERY = 1000

# The fault lies in the piece of work, not in the disk: it fails alone and the others go on.
_FAULTS_OF_WORK = (
    StudioError,
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    ValueError,
    TypeError,
    OverflowError,
)


@dataclass(slots=True)
class _Task:
    """A piece of work. keep: when the disk refuses, try again until it succeeds instead of failing."""

    number: int
    work: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any], None]
    failed: Callable[[StudioError], None]
    keep: bool
    result: Any = None
    error: StudioError | None = None


def _is_read_only(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_READONLY


class Writer:
    """Owns the writing connection; started by `start`, ended by `stop`. Every other method may be called anywhere."""

    def __init__(
        self,
        path: Path,
        board: StatusBoard,
        after_commit: Callable[[sqlite3.Connection], None],
        drop_readers: Callable[[], None],
    ) -> None:
        """drop_readers: closes this process's other connections to the database, as soon as they are free."""
        self._path = path
        self._board = board
        self._after_commit = after_commit
        self._drop_readers = drop_readers
        self._cond = threading.Condition()
        self._queue: deque[_Task] = deque()
        self._batch: list[_Task] = []
        self._posted = 0
        self._attempts = 0
        self._trouble = ""
        self._hurry = False
        self._closing = False
        self._since_checkpoint = 0
        self._db: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def post(
        self,
        work: Callable[[sqlite3.Connection], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[StudioError], None],
        keep: bool = True,
    ) -> None:
        """Queues work and returns at once. done(result) or failed(error) is called on the writer's thread, after
        the commit. keep: a full disk or the like makes it wait and be tried again."""
        with self._cond:
            if not self._closing:
                self._posted += 1
                self._queue.append(_Task(self._posted, work, done, failed, keep))
                self._cond.notify_all()
                return
        failed(ProjectError("The project is closed; the change was not stored."))

    def call(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs work in a transaction on the writer's thread and waits for its commit. Raises StudioError, also
        when the disk refuses."""
        future: Future[_T] = Future()
        self.post(work, done=future.set_result, failed=future.set_exception, keep=False)
        return future.result()

    def flush(self) -> None:
        """Waits until everything queued before is settled; on the writer's own thread, where waiting would be for
        ever, does nothing. Raises ProjectError when the disk refuses it."""
        if threading.current_thread() is self._thread:
            return
        with self._cond:
            target, attempts = self._posted, self._attempts
            self._hurry = bool(self._trouble)
            self._cond.notify_all()
            while self._oldest() <= target:
                if self._trouble and self._attempts > attempts:
                    raise ProjectError(self._trouble)
                self._cond.wait()

    def trouble(self) -> str:
        """Why the disk refuses at the moment; "" when it does not."""
        with self._cond:
            return self._trouble

    def stop(self, *, discard: bool = False) -> None:
        """Settles what is queued and ends the thread. Raises ProjectError, and goes on running, when the disk
        refuses; discard: gives up what is queued instead (their `failed` is called)."""
        if not discard:
            self.flush()
        with self._cond:
            self._closing = True
            self._cond.notify_all()
        self._thread.join()

    def _oldest(self) -> int:
        """Number of the oldest task that is not settled. Under the lock."""
        if self._batch:
            return self._batch[0].number
        return self._queue[0].number if self._queue else self._posted + 1

    def _run(self) -> None:
        while self._take():
            if not self._batch:
                self._checkpoint()
                continue
            try:
                self._write_batch()
            except (sqlite3.Error, OSError, MemoryError) as error:
                self._disk_refused(error)
            else:
                self._settle(self._batch)
        with self._cond:
            given_up, self._batch, self._queue = [*self._batch, *self._queue], [], deque()
            self._cond.notify_all()
        for task in given_up:
            self._tell(task.failed, ProjectError(f"Not stored: {self._trouble or 'the project was closed.'}"))
        self._close_connection()

    def _take(self) -> bool:
        """Fills the batch; leaves it empty when there was a pause. False: the end."""
        with self._cond:
            if self._trouble:
                self._cond.wait_for(lambda: self._hurry or self._closing, timeout=_RETRY_S)
                self._hurry = False
                if self._closing:
                    return False
            elif not self._queue and not self._closing:
                pause = _IDLE_S if self._since_checkpoint else None
                self._cond.wait_for(lambda: bool(self._queue) or self._closing, timeout=pause)
            while self._queue and len(self._batch) < _MAX_BATCH:
                self._batch.append(self._queue.popleft())
            return bool(self._batch) or not self._closing

    def _write_batch(self) -> None:
        if self._db is None:
            self._db = open_for_writing(self._path)
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        for task in self._batch:
            task.result = task.error = None
            db.execute("SAVEPOINT task")
            try:
                task.result = task.work(db)
            except _FAULTS_OF_WORK as error:
                db.execute("ROLLBACK TO task")
                task.error = error if isinstance(error, StudioError) else ProjectError(f"Not stored: {error}")
            except (sqlite3.Error, OSError, MemoryError):
                raise
            except Exception as error:
                db.execute("ROLLBACK TO task")
                task.error = ProjectError(f"Not stored, because of a fault in the program: {error!r}")
                _log.exception("work failed in the project database")
            db.execute("RELEASE task")
        db.execute("COMMIT")

    def _settle(self, tasks: list[_Task]) -> None:
        """After the commit: counts pending files, then tells everybody, in order."""
        if self._db is not None:
            self._tell(self._after_commit, self._db)
        if self._trouble:
            self._board.set_trouble("")
        for task in tasks:
            if task.error is None:
                self._tell(task.done, task.result)
            else:
                self._tell(task.failed, task.error)
        with self._cond:
            self._attempts += 1
            self._trouble = ""
            self._batch = []
            self._cond.notify_all()
        self._since_checkpoint += len(tasks)
        if self._since_checkpoint >= _CHECKPOINT_EVERY:
            self._checkpoint()

    def _disk_refused(self, error: Exception) -> None:
        """Keeps what must not be lost, lets the rest fail, and starts the next attempt on a fresh connection:
        after a failed fsync the same descriptor may wrongly report success. Shared memory that could once be opened
        for reading only stays so as long as any connection of the process has it: then all of them go."""
        self._close_connection()
        if _is_read_only(error):
            self._drop_readers()
        text = (
            f"{self._path}: the project database cannot be written ({error}). "
            "Free some space or check the drive; the edits are kept in memory and tried again."
        )
        dropped = [task for task in self._batch if not task.keep]
        kept = [task for task in self._batch if task.keep]
        with self._cond:
            self._attempts += 1
            self._trouble = text if kept else ""
            self._queue.extendleft(reversed(kept))
            self._batch = []
            self._cond.notify_all()
        self._board.set_trouble(self._trouble)
        for task in dropped:
            self._tell(task.failed, ProjectError(text))

    def _checkpoint(self) -> None:
        """Moves the log into the database in a pause, so that no commit has to wait for it."""
        self._since_checkpoint = 0
        if self._db is not None:
            try:
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                _log.info("checkpoint put off: %s", error)

    def _close_connection(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            try:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                db.close()
            except sqlite3.Error as error:
                _log.info("the writing connection did not close cleanly: %s", error)

    @staticmethod
    def _tell(receiver: Callable[[Any], None], value: Any) -> None:
        """A receiver's own fault must not end the thread that everybody's edits depend on."""
        try:
            receiver(value)
        except Exception:
            _log.exception("a receiver of the store's news failed")
