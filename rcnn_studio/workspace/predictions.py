"""Detections of many images, computed and kept in the run's folder by a job. Shows none of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunInfo, Warned
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.predicting import predict_images
from rcnn_studio.workspace.job import Job, JobBoard


class Predictions(QObject):
    """One job at a time. ended(): however it came, what was computed is in the run's folder."""

    ended = Signal()
    message = Signal(str)

    def __init__(self, store: ProjectStore, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._board = store, board
        self._job: Job | None = None
        self._unreadable: list[str] = []

    @property
    def running(self) -> bool:
        return self._job is not None

    def start(self, run: RunInfo, image_ids: Sequence[int]) -> bool:
        """-> whether it has begun; why not is said."""
        if self.running:
            self.message.emit(self.tr("A prediction is running already."))
            return False
        if not image_ids:
            self.message.emit(self.tr("There are no such images."))
            return False
        work = partial(predict_images, self._store, Path(run.path), image_ids)
        job = self._board.prepare(self.tr("Predicting {0} images").format(len(image_ids)), work)
        job.event_received.connect(self._on_event)
        job.job_finished.connect(self._on_finished)
        job.job_failed.connect(self._on_failed)
        job.job_cancelled.connect(self._on_cancelled)
        self._job = job
        self._unreadable = []
        self._board.start(job)
        return True

    def _on_event(self, event: object) -> None:
        if isinstance(event, Warned):
            self._unreadable.append(event.message)
            self.message.emit(event.message)

    def _on_finished(self, _found: object) -> None:
        self._end()
        text = self.tr("Detections are ready.")
        if self._unreadable:  # said again: the message bar shows one message at a time
            left_out = self.tr("Detections are ready, but {0} image(s) were left out: {1}")
            text = left_out.format(len(self._unreadable), self._unreadable[0])
        self.message.emit(text)

    def _on_failed(self, error: StudioError) -> None:
        self._end()
        self.message.emit(str(error))

    def _on_cancelled(self) -> None:
        self._end()
        self.message.emit(self.tr("Prediction cancelled; what was done is kept."))

    def _end(self) -> None:
        self._job = None
        self.ended.emit()
