"""What is wrong in the dataset, as a list to work through: filtered, checked again in a job, taken to its image.

The rules of the check are elsewhere; this only holds what it found.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.workspace.files_reading import Latest
from rcnn_studio.workspace.job import Job, JobBoard

LEVELS = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a check has found, and in how many images it has looked."""

    problems: Sequence[Problem]
    images: int


Check = Callable[[Report, ShouldStop], Looked]
"""Looks at everything again; may take minutes. Raises StudioError, Cancelled."""

Locate = Callable[[Problem], "Spot | None"]
"""Where in the project a problem is; called off the GUI thread, may raise StudioError."""

_BOX_ID = re.compile(r"^box (\d+)$")
_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """An image of the project, and the box in it where one could be found."""

    image_id: int
    box_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFilter:
    """text: part of anything that is said, any case; kind, level: "" for all."""

    text: str = ""
    kind: str = ""
    level: str = ""

    def passes(self, problem: Problem) -> bool:
        if (self.kind and problem.kind != self.kind) or (self.level and problem.level != self.level):
            return False
        return all(word in _said(problem) for word in self.text.casefold().split())


class ProblemsModel(QObject):
    """Methods belong to the GUI thread. check: None where nothing can be checked again.

    images_checked: how many images the last check has looked at, None before the first one; checked: it has ended.
    """

    problems_changed = Signal()
    checking_changed = Signal()
    checked = Signal()
    check_failed = Signal(str)
    located = Signal(object, object)
    locate_failed = Signal(str)

    def __init__(
        self, problems: Iterable[Problem], locate: Locate, check: Check | None, board: JobBoard, parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self._locate = locate
        self._check = check
        self._board = board
        self._latest = Latest("problems", self)
        self._latest.answered.connect(self._on_located)
        self._latest.failed.connect(self._on_locate_failed)
        self._job: Job | None = None
        self.problems: tuple[Problem, ...] = ()
        self.images_checked: int | None = None
        self.progress: Progress | None = None
        self.set_problems(problems)

    @property
    def can_check(self) -> bool:
        return self._check is not None

    @property
    def checking(self) -> bool:
        return self._job is not None

    def set_problems(self, problems: Iterable[Problem]) -> None:
        """Errors first, else in the order given."""
        rank = {level: number for number, level in enumerate(LEVELS)}
        self.problems = tuple(sorted(problems, key=lambda problem: rank.get(problem.level, len(rank))))
        self.problems_changed.emit()

    def kinds(self) -> list[tuple[str, int]]:
        """(kind, how many), the most frequent first."""
        return Counter(problem.kind for problem in self.problems).most_common()

    def count(self, level: str) -> int:
        return sum(1 for problem in self.problems if problem.level == level)

    def locate(self, problem: Problem) -> None:
        """Find its image; located(problem, Spot or None) or locate_failed(message) follows."""
        self._latest.ask("spot", lambda _should_stop: (problem, self._locate(problem)))

    def close(self) -> None:
        self._latest.close()

    def check_again(self) -> None:
        """Look at everything again; problems_changed follows."""
        if self._check is None or self._job is not None:
            return
        self._job = self._board.prepare(self.tr("Checking the dataset"), self._check)
        self._job.progress_changed.connect(self._on_progress)
        self._job.job_finished.connect(self._on_checked)
        self._job.job_failed.connect(self._on_failed)
        self._job.job_cancelled.connect(self._on_ended)
        self._board.start(self._job)
        self.checking_changed.emit()

    def cancel(self) -> None:
        """Stop the check; what was listed before stays."""
        if self._job is not None:
            self._job.stop()

    def _on_located(self, _kind: object, result: object) -> None:
        if isinstance(result, tuple):
            self.located.emit(*result)

    def _on_locate_failed(self, _kind: object, message: str) -> None:
        self.locate_failed.emit(message)

    def _on_progress(self, progress: object) -> None:
        if isinstance(progress, Progress):
            self.progress = progress
            self.checking_changed.emit()

    def _on_checked(self, looked: object) -> None:
        if isinstance(looked, Looked):
            self.images_checked = looked.images
            self.set_problems(looked.problems)
        self._on_ended()
        self.checked.emit()

    def _on_failed(self, error: StudioError) -> None:
        self._on_ended()
        self.check_failed.emit(str(error))

    def _on_ended(self) -> None:
        self._job, self.progress = None, None
        self.checking_changed.emit()


def as_csv(problems: Iterable[Problem]) -> str:
    """The problems as comma-separated values with a head line. A value that a spreadsheet would take for a formula
    gets an apostrophe before it: file names come from anywhere."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["level", "kind", "file", "where", "message", "action"])
    for p in problems:
        writer.writerow([_harmless(v) for v in (p.level, p.kind, p.file, p.where, p.message, p.action)])
    return out.getvalue()


def as_text(problems: Iterable[Problem]) -> str:
    """One line a problem, as the command line prints them."""
    return "\n".join(f"{problem.level}: {problem}" for problem in problems)


def box_id_of(where: str) -> int | None:
    """The box a place names by its id (`box 12`)."""
    found = _BOX_ID.match(where)
    return int(found[1]) if found else None


def index_of(where: str) -> int | None:
    """The number of the record a place is in (`object[3]/bndbox/xmax` -> 3)."""
    found = _INDEX.search(where)
    return int(found[1]) if found else None


def _said(problem: Problem) -> str:
    return f"{problem.file} {problem.where} {problem.kind} {problem.message} {problem.action}".casefold()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
