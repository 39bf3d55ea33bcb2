"""Detections kept with a run: which are shown, which has the focus, and what deciding on them does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import BoxSource
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.runs import RunEnded
from rcnn_studio.workspace import review_runs
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.workspace.hearing import Heard
from tests.workspace.reviewing import BOLT, BOXES, NUT, SCORES, five_detections, keep

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def review(session: Session) -> ReviewModel:
    """An unlabelled image is shown; five detections of it are kept with a run, four above one half."""
    image_id = int(session.project.rows.ids[5])
    keep(session, {image_id: five_detections()})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(image_id)
    return session.review


def boxes(session: Session) -> list[tuple[tuple[float, ...], int]]:
    return [(box.xyxy, box.category_id) for box in session.project.boxes]


def test_what_scores_above_the_threshold_is_shown_best_first(review: ReviewModel) -> None:
    assert review.threshold == 0.5
    assert review.visible() == [0, 1, 2, 3]
    assert review.focused == 0
    assert not review.waiting


def test_the_threshold_shows_and_hides_and_is_told(review: ReviewModel) -> None:
    heard = Heard(threshold=review.threshold_changed, detections=review.detections_changed)
    review.set_threshold(0.75)
    assert review.visible() == [0, 1]
    review.set_threshold(0.75)
    assert heard.names == ["threshold", "detections"]
    review.set_threshold(-3)
    assert (review.threshold, review.visible()) == (0.01, [0, 1, 2, 3, 4])
    review.set_threshold(9)
    assert (review.threshold, review.visible(), review.focused) == (1.0, [], None)


def test_the_focus_goes_round_the_visible_ones(review: ReviewModel) -> None:
    visited = []
    for _ in range(5):
        review.focus_next()
        visited.append(review.focused)
    assert visited == [1, 2, 3, 0, 1]
    review.focus_next(-1)
    review.focus_next(-1)
    assert review.focused == 3


def test_accepting_makes_a_box_and_moves_the_focus_to_the_best_one_left(review: ReviewModel, session: Session) -> None:
    review.focus(1)
    review.accept_focused()
    assert boxes(session) == [(BOXES[1], NUT)]
    accepted = session.project.boxes[0]
    assert (accepted.source, accepted.run_id, accepted.score) == (BoxSource.RUN, review.run_id, SCORES[1])
    assert review.visible() == [0, 2, 3]
    assert review.focused == 0
    review.accept_focused()
    assert review.focused == 2
    review.accept_focused()
    review.accept_focused()
    assert review.focused is None
    review.accept_focused()
    assert len(session.project.boxes) == 4


def test_accepting_all_takes_what_is_shown_in_one_step(review: ReviewModel, session: Session) -> None:
    review.accept_all()
    assert boxes(session) == [(BOXES[n], (BOLT, NUT)[n % 2]) for n in range(4)]
    assert review.visible() == []
    assert session.project.undo_stack.count() == 1
    session.project.undo_stack.undo()
    assert boxes(session) == []
    assert review.visible() == [0, 1, 2, 3]


def test_a_rejected_one_is_hidden_until_that_is_undone(review: ReviewModel, session: Session) -> None:
    image_id = session.project.current_id
    review.reject_focused()
    assert review.visible() == [1, 2, 3]
    assert review.focused == 1
    assert boxes(session) == []
    session.project.set_current(int(session.project.rows.ids[0]))
    session.project.set_current(image_id)
    assert review.visible() == [1, 2, 3], "it stays hidden when the image is opened again"
    session.project.undo_stack.undo()
    assert review.visible() == [0, 1, 2, 3]
    session.project.undo_stack.redo()
    assert review.visible() == [1, 2, 3]


def test_a_later_models_like_detection_stays_hidden(review: ReviewModel, session: Session) -> None:
    review.reject_focused()
    nearly = Detections.make([tuple(v + 0.5 for v in BOXES[0])], [BOLT], [0.99])
    folder = keep(session, {session.project.current_id: nearly})
    review.refresh_runs(select_newest=True)
    assert review.run_id == folder.name
    assert review.visible() == []


def test_what_is_labelled_needs_no_decision_until_the_label_goes(review: ReviewModel, session: Session) -> None:
    drawn = session.project.add_box(*BOXES[2], category_id=BOLT)
    assert review.visible() == [0, 1, 3]
    session.project.delete_boxes([drawn.id])
    assert review.visible() == [0, 1, 2, 3]


def test_hidden_detections_cannot_be_accepted_by_accident(review: ReviewModel, session: Session) -> None:
    review.set_shown(False)
    assert (review.visible(), review.focused) == ([], None)
    review.accept_focused()
    review.reject_focused()
    review.accept_all()
    assert session.project.undo_stack.count() == 0
    review.set_shown(True)
    assert review.visible() == [0, 1, 2, 3]


def test_detections_of_a_removed_class_are_hidden_at_once_and_come_back_by_undo(
    review: ReviewModel, session: Session
) -> None:
    washer = session.project.add_category("washer")
    image_id = session.project.current_id
    keep(session, {image_id: Detections.make(BOXES[:2], [washer.id, BOLT], [0.9, 0.8])})
    review.refresh_runs(select_newest=True)
    assert review.visible() == [0, 1]
    session.project.remove_category(washer.id)
    assert review.visible() == [1]
    review.accept_all()
    session.project.store.flush()
    assert session.project.store.image(image_id).boxes == session.project.boxes
    assert boxes(session) == [(BOXES[1], BOLT)]
    for _ in range(2):
        session.project.undo_stack.undo()
    assert review.visible() == [0, 1]


def test_another_image_has_its_own_detections(review: ReviewModel, session: Session) -> None:
    session.project.set_current(int(session.project.rows.ids[0]))
    assert review.visible() == []
    assert review.waiting, "they are computed"


def test_without_a_run_there_is_nothing_to_decide(session: Session) -> None:
    session.project.set_current(int(session.project.rows.ids[5]))
    assert session.review.run is None
    assert session.review.visible() == []
    assert not session.review.waiting
    heard = Heard(message=session.review.message)
    session.review.predict("all")
    assert heard.of("message") == ["Train a model first: there is no finished run to predict with."]


def test_a_training_that_has_ended_speaks_from_now_on(review: ReviewModel, session: Session) -> None:
    older = review.run_id
    newer = make_finished_run(session.store.runs_folder, session.project.categories).name
    review.refresh_runs()
    assert review.run_id == older, "looking at the folder again does not change the choice"
    session.training.run_ended.emit(
        RunEnded(run_id=newer, status="finished", seconds=1, epochs=1, best_epoch=1, best_AP=0.5, best_AP50=0.9)
    )
    assert review.run_id == newer
    shutil.rmtree(session.store.runs_folder / newer)
    review.refresh_runs()
    assert review.run_id == older


@pytest.mark.parametrize("damage", ["empty", "shape", "bytes"])
def test_damaged_detections_are_said_once_and_computed_anew(qtbot, session: Session, live, damage: str) -> None:
    image_id = session.project.current_id
    folder = keep(session, {image_id: five_detections()}) / "detections"
    if damage == "empty":
        for path in folder.iterdir():
            path.unlink()
    elif damage == "shape":
        np.save(folder / "scores.npy", np.zeros(99, np.float32))
    else:
        (folder / "offsets.npy").write_bytes(b"\x93NUMPY\x01")
    live.results[session.project.image_path(image_id).name] = five_detections()
    heard = Heard(message=session.review.message)
    session.review.refresh_runs(select_newest=True)
    qtbot.waitUntil(lambda: len(session.review.detections) == 5, timeout=10_000)
    session.review.refresh_runs()
    assert len(heard.of("message")) == 1
    assert str(folder) in heard.of("message")[0]
    assert "Run the prediction again." in heard.of("message")[0]


def test_damage_found_at_the_start_is_said_once_the_window_listens(qtbot, session: Session) -> None:
    folder = keep(session, {session.project.current_id: five_detections()}) / "detections"
    (folder / "scores.npy").unlink()
    session.close()
    again = Session(session.store.folder)
    try:
        with qtbot.waitSignal(again.review.message, timeout=10_000) as said:
            pass
        assert "scores.npy" in said.args[0]
    finally:
        again.close()


def test_runs_that_cannot_be_read_do_not_keep_anybody_from_labelling(qtbot, monkeypatch, session: Session) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(review_runs, "list_runs", refuse)
    session.close()
    again = Session(session.store.folder)
    try:
        with qtbot.waitSignal(again.review.message, timeout=10_000) as said:
            again.project.open_first()
        assert str(again.store.runs_folder) in said.args[0]
        assert "Permission denied" in said.args[0]
        assert again.review.runs == ()
    finally:
        again.close()


def test_a_run_without_kept_detections_is_no_fault(qtbot, session: Session, live) -> None:
    make_finished_run(session.store.runs_folder, session.project.categories)
    heard = Heard(message=session.review.message)
    session.review.refresh_runs(select_newest=True)
    qtbot.waitUntil(lambda: not session.review.waiting, timeout=10_000)
    assert heard.all == []


def test_undoing_a_decision_brings_the_focus_back_to_the_detection(session: Session) -> None:
    keep(session, {session.project.current_id: five_detections()})
    review, stack = session.review, session.project.undo_stack
    review.refresh_runs(select_newest=True)
    free = [i for i in review.visible() if i > 0]
    review.focus(free[-1])
    review.reject_focused()
    assert review.focused != free[-1]
    stack.undo()
    assert review.focused == free[-1]
    review.accept_focused()
    assert review.focused != free[-1]
    stack.undo()
    assert review.focused == free[-1]


def test_undoing_a_decision_on_another_image_focuses_there(session: Session) -> None:
    first, other = (int(i) for i in session.project.rows.ids[4:6])
    keep(session, {first: five_detections(), other: five_detections()})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(first)
    session.review.focus(2)
    session.review.reject_focused()
    session.project.set_current(other)
    session.project.undo_stack.undo()
    assert session.project.current_id == first
    assert session.review.focused == 2


def test_undoing_accept_all_focuses_the_best_of_them(session: Session) -> None:
    image_id = int(session.project.rows.ids[4])
    keep(session, {image_id: five_detections()})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(image_id)
    session.review.focus(3)
    session.review.accept_all()
    assert session.review.focused is None
    session.project.undo_stack.undo()
    assert session.review.focused == 0


def test_detections_of_a_class_hidden_on_the_canvas_are_out_of_sight_and_stay_open(
    review: ReviewModel, session: Session
) -> None:
    heard = Heard(detections=review.detections_changed)
    session.project.category_view.set_hidden([BOLT], True)
    assert heard.names == ["detections"]
    assert (review.visible(), review.focused) == ([1, 3], 1)
    review.accept_all()
    assert boxes(session) == [(BOXES[1], NUT), (BOXES[3], NUT)]
    assert review.still_open == 2, "the image is not done"
    session.project.category_view.set_hidden([BOLT], False)
    assert review.visible() == [0, 2]
