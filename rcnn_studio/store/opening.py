"""Opening a project database: place, lock, version, integrity, and finishing what a crash interrupted.

Starts no threads; that is project's work.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.formats.atomic import sweep_temps
from rcnn_studio.store import backups, copies, home, intents, linked
from rcnn_studio.store.home import Home
from rcnn_studio.store.locations import from_stored
from rcnn_studio.store.lock import Owner, ProjectLock
from rcnn_studio.store.migrations import migrate
from rcnn_studio.store.schema import (
    DATABASE_NAME,
    VERSION,
    check_version,
    configure_for_writing,
    connect,
    transaction,
)

_log = logging.getLogger(__name__)

_CHECK_S = 0.1
_CHECK_AFTER_CRASH_S = 5.0
_HEADING = re.compile(r"\*\*\* in database \w+ \*\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is known of a project once its database is open. mode: "rw", "ro" or "immutable" (of connect). database:
    the file, in a temporary folder where an older version is read without changing it. lock_owner: who has it, if
    somebody else has."""

    mode: str
    owner: str
    lock_owner: Owner | None
    home: Home
    database: Path
    project_id: str
    name: str
    roots: tuple[str, ...]
    next_box_id: int
    scratch: tempfile.TemporaryDirectory[str] | None = None


def open_database(folder: Path, *, read_only: bool, take_over: bool = False) -> tuple[ProjectLock | None, Opened]:
    """Locks the project where it may be written, brings its database up to date, settles interrupted writes.

    take_over: the person has said that the other computer in the lock has it open no more. Raises ProjectError; the
    lock is free then.
    """
    path = folder / DATABASE_NAME
    lock: ProjectLock | None = None
    try:
        if not path.is_file():
            raise ProjectError(f"{folder}: no project here (no {DATABASE_NAME}). Choose another folder or make one.")
        if read_only:
            return None, _open_for_reading(home.for_reading(folder), "", None)
        place = home.find(folder)
        elsewhere = home.kept_elsewhere(place)
        if elsewhere is not None and not take_over:
            return None, _open_for_reading(home.own(folder), str(elsewhere), None)
        home.make_base(place)
        lock, owner = _lock(place, take_over)
        if lock is None:
            there = place if place.database.is_file() else home.own(folder)
            return None, _open_for_reading(there, "" if owner is None else str(owner), owner)
        home.settle(place)
        copy = home.copy_of(folder) if place.base == place.folder else None
        if copy is not None and (owner := _take_in(copy)) is not None:
            lock.release()
            return None, _open_for_reading(copy, str(owner), owner)
        _prepare(place)
        return lock, _look(place, place.database, "rw", "", None)
    except (sqlite3.Error, OSError) as error:
        _release(lock)
        raise ProjectError(
            f"{path}: the project database cannot be opened ({error}). "
            "Check the drive; if the file is damaged, restore it from a backup."
        ) from error
    except BaseException:
        _release(lock)
        raise


def _release(lock: ProjectLock | None) -> None:
    if lock is not None:
        lock.release()


def _take_in(copy: Home) -> Owner | None:
    """Unites the project with its copy in the state folder. -> who has the copy open, if somebody has"""
    lock = ProjectLock(copy.base)
    owner = lock.acquire()
    if owner is None:
        try:
            home.take_in(copy)
        finally:
            lock.release()
    return owner


def _lock(place: Home, take_over: bool) -> tuple[ProjectLock | None, Owner | None]:
    """The lock lies in the project's folder wherever that can be written, because others look there."""
    in_folder = place.copy_back or place.base == place.folder
    lock = ProjectLock(place.folder if in_folder else place.base)
    try:
        if not in_folder and (other := ProjectLock(place.folder).holder(take_over=take_over)) is not None:
            return None, other
        owner = lock.acquire(take_over=take_over)
    except ProjectError as error:
        _log.info("opened for reading only: %s", error)
        return None, None
    return (lock, None) if owner is None else (None, owner)


