"""The training that runs: starts it on its thread, keeps its events for the plots, stops it.

The loop itself is the engine's; the snapshot and the run folder are the task's.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import (
    EpochEvaluated,
    RunEnded,
    RunStarted,
    StepDone,
    TrainConfig,
    Warned,
)
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.training import run_training
from rcnn_studio.workspace.job import Job, JobBoard


class TrainingModel(QObject):
    """One training at a time. Events arrive on the GUI thread, in the order the trainer sent them."""

    run_started = Signal(object)
    step_done = Signal(object)
    epoch_evaluated = Signal(object)
    warned = Signal(str)
    run_ended = Signal(object)
    failed = Signal(str)
    state_changed = Signal()
    progress_changed = Signal(object)

    def __init__(self, store: ProjectStore, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._board = board
        self._job: Job | None = None
        self.started: RunStarted | None = None
        self.steps: list[StepDone] = []
        self.evaluations: list[EpochEvaluated] = []
        self.warnings: list[str] = []
        self.ended: RunEnded | None = None
        self.error: str = ""
        self._started_at = 0.0

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def stopping(self) -> bool:
        return self._job is not None and self._job.stopping

    @property
    def elapsed_s(self) -> float:
        """Seconds since Start was pressed."""
        return time.monotonic() - self._started_at if self.running else 0.0

    @property
    def best(self) -> EpochEvaluated | None:
        return next((e for e in reversed(self.evaluations) if e.best), None)

    def start(self, config: TrainConfig) -> None:
        """Train on a snapshot of what is labelled now. Does nothing while a training runs."""
        if self.running:
            return
        self.started, self.ended, self.error = None, None, ""
        self.steps, self.evaluations, self.warnings = [], [], []
        self._started_at = time.monotonic()
        job = self._board.prepare(self.tr("Training"), partial(run_training, self._store, config))
        job.event_received.connect(self._on_event)
        job.progress_changed.connect(self._on_progress)
        job.job_finished.connect(self._on_finished)
        job.job_failed.connect(self._on_failed)
        job.job_cancelled.connect(self._on_cancelled)
        self._job = job
        self._board.start(job)
        self.state_changed.emit()

    def stop(self) -> None:
        """Stop after the step at hand and keep the best checkpoint."""
        if self._job is not None:
            self._job.stop()
            self.state_changed.emit()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, StepDone):
            self.steps.append(event)
            self.step_done.emit(event)
        elif isinstance(event, RunStarted):
            self.started = event
            self.run_started.emit(event)
        elif isinstance(event, EpochEvaluated):
            self.evaluations.append(event)
            self.epoch_evaluated.emit(event)
        elif isinstance(event, Warned):
            self.warnings.append(event.message)
            self.warned.emit(event.message)

    def _on_progress(self, progress: Progress) -> None:
        self.progress_changed.emit(progress)

    def _on_finished(self, ended: object) -> None:
        self._job = None
        if isinstance(ended, RunEnded):
            self.ended = ended
            self.run_ended.emit(ended)
        self.state_changed.emit()

    def _on_failed(self, error: StudioError) -> None:
        self._job = None
        self.error = str(error)
        self.failed.emit(self.error)
        self.state_changed.emit()

    def _on_cancelled(self) -> None:
        self._job = None
        self.error = self.tr("Stopped before the first step; nothing was trained.")
        self.failed.emit(self.error)
        self.state_changed.emit()
