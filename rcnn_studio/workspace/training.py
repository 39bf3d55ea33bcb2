"""The training that runs: starts it on its thread, keeps its events for the plots, lets it wait, stops it.

The loop itself is the engine's; the snapshot and the run folder are the task's.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.domain.runs import (
    EpochEvaluated,
    RunEnded,
    RunStarted,
    StepDone,
    TrainConfig,
    Warned,
)
from rcnn_studio.formats.run_folder import read_events
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.training import run_training
from rcnn_studio.workspace.job import Job, JobBoard, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What a resumed run told before it ended."""

    steps: list[StepDone]
    evaluations: list[EpochEvaluated]


def _with_past(run_dir: Path, work: Work, report: Report, should_stop: ShouldStop) -> RunEnded:
    """The work of a run that goes on; its events first. Raises FormatError where they cannot be read."""
    events = read_events(run_dir)
    steps = [e for e in events if isinstance(e, StepDone)]
    report(_Past(steps=steps, evaluations=[e for e in events if isinstance(e, EpochEvaluated)]))
    ended: RunEnded = work(report, should_stop)
    return ended


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
    rewound = Signal()

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
        self.config: TrainConfig | None = None
        self._pause = threading.Event()
        self._started_at = self._paused_at = self._waited_s = 0.0

    @property
    def running(self) -> bool:
        """Also while it is paused."""
        return self._job is not None

    @property
    def paused(self) -> bool:
        return self.running and self._pause.is_set()

    @property
    def stopping(self) -> bool:
        return self._job is not None and self._job.stopping

    @property
    def elapsed_s(self) -> float:
        """Seconds since Start was pressed, without pauses."""
        if not self.running:
            return 0.0
        return (self._paused_at if self.paused else time.monotonic()) - self._started_at - self._waited_s

    @property
    def best(self) -> EpochEvaluated | None:
        return next((e for e in reversed(self.evaluations) if e.best), None)

    def start(self, config: TrainConfig) -> None:
        """Train on a snapshot of what is labelled now. Does nothing while a training runs."""
        if not self.running:
            self.steps, self.evaluations = [], []
            self._begin(config, None)

    def resume(self, run_dir: Path, config: TrainConfig | None = None) -> None:
        """Go on with a run that ended early, on its own labels, exactly where its last checkpoint left it.

        config: what it goes on with, where that is not its own (tasks.training.FREE says what may differ).
        What it told before is read on its thread and comes back as `rewound`; where it cannot be read, it fails. Does
        nothing while a training runs.
        """
        if not self.running:
            self.steps, self.evaluations = [], []
            self._begin(config, run_dir)

    def _begin(self, config: TrainConfig | None, resume: Path | None) -> None:
        self.started, self.ended, self.error = None, None, ""
        self.warnings, self.config = [], config
        self._pause.clear()
        self._started_at, self._waited_s = time.monotonic(), 0.0
        work: Work = partial(run_training, self._store, config, should_pause=self._pause.is_set, resume=resume)
        if resume is not None:
            work = partial(_with_past, resume, work)
        job = self._board.prepare(self.tr("Training"), work)
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

    def set_paused(self, on: bool) -> None:
        """Wait after the step at hand, saved and without computing, or go on. Does nothing while none runs."""
        if self._job is None or self.stopping or on == self.paused:
            return
        if on:
            self._paused_at = time.monotonic()
            self._pause.set()
        else:
            self._waited_s += time.monotonic() - self._paused_at
            self._pause.clear()
        self.state_changed.emit()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, StepDone):
            self._forget_from(event.step)
            self.steps.append(event)
            self.step_done.emit(event)
        elif isinstance(event, RunStarted):
            self.started = event
            self.run_started.emit(event)
        elif isinstance(event, EpochEvaluated):
            self.evaluations = [e for e in self.evaluations if e.epoch < event.epoch]
            self.evaluations.append(event)
            self.epoch_evaluated.emit(event)
        elif isinstance(event, Warned):
            self.warnings.append(event.message)
            self.warned.emit(event.message)
        elif isinstance(event, _Past):
            self.steps, self.evaluations = event.steps, event.evaluations
            self.rewound.emit()

    def _forget_from(self, step: int) -> None:
        """A run that goes on from its last checkpoint tells the steps after it a second time."""
        if not self.steps or self.steps[-1].step < step:
            return
        self.steps = [e for e in self.steps if e.step < step]
        self.evaluations = [e for e in self.evaluations if e.step < step]
        self.rewound.emit()

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
