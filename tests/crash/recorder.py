"""Every system call by which a child changes a folder, with its bytes, in the order of a real run (strace).

Understands the calls' text; what they mean for a disk is in disk.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.forking import Child, Tell, start

WRITING = (
    "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,"
    "sync_file_range,msync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,"
    "rmdir,close,lseek,dup,dup2,dup3,sendfile,copy_file_range,mmap,sendto"
)
_CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
_UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)")
_ATTACH_S = 10.0
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A finished call. start, end: numbers of the lines where it began and ended; result -1: it failed."""

    name: str
    args: tuple[str, ...]
    result: int
    start: int
    end: int

    def text(self, number: int) -> str:
        """An argument that is a path."""
        return unhex(self.args[number]).decode(errors="surrogateescape")

    def data(self, number: int) -> bytes:
        return unhex(self.args[number])

    def fd(self, number: int) -> int:
        return int(self.args[number].split("<")[0])

    def fd_target(self, number: int) -> str:
        """The path that strace shows behind a descriptor."""
        return unhex(self.args[number].partition("<")[2].rpartition(">")[0]).decode(errors="surrogateescape")


def why_not() -> str:
    """Why nothing can be traced here; "" where it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    done = subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace is not permitted here: {done.stderr.strip()[:200]}"


def traced(
    work: Callable[[Tell], None], folder: Path, options: Sequence[str], ready: Callable[[], None] = lambda: None
) -> tuple[Child, subprocess.Popen[bytes]]:
    """Starts work in a child under strace with these options (folder/strace.log), from its first call on; ready is
    done in the child before that."""
    reading, writing = os.pipe()
    child = start(work, folder / "stderr", gate=(reading, ready))
    if child.next(time.monotonic() + _ATTACH_S) != {"ready": True}:
        child.kill()
        raise RuntimeError(f"the child did not come up: {child.complaints()}")
    command = ["strace", "-f", "-o", str(folder / "strace.log"), *options, "-p", str(child.pid)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _ATTACH_S
    while "TracerPid:\t0" in Path(f"/proc/{child.pid}/status").read_text():
        if tracer.poll() is not None or time.monotonic() > deadline:
            child.kill()
            raise RuntimeError(f"strace did not attach (exit {tracer.poll()})")
        time.sleep(0.0005)
    os.write(writing, b"g")
    os.close(reading)
    os.close(writing)
    return child, tracer


def record(
    work: Callable[[Tell], None], folder: Path, ready: Callable[[], None] = lambda: None
) -> tuple[list[dict[str, Any]], list[Call], str]:
    """Runs work to its end (ready: as in traced). -> (what it said, its calls, what it wrote to its error stream)"""
    options = ("-y", "-xx", "-s", "100000000", "-e", f"trace={WRITING}", "-e", "signal=none")
    child, tracer = traced(work, folder, options, ready)
    messages = list(child.rest(time.monotonic() + _LONGEST_S))
    child.kill()
    child.wait()
    tracer.wait()
    log = folder / "strace.log"
    calls = parse(log.read_text(encoding="ascii").splitlines())
    log.unlink()
    return messages, calls, child.complaints()


def parse(lines: Sequence[str]) -> list[Call]:
    """The calls in the order in which they ended."""
    calls: list[Call] = []
    begun: dict[tuple[str, str], tuple[int, str]] = {}
    for number, line in enumerate(lines):
        if match := _UNFINISHED.match(line):
            begun[match[1], match[2]] = (number, match[3])
        elif match := _RESUMED.match(line):
            first, text = begun.pop((match[1], match[2]))
            calls.append(_call(match[2], text + match[3], match[4], first, number))
        elif match := _CALL.match(line):
            calls.append(_call(match[2], match[3], match[4], number, number))
    return calls


def _call(name: str, text: str, result: str, first: int, last: int) -> Call:
    args = tuple(part.strip() for part in text.split(", "))
    return Call(name, args, -1 if result == "?" else int(result), first, last)


def unhex(text: str) -> bytes:
    r"""The bytes of "\x2f\x74..." as strace -xx writes them, with or without quotes."""
    body = text.strip().strip('"')
    if body.endswith('"...'):
        raise ValueError("strace has cut a string short")
    return bytes.fromhex(body.replace("\\x", ""))