def _prepare(place: Home) -> None:
    """Brings the database to where the writer can take over."""
    path = place.database
    for folder in {place.folder, place.base}:
        sweep_temps(folder)
    log = path.with_name(path.name + "-wal")
    interrupted = log.exists() and log.stat().st_size > 0  # a clean close empties and removes it
    db = connect(path, mode="rw")
    try:
        check_version(db, path)
        configure_for_writing(db, path)
        _check_integrity(db, path, _CHECK_AFTER_CRASH_S if interrupted else _CHECK_S)
        migrate(db, path)
        _settle_intents(db, place)
    finally:
        db.close()


def _check_integrity(db: sqlite3.Connection, path: Path, seconds: float) -> None:
    """Looks as far as the time allows; `check` looks at all of it."""
    deadline = time.monotonic() + seconds
    db.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
    try:
        found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        found = ["ok"]
    finally:
        db.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise ProjectError(_refusal(path, found))


def _refusal(path: Path, found: list[str]) -> str:
    """What is said of a database that is not sound, in one line; a page that the drive does not give is no damage."""
    what = "; ".join(" ".join(_HEADING.sub("", text).split()) for text in found)
    if "unable to get the page" in what:
        return f"{path}: the project database cannot be read ({what}). Check the drive, then open it again."
    return (
        f"{path}: the project database is damaged ({what}). Restore it from a backup; the linked dataset files are "
        "untouched."
    )


def _settle_intents(db: sqlite3.Connection, place: Home) -> None:
    swept: set[Path] = set()
    interrupted = intents.open_intents(db, place.folder)
    if interrupted:
        backups.sweep(place.backups)
    for file in interrupted:
        if file.path.parent not in swept:
            swept.add(file.path.parent)
            sweep_temps(file.path.parent)
        try:
            found = linked.current_hash(file)
            intents.flush_interrupted(file)
        except (FormatError, OSError) as error:
            _log.info("settled later: %s", error)
            continue
        with transaction(db):
            gone = intents.settle_intent(db, file, found, place.backups)
        backups.remove(gone)


def _open_for_reading(place: Home, owner: str, lock_owner: Owner | None) -> Opened:
    path = place.database
    mode, version = _readable_mode(path)
    if version == VERSION:
        return _look(place, path, mode, owner, lock_owner)
    scratch = tempfile.TemporaryDirectory(prefix="rcnn-studio-")
    try:
        copy = Path(scratch.name) / DATABASE_NAME
        copies.copy_database(path, copy)
        db = connect(copy, mode="rw")
        try:
            migrate(db, copy)
        finally:
            db.close()
        return _look(place, copy, "ro", owner, lock_owner, scratch)
    except BaseException:
        scratch.cleanup()
        raise


def _readable_mode(path: Path) -> tuple[str, int]:
    """How the database can be read: sharing the log with its writer, or, in a folder that cannot be written,
    as a file that nobody changes. -> mode, version"""
    for mode in ("ro", "immutable"):
        db = None
        try:
            db = connect(path, mode=mode)
            version = check_version(db, path)
            db.execute("SELECT count(*) FROM meta").fetchone()
            return mode, version
        except sqlite3.OperationalError:
            if mode == "immutable":
                raise
        finally:
            if db is not None:
                db.close()
    raise AssertionError("unreachable")


def _look(
    place: Home,
    path: Path,
    mode: str,
    owner: str,
    lock_owner: Owner | None,
    scratch: tempfile.TemporaryDirectory[str] | None = None,
) -> Opened:
    db = connect(path, mode="ro" if mode == "rw" else mode)
    try:
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        rows = db.execute("SELECT path, relative FROM roots ORDER BY id").fetchall()
        return Opened(
            mode=mode,
            owner=owner,
            lock_owner=lock_owner,
            home=place,
            database=path,
            project_id=meta["project_id"],
            name=meta["name"],
            roots=tuple(str(from_stored(text, bool(relative), place.folder)) for text, relative in rows),
            next_box_id=int(meta["next_box_id"]),
            scratch=scratch,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ProjectError(f"{path}: the project database is damaged ({error!r}). Restore it from a backup.") from error
    finally:
        db.close()
