"""The one thread class for long work, and the board that lists what is running.

Does not know what the work is: a task is any callable work(report, should_stop).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal

from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop

log = logging.getLogger(__name__)

Work = Callable[[Report, ShouldStop], Any]

PROGRESS_INTERVAL_S = 0.1


class Job(QThread):
    """Runs work(report, should_stop) on a thread of its own and tells by signal how it went.

    quiet: not worth showing before it reports progress.

    Exactly one of job_finished(result), job_failed(StudioError), job_cancelled() follows. Connect them to
    bound methods of QObjects: those run in the receiver's thread, a lambda would run in this one.
    """

    event_received = Signal(object)
    progress_changed = Signal(object)
    job_finished = Signal(object)
    job_failed = Signal(object)
    job_cancelled = Signal()

    def __init__(self, work: Work, *, name: str, parent: QObject, quiet: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.name = name
        self.quiet = quiet
        self.last_progress: Progress | None = None
        self._held: Progress | None = None
        self._work = work
        self._stop = threading.Event()
        self._last_report = 0.0

    def stop(self) -> None:
        """Ask the work to stop; it ends at its next look at should_stop."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def _report(self, event: Any) -> None:
        if not isinstance(event, Progress):
            self.event_received.emit(event)
            return
        ends = bool(event.total) and event.done >= event.total
        begins = self.last_progress is None or event.text != self.last_progress.text
        if ends or begins or time.monotonic() - self._last_report >= PROGRESS_INTERVAL_S:
            self._show(event)
        else:
            self._held = event

    def _show(self, progress: Progress) -> None:
        self._last_report = time.monotonic()
        self._held = None
        self.last_progress = progress
        self.progress_changed.emit(progress)

    def run(self) -> None:
        try:
            result = self._work(self._report, self._stop.is_set)
        except Cancelled:
            self.job_cancelled.emit()
        except StudioError as error:
            self.job_failed.emit(error)
        except Exception as error:
            log.error("%s failed", self.name, exc_info=True)
            self.job_failed.emit(
                StudioError(f"{self.name} failed: {type(error).__name__}: {error}. Details are in the log.")
            )
        else:
            if self._held is not None:
                self._show(self._held)
            self.job_finished.emit(result)


class JobBoard(QObject):
    """Every job that is running, so that the window can show, cancel and wait for them."""

    changed = Signal()
    progressed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs)

    @property
    def shown_jobs(self) -> tuple[Job, ...]:
        """Those a person is to know of: quiet ones only once they have reported progress."""
        return tuple(job for job in self._jobs if not job.quiet or job.last_progress is not None)

    def prepare(self, name: str, work: Work, *, quiet: bool = False) -> Job:
        """A job that is listed but not started, so that its signals can be connected first."""
        job = Job(work, name=name, parent=self, quiet=quiet)
        job.progress_changed.connect(self._on_progress)
        job.finished.connect(self._on_thread_finished)
        self._jobs.append(job)
        return job

    def start(self, job: Job, priority: QThread.Priority = QThread.Priority.LowPriority) -> None:
        job.start(priority)
        self.changed.emit()

    def stop_all(self, *, timeout_ms: int = 60_000) -> bool:
        """Ask every job to stop and wait for it. -> whether all ended in time."""
        for job in self._jobs:
            job.stop()
        deadline = QDeadlineTimer(timeout_ms)
        ended = [job.wait(deadline) for job in self.jobs]
        return all(ended)

    def _on_progress(self, _progress: Progress) -> None:
        self.progressed.emit(self.sender())

    def _on_thread_finished(self) -> None:
        job = self.sender()
        if isinstance(job, Job) and job in self._jobs:
            self._jobs.remove(job)
            job.deleteLater()
            self.changed.emit()
