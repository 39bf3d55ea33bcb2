"""Accepting the detections of many images at once: only what is open, one step, labelled only where nothing is left."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.dataset import BoxSource, ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.store.projects import contents
from tests.workspace.reviewing import BOLT, BOXES, NUT, balanced_at, five_detections, keep

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def review(session: Session) -> ReviewModel:
    """Six unlabelled images are predicted, one of them with nothing above the run's own 0.50; three are not."""
    ids = [int(i) for i in session.project.rows.ids[3:9]]
    found = dict.fromkeys(ids[:5], five_detections()) | {ids[5]: Detections.make(BOXES[:1], [BOLT], [0.3])}
    keep(session, found, balance=balanced_at(0.5))
    session.review.refresh_runs(select_newest=True)
    return session.review


def states(session: Session) -> list[ImageState]:
    return [session.project.rows.state(row) for row in range(3, 9)]


def test_all_open_ones_become_boxes_in_one_step_and_undo_restores_every_file(review, session: Session) -> None:
    annotations = session.store.folder.parent / "voc" / "Annotations"
    before = contents(annotations)
    wanted = review.to_accept_on_images()
    assert [len(item.found) for item in wanted] == [4] * 5
    review.accept_on_images(wanted)
    assert session.project.undo_stack.undoText() == "Accept 20 detections on 5 images"
    assert states(session) == [ImageState.LABELLED] * 5 + [ImageState.UNLABELLED]
    session.store.write_back(wait=True)
    assert len(contents(annotations)) == len(before) + 5
    boxes = session.store.image(wanted[0].image_id).boxes
    assert {(b.source, b.run_id) for b in boxes} == {(BoxSource.RUN, review.run_id)}
    session.project.undo_stack.undo()
    session.store.write_back(wait=True)
    assert contents(annotations) == before
    assert states(session) == [ImageState.UNLABELLED] * 6


def test_images_with_weaker_ones_left_stay_unlabelled(review, session: Session) -> None:
    review.set_threshold(0.75)
    wanted = review.to_accept_on_images()
    assert [(len(item.found), item.finished) for item in wanted] == [(2, False)] * 5
    review.accept_on_images(wanted)
    assert states(session) == [ImageState.UNLABELLED] * 6
    assert [int(count) for count in session.project.rows.box_counts[3:9]] == [2] * 5 + [0]


def test_every_fifth_of_them_validates(review, session: Session) -> None:
    review.accept_on_images(review.to_accept_on_images())
    assert sorted(session.project.rows.splits[3:8]) == ["train"] * 4 + ["val"]


def test_what_was_rejected_or_has_its_box_is_not_accepted(review, session: Session) -> None:
    first = int(session.project.rows.ids[3])
    session.project.set_current(first)
    review.reject([0])
    review.accept([1])
    wanted = next(item for item in review.to_accept_on_images() if item.image_id == first)
    assert wanted.found.xyxy.tolist() == [list(map(float, BOXES[n])) for n in (2, 3)]


def test_classes_hidden_on_the_canvas_are_left_open(review, session: Session) -> None:
    session.project.category_view.set_hidden([BOLT], True)
    wanted = review.to_accept_on_images()
    assert [(set(item.found.category_ids.tolist()), item.finished) for item in wanted] == [({NUT}, False)] * 5
