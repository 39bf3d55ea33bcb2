"""Children forked from a process that has imported everything and started no thread: a start costs milliseconds.

Knows nothing of projects. The parent reads lines of JSON from each child, and may kill it at any moment.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import socket
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcnn_studio.formats import atomic

Tell = Callable[[dict[str, Any]], None]
_CRASHED = 70
_LONG_S = 1e6


@dataclass(slots=True)
class Child:
    """A running child. Lines that a kill has torn are left out."""

    pid: int
    fd: int
    stderr: Path
    status: int | None = None
    _rest: bytes = b""
    _whole: deque[bytes] = field(default_factory=deque)

    def next(self, until: float) -> dict[str, Any] | None:
        """The next thing it says; None at that moment (of time.monotonic), or when it has ended."""
        while not self._whole:
            timeout = min(until - time.monotonic(), _LONG_S)
            if timeout <= 0 or not select.select([self.fd], [], [], timeout)[0]:
                return None
            data = os.read(self.fd, 1 << 16)
            if not data:
                return None
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._whole.extend(whole)
        message: dict[str, Any] = json.loads(self._whole.popleft())
        return message

    def rest(self, until: float = float("inf")) -> Iterator[dict[str, Any]]:
        """Everything it says until then."""
        while (message := self.next(until)) is not None:
            yield message

    def kill(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """-> its exit status as subprocess tells it: -9 for a kill"""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.fd)
        return self.status

    def wait_for(self, seconds: float) -> bool:
        """False if it has not ended by itself in that time."""
        deadline = time.monotonic() + seconds
        while self.status is None and time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                os.close(self.fd)
                return True
            time.sleep(0.001)
        return self.status is not None

    def complaints(self) -> str:
        """What it, or a thread of it, wrote to its error stream."""
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""


def start(work: Callable[[Tell], None], stderr: Path, *, gate: tuple[int, Callable[[], None]] | None = None) -> Child:
    """Runs work(tell) in a child. gate: what to do first, and a descriptor that is read
    before work begins, and after {"ready": true} was said."""
    ours, theirs = socket.socketpair()  # and no pipe: a fault put into "write" must not hit what is said
    pid = os.fork()
    if pid:
        theirs.close()
        return Child(pid=pid, fd=ours.detach(), stderr=stderr)
    status = _CRASHED
    try:
        ours.close()
        errors = os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(errors, 2)
        os.close(errors)
        atomic._PROCESS = secrets.token_hex(4)  # as in a process that was started and not forked
        if gate is not None:
            gate[1]()
            teller(theirs)({"ready": True})
            os.read(gate[0], 1)
        work(teller(theirs))
        status = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def teller(line: socket.socket) -> Tell:
    def tell(message: dict[str, Any]) -> None:
        line.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    return tell
