"""What the system refuses, file by file: the old file stays, the edit is safe, one banner, and it is tried again."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rcnn_studio.domain.edits import Edit
from rcnn_studio.formats import atomic, voc_patch
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import change, commit, contents, draw, id_of, move, voc_project

XML = Path("voc") / "Annotations"
Fault = Callable[[str, int], None]


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Makes a call fail for the files that are written back; 0 makes it work again."""
    failing: dict[str, int] = {}
    real = {name: getattr(os, name) for name in ("write", "fsync", "replace")}
    real_open = os.open

    def broken(name: str) -> Callable[..., object]:
        def call(*args: object) -> object:
            if failing.get(name):
                raise OSError(failing[name], os.strerror(failing[name]))
            return real[name](*args)

        return call

    def opened(path: object, *args: object, **kwargs: object) -> int:
        if failing.get("open") and str(path).endswith(".tmp"):
            raise OSError(failing["open"], os.strerror(failing["open"]), str(path))
        return real_open(path, *args, **kwargs)

    for name in real:
        monkeypatch.setattr(atomic.os, name, broken(name))
    monkeypatch.setattr(atomic.os, "open", opened)
    return lambda name, code: failing.__setitem__(name, code)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("write", errno.ENOSPC),
        ("write", errno.EIO),
        ("fsync", errno.EIO),
        ("open", errno.EROFS),
        ("open", errno.EACCES),
        ("open", errno.EMFILE),
        ("replace", errno.EACCES),
    ],
)
def test_a_refused_write_leaves_the_old_file_one_banner_and_is_tried_again(
    tmp_path: Path, fault: Fault, call: str, code: int
) -> None:
    with voc_project(tmp_path) as store:
        before = contents(tmp_path / "voc")
        fault(call, code)
        for number in range(3):
            commit(store, move(store, id_of(store, f"img_{number}.png")))
        store.write_back(wait=True)
        if call != "fsync":
            assert contents(tmp_path / "voc") == before
        status = store.status()
        assert (status.kind, status.pending_files) == ("error", 3)
        assert "2 more files like it" in status.message
        assert "safe in the project" in status.message
        fault(call, 0)
        store.write_back(wait=True)
        assert (store.status().kind, store.status().pending_files) == ("saved", 0)
        assert store.conflicts() == []
        assert not list((tmp_path / XML).glob(".rcnn*"))


def test_a_failed_flush_of_the_folder_is_no_conflict_with_ourselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with voc_project(tmp_path) as store:
        fail = [True]
        real = atomic.sync_folder

        def broken(folder: Path) -> None:
            if fail[0] and folder.name == "Annotations":
                raise OSError(errno.EIO, "Input/output error")
            real(folder)

        monkeypatch.setattr(atomic, "sync_folder", broken)
        monkeypatch.setattr("rcnn_studio.store.intents.sync_folder", broken)
        commit(store, move(store, 1))
        store.write_back(wait=True)
        assert (store.status().kind, store.pending_files()) == ("error", 1)
        store.write_back(wait=True)
        assert (store.conflicts(), store.pending_files()) == ([], 1)
        fail[0] = False
        store.write_back(wait=True)
        assert (store.status().kind, store.pending_files()) == ("saved", 0)


def test_no_descriptor_is_flushed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    opened: list[int] = []
    real_fsync, real_open = os.fsync, os.open
    with voc_project(tmp_path) as store:

        def fsync(descriptor: int) -> None:
            flushed.append(len(opened) * 1000 + descriptor)
            if len(flushed) % 2:
                raise OSError(errno.EIO, "Input/output error")
            real_fsync(descriptor)

        def counting(*args: object, **kwargs: object) -> int:
            opened.append(1)
            return real_open(*args, **kwargs)

        monkeypatch.setattr(atomic.os, "fsync", fsync)
        monkeypatch.setattr(atomic.os, "open", counting)
        commit(store, move(store, 1))
        for _ in range(4):
            store.write_back(wait=True)
        monkeypatch.undo()
        assert len(flushed) == len(set(flushed)) > 2
        store.write_back(wait=True)
        assert store.status().kind == "saved"


def test_a_short_write_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(atomic.os, "write", lambda descriptor, data: real(descriptor, bytes(data[:7])))
    with voc_project(tmp_path) as store:
        commit(store, move(store, 1))
    assert (tmp_path / XML / "img_0.xml").read_bytes().endswith(b"</annotation>\r\n")


def test_a_write_that_writes_nothing_is_an_error_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic.os, "write", lambda *_: 0)
    with pytest.raises(atomic.WriteFailed):
        atomic.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        xml.chmod(0o664)
        commit(store, move(store, 1))
        store.write_back(wait=True)
        assert stat.S_IMODE(xml.stat().st_mode) == 0o664


