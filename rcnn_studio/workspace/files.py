"""What happens to the linked files: which lag behind or were written, how they differ, and their earlier versions.

Everything that touches a disk runs off the GUI thread. What it asks of the store is the protocol FileSource.
Conflicts are in files_conflicts, problems in files_problems, the edits in files_history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.workspace.files_diff import Difference, compare
from rcnn_studio.workspace.files_reading import Latest
from rcnn_studio.workspace.job import JobBoard

FileKind = Literal["waiting", "written", "failed"]
VersionKind = Literal["first", "version", "theirs", "made", "absent"]
Scope = Literal["session", "ever"]
"""Which changes: since the project was opened this time, or since it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A linked file. kind: "waiting" to be written, "written" already, "failed": could not be written, message says
    why. boxes: how many differ, None where nobody counted. new: it was not there before; same: it is what it was."""

    path: str
    kind: FileKind
    boxes: int | None = None
    new: bool = False
    same: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """files: those that are listed; more: how many others wait to be written. boxes: in all of them, None if not
    counted."""

    files: tuple[ChangedFile, ...] = ()
    more: int = 0
    boxes: int | None = None
    scope: Scope = "session"

    @property
    def total(self) -> int:
        return len(self.files) + self.more

    @property
    def settled(self) -> Changes:
        """Only what is, or will be, another file than before."""
        return replace(self, files=tuple(file for file in self.files if not file.same))

    @property
    def waiting(self) -> int:
        """Files that are not written yet."""
        return self.more + sum(1 for file in self.files if file.kind != "written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An earlier version of a file, kept in the backups folder. id: the store's own. time: UTC, ISO 8601, or "".
    kind: "first": before our first write, "version": a later one, "theirs": another program's; of a file that we made,
    "made" is the first one, and "absent" stands for the time before it, of which nothing is kept."""

    id: int
    path: str
    kind: VersionKind
    time: str
    size: int


class FileSource(Protocol):
    """What the store answers; every method but `read_only` may take a while and may raise StudioError, OSError."""

    @property
    def read_only(self) -> bool: ...

    def changes(self, scope: Scope) -> Changes:
        """The files that lag behind, and those that were written, the latest first; boxes may not be counted yet."""

    def counted(self, changes: Changes, should_stop: ShouldStop) -> Changes:
        """The same with the numbers of boxes, where these are not too many to count."""

    def both(self, path: str, scope: Scope) -> tuple[bytes | None, bytes | None]:
        """(as the file was, as it will be or is) of a changed file; None: there is none."""

    def versions(self, path: str) -> tuple[Version, ...]:
        """The kept versions of a file, the newest first."""

    def version(self, version: Version) -> bytes | None:
        """The bytes of a kept version."""

    def on_disk(self, path: str) -> bytes | None:
        """The file as it is now."""

    def write_now(self, report: Report, should_stop: ShouldStop) -> int:
        """Bring all files that lag behind up to date. -> how many files were written"""

    def edit_back(self, path: str, scope: Scope) -> Edit | None:
        """The edit that takes back what changed in the labels of this file; None where none did."""

    def restore(self, version: Version) -> Collection[int]:
        """Make the project, and so the file, say what this version says, as one edit of its own. -> ids of the images
        whose labels are others now"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is compared: a file's change, or one of its versions with the file now."""

    path: str
    version: Version | None = None
    scope: Scope = "session"


