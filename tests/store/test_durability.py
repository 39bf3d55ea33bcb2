"""Network drives and folders that cannot be written: recognised, said, and labels kept where they are safe."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sqlite3
from pathlib import Path

import orjson
import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import copies, durability, home, schema
from rcnn_studio.store.durability import Mount, mount_of, parse_mac_mounts, parse_proc_mounts
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import commit, draw, id_of, label_rows, move, voc_project

LINUX = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/data nfs4 rw,vers=4.2 0 0
//host/share /mnt/my\\040share cifs rw 0 0
/dev/sdb1 /mnt/data/local ext4 rw 0 0
me@host:/home /home/me/remote fuse.sshfs rw 0 0
garbage
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
//me@nas/photos on /Volumes/my (odd) photos (smbfs, nodev, nosuid, mounted by me)
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/home/x", "ext4", False),
        ("/mnt/data/set/a", "nfs4", True),
        ("/mnt/data/local/b", "ext4", False),
        ("/mnt/database", "ext4", False),
        ("/mnt/my share/c", "cifs", True),
        ("/home/me/remote", "fuse.sshfs", True),
    ],
)
def test_the_file_system_of_a_folder_is_found_in_the_systems_table(path: str, kind: str, network: bool) -> None:
    mount = mount_of(path, parse_proc_mounts(LINUX))
    assert mount is not None
    assert (mount.kind, durability.is_network_type(mount.kind)) == (kind, network)


def test_macos_mounts_are_understood() -> None:
    mounts = parse_mac_mounts(MAC)
    assert mounts[2] == Mount("/Volumes/my (odd) photos", "smbfs")
    found = mount_of("/Volumes/my (odd) photos/a", mounts)
    assert found is not None
    assert durability.is_network_type(found.kind)
    assert mount_of("/Users/me", mounts) == Mount("/", "apfs")


def test_this_temporary_folder_is_local_and_promises_everything(tmp_path: Path) -> None:
    assert not durability.is_network(tmp_path)
    with voc_project(tmp_path) as store:
        assert (store.status().durability, store.status().durability_reason) == ("full", "")


def test_each_system_says_what_it_can_promise() -> None:
    texts = {name: durability.promise(name) for name in ("linux", "darwin", "win32")}
    assert "F_FULLFSYNC" in texts["darwin"]
    assert "NTFS" in texts["win32"]
    assert len(set(texts.values())) == 3


@pytest.mark.parametrize("name", ["../../x", "", "a/b", "x" * 80, "a b"])
def test_a_project_id_that_is_no_plain_name_is_no_folder(name: str) -> None:
    with pytest.raises(ValueError, match="no project id"):
        durability.state_folder(name)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project in a folder that counts as a network drive. -> the folder"""
    voc_project(tmp_path).close()
    monkeypatch.setattr(durability, "is_network", lambda folder: folder.is_relative_to(tmp_path))
    return tmp_path / "project"


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project in a folder that cannot be written. -> the folder"""
    voc_project(tmp_path).close()
    monkeypatch.setattr(durability, "is_writable", lambda folder: not folder.is_relative_to(tmp_path))
    return tmp_path / "project"


def journal_mode(path: Path) -> str:
    db = sqlite3.connect(path)
    try:
        return str(db.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        db.close()


def test_on_a_network_drive_the_labels_live_on_this_computer_and_go_back_at_close(
    network: Path, own_home: Path
) -> None:
    with ProjectStore.open(network) as store:
        assert store.status().durability == "weaker"
        assert "network drive" in store.status().durability_reason
        assert store.database.is_relative_to(own_home)
        assert store.runs_folder == network / "runs"
        commit(store, move(store, 1))
        expected = store.image(1)
        link = orjson.loads((network / home.LINK_NAME).read_bytes())
        assert link["host"] == socket.gethostname()
    assert not (network / home.LINK_NAME).exists()
    assert not store.database.exists()
    with ProjectStore.open(network, read_only=True) as store:
        assert store.database == network / "project.rcnn"
        assert store.image(1) == expected


def test_labels_that_could_not_go_back_are_used_from_this_computer(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError(112, "Host is down")

    store = ProjectStore.open(network)
    commit(store, move(store, 1))
    expected = store.image(1)
    with monkeypatch.context() as away:
        away.setattr(copies, "copy_database", gone)
        store.close()
    assert (network / home.LINK_NAME).exists()
    with ProjectStore.open(network) as store:
        assert store.image(1) == expected
    assert not (network / home.LINK_NAME).exists()


def test_labels_on_another_computer_are_named_and_the_project_is_read_only(network: Path) -> None:
    note = {"host": "elsewhere", "user": "ann", "since": "2026-11-21", "folder": "/x"}
    (network / home.LINK_NAME).write_bytes(orjson.dumps(note))
    with ProjectStore.open(network) as store:
        assert store.read_only
        assert "ann on elsewhere" in store.owner
    with ProjectStore.open(network, take_over=True) as store:
        assert not store.read_only


def test_a_folder_that_cannot_be_written_is_labelled_all_the_same(sealed: Path, own_home: Path) -> None:
    before = {p: p.read_bytes() for p in sealed.rglob("*") if p.is_file()}
    with ProjectStore.open(sealed) as store:
        assert not store.read_only
        assert "cannot be written" in store.status().durability_reason
        assert store.runs_folder.is_relative_to(own_home)
        commit(store, draw(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        rows = label_rows(store)
    assert {p: p.read_bytes() for p in sealed.rglob("*") if p.is_file()} == before
    with ProjectStore.open(sealed) as store:
        assert label_rows(store) == rows
    with ProjectStore.open(sealed, read_only=True) as store:
        assert label_rows(store) == rows


def test_two_copies_of_a_project_that_cannot_be_written_do_not_share_labels(sealed: Path) -> None:
    shutil.copytree(sealed.parent, sealed.parent / "copy")
    with ProjectStore.open(sealed) as store:
        commit(store, move(store, 1))
        moved = store.image(1)
    with ProjectStore.open(sealed.parent / "copy" / "project") as other:
        assert other.image(1) != moved


def test_without_room_in_the_state_folder_nothing_is_opened(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "copy_database", full)
    with pytest.raises(ProjectError, match=r"cannot be kept there .*No space left"):
        ProjectStore.open(sealed)


def test_the_journal_is_a_log_on_a_local_drive_and_a_rollback_journal_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voc_project(tmp_path).close()
    path = tmp_path / "project" / schema.DATABASE_NAME
    assert journal_mode(path) == "wal"
    monkeypatch.setattr(durability, "is_network", lambda _: True)
    schema.open_for_writing(path).close()
    assert journal_mode(path) == "delete"


def test_edits_and_readers_get_along_with_a_rollback_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state folder itself may be on a network drive."""
    voc_project(tmp_path).close()
    monkeypatch.setattr(durability, "is_network", lambda _: True)
    with ProjectStore.open(tmp_path / "project") as store:
        for _ in range(20):
            commit(store, move(store, 1, dx=0.5))
            store.image_table()
        store.write_back(wait=True)
        assert store.status().kind == "saved"
        assert journal_mode(store.database) == "delete"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bool]:
    """A project whose folder can be written while gate["open"]."""
    voc_project(tmp_path).close()
    state = {"open": True}
    monkeypatch.setattr(
        durability, "is_writable", lambda folder: state["open"] or not folder.is_relative_to(tmp_path / "project")
    )
    return state


