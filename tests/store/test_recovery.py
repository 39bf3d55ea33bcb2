"""A crash between the rename and its note in the database is told apart from somebody else's change."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.formats.atomic import file_hash, temp_name
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, VERSION
from tests.store.projects import commit, id_of, move, voc_project

Interrupt = Callable[[str], tuple[Path, bytes]]


@pytest.fixture
def interrupted(tmp_path: Path) -> Interrupt:
    """A closed project as a crash leaves it: the intent is recorded, the outcome is not. The argument says what is
    on disk: "new", "old" or "foreign" bytes. -> the XML and its new bytes"""

    def make(on_disk: str) -> tuple[Path, bytes]:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        with voc_project(tmp_path) as store:
            old = xml.read_bytes()
            commit(store, move(store, id_of(store, "img_0.png")))
            store.write_back(wait=True)
        new = xml.read_bytes()
        intended = file_hash(xml)
        xml.write_bytes({"new": new, "old": old, "foreign": b"<annotation/>"}[on_disk])
        db = sqlite3.connect(tmp_path / "project" / DATABASE_NAME)
        xml_id = db.execute("SELECT id FROM files WHERE path LIKE '%img_0.xml'").fetchone()[0]
        (tmp_path / "old").write_bytes(old)
        expected = file_hash(tmp_path / "old")
        db.execute("UPDATE files SET hash = ?, written = 0 WHERE id = ?", (expected, xml_id))
        db.execute("INSERT INTO intents VALUES (?, ?, ?, 1, '')", (xml_id, expected, intended))
        db.commit()
        db.close()
        (xml.parent / ".rcnn-4194304-00000000-00000000.tmp").write_bytes(b"half a fi")
        return xml, new

    return make


@pytest.mark.parametrize("on_disk", ["new", "old"])
def test_an_interrupted_write_is_finished(tmp_path: Path, interrupted: Interrupt, on_disk: str) -> None:
    xml, new = interrupted(on_disk)
    with ProjectStore.open(tmp_path / "project") as store:
        store.write_back(wait=True)
        assert store.conflicts() == []
        assert store.status().kind == "saved"
        assert store.pending_files() == 0
    assert xml.read_bytes() == new
    assert not list(xml.parent.glob(".rcnn*"))


def test_a_foreign_file_after_a_crash_is_a_conflict(tmp_path: Path, interrupted: Interrupt) -> None:
    xml, _ = interrupted("foreign")
    with ProjectStore.open(tmp_path / "project") as store:
        assert [c.path for c in store.conflicts()] == [str(xml)]
    assert xml.read_bytes() == b"<annotation/>"


def test_what_was_pending_is_written_at_the_next_open(tmp_path: Path) -> None:
    store = voc_project(tmp_path)
    xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
    before = xml.read_bytes()
    commit(store, move(store, id_of(store, "img_0.png")))
    store.close(write_files=False)
    assert xml.read_bytes() == before
    with ProjectStore.open(tmp_path / "project") as store:
        store.write_back(wait=True)
        assert xml.read_bytes() != before


def test_a_project_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    voc_project(tmp_path).close()
    path = tmp_path / "project" / DATABASE_NAME
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="newer RCNN Studio"):
        ProjectStore.open(tmp_path / "project")
    assert path.read_bytes() == before


def test_a_root_that_leads_out_of_the_surroundings_is_refused(tmp_path: Path) -> None:
    voc_project(tmp_path).close()
    db = sqlite3.connect(tmp_path / "project" / DATABASE_NAME)
    db.execute("UPDATE roots SET path = '../../../etc', relative = 1")
    db.commit()
    db.close()
    with pytest.raises(ProjectError, match="leads out"):
        ProjectStore.open(tmp_path / "project")
    assert not (tmp_path / "project" / "project.lock").exists()


def test_what_a_kill_left_beside_the_database_and_the_backups_goes_at_the_next_open(
    tmp_path: Path, interrupted: Interrupt
) -> None:
    interrupted("new")
    project = tmp_path / "project"
    dead = ".rcnn-4194304-00000000-0000000a.tmp"
    for name in (dead, f"{dead}-wal", f"{dead}-journal"):
        (project / name).write_bytes(b"half a database")
    (backup,) = {path.parent for path in (project / "backups").rglob("*") if path.is_file()}
    (backup / dead).write_bytes(b"half a copy")
    ours = project / temp_name()
    ours.touch()
    with ProjectStore.open(project) as store:
        assert [path for path in project.rglob(".rcnn*") if path != ours] == []
        assert len(store.backups()) == 1
    assert ours.exists()
