"""Detections computed by themselves when an image is opened, and predictions for many images as a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Report, ShouldStop, check
from rcnn_studio.domain.runs import Warned
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.workspace import predictions
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.workspace.hearing import Heard
from tests.workspace.reviewing import FakeLive, five_detections

Prediction = Callable[[ProjectStore, Path, Sequence[int], Report, ShouldStop], dict[int, Detections]]


@pytest.fixture
def review(session: Session, live: type[FakeLive]) -> ReviewModel:
    """A run without kept detections."""
    make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs(select_newest=True)
    return session.review


def open_row(session: Session, row: int) -> str:
    """Shows the image of this row. -> its file name"""
    session.project.set_current(int(session.project.rows.ids[row]))
    return session.project.image_path(session.project.current_id).name


def predicting_with(monkeypatch: pytest.MonkeyPatch, work: Prediction) -> None:
    monkeypatch.setattr(predictions, "predict_images", work)


def test_opening_an_image_computes_its_detections_once(qtbot, session: Session, review: ReviewModel, live) -> None:
    live.results["img_5.png"] = five_detections()
    assert open_row(session, 5) == "img_5.png"
    assert review.waiting
    qtbot.waitUntil(lambda: review.visible() == [0, 1, 2, 3], timeout=10_000)
    assert not review.waiting
    assert review.focused == 0
    open_row(session, 6)
    qtbot.waitUntil(lambda: not review.waiting, timeout=10_000)
    open_row(session, 5)
    assert review.visible() == [0, 1, 2, 3]
    assert live.asked.count("img_5.png") == 1


def test_waiting_is_known_when_the_panel_repaints(session: Session, review: ReviewModel, live) -> None:
    live.hold.clear()
    seen: list[bool] = []
    review.detections_changed.connect(lambda: seen.append(review.waiting))
    open_row(session, 5)
    assert seen[-1]
    live.hold.set()


def test_detections_that_come_late_do_not_land_on_another_image(qtbot, session: Session, review, live) -> None:
    live.results["img_5.png"] = five_detections()
    live.hold.clear()
    open_row(session, 5)
    qtbot.waitUntil(lambda: live.asked[-1:] == ["img_5.png"], timeout=10_000)
    open_row(session, 6)
    live.hold.set()
    qtbot.waitUntil(lambda: not review.waiting, timeout=10_000)
    assert "img_6.png" in live.asked
    assert review.visible() == []


def test_a_model_that_does_not_load_says_so_once_and_nobody_waits_for_ever(qtbot, session: Session, review, live):
    error = EngineError("PyTorch is missing. Install it with pip install torch.")
    live.results |= {"img_5.png": error, "img_6.png": error}
    heard = Heard(message=review.message)
    for row in (5, 6):
        open_row(session, row)
        assert review.waiting
        qtbot.waitUntil(lambda: not review.waiting, timeout=10_000)
    assert heard.of("message") == [str(error)]
    assert review.ghost_error == str(error)


def test_an_image_that_leads_out_of_its_folder_is_named(qtbot, tmp_path: Path, session: Session, review, live) -> None:
    outside = tmp_path / "outside.png"
    inside = session.project.image_path(int(session.project.rows.ids[6]))
    inside.replace(outside)
    inside.symlink_to(outside)
    with qtbot.waitSignal(review.message, timeout=10_000) as said:
        session.project.set_current(int(session.project.rows.ids[6]))
    assert "leads out of the folder" in said.args[0]
    assert not review.waiting


@pytest.mark.parametrize(("which", "rows"), [("current", [0]), ("unlabelled", range(3, 12)), ("all", range(12))])
def test_the_images_meant_are_predicted(qtbot, monkeypatch, session: Session, review, which: str, rows) -> None:
    asked: list[list[int]] = []

    def work(_store, run_dir, image_ids, _report, _should_stop) -> dict[int, Detections]:
        asked.append(list(image_ids))
        found = dict.fromkeys(image_ids, five_detections())
        write_detections(run_dir / "detections", found, merge=True)
        return found

    predicting_with(monkeypatch, work)
    with qtbot.waitSignal(review.message, timeout=10_000) as said:
        review.predict(which)
        assert review.predicting
    assert said.args == ["Detections are ready."]
    assert not review.predicting
    assert asked == [[int(session.project.rows.ids[row]) for row in rows]]
    open_row(session, rows[-1])
    assert len(review.detections) == 5


def test_a_second_prediction_waits_for_the_first(qtbot, monkeypatch, session: Session, review) -> None:
    release = threading.Event()
    predicting_with(monkeypatch, lambda *_: release.wait(20) and {})
    review.predict("all")
    heard = Heard(message=review.message)
    review.predict("all")
    assert heard.of("message") == ["A prediction is running already."]
    release.set()
    qtbot.waitUntil(lambda: not review.predicting, timeout=10_000)


def test_images_that_were_left_out_are_named_by_the_prediction(qtbot, monkeypatch, session: Session, review) -> None:
    def work(_store, _run_dir, _image_ids, report, _should_stop) -> dict[int, Detections]:
        report(Warned(message="a.jpg: is truncated."))
        report(Warned(message="b.jpg: is truncated."))
        return {}

    predicting_with(monkeypatch, work)
    heard = Heard(message=review.message)
    review.predict("all")
    qtbot.waitUntil(lambda: not review.predicting, timeout=10_000)
    assert heard.of("message") == [
        "a.jpg: is truncated.",
        "b.jpg: is truncated.",
        "Detections are ready, but 2 image(s) were left out: a.jpg: is truncated.",
    ]


def test_a_prediction_that_fails_says_why(qtbot, monkeypatch, session: Session, review) -> None:
    def work(*_args: object) -> dict[int, Detections]:
        raise EngineError("best: the checkpoint is damaged. Train again.")

    predicting_with(monkeypatch, work)
    with qtbot.waitSignal(review.message, timeout=10_000) as said:
        review.predict("all")
    assert said.args == ["best: the checkpoint is damaged. Train again."]
    assert not review.predicting


def test_closing_in_the_middle_of_a_prediction_ends_quietly(qtbot, monkeypatch, session: Session, review) -> None:
    started = threading.Event()

    def work(_store, run_dir, image_ids, _report, should_stop) -> dict[int, Detections]:
        write_detections(run_dir / "detections", dict.fromkeys(image_ids, five_detections()))
        started.set()
        while True:
            check(should_stop)
            threading.Event().wait(0.005)

    predicting_with(monkeypatch, work)
    review.predict("all")
    assert started.wait(10)
    session.close()
    qtbot.waitUntil(lambda: not session.board.jobs, timeout=10_000)
    assert not review.predicting
    session.training.run_ended.emit(None)
    assert review.visible() == []


def test_the_next_image_is_computed_before_it_is_opened(qtbot, session: Session, review: ReviewModel, live) -> None:
    live.results["img_6.png"] = five_detections()
    open_row(session, 5)
    qtbot.waitUntil(lambda: live.asked == ["img_5.png", "img_6.png"], timeout=10_000)
    ahead = int(session.project.rows.ids[6])
    qtbot.waitUntil(lambda: review._known(ahead) is not None, timeout=10_000)
    open_row(session, 6)
    assert review.visible() == [0, 1, 2, 3], "at once"
    assert not review.waiting


def test_an_image_looked_at_ahead_that_cannot_be_read_is_no_matter_yet(qtbot, session: Session, review, live) -> None:
    live.results["img_6.png"] = EngineError("img_6.png: is truncated.")
    heard = Heard(message=review.message)
    open_row(session, 5)
    qtbot.waitUntil(lambda: "img_6.png" in live.asked and not review.waiting, timeout=10_000)
    assert heard.of("message") == []
    open_row(session, 6)
    qtbot.waitUntil(lambda: not review.waiting, timeout=10_000)
    assert heard.of("message") == ["img_6.png: is truncated."]


def test_images_that_were_paged_over_are_not_computed(qtbot, session: Session, review: ReviewModel, live) -> None:
    for row in range(3, 9):
        open_row(session, row)
    qtbot.waitUntil(lambda: not review.waiting, timeout=10_000)
    assert live.asked[0] == "img_8.png"
    assert not {"img_4.png", "img_5.png", "img_6.png", "img_7.png"} & set(live.asked)


def test_a_model_that_nobody_asked_is_not_loaded_to_look_ahead(qtbot, session: Session, live) -> None:
    ids = [int(i) for i in session.project.rows.ids]
    folder = make_finished_run(session.store.runs_folder, session.project.categories)
    write_detections(folder / "detections", {ids[4]: five_detections(), ids[7]: five_detections()})
    session.review.refresh_runs(select_newest=True)
    for row in (4, 7):
        session.project.set_current(ids[row])
    session.review.close()  # joins the thread: whatever was begun has been asked for
    assert live.asked == []
