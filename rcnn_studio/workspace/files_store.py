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
from rcnn_studio.store import backups, documents, linked, reading
from rcnn_studio.store.backups import Backup
from rcnn_studio.store.history import HistoryEntry
from rcnn_studio.store.listing import LinkedTable, absent_files, read_linked
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, connect, transaction
from rcnn_studio.workspace.files import ChangedFile, Changes, Version
from rcnn_studio.workspace.files_conflicts import Dispute, Keep
from rcnn_studio.workspace.files_history import Happened

LISTED = 200
"""So many files at most are listed with their bytes."""

COUNTED_IMAGES = 1000
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
        newest = store.backups(limit=1)
        last = store.history(1)
        self._first_backup = newest[0].id if newest else 0
        self._opened_at = last[0].sequence if last else 0
        self._absent = absent_files(store.folder)
        self._pairs: dict[str, Pair] = {}

    @property
    def read_only(self) -> bool:
        return self._store.read_only

    def changes(self) -> Changes:
        """See FileSource. Of files that are both written and behind again, the whole way since the opening is shown."""
        table = read_linked(self._store.folder)
        waiting = self._store.what_will_change(LISTED)
        earlier, made = self._replaced(table), self._made(table)
        errors = self._store.file_errors()
        self._pairs = {}
        files = []
        for diff in waiting:
            path = str(diff.path)
            before = backups.read(earlier[path]) if path in earlier else diff.before
            before = None if path in made else before
            self._keep(path, (before, diff.after))
            message = diff.message or errors.get(path, "")
            files.append(ChangedFile(path=path, kind="failed" if message else "waiting", message=message))
        behind = {file.path for file in files}
        written = [path for path in dict.fromkeys((*made, *earlier)) if path not in behind]
        files += [ChangedFile(path=path, kind="written") for path in written[: max(0, LISTED - len(files))]]
        hidden = self._store.pending_files() - len(self._store.conflicts()) - len(behind)
        more = max(0, hidden) if len(waiting) == LISTED else 0
        more += max(0, len(written) - max(0, LISTED - len(behind)))
        return self._with_boxes(Changes(files=tuple(files), more=more), table)

    def both(self, path: str) -> Pair:
        if path in self._pairs:
            return self._pairs[path]
        found = next((diff for diff in self._store.what_will_change(LISTED) if str(diff.path) == path), None)
        table = read_linked(self._store.folder)
        earlier = self._replaced(table).get(path)
        after = self.on_disk(path) if found is None else found.after
        if path in self._made(table):
            return None, after
        if earlier is not None:
            return backups.read(earlier), after
        return (after if found is None else found.before), after

    def versions(self, path: str) -> tuple[Version, ...]:
        return tuple(
            Version(id=b.id, path=path, kind=b.kind, time=b.time, size=b.size) for b in self._store.backups(path)
        )

    def version(self, version: Version) -> bytes | None:
        found = next((b for b in self._store.backups(version.path) if b.id == version.id), None)
        if found is None:
            raise ProjectError(f"{version.path}: this version is not kept any more. Choose another one.")
        return backups.read(found)

    def on_disk(self, path: str) -> bytes | None:
        return _read(path)

    def write_now(self, _report: Report, should_stop: ShouldStop) -> None:
        """Asks for it and waits; to stop means to wait no longer."""
        self._store.flush()
        self._store.resume_writing()
        self._store.write_back(wait=False)
        while self._store.pending_files() > len(self._store.conflicts()) and not self._store.file_errors():
            if should_stop():
                raise Cancelled
            time.sleep(POLL_S)

    def edit_back(self, path: str) -> Edit | None:
        table = read_linked(self._store.folder)
        changes: list[ImageChange] = []
        after: tuple[Category, ...] | None = None
        for image_id in _images_of(table, path):
            edit = self._store.restore_edit(image_id, self._opened_at, "")
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

    def _replaced(self, table: LinkedTable) -> dict[str, Backup]:
        """The first version of each file that was replaced in this session, by the file's path; newest file first."""
        found: dict[str, Backup] = {}
        for backup in self._store.backups(limit=MANY):
            if backup.id <= self._first_backup:
                break
            file = table.files.get(backup.file_id)
            if file is not None and backup.kind != "theirs":
                found[str(file.path)] = backup
        return found

    def _made(self, table: LinkedTable) -> list[str]:
        """The files that were not there when the project was opened and that have been written since."""
        made = (table.files[file_id] for file_id in self._absent if file_id in table.files)
        return [str(file.path) for file in made if file.hash]

    def _with_boxes(self, changes: Changes, table: LinkedTable) -> Changes:
        """Counts the boxes that are others than when the project was opened, where those are not too many images."""
        images = _images_by_path(table, {file.path for file in changes.files})
        if changes.more or sum(map(len, images.values())) > COUNTED_IMAGES:
            return changes
        counts = {path: sum(map(self._count, ids)) for path, ids in images.items()}
        files = tuple(replace(file, boxes=counts.get(file.path, 0)) for file in changes.files)
        return Changes(files=files, boxes=sum(counts.values()))

    def _count(self, image_id: int) -> int:
        change = change_between(self._store.image_as_of(image_id, self._opened_at), self._store.image(image_id))
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
