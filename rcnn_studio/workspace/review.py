"""Detections of the open image: where they come from, which are shown, which is in focus, what becomes of them.

From the first finished run on, opening an image computes its detections by itself, off the GUI thread
("ghosts"). They are a layer of their own: only accept_* turns one into a box, through ProjectModel.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.detections import Detections, open_detections
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.domain.geometry import iou_matrix
from rcnn_studio.domain.runs import RunEnded, RunInfo, Warned
from rcnn_studio.formats.detections import DetectionFile
from rcnn_studio.formats.run_folder import DETECTIONS_FOLDER, list_runs
from rcnn_studio.tasks.predicting import LivePredictor, predict_images
from rcnn_studio.workspace.background import NewestFirst
from rcnn_studio.workspace.job import Job, JobBoard
from rcnn_studio.workspace.project import ProjectModel

DEFAULT_THRESHOLD = 0.5
GHOST_DELAY_MS = 120
GHOST_CACHE = 500
LOOK_THROUGH = 2000
"""So many unlabelled images at most are looked through for one with open detections."""
RETURNED_IOU = 0.6
"""From this overlap on, an open detection is the one whose decision was just undone."""


class ReviewModel(QObject):
    """See the module. All methods belong to the GUI thread."""

    detections_changed = Signal()
    threshold_changed = Signal(float)
    focus_changed = Signal()
    runs_changed = Signal()
    busy_changed = Signal()
    message = Signal(str)
    _message_later = Signal(str)
    _ghost_ready = Signal(str, int, object)

    def __init__(self, project: ProjectModel, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._board = board
        self.detections = Detections.empty()
        self.threshold = DEFAULT_THRESHOLD
        self.focused: int | None = None
        self.shown = True
        self.runs: tuple[RunInfo, ...] = ()
        self.run: RunInfo | None = None
        self.ghost_error = ""
        self.waiting = False
        self._file: DetectionFile | None = None
        self._live: LivePredictor | None = None
        self._ghosts: OrderedDict[tuple[str, int], Detections] = OrderedDict()
        self._visible: list[int] | None = None
        self._job: Job | None = None
        self._pool = NewestFirst(name="ghosts", threads=1, limit=1)
        self._delay = QTimer(self, singleShot=True, interval=GHOST_DELAY_MS)
        self._delay.timeout.connect(self._compute_ghost)
        self._closed = False
        self._returned: tuple[int, Sequence[tuple[float, float, float, float]]] | None = None
        self._unreadable: list[str] = []
        self._message_later.connect(self.message, Qt.ConnectionType.QueuedConnection)
        self._ghost_ready.connect(self._on_ghost, Qt.ConnectionType.QueuedConnection)
        project.categories_changed.connect(self._refresh)
        project.image_changed.connect(self._on_image_changed)
        project.boxes_changed.connect(self._on_labels_changed)
        project.rejections_changed.connect(self._on_labels_changed)
        project.detections_returned.connect(self._on_detections_returned)
        self.refresh_runs()

    # --- runs -----------------------------------------------------------------------------------

    @property
    def run_id(self) -> str | None:
        return self.run.id if self.run is not None else None

    @property
    def run_folder(self) -> Path | None:
        return Path(self.run.path) if self.run is not None else None

    def refresh_runs(self, *, select_newest: bool = False) -> None:
        """Read the run folders again; keeps the chosen run unless asked for the newest usable one."""
        self.runs = self._read_runs()
        usable = [run for run in self.runs if run.best is not None]
        chosen = next((run for run in usable if run.id == self.run_id), None)
        if chosen is None or select_newest:
            chosen = usable[0] if usable else None
        self.runs_changed.emit()
        self.set_run(chosen)

    def set_run(self, run: RunInfo | None) -> None:
        """Show another run's detections (None: none)."""
        if run != self.run:
            self.run = run
            self._file = self._open_file(run)
            self._live = LivePredictor(Path(run.path)) if run is not None else None
            self.ghost_error = ""
            self.runs_changed.emit()
        if self._project.current_id is not None:
            self._on_image_changed(self._project.current_id)

    def on_run_ended(self, _ended: RunEnded) -> None:
        """A training has ended: its model is the one that speaks now."""
        if self._closed:
            return
        self.refresh_runs(select_newest=True)

    # --- what is shown ----------------------------------------------------------------------------

    def visible(self) -> list[int]:
        """Indices into `detections` that are above the threshold and not decided yet, best first."""
        if not self.shown:
            return []
        if self._visible is None:
            self._visible = self._open_indices()
        return self._visible

    def set_threshold(self, value: float) -> None:
        value = min(1.0, max(0.01, value))
        if value != self.threshold:
            self.threshold = value
            self._refresh(threshold=True)

    def set_shown(self, shown: bool) -> None:
        if shown != self.shown:
            self.shown = shown
            self._refresh()

    def focus(self, index: int | None) -> None:
        if index != self.focused:
            self.focused = index
            self.focus_changed.emit()

    def focus_next(self, step: int = 1) -> None:
        """The next visible detection, round and round."""
        shown = self.visible()
        if not shown:
            self.focus(None)
            return
        place = shown.index(self.focused) + step if self.focused in shown else 0
        self.focus(shown[place % len(shown)])

    def image_to_review(self) -> int | None:
        """The first unlabelled image that is known to have open detections, else the first unlabelled one."""
        unlabelled = self.images_of("unlabelled")
        known = (image_id for image_id in unlabelled[:LOOK_THROUGH] if self._has_open(image_id))
        return next(known, unlabelled[0] if unlabelled else None)

    def _has_open(self, image_id: int) -> bool:
        """Of an image without boxes, from detections that are there already."""
        found = self._known(image_id)
        above = found.above(self.threshold) if found is not None else Detections.empty()
        known = {c.id for c in self._project.categories}
        return bool(len(above)) and any(
            int(above.category_ids[i]) in known
            for i in open_detections(
                above, box_xyxy=[], box_category_ids=[], rejections=self._project.rejections(image_id)
            )
        )

    # --- decisions -------------------------------------------------------------------------------------

    def accept(self, indices: list[int], *, select: bool = False) -> None:
        """Make boxes of these detections: one edit, one undo."""
        if indices and self.run_id is not None:
            self._project.accept_detections(self.detections.take(indices), run_id=self.run_id, select=select)

    def reject(self, indices: list[int]) -> None:
        if indices and self.run_id is not None:
            self._project.reject_detections(self.detections.take(indices), run_id=self.run_id)

    def accept_focused(self, *, select: bool = False) -> None:
        if self.focused is not None:
            self.accept([self.focused], select=select)

    def reject_focused(self) -> None:
        if self.focused is not None:
            self.reject([self.focused])

    def accept_all(self) -> None:
        """Every detection that is shown."""
        self.accept(list(self.visible()))

    # --- predictions for many images --------------------------------------------------------------------

    @property
    def predicting(self) -> bool:
        return self._job is not None

    def images_of(self, which: str) -> list[int]:
        """Ids of the images "current", "unlabelled" or "all" speaks of."""
        rows = self._project.rows
        if which == "current":
            return [self._project.current_id] if self._project.current_id is not None else []
        if which == "unlabelled":
            return [int(i) for i in rows.ids[rows.states == int(ImageState.UNLABELLED)]]
        return [int(i) for i in rows.ids]

    def predict(self, which: str) -> None:
        """Compute and keep the detections of "current", "unlabelled" or "all" images, in a job."""
        if self.run is None:
            self.message.emit(self.tr("Train a model first: there is no finished run to predict with."))
            return
        image_ids = self.images_of(which)
        if self.predicting:
            self.message.emit(self.tr("A prediction is running already."))
            return
        if not image_ids:
            self.message.emit(self.tr("There are no such images."))
            return
        work = partial(predict_images, self._project.store, Path(self.run.path), image_ids)
        job = self._board.prepare(self.tr("Predicting {0} images").format(len(image_ids)), work)
        job.event_received.connect(self._on_prediction_event)
        job.job_finished.connect(self._on_predicted)
        job.job_failed.connect(self._on_prediction_failed)
        job.job_cancelled.connect(self._on_prediction_cancelled)
        self._job = job
        self._unreadable = []
        self._board.start(job)
        self.busy_changed.emit()

    def close(self) -> None:
        """Show nothing more; what a job that was stopped still sends is not listened to."""
        self._closed = True
        self._delay.stop()
        self._pool.close()

    # --- inside ---------------------------------------------------------------------------------------------

    def _read_runs(self) -> tuple[RunInfo, ...]:
        """The runs, the newest first; none where their folder cannot be read: one can label without them."""
        folder = self._project.store.runs_folder
        try:
            return tuple(list_runs(folder))
        except OSError as error:
            text = self.tr("{0}: the runs cannot be read ({1}). Check the folder's permissions.")
            self._message_later.emit(text.format(folder, error.strerror))
            return ()

    def _open_file(self, run: RunInfo | None) -> DetectionFile | None:
        """The detections kept with a run; None where no prediction was kept or it cannot be read (said once)."""
        folder = Path(run.path) / DETECTIONS_FOLDER if run is not None else None
        if folder is None or not folder.is_dir():
            return None
        try:
            return DetectionFile.open(folder)
        except FormatError as error:
            self._message_later.emit(str(error))  # the window connects after the first run is chosen
            return None

    def _open_indices(self) -> list[int]:
        above = self.detections.above(self.threshold)
        if not len(above) or self._project.current_id is None:
            return []
        boxes = self._project.boxes
        found = open_detections(
            above,  # sorted by score: its indices are those of all detections
            box_xyxy=[b.xyxy for b in boxes],
            box_category_ids=[b.category_id for b in boxes],
            rejections=self._project.rejections(self._project.current_id),
        )
        known = {c.id for c in self._project.categories}
        return [int(i) for i in found if int(self.detections.category_ids[i]) in known]

    def _refresh(self, *, threshold: bool = False) -> None:
        self._visible = None
        shown = self.visible()
        if self.focused not in shown:
            self.focused = shown[0] if shown else None
            self.focus_changed.emit()
        if threshold:
            self.threshold_changed.emit(self.threshold)
        self.detections_changed.emit()

    def _on_detections_returned(self, image_id: int, corners: list[tuple[float, float, float, float]]) -> None:
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
        self._delay.stop()
        self._returned = None
        known = self._known(image_id)
        self.waiting = known is None and self.run is not None
        self._show(known if known is not None else Detections.empty())
        if self.waiting:
            self._delay.start()

    def _known(self, image_id: int) -> Detections | None:
        if self.run is None:
            return None
        kept = self._ghosts.get((self.run.id, image_id))
        if kept is None and self._file is not None:
            kept = self._file.get(image_id)
        return kept

    def _show(self, detections: Detections) -> None:
        self.detections = detections
        self.focused = None
        self._refresh()
        self._focus_returned()

    def _compute_ghost(self) -> None:
        image_id = self._project.current_id
        if image_id is None or self._live is None or self.run is None:
            return
        try:
            path = self._project.image_path(image_id)
        except StudioError as error:
            self._on_ghost(self.run.id, image_id, str(error))
            return
        self._pool.put("ghost", partial(self._detect, self.run.id, self._live, image_id, path))

    def _detect(self, run_id: str, live: LivePredictor, image_id: int, path: Path) -> None:
        try:
            result: Detections | str = live.detect(path)
        except StudioError as error:
            result = str(error)
        self._ghost_ready.emit(run_id, image_id, result)

    def _on_ghost(self, run_id: str, image_id: int, result: object) -> None:
        if self._closed:
            return
        if isinstance(result, Detections):
            self._ghosts[(run_id, image_id)] = result
            while len(self._ghosts) > GHOST_CACHE:
                self._ghosts.popitem(last=False)
        if run_id != self.run_id:
            return
        if image_id == self._project.current_id:
            self.waiting = False
            self._show(result if isinstance(result, Detections) else Detections.empty())
        if not isinstance(result, Detections) and str(result) != self.ghost_error:
            self.ghost_error = str(result)
            self.message.emit(self.ghost_error)

    def _end_job(self) -> None:
        self._job = None
        if self._closed:
            return
        if self.run is not None:
            self._file = self._open_file(self.run)
            self._ghosts.clear()
        if self._project.current_id is not None:
            self._on_image_changed(self._project.current_id)
        self.busy_changed.emit()

    def _on_prediction_event(self, event: object) -> None:
        if isinstance(event, Warned):
            self._unreadable.append(event.message)
            self.message.emit(event.message)

    def _on_predicted(self, _found: object) -> None:
        self._end_job()
        text = self.tr("Detections are ready.")
        if self._unreadable:  # said again: the message bar shows one message at a time
            left_out = self.tr("Detections are ready, but {0} image(s) were left out: {1}")
            text = left_out.format(len(self._unreadable), self._unreadable[0])
        self.message.emit(text)

    def _on_prediction_failed(self, error: StudioError) -> None:
        self._end_job()
        self.message.emit(str(error))

    def _on_prediction_cancelled(self) -> None:
        self._end_job()
        self.message.emit(self.tr("Prediction cancelled; what was done is kept."))
