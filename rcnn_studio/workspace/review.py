"""Detections of the open image: which are shown, which is in focus, what becomes of them.

From the first finished run on, opening an image computes its detections by itself (ghosts.py). They are a layer of
their own: only accept_* turns one into a box, through ProjectModel. What asks for a decision is a rule of
domain/review_queue.py; which run speaks, and from which score on, is chosen in review_runs.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.detections import Detections, Rejection
from rcnn_studio.domain.geometry import iou_matrix
from rcnn_studio.domain.review_queue import Triage, nearest, rivals_left_out, triage
from rcnn_studio.workspace.auto_accept import ImageToAccept, accept_on_images, to_accept
from rcnn_studio.workspace.ghosts import Ghosts
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.predictions import Predictions
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review_runs import ReviewRuns

LOOK_THROUGH = 2000
"""So many unlabelled images at most are looked through for one with open detections."""

RETURNED_IOU = 0.6
"""From this overlap on, an open detection is the one whose decision was just undone."""

Corners = tuple[float, float, float, float]


class ReviewModel(ReviewRuns):
    """See the module. neighbours: which images come after one, the next first. All methods belong to the GUI thread."""

    detections_changed = Signal()
    focus_changed = Signal()
    busy_changed = Signal()

    def __init__(self, project: ProjectModel, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(project.store.runs_folder, parent)
        self._project = project
        self.detections = Detections.empty()
        self.focused: int | None = None
        self.shown = True
        self.hidden_shown = False
        self.ghost_error = ""
        self.waiting = False
        self._triage: Triage | None = None
        self.neighbours: Callable[[int], list[int]] = lambda _image_id: []
        self._anchor: Corners | None = None
        self._begun: tuple[int, int] | None = None
        self._told: set[int] = set()
        self._returned: tuple[int, Sequence[Corners]] | None = None
        self._ghosts = Ghosts(project.image_path, self)
        self._ghosts.ready.connect(self._on_ghost)
        self._predictions = Predictions(project.store, board, self)
        self._predictions.message.connect(self.message)
        self._predictions.ended.connect(self._on_predictions_ended)
        project.categories_changed.connect(self._refresh)
        project.category_view.changed.connect(self._refresh)
        project.image_changed.connect(self._on_image_changed)
        project.boxes_changed.connect(self._on_labels_changed)
        project.rejections_changed.connect(self._on_labels_changed)
        project.detections_returned.connect(self._on_detections_returned)
        self.refresh_runs()

    def run_set(self, *, changed: bool) -> None:
        if changed:
            self._ghosts.set_run(self.run)
            self.ghost_error = ""
        if self._project.current_id is not None:
            self._on_image_changed(self._project.current_id)

    def threshold_set(self) -> None:
        self._refresh(threshold=True)

    # --- what is shown ----------------------------------------------------------------------------

    @property
    def triage(self) -> Triage:
        """The detections above the threshold by what they ask for, whether they are shown or not; without those of
        classes that are hidden on the canvas: nobody decides on what is out of sight."""
        if self._triage is None:
            self._triage = self._in_sight(self._triaged(self.threshold))
        return self._triage

    def visible(self) -> list[int]:
        """Indices into `detections` that are shown, best first: those to be decided on, and the others if asked for."""
        if not self.shown:
            return []
        found = self.triage
        if not self.hidden_shown:
            return [int(i) for i in found.open]
        return sorted(int(i) for i in (*found.open, *found.covered, *found.doubles))

    def set_shown(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            self._refresh()

    def set_hidden_shown(self, shown: bool) -> None:
        """Show also what needs no decision: detections on boxes, and weaker doubles."""
        if shown != self.hidden_shown:
            self.hidden_shown = shown
            self._refresh()

    def focus(self, index: int | None) -> None:
        if index != self.focused:
            self._set_focus(index)
            self.focus_changed.emit()

    def focus_next(self, step: int = 1) -> None:
        """The next one of the list, by falling score, round and round."""
        shown = self.visible()
        if not shown:
            self.focus(None)
            return
        if self.focused in shown:
            self.focus(shown[(shown.index(self.focused) + step) % len(shown)])
        else:  # what needs no decision is never the one that the next key decides about, unless a hand has chosen it
            self.focus(self._next_in_sight())

    # --- which image ------------------------------------------------------------------------------

    def image_to_review(self) -> int | None:
        """The first unlabelled image that is known to have open detections, else the first unlabelled one."""
        unlabelled = self.images_of("unlabelled")
        known = (image_id for image_id in unlabelled[:LOOK_THROUGH] if self._has_open(image_id))
        return next(known, unlabelled[0] if unlabelled else None)

    def next_to_review(self, step: int = 1) -> int | None:
        """The next (or previous) unlabelled image from the open one on, round and round; those that are known to ask
        for nothing are passed over. None where there is no other."""
        rows, current = self._project.rows, self._project.current_id
        place = rows.row(current) if current is not None else 0
        unlabelled = np.flatnonzero(rows.states == int(ImageState.UNLABELLED))
        others = unlabelled[unlabelled != place]
        following = np.concatenate([others[others > place], others[others < place]])
        for row in (following if step > 0 else following[::-1])[:LOOK_THROUGH]:
            image_id = int(rows.ids[row])
            if self._known(image_id) is None or self._has_open(image_id):
                return image_id
        return None

    def images_of(self, which: str) -> list[int]:
        """Ids of the images "current", "unlabelled" or "all" speaks of."""
        rows = self._project.rows
        if which == "current":
            return [self._project.current_id] if self._project.current_id is not None else []
        if which == "unlabelled":
            return [int(i) for i in rows.ids[rows.states == int(ImageState.UNLABELLED)]]
        return [int(i) for i in rows.ids]

    def _has_open(self, image_id: int) -> bool:
        """From detections that are there already."""
        found = self._known(image_id)
        above = found.above(self.threshold) if found is not None else Detections.empty()
        above = above.take(np.isin(above.category_ids, [c.id for c in self._project.categories]))
        if not len(above):
            return False
        begun = bool(self._project.rows.box_counts[self._project.rows.row(image_id)])
        boxes = self._project.image_record(image_id).boxes if begun else ()
        sorted_out = triage(
            above,
            box_xyxy=[b.xyxy for b in boxes],
            box_category_ids=[b.category_id for b in boxes],
            rejections=self._project.rejections(image_id),
        )
        return bool(len(sorted_out.open))

    # --- decisions -------------------------------------------------------------------------------------

    def accept(self, indices: list[int], *, select: bool = False) -> None:
        """Make boxes of these detections: one edit, one undo. The image counts as labelled once none is left open."""
        if indices and self.run_id is not None:
            found = self.detections.take(indices)
            self._project.accept_detections(
                found, run_id=self.run_id, select=select, finished=not self._left_open(accepted=found)
            )

    def reject(self, indices: list[int]) -> None:
        if indices and self.run_id is not None:
            found = self.detections.take(indices)
            self._project.reject_detections(found, run_id=self.run_id, finished=not self._left_open(rejected=found))

    def accept_focused(self, *, select: bool = False) -> None:
        if self.focused is not None:
            self.accept([self.focused], select=select)

    def reject_focused(self) -> None:
        if self.focused is not None:
            self.reject([self.focused])

    def accept_all(self) -> None:
        """Every detection that is shown and open; those on boxes, and weaker doubles, only one by one."""
        if self.shown:
            rivals = rivals_left_out(self.detections, self.triage)
            self.accept([int(i) for i in self.triage.open])
            if rivals:
                one = self.tr("1 rival left out: a weaker detection of another class on the same object.")
                many = self.tr("{0} rivals left out: weaker detections of another class on the same objects.")
                self.message.emit(one if rivals == 1 else many.format(rivals))

    def to_accept_on_images(self) -> list[ImageToAccept]:
        """What accepting everything from the threshold on would be, on all unlabelled images that are predicted."""
        unlabelled = self.images_of("unlabelled")
        return to_accept(self._project, unlabelled, self._known, score=self.threshold, likely=self.default_threshold)

    def accept_on_images(self, wanted: Sequence[ImageToAccept]) -> None:
        """Make boxes of these: one edit over all the images, one undo."""
        if wanted and self.run_id is not None:
            accept_on_images(self._project, wanted, run_id=self.run_id)

    @property
    def still_open(self) -> int:
        """How many likely detections keep the open image from counting as labelled."""
        return self._left_open() if self.shown else 0

    def _left_open(self, *, accepted: Detections | None = None, rejected: Detections | None = None) -> int:
        """How many would be left after a decision, of those that are in sight and likely: a slider at its end shows
        dozens that nobody decides on one by one."""
        score = max(self.threshold, self.default_threshold)
        return len(self._triaged(score, accepted=accepted, rejected=rejected).open)

    # --- predictions for many images --------------------------------------------------------------------

    @property
    def predicting(self) -> bool:
        return self._predictions.running

    def predict(self, which: str) -> None:
        """Compute and keep the detections of "current", "unlabelled" or "all" images, in a job."""
        if self.run is None:
            self.message.emit(self.tr("Train a model first: there is no finished run to predict with."))
        elif self._predictions.start(self.run, self.images_of(which)):
            self.busy_changed.emit()

    def close(self) -> None:
        """Show nothing more; what a job that was stopped still sends is not listened to."""
        self._closed = True
        self._ghosts.close()

    # --- inside ---------------------------------------------------------------------------------------------

    def _triaged(
        self, score: float, *, accepted: Detections | None = None, rejected: Detections | None = None
    ) -> Triage:
        """The open image's detections from this score on, as they are or as they would be after a decision."""
        image_id = self._project.current_id
        if image_id is None or not len(self.detections):
            return Triage()
        known = np.isin(self.detections.category_ids, [c.id for c in self._project.categories])
        usable = np.flatnonzero((self.detections.scores >= score) & known)
        boxes = self._project.boxes
        corners, category_ids = [b.xyxy for b in boxes], [b.category_id for b in boxes]
        if accepted is not None:
            corners += [tuple(row) for row in accepted.xyxy.tolist()]
            category_ids += accepted.category_ids.tolist()
        found = triage(
            self.detections.take(usable),
            box_xyxy=corners,
            box_category_ids=category_ids,
            rejections=(*self._project.rejections(image_id), *_as_rejections(rejected)),
        )
        return Triage(
            open=usable[found.open],
            covered=usable[found.covered],
            doubles=usable[found.doubles],
            decided=usable[found.decided],
        )

    def _in_sight(self, found: Triage) -> Triage:
        hidden = sorted(self._project.category_view.hidden)
        if not hidden or not len(self.detections):
            return found
        seen = ~np.isin(self.detections.category_ids, hidden)
        parts = {name: getattr(found, name) for name in ("open", "covered", "doubles", "decided")}
        return Triage(**{name: rows[seen[rows]] for name, rows in parts.items()})

    def _refresh(self, *, threshold: bool = False) -> None:
        self._triage = None
        self._note_begun()
        if self.focused not in self.visible():
            self._set_focus(self._next_in_sight())
            self.focus_changed.emit()
        if threshold:
            self.threshold_changed.emit(self.threshold)
        self.detections_changed.emit()

    def _note_begun(self) -> None:
        """Remember that the open image is decided on in part: once it is left, that is said."""
        record = self._project.record
        begun = record is not None and record.state == ImageState.UNLABELLED and bool(self._project.boxes)
        left = self.still_open if begun else 0
        self._begun = (record.id, left) if record is not None and left else None

    def _say_begun(self, image_id: int) -> None:
        """Once an image: it was left with detections to decide on."""
        if self._begun is None or self._begun[0] in (image_id, *self._told):
            return
        left_id, left = self._begun
        self._told.add(left_id)
        one = self.tr("{0} is not trained on yet: 1 detection is still open there. Space would say: complete.")
        many = self.tr("{0} is not trained on yet: {1} detections are still open there. Space would say: complete.")
        name = Path(self._project.rows.paths[self._project.rows.row(left_id)]).name
        self.message.emit((one if left == 1 else many).format(name, left))

    def _next_in_sight(self) -> int | None:
        """Where the eye goes: to the nearest open one from where it was; on a new image to the surest."""
        if not self.shown:
            return None
        candidates = self.triage.open
        if self._anchor is not None:
            return nearest(self.detections, candidates, self._anchor)
        return int(candidates[0]) if len(candidates) else None

    def _set_focus(self, index: int | None) -> None:
        self.focused = index
        if index is not None:
            x1, y1, x2, y2 = self.detections.xyxy[index].tolist()
            self._anchor = (x1, y1, x2, y2)

    def _on_detections_returned(self, image_id: int, corners: list[Corners]) -> None:
        """The hand that has undone a decision is about to decide anew: the focus goes where it is."""
        self._returned = (image_id, corners)
        self._focus_returned()

    def _focus_returned(self) -> None:
        """Focus the best of the detections that came back; kept for later while they are still being computed."""
        shown = self.visible()
        if self._returned is None or self._returned[0] != self._project.current_id or not shown:
            return
        overlaps = iou_matrix(self.detections.xyxy[shown], self._returned[1]).max(axis=1)
        back = [index for index, overlap in zip(shown, overlaps, strict=True) if overlap >= RETURNED_IOU]
        self._returned = None
        if back:
            self.focus(back[0])

    def _on_labels_changed(self, image_id: int) -> None:
        if image_id == self._project.current_id:
            self._refresh()

    def _on_image_changed(self, image_id: int) -> None:
        self._ghosts.leave()
        self._returned = None
        self._say_begun(image_id)
        known = self._known(image_id)
        self.waiting = known is None and self.run is not None
        self._show(known if known is not None else Detections.empty())
        if self.waiting:
            self._ghosts.ask(image_id)
        else:
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Have the image after this one ready before it is opened."""
        current = self._project.current_id
        following = self.neighbours(current)[:1] if current is not None else []
        for image_id in following:
            if self._known(image_id) is None:
                self._ghosts.look_ahead(image_id)

    def _known(self, image_id: int) -> Detections | None:
        if self.run is None:
            return None
        kept = self._ghosts.get(self.run.id, image_id)
        if kept is None and self._file is not None:
            kept = self._file.get(image_id)
        return kept

    def _show(self, detections: Detections) -> None:
        self.detections = detections
        self.focused = self._anchor = None
        self._refresh()
        self._focus_returned()

    def _on_ghost(self, run_id: str, image_id: int, result: object) -> None:
        if run_id != self.run_id or image_id != self._project.current_id:
            return
        self.waiting = False
        self._show(result if isinstance(result, Detections) else Detections.empty())
        if isinstance(result, Detections):
            self._look_ahead()
        elif str(result) != self.ghost_error:
            self.ghost_error = str(result)
            self.message.emit(self.ghost_error)

    def _on_predictions_ended(self) -> None:
        if self._closed:
            return
        if self.run is not None:
            self._file = self._open_file(self.run)
            self._ghosts.forget()
        if self._project.current_id is not None:
            self._on_image_changed(self._project.current_id)
        self.busy_changed.emit()


def _as_rejections(found: Detections | None) -> tuple[Rejection, ...]:
    if found is None:
        return ()
    corners = zip(found.xyxy.tolist(), found.category_ids.tolist(), found.scores.tolist(), strict=True)
    return tuple(
        Rejection(run_id="", category_id=category, x1=x1, y1=y1, x2=x2, y2=y2, score=score)
        for (x1, y1, x2, y2), category, score in corners
    )
