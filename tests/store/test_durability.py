"""Network drives and folders that cannot be written: recognised, said, and labels kept where they are safe."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from pathlib import Path

import orjson
import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import durability, home, schema
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
    def gone(*_: object) -> None:
        raise OSError(112, "Host is down")

    store = ProjectStore.open(network)
    commit(store, move(store, 1))
    expected = store.image(1)
    with monkeypatch.context() as away:
        away.setattr(home, "copy_database", gone)
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
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(home, "copy_database", full)
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
