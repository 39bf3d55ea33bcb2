"""Linked files that another program has changed: which, how they differ from ours, and settling them in a job.

Decides nothing by itself: every file waits for the person's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.workspace.files_diff import Difference, compare
from rcnn_studio.workspace.files_reading import Latest
from rcnn_studio.workspace.job import JobBoard

Keep = Literal["mine", "theirs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A file that is not as we left it. message: what happened."""

    path: str
    message: str


class ConflictSource(Protocol):
    """What the store answers; may raise StudioError, OSError."""

    @property
    def backups_folder(self) -> Path: ...

    def disputes(self) -> tuple[Dispute, ...]:
        """The files in conflict; quick."""

    def theirs_and_mine(self, path: str) -> tuple[bytes | None, bytes | None]:
        """(the file as the other program left it, as it would be with our labels); None: there is none."""

    def settle(self, path: str, keep: Keep) -> tuple[int, ...]:
        """-> ids of the images whose labels are others now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the choices. images: ids of those whose labels are others now; refused: path and why."""

    paths: tuple[str, ...]
    images: tuple[int, ...]
    refused: tuple[tuple[str, str], ...] = ()


class ConflictsModel(QObject):
    """Methods belong to the GUI thread."""

    conflicts_changed = Signal()
    difference_changed = Signal()
    settled = Signal(object)

    def __init__(self, source: ConflictSource, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._board = board
        self._latest = Latest("conflicts", self)
        self.conflicts: tuple[Dispute, ...] = ()
        self.choices: dict[str, Keep] = {}
        self.shown = ""
        self.difference: Difference | None = None
        self.difference_error = ""
        self.settling = False
        self._latest.answered.connect(self._on_answered)
        self._latest.failed.connect(self._on_failed)

    @property
    def backups_folder(self) -> Path:
        """Where a copy of the version that is not kept is put."""
        return self._source.backups_folder

    @property
    def comparing(self) -> bool:
        return self._latest.waits_for("difference")

    def refresh(self, *_unused: object) -> None:
        """Read which files are in conflict; conflicts_changed follows where those are others than before."""
        self._latest.ask("conflicts", lambda _should_stop: self._source.disputes())

    def look_at(self, path: str) -> None:
        """Compare their version of a file with ours."""
        self.shown, self.difference, self.difference_error = path, None, ""
        self._latest.ask("difference", lambda should_stop: self._compare(path, should_stop))
        self.difference_changed.emit()

    def choose(self, path: str, keep: Keep | None) -> None:
        """Note the person's choice for one file (None: not yet)."""
        if keep is None:
            self.choices.pop(path, None)
        else:
            self.choices[path] = keep
        self.conflicts_changed.emit()

    def choose_all(self, keep: Keep) -> None:
        self.choices = {conflict.path: keep for conflict in self.conflicts}
        self.conflicts_changed.emit()

    def settle(self) -> None:
        """Do what was chosen, as a job; `settled` follows. Files without a choice stay as they are."""
        if not self.choices or self.settling:
            return
        self.settling = True
        job = self._board.prepare(
            self.tr("Settling files"), partial(_settle, self._source, dict(self.choices)), quiet=True
        )
        job.job_finished.connect(self._on_settled)
        job.job_failed.connect(self._on_job_failed)
        job.job_cancelled.connect(self._on_cancelled)
        self._board.start(job)
        self.conflicts_changed.emit()

    def close(self) -> None:
        self._latest.close()

    def _compare(self, path: str, should_stop: ShouldStop) -> Difference:
        return compare(*self._source.theirs_and_mine(path), should_stop=should_stop)

    def _on_answered(self, kind: object, result: object) -> None:
        if isinstance(result, Difference):
            self.difference = result
            self.difference_changed.emit()
        elif kind == "conflicts" and isinstance(result, tuple) and result != self.conflicts:
            self.conflicts = result
            known = {conflict.path for conflict in result}
            self.choices = {path: keep for path, keep in self.choices.items() if path in known}
            self.conflicts_changed.emit()

    def _on_failed(self, kind: object, message: str) -> None:
        if kind == "difference":
            self.difference_error = message
            self.difference_changed.emit()

    def _on_settled(self, result: object) -> None:
        self.settling = False
        if isinstance(result, Settled):
            for path in result.paths:
                self.choices.pop(path, None)
            self.settled.emit(result)
        self.conflicts_changed.emit()
        self.refresh()

    def _on_job_failed(self, error: StudioError) -> None:
        self._on_settled(Settled(paths=(), images=(), refused=(("", str(error)),)))

    def _on_cancelled(self) -> None:
        self._on_settled(None)


def _settle(source: ConflictSource, choices: Mapping[str, Keep], report: Report, should_stop: ShouldStop) -> Settled:
    """One file after the other; a file that cannot be settled does not stop the others."""
    paths: list[str] = []
    images: list[int] = []
    refused: list[tuple[str, str]] = []
    for number, (path, keep) in enumerate(choices.items()):
        check(should_stop)
        report(Progress(path, number, len(choices)))
        try:
            images += source.settle(path, keep)
            paths.append(path)
        except StudioError as error:
            refused.append((path, str(error)))
    return Settled(paths=tuple(paths), images=tuple(dict.fromkeys(images)), refused=tuple(refused))
