"""The reading side of an open project: what is in it, and what was. Changes nothing; see project for the rest."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store import history, reading, shapes
from rcnn_studio.store.history import HistoryEntry, Provenance, UndoStack
from rcnn_studio.store.last_edits import read_last_edits
from rcnn_studio.store.overlay import Overlay, apply_to_record, apply_to_rejections
from rcnn_studio.store.reading import ImageTable, Readers
from rcnn_studio.store.writer import Writer


class ProjectReads:
    """Every method may be called from any thread."""

    def __init__(self, readers: Readers, roots: tuple[str, ...]) -> None:
        self._readers = readers
        self._roots = roots
        self._root_paths = tuple(Path(root) for root in roots)
        self._overlay = Overlay()
        self._writer: Writer | None = None

    # What is in it

    def categories(self) -> tuple[Category, ...]:
        """In their order, edits that are still queued included."""
        self._settle_symbolic()
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
        self._settle_symbolic()
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
        """What was found wrong at the import, and in versions of files that were taken over since."""
        with self._readers.transaction() as db:
            return reading.read_problems(db)

    def snapshot(self, *, trainable_only: bool = False) -> Dataset:
        """Everything submitted so far, at one moment, as columns (about 2 s for a million boxes; not on the GUI
        thread). trainable_only: only images that may be trained or scored on. Raises ProjectError."""
        if self._writer is not None:
            self._writer.flush()
        with self._readers.transaction() as db:
            return reading.read_dataset(db, self._roots, trainable_only=trainable_only)

    # What was

    def history(self, limit: int = 100) -> list[HistoryEntry]:
        """The latest edits of the project, the newest first; goes through the images of all of them."""
        self._settle()
        with self._readers.transaction() as db:
            return history.read_history(db, limit)

    def undoable(self, limit: int = 100) -> UndoStack:
        """The undo stack as it was left, also in an earlier session: to take an edit back, submit edit.inverse()."""
        self._settle()
        with self._readers.transaction() as db:
            return history.read_undo_stack(db, limit, self._stored_edit)

    def _stored_edit(self, sequence: int) -> str:
        with self._readers.transaction() as db:
            return history.read_stored(db, sequence)

    def image_history(self, image_id: int, limit: int = 100) -> list[HistoryEntry]:
        """The edits that have touched this image, those over all images included, the newest first."""
        self._settle()
        with self._readers.transaction() as db:
            return history.read_image_history(db, image_id, limit)

    def last_edits(self) -> dict[int, int]:
        """Image id -> sequence of the newest edit that has touched it; images never edited are left out."""
        self._settle()
        with self._readers.transaction() as db:
            return read_last_edits(db)

    def image_as_of(self, image_id: int, sequence: int) -> ImageRecord:
        """The image as it was right after this edit; 0: as it was imported. Raises ProjectError."""
        self._settle()
        with self._readers.transaction() as db:
            return history.read_image_as_of(db, image_id, sequence)

    def sequence_at(self, when: datetime) -> int:
        """The last edit stored at or before this moment, for "as it was yesterday 16:00"; 0 before the first."""
        self._settle()
        with self._readers.transaction() as db:
            return history.sequence_at(db, when.astimezone(UTC).isoformat(timespec="milliseconds"))

    def restore_edit(self, image_id: int, sequence: int, text: str) -> Edit | None:
        """An ordinary Edit, to be submitted by the caller, that makes the image what it was after `sequence`; None
        if it is that already. Raises ProjectError."""
        self._settle()
        with self._readers.transaction() as db:
            return history.restore_edit(db, image_id, sequence, text)

    def provenance(self, image_id: int, box_id: int) -> Provenance:
        """Where a box came from and which edits it occurs in, also one that is gone. Raises ProjectError."""
        self._settle()
        with self._readers.transaction() as db:
            return history.read_provenance(db, image_id, box_id)

    def get_meta(self, key: str) -> str | None:
        """A small remembered value, such as the image that was open last."""
        queued = self._overlay.meta(key)
        if queued is not None:
            return queued
        with self._readers.transaction() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def has_shapes(self, image_id: int) -> bool:
        """True if the file that holds this image's labels has masks or key points beside its boxes."""
        with self._readers.transaction() as db:
            return shapes.has_shapes(db, image_id)

    def shape_way(self) -> ShapeWay | None:
        """What becomes of those when their box is moved; None until somebody has chosen, and they are kept."""
        with self._readers.transaction() as db:
            return shapes.chosen_way(db)

    def _settle(self) -> None:
        """Waits for queued edits unless the disk refuses them: then the reader sees what is committed."""
        if self._writer is not None and not self._writer.trouble():
            with contextlib.suppress(ProjectError):
                self._writer.flush()

    def _settle_symbolic(self) -> None:
        """An edit over all images that is queued is waited for: what it does to one image is known only then."""
        if self._overlay.is_blind:
            self._settle()
