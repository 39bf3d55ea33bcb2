"""Tells what happens in a run twice: to whoever listens, and to events.jsonl in the run folder. Judges nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Report
from rcnn_studio.domain.runs import TrainEvent, event_to_json

EVENTS_FILE = "events.jsonl"


class EventLog:
    """Appends each event as one line, then reports it. A context manager."""

    def __init__(self, run_dir: Path, report: Report) -> None:
        self._path = run_dir / EVENTS_FILE
        self._report = report
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise EngineError(f"{self._path}: cannot be written ({error.strerror}). Make room on the disk.") from error

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def emit(self, event: TrainEvent) -> None:
        """Written first, so that the file never knows less than the window."""
        self._file.write(json.dumps(event_to_json(event), ensure_ascii=False) + "\n")
        self._file.flush()
        self._report(event)
