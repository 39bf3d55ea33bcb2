"""A log file for what goes wrong unexpectedly, made when its first line is written. Shows nothing to people."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rcnn_studio.tasks.places import log_file

MAX_BYTES = 1_000_000


class _LateFile(logging.handlers.RotatingFileHandler):
    """Makes its folder when there is something to say; a folder that cannot be made costs the log, not the work."""

    def _open(self) -> object:  # type: ignore[override]
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """The disk is full or the folder read-only: there is no better place to say so."""


@contextmanager
def crash_log() -> Iterator[Path]:
    """While inside, warnings and errors of every module go to the file instead of the terminal. -> its path"""
    path = log_file()
    handler = _LateFile(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        handler.close()
