"""A project of an earlier version opens and works; one that cannot be brought up to date stays what it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import migrations
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, VERSION
from tests.store.projects import commit, draw_images, id_of, move, schema_of, voc_project

OLD = Path(__file__).parent / "old" / "version1"


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A project as the first version left it: edits, an undo, a renamed category, a file taken over from another
    program, and one file that is still to be written. -> its folder"""
    draw_images(tmp_path / "voc" / "JPEGImages", [f"img_{number}.png" for number in range(4)])
    annotations = tmp_path / "voc" / "Annotations"
    annotations.mkdir()
    for xml in OLD.glob("*.xml"):
        (annotations / xml.name).write_bytes(xml.read_bytes())
    project = tmp_path / "project"
    project.mkdir()
    db = sqlite3.connect(project / DATABASE_NAME)
    db.executescript((OLD / "project.sql").read_text(encoding="utf-8"))
    db.close()
    return project


def version_of(project: Path) -> int:
    db = sqlite3.connect(project / DATABASE_NAME)
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


def test_a_project_of_the_first_version_opens_with_everything_in_it(version_1: Path) -> None:
    assert version_of(version_1) == 1
    with ProjectStore.open(version_1) as store:
        assert [c.name for c in store.categories()] == ["bolt", "hex nut", "washer"]
        assert store.image_table().box_counts.tolist() == [2, 2, 2, 1]
        assert store.history(3)[0].text == "Move box"
        assert len(store.history()) == 11
        assert len(store.rejections(1)) == 1
        assert store.get_meta("current_image") == "2"
        assert [entry.sequence for entry in store.image_history(2)] == [11, 5, 4, 3]
        assert store.image_as_of(2, 3).state == ImageState.VERIFIED
    assert version_of(version_1) == VERSION


def test_what_the_first_version_left_unwritten_is_written_and_undone_to_the_byte(version_1: Path) -> None:
    xml = version_1.parent / "voc" / "Annotations" / "img_1.xml"
    before = xml.read_bytes()
    with ProjectStore.open(version_1) as store:
        store.write_back(wait=True)
        assert xml.read_bytes() != before
        assert store.file_errors() == {}
        last = store.undoable(1).undo[-1]
        assert (last.sequence, last.text) == (11, "Move box")
        commit(store, last.edit.inverse())
        store.write_back(wait=True)
        assert xml.read_bytes() == before


def test_a_taken_over_file_of_the_first_version_is_still_patched_rightly(version_1: Path) -> None:
    xml = version_1.parent / "voc" / "Annotations" / "img_2.xml"
    before = xml.read_bytes()
    with ProjectStore.open(version_1) as store:
        edit = move(store, id_of(store, "img_2.png"))
        commit(store, edit)
        store.write_back(wait=True)
        changed = [line for line in xml.read_bytes().splitlines() if line not in before.splitlines()]
        assert len(changed) == 1
        commit(store, edit.inverse())
    assert xml.read_bytes() == before


def test_a_migrated_database_has_the_tables_of_a_new_one(version_1: Path, tmp_path: Path) -> None:
    ProjectStore.open(version_1).close()
    voc_project(tmp_path / "new").close()
    assert schema_of(version_1) == schema_of(tmp_path / "new" / "project")


def test_a_copy_is_made_before_anything_changes(version_1: Path) -> None:
    ProjectStore.open(version_1).close()
    copy = migrations.backup_path(version_1 / DATABASE_NAME, 1)
    db = sqlite3.connect(copy)
    try:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        assert db.execute("SELECT count(*) FROM history").fetchone()[0] == 11
    finally:
        db.close()


def test_a_failed_migration_leaves_the_old_database_as_it_was(version_1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM boxes")
        raise ValueError("a bug")

    monkeypatch.setitem(migrations.MIGRATIONS, 2, broken)
    with pytest.raises(ProjectError, match="could not be brought from format 1 to 2"):
        ProjectStore.open(version_1)
    assert version_of(version_1) == 1
    monkeypatch.undo()
    with ProjectStore.open(version_1) as store:
        assert store.snapshot().box_count == 7


def test_a_migration_that_loses_a_row_others_speak_of_is_refused(
    version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(migrations.MIGRATIONS, 2, lambda db: db.execute("DELETE FROM categories WHERE id = 1"))
    with pytest.raises(ProjectError, match="speaks of a row of categories"):
        ProjectStore.open(version_1)
    assert version_of(version_1) == 1


def test_an_old_project_is_read_without_being_changed(version_1: Path) -> None:
    before = (version_1 / DATABASE_NAME).read_bytes()
    with ProjectStore.open(version_1, read_only=True) as store:
        assert store.snapshot().box_count == 7
        assert len(store.image_history(2)) == 4
    assert (version_1 / DATABASE_NAME).read_bytes() == before
    assert sorted(p.name for p in version_1.iterdir()) == [DATABASE_NAME]
