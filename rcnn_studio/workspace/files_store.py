"""An open project's store as the rooms about files ask it: changes, versions, conflicts, history, problems.

Decides nothing; every method may take a while and belongs off the GUI thread, but where it says quick.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.dataset import Category, ImageRecord
from rcnn_studio.domain.edits import Edit, ImageChange, change_between
from rcnn_studio.domain.errors import Cancelled, ProjectError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.store import backups, documents, linked, reading, written
from rcnn_studio.store.backups import Backup
from rcnn_studio.store.history import HistoryEntry
from rcnn_studio.store.listing import LinkedTable, read_linked
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, connect, transaction
from rcnn_studio.store.written import Opening
from rcnn_studio.workspace.files import ChangedFile, Changes, Scope, Version, VersionKind
from rcnn_studio.workspace.files_conflicts import Dispute, Keep
from rcnn_studio.workspace.files_history import Happened

LISTED = 200
"""So many files at most that lag behind are listed: their new bytes are made for it."""

COUNTED_IMAGES = 20_000
"""Of more images nobody waits for the number of their boxes."""

KEPT_BYTES = 256 << 20
POLL_S = 0.1
MANY = 100_000
NO_PLACES = 1 << 62
"""As FileRow.places_from: no box has a place in the document."""

Pair = tuple[bytes | None, bytes | None]


class StoreFiles:
    """FileSource. Make it right after the project was opened: what is older was not done in this session."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._opening = written.opening(store.folder)
        self._pairs: dict[str, Pair] = {}

    @property
    def read_only(self) -> bool:
        return self._store.read_only

    def changes(self, scope: Scope) -> Changes:
        """See FileSource. Of files that are both written and behind again, the whole way is shown."""
        waiting = self._store.what_will_change(LISTED)
        since = self._since(scope)
        done = {file.path: file for file in written.written_since(self._store.folder, since)}
        errors = self._store.file_errors()
        self._pairs = {}
        files = []
        for diff in waiting:
            path, message = str(diff.path), diff.message or errors.get(str(diff.path), "")
            known = done.pop(path, None)
            new = known.new if known is not None else diff.before is None
            self._keep(path, (diff.before, diff.after))
            files.append(ChangedFile(path=path, kind="failed" if message else "waiting", message=message, new=new))
        files += [ChangedFile(path=f.path, kind="written", new=f.new, same=f.same) for f in done.values()]
        hidden = self._store.pending_files() - len(self._store.conflicts()) - len(waiting)
        more = max(0, hidden) if len(waiting) == LISTED else 0
        return Changes(files=tuple(files), more=more, scope=scope)

    def counted(self, changes: Changes, should_stop: ShouldStop) -> Changes:
        """Counts the boxes that are others than then, where those are not in too many images."""
        sequence = self._sequence(changes.scope)
        table = read_linked(self._store.folder)
        images = _images_by_path(table, {file.path for file in changes.files})
        edited = self._store.last_edits()
        images = {path: [i for i in ids if edited.get(i, 0) > sequence] for path, ids in images.items()}
        if changes.more or sum(map(len, images.values())) > COUNTED_IMAGES:
            return changes
        counts: dict[str, int] = {}
        for path, ids in images.items():
            counts[path] = sum(self._count(image_id, sequence, should_stop) for image_id in ids)
        files = tuple(replace(file, boxes=counts.get(file.path, 0)) for file in changes.files)
        return replace(changes, files=files, boxes=sum(counts.values()))

    def both(self, path: str, scope: Scope) -> Pair:
        waiting = self._pairs.get(path)
        if waiting is None:
            found = next((diff for diff in self._store.what_will_change(LISTED) if str(diff.path) == path), None)
            waiting = None if found is None else (found.before, found.after)
        on_disk = self.on_disk(path) if waiting is None else waiting[0]
        try:
            known, before = written.before(self._store.folder, self._store.backups_folder, path, self._since(scope))
        except ProjectError:
            if waiting is None:
                raise
            return waiting
        return before if known else on_disk, on_disk if waiting is None else waiting[1]

    def versions(self, path: str) -> tuple[Version, ...]:
        """See FileSource: of a file that we made, the last row says that it was not there before."""
        made = written.was_made(self._store.folder, path)
        found = [_version_of(backup, path, made=made) for backup in self._store.backups(path)]
        if made:
            found.append(Version(id=0, path=path, kind="absent", time="", size=0))
        return tuple(found)

    def version(self, version: Version) -> bytes | None:
        if version.kind == "absent":
            return None
        found = next((b for b in self._store.backups(version.path) if b.id == version.id), None)
        if found is None:
            raise ProjectError(f"{version.path}: this version is not kept any more. Choose another one.")
        return backups.read(found)

    def on_disk(self, path: str) -> bytes | None:
        return _read(path)

    def count_written(self) -> int:
        """How many files are others now than when the project was opened; quick, and also after it was closed."""
        return sum(1 for file in written.written_since(self._store.folder, self._opening) if not file.same)

    def write_now(self, _report: Report, should_stop: ShouldStop) -> int:
        """Asks for it and waits; to stop means to wait no longer."""
        if self._store.read_only:
            return 0
        self._store.flush()
        before = self._store.pending_files()
        self._store.resume_writing()
        self._store.write_back(wait=False)
        while self._store.pending_files() > len(self._store.conflicts()) and not self._store.file_errors():
            if should_stop():
                raise Cancelled
            time.sleep(POLL_S)
        return max(0, before - self._store.pending_files())

    def edit_back(self, path: str, scope: Scope) -> Edit | None:
        table = read_linked(self._store.folder)
        changes: list[ImageChange] = []
        after: tuple[Category, ...] | None = None
        for image_id in _images_of(table, path):
            edit = self._store.restore_edit(image_id, self._sequence(scope), "")
            if edit is None:
                continue
            changes += edit.images
            if edit.categories is not None:
                have = {category.id for category in after or ()}
                after = (*(after or ()), *(c for c in edit.categories[1] if c.id not in have))
        if not changes:
            return None
        text = QCoreApplication.translate("StoreFiles", "Take back the changes of {0}").format(Path(path).name)
        before = self._store.categories()
        return Edit(text=text, images=tuple(changes), categories=None if after is None else (before, after))

    def restore(self, version: Version) -> Collection[int]:
        return self._store.restore_backup(version.id)

    def _keep(self, path: str, pair: Pair) -> None:
        used = sum(len(data or b"") for kept in self._pairs.values() for data in kept)
        if used + sum(len(data or b"") for data in pair) <= KEPT_BYTES:
            self._pairs[path] = pair

    def _since(self, scope: Scope) -> Opening | None:
        return self._opening if scope == "session" else None

    def _sequence(self, scope: Scope) -> int:
        return self._opening.sequence if scope == "session" else 0

    def _count(self, image_id: int, sequence: int, should_stop: ShouldStop) -> int:
        if should_stop():
            raise Cancelled
        change = change_between(self._store.image_as_of(image_id, sequence), self._store.image(image_id))
        return len({box.id for box in (*change.removed, *change.added)})


