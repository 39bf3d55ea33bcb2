"""The walk through all images that makes the thumbnails nobody has scrolled to yet, as one job that can be cancelled.

It says nothing while everything is kept on disk already, ends while a training runs and goes on after it. How a
thumbnail is made is images.py's matter.
"""

from __future__ import annotations

import time
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, QThread

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.workspace.images import Thumbnails
from rcnn_studio.workspace.job import Job, JobBoard

SILENT_S = 0.4
"""A walk that is over sooner than this is not worth a word."""


class ThumbnailPass(QObject):
    """At most one walk at a time. All methods belong to the GUI thread."""

    def __init__(self, thumbnails: Thumbnails, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._board = board
        self._image_ids: list[int] = []
        self._job: Job | None = None
        self._held = False
        self._gave_way = False
        self._wanted = False
        self.cancelled = False

    @property
    def running(self) -> bool:
        return self._job is not None

    def begin(self, image_ids: list[int]) -> None:
        """Walk through these images, unless the person has cancelled a walk in this session."""
        self._image_ids = image_ids
        if not self.cancelled:
            self._wanted = True
            self._start()

    def ask(self, image_ids: list[int]) -> None:
        """The person wants the thumbnails after all."""
        self.cancelled = False
        self.begin(image_ids)

    def hold(self, held: bool) -> None:
        """Give the computer to a training; afterwards what is left is made."""
        if held == self._held:
            return
        self._held = held
        if held and self._job is not None:
            self._gave_way = True
            self._job.stop()
        else:
            self._start()

    def end(self) -> None:
        """The project closes: nothing is begun any more."""
        self._wanted = False

    def _start(self) -> None:
        if self._job is not None or self._held or not self._wanted:
            return
        name = self.tr("Thumbnails")
        job = self._board.prepare(name, partial(make_thumbnails, self._thumbnails, list(self._image_ids)), quiet=True)
        job.job_finished.connect(self._on_finished)
        job.job_failed.connect(self._on_failed)
        job.job_cancelled.connect(self._on_cancelled)
        self._job = job
        self._board.start(job, QThread.Priority.LowestPriority)

    def _on_finished(self, _made: object) -> None:
        self._job = None
        self._wanted = False

    def _on_failed(self, _error: StudioError) -> None:
        """The log has it; the thumbnails in view are made as before."""
        self._job = None
        self._wanted = False

    def _on_cancelled(self) -> None:
        self._job = None
        if self._gave_way:
            self._gave_way = False
            self._start()
        else:
            self.cancelled, self._wanted = True, False


def make_thumbnails(thumbnails: Thumbnails, image_ids: list[int], report: Report, should_stop: ShouldStop) -> int:
    """Make and keep the thumbnails that are missing on disk. -> how many. Raises Cancelled."""
    began = time.monotonic()
    missing = thumbnails.missing(image_ids, should_stop)
    text = QCoreApplication.translate("ThumbnailPass", "Making thumbnails")
    for done, image_id in enumerate(missing):
        if time.monotonic() - began > SILENT_S:
            report(Progress(text, done, len(missing)))
        thumbnails.keep(image_id, should_stop)
    if missing:
        thumbnails.trim()
    return len(missing)
