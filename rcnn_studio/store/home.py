"""Where the parts of a project lie: in its own folder, or, where that is on a network drive or cannot be written,
in the user's state folder.

A project on a network drive is copied back when it is closed; until then a small file beside it says who has it.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import logging
import os
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.formats.atomic import flush_to_drive, sync_folder, write_atomic
from rcnn_studio.store import durability
from rcnn_studio.store.durability import Durability
from rcnn_studio.store.schema import DATABASE_NAME, check_version, connect, now_text

_log = logging.getLogger(__name__)

LINK_NAME = "project.link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """folder: the project's own. base: where database and lock are, the same or the state folder. runs, backups:
    folders that need not exist yet. copy_back: the database goes back to `folder` when the project is closed.
    reason: why the promise is weaker here; "" where it is not."""

    folder: Path
    base: Path
    runs: Path
    backups: Path
    copy_back: bool = False
    reason: str = ""

    @property
    def database(self) -> Path:
        return self.base / DATABASE_NAME

    @property
    def durability(self) -> Durability:
        return "weaker" if self.reason else "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Says that the newest labels of a project on a network drive are on another computer."""

    host: str
    user: str
    since: str

    def __str__(self) -> str:
        return (
            f"{self.user or 'somebody'} on {self.host} since {self.since}; the newest labels are on that computer "
            "until it closes the project"
        )


def own(folder: Path) -> Home:
    """The home of a project on a local drive that can be written."""
    return Home(folder=folder, base=folder, runs=folder / "runs", backups=folder / "backups")


def find(folder: Path) -> Home:
    """Where the project in this folder lives; makes nothing. Raises ProjectError, sqlite3.Error."""
    network, writable = durability.is_network(folder), durability.is_writable(folder)
    if writable and not network:
        return own(folder)
    state = _state_of(folder)
    if not writable:
        reason = (
            f"{folder} cannot be written, so the labels are kept in {state} and dataset files in it stay as they are."
        )
        return Home(folder=folder, base=state, runs=state / "runs", backups=state / "backups", reason=reason)
    reason = (
        f"{folder} is on a network drive, which may not keep what it calls saved: while it is open, the labels "
        f"are in {state} on this computer, and they go back when it is closed."
    )
    return Home(
        folder=folder, base=state, runs=folder / "runs", backups=folder / "backups", copy_back=True, reason=reason
    )


def for_reading(folder: Path) -> Home:
    """Where the newest labels are that this computer has, without asking whether anything can be written."""
    if durability.is_network(folder) or not durability.is_writable(folder):
        found = find(folder)
        if found.database.is_file():
            return found
    return own(folder)


def fetch(home: Home, *, take_over: bool) -> Elsewhere | None:
    """Puts the database into the state folder if it is not there yet. -> who has it on another computer, if so;
    take_over: that is of no account any more, and its labels are given up.

    Raises ProjectError if it cannot be put there.
    """
    if home.base == home.folder:
        return None
    link = _read_link(home.folder / LINK_NAME) if home.copy_back else None
    if link is not None and link.host != socket.gethostname() and not take_over:
        return link
    try:
        home.base.mkdir(parents=True, exist_ok=True)
        if not home.database.is_file():
            copy_database(home.folder / DATABASE_NAME, home.database)
        if home.copy_back:
            note = {"host": socket.gethostname(), "user": _user(), "since": now_text(), "folder": str(home.base)}
            write_atomic(home.folder / LINK_NAME, orjson.dumps(note))
    except (OSError, FormatError, sqlite3.Error) as error:
        raise ProjectError(
            f"{home.base}: the project's labels cannot be kept there ({error}). Free some space, or copy the project "
            "to a local drive."
        ) from error
    return None


def bring_back(home: Home) -> None:
    """After the last connection is closed: the database goes back to a network folder. What cannot be brought back
    stays in the state folder, and is used from there at the next open."""
    if not home.copy_back:
        return
    try:
        copy_database(home.database, home.folder / DATABASE_NAME)
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
            (home.base / name).unlink(missing_ok=True)
        (home.folder / LINK_NAME).unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        _log.info("%s: the labels stay in %s: %s", home.folder, home.base, error)


def copy_database(source: Path, target: Path) -> None:
    """A whole, durable copy, in place in one step. Raises OSError, sqlite3.Error."""
    temp = target.with_name(f".rcnn-copy-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with (
            contextlib.closing(connect(source, mode=_read_mode(source))) as db,
            contextlib.closing(sqlite3.connect(temp)) as copy,
        ):
            db.backup(copy)
        with temp.open("rb+") as file:
            flush_to_drive(file.fileno())
        os.replace(temp, target)
        sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            temp.unlink(missing_ok=True)


def _read_mode(path: Path) -> str:
    """A log that was left behind must be read with the database; else the file may be in a folder without writing."""
    log = path.with_name(path.name + "-wal")
    return "ro" if log.exists() and log.stat().st_size else "immutable"


def _state_of(folder: Path) -> Path:
    path = folder / DATABASE_NAME
    with contextlib.closing(connect(path, mode="immutable")) as db:
        check_version(db, path)
        row = db.execute("SELECT value FROM meta WHERE key = 'project_id'").fetchone()
    name = hashlib.sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    try:
        return durability.state_folder(f"{row[0] if row else ''}-{name}")
    except ValueError as error:
        raise ProjectError(f"{path}: the project database is damaged ({error}). Restore it from a backup.") from error


def _read_link(path: Path) -> Elsewhere | None:
    try:
        data: Any = orjson.loads(path.read_bytes())
        return Elsewhere(host=str(data["host"]), user=str(data.get("user", "")), since=str(data.get("since", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
