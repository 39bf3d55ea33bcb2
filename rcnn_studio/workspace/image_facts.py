"""What is known of every image at once: which fulfil a query, what the chosen run has found in them, when they were
edited.

Numpy columns in the order of the project's rows. Decides no order and shows nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.image_query import ImageQuery, facts_of_records, images_with
from rcnn_studio.domain.review_queue import triage
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.detections import DetectionFile
from rcnn_studio.formats.run_folder import DETECTIONS_FOLDER, SNAPSHOT_FILE
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.label_columns import LabelColumns
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.review_runs import DEFAULT_THRESHOLD

Mask = NDArray[np.bool_]
EDITED_NOW = 1 << 62
"""The sequence of an edit that is newer than any that was read."""


class ImageFacts(QObject):
    """changed: an answer that was not there before can be had now, or answers about detections are others now.

    review: whose run is the one whose detections are spoken of; None for a window without runs.
    """

    changed = Signal()

    def __init__(
        self,
        project: ProjectModel,
        board: JobBoard | None = None,
        review: ReviewModel | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._review = review
        self.columns = LabelColumns(project, board, self)
        self._text = _Texts(project)
        self._found: _Found | None = None
        self._since: tuple[str, int] | None = None
        self.columns.ready.connect(self.changed)
        project.table_changed.connect(self._on_table_changed)
        if review is not None:
            review.runs_changed.connect(self._on_runs_changed)
            review.busy_changed.connect(self._on_runs_changed)
            review.threshold_changed.connect(self._on_threshold_changed)

    # --- queries ----------------------------------------------------------------------------------

    def passing(self, query: ImageQuery) -> Mask | None:
        """True for the images that fulfil it. -> (N,); None: what it asks for is being read, `changed` follows."""
        rows = self._project.rows
        mask = np.ones(len(rows), dtype=np.bool_)
        if query.states:
            mask &= np.isin(rows.states, [int(state) for state in query.states])
        if query.splits:
            mask &= rows.in_splits(query.splits)
        if query.boxes is not None:
            mask &= (rows.box_counts >= query.boxes[0]) & (rows.box_counts <= query.boxes[1])
        if query.detections is not None:
            mask &= (self.found_counts() > 0) == query.detections
        if query.text.strip():
            mask &= self._text.holding(query.text)
        if query.changed:
            edits = self.columns.last_edits()
            if edits is None:
                return None
            mask &= edits > self._last_run_edit()
        if query.asks_for_boxes:
            boxes = self.columns.boxes()
            if boxes is None:
                return None
            mask &= images_with(query, boxes, len(rows))
        return mask

    def fulfils(self, query: ImageQuery, row: int) -> bool:
        """The same for one image, after an edit of it."""
        rows = self._project.rows
        boxes = int(rows.box_counts[row])
        if (
            (query.states and rows.state(row) not in query.states)
            or (query.splits and rows.splits[row] not in query.splits)
            or (query.boxes is not None and not query.boxes[0] <= boxes <= query.boxes[1])
            or (query.detections is not None and (self.found_counts()[row] > 0) != query.detections)
            or query.text.strip().casefold() not in rows.paths[row].casefold()
            or (query.changed and not self._has_changed(row))
        ):
            return False
        if not query.asks_for_boxes:
            return True
        now = facts_of_records([(0, self._project.image_record(int(rows.ids[row])))])
        return bool(images_with(query, now, 1)[0])

    def _has_changed(self, row: int) -> bool:
        """Since the last run; yes while that is being read."""
        edits = self.columns.last_edits()
        return edits is None or bool(edits[row] > self._last_run_edit())

    # --- columns ----------------------------------------------------------------------------------

    @property
    def has_detections(self) -> bool:
        """Whether the run keeps detections of any image."""
        return len(self._detections().image_ids) > 0

    @property
    def has_runs(self) -> bool:
        return self._newest_run() is not None

    def found_counts(self) -> NDArray[np.int64]:
        """(N,) detections kept with the run and at least as sure as the threshold."""
        return self._detections().counts(self._threshold)

    def doubts(self) -> NDArray[np.float64]:
        """(N,) 0..1: how near the most doubtful detection of each image is to a score of one half; 0 without any."""
        return self._detections().doubts()

    def last_edits(self) -> NDArray[np.int64] | None:
        """(N,) number of the newest edit of each image, 0 for none; None: being read, `changed` follows."""
        return self.columns.last_edits()

    def texts_holding(self, text: str) -> Mask:
        """True for the images whose path holds the text, in any case. -> (N,)"""
        return self._text.holding(text)

    def has_open_detections(self, image_id: int) -> bool:
        """Whether the run has found something in this image that the person has not decided on."""
        found = self._detections().get(image_id)
        if found is None:
            return False
        above = found.above(self._threshold)
        known = {category.id for category in self._project.categories}
        boxes = self._project.image_record(image_id).boxes if len(above) else ()
        left = triage(
            above,
            box_xyxy=[box.xyxy for box in boxes],
            box_category_ids=[box.category_id for box in boxes],
            rejections=self._project.rejections(image_id) if len(above) else (),
        )
        return any(int(above.category_ids[i]) in known for i in left.open)

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _threshold(self) -> float:
        return self._review.threshold if self._review is not None else DEFAULT_THRESHOLD

    def _newest_run(self) -> RunInfo | None:
        runs = self._review.runs if self._review is not None else ()
        return next((run for run in runs if run.best is not None), None)

    def _last_run_edit(self) -> int:
        """The last edit that the newest run could know of; without a run, nothing has changed since."""
        run = self._newest_run()
        if run is None:
            return EDITED_NOW
        if self._since is None or self._since[0] != run.id:
            self._since = (run.id, self._project.store.sequence_at(_begun(run)))
        return self._since[1]

    def _detections(self) -> _Found:
        if self._found is None:
            self._found = _Found(self._project, self._review.run_folder if self._review is not None else None)
        return self._found

    def _on_runs_changed(self) -> None:
        self._found = None
        self.changed.emit()

    def _on_threshold_changed(self, _value: float) -> None:
        if self._found is not None:
            self._found.forget_counts()
        self.changed.emit()

    def _on_table_changed(self) -> None:
        self._found, self._text = None, _Texts(self._project)


class _Found:
    """The detections kept with a run, counted by row of the project; none where there is no such file."""

    def __init__(self, project: ProjectModel, run_folder: Path | None) -> None:
        self._file = _opened(run_folder)
        ids = project.rows.ids
        self._size = len(ids)
        places = np.searchsorted(ids, self.image_ids)
        places[places == self._size] = 0
        self._places = places
        self._known = ids[places] == self.image_ids if self._size else np.zeros(len(places), dtype=np.bool_)
        self._counts: NDArray[np.int64] | None = None
        self._doubts: NDArray[np.float64] | None = None

    @property
    def image_ids(self) -> NDArray[np.int64]:
        return self._file.image_ids if self._file is not None else np.zeros(0, dtype=np.int64)

    def get(self, image_id: int) -> Detections | None:
        return self._file.get(image_id) if self._file is not None else None

    def forget_counts(self) -> None:
        self._counts = None

    def counts(self, threshold: float) -> NDArray[np.int64]:
        if self._counts is None:
            self._counts = np.zeros(self._size, dtype=np.int64)
            if self._file is not None:
                above = np.append(0, np.cumsum(self._file.scores >= threshold))
                each = above[self._file.offsets[1:]] - above[self._file.offsets[:-1]]
                self._counts[self._places[self._known]] = each[self._known]
        return self._counts

    def doubts(self) -> NDArray[np.float64]:
        if self._doubts is None:
            self._doubts = np.zeros(self._size)
            if self._file is not None and len(self._file.scores):
                doubt = 1.0 - 2.0 * np.abs(np.asarray(self._file.scores, dtype=np.float64) - 0.5)
                some = np.diff(self._file.offsets) > 0
                most = np.zeros(len(some))
                most[some] = np.maximum.reduceat(doubt, self._file.offsets[:-1][some])
                self._doubts[self._places[self._known]] = most[self._known]
        return self._doubts


def _opened(run_folder: Path | None) -> DetectionFile | None:
    folder = run_folder / DETECTIONS_FOLDER if run_folder is not None else None
    if folder is None or not folder.is_dir():
        return None
    try:
        return DetectionFile.open(folder)
    except FormatError:  # said by whoever shows them
        return None


def _begun(run: RunInfo) -> datetime:
    """When the labels of a run were taken: its snapshot tells to the second, its name to the minute."""
    try:
        return datetime.fromtimestamp((Path(run.path) / SNAPSHOT_FILE).stat().st_mtime).astimezone()
    except OSError:
        pass
    try:
        return datetime.strptime(run.started, "%Y-%m-%d %H:%M").astimezone()
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


class _Texts:
    """All paths as one text, so that a search through 100,000 of them takes milliseconds."""

    def __init__(self, project: ProjectModel) -> None:
        self._project = project
        self._joined: str | None = None
        self._starts = np.zeros(0, dtype=np.int64)
        self._last: tuple[str, Mask] | None = None

    def holding(self, text: str) -> Mask:
        wanted = text.strip().casefold().replace("\n", " ")
        if self._last is None or self._last[0] != wanted:
            self._last = (wanted, self._search(wanted))
        return self._last[1]

    def _search(self, wanted: str) -> Mask:
        joined = self._all()
        hit = np.full(len(self._starts), not wanted, dtype=np.bool_)
        if wanted:
            places = np.array([found.start() for found in re.finditer(re.escape(wanted), joined)], dtype=np.int64)
            hit[np.searchsorted(self._starts, places, side="right") - 1] = True
        return hit

    def _all(self) -> str:
        if self._joined is None:
            folded = [path.casefold().replace("\n", " ") for path in self._project.rows.paths]
            lengths = np.fromiter((len(path) + 1 for path in folded), np.int64, len(folded))
            self._starts = np.append(0, np.cumsum(lengths))[:-1].astype(np.int64)
            self._joined = "\n".join(folded)
        return self._joined
