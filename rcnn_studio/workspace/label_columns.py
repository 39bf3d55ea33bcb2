"""Columns over all boxes and edits of the project: read once when first asked for, then kept in step with every edit.

Long ones are read in a job, so that the window goes on; short ones at once. Filters nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.image_query import BoxFacts, facts_of_dataset, facts_of_records
from rcnn_studio.domain.progress import Report, ShouldStop, check
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.project import ProjectModel

SMALL_IMAGES, SMALL_BOXES = 5_000, 20_000
"""Up to here everything is read in some 30 ms, while the person waits."""

MOST_FRESH = 200
"""From more edited images on, the columns are read again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    boxes: BoxFacts
    last_edits: NDArray[np.int64]


class LabelColumns(QObject):
    """ready: what was asked for and not there has been read."""

    ready = Signal()

    def __init__(self, project: ProjectModel, board: JobBoard | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._board = board
        self._read: _Read | None = None
        self._fresh: set[int] = set()
        self._patched: BoxFacts | None = None
        self._job: object = None
        project.images_updated.connect(self._on_images_updated)
        project.table_changed.connect(self._on_table_changed)

    @property
    def reading(self) -> bool:
        return self._job is not None

    def boxes(self) -> BoxFacts | None:
        """All boxes as they are now; None: they are being read, and `ready` follows."""
        if not self._have_read():
            return None
        assert self._read is not None
        if self._patched is None:
            self._patched = self._patch(self._read.boxes)
        return self._patched

    def last_edits(self) -> NDArray[np.int64] | None:
        """(N,) sequence of the newest edit of each row, 0 where there was none; None: being read."""
        return self._read.last_edits if self._have_read() and self._read is not None else None

    # --- reading ----------------------------------------------------------------------------------

    def _have_read(self) -> bool:
        rows = self._project.rows
        if self._read is not None and len(self._fresh) > MOST_FRESH and not self.reading:
            self._read, self._patched = None, None
        if self._read is None and not self.reading:
            small = len(rows) <= SMALL_IMAGES and int(rows.box_counts.sum()) <= SMALL_BOXES
            if small or self._board is None:
                self._take(_read(self._project.store, rows.ids))
            else:
                self._start(self._board)
        return self._read is not None

    def _start(self, board: JobBoard) -> None:
        store, ids = self._project.store, self._project.rows.ids

        def work(_report: Report, should_stop: ShouldStop) -> _Read:
            check(should_stop)
            return _read(store, ids)

        self._fresh = set()  # what is edited from here on may or may not be in what is read
        job = board.prepare(self.tr("Reading the boxes"), work, quiet=True)
        job.job_finished.connect(self._on_read)
        job.job_failed.connect(self._on_failed)
        self._job = job
        board.start(job)

    def _take(self, read: _Read) -> None:
        self._read, self._patched = read, None
        if not self.reading:
            self._fresh = set()

    def _on_read(self, read: Any) -> None:
        if self.sender() is self._job and isinstance(read, _Read):
            self._take(read)
            self._job = None
            self.ready.emit()

    def _on_failed(self, error: StudioError) -> None:
        if self.sender() is self._job:
            self._job = None
            self._project.message.emit(str(error))

    # --- keeping in step --------------------------------------------------------------------------

    def _patch(self, boxes: BoxFacts) -> BoxFacts:
        """The columns with the images that were edited since as they are now."""
        if not self._fresh:
            return boxes
        rows = self._project.rows
        fresh = sorted(self._fresh)
        kept = ~np.isin(boxes.rows, np.array(fresh, dtype=np.int32))
        now = facts_of_records([(row, self._project.image_record(int(rows.ids[row]))) for row in fresh])
        names = ("rows", "category_ids", "flags", "sides", "aspects", "centres")
        return replace(
            boxes, **{name: np.concatenate([getattr(boxes, name)[kept], getattr(now, name)]) for name in names}
        )

    def _on_images_updated(self, image_ids: Sequence[int]) -> None:
        rows = self._project.rows
        touched = [rows.row(image_id) for image_id in image_ids if rows.has(image_id)]
        self._fresh.update(touched)
        self._patched = None
        if self._read is not None and touched:
            self._read.last_edits[touched] = int(self._read.last_edits.max(initial=0)) + 1

    def _on_table_changed(self) -> None:
        self._read, self._patched, self._job, self._fresh = None, None, None, set()


def _read(store: ProjectStore, ids: NDArray[np.int64]) -> _Read:
    """Raises ProjectError."""
    dataset = store.snapshot()
    rows = np.searchsorted(ids, dataset.image_ids).astype(np.int64)
    last = np.zeros(len(ids), dtype=np.int64)
    edits = store.last_edits()
    if edits:
        touched = np.fromiter(edits, np.int64, len(edits))
        places = np.minimum(np.searchsorted(ids, touched), max(0, len(ids) - 1))
        known = ids[places] == touched
        last[places[known]] = np.fromiter(edits.values(), np.int64, len(edits))[known]
    return _Read(boxes=facts_of_dataset(dataset, rows), last_edits=last)
