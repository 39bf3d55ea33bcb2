"""Writing files so that after a crash the old or the new content is there, whole.

Knows nothing of what the files hold. Needs a file system that honours fsync and renames atomically.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from rcnn_studio.domain.errors import FormatError

_PROCESS = secrets.token_hex(4)
_TEMP_NAME = re.compile(r"\.rcnn-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp")
_CHUNK = 1 << 20


class FileChanged(FormatError):
    """The file is not what it was when it was read: somebody else has written it, so it was left alone."""


class WriteFailed(FormatError):
    """The system refused to write the file (full disk, no permission, ...); the old content is still there."""


def file_hash(path: Path) -> str:
    """SHA-256 of the file as hex; empty if there is no such file. Raises FormatError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    return digest.hexdigest()


def write_atomic(path: Path, data: bytes, *, expected_hash: str | None = None) -> str:
    """Replaces the file's content in one step and returns the SHA-256 of `data` as hex.

    expected_hash: what file_hash must say beforehand ("": the file must not exist; None: not checked). A link
    is followed, a file's mode is kept. Raises FileChanged, or WriteFailed with the cause; both leave the old
    content as it was.
    """
    target = path.resolve()
    try:
        _check_unchanged(target, expected_hash)
        temp = target.with_name(f".rcnn-{os.getpid()}-{_PROCESS}-{secrets.token_hex(4)}.tmp")
        try:
            _write_temp(temp, data, mode=_mode_to_keep(target))
            os.replace(temp, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temp.unlink()
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise WriteFailed(path, "", f"could not be written ({error.strerror}). {_remedy(error)}") from error
    return hashlib.sha256(data).hexdigest()


def remove_atomic(path: Path, expected_hash: str | None = None) -> None:
    """Removes the file; one that is gone already is fine. Raises FileChanged or WriteFailed as write_atomic does."""
    target = path.resolve()
    if not target.exists():
        return
    try:
        _check_unchanged(target, expected_hash)
        _mode_to_keep(target)
        target.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise WriteFailed(path, "", f"could not be removed ({error.strerror}). {_remedy(error)}") from error


def sweep_temps(folder: Path) -> int:
    """Removes the temporary files that dead processes left in this folder. -> how many"""
    removed = 0
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    for name in names:
        match = _TEMP_NAME.fullmatch(name)
        if match is None or match.group(2) == _PROCESS or _is_other_living_process(int(match.group(1))):
            continue
        with contextlib.suppress(OSError):
            (folder / name).unlink()
            removed += 1
    return removed


def _check_unchanged(target: Path, expected_hash: str | None) -> None:
    if expected_hash is None:
        return
    found = file_hash(target)
    if found == expected_hash:
        return
    if not found:
        raise FileChanged(target, "", "is gone since it was read. Put it back, or write it anew.")
    if not expected_hash:
        raise FileChanged(target, "", "was made by another program meanwhile. Import it, or move it away.")
    raise FileChanged(target, "", "was changed by another program since it was read, and was left alone.")


def _mode_to_keep(target: Path) -> int | None:
    """The permission bits of a file that is to be replaced. A rename would replace even a write-protected file."""
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(13, "the file is write-protected", str(target))
    return mode


def _write_temp(temp: Path, data: bytes, *, mode: int | None) -> None:
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable. Windows has no such call and journals renames by itself."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_other_living_process(pid: int) -> bool:
    """In a container a new start often gets the dead one's pid: our own pid with a foreign token is dead."""
    if pid == os.getpid():
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Allow writing to the file and its folder, or work on a copy."
    return "Free some space or check the drive; the old content is untouched."
