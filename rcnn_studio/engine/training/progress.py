"""How far a run is, and how it says so to its log. Trains nothing."""

from __future__ import annotations

import time
from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, Warned
from rcnn_studio.engine.training.events import EventLog


class RunProgress:
    """Steps, epochs and seconds of one run, over all the times it was resumed; pauses do not count."""

    def __init__(self, run_dir: Path, log: EventLog) -> None:
        self.run_dir = run_dir
        self.log = log
        self.step = 0
        self.epoch = 0
        self.best: EpochEvaluated | None = None
        self._started = time.perf_counter()
        self._skipped: set[str] = set()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started

    def set_elapsed(self, seconds: float) -> None:
        """From here on `seconds` have passed so far: what earlier parts of the run took, or what a pause did not."""
        self._started = time.perf_counter() - seconds

    def warn(self, message: str) -> None:
        self.log.emit(Warned(message=message))

    def skip(self, error: FormatError) -> None:
        """Says once for each file that it cannot be used."""
        if str(error) not in self._skipped:
            self._skipped.add(str(error))
            self.warn(f"{error} The image takes no part.")

    def end(self, status: str, message: str = "") -> RunEnded:
        best = self.best
        ended = RunEnded(
            run_id=self.run_dir.name,
            status=status,
            seconds=self.elapsed_s,
            epochs=self.epoch,
            best_epoch=best.epoch if best else 0,
            best_AP=best.scores.AP if best else -1.0,
            best_AP50=best.scores.AP50 if best else -1.0,
            message=message,
        )
        self.log.emit(ended)
        return ended
