"""Writing files so that after a crash the old or the new content is there, whole.

Knows nothing of what the files hold. Needs a file system that honours fsync and renames atomically. Where a system
lacks a call: Windows cannot flush a folder and its NTFS journals renames by itself; macOS needs F_FULLFSYNC to empty
the drive's cache; a drive without hard links gets copies.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rcnn_studio.domain.errors import FormatError

_PROCESS = secrets.token_hex(4)
_TEMP_NAME = re.compile(r"\.rcnn-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp(?:-wal|-shm|-journal)?")
_CHUNK = 1 << 20
_F_FULLFSYNC = 51  # fcntl.F_FULLFSYNC of macOS, absent from the module elsewhere
# ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION: a virus scanner or indexer has the file open.
_HELD_BY_OTHERS = (5, 32, 33)
_PAUSES_S = (0.01, 0.03, 0.1, 0.3, 1.0)
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


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


def write_atomic(path: Path, data: bytes, *, expected_hash: str | None = None, keep: Path | None = None) -> str:
    """Replaces the file's content in one step and returns the SHA-256 of `data` as hex.

    expected_hash: what file_hash must say beforehand ("": the file must not exist; None: not checked). keep: where
    the old file is kept, by a hard link or a copy, in a folder that exists. A link is followed, a file's mode is
    kept. Raises FileChanged, or WriteFailed with the cause; the old content is still there then, unless it was
    the flush of the folder that failed: then the new content may be.
    """
    target = path.resolve()
    try:
        _check_unchanged(target, expected_hash)
        temp = target.with_name(temp_name())
        try:
            _write_temp(temp, data, mode=_mode_to_keep(target))
            if keep is not None:
                keep_file(target, keep)
            _patiently(lambda: os.replace(temp, target))
        except BaseException:
            with contextlib.suppress(OSError):
                temp.unlink()
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise WriteFailed(path, "", f"could not be written ({error.strerror}). {_remedy(error)}") from error
    return hashlib.sha256(data).hexdigest()


def keep_file(path: Path, keep: Path) -> None:
    """Keeps the file under a second name: a hard link, or a flushed copy where the drive has no links or it is
    another drive. Does nothing if there is no such file. Raises OSError."""
    keep.unlink(missing_ok=True)
    try:
        os.link(path, keep)
    except FileNotFoundError:
        if path.exists():
            raise
    except OSError:
        temp = keep.with_name(temp_name())
        try:
            shutil.copyfile(path, temp)
            with temp.open("rb+") as file:
                flush_to_drive(file.fileno())
            os.replace(temp, keep)
        except BaseException:
            with contextlib.suppress(OSError):
                temp.unlink()
            raise


def remove_atomic(path: Path, expected_hash: str | None = None, *, keep: Path | None = None) -> None:
    """Removes the file; one that is gone already is fine. keep, errors: as in write_atomic."""
    target = path.resolve()
    if not target.exists():
        return
    try:
        _check_unchanged(target, expected_hash)
        _mode_to_keep(target)
        if keep is not None:
            keep_file(target, keep)
        _patiently(lambda: target.unlink(missing_ok=True))
        sync_folder(target.parent)
    except OSError as error:
        raise WriteFailed(path, "", f"could not be removed ({error.strerror}). {_remedy(error)}") from error


def temp_name() -> str:
    """A new name for what is not whole yet: short, hidden, and telling who is writing it. A database may be made under
    it, with its log beside it."""
    return f".rcnn-{os.getpid()}-{_PROCESS}-{secrets.token_hex(4)}.tmp"


def sweep_temps(folder: Path) -> int:
    """Removes the temporary files and folders that dead processes left in this folder. -> how many"""
    removed = 0
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    for name in filter(is_left_over, names):
        path = folder / name
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed += 1
    return removed


def is_temp(name: str) -> bool:
    """True for a name that temp_name gave, here or in another process."""
    return _TEMP_NAME.fullmatch(name) is not None


def is_left_over(name: str) -> bool:
    """True for the name of a temporary file that no living process is writing."""
    match = _TEMP_NAME.fullmatch(name)
    return match is not None and match.group(2) != _PROCESS and not _is_other_living_process(int(match.group(1)))


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
            written = os.write(descriptor, view)
            if written <= 0:
                raise OSError(errno.EIO, "nothing was written", str(temp))
            view = view[written:]
        if os.fstat(descriptor).st_size != len(data):
            raise OSError(errno.EIO, "the drive took less than it said", str(temp))
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
        flush_to_drive(descriptor)
    finally:
        os.close(descriptor)


def flush_to_drive(descriptor: int) -> None:
    """Makes a file's bytes durable. One try only: after a failed fsync a second one on the same descriptor may
    report success although the pages are lost (Rebello et al., "Can Applications Recover from fsync Failures?",
    2020). Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every volume knows it; then it has said nothing about the data yet
            fcntl.fcntl(descriptor, _F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes renames in the folder durable. Windows has no such call and journals renames by itself; some network
    drives refuse it, for which the project's weaker badge stands. Raises OSError."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        flush_to_drive(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _patiently(action: Callable[[], None]) -> None:
    """Does it, again after a pause where Windows says that another program holds the file, five times at most."""
    for pause in _PAUSES_S:
        try:
            return action()
        except OSError as error:
            if getattr(error, "winerror", None) not in _HELD_BY_OTHERS:
                raise
        time.sleep(pause)
    return action()


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