class StoreConflicts:
    """ConflictSource."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store

    @property
    def backups_folder(self) -> Path:
        return self._store.backups_folder

    def disputes(self) -> tuple[Dispute, ...]:
        return tuple(Dispute(path=c.path, message=c.message) for c in self._store.conflicts())

    def theirs_and_mine(self, path: str) -> Pair:
        return _read(path), _mine(self._store, Path(path))

    def settle(self, path: str, keep: Keep) -> tuple[int, ...]:
        return self._store.resolve_conflict(path, keep)


class StoreHistory:
    """HistorySource."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store

    def history(self, limit: int) -> tuple[Happened, ...]:
        return _happened(self._store.history(limit))

    def image_history(self, image_id: int) -> tuple[Happened, ...]:
        entries = self._store.image_history(image_id, MANY)
        return _happened([entry if entry.by_all else replace(entry, images=(image_id,)) for entry in entries])

    def image_as_of(self, image_id: int, sequence: int) -> ImageRecord:
        return self._store.image_as_of(image_id, sequence)

    def lost_categories(self, image_id: int, sequence: int) -> tuple[Category, ...]:
        edit = self._store.restore_edit(image_id, sequence, "")
        if edit is None or edit.categories is None:
            return ()
        known = {category.id for category in edit.categories[0]}
        return tuple(category for category in edit.categories[1] if category.id not in known)


def _happened(entries: Sequence[HistoryEntry]) -> tuple[Happened, ...]:
    undone = {entry.undoes for entry in entries}
    return tuple(
        Happened(
            sequence=entry.sequence,
            text=entry.text,
            time=entry.time,
            undone=entry.sequence in undone,
            undoes=entry.undoes is not None,
            images=entry.images,
        )
        for entry in entries
    )


def _version_of(backup: Backup, path: str, *, made: bool) -> Version:
    kind: VersionKind = "made" if made and backup.kind == "first" else backup.kind
    return Version(id=backup.id, path=path, kind=kind, time=backup.time, size=backup.size)


def _read(path: str) -> bytes | None:
    with contextlib.suppress(FileNotFoundError):
        return Path(path).read_bytes()
    return None


def _images_of(table: LinkedTable, path: str) -> Sequence[int]:
    return _images_by_path(table, {path}).get(path, [])


def _images_by_path(table: LinkedTable, paths: Collection[str]) -> dict[str, list[int]]:
    """Edited images of these files."""
    wanted = {file_id: str(file.path) for file_id, file in table.files.items() if str(file.path) in paths}
    found: dict[str, list[int]] = defaultdict(list)
    for image_id, file_id in table.file_of.items():
        if file_id in wanted and image_id in table.touched:
            found[wanted[file_id]].append(image_id)
    return found


def _mine(store: ProjectStore, path: Path) -> bytes | None:
    """A linked file as it would be with our labels, whatever is on disk. Raises StudioError."""
    folder = store.folder
    with contextlib.closing(connect(folder / DATABASE_NAME, mode="ro")) as db, transaction(db, kind="DEFERRED"):
        file = linked.file_with_path(db, path, folder)
        if file is None:
            raise ProjectError(f"{path}: is not linked to this project.")
        has_table = file.linked.format in WITH_CATEGORY_TABLE
        original = documents.read(db, file.id, file.generation) if file.origin == "stored" else None
        if file.origin == "disk":  # it was never ours to patch: keeping ours makes it from the labels alone
            file = replace(file, origin="none", linked=replace(file.linked, exists=False), places_from=NO_PLACES)
        images, places = reading.read_images_of_file(db, file.id, touched_only=has_table and original is not None)
        inherited = documents.read_inherited(db, file.id, file.generation)
        job = linked.FileJob(
            file=file,
            original=original,
            images=tuple(
                replace(i, boxes=documents.with_places_of(i.boxes, file.generation, file.places_from, inherited))
                for i in images
            ),
            categories=reading.read_categories(db),
            places=places if original is not None else dict.fromkeys(places),
        )
    return linked.prepare(job).data
