"""One project, one writer; a dead owner's lock is free, a living one's is never stolen."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import lock as lock_module
from rcnn_studio.store.lock import ProjectLock


def test_the_second_taker_learns_the_owner(tmp_path: Path) -> None:
    first, second = ProjectLock(tmp_path), ProjectLock(tmp_path)
    assert first.acquire() is None
    owner = second.acquire()
    assert owner is not None
    assert (owner.host, owner.pid) == (socket.gethostname(), os.getpid())
    first.release()
    assert second.acquire() is None
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_owners_lock_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from rcnn_studio.store.lock import ProjectLock\n"
        "lock = ProjectLock(Path(sys.argv[1])); assert lock.acquire() is None; print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        lock = ProjectLock(tmp_path)
        owner = lock.acquire()
        assert owner is not None
        assert owner.pid == child.pid
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert lock.acquire() is None
    lock.release()


@pytest.mark.parametrize(
    ("host", "pid", "free"), [(None, 0, False), ("elsewhere", 1, False), (None, 2**22 + 11, True), (None, None, False)]
)
def test_without_flock_the_process_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str | None, pid: int | None, free: bool
) -> None:
    monkeypatch.setattr(lock_module, "fcntl", None)
    owner = {"host": host or socket.gethostname(), "pid": os.getpid() if pid in (0, None) else pid, "user": "u"}
    (tmp_path / "project.lock").write_bytes(orjson.dumps(owner))
    lock = ProjectLock(tmp_path)
    found = lock.acquire()
    assert (found is None) == free
    lock.release()


def test_a_lock_of_another_computer_is_asked_about_and_taken_over_only_by_choice(tmp_path: Path) -> None:
    foreign = {"host": "elsewhere", "pid": 1, "user": "ann", "since": "2026-11-21"}
    (tmp_path / "project.lock").write_bytes(orjson.dumps(foreign))
    lock = ProjectLock(tmp_path)
    owner = lock.acquire()
    assert owner is not None
    assert (str(owner), owner.is_elsewhere) == ("ann on elsewhere (process 1)", True)
    assert orjson.loads((tmp_path / "project.lock").read_bytes()) == foreign
    assert lock.acquire(take_over=True) is None
    lock.release()


def test_a_living_lock_of_this_computer_is_never_taken_over(tmp_path: Path) -> None:
    first, second = ProjectLock(tmp_path), ProjectLock(tmp_path)
    assert first.acquire() is None
    owner = second.acquire(take_over=True)
    assert owner is not None
    assert not owner.is_elsewhere
    first.release()


def test_a_drive_that_cannot_say_whether_the_lock_is_there_is_named_and_nothing_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = ProjectLock(tmp_path)

    def failing(path: Path, **_: object) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "stat", failing)
        with pytest.raises(ProjectError, match=r"cannot be locked \(Input/output error\)\. Check the drive"):
            lock.acquire()
    assert lock.acquire() is None
    lock.release()
