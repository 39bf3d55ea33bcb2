"""One project, one writer: a lock file that names its owner. Does not decide what a second opener may do."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store.schema import now_text

try:
    import fcntl
except ImportError:  # Windows: the process id in the file decides
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "project.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a project open."""

    host: str
    pid: int
    user: str
    since: str

    @property
    def is_elsewhere(self) -> bool:
        """On another computer, where it cannot be seen whether it still runs: only the person can tell."""
        return self.host not in ("", socket.gethostname())

    def __str__(self) -> str:
        return f"{self.user or 'somebody'} on {self.host or 'an unknown computer'} (process {self.pid})"


class ProjectLock:
    """Held from acquire to release; a killed owner's lock is free at once where the system has flock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self, *, take_over: bool = False) -> Owner | None:
        """None when the lock is ours now, else who has it. A lock of another computer is never stolen: whether that
        still has the project open cannot be seen from here, so the person is asked. take_over: they have said no.

        Raises ProjectError if the lock file cannot be made.
        """
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise ProjectError(
                    f"{self.path}: the project cannot be locked ({error.strerror}). Allow writing to its folder."
                ) from error
            owner = self._try_lock(descriptor, take_over)
            if owner is not None:
                os.close(descriptor)
                return owner
            if self._is_in_place(descriptor):
                self._descriptor = descriptor
                self._write_owner()
                return None
            os.close(descriptor)  # the owner before us removed the file between our open and our lock

    def holder(self, *, take_over: bool = False) -> Owner | None:
        """Who has it, in a folder in which no lock can be made; None if nobody has. take_over: as in acquire."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            return self._try_lock(descriptor, take_over)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Frees the lock and removes its file; does nothing when it is not held."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            if fcntl is not None:
                self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None
        with contextlib.suppress(OSError):
            if fcntl is None:
                self.path.unlink()

    def _try_lock(self, descriptor: int, take_over: bool) -> Owner | None:
        owner = read_owner(self.path)
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return None if owner is None or take_over or not owner.is_elsewhere else owner
            except BlockingIOError:
                return read_owner(self.path) or Owner(host="", pid=0, user="", since="")
            except OSError:
                pass  # a file system without flock: the process id decides, as on Windows
        if owner is None or (take_over and owner.is_elsewhere):
            return None
        return owner if _may_live(owner) else None

    def _is_in_place(self, descriptor: int) -> bool:
        """False if the locked file has been removed meanwhile. No answer is no reason to try for ever."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False
        except OSError as error:
            os.close(descriptor)
            raise ProjectError(
                f"{self.path}: the project cannot be locked ({error.strerror}). Check the drive."
            ) from error

    def _write_owner(self) -> None:
        assert self._descriptor is not None
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "user": _user(), "since": now_text()}
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, orjson.dumps(owner), 0) if hasattr(os, "pwrite") else os.write(
                self._descriptor, orjson.dumps(owner)
            )
        except OSError as error:
            self.release()
            raise ProjectError(
                f"{self.path}: the project cannot be locked ({error.strerror}). Free some space on its drive."
            ) from error


def read_owner(path: Path) -> Owner | None:
    """The owner written in a lock file; None if there is none or it cannot be read."""
    try:
        data: Any = orjson.loads(path.read_bytes())
        return Owner(
            host=str(data["host"]), pid=int(data["pid"]), user=str(data.get("user", "")), since=str(data.get("since"))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _may_live(owner: Owner) -> bool:
    """False only when the owner is surely dead: a process of this computer that is no more."""
    if owner.host != socket.gethostname():
        return True
    if os.name == "nt":
        return _lives_on_windows(owner.pid)
    if owner.pid <= 0:
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _lives_on_windows(pid: int) -> bool:
    """Asked of the system; os.kill would end the process there."""
    import ctypes

    query_limited_information, still_active, access_denied = 0x1000, 259, 5
    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - absent from the stubs elsewhere
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return bool(getattr(ctypes, "get_last_error")() == access_denied)  # noqa: B009
    try:
        code = ctypes.c_ulong()
        return not kernel.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value == still_active
    finally:
        kernel.CloseHandle(handle)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
