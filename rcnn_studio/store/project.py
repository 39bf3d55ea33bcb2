"""The door to a project: what others ask of the database, delegated to the modules beside it.

Holds no SQL of its own beyond single values, and no truth: that is in the database and its queue.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.domain.progress import Report, ShouldStop, ignore, never
from rcnn_studio.formats.codec import Imported
from rcnn_studio.store import backups, base_document, compacting, home, linked, shapes, verifying
from rcnn_studio.store.applying import apply_edit, dirtied_files
from rcnn_studio.store.backups import Backup
from rcnn_studio.store.base_document import BaseDocument
from rcnn_studio.store.conflicts import Conflict, Keep, Settler, list_conflicts
from rcnn_studio.store.creating import create_database
from rcnn_studio.store.history import HistoryEntry, PastEdit, Provenance, UndoStack
from rcnn_studio.store.image_files import check_images
from rcnn_studio.store.lock import Owner, ProjectLock
from rcnn_studio.store.opening import Opened, open_database
from rcnn_studio.store.previewing import FileDiff, last_written, what_will_change
from rcnn_studio.store.project_reads import ProjectReads
from rcnn_studio.store.reading import ImageTable, Readers
from rcnn_studio.store.schema import DATABASE_NAME
from rcnn_studio.store.status import StatusBoard, StatusListener, StoreStatus
from rcnn_studio.store.writeback import WriteBack
from rcnn_studio.store.writer import Writer

__all__ = [
    "Backup",
    "Conflict",
    "FileDiff",
    "HistoryEntry",
    "ImageTable",
    "Owner",
    "PastEdit",
    "ProjectStore",
    "Provenance",
    "StoreStatus",
    "UndoStack",
]

_log = logging.getLogger(__name__)
_COUNT_EVERY_S = 0.5
_MANY_PENDING = 1000


class ProjectStore(ProjectReads):
    """An open project. Every method may be called from any thread; close it when done (or use it in a `with`).

    folder, runs_folder, backups_folder: where it is. read_only: another program has it open, or it was opened so;
    owner says who ("" otherwise), lock_owner the same in parts. Where lock_owner.is_elsewhere, the person may be
    asked, and `open(..., take_over=True)` opens it for writing.
    """

    def __init__(self, folder: Path, lock: ProjectLock | None, opened: Opened) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.runs_folder = opened.home.runs
        self.backups_folder = opened.home.backups
        self.database = opened.database
        self.read_only = opened.mode != "rw"
        self.owner = opened.owner
        self.lock_owner = opened.lock_owner
        self.project_id = opened.project_id
        self.name = opened.name
        self._opened = opened
        self._lock = lock
        self._closed = False
        self._board = StatusBoard(durability=opened.home.durability, durability_reason=opened.home.reason)
        super().__init__(Readers(opened.database, mode="ro" if opened.mode == "rw" else opened.mode), opened.roots)
        self._next_box_id = opened.next_box_id
        self._id_lock = threading.Lock()
        self._counted = 0.0
        self._writeback: WriteBack | None = None
        if not self.read_only:
            self._start_threads()

    def _start_threads(self) -> None:
        writer = Writer(self.database, self._board, self._count_pending, self._readers.drop)
        writeback = WriteBack(self.folder, self.backups_folder, self._readers, writer, self._board)
        self._writer, self._writeback = writer, writeback
        with self._readers.transaction() as db:
            pending = linked.count_pending(db)
            self._board.set_pending(pending)
            for file, message in linked.conflicts(db, self.folder):
                self._board.set_file_error(str(file.path), message)
        writer.start()
        writeback.start()
        if pending:
            writeback.schedule_all()

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
    def open(folder: Path, *, read_only: bool = False, take_over: bool = False) -> ProjectStore:
        """Opens a project by its folder or its project.rcnn; finishes what a crash interrupted.

        read_only: takes no lock and writes nothing. A project that another program has open comes up read-only
        by itself, with `owner` set. take_over: the person says that the other computer that is named there has it
        open no more. Raises ProjectError.
        """
        folder = Path(folder).absolute()
        if folder.name == DATABASE_NAME:
            folder = folder.parent
        lock, opened = open_database(folder, read_only=read_only, take_over=take_over)
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
        if self._writer is not None:
            compacting.compact(self.database)
            home.bring_back(self._opened.home)
        if self._opened.scratch is not None:
            self._opened.scratch.cleanup()
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

    def choose_shape_way(self, way: ShapeWay) -> None:
        """What becomes of masks and key points of boxes that were or will be moved; the files that have some are
        written anew if need be. Raises ProjectError."""
        if self._writer is None or self._writeback is None:
            raise ProjectError(self._refusal())
        self._writer.flush()
        self._writeback.schedule(self._writer.call(lambda db: shapes.choose_way(db, way)))

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

    def pause_writing(self) -> None:
        """No further linked file is written; what lags behind stays marked, also over a close. Edits are committed as
        always."""
        if self._writeback is not None:
            self._writeback.set_paused(True)

    def resume_writing(self) -> None:
        """Writes what has piled up."""
        if self._writeback is not None:
            self._writeback.set_paused(False)

    def what_will_change(self, limit: int = 20) -> list[FileDiff]:
        """The next linked files that will be written, with their bytes before and after. Writes nothing."""
        self._settle()
        return what_will_change(self._readers, self.folder, limit)

    def last_written(self, limit: int = 20) -> list[FileDiff]:
        """The linked files that were written last, with their bytes before (from the backups) and as they are now."""
        return last_written(self._readers, self.folder, self.backups_folder, limit)

    def backups(self, path: str | Path | None = None, limit: int = 200) -> list[Backup]:
        """Kept earlier versions of a linked file (or of all), the newest first."""
        with self._readers.transaction() as db:
            if path is None:
                return backups.listing(db, self.backups_folder, limit=limit)
            file = linked.file_with_path(db, Path(path), self.folder)
            return [] if file is None else backups.listing(db, self.backups_folder, file.id, limit)

    def restore_backup(self, backup_id: int) -> tuple[int, ...]:
        """Takes the labels of an earlier version of a file over, as one Edit that can be undone; the file follows.

        -> ids of the images whose labels are others now. Raises ProjectError, FormatError.
        """
        settler = self._settler()
        with self._readers.transaction() as db:
            backup = backups.get(db, self.backups_folder, backup_id)
        changed = settler.restore(backup)
        self.write_back(wait=True)
        return changed

    def check_external(self, paths: Sequence[str | Path] | None = None) -> list[Conflict]:
        """Looks whether other programs have changed linked files. paths: these now, by their hash (for the image at
        hand); None: all, in the background, those first whose size or times differ from what was seen last.

        -> conflicts known by now. Raises ProjectError.
        """
        if self._writeback is not None and paths is None:
            self._writeback.look()
        elif self._writeback is not None and paths is not None:
            with self._readers.transaction() as db:
                found = [linked.file_with_path(db, Path(path), self.folder) for path in paths]
            self._writeback.look_at([file for file in found if file is not None])
        return self.conflicts()

    def file_of_image(self, image_id: int) -> Path | None:
        """The linked file that holds an image's labels; None if there is none."""
        with self._readers.transaction() as db:
            row = db.execute("SELECT file_id FROM images WHERE id = ?", (image_id,)).fetchone()
            return None if row is None or row[0] is None else linked.read_file(db, row[0], self.folder).path

    def verify(
        self, *, with_images: bool = True, report: Report = ignore, should_stop: ShouldStop = never
    ) -> tuple[Problem, ...]:
        """Everything that can be checked about the project itself: database, boxes, places, originals, linked files,
        backups, runs, and whether the images are there in their size. Changes nothing. with_images: False where these
        are looked at anyway. Reports Progress. Raises ProjectError, Cancelled."""
        self._settle()
        return verifying.verify(
            self._readers,
            self.folder,
            self.backups_folder,
            self.runs_folder,
            with_images=with_images,
            report=report,
            should_stop=should_stop,
        )

    def check_images(self, image_ids: Sequence[int]) -> tuple[Problem, ...]:
        """Whether these images' files (those at hand) are there, in the size they had at the import: kinds
        "missing-image", "missing-folder", "unreadable-image", "image-size-changed". Raises ProjectError."""
        return tuple(check_images(self._readers, self.folder, image_ids, report=ignore, should_stop=never))

    def base_document(
        self, image_id: int, *, known: tuple[int, int] | None, limits: Mapping[str, int]
    ) -> BaseDocument | None:
        """What an image's labels are patched into; see base_document.read. Raises OSError, ProjectError."""
        with self._readers.transaction() as db:
            return base_document.read(db, image_id, self.folder, known=known, limits=limits)

    def conflicts(self) -> list[Conflict]:
        """Linked files that another program has changed, so that they were left alone."""
        with self._readers.transaction() as db:
            return list_conflicts(db, self.folder)

    def resolve_conflict(self, path: str | Path, keep: Keep) -> tuple[int, ...]:
        """keep "mine": a copy of their file goes to the backups folder and ours is written. keep "theirs": the labels
        are read from their file; that is an ordinary edit, the latest of `undoable`, whose undo brings our labels and
        our file back. Boxes that they left alone keep their id and where they came from.

        -> ids of the images whose labels are others now. Raises ProjectError, FormatError.
        """
        settler = self._settler()
        changed = settler.settle(Path(path), keep)
        self._board.set_file_error(str(path), "")
        self.write_back(wait=True)
        return changed

    def _settler(self) -> Settler:
        if self._writer is None or self._writeback is None:
            raise ProjectError(self._refusal())
        self._writer.flush()
        return Settler(
            self.folder, self.backups_folder, self._root_paths, self._readers, self._writer, self.next_box_id
        )

    def _count_pending(self, db: sqlite3.Connection) -> None:
        """After a commit; thousands of files are counted now and then only, because counting takes its time."""
        now = time.monotonic()
        if self._board.current().pending_files > _MANY_PENDING and now - self._counted < _COUNT_EVERY_S:
            return
        try:
            self._board.set_pending(linked.count_pending(db))
            self._counted = now
        except sqlite3.Error as error:  # everything is committed; the next commit counts again
            _log.info("files that lag behind were not counted: %s", error)

    def _refusal(self) -> str:
        who = f"{self.owner} has it open" if self.owner else "it was opened for reading only"
        return f"{self.folder}: the project cannot be changed here: {who}. Close it there, then open it again."
