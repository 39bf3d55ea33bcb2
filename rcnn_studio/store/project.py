"""The door to a project: what others ask of the database, delegated to the modules beside it.

Holds no SQL of its own beyond single values, and no truth: that is in the database and its queue.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.domain.progress import Report, ShouldStop, ignore, never
from rcnn_studio.formats.codec import Imported
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store import linked, reading
from rcnn_studio.store.applying import apply_edit, dirtied_files
from rcnn_studio.store.conflicts import Conflict, Keep, Settler, list_conflicts
from rcnn_studio.store.creating import create_database
from rcnn_studio.store.lock import ProjectLock
from rcnn_studio.store.opening import Opened, open_database
from rcnn_studio.store.overlay import Overlay, apply_to_record, apply_to_rejections
from rcnn_studio.store.reading import ImageTable, Readers
from rcnn_studio.store.schema import DATABASE_NAME
from rcnn_studio.store.status import StatusBoard, StatusListener, StoreStatus
from rcnn_studio.store.writeback import WriteBack
from rcnn_studio.store.writer import Writer

__all__ = ["Conflict", "ImageTable", "ProjectStore", "StoreStatus"]


class ProjectStore:
    """An open project. Every method may be called from any thread; close it when done (or use it in a `with`).

    folder, runs_folder: where it is. read_only: another program has it open, or its folder cannot be written;
    owner says who ("" otherwise).
    """

    def __init__(self, folder: Path, lock: ProjectLock | None, opened: Opened) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.runs_folder = folder / "runs"
        self.backups_folder = folder / "backups"
        self.read_only = opened.mode != "rw"
        self.owner = opened.owner
        self.project_id = opened.project_id
        self.name = opened.name
        self._lock = lock
        self._closed = False
        self._board = StatusBoard()
        self._overlay = Overlay()
        self._readers = Readers(folder / DATABASE_NAME, mode="ro" if opened.mode == "rw" else opened.mode)
        self._roots = opened.roots
        self._root_paths = tuple(Path(root) for root in opened.roots)
        self._next_box_id = opened.next_box_id
        self._id_lock = threading.Lock()
        self._writer: Writer | None = None
        self._writeback: WriteBack | None = None
        if not self.read_only:
            self._start_threads()

    def _start_threads(self) -> None:
        writer = Writer(self.folder / DATABASE_NAME, self._board, self._count_pending)
        writeback = WriteBack(self.folder, self._readers, writer, self._board)
        self._writer, self._writeback = writer, writeback
        with self._readers.transaction() as db:
            pending = linked.pending_files(db)
            self._board.set_pending(linked.count_pending(db))
            for file, message in linked.conflicts(db, self.folder):
                self._board.set_file_error(str(file.path), message)
        writer.start()
        writeback.start()
        writeback.schedule(pending, at_once=True)

    @staticmethod
    def create(
        folder: Path, imported: Imported, *, report: Report = ignore, should_stop: ShouldStop = never
    ) -> ProjectStore:
        """Makes the project in `folder` (made if need be; may hold the dataset itself) and opens it.

        Splits are taken as they are. Raises ProjectError, FormatError, Cancelled; nothing is left behind then.
        """
        folder = Path(folder).absolute()
        create_database(folder, imported, report=report, should_stop=should_stop)
        return ProjectStore.open(folder)

    @staticmethod
    def open(folder: Path, *, read_only: bool = False) -> ProjectStore:
        """Opens a project by its folder or its project.rcnn; finishes what a crash interrupted.

        read_only: takes no lock and writes nothing. A project that another program has open comes up read-only
        by itself, with `owner` set. Raises ProjectError.
        """
        folder = Path(folder).absolute()
        if folder.name == DATABASE_NAME:
            folder = folder.parent
        lock, opened = open_database(folder, read_only=read_only)
        try:
            return ProjectStore(folder, lock, opened)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def __enter__(self) -> ProjectStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, discard: bool = False, write_files: bool = True) -> None:
        """Commits what is queued, writes the linked files, ends the threads, frees the lock.

        Raises ProjectError, and stays open, if edits cannot be committed (full disk); discard: gives them up.
        Files that cannot be written (or, for a quick end with write_files=False, all that lag behind) stay marked
        in the database and are written at the next open.
        """
        if self._closed:
            return
        if self._writer is not None and self._writeback is not None:
            if not discard:
                self._writer.flush()
            if write_files and not discard:
                self._writeback.run_now(wait=True)
            self._writer_stop(discard)
        self._closed = True
        self._readers.close()
        if self._lock is not None:
            self._lock.release()

    def _writer_stop(self, discard: bool) -> None:
        assert self._writer is not None
        assert self._writeback is not None
        if not discard:
            self._writer.flush()  # nothing is given up before this has gone well
        self._writeback.stop()
        self._readers.close()  # so that the writer is the last to leave and empties the log into the database
        self._writer.stop(discard=discard)

    # What is in it

    def categories(self) -> tuple[Category, ...]:
        """In their order, edits that are still queued included."""
        queued = self._overlay.categories()
        if queued is not None:
            return queued
        with self._readers.transaction() as db:
            return reading.read_categories(db)

    def category_counts(self) -> dict[int, int]:
        """Boxes by category id, queued edits included; categories without boxes are left out."""
        self._settle()
        with self._readers.transaction() as db:
            return reading.read_category_counts(db)

    def roots(self) -> tuple[str, ...]:
        """The image folders, absolute; ImageRecord.root is an index into them."""
        return self._roots

    def image_table(self) -> ImageTable:
        """The image list as columns, queued edits included; about 0.3 s for 100,000 images."""
        self._settle()
        with self._readers.transaction() as db:
            return reading.read_table(db)

    def image(self, image_id: int) -> ImageRecord:
        """One image with its boxes, edits that are still queued included. Raises ProjectError if there is none."""
        changes = self._overlay.changes(image_id)  # before the read: see Overlay
        with self._readers.transaction() as db:
            record = reading.read_image(db, image_id)
        return apply_to_record(record, changes)

    def image_path(self, image_id: int) -> Path:
        """The image's file; it need not exist. Raises ProjectError for an unknown image, FormatError for a path
        that leads out of its root."""
        with self._readers.transaction() as db:
            row = db.execute("SELECT root_id, path FROM images WHERE id = ?", (image_id,)).fetchone()
        if row is None:
            raise ProjectError(f"The project has no image number {image_id}.")
        return resolve_inside(self._root_paths[row[0]], row[1])

    def rejections(self, image_id: int) -> tuple[Rejection, ...]:
        """Detections refused in this image, queued edits included; each stands once."""
        changes = self._overlay.changes(image_id)
        with self._readers.transaction() as db:
            return apply_to_rejections(reading.read_rejections(db, image_id), changes)

    def problems(self) -> tuple[Problem, ...]:
        """What was found wrong at the import."""
        with self._readers.transaction() as db:
            return reading.read_problems(db)

    def snapshot(self, *, trainable_only: bool = False) -> Dataset:
        """Everything submitted so far, at one moment, as columns (about 2 s for a million boxes; not on the GUI
        thread). trainable_only: only images that may be trained or scored on. Raises ProjectError."""
        if self._writer is not None:
            self._writer.flush()
        with self._readers.transaction() as db:
            return reading.read_dataset(db, self._roots, trainable_only=trainable_only)

    def history(self, limit: int = 100) -> list[tuple[int, str, str]]:
        """(sequence, text, UTC time) of the latest edits, the newest first."""
        self._settle()
        with self._readers.transaction() as db:
            return db.execute(
                "SELECT sequence, text, time FROM history ORDER BY sequence DESC LIMIT ?", (limit,)
            ).fetchall()

    def get_meta(self, key: str) -> str | None:
        """A small remembered value, such as the image that was open last."""
        queued = self._overlay.meta(key)
        if queued is not None:
            return queued
        with self._readers.transaction() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    # What changes it

    def next_box_id(self) -> int:
        """An id no box of this project has had."""
        with self._id_lock:
            self._next_box_id += 1
            return self._next_box_id - 1

    def submit(self, edit: Edit, *, on_done: Callable[[int], None], on_error: Callable[[StudioError], None]) -> None:
        """Queues the edit and returns at once. on_done(sequence) is called on the writer's thread after the commit;
        on_error if the edit itself is impossible. A full disk is no such error: the edit waits, the status says
        so, and it is tried again until it succeeds. In a read-only project on_error is called before this returns.
        """
        if self._writer is None:
            on_error(ProjectError(self._refusal()))
            return

        def work(db: sqlite3.Connection) -> tuple[int, list[tuple[int, str]]]:
            sequence = apply_edit(db, edit)
            return sequence, dirtied_files(db, sequence)

        def done(result: tuple[int, list[tuple[int, str]]]) -> None:
            self._overlay.discard(edit)
            if result[1] and self._writeback is not None:
                self._writeback.schedule(result[1])
            self._board.add_waiting(-1)
            on_done(result[0])

        def failed(error: StudioError) -> None:
            self._overlay.discard(edit)
            self._board.add_waiting(-1)
            on_error(error)

        self._overlay.add(edit)
        self._board.add_waiting(1)
        self._writer.post(work, done=done, failed=failed)

    def set_meta(self, key: str, value: str) -> None:
        """Remembers a small value; forgotten at close in a read-only project."""
        self._overlay.set_meta(key, value)
        if self._writer is None:
            return

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

        def settled(_: object) -> None:
            self._overlay.discard_meta(key, value)

        self._writer.post(work, done=settled, failed=settled)

    # Saving and the linked files

    def status(self) -> StoreStatus:
        return self._board.current()

    def add_listener(self, listener: StatusListener) -> None:
        """listener(StoreStatus) is called on the store's threads (or the submitting one) when the status changes;
        it must return at once and not call the store."""
        self._board.add_listener(listener)

    def remove_listener(self, listener: StatusListener) -> None:
        self._board.remove_listener(listener)

    def flush(self) -> None:
        """Waits until every edit submitted before is committed. Raises ProjectError when the disk refuses."""
        if self._writer is not None:
            self._writer.flush()

    def pending_files(self) -> int:
        """How many linked files do not show the latest committed edits yet."""
        with self._readers.transaction() as db:
            return linked.count_pending(db)

    def file_errors(self) -> dict[str, str]:
        """Path of a linked file -> why it is not written."""
        return self._board.file_errors()

    def write_back(self, *, wait: bool = True) -> None:
        """Writes all linked files that lag behind now. wait: until done; see file_errors for what did not go well.
        Raises ProjectError if edits cannot be committed first."""
        if self._writer is not None and self._writeback is not None:
            if wait:
                self._writer.flush()
            self._writeback.run_now(wait=wait)

    def conflicts(self) -> list[Conflict]:
        """Linked files that another program has changed, so that they were left alone."""
        with self._readers.transaction() as db:
            return list_conflicts(db, self.folder)

    def resolve_conflict(self, path: str | Path, keep: Keep) -> tuple[int, ...]:
        """keep "mine": a copy of their file goes to the backups folder and ours is written. keep "theirs": the
        labels are read from their file (VOC only); undo stacks are void for these images then.

        -> ids of the images whose labels are others now. Raises ProjectError, FormatError.
        """
        if self._writer is None or self._writeback is None:
            raise ProjectError(self._refusal())
        self._writer.flush()
        settler = Settler(self.folder, self._root_paths, self._readers, self._writer, self.next_box_id)
        changed = settler.settle(Path(path), keep)
        self._board.set_file_error(str(path), "")
        self._writeback.run_now(wait=True)
        return changed

    def _settle(self) -> None:
        """Waits for queued edits unless the disk refuses them: then the reader sees what is committed."""
        if self._writer is not None and not self._writer.trouble():
            with contextlib.suppress(ProjectError):
                self._writer.flush()

    def _count_pending(self, db: sqlite3.Connection) -> None:
        self._board.set_pending(linked.count_pending(db))

    def _refusal(self) -> str:
        who = f"{self.owner} has it open" if self.owner else "it was opened for reading only"
        return f"{self.folder}: the project cannot be changed here: {who}. Close it there, then open it again."