def labelled_while_shut(folder: Path, gate: dict[str, bool]) -> tuple[dict[str, list[tuple[object, ...]]], Path]:
    """-> rows that are in the state folder only, and the database there"""
    gate["open"] = False
    with ProjectStore.open(folder) as store:
        commit(store, draw(store, id_of(store, "img_1.png")))
        store.runs_folder.joinpath("run-1").mkdir(parents=True)
        store.runs_folder.joinpath("run-1", "config.json").write_text("{}")
        rows, database = label_rows(store), store.database
    assert not database.is_relative_to(folder)
    gate["open"] = True
    return rows, database


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EINTR, errno.ENOENT])
def test_other_trouble_at_the_first_try_does_not_mean_that_a_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def failing(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(durability.os, "open", failing)
    assert durability.is_writable(tmp_path)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_refusal_means_that_a_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def failing(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(durability.os, "open", failing)
    assert not durability.is_writable(tmp_path)


def test_a_probe_that_cannot_be_removed_does_not_mean_that_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "unlink", failing)
    assert durability.is_writable(tmp_path)


def test_labels_made_while_the_folder_was_read_only_come_back_with_runs_and_backups(
    tmp_path: Path, gate: dict[str, bool]
) -> None:
    project = tmp_path / "project"
    xml = tmp_path / "voc" / "Annotations" / "img_1.xml"
    imported = xml.read_bytes()
    rows, database = labelled_while_shut(project, gate)
    with ProjectStore.open(project, read_only=True) as store:
        assert label_rows(store) == rows
    with ProjectStore.open(project) as store:
        assert store.database == project / "project.rcnn"
        assert label_rows(store) == rows
        assert store.status().durability == "full"
        store.check_external([xml])
        assert store.conflicts() == []
        assert [b.path.read_bytes() for b in store.backups(xml)] == [imported]
        assert store.verify() == ()
    assert (project / "runs" / "run-1" / "config.json").read_text() == "{}"
    assert not database.exists()


def test_a_copy_that_was_only_looked_at_does_not_replace_newer_labels(tmp_path: Path, gate: dict[str, bool]) -> None:
    project = tmp_path / "project"
    gate["open"] = False
    ProjectStore.open(project).close()
    gate["open"] = True
    with ProjectStore.open(project) as store:
        commit(store, draw(store, 1))
        rows = label_rows(store)
    with ProjectStore.open(project) as store:
        assert label_rows(store) == rows


def test_an_old_copy_is_refreshed_when_the_folder_cannot_be_written_again(
    tmp_path: Path, gate: dict[str, bool], own_home: Path
) -> None:
    project = tmp_path / "project"
    gate["open"] = False
    with ProjectStore.open(project) as store:
        old = store.database
    kept = old.read_bytes()
    gate["open"] = True
    with ProjectStore.open(project) as store:
        commit(store, draw(store, 1))
        rows = label_rows(store)
    old.write_bytes(kept)
    gate["open"] = False
    with ProjectStore.open(project) as store:
        assert store.database == old
        assert label_rows(store) == rows


def test_when_both_have_moved_on_neither_is_thrown_away_and_both_are_named(
    tmp_path: Path, gate: dict[str, bool]
) -> None:
    project = tmp_path / "project"
    own = project / "project.rcnn"
    before = own.read_bytes()
    rows, copy = labelled_while_shut(project, gate)
    kept = copy.read_bytes()
    copy.rename(tmp_path / "aside")
    with ProjectStore.open(project) as store:
        commit(store, move(store, 2))
        other_rows = label_rows(store)
    assert own.read_bytes() != before
    copy.write_bytes(kept)
    for opened in (True, False):
        gate["open"] = opened
        with pytest.raises(ProjectError) as error:
            ProjectStore.open(project)
        assert str(own) in str(error.value)
        assert str(copy) in str(error.value)
        assert "Rename the second" in str(error.value)
        assert copy.read_bytes() == kept
    gate["open"] = True
    copy.rename(tmp_path / "aside")
    with ProjectStore.open(project) as store:
        assert label_rows(store) == other_rows
    copy.write_bytes(kept)
    own.write_bytes(kept)
    with ProjectStore.open(project) as store:
        assert label_rows(store) == rows


def test_a_copy_that_is_open_is_not_brought_back_under_its_writer(tmp_path: Path, gate: dict[str, bool]) -> None:
    project = tmp_path / "project"
    gate["open"] = False
    with ProjectStore.open(project) as first:
        commit(first, draw(first, 1))
        gate["open"] = True
        with ProjectStore.open(project) as second:
            assert second.read_only
            assert label_rows(second) == label_rows(first)
        commit(first, draw(first, 2))
        rows = label_rows(first)
    with ProjectStore.open(project) as store:
        assert not store.read_only
        assert label_rows(store) == rows


def test_no_copy_is_begun_while_the_project_itself_is_open(tmp_path: Path, gate: dict[str, bool]) -> None:
    project = tmp_path / "project"
    with ProjectStore.open(project) as first:
        gate["open"] = False
        with ProjectStore.open(project) as second:
            assert second.read_only
            assert second.database == first.database


def test_labels_that_another_computer_has_brought_back_meanwhile_are_not_replaced(network: Path) -> None:
    store = ProjectStore.open(network)
    commit(store, move(store, 1))
    rows = label_rows(store)
    other = sqlite3.connect(network / "project.rcnn")
    other.execute("INSERT INTO history (time, text, key, kind, edit) VALUES ('', 'theirs', 'k', '', '{}')")
    other.commit()
    other.close()
    theirs = (network / "project.rcnn").read_bytes()
    copy = store.database
    store.close()
    assert (network / "project.rcnn").read_bytes() == theirs
    with pytest.raises(ProjectError, match="have both been changed"):
        ProjectStore.open(network)
    with ProjectStore.open(network, read_only=True) as store:
        assert store.history()[0].text == "theirs"
    (network / "project.rcnn").write_bytes(copy.read_bytes())
    with ProjectStore.open(network) as store:
        assert label_rows(store) == rows


def test_a_log_left_by_a_crash_is_read_where_nothing_can_be_written(tmp_path: Path, gate: dict[str, bool]) -> None:
    project = tmp_path / "project"
    with ProjectStore.open(project) as store:
        commit(store, draw(store, 1))
        rows = label_rows(store)
        shutil.copytree(project, tmp_path / "crashed", ignore=shutil.ignore_patterns("project.lock"))
    assert (tmp_path / "crashed" / "project.rcnn-wal").stat().st_size
    shutil.rmtree(project)
    (tmp_path / "crashed").rename(project)
    gate["open"] = False
    with ProjectStore.open(project) as store:
        assert label_rows(store) == rows


def other_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state folder is on another drive than the project, as it mostly is."""
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(home.os, "rename", rename)


def test_a_run_is_whole_in_its_place_before_it_leaves_the_other_drive(
    tmp_path: Path, gate: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    _, database = labelled_while_shut(project, gate)
    other_drive(monkeypatch)
    with monkeypatch.context() as dead:
        dead.setattr(home, "_remove", lambda path: None)  # killed just before the source is removed
        ProjectStore.open(project).close()
    kept = Path("runs", "run-1", "config.json")
    assert ((project / kept).read_text(), (database.parent / kept).read_text()) == ("{}", "{}")
    ProjectStore.open(project).close()
    assert (project / kept).read_text() == "{}"
    assert not (database.parent / "runs").exists()
    assert not list(project.rglob(".rcnn*"))


def test_a_run_that_cannot_be_copied_stays_where_it_is_until_it_can(
    tmp_path: Path, gate: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    rows, database = labelled_while_shut(project, gate)
    other_drive(monkeypatch)

    flush = home._flush

    def full(path: Path) -> None:
        if path.parent.name == "runs":
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    kept = Path("runs", "run-1", "config.json")
    with monkeypatch.context() as away:
        away.setattr(home, "_flush", full)
        with ProjectStore.open(project) as store:
            assert label_rows(store) == rows
    assert (database.parent / kept).read_text() == "{}"
    assert [path.name for path in (project / "runs").iterdir()] == []
    ProjectStore.open(project).close()
    assert (project / kept).read_text() == "{}"


def test_a_copy_that_a_kill_left_half_made_in_the_state_folder_goes_at_the_next_open(
    tmp_path: Path, gate: dict[str, bool]
) -> None:
    project = tmp_path / "project"
    _, database = labelled_while_shut(project, gate)
    half = database.with_name(".rcnn-4194304-00000000-0000000a.tmp")
    half.write_bytes(b"half a database")
    ProjectStore.open(project).close()
    assert not half.exists()
