"""Where the parts of a project lie: in its own folder, or, where that is on a network drive or cannot be written,
in the user's state folder.

A project on a network drive is copied back when it is closed; until then a small file beside it says who has it. One
in a folder that cannot be written comes back at the first open at which it can. A copy notes what the project's own
database was when it was taken, so that neither is ever replaced by the other when it has moved on.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import getpass
import hashlib
import logging
import os
import shutil
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.formats.atomic import flush_to_drive, sweep_temps, sync_folder, temp_name, write_atomic
from rcnn_studio.store import copies, durability
from rcnn_studio.store.durability import Durability
from rcnn_studio.store.schema import DATABASE_NAME, check_version, now_text

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
    """Where the project in this folder lives; makes nothing. Raises ProjectError, sqlite3.Error, OSError."""
    network, writable = durability.is_network(folder), durability.is_writable(folder)
    if writable and not network:
        return own(folder)
    return _in_state_folder(folder, writable=writable)


def _in_state_folder(folder: Path, *, writable: bool) -> Home:
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


def copy_of(folder: Path) -> Home | None:
    """The copy that this computer has of a project, or what is left of it, because its folder could not be written
    once; None if there is none. What dead processes left there is swept. Raises ProjectError, sqlite3.Error,
    OSError."""
    if not durability.state_folders().is_dir():
        return None
    copy = _in_state_folder(folder, writable=False)
    sweep_temps(copy.base)
    return copy if copy.database.is_file() or copy.runs.is_dir() else None


def for_reading(folder: Path) -> Home:
    """Where the newest labels are that this computer has. Raises as copy_of does."""
    copy = copy_of(folder)
    if copy is not None and copies.compare(own(folder).database, copy.database) == "copy":
        return find(folder) if durability.is_network(folder) else copy
    return own(folder)


def kept_elsewhere(home: Home) -> Elsewhere | None:
    """The other computer that has the newest labels of a project on a network drive."""
    link = _read_link(home.folder / LINK_NAME) if home.copy_back else None
    return None if link is None or link.host == socket.gethostname() else link


def make_base(home: Home) -> None:
    """Makes the folder for database and lock. Raises ProjectError."""
    try:
        home.base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_kept(home, error) from error


def settle(home: Home) -> None:
    """Under the lock, before the database is opened: where the project has one of its own and a copy in the state
    folder, the one that is used is the one that has moved on.

    Raises ProjectError if it cannot be put there, or if both have moved on: neither is touched then.
    """
    if home.base == home.folder:
        return
    try:
        newer = _compare(home)
        if newer == "own":
            copies.copy_database(home.folder / DATABASE_NAME, home.database, noted=True)
        if home.copy_back:
            note = {"host": socket.gethostname(), "user": _user(), "since": now_text(), "folder": str(home.base)}
            write_atomic(home.folder / LINK_NAME, orjson.dumps(note))
    except (OSError, FormatError, sqlite3.Error) as error:
        raise _not_kept(home, error) from error


def take_in(copy: Home) -> None:
    """Under both locks, now that the folder can be written: what was labelled while it could not, comes back with its
    runs and backups, and the copy is removed.

    Raises ProjectError if it cannot, or if the project has moved on as well: neither is touched then.
    """
    own_path = copy.folder / DATABASE_NAME
    try:
        if copy.database.is_file():
            if _compare(copy) == "copy":
                _bring_children(copy.backups, copy.folder / "backups")
                copies.copy_database(copy.database, own_path)
                _log.info("%s: labels were brought back from %s", copy.folder, copy.base)
            copies.remove(copy.database)
            sync_folder(copy.base)
    except (OSError, sqlite3.Error) as error:
        raise ProjectError(
            f"{copy.folder}: its newest labels are in {copy.database}, from when this folder could not be written, and "
            f"cannot be brought back ({error}). Free some space or check the drives, then open it again."
        ) from error
    try:
        _bring_children(copy.runs, copy.folder / "runs")
    except OSError as error:
        _log.info("%s: runs stay in %s until the next open: %s", copy.folder, copy.runs, error)


def _compare(home: Home) -> copies.Newer:
    """Raises ProjectError if the project and its copy both have labels that the other one lacks."""
    own_path = home.folder / DATABASE_NAME
    newer = copies.compare(own_path, home.database)
    if newer == "both":
        raise ProjectError(
            f"{own_path} and {home.database} have both been changed since the second was copied from the first, when "
            "the project's folder could not be written. Nothing was changed. Rename the second to go on with the "
            "first; or copy the second over the first to go on with that."
        )
    return newer


def _not_kept(home: Home, error: Exception) -> ProjectError:
    return ProjectError(
        f"{home.base}: the project's labels cannot be kept there ({error}). Free some space, or copy the project "
        "to a local drive."
    )


def _bring_children(source: Path, target: Path) -> None:
    """Moves what is in one folder into the other, each thing in one step; what is there already stays, and goes from
    here if it is the same. Raises OSError."""
    if not source.is_dir():
        return
    for child in sorted(source.iterdir()):
        place = target / child.name
        if child.is_dir() and place.is_dir():
            _bring_children(child, place)
        elif place.is_file() and child.is_file() and filecmp.cmp(child, place, shallow=False):
            child.unlink()
        elif not child.name.startswith(".tmp-") and not place.exists():
            target.mkdir(parents=True, exist_ok=True)
            _move(child, place)
    with contextlib.suppress(OSError):
        source.rmdir()


def _move(source: Path, target: Path) -> None:
    """To another drive by a durable copy, and only then is the source removed. Raises OSError."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        sync_folder(target.parent)
        return
    temp = target.with_name(temp_name())
    try:
        if source.is_dir():
            shutil.copytree(source, temp)
        else:
            shutil.copy2(source, temp)
        _flush(temp)
        os.rename(temp, target)
        sync_folder(target.parent)
    except BaseException:
        _remove(temp)
        raise
    _remove(source)


def _flush(path: Path) -> None:
    """Makes a file, or all of a folder, durable. Raises OSError."""
    for file in [path] if path.is_file() else [child for child in path.rglob("*") if child.is_file()]:
        with file.open("rb+") as opened:
            flush_to_drive(opened.fileno())
    for folder in [path, *path.rglob("*")]:
        if folder.is_dir():
            sync_folder(folder)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def bring_back(home: Home) -> None:
    """After the last connection is closed: the database goes back to a network folder. What cannot be brought back
    stays in the state folder, and is used from there at the next open."""
    if not home.copy_back:
        return
    own_path = home.folder / DATABASE_NAME
    try:
        newer = copies.compare(own_path, home.database)
        if newer in ("own", "both"):
            _log.info("%s was changed meanwhile; the labels stay in %s", own_path, home.database)
            return
        if newer == "copy":
            copies.copy_database(home.database, own_path)
        copies.remove(home.database)
        (home.folder / LINK_NAME).unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        _log.info("%s: the labels stay in %s: %s", home.folder, home.base, error)


def _state_of(folder: Path) -> Path:
    path = folder / DATABASE_NAME
    with copies.reading(path) as db:
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
