"""Opening a project database: lock, version, integrity, and finishing what a crash interrupted.

Starts no threads; that is project's work.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.formats.atomic import sweep_temps
from rcnn_studio.store import linked
from rcnn_studio.store.locations import from_stored
from rcnn_studio.store.lock import ProjectLock
from rcnn_studio.store.schema import DATABASE_NAME, check_version, configure_for_writing, connect, migrate, transaction

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is known of a project once its database is open. mode: "rw", "ro" or "immutable" (of connect)."""

    mode: str
    owner: str
    project_id: str
    name: str
    roots: tuple[str, ...]
    next_box_id: int


def open_database(folder: Path, *, read_only: bool) -> tuple[ProjectLock | None, Opened]:
    """Locks the project where it may be written, brings its database up to date, settles interrupted writes.

    Raises ProjectError; the lock is free then.
    """
    path = folder / DATABASE_NAME
    if not path.is_file():
        raise ProjectError(f"{folder}: no project here (no {DATABASE_NAME}). Choose another folder or make one.")
    lock, owner = (None, "") if read_only else _lock(folder)
    try:
        mode = _prepare(path) if lock is not None else _readable_mode(path)
        return lock, _look(path, mode, owner)
    except sqlite3.Error as error:
        if lock is not None:
            lock.release()
        raise ProjectError(
            f"{path}: the project database cannot be opened ({error}). "
            "Check the drive; if the file is damaged, restore it from a backup."
        ) from error
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _lock(folder: Path) -> tuple[ProjectLock | None, str]:
    lock = ProjectLock(folder)
    try:
        owner = lock.acquire()
    except ProjectError as error:
        _log.info("opened for reading only: %s", error)
        return None, ""
    return (lock, "") if owner is None else (None, str(owner))


def _prepare(path: Path) -> str:
    """Brings the database to where the writer can take over. -> "rw" """
    log = path.with_name(path.name + "-wal")
    interrupted = log.exists() and log.stat().st_size > 0  # a clean close empties and removes it
    db = connect(path, mode="rw")
    try:
        check_version(db, path)
        configure_for_writing(db)
        if interrupted:
            _check_integrity(db, path)
        migrate(db, path)
        _settle_intents(db, path.parent)
    finally:
        db.close()
    return "rw"


def _check_integrity(db: sqlite3.Connection, path: Path) -> None:
    found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise ProjectError(
            f"{path}: the project database is damaged ({'; '.join(found)}). Restore it from a backup; "
            "the linked dataset files are untouched."
        )


def _settle_intents(db: sqlite3.Connection, project: Path) -> None:
    swept: set[Path] = set()
    for file in linked.open_intents(db, project):
        if file.path.parent not in swept:
            swept.add(file.path.parent)
            sweep_temps(file.path.parent)
        try:
            found = linked.current_hash(file)
        except FormatError as error:
            _log.info("settled later: %s", error)
            continue
        with transaction(db):
            linked.settle_intent(db, file, found)


def _readable_mode(path: Path) -> str:
    """How the database can be read: sharing the log with its writer, or, in a folder that cannot be written,
    as a file that nobody changes."""
    for mode in ("ro", "immutable"):
        db = None
        try:
            db = connect(path, mode=mode)
            check_version(db, path)
            db.execute("SELECT count(*) FROM meta").fetchone()
            return mode
        except sqlite3.OperationalError:
            if mode == "immutable":
                raise
        finally:
            if db is not None:
                db.close()
    raise AssertionError("unreachable")


def _look(path: Path, mode: str, owner: str) -> Opened:
    db = connect(path, mode="ro" if mode == "rw" else mode)
    try:
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        rows = db.execute("SELECT path, relative FROM roots ORDER BY id").fetchall()
        return Opened(
            mode=mode,
            owner=owner,
            project_id=meta["project_id"],
            name=meta["name"],
            roots=tuple(str(from_stored(text, bool(relative), path.parent)) for text, relative in rows),
            next_box_id=int(meta["next_box_id"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ProjectError(f"{path}: the project database is damaged ({error!r}). Restore it from a backup.") from error
    finally:
        db.close()