def test_bytes_that_would_be_read_as_another_box_are_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = voc_patch.patch

    def wrong(*args: object) -> bytes | None:
        data = real(*args)
        return None if data is None else data.replace(b"<xmin>6</xmin>", b"<xmin>9</xmin>")

    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        before = xml.read_bytes()
        monkeypatch.setattr(voc_patch, "patch", wrong)
        commit(store, move(store, 1))
        store.write_back(wait=True)
        assert xml.read_bytes() == before
        assert "would be read as another one" in store.status().message
        monkeypatch.undo()
        store.write_back(wait=True)
        assert store.status().kind == "saved"


@pytest.mark.parametrize("lost", [True, False])
def test_a_box_that_is_lost_or_made_up_on_the_way_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    real = voc_patch.patch
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        before = xml.read_bytes()

        def wrong(*args: object) -> bytes | None:
            data = real(*args)
            assert data is not None
            start, end = data.index(b"\t<object>"), data.index(b"</object>") + 11
            return data[:start] + data[end:] if lost else data[:end] + data[start:end] + data[end:]

        monkeypatch.setattr(voc_patch, "patch", wrong)
        commit(store, move(store, 1))
        store.write_back(wait=True)
        assert xml.read_bytes() == before
        assert "was not written" in store.status().message
        monkeypatch.undo()
        store.write_back(wait=True)


def test_the_last_box_of_an_image_deleted_is_saved(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        record = store.image(1)
        commit(store, Edit(text="Delete", images=(change(record, removed=record.boxes),)))
        commit(store, draw(store, 2))
    data = (tmp_path / XML / "img_0.xml").read_bytes()
    assert b"<annotation" in data
    assert b"<object" not in data


def test_handles_do_not_pile_up(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        commit(store, move(store, 1))
        store.write_back(wait=True)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(15):
            commit(store, move(store, 1, dx=0.5))
            store.write_back(wait=True)
            store.check_external([tmp_path / XML / "img_0.xml"])
            store.verify()
        assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_held_file_on_windows_is_tried_again_and_other_errors_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")
    real = os.replace
    calls: list[int] = []
    waited: list[float] = []
    monkeypatch.setattr(atomic.time, "sleep", waited.append)

    def held(code: int, times: int) -> Callable[..., None]:
        def replace(*args: object) -> None:
            calls.append(1)
            if len(calls) <= times:
                error = PermissionError(13, "held")
                error.winerror = code  # type: ignore[attr-defined]
                raise error
            real(*args)

        return replace

    monkeypatch.setattr(atomic.os, "replace", held(32, 3))
    atomic.write_atomic(path, b"new")
    assert (path.read_bytes(), len(calls)) == (b"new", 4)
    assert sum(waited) < 2
    calls.clear()
    monkeypatch.setattr(atomic.os, "replace", held(5, 99))
    with pytest.raises(atomic.WriteFailed):
        atomic.write_atomic(path, b"newer")
    assert len(calls) == 6
    calls.clear()
    monkeypatch.setattr(atomic.os, "replace", held(1224, 99))
    with pytest.raises(atomic.WriteFailed):
        atomic.write_atomic(path, b"newer")
    assert (path.read_bytes(), len(calls)) == (b"new", 1)


def test_writing_can_be_paused_and_goes_on_after_reopening(tmp_path: Path) -> None:
    store = voc_project(tmp_path)
    before = contents(tmp_path / "voc")
    store.pause_writing()
    for number in range(3):
        commit(store, move(store, id_of(store, f"img_{number}.png")))
    store.write_back(wait=True)
    status = store.status()
    assert (status.paused, status.kind, status.pending_files, status.batch_files) == (True, "saved", 3, 3)
    store.close()
    assert contents(tmp_path / "voc") == before
    with ProjectStore.open(tmp_path / "project") as store:
        assert not store.status().paused
        store.write_back(wait=True)
        assert (store.status().pending_files, store.status().batch_files) == (0, 0)
    after = contents(tmp_path / "voc")
    assert sum(before[name] != after[name] for name in before) == 3


def test_what_will_change_on_disk_is_shown_before_and_after(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        store.pause_writing()
        xml = tmp_path / XML / "img_0.xml"
        before = xml.read_bytes()
        commit(store, move(store, 1))
        commit(store, draw(store, id_of(store, "img_3.png")))
        commit(store, Edit(text="Nothing", images=(change(store.image(2), state=store.image(2).state),)))
        first, second = store.what_will_change()
        assert (first.path, first.before, first.message) == (xml, before, "")
        assert second.before is None
        assert xml.read_bytes() == before
        store.resume_writing()
        store.write_back(wait=True)
        assert xml.read_bytes() == first.after
        assert second.path.read_bytes() == second.after
        assert store.what_will_change() == []
        (shown,) = store.last_written()
        assert (shown.path, shown.before, shown.after) == (xml, before, first.after)
