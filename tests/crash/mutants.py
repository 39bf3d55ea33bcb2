"""Faults put into the storage code on purpose, in a child only, to prove that the campaigns can fail.

Each entry patches the running child; the code itself is never changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rcnn_studio.formats import atomic
from rcnn_studio.store import intents, linked, schema, writer


def _without_file_sync() -> None:
    """The new content is renamed into place before it is on disk."""
    _replace_os(atomic, fsync=_folders_only)


def _folders_only(descriptor: int) -> None:
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):
        os.fsync(descriptor)


def _without_folder_sync() -> None:
    """The rename is never made durable."""
    atomic.sync_folder = _nothing  # type: ignore[assignment]


def _nothing(*_: object) -> None:
    return None


def _in_place() -> None:
    """The file is truncated and written where it stands."""

    def write(path: Path, data: bytes, *, expected_hash: str | None = None, keep: Path | None = None) -> str:
        atomic._check_unchanged(path, expected_hash)
        _keep(path, keep)
        with path.open("wb", buffering=0) as file:
            for first in range(0, len(data), 64):
                file.write(data[first : first + 64])
            os.fsync(file.fileno())
        return linked.digest(data)

    _replace_writer(write)


def _rename_first() -> None:
    """The temporary file is renamed before it is written to the end."""

    def write(path: Path, data: bytes, *, expected_hash: str | None = None, keep: Path | None = None) -> str:
        atomic._check_unchanged(path, expected_hash)
        _keep(path, keep)
        temp = path.with_name(f".rcnn-{os.getpid()}-00000000-00000000.tmp")
        with temp.open("wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            os.replace(temp, path)
            for first in range(len(data) // 2, len(data), 64):
                file.write(data[first : first + 64])
            os.fsync(file.fileno())
        atomic.sync_folder(path.parent)
        return linked.digest(data)

    _replace_writer(write)


def _keep(path: Path, keep: Path | None) -> None:
    """A copy and no link: these writers change the file's own bytes."""
    if keep is not None and path.exists():
        keep.write_bytes(path.read_bytes())


def _replace_writer(write: Callable[..., str]) -> None:
    for module in (linked, atomic):
        module.write_atomic = write  # type: ignore[attr-defined]


def _without_database_sync() -> None:
    """SQLite hands its pages to the system and never asks for the disk."""
    configure = schema.configure_for_writing

    def lazy(db: sqlite3.Connection, *rest: Any) -> None:
        configure(db, *rest)
        db.execute("PRAGMA synchronous = OFF")

    schema.configure_for_writing = lazy


def _acknowledge_early() -> None:
    """An edit is called saved when it is queued."""
    post = writer.Writer.post

    def hasty(self: writer.Writer, work: Any, *, done: Any, failed: Any, keep: bool = True) -> None:
        if not keep:
            post(self, work, done=done, failed=failed, keep=keep)
            return
        done((1, []))
        post(self, work, done=_nothing, failed=failed)

    writer.Writer.post = hasty  # type: ignore[method-assign]


def _late_intent() -> None:
    """What is about to be written is not recorded before the rename."""
    record = intents.record_intents

    def forget(db: sqlite3.Connection, prepared: Any, *folders: Path) -> Any:
        result = record(db, prepared, *folders)
        db.executemany("DELETE FROM intents WHERE file_id = ?", [(item.file.id,) for item in prepared])
        return result

    intents.record_intents = forget


def _replace_os(module: Any, **functions: Any) -> None:
    names = {name: getattr(os, name) for name in dir(os)}
    module.os = SimpleNamespace(**{**names, **functions})


MUTANTS: dict[str, Callable[[], None]] = {
    "no-file-sync": _without_file_sync,
    "no-folder-sync": _without_folder_sync,
    "in-place": _in_place,
    "rename-first": _rename_first,
    "no-database-sync": _without_database_sync,
    "acknowledge-early": _acknowledge_early,
    "late-intent": _late_intent,
}


def plant(name: str) -> None:
    """Plants the fault in this process; "" plants none. For children only."""
    if name:
        MUTANTS[name]()
