"""Checking everything that a project says about itself and its files, and naming what is wrong. Changes nothing.

Whether the labels make sense is not asked here; that is the business of the dataset's own checks.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats.atomic import file_hash, is_left_over, is_temp
from rcnn_studio.store import backups, documents, linked
from rcnn_studio.store.backups import Backup
from rcnn_studio.store.edits_json import edit_from_json
from rcnn_studio.store.image_files import check_images
from rcnn_studio.store.reading import Readers
from rcnn_studio.store.schema import DATABASE_NAME, PLACE_BITS

_STEP = 200
_MOST_OF_A_KIND = 100
_BEING_WRITTEN_S = 2.0
_PAUSE_S = 0.05
_Suspect = TypeVar("_Suspect")
_RESTORE = "Restore the project from a backup, and report this."


@dataclass(frozen=True, slots=True)
class _Places:
    readers: Readers
    project: Path
    backups: Path
    runs: Path
    report: Report
    should_stop: ShouldStop

    def say(self, text: str, done: int = 0, total: int = 0) -> None:
        check(self.should_stop)
        self.report(Progress(text, done, total))


def verify(
    readers: Readers,
    project: Path,
    backups_folder: Path,
    runs: Path,
    *,
    with_images: bool,
    report: Report,
    should_stop: ShouldStop,
) -> tuple[Problem, ...]:
    """Reports Progress. Raises ProjectError if the database cannot be read at all, Cancelled."""
    places = _Places(readers, project, backups_folder, runs, report, should_stop)
    parts: tuple[tuple[str, Callable[[_Places], Iterator[Problem]]], ...] = (
        ("Checking the database", _database),
        ("Checking boxes and places", _rows),
        ("Checking the history", _history),
        ("Checking kept documents", _originals),
        ("Checking linked files", _files),
        ("Checking backups", _backups),
        ("Looking for leftovers", _leftovers),
    )
    found: list[Problem] = []
    for text, part in parts:
        places.say(text)
        found += part(places)
    if with_images:
        found += check_images(readers, project, None, report=report, should_stop=should_stop)
    return tuple(found)


def _problem(file: Path, where: str, kind: str, message: str, action: str, level: str = "error") -> Problem:
    return Problem(file=str(file), where=where, kind=kind, message=message, action=action, level=level)


def _database(places: _Places) -> Iterator[Problem]:
    path = places.project / DATABASE_NAME
    with places.readers.transaction() as db:
        for (text,) in db.execute(f"PRAGMA integrity_check({_MOST_OF_A_KIND})").fetchall():
            if text != "ok":
                yield _problem(path, "", "damaged-database", f"{text}.", _RESTORE)
        for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(_MOST_OF_A_KIND):
            message = f"row {rowid} speaks of a row of {parent} that is not there."
            yield _problem(path, str(table), "dangling-row", message, _RESTORE)


# kind -> (query for (where, value), message, action)
_ROW_CHECKS: dict[str, tuple[str, str, str]] = {
    "wrong-box-count": (
        "SELECT 'images[' || id || ']', box_count || ' noted, ' || n || ' there' FROM (SELECT id, box_count,"
        " (SELECT count(*) FROM boxes WHERE boxes.image_id = images.id) AS n FROM images) WHERE n <> box_count",
        "the number of its boxes is wrong: {0}.",
        "Any edit of the image's boxes puts it right; report this.",
    ),
    "bad-corners": (
        "SELECT 'images[' || image_id || ']/boxes[' || id || ']', x1 || ', ' || y1 || ', ' || x2 || ', ' || y2"
        " FROM boxes WHERE NOT (x2 > x1 AND y2 > y1 AND abs(x1) < 1e15 AND abs(y1) < 1e15 AND abs(x2) < 1e15"
        " AND abs(y2) < 1e15)",
        "the box ({0}) has no area or no finite corners.",
        "Draw it anew, or delete it; it is left out of training.",
    ),
    "bad-place": (
        "SELECT 'images[' || b.image_id || ']/boxes[' || b.id || ']', b.place FROM boxes AS b JOIN images ON"
        " images.id = b.image_id LEFT JOIN files ON files.id = images.file_id"
        f" WHERE b.place IS NOT NULL AND (b.place < 0 OR (b.place >> {PLACE_BITS}) > coalesce(files.generation, 0)"
        " AND NOT EXISTS (SELECT 1 FROM documents AS d WHERE d.file_id = files.id"
        f" AND d.generation = b.place >> {PLACE_BITS}))",
        "its place in the linked file ({0}) speaks of a document that is not known.",
        "It is written as a new record; report this.",
    ),
    "double-place": (
        "SELECT 'images[' || b.image_id || ']', b.place FROM boxes AS b WHERE b.place IS NOT NULL"
        " GROUP BY b.image_id, b.place HAVING count(*) > 1",
        "two of its boxes stand for the same record ({0}) of the linked file.",
        "One of them is written as a new record; report this.",
    ),
    "odd-state": (
        "SELECT 'images[' || id || ']', box_count FROM images WHERE state = 2 AND box_count > 0",
        "is called empty but has {0} boxes.",
        "Look at the image and say what it is.",
    ),
}


def _rows(places: _Places) -> Iterator[Problem]:
    path = places.project / DATABASE_NAME
    for kind, (query, message, action) in _ROW_CHECKS.items():
        places.say("Checking boxes and places")
        with places.readers.transaction() as db:
            rows = db.execute(query).fetchmany(_MOST_OF_A_KIND)
        for where, value in rows:
            yield _problem(path, str(where), kind, message.format(value), action)


def _history(places: _Places) -> Iterator[Problem]:
    """Every stored edit can be read, and no undo speaks of an edit that is not there."""
    path = places.project / DATABASE_NAME
    with places.readers.transaction() as db:
        lost = db.execute(
            "SELECT sequence, undoes FROM history WHERE undoes IS NOT NULL"
            " AND undoes NOT IN (SELECT sequence FROM history) LIMIT ?",
            (_MOST_OF_A_KIND,),
        ).fetchall()
        bad = [
            (sequence, error)
            for number, (sequence, key, text) in enumerate(db.execute("SELECT sequence, key, edit FROM history"))
            if (error := _fault_of(text, key, places, number))
        ]
    for sequence, undoes in lost:
        message = f"takes back edit {undoes}, which is not there."
        yield _problem(path, f"history[{sequence}]", "lost-edit", message, "The labels are as shown; report this.")
    for sequence, error in bad[:_MOST_OF_A_KIND]:
        message = f"cannot be read ({error})."
        yield _problem(path, f"history[{sequence}]", "unreadable-edit", message, "It cannot be undone; report this.")


def _fault_of(text: str, key: str, places: _Places, number: int) -> str:
    if number % 1000 == 0:
        places.say("Checking the history", number)
    try:
        edit_from_json(text, key=key)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return repr(error)
    return ""


def _originals(places: _Places) -> Iterator[Problem]:
    """Documents that files are patched from can be unpacked, and a file never written is what was imported."""
    with places.readers.transaction() as db:
        rows = db.execute(
            "SELECT id, generation FROM files WHERE origin = 'stored'"
            " UNION SELECT file_id, generation FROM documents WHERE origin = 'stored' ORDER BY 1, 2"
        ).fetchall()
    for number, (file_id, generation) in enumerate(rows):
        if number % _STEP == 0:
            places.say("Checking kept documents", number, len(rows))
        with places.readers.transaction() as db:
            file = linked.read_file(db, file_id, places.project)
            message = _fault_of_original(db, file_id, generation, file.hash if file.written == 0 else "")
        if message:
            action = "Choose 'mine' or 'theirs' again after the next edit of the file, or import it anew."
            yield _problem(file.path, f"document {generation}", "damaged-document", message, action)


def _fault_of_original(db: sqlite3.Connection, file_id: int, generation: int, expected: str) -> str:
    try:
        data = documents.read(db, file_id, generation)
    except zlib.error as error:
        return f"the kept document cannot be unpacked ({error})."
    if data is None:
        return "the document it is patched from is not in the project."
    if expected and generation == 0 and hashlib.sha256(data).hexdigest() != expected:
        return "the kept document is not the one that was imported."
    return ""


def _files(places: _Places) -> Iterator[Problem]:
    with places.readers.transaction() as db:
        total = int(db.execute("SELECT count(*) FROM files").fetchone()[0])
    after = -1
    done = 0
    while True:
        with places.readers.transaction() as db:
            files = linked.read_files(db, places.project, after=after, limit=_STEP)
        for file in files:
            yield from _lasting_faults(places, file.id)
        done += len(files)
        places.say("Checking linked files", done, total)
        if len(files) < _STEP:
            return
        after = files[-1].id


def _lasting_faults(places: _Places, file_id: int) -> tuple[Problem, ...]:
    """Faults of a file that is not being written at this moment."""
    deadline = time.monotonic() + _BEING_WRITTEN_S
    while True:
        seen = _noted(places, file_id)
        faults = tuple(_fault_of_file(seen[0], interrupted=seen[1]))
        if not faults or (seen == _noted(places, file_id) and not (seen[1] and time.monotonic() < deadline)):
            return faults
        if time.monotonic() >= deadline:
            return ()  # its row changes as fast as we look: it is written, not broken
        check(places.should_stop)
        time.sleep(_PAUSE_S)


def _noted(places: _Places, file_id: int) -> tuple[linked.FileRow, bool]:
    """-> what the database says of a file; whether a write of it has begun"""
    with places.readers.transaction() as db:
        begun = db.execute("SELECT 1 FROM intents WHERE file_id = ?", (file_id,)).fetchone()
        return linked.read_file(db, file_id, places.project), begun is not None


def _fault_of_file(file: linked.FileRow, *, interrupted: bool) -> Iterator[Problem]:
    try:
        found = file_hash(file.path)
    except FormatError as error:
        yield _problem(file.path, error.where, "unreadable-file", error.reason, "Its labels are safe in the project.")
        return
    choose = "It was not overwritten. Open the project and choose whose version to keep."
    if interrupted:
        message, action = "its last write was interrupted.", "Open the project: it is finished, or you are asked."
        yield _problem(file.path, "", "interrupted-write", message, action, "warning")
    elif found != file.hash:
        yield _problem(file.path, "", "changed-outside", linked.changed_text(found), choose, "warning")
    elif file.revision != file.written:
        message, action = "does not show the latest edits yet.", "Open the project: it is written then."
        yield _problem(file.path, "", "not-written-yet", message, action, "note")


def _backups(places: _Places) -> Iterator[Problem]:
    with places.readers.transaction() as db:
        listed = backups.listing(db, places.backups)
    faults: dict[Backup, str] = {}
    for number, backup in enumerate(listed):
        if number % _STEP == 0:
            places.say("Checking backups", number, len(listed))
        if fault := _fault_of_backup(backup):
            faults[backup] = fault

    def still(suspects: set[Backup]) -> set[Backup]:
        with places.readers.transaction() as db:
            there = set(backups.listing(db, places.backups))
        return {backup for backup in suspects & there if _fault_of_backup(backup)}

    for backup in sorted(_lasting(places, set(faults), still), key=lambda backup: backup.path):
        yield _problem(backup.path, "", "bad-backup", faults[backup], "The other versions are sound.", "warning")


def _fault_of_backup(backup: Backup) -> str:
    try:
        backups.read(backup)
    except ProjectError as error:
        return str(error).partition(": ")[2]
    return ""


def _lasting(
    places: _Places, suspects: set[_Suspect], still: Callable[[set[_Suspect]], set[_Suspect]]
) -> set[_Suspect]:
    """Those that are as they are for longer than a write takes; `still` says which are suspected at this moment."""
    deadline = time.monotonic() + _BEING_WRITTEN_S
    while suspects and time.monotonic() < deadline:
        check(places.should_stop)
        time.sleep(_PAUSE_S)
        suspects = still(suspects)
    return suspects


def _leftovers(places: _Places) -> Iterator[Problem]:
    """Temporary files of dead processes beside linked files, and files in the backups folder that nobody lists."""
    with places.readers.transaction() as db:
        folders: set[Path] = set()
        after = -1
        while files := linked.read_files(db, places.project, after=after, limit=10 * _STEP):
            folders.update(file.path.parent for file in files)
            after = files[-1].id
    for folder in sorted(folders):
        if folder.is_dir():
            for path in filter(lambda path: is_left_over(path.name), sorted(folder.glob(".rcnn-*"))):
                message, action = "is left over from a write that did not finish.", "It can be deleted."
                yield _problem(path, "", "left-over", message, action, "note")
    for path in sorted(_lasting(places, _strays(places), lambda suspects: suspects & _strays(places))):
        yield _problem(path, "", "left-over", "is a backup that is not listed.", "It can be deleted.", "note")
    if places.runs.is_dir():
        for path in sorted(places.runs.glob(".tmp-*")):
            message, action = "is left over from a run that did not finish.", "It can be deleted."
            yield _problem(path, "", "left-over", message, action, "note")


def _strays(places: _Places) -> set[Path]:
    """Files in the backups folder that the database does not know."""
    if not places.backups.is_dir():
        return set()
    found = {path for path in places.backups.glob("*/*") if is_left_over(path.name) or not is_temp(path.name)}
    with places.readers.transaction() as db:
        return found - {backup.path for backup in backups.listing(db, places.backups)}
