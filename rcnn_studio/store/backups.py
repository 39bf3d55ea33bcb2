"""Earlier versions of linked files: the first one, the last ten, and foreign ones that were set aside.

The database lists them, the backups folder holds them; what is linked costs space only once it has been replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.formats.atomic import sweep_temps, sync_folder, write_atomic
from rcnn_studio.store.schema import now_text

_log = logging.getLogger(__name__)

BackupKind = Literal["first", "version", "theirs"]
KEPT_VERSIONS = 10
MAX_BYTES = 2 << 30
_FILES_A_FOLDER = 100
_ODD = re.compile(r"[^\w.-]+", re.ASCII)
_COLUMNS = "id, file_id, kind, sequence, name, hash, size, time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A kept version. kind: "first" (before our first write), "version" (an own earlier one) or "theirs" (made by
    another program, and replaced by the person's choice). sequence: the last edit it shows."""

    id: int
    file_id: int
    kind: BackupKind
    sequence: int
    path: Path
    hash: str
    size: int
    time: str


def listing(db: sqlite3.Connection, folder: Path, file_id: int | None = None, limit: int = -1) -> list[Backup]:
    """What is kept, the newest first; of one linked file or of all."""
    which = "" if file_id is None else "WHERE file_id = :file"
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM backups {which} ORDER BY id DESC LIMIT :limit", {"file": file_id, "limit": limit}
    )
    return [_backup(row, folder) for row in rows]


def get(db: sqlite3.Connection, folder: Path, backup_id: int) -> Backup:
    """Raises ProjectError for one that is not kept any more."""
    row = db.execute(f"SELECT {_COLUMNS} FROM backups WHERE id = ?", (backup_id,)).fetchone()
    if row is None:
        raise ProjectError(f"Backup number {backup_id} is not kept any more. Choose another one.")
    return _backup(row, folder)


def read(backup: Backup) -> bytes:
    """The kept bytes, checked. Raises ProjectError."""
    try:
        data = backup.path.read_bytes()
    except OSError as error:
        raise ProjectError(f"{backup.path}: the backup cannot be read ({error.strerror}).") from error
    if hashlib.sha256(data).hexdigest() != backup.hash:
        raise ProjectError(f"{backup.path}: the backup is not what was kept; it is not used. Choose another one.")
    return data


def plan(
    db: sqlite3.Connection, folder: Path, file_id: int, name: str, *, sequence: int, digest: str, size: int
) -> Path | None:
    """Notes that the version on disk is to be kept before it is replaced. -> where to, None if it is kept already."""
    known = db.execute(
        f"SELECT {_COLUMNS} FROM backups WHERE file_id = ? AND hash = ? ORDER BY id DESC LIMIT 1", (file_id, digest)
    ).fetchone()
    if known is not None:
        backup = _backup(known, folder)
        return backup.path if backup.sequence == sequence and backup.kind != "theirs" else None
    has_first = db.execute("SELECT 1 FROM backups WHERE file_id = ? AND kind = 'first'", (file_id,)).fetchone()
    kind: BackupKind = "version" if has_first else "first"
    return _insert(db, folder, file_id, kind, name, sequence=sequence, digest=digest, size=size)


def keep_theirs(db: sqlite3.Connection, folder: Path, file_id: int, name: str, data: bytes, sequence: int) -> None:
    """Keeps a foreign version. Raises FormatError or ProjectError if it cannot be written; nothing is noted then."""
    digest = hashlib.sha256(data).hexdigest()
    path = _insert(db, folder, file_id, "theirs", name, sequence=sequence, digest=digest, size=len(data))
    make_folders([path])
    write_atomic(path, data)


def make_folders(paths: list[Path]) -> None:
    """Raises ProjectError."""
    for folder in {path.parent for path in paths}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(
                f"{folder}: no backup can be kept there ({error.strerror}), so nothing was written. Free some space "
                "or allow writing."
            ) from error


def sync(paths: list[Path]) -> None:
    """Makes the names of new backups durable, as far as the drive can."""
    for folder in {path.parent for path in paths}:
        with contextlib.suppress(OSError):
            sync_folder(folder)


def forget(db: sqlite3.Connection, folder: Path, file_id: int, *, digest: str, sequence: int) -> list[Path]:
    """The version planned last was not replaced after all, so it is no backup. -> files to remove after the commit"""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM backups WHERE file_id = ? AND hash = ? AND sequence = ? AND kind <> 'theirs'",
        (file_id, digest, sequence),
    ).fetchone()
    if row is None:
        return []
    db.execute("DELETE FROM backups WHERE id = ?", (row[0],))
    return [_backup(row, folder).path]


def prune(db: sqlite3.Connection, folder: Path, file_ids: list[int], *, max_bytes: int | None) -> list[Path]:
    """Takes the oldest versions off the list: of these files beyond the last ten, and of all beyond max_bytes (None:
    not counted this time), first versions last. -> files to remove after the commit"""
    gone: list[Path] = []
    for file_id in file_ids:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM backups WHERE file_id = ? AND kind = 'version' ORDER BY id DESC LIMIT -1 OFFSET ?",
            (file_id, KEPT_VERSIONS),
        ).fetchall()
        gone += _drop(db, folder, rows)
    if max_bytes is not None and (excess := total_bytes(db) - max_bytes) > 0:
        gone += _drop(db, folder, _oldest(db, excess))
    return gone


def total_bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(sum(size), 0) FROM backups").fetchone()[0])


def sweep(folder: Path) -> None:
    """Removes what processes that are dead were about to keep here."""
    with contextlib.suppress(OSError):
        for child in sorted(folder.iterdir()):
            sweep_temps(child)


def remove(paths: list[Path]) -> None:
    """Removes files that are on the list no more; one that cannot be removed is swept at a later check."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.info("%s: not removed yet: %s", path, error)


def _oldest(db: sqlite3.Connection, excess: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for row in db.execute(f"SELECT {_COLUMNS} FROM backups ORDER BY kind = 'first', id"):
        if excess <= 0:
            break
        rows.append(row)
        excess -= int(row[6])
    return rows


def _drop(db: sqlite3.Connection, folder: Path, rows: list[tuple[object, ...]]) -> list[Path]:
    db.executemany("DELETE FROM backups WHERE id = ?", [(row[0],) for row in rows])
    return [_backup(row, folder).path for row in rows]


def _insert(
    db: sqlite3.Connection,
    folder: Path,
    file_id: int,
    kind: BackupKind,
    name: str,
    *,
    sequence: int,
    digest: str,
    size: int,
) -> Path:
    number = int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM backups").fetchone()[0])
    safe = _ODD.sub("_", name)[-60:]
    relative = f"{file_id // _FILES_A_FOLDER:04d}/{file_id:06d}-{number:08d}-{kind}-{safe}"
    db.execute(
        f"INSERT INTO backups ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, file_id, kind, sequence, relative, digest, size, now_text()),
    )
    return folder / relative


def _backup(row: tuple[object, ...], folder: Path) -> Backup:
    number, file_id, kind, sequence, name, digest, size, time = row
    assert isinstance(number, int)
    assert isinstance(file_id, int)
    assert isinstance(sequence, int)
    assert isinstance(size, int)
    parts = str(name).split("/")
    if len(parts) != 2 or any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise ProjectError(f"Backup number {number} is listed under an odd name; it is not used.")
    known: BackupKind = "first" if kind == "first" else "theirs" if kind == "theirs" else "version"
    return Backup(
        id=number,
        file_id=file_id,
        kind=known,
        sequence=sequence,
        path=folder / parts[0] / parts[1],
        hash=str(digest),
        size=size,
        time=str(time),
    )
