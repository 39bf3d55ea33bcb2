"""Files are written whole or not at all, and never over somebody else's change."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import atomic
from rcnn_studio.formats.atomic import FileChanged, WriteFailed, file_hash, remove_atomic, sweep_temps, write_atomic


def test_a_file_is_written_and_its_hash_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    written = write_atomic(path, b"new", expected_hash="")
    assert path.read_bytes() == b"new"
    assert written == file_hash(path) == hashlib.sha256(b"new").hexdigest()
    assert os.listdir(tmp_path) == ["a.xml"]


def test_a_file_that_somebody_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")
    seen = file_hash(path)
    path.write_bytes(b"theirs")
    for act in (lambda: write_atomic(path, b"ours", expected_hash=seen), lambda: remove_atomic(path, seen)):
        with pytest.raises(FileChanged, match=r"a\.xml: .*changed by another program"):
            act()
    assert path.read_bytes() == b"theirs"


def test_a_file_that_appeared_or_vanished_is_a_change_too(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    with pytest.raises(FileChanged, match="is gone"):
        write_atomic(path, b"ours", expected_hash=hashlib.sha256(b"old").hexdigest())
    path.write_bytes(b"theirs")
    with pytest.raises(FileChanged, match="was made by another program"):
        write_atomic(path, b"ours", expected_hash="")
    assert path.read_bytes() == b"theirs"


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_permissions_are_kept_and_a_protected_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")
    path.chmod(0o664)
    write_atomic(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    path.chmod(0o444)
    with pytest.raises(WriteFailed, match="Allow writing"):
        write_atomic(path, b"newer")
    assert path.read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_bytes(b"old")
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    write_atomic(tmp_path / "link.xml", b"new")
    assert (tmp_path / "link.xml").is_symlink()
    assert (tmp_path / "real.xml").read_bytes() == b"new"


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".json")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failing_disk_leaves_the_old_content_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")

    def fail(*_args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(WriteFailed, match=r"a\.xml: .*No space left"):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.xml"]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:3])))
    write_atomic(tmp_path / "a.xml", b"0123456789")
    assert (tmp_path / "a.xml").read_bytes() == b"0123456789"


def test_a_missing_folder_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(WriteFailed, match=r"a\.xml"):
        write_atomic(tmp_path / "gone" / "a.xml", b"new")


def test_removing_is_checked_and_removing_twice_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    written = write_atomic(path, b"new")
    remove_atomic(path, written)
    remove_atomic(path, written)
    assert not path.exists()


def test_the_hash_of_a_missing_file_is_empty_and_of_a_folder_an_error(tmp_path: Path) -> None:
    assert file_hash(tmp_path / "gone") == ""
    with pytest.raises(FormatError):
        file_hash(tmp_path)


def test_only_the_litter_of_dead_processes_is_swept(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    litter = tmp_path / f".rcnn-{dead.pid}-0123abcd-0123abcd.tmp"
    same_pid_before_a_restart = tmp_path / f".rcnn-{os.getpid()}-0123abcd-0123abcd.tmp"
    mine = tmp_path / f".rcnn-{os.getpid()}-{atomic._PROCESS}-0123abcd.tmp"
    alive = tmp_path / f".rcnn-{os.getppid()}-0123abcd-0123abcd.tmp"
    other = tmp_path / ".rcnn-notes.tmp"
    for path in (litter, same_pid_before_a_restart, mine, alive, other):
        path.write_bytes(b"x")
    assert sweep_temps(tmp_path) == 2
    assert sorted(tmp_path.iterdir()) == sorted((mine, alive, other))


def test_what_a_dead_process_was_making_goes_with_its_logs_and_folders(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    name = f".rcnn-{dead.pid}-0123abcd-0123abcd.tmp"
    for suffix in ("-wal", "-shm", "-journal"):
        (tmp_path / f"{name}{suffix}").write_bytes(b"x")
    (tmp_path / name / "inside").mkdir(parents=True)
    being_made = tmp_path / atomic.temp_name()
    being_made.mkdir()
    assert sweep_temps(tmp_path) == 4
    assert list(tmp_path.iterdir()) == [being_made]
