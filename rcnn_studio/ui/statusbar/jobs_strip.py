"""The running jobs in the status bar: what, how far, how long, and a way to cancel.

The training is left to its own strip.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.workspace.job import Job, JobBoard

LEAST_SECONDS = 1.5
LEAST_SHARE = 0.02


class JobsStrip(QWidget):
    """Shows the job that began last, and how many others run; hidden while none does."""

    def __init__(self, board: JobBoard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status.jobs")
        self.setAccessibleName(self.tr("Running work"))
        self._board = board
        self._began: dict[int, float] = {}
        self.label = QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedSize(90, 6)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.cancel = IconButton("close", self.tr("Cancel; what is done is kept"))
        self.cancel.clicked.connect(self._on_cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 2, 0)
        row.setSpacing(6)
        for widget in (self.label, self.bar, self.cancel):
            row.addWidget(widget)
        board.changed.connect(self.refresh)
        board.progressed.connect(self._on_progressed)
        self.refresh()

    @property
    def shown_job(self) -> Job | None:
        """The job the strip speaks of."""
        # the training speaks through its own strip
        own = QCoreApplication.translate("TrainingModel", "Training")
        jobs = [job for job in self._board.shown_jobs if job.name != own]
        loud = [job for job in jobs if not job.quiet]
        return next(reversed(loud or jobs), None)

    def refresh(self) -> None:
        """Show what runs now."""
        job = self.shown_job
        running = {id(j) for j in self._board.jobs}
        self._began = {key: began for key, began in self._began.items() if key in running}
        self.setVisible(job is not None)
        if job is None:
            return
        progress = job.last_progress
        total = progress.total if progress is not None else 0
        done = min(progress.done, total) if progress is not None else 0
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        text = self._text(job, done, total)
        if text != self.label.text():
            self.label.setText(text)
            self.setAccessibleDescription(text)
        names = [other.name for other in self._board.shown_jobs if other is not job]
        self.setToolTip("\n".join([progress.text if progress is not None else job.name, *names]))
        self.cancel.setEnabled(not job.stopping)

    def _text(self, job: Job, done: int, total: int) -> str:
        if job.stopping:
            return self.tr("{0}: cancelling …").format(job.name)
        parts = [job.name]
        if total:
            parts.append(f"{done}/{total}")
            left = self._left_s(job, done / total)
            if left >= 1:
                parts.append(self.tr("{0} left").format(duration_text(left)))
        others = len(self._board.shown_jobs) - 1
        if others:
            more = self.tr("and 1 more job") if others == 1 else self.tr("and {0} more jobs").format(others)
            return f"{' · '.join(parts)} {more}"
        return " · ".join(parts)

    def _left_s(self, job: Job, share: float) -> float:
        """Seconds left by the pace so far; -1 while it is too early to say."""
        elapsed = time.monotonic() - self._began.setdefault(id(job), time.monotonic())
        if share < LEAST_SHARE or elapsed < LEAST_SECONDS:
            return -1.0
        return elapsed * (1 - share) / share

    def _on_progressed(self, _job: object) -> None:
        self.refresh()

    def _on_cancel(self) -> None:
        job = self.shown_job
        if job is not None:
            job.stop()
            self.refresh()
