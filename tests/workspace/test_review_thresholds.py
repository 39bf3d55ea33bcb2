"""From which score on detections are shown: the run's own, until a person moves the slider."""

from __future__ import annotations

import pytest

from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.session import Session
from tests.workspace.hearing import Heard
from tests.workspace.reviewing import balanced_at, five_detections, keep

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def review(session: Session) -> ReviewModel:
    """A run that balances best at 0.60; five detections of the open image, three of them from there on."""
    image_id = int(session.project.rows.ids[5])
    keep(session, {image_id: five_detections()}, balance=balanced_at(0.6))
    session.project.set_current(image_id)
    session.review.refresh_runs(select_newest=True)
    return session.review


def test_a_run_is_shown_from_the_score_that_balances_best_on_its_validation_images(review: ReviewModel) -> None:
    assert review.threshold == 0.6
    assert review.visible() == [0, 1, 2]


def test_a_run_that_does_not_know_it_is_shown_from_one_half_on(review: ReviewModel, session: Session) -> None:
    keep(session, {session.project.current_id: five_detections()})
    review.refresh_runs(select_newest=True)
    assert review.balanced_threshold is None
    assert review.threshold == 0.5


def test_the_choice_of_a_person_holds_and_can_be_taken_back(review: ReviewModel) -> None:
    own = review.threshold
    review.set_threshold(0.2)
    review.refresh_runs()
    assert (review.threshold, review.visible()) == (0.2, [0, 1, 2, 3, 4])
    heard = Heard(threshold=review.threshold_changed)
    review.reset_threshold()
    assert (review.threshold, review.visible()) == (own, [0, 1, 2])
    assert heard.of("threshold") == [own]


def test_another_runs_scores_are_others_so_the_choice_does_not_pass_to_it(review: ReviewModel, session) -> None:
    review.set_threshold(0.2)
    keep(session, {session.project.current_id: five_detections()}, balance=balanced_at(0.75))
    review.refresh_runs(select_newest=True)
    assert review.threshold == 0.75


def test_out_of_sight_the_slider_does_not_decide_what_is_hinted_at(review: ReviewModel) -> None:
    own = review.threshold
    review.set_threshold(0.2)
    heard = Heard(detections=review.detections_changed)
    review.set_reviewing(False)
    assert (review.threshold, review.visible()) == (own, [0, 1, 2])
    assert heard.names == ["detections"]
    review.set_reviewing(True)
    assert (review.threshold, review.visible()) == (0.2, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("same", [True, False])
def test_the_choice_is_remembered_with_the_run_it_was_made_for(review: ReviewModel, session, same: bool) -> None:
    review.set_threshold(0.2)
    folder = session.store.folder
    if not same:
        keep(session, {}, balance=balanced_at(0.75))
    session.close()
    again = Session(folder)
    try:
        assert again.review.threshold == (0.2 if same else 0.75)
    finally:
        again.close()
