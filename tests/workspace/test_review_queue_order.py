"""What is left in the queue once boxes are there, where the focus goes, and which image comes next."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.detections import Detections
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.workspace.reviewing import BOLT, NUT, five_detections, keep

pytestmark = pytest.mark.usefixtures("live")

CORNERS = [(0, 0, 10, 10), (50, 0, 60, 10), (14, 0, 24, 10), (28, 0, 38, 10)]


def show(session: Session, found: Detections, row: int = 5) -> ReviewModel:
    image_id = int(session.project.rows.ids[row])
    keep(session, {image_id: found})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(image_id)
    return session.review


def with_copies() -> Detections:
    """A bolt, two copies of it that the model's own suppression leaves, a rival of another class, and a nut apart."""
    boxes = [(2, 4, 22, 24), (2, 4, 22, 13), (2, 4, 22, 12.5), (2, 4, 22, 23), (40, 4, 60, 24)]
    return Detections.make(boxes, [BOLT, BOLT, BOLT, NUT, NUT], [0.95, 0.8, 0.75, 0.7, 0.6])


def test_accepting_one_takes_its_near_copies_out_of_the_queue_and_undo_brings_them_back(session: Session) -> None:
    review = show(session, with_copies())
    assert review.visible() == [0, 4], "of those that speak of one object only the best asks"
    review.accept_focused()
    assert review.visible() == [4]
    assert review.focused == 4
    assert review.triage.covered.tolist() == [1, 2, 3]
    session.project.undo_stack.undo()
    assert review.visible() == [0, 4]
    assert review.triage.doubles.tolist() == [1, 2, 3]


def test_copies_on_a_box_drawn_by_hand_are_covered_too(session: Session) -> None:
    review = show(session, with_copies())
    session.project.add_box(2, 4, 22, 24, category_id=BOLT)
    assert review.visible() == [4]
    assert len(review.triage.covered) == 3


def test_a_rejected_one_makes_way_for_what_it_hid(session: Session) -> None:
    review = show(session, with_copies())
    review.reject_focused()
    assert review.visible() == [1, 3, 4]
    assert review.focused == 3, "the one whose place is most like it"


def test_what_is_left_out_can_be_seen_but_is_not_accepted_with_all_others(session: Session) -> None:
    review = show(session, with_copies())
    review.set_hidden_shown(True)
    assert review.visible() == [0, 1, 2, 3, 4]
    review.accept_all()
    assert len(session.project.boxes) == 2
    assert review.focused is None, "what needs no decision is not offered to the next Enter"
    review.accept_focused()
    assert len(session.project.boxes) == 2
    review.focus(3)
    review.accept_focused()
    assert len(session.project.boxes) == 3, "unless a hand has chosen it"


def test_the_next_in_focus_is_the_nearest_to_the_one_decided_on(session: Session) -> None:
    review = show(session, Detections.make(CORNERS, [BOLT] * 4, [0.9, 0.85, 0.8, 0.7]))
    visited = [review.focused]
    for _ in range(3):
        review.accept_focused()
        visited.append(review.focused)
    assert visited == [0, 2, 3, 1], "along the row, not by score to and fro"


def test_a_new_image_begins_with_its_surest_detection(session: Session) -> None:
    first, other = (int(i) for i in session.project.rows.ids[5:7])
    found = Detections.make(CORNERS, [BOLT] * 4, [0.9, 0.85, 0.8, 0.7])
    keep(session, {first: found, other: found})
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(first)
    session.review.focus(3)
    session.project.set_current(other)
    assert session.review.focused == 0


def test_the_next_image_to_review_is_the_next_unlabelled_one_with_something_to_decide(session: Session) -> None:
    ids = [int(i) for i in session.project.rows.ids]
    found = {ids[4]: five_detections(), ids[6]: Detections.empty(), ids[8]: five_detections(), ids[0]: with_copies()}
    keep(session, found | dict.fromkeys([ids[3], ids[5], ids[7], *ids[9:]], Detections.empty()))
    review = session.review
    review.refresh_runs(select_newest=True)
    session.project.set_current(ids[4])
    assert review.next_to_review() == ids[8]
    assert review.next_to_review(-1) == ids[8], "round and round"
    session.project.set_current(ids[8])
    assert review.next_to_review() == ids[4]
    review.accept_all()
    session.project.set_current(ids[4])
    review.accept_all()
    assert review.next_to_review() is None
