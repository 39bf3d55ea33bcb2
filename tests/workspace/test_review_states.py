"""When an image counts as labelled: not while detections on it are left to decide on."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.store.projects import contents
from tests.workspace.hearing import Heard
from tests.workspace.reviewing import BOLT, five_detections, keep

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def review(session: Session) -> ReviewModel:
    """An unlabelled image is shown; of its five detections four are above one half."""
    image_id = int(session.project.rows.ids[5])
    keep(session, {image_id: five_detections()})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(image_id)
    return session.review


def state(session: Session) -> ImageState:
    record = session.project.record
    assert record is not None
    assert session.project.rows.state(5) == record.state, "the list says the same"
    return record.state


def trained_on(session: Session) -> int:
    session.store.flush()
    return len(session.store.snapshot(trainable_only=True).image_ids)


def test_it_stays_unlabelled_until_the_last_is_accepted(review: ReviewModel, session: Session) -> None:
    before = trained_on(session)
    for left in (3, 2, 1):
        review.accept_focused()
        assert (state(session), review.still_open) == (ImageState.UNLABELLED, left)
    assert trained_on(session) == before, "half labelled, it would teach that the rest is background"
    assert not session.project.record.split
    review.accept_focused()
    assert (state(session), review.still_open) == (ImageState.LABELLED, 0)
    assert trained_on(session) == before + 1
    assert session.project.record.split


def test_the_last_rejection_makes_it_labelled_too_and_is_one_step(review: ReviewModel, session: Session) -> None:
    review.accept([0, 1, 2])
    review.reject([3])
    assert state(session) == ImageState.LABELLED
    session.project.undo_stack.undo()
    assert (state(session), review.visible()) == (ImageState.UNLABELLED, [3])
    session.project.undo_stack.redo()
    assert state(session) == ImageState.LABELLED


def test_rejecting_all_claims_nothing(review: ReviewModel, session: Session) -> None:
    review.reject([0, 1, 2, 3])
    assert state(session) == ImageState.UNLABELLED


def test_accepting_all_at_once_makes_it_labelled(review: ReviewModel, session: Session) -> None:
    review.accept_all()
    assert state(session) == ImageState.LABELLED


def test_undoing_every_step_restores_the_files_to_the_byte(review: ReviewModel, session: Session) -> None:
    before = contents(session.store.folder.parent / "voc" / "Annotations")
    review.accept_focused()
    review.accept_focused()
    review.reject_focused()
    review.accept_focused()
    session.store.write_back(wait=True)
    assert contents(session.store.folder.parent / "voc" / "Annotations") != before
    steps = session.project.undo_stack.count()
    assert steps == 4
    for _ in range(steps):
        session.project.undo_stack.undo()
    session.store.write_back(wait=True)
    assert contents(session.store.folder.parent / "voc" / "Annotations") == before
    assert state(session) == ImageState.UNLABELLED


def test_correcting_an_accepted_box_does_not_finish_the_image_but_drawing_does(review, session: Session) -> None:
    review.accept_focused()
    ids = [box.id for box in session.project.boxes]
    session.project.nudge(ids, 1, 0)
    assert state(session) == ImageState.UNLABELLED
    session.project.add_box(60, 30, 64, 44, category_id=BOLT)
    assert state(session) == ImageState.LABELLED


def test_a_person_can_say_that_it_is_complete(review: ReviewModel, session: Session) -> None:
    review.accept_focused()
    session.project.set_state(session.project.current_id, ImageState.VERIFIED)
    assert state(session) == ImageState.VERIFIED
    review.accept_focused()
    assert state(session) == ImageState.VERIFIED


def test_a_slider_at_its_end_does_not_ask_for_decisions_on_what_is_unlikely(review, session: Session) -> None:
    review.set_threshold(0.1)
    assert len(review.visible()) == 5
    review.accept([0, 1, 2, 3])
    assert review.visible() == [4]
    assert state(session) == ImageState.LABELLED


def test_leaving_it_in_the_middle_is_said_once(review: ReviewModel, session: Session) -> None:
    here, other = session.project.current_id, int(session.project.rows.ids[6])
    review.accept_focused()
    heard = Heard(message=review.message)
    for _ in range(2):
        session.project.set_current(other)
        session.project.set_current(here)
    assert heard.of("message") == [
        "img_5.png is not trained on yet: 3 detections are still open there. Space would say: complete."
    ]


def test_leaving_an_image_that_is_decided_on_says_nothing(review: ReviewModel, session: Session) -> None:
    review.accept_all()
    heard = Heard(message=review.message)
    session.project.set_current(int(session.project.rows.ids[6]))
    assert heard.of("message") == []
