"""One project opened and closed as a whole: nothing lost, nothing left running."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Report, ShouldStop, check
from rcnn_studio.store import writer as writer_module
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import open_for_writing
from rcnn_studio.workspace.session import Session
from tests.store.projects import voc_project
from tests.workspace.hearing import Heard


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While set, a connection opened for writing cannot make the database any larger (SQLITE_FULL)."""
    full = threading.Event()

    def limited(path: Path) -> sqlite3.Connection:
        db = open_for_writing(path)
        if full.is_set():
            db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(writer_module, "open_for_writing", limited)
    return full


@pytest.fixture
def written() -> Callable[[Session], bytes]:
    return lambda session: (session.store.folder.parent / "voc/Annotations/img_0.xml").read_bytes()


def draw_many(session: Session) -> None:
    """Edits that need new pages in the database."""
    for number in range(40):
        session.project.add_box(number, 1, number + 9, 9)


def test_closing_writes_what_is_pending_and_ends_every_thread(qapp, tmp_path: Path, written) -> None:
    voc_project(tmp_path).close()
    before = set(threading.enumerate())
    session = Session(tmp_path / "project")
    session.project.open_first()
    session.project.add_box(3, 4, 33, 44)
    assert set(threading.enumerate()) > before
    session.close()
    assert set(threading.enumerate()) <= before
    assert b"<xmax>33</xmax>" in written(session)
    assert not (session.store.folder / "project.lock").exists()


def test_closing_twice_is_safe(session: Session) -> None:
    session.project.add_box(3, 4, 33, 44)
    session.close()
    session.close()
    with ProjectStore.open(session.store.folder) as store:
        assert not store.read_only
        assert len(store.image(session.project.current_id).boxes) == 3


def test_closing_stops_the_jobs_first(session: Session) -> None:
    started = threading.Event()
    ends: list[str] = []

    def work(_report: Report, should_stop: ShouldStop) -> None:
        started.set()
        while not should_stop():
            threading.Event().wait(0.005)
        session.store.snapshot()  # as a training does that ends: the project must still be open
        ends.append("after the snapshot")
        check(should_stop)

    job = session.board.prepare("Training", work)
    session.board.start(job)
    assert started.wait(10)
    session.close()
    assert job.isFinished()
    assert ends == ["after the snapshot"]


def test_opening_an_image_has_it_decoded_and_its_neighbours_too(qtbot, session: Session) -> None:
    ids = [int(i) for i in session.project.rows.ids]
    with qtbot.waitSignal(session.images.image_ready, timeout=10_000) as ready:
        session.project.set_current(ids[5])
    assert ready.args[0] == ids[5]
    qtbot.waitUntil(lambda: all(session.images.get(ids[n]) is not None for n in (4, 5, 6, 7)), timeout=10_000)


def test_an_image_that_links_out_of_its_folder_opens_with_a_word_and_its_neighbours_without(
    qtbot, tmp_path: Path, session: Session
) -> None:
    ids = [int(i) for i in session.project.rows.ids]
    inside, outside = session.project.image_path(ids[5]), tmp_path / "outside.png"
    inside.replace(outside)
    inside.symlink_to(outside)
    with qtbot.waitSignal(session.images.image_ready, timeout=10_000):
        session.project.set_current(ids[4])
    with qtbot.waitSignal(session.images.image_failed, timeout=10_000) as failed:
        session.project.set_current(ids[5])
    assert "leads out of the folder" in failed.args[1]
    assert session.project.current_id == ids[5]


def test_a_full_disk_keeps_everything_open_until_there_is_space(qtbot, session: Session, full_disk) -> None:
    session.project.store.flush()
    full_disk.set()
    before = [box.id for box in session.project.boxes]
    heard = Heard(status=session.project.status_changed)
    draw_many(session)
    with pytest.raises(ProjectError, match=r"cannot be written .*Free some space"):
        session.close()
    qtbot.waitUntil(lambda: any(s.kind == "error" for s in heard.of("status")), timeout=10_000)
    session.project.delete_boxes(before)
    with qtbot.waitSignal(session.images.image_ready, timeout=10_000):
        session.project.set_current(int(session.project.rows.ids[5]))  # pictures and readers still work
    full_disk.clear()
    session.close()
    with ProjectStore.open(session.store.folder) as store:
        assert len(store.image(int(session.project.rows.ids[0])).boxes) == 40
        assert store.get_meta("current_image") == str(session.project.current_id)


def test_whoever_gives_up_on_a_full_disk_can_close(session: Session, full_disk) -> None:
    full_disk.set()
    draw_many(session)
    with pytest.raises(ProjectError):
        session.close()
    session.close(discard=True)
    full_disk.clear()
    with ProjectStore.open(session.store.folder) as store:
        kept = store.image(session.project.current_id).boxes
        assert kept == session.project.boxes[: len(kept)], "the first ones may have found space"
        assert len(kept) < 42
        assert not store.read_only


def test_a_folder_without_a_project_is_refused_by_name(qapp, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="nothing-here"):
        Session(tmp_path / "nothing-here")


def test_a_session_that_cannot_be_built_leaves_the_project_free(qapp, tmp_path: Path, monkeypatch) -> None:
    voc_project(tmp_path).close()

    def damaged(_self: ProjectStore) -> None:
        raise ProjectError("project.rcnn: the project database cannot be read.")

    with monkeypatch.context() as patch:
        patch.setattr(ProjectStore, "category_counts", damaged)
        with pytest.raises(ProjectError, match="cannot be read"):
            Session(tmp_path / "project")
    with ProjectStore.open(tmp_path / "project") as store:
        assert not store.read_only
