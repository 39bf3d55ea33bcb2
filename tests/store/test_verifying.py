"""What is wrong inside a project is named, file and place; a sound one has nothing to say."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import Cancelled, ProjectError
from rcnn_studio.domain.progress import Progress
from rcnn_studio.formats import atomic
from rcnn_studio.store import compacting
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from tests.store.projects import coco_project, commit, id_of, make_voc, move, voc_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A closed project with edits and a written file."""
    with voc_project(tmp_path) as store:
        commit(store, move(store, 1))
        edit = move(store, 2)
        commit(store, edit)
        commit(store, edit.inverse())
    return tmp_path / "project"


def spoil(project: Path, *statements: str) -> None:
    db = sqlite3.connect(project / DATABASE_NAME)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def kinds(project: Path) -> list[str]:
    with ProjectStore.open(project, read_only=True) as store:
        return [problem.kind for problem in store.verify()]


def test_a_sound_project_has_no_problems(project: Path) -> None:
    assert kinds(project) == []


def test_a_sound_coco_project_has_no_problems(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        commit(store, move(store, 1))
        store.write_back(wait=True)
        assert store.verify() == ()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE images SET box_count = 7 WHERE id = 2", "wrong-box-count"),
        ("UPDATE boxes SET x2 = x1 WHERE id = 3", "bad-corners"),
        ("UPDATE boxes SET x2 = 9e999 WHERE id = 3", "bad-corners"),
        ("UPDATE boxes SET place = 99 << 40 WHERE id = 3", "bad-place"),
        ("UPDATE boxes SET place = 0 WHERE image_id = 2", "double-place"),
        ("UPDATE images SET state = 2 WHERE id = 2", "odd-state"),
        ("UPDATE boxes SET category_id = 77 WHERE id = 3", "dangling-row"),
        ("UPDATE history SET edit = '{' WHERE sequence = 1", "unreadable-edit"),
        ("UPDATE history SET undoes = 99 WHERE sequence = 3", "lost-edit"),
        ("UPDATE originals SET data = x'00'", "damaged-document"),
        ("DELETE FROM originals", "damaged-document"),
        ("UPDATE files SET hash = 'x' WHERE id = 2", "changed-outside damaged-document"),
        ("UPDATE files SET revision = 99 WHERE id = 2", "not-written-yet"),
        ("INSERT INTO intents SELECT id, hash, hash, 1, '' FROM files WHERE id = 2", "interrupted-write"),
        ("UPDATE backups SET hash = 'x'", "bad-backup"),
        ("DELETE FROM backups", "left-over"),
    ],
)
def test_each_damage_is_named(project: Path, statement: str, kind: str) -> None:
    spoil(project, statement)
    found = kinds(project)
    assert found
    assert set(found) == set(kind.split())


def test_a_damaged_database_is_named(project: Path) -> None:
    spoil(project, "CREATE INDEX extra ON boxes (x1)")
    db = sqlite3.connect(project / DATABASE_NAME)
    page, size = (
        db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'extra'").fetchone()[0],
        db.execute("PRAGMA page_size").fetchone()[0],
    )
    db.close()
    data = bytearray((project / DATABASE_NAME).read_bytes())
    data[(page - 1) * size + 200 : page * size] = bytes(len(data[(page - 1) * size + 200 : page * size]))
    (project / DATABASE_NAME).write_bytes(bytes(data))
    with pytest.raises(ProjectError, match="damaged"):
        ProjectStore.open(project)
    with ProjectStore.open(project, read_only=True) as store:
        problems = store.verify()
    assert {p.kind for p in problems} == {"damaged-database"}
    assert not (project / "project.lock").exists()


def test_left_over_temporary_files_are_named(project: Path) -> None:
    left = project.parent / "voc" / "Annotations" / ".rcnn-4194304-00000000-00000000.tmp"
    left.write_bytes(b"half")
    with ProjectStore.open(project, read_only=True) as store:
        (problem,) = store.verify()
    assert (problem.file, problem.kind, problem.level) == (str(left), "left-over", "note")


def test_checking_reports_where_it_is_and_can_be_stopped(project: Path) -> None:
    seen: list[Progress] = []
    with ProjectStore.open(project, read_only=True) as store:
        store.verify(report=seen.append)
        assert {event.text for event in seen} >= {"Checking the database", "Checking linked files"}
        with pytest.raises(Cancelled):
            store.verify(should_stop=lambda: True)


def test_a_database_with_much_free_room_is_made_small_at_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "WORTH_PAGES", 50)
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        store._writer.call(lambda db: db.execute("CREATE TABLE waste AS SELECT zeroblob(3000000) AS x"))
        store._writer.call(lambda db: db.execute("DROP TABLE waste"))
        record = store.image(image_id)
    path = tmp_path / "project" / DATABASE_NAME
    assert path.stat().st_size < 1_000_000
    assert not path.with_name(f"{DATABASE_NAME}-wal").exists()
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.image(image_id) == record


def test_an_older_database_is_made_small_as_well_or_left_alone_in_time(tmp_path: Path) -> None:
    make_voc(tmp_path / "voc")
    path = tmp_path / "old.rcnn"
    db = sqlite3.connect(path)
    db.execute(
        "CREATE TABLE waste AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
        " SELECT randomblob(900) AS x FROM n"
    )
    db.execute("CREATE TABLE kept AS SELECT 'here' AS x")
    db.commit()
    db.execute("DELETE FROM waste WHERE rowid > 1000")
    db.commit()
    db.close()
    full = path.stat().st_size
    compacting.compact(path, longest_s=0.0)
    assert path.stat().st_size == full
    compacting.compact(path)
    assert path.stat().st_size < full / 4
    db = sqlite3.connect(path)
    assert db.execute("SELECT x FROM kept").fetchone() == ("here",)
    db.close()


def test_a_file_that_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    """Neither one of this process nor one of another that lives; process 1 always does."""
    with voc_project(tmp_path) as store:
        folder = tmp_path / "voc" / "Annotations"
        (folder / f".rcnn-{os.getpid()}-{atomic._PROCESS}-00000001.tmp").touch()
        (folder / ".rcnn-1-00000000-00000001.tmp").touch()
        assert store.verify() == ()
        dead = folder / f".rcnn-{os.getpid()}-00000000-00000001.tmp"
        dead.touch()
        assert [(p.file, p.kind) for p in store.verify()] == [(str(dead), "left-over")]


def test_a_project_that_is_being_written_is_not_called_broken(tmp_path: Path) -> None:
    ended = threading.Event()

    def label(store: ProjectStore) -> None:
        while not ended.is_set():
            commit(store, move(store, 1))
            store.write_back(wait=True)

    with voc_project(tmp_path) as store:
        hand = threading.Thread(target=label, args=(store,))
        hand.start()
        try:
            found = [problem for _ in range(25) for problem in store.verify()]
        finally:
            ended.set()
            hand.join()
    assert [problem for problem in found if problem.kind != "not-written-yet"] == []
