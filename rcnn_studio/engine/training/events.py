"""Tells what happens in a run: to whoever listens, to events.jsonl and, as a table, to steps.csv. Judges nothing."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Report
from rcnn_studio.domain.runs import (
    LOSS_NAMES,
    EpochEvaluated,
    StepDone,
    TrainEvent,
    Warned,
    event_from_json,
    event_to_json,
)
from rcnn_studio.formats.atomic import write_atomic

EVENTS_FILE = "events.jsonl"
STEPS_FILE = "steps.csv"
_STEP_COLUMNS = ("step", "epoch", "elapsed_s", "lr", "loss", *LOSS_NAMES, "images_per_s", "data_wait")
_SCORE_COLUMNS = ("AP", "AP50", "AP75", "val_loss")


class StepTable:
    """One line a step for spreadsheets; an evaluation has a line of its own with its scores."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists() or not path.stat().st_size
        self._file = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        if fresh:
            self._writer.writerow((*_STEP_COLUMNS, *_SCORE_COLUMNS))

    def add(self, event: TrainEvent) -> None:
        if isinstance(event, StepDone):
            numbers: tuple[float, ...] = (
                event.elapsed_s,
                event.lr,
                event.loss,
                *event.losses,
                event.images_per_s,
                event.data_wait,
            )
            self._writer.writerow((event.step, event.epoch, *(f"{n:.6g}" for n in numbers), "", "", "", ""))
        elif isinstance(event, EpochEvaluated):
            numbers = (event.scores.AP, event.scores.AP50, event.scores.AP75, event.val_loss)
            empty = [""] * (len(_STEP_COLUMNS) - 3)
            self._writer.writerow((event.step, event.epoch, f"{event.elapsed_s:.6g}", *empty, *map(_short, numbers)))
            self._file.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _short(number: float) -> str:
    return f"{number:.6g}" if number >= 0 else ""


def _keep_lines(path: Path, wanted: Callable[[bytes], bool]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    write_atomic(path, b"".join(line for line in lines if line.endswith(b"\n") and wanted(line)))


def _is_before(line: bytes, step: int, epoch: int) -> bool:
    try:
        event = event_from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    if isinstance(event, StepDone):
        return event.step <= step
    return not isinstance(event, EpochEvaluated) or event.epoch <= epoch


def _is_row_before(line: bytes, step: int, epoch: int) -> bool:
    """A row of the table is one of a step (with a rate) or of an evaluation; the head stays."""
    cells = line.split(b",")
    try:
        at_step, at_epoch = int(cells[0]), int(cells[1])
    except (ValueError, IndexError):
        return line.startswith(_STEP_COLUMNS[0].encode())
    return at_step <= step if cells[3] else at_epoch <= epoch


class EventLog:
    """Appends each event as one line, then reports it. A context manager."""

    def __init__(self, run_dir: Path, report: Report) -> None:
        self._path = run_dir / EVENTS_FILE
        self._report = report
        self._full = False
        self._table_path = run_dir / STEPS_FILE
        self._open()

    def _open(self) -> None:
        try:
            self._file = self._path.open("a", encoding="utf-8")
            self._table = StepTable(self._table_path)
        except OSError as error:
            raise EngineError(f"{self._path}: cannot be written ({error.strerror}). Make room on the disk.") from error

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk has been reported
            self._file.close()
        self._table.close()

    def rewind(self, step: int, epoch: int) -> None:
        """Forget the steps after `step` and the scores of epochs after `epoch`: a run that goes on tells them again.

        A line that a crash has torn goes too. Raises EngineError if the disk refuses; then nothing has changed.
        """
        self._file.close()
        self._table.close()
        try:
            _keep_lines(self._path, lambda line: _is_before(line, step, epoch))
            _keep_lines(self._table_path, lambda line: _is_row_before(line, step, epoch))
        except OSError as error:
            raise EngineError(f"{self._path}: cannot be written ({error.strerror}). Make room on the disk.") from error
        finally:
            self._open()

    def pass_on(self, progress: object) -> None:
        """Tells the listener alone, what is of no interest later."""
        self._report(progress)

    def emit(self, event: TrainEvent) -> None:
        """Written first, so that the file never knows less than the window. A full disk is said once, no more."""
        try:
            self._file.write(json.dumps(event_to_json(event), ensure_ascii=False) + "\n")
            self._file.flush()
            self._table.add(event)
        except OSError as error:
            if not self._full:
                self._full = True
                reason = f"{self._path}: cannot be written ({error.strerror}). Make room on the disk."
                self._report(Warned(message=f"{reason} The training goes on."))
        self._report(event)