class FilesModel(QObject):
    """The list, the difference looked at, the versions of that file. Methods belong to the GUI thread.

    summary: what this session has changed, counted when asked for. written(n): so many files were, on demand."""

    changes_changed = Signal()
    difference_changed = Signal()
    versions_changed = Signal()
    summary_changed = Signal()
    written = Signal(int)
    restored = Signal(list)
    edit_ready = Signal(object)
    failed = Signal(str)

    def __init__(self, source: FileSource, board: JobBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._board = board
        self._latest = Latest("files", self)
        self._counting = Latest("file-counts", self)
        self._scope: Scope | None = None
        self.changes = Changes()
        self.summary = Changes()
        self.loaded = False
        self.shown: Shown | None = None
        self.difference: Difference | None = None
        self.difference_error = ""
        self.versions: tuple[Version, ...] = ()
        self._latest.answered.connect(self._on_answered)
        self._latest.failed.connect(self._on_failed)
        self._counting.answered.connect(self._on_counted)

    @property
    def scope(self) -> Scope:
        """Which changes are listed."""
        return self._scope or self.changes.scope

    @property
    def read_only(self) -> bool:
        return self._source.read_only

    @property
    def comparing(self) -> bool:
        """True while the difference looked at is being made."""
        return self._latest.waits_for("difference")

    def refresh(self) -> None:
        """Read the list anew; changes_changed follows, and again once the boxes are counted."""
        self._latest.ask("changes", partial(_listed, self._source, self._scope))

    def set_scope(self, scope: Scope | None) -> None:
        """List these changes; None: this session's, and where there are none, all that there ever were."""
        before = self._scope
        self._scope = scope
        if scope is None or (scope, scope) != (before, self.changes.scope):
            self.refresh()

    def summarize(self) -> None:
        """Count what this session has changed; summary_changed follows."""
        self._counting.ask("summary", lambda stop: self._source.counted(self._source.changes("session"), stop))

    def look_at(self, path: str, version: Version | None = None) -> None:
        """Compare this file with what it was, or a kept version with what it is now; difference_changed follows at
        once with nothing, and again with the answer."""
        other_file = self.shown is None or self.shown.path != path
        self.shown = Shown(path=path, version=version, scope=self.scope)
        self.difference, self.difference_error = None, ""
        self._latest.ask("difference", partial(self._compare, self.shown))
        self.difference_changed.emit()
        if other_file:
            self.versions = ()
            self._latest.ask("versions", lambda _should_stop: self._source.versions(path))
            self.versions_changed.emit()

    def look_away(self) -> None:
        """No file is looked at."""
        self.shown, self.difference, self.difference_error, self.versions = None, None, "", ()
        for kind in ("difference", "versions"):
            self._latest.forget(kind)
        self.difference_changed.emit()
        self.versions_changed.emit()

    def write_now(self) -> None:
        """Write all that lag behind, as a job with progress."""
        job = self._board.prepare(self.tr("Writing files"), self._source.write_now, quiet=True)
        job.job_finished.connect(self._on_written)
        job.job_finished.connect(self._tell_written)
        job.job_failed.connect(self._on_job_failed)
        job.job_cancelled.connect(self.refresh)
        self._board.start(job)

    def take_back(self, path: str) -> None:
        """Take back what changed in the labels of a file; edit_ready(Edit), to be pushed, or `failed` follows."""
        scope = self.scope
        self._latest.ask("edit", lambda _should_stop: (self._source.edit_back(path, scope),))

    def restore(self, version: Version) -> None:
        """Bring a kept version back; `restored` or `failed` follows."""
        job = self._board.prepare(self.tr("Restoring a file"), partial(_restore, self._source, version), quiet=True)
        job.job_finished.connect(self._on_restored)
        job.job_failed.connect(self._on_job_failed)
        self._board.start(job)

    def close(self) -> None:
        self._latest.close()
        self._counting.close()

    def _compare(self, shown: Shown, should_stop: ShouldStop) -> Difference:
        if shown.version is None:
            before, after = self._source.both(shown.path, shown.scope)
        else:
            before, after = self._source.version(shown.version), self._source.on_disk(shown.path)
        return compare(before, after, should_stop=should_stop)

    def _on_answered(self, kind: object, result: object) -> None:
        if isinstance(result, Changes):
            self._on_listed(result)
        elif isinstance(result, Difference):
            self.difference = result
            self.difference_changed.emit()
        elif kind == "edit" and isinstance(result, tuple):
            self._on_edit(result[0])
        elif kind == "versions" and isinstance(result, tuple):
            self.versions = result
            self.versions_changed.emit()

    def _on_listed(self, changes: Changes) -> None:
        other = changes.scope != self.changes.scope
        self.changes, self.loaded = changes, True
        if other and self.shown is not None:
            self._look_again([file.path for file in changes.files])
        self.changes_changed.emit()
        if changes.boxes is None and changes.total:
            self._counting.ask("boxes", lambda stop: (changes, self._source.counted(changes, stop)))

    def _look_again(self, listed: Collection[str]) -> None:
        """The file looked at has another "before" now."""
        assert self.shown is not None, "asked for then only"
        path, self.shown = self.shown.path, None
        if path in listed:
            self.look_at(path)
        else:
            self.look_away()

    def _on_counted(self, kind: object, result: object) -> None:
        if kind == "summary" and isinstance(result, Changes):
            self.summary = result.settled
            self.summary_changed.emit()
        elif isinstance(result, tuple) and result[0] is self.changes and result[1] is not self.changes:
            self.changes = result[1]
            self.changes_changed.emit()

    def _on_failed(self, kind: object, message: str) -> None:
        if kind == "difference":
            self.difference_error = message
            self.difference_changed.emit()
        else:
            self.failed.emit(message)

    def _tell_written(self, number: object) -> None:
        if isinstance(number, int):
            self.written.emit(number)

    def _on_edit(self, edit: Edit | None) -> None:
        if edit is None:
            self.failed.emit(self.tr("No box of this file has changed since the project was opened."))
        else:
            self.edit_ready.emit(edit)

    def _on_written(self, _result: object) -> None:
        self.refresh()
        if self.shown is not None:
            path, self.shown = self.shown.path, None
            self.look_at(path)

    def _on_restored(self, image_ids: object) -> None:
        self.restored.emit(list(image_ids) if isinstance(image_ids, Collection) else [])
        self._on_written(None)

    def _on_job_failed(self, error: StudioError) -> None:
        self.failed.emit(str(error))
        self.refresh()


def _listed(source: FileSource, scope: Scope | None, _should_stop: ShouldStop) -> Changes:
    changes = source.changes(scope or "session")
    return changes if scope is not None or changes.total else source.changes("ever")


def _restore(source: FileSource, version: Version, _report: Report, _should_stop: ShouldStop) -> Collection[int]:
    return source.restore(version)
