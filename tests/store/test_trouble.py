"""A disk that refuses: nothing is called saved, nothing is lost, everything goes on when there is space again."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import opening
from rcnn_studio.store import writer as writer_module
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import open_for_writing
from tests.store.projects import id_of, move, refuse_once, voc_project


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While set, connections opened for writing cannot make the database any larger (SQLITE_FULL)."""
    full = threading.Event()

    def limited(path: Path) -> sqlite3.Connection:
        db = open_for_writing(path)
        if full.is_set():
            db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(writer_module, "open_for_writing", limited)
    return full


def long_move(store: ProjectStore, image_id: int) -> object:
    """A move whose history row needs new pages."""
    return replace(move(store, image_id), text="x" * 50_000)


def test_an_edit_waits_for_space_and_is_kept(tmp_path: Path, full_disk: threading.Event) -> None:
    full_disk.set()
    store = voc_project(tmp_path)
    image_id = id_of(store, "img_0.png")
    done: list[int] = []
    for _ in range(2):
        store.submit(long_move(store, image_id), on_done=done.append, on_error=pytest.fail)
    expected = store.image(image_id)
    with pytest.raises(ProjectError, match="full"):
        store.flush()
    assert done == []
    assert store.status().kind == "error"
    assert store.image(image_id) == expected
    with pytest.raises(ProjectError, match="full"):
        store.close()
    full_disk.clear()
    store.flush()
    assert len(done) == 2
    assert store.status().kind == "saved"
    store.close()
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.image(image_id) == expected


def test_giving_up_closes_and_says_what_was_not_stored(tmp_path: Path, full_disk: threading.Event) -> None:
    full_disk.set()
    store = voc_project(tmp_path)
    image_id = id_of(store, "img_0.png")
    before = store.image(image_id)
    errors: list[str] = []
    store.submit(long_move(store, image_id), on_done=pytest.fail, on_error=lambda e: errors.append(str(e)))
    with pytest.raises(ProjectError, match="full"):
        store.close()
    store.close(discard=True)
    assert len(errors) == 1
    assert "full" in errors[0]
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.image(image_id) == before


@pytest.mark.parametrize("expected_warnings", [["receiver of the store's news failed"]])
def test_a_faulty_receiver_does_not_stop_the_writer(tmp_path: Path, expected_warnings: list[str]) -> None:
    with voc_project(tmp_path) as store:

        def broken(_: int) -> None:
            raise RuntimeError("a bug in somebody's slot")

        done: list[int] = []
        store.submit(move(store, 1), on_done=broken, on_error=pytest.fail)
        store.submit(move(store, 1), on_done=done.append, on_error=pytest.fail)
        store.flush()
        assert done == [2]


def test_a_log_that_could_only_be_opened_for_reading_is_given_up_and_the_edit_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections of a process share the log's memory, so the idle readers have to go before the next try."""
    refused = threading.Event()
    waiting: list[sqlite3.Connection] = []

    def sharing(path: Path) -> sqlite3.Connection:
        db = open_for_writing(path)
        if any(_is_open(reader) for reader in waiting):
            db.execute("PRAGMA query_only = ON")
            refused.set()
        return db

    with voc_project(tmp_path) as store:
        assert store._writeback._watcher.finished.wait(20)
        store.image(1)
        waiting += store._readers._free
        assert waiting
        with store._readers.transaction() as lent:
            waiting.append(lent)
            monkeypatch.setattr(writer_module, "open_for_writing", sharing)
            refuse_once(store)
            done: list[int] = []
            store.submit(move(store, 1), on_done=done.append, on_error=pytest.fail)
            assert refused.wait(10)
            with pytest.raises(ProjectError, match="readonly"):
                store.flush()
            assert done == []
        store.flush()
        assert done == [1]
        assert store.status().kind == "saved"
        assert not any(_is_open(reader) for reader in waiting)


def _is_open(db: sqlite3.Connection) -> bool:
    try:
        db.total_changes  # noqa: B018 - raises for a closed one
    except sqlite3.ProgrammingError:
        return False
    return True


@pytest.mark.parametrize(
    ("found", "said", "advice"),
    [
        (
            "*** in database main ***\nPage 27: unable to get the page. error code=8458",
            "cannot be read",
            "Check the drive",
        ),
        ("*** in database main ***\nPage 3: btreeInitPage() returns error code 11", "is damaged", "from a backup"),
    ],
)
def test_a_page_that_the_drive_does_not_give_is_not_called_damage(found: str, said: str, advice: str) -> None:
    text = opening._refusal(Path("/p/project.rcnn"), [found])
    assert said in text
    assert advice in text
    assert "\n" not in text
    assert "***" not in text


def test_a_drive_that_does_not_answer_at_the_open_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voc_project(tmp_path).close()

    def failing(path: Path, **_: object) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "stat", failing)
        for read_only in (False, True):
            with pytest.raises(ProjectError, match=r"cannot be opened .*Input/output error.* Check the drive"):
                ProjectStore.open(tmp_path / "project", read_only=read_only)
    with ProjectStore.open(tmp_path / "project") as store:
        assert not store.read_only
