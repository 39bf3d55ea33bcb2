"""What the command line shows: progress on stderr, tables and one JSON document on stdout. Decides nothing.

On a terminal progress is a live line; elsewhere a training writes a line an epoch and all else is silent.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import EpochEvaluated, RunInfo, RunStarted, Scores, StepDone, Warned

if TYPE_CHECKING:  # imported where a command needs it: the window, which starts through here too, does not
    from rich.progress import Progress as Bar

MAX_PROBLEMS_A_KIND = 5
_LEVELS = {"error": 0, "warning": 1, "note": 2}
SCORE_NAMES = (
    *("AP", "AP50", "AP75", "APs", "APm", "APl"),
    *("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"),
    *("VOC07", "VOC10"),
)


class Terminal:
    """Progress and warnings of one command. `report` is a Report; it may be called from any thread."""

    def __init__(self) -> None:
        from rich.console import Console

        self.started: RunStarted | None = None
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._task: Any = None
        self._ap50 = -1.0
        self._last_step: StepDone | None = None

    def report(self, event: Any) -> None:
        if isinstance(event, Warned):
            self.warn(event.message)
        elif isinstance(event, Progress):
            self._show(event.text, event.done, event.total)
        elif isinstance(event, RunStarted):
            self.started = event
            self._line(f"{event.run_id}: {event.train_images} images, {event.boxes} boxes, on {event.device}")
        elif isinstance(event, StepDone):
            self._last_step = event
            self._show(self._training_text(event), event.elapsed_s, event.elapsed_s + event.left_s)
        elif isinstance(event, EpochEvaluated):
            self._ap50 = event.scores.AP50
            if self._last_step is not None and not self._console.is_terminal:
                self._line(self._training_text(self._last_step))

    def warn(self, text: str) -> None:
        self._line(f"warning: {text}")

    @contextmanager
    def live(self) -> Iterator[None]:
        """Around the work: shows the live line where there is a terminal, and takes it away at the end."""
        if not self._console.is_terminal:
            yield
            return
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeElapsedColumn())
        with Bar(*columns, console=self._console, transient=True, refresh_per_second=8) as bar:
            self._bar = bar
            self._task = bar.add_task("", total=None)
            try:
                yield
            finally:
                self._bar = None

    def _training_text(self, step: StepDone) -> str:
        settled = self.started is not None and self.started.limit_s <= 0  # a time limit decides how many there will be
        epochs = f"/{self.started.epochs}" if self.started is not None and settled else ""
        ap50 = f"  AP50 {self._ap50:.3f}" if self._ap50 >= 0 else ""
        return (
            f"epoch {step.epoch}{epochs}  loss {step.loss:.3f}{ap50}  "
            f"{step.images_per_s:.1f} images/s  {clock(step.left_s)} left"
        )

    def _show(self, text: str, done: float, total: float) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=text, completed=done, total=total or None)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False)


class StopSignal:
    """Ctrl+C and SIGTERM as a flag that the work looks at; a second Ctrl+C ends the program at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __call__(self) -> bool:
        return self._asked.is_set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While inside, the first signal sets the flag; outside the main thread nothing is changed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()


# --- texts ------------------------------------------------------------------------------------------


def print_json(document: Any) -> None:
    """One document, in ASCII so that no locale and no odd file name can break it."""
    print(json.dumps(document, indent=2, allow_nan=False), flush=True)


def print_text(text: str) -> None:
    """Text for people; characters that the terminal's encoding lacks are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def print_error(message: str) -> None:
    print(f"rcnn-studio: {message}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """192.4 -> "3:12", 4000 -> "1:06:40"."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def number(value: float) -> str:
    """A score for people: three digits, a dash where there is nothing to score."""
    return f"{value:.3f}" if value >= 0 else "-"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in aligned columns, the first one being the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def scores_text(scores: Scores) -> str:
    numbers = table([(name, number(getattr(scores, name))) for name in SCORE_NAMES])
    if not scores.per_category:
        return numbers
    rows = [(row.name, str(row.boxes), number(row.AP), number(row.AP50)) for row in scores.per_category]
    return numbers + "\n\n" + table([("category", "boxes", "AP", "AP50"), *rows])


def runs_text(runs: Sequence[RunInfo]) -> str:
    if not runs:
        return "No runs yet. Train one: rcnn-studio train PROJECT"
    rows = [("run", "status", "preset", "epochs", "best", "AP", "AP50", "time")]
    for run in runs:
        best = (str(run.best_epoch), number(run.best.AP), number(run.best.AP50)) if run.best is not None else ("-",) * 3
        rows.append((run.id, run.status, run.preset, str(run.epochs), *best, clock(run.seconds)))
    return table(rows)


def problems_text(problems: Sequence[Problem], *, limit: int | None = MAX_PROBLEMS_A_KIND) -> str:
    """Problems by kind: errors first, then the most frequent; `limit` of each kind (None: every one)."""
    kinds: dict[tuple[int, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((_LEVELS.get(problem.level, 0), problem.kind), []).append(problem)
    lines: list[str] = []
    for (_, kind), found in sorted(kinds.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        shown = found[:limit]
        level = "" if found[0].level == "error" else f", {found[0].level}"
        lines.append(f"{kind}{level} ({len(found)}):")
        lines.extend(f"  {problem}" for problem in shown)
        if len(found) > len(shown):
            lines.append(f"  ... and {len(found) - len(shown)} more")
    return "\n".join(lines)
