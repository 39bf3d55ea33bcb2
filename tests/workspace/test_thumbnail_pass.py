"""Thumbnails made ahead: seen while it works, cancelled for good, out of the way of a training, silent when done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QThread

from rcnn_studio.domain.progress import Progress
from rcnn_studio.workspace import images as images_module
from rcnn_studio.workspace import thumbnail_pass as pass_module
from rcnn_studio.workspace.job import Job
from rcnn_studio.workspace.session import Session


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Every thumbnail waits for a permit, and says so at once."""
    permits = threading.Semaphore(0)
    make = images_module._thumbnail

    def wait(path: Path) -> object:
        permits.acquire(timeout=20)
        return make(path)

    monkeypatch.setattr(images_module, "_thumbnail", wait)
    monkeypatch.setattr(pass_module, "SILENT_S", 0.0)
    return permits


@pytest.fixture
def progress(session: Session) -> list[Progress]:
    seen: list[Progress] = []

    def on_changed() -> None:
        for job in session.board.jobs:
            if job.last_progress is not None and job.last_progress not in seen:
                seen.append(job.last_progress)

    session.board.progressed.connect(on_changed)
    return seen


def on_disk(own_home: Path) -> int:
    return len(list((own_home / "cache" / "thumbnails").rglob("*.jpg")))


def no_jobs(session: Session) -> Callable[[], bool]:
    return lambda: not session.board.jobs and not session.thumbnail_pass.running


def test_the_thumbnails_of_all_images_are_made_and_kept(qtbot, session: Session, own_home: Path) -> None:
    session.make_all_thumbnails()
    assert [job.name for job in session.board.jobs] == ["Thumbnails"]
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
    assert on_disk(own_home) == len(session.project.rows) == 12


def test_a_short_wait_after_opening_begins_it(qtbot, session: Session, own_home: Path, monkeypatch) -> None:
    session.work_ahead()
    qtbot.waitUntil(lambda: on_disk(own_home) == 12, timeout=20_000)


def test_it_says_how_many_are_left(qtbot, session: Session, slow, progress: list[Progress]) -> None:
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: bool(session.board.shown_jobs), timeout=10_000)
    assert session.board.jobs[0].last_progress == Progress("Making thumbnails", 0, 12)
    slow.release(12)
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
    assert all(p.total == 12 for p in progress)


def test_nothing_is_shown_when_everything_is_kept_already(
    qtbot, session: Session, monkeypatch, progress: list[Progress]
) -> None:
    session.make_all_thumbnails()
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
    progress.clear()
    monkeypatch.setattr(pass_module, "SILENT_S", 0.0)
    session.make_all_thumbnails()
    assert session.board.jobs
    assert session.board.shown_jobs == ()
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
    assert progress == []


def test_a_cancelled_walk_begins_again_only_when_asked_for(qtbot, session: Session, slow, own_home: Path) -> None:
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: bool(session.board.shown_jobs), timeout=10_000)
    session.board.jobs[0].stop()
    slow.release(1)
    qtbot.waitUntil(no_jobs(session), timeout=10_000)
    made = on_disk(own_home)
    assert made < 12
    session.thumbnail_pass.begin(session.project.rows.ids.tolist())
    session.thumbnail_pass.hold(True)
    session.thumbnail_pass.hold(False)
    assert not session.board.jobs
    slow.release(12)
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: on_disk(own_home) == 12, timeout=10_000)


def test_it_gives_way_to_a_training_and_goes_on_afterwards(qtbot, session: Session, slow, own_home: Path) -> None:
    training = session.training
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: bool(session.board.shown_jobs), timeout=10_000)
    training._job = Job(lambda _report, _stop: None, name="Training", parent=session)
    training.state_changed.emit()
    slow.release(1)
    qtbot.waitUntil(no_jobs(session), timeout=10_000)
    assert on_disk(own_home) == 1
    slow.release(12)
    assert not session.board.jobs, "not while the training runs"
    training._job = None
    training.state_changed.emit()
    assert session.board.jobs
    qtbot.waitUntil(lambda: on_disk(own_home) == 12, timeout=10_000)


def test_a_row_in_view_goes_before_what_is_made_ahead(qtbot, session: Session, monkeypatch) -> None:
    order: list[str] = []
    make, hold = images_module._thumbnail, threading.Event()

    def noted(path: Path) -> object:
        if threading.current_thread().name.startswith("thumbnails"):
            hold.wait(20)
        order.append(path.name)
        return make(path)

    monkeypatch.setattr(images_module, "_thumbnail", noted)
    ids = session.project.rows.ids.tolist()
    seen = [int(i) for i in reversed(ids[-4:])]
    for image_id in seen:
        session.thumbnails.request(image_id)
    session.make_all_thumbnails()
    threading.Timer(0.2, hold.set).start()
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
    in_view = {session.project.image_path(i).name for i in seen}
    assert set(order[:4]) == in_view
    assert len(order) == 12, "each image is decoded once"


def test_it_runs_at_the_lowest_priority(qtbot, session: Session, slow) -> None:
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: bool(session.board.shown_jobs), timeout=10_000)
    assert session.board.jobs[0].priority() == QThread.Priority.LowestPriority
    slow.release(12)
    qtbot.waitUntil(no_jobs(session), timeout=20_000)


def test_closing_in_the_middle_leaves_nothing_running(qtbot, session: Session, slow) -> None:
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: bool(session.board.shown_jobs), timeout=10_000)
    job = session.board.jobs[0]
    slow.release(1)
    session.close()
    assert job.isFinished()


def test_it_waits_while_the_person_goes_from_image_to_image(qtbot, session: Session, slow) -> None:
    slow.release(1000)
    session.thumbnails.make_way()
    session.make_all_thumbnails()
    job = session.board.jobs[-1]
    assert not job.wait(200)
    assert job.last_progress is None
    qtbot.waitUntil(no_jobs(session), timeout=20_000)
