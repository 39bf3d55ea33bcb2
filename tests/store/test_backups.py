"""Earlier versions of linked files are kept, listed, capped, and can be brought back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.formats import atomic
from rcnn_studio.store import backups as backups_module
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import coco_project, commit, id_of, move, voc_project

XML = Path("voc") / "Annotations" / "img_0.xml"


def write_versions(store: ProjectStore, count: int) -> list[bytes]:
    """Moves a box and writes, so many times. -> the file's bytes before the first and after each"""
    xml = store.folder.parent / XML
    versions = [xml.read_bytes()]
    for _ in range(count):
        commit(store, move(store, id_of(store, "img_0.png"), dx=1.0))
        store.write_back(wait=True)
        versions.append(xml.read_bytes())
    return versions


def test_the_first_version_and_the_last_ten_are_kept(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        versions = write_versions(store, 14)
        kept = store.backups(tmp_path / XML)
        assert [b.kind for b in kept] == ["version"] * 10 + ["first"]
        assert [b.path.read_bytes() for b in kept] == [*reversed(versions[4:14]), versions[0]]
        assert sorted(p for p in store.backups_folder.rglob("*") if p.is_file()) == sorted(b.path for b in kept)


def test_a_backup_is_the_old_file_itself_and_not_a_copy_of_it(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        inode = (tmp_path / XML).stat().st_ino
        write_versions(store, 1)
        assert store.backups(tmp_path / XML)[0].path.stat().st_ino == inode


def test_where_linking_fails_a_copy_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    with voc_project(tmp_path) as store:
        versions = write_versions(store, 2)
        assert [b.path.read_bytes() for b in store.backups()] == [versions[1], versions[0]]
        assert store.file_errors() == {}


def test_backups_are_capped_in_size_and_the_first_versions_go_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with voc_project(tmp_path) as store:
        size = (tmp_path / XML).stat().st_size
        monkeypatch.setattr(backups_module, "MAX_BYTES", 3 * size + size // 2)
        monkeypatch.setattr("rcnn_studio.store.writeback._COUNT_BACKUPS_EVERY", 1)
        store._writeback._batches = -1
        write_versions(store, 6)
        kept = store.backups()
        assert [b.kind for b in kept] == ["version", "version", "first"]
        assert sum(p.stat().st_size for p in store.backups_folder.rglob("*") if p.is_file()) <= 4 * size


def test_a_backup_is_brought_back_as_an_edit_that_can_be_undone(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        boxes = store.image(image_id).boxes
        versions = write_versions(store, 3)
        now = store.image(image_id)
        first = store.backups(tmp_path / XML)[-1]
        assert store.restore_backup(first.id) == (image_id,)
        assert (tmp_path / XML).read_bytes() == versions[0]
        assert [b.xyxy for b in store.image(image_id).boxes] == [b.xyxy for b in boxes]
        last = store.undoable().undo[-1]
        assert last.text == "Restore img_0.xml from a backup"
        commit(store, last.edit.inverse())
        store.write_back(wait=True)
        assert (tmp_path / XML).read_bytes() == versions[-1]
        assert store.image(image_id) == now


def test_a_coco_backup_is_brought_back_as_well(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        before = path.read_bytes()
        for image_id in (1, 2):
            commit(store, move(store, image_id))
            store.write_back(wait=True)
        assert set(store.restore_backup(store.backups(path)[-1].id)) == {1, 2}
        assert path.read_bytes() == before


def test_a_damaged_backup_is_named_and_not_used(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        write_versions(store, 1)
        backup = store.backups()[0]
        backup.path.unlink()
        backup.path.write_bytes(b"<annotation/>")
        with pytest.raises(ProjectError, match="not what was kept"):
            store.restore_backup(backup.id)
        assert [p.kind for p in store.verify()] == ["bad-backup"]


def test_a_write_that_fails_leaves_no_backup_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with voc_project(tmp_path) as store:
        (tmp_path / XML).write_bytes(b"<annotation/>")
        commit(store, move(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        assert store.backups() == []
        assert not [p for p in store.backups_folder.rglob("*") if p.is_file()]


def test_no_backup_no_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with voc_project(tmp_path) as store:
        before = (tmp_path / XML).read_bytes()
        store.backups_folder.write_bytes(b"in the way")
        commit(store, move(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        assert (tmp_path / XML).read_bytes() == before
        assert "no backup can be kept" in store.status().message
        store.backups_folder.unlink()
        store.write_back(wait=True)
        assert (store.status().kind, len(store.backups())) == ("saved", 1)


def test_the_names_of_backups_are_short_and_plain(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        write_versions(store, 1)
        (backup,) = store.backups()
        assert backup.path.name.endswith("-first-img_0.xml")
        assert backup.path.parent.parent == store.backups_folder
    assert atomic.sweep_temps(tmp_path / "voc" / "Annotations") == 0
