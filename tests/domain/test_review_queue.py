"""Which detections ask for a decision, which are left out and why, and where the eye goes next."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.detections import Detections, Rejection
from rcnn_studio.domain.review_queue import Triage, nearest, rivals_left_out, triage, without_doubles
from tests.domain.values import corners_inside, found

AT = (10.0, 10.0, 30.0, 30.0)
BOLT, NUT = 1, 2


def refused(corners: tuple[float, float, float, float], category: int = BOLT) -> Rejection:
    x1, y1, x2, y2 = corners
    return Rejection(run_id="older", category_id=category, x1=x1, y1=y1, x2=x2, y2=y2, score=0.6)


def sort_out(detections: Detections, boxes=(), categories=(), rejections=()) -> Triage:
    return triage(detections, box_xyxy=boxes, box_category_ids=categories, rejections=tuple(rejections))


def test_without_boxes_and_rejections_everything_that_lies_apart_is_open() -> None:
    made = found((AT, BOLT, 0.9), ((40, 10, 60, 30), BOLT, 0.8))
    assert sort_out(made).open.tolist() == [0, 1]
    assert sort_out(made).doubles.tolist() == []


def test_nothing_found_is_nothing_to_decide() -> None:
    assert sort_out(Detections.empty(), [AT], [BOLT], [refused(AT)]).open.tolist() == []


@pytest.mark.parametrize(
    ("box", "category", "covered"),
    [
        (AT, BOLT, True),
        ((10, 10, 30, 18), BOLT, True),  # an overlap of 0.4
        ((10, 10, 30, 17), BOLT, True),  # 0.35, but all of it lies inside: a copy of a part
        ((10, 10, 20, 18), BOLT, False),  # so small a part may well be an object of its own
        ((18, 10, 38, 26), BOLT, False),  # side by side, a third in common
        ((10, 10, 30, 19), NUT, False),  # 0.45: another class in it, a nut on its washer, does not answer the question
        ((10, 10, 30, 20), NUT, True),  # 0.5: the object has a name
        ((40, 40, 60, 60), BOLT, False),
    ],
)
def test_a_detection_is_open_until_a_box_covers_it(box, category: int, covered: bool) -> None:
    sorted_out = sort_out(found((AT, BOLT, 0.9)), [box], [category])
    assert sorted_out.open.tolist() == ([] if covered else [0])
    assert len(sorted_out.covered) + len(sorted_out.decided) == covered


@pytest.mark.parametrize(
    ("rejection", "open_"),
    [
        (refused(AT), []),
        (refused((10, 10, 30, 24)), []),  # 0.7 of it
        (refused((10, 10, 30, 23)), [0]),
        (refused(AT, NUT), [0]),  # "this is no nut" says nothing about bolts
    ],
)
def test_a_rejected_detection_stays_hidden_for_later_models_too(rejection, open_: list[int]) -> None:
    sorted_out = sort_out(found((AT, BOLT, 0.9)), rejections=[rejection])
    assert sorted_out.open.tolist() == open_
    assert sorted_out.decided.tolist() == ([] if open_ else [0])


def test_only_the_best_of_several_for_one_object_asks() -> None:
    copy, rival = (10, 10, 30, 19), (10, 10, 30, 27)
    made = found((AT, BOLT, 0.9), (copy, BOLT, 0.8), (rival, NUT, 0.7), ((50, 10, 70, 30), NUT, 0.6))
    assert sort_out(made).open.tolist() == [0, 3]
    assert sort_out(made).doubles.tolist() == [1, 2]


def test_of_two_names_for_one_object_the_surer_asks_and_the_other_is_counted_as_its_rival() -> None:
    rival, copy, part = (10, 10, 30, 20), (10, 10, 30, 26), (10, 21, 30, 30)
    made = found((AT, NUT, 0.93), (rival, BOLT, 0.83), (copy, NUT, 0.8), (part, BOLT, 0.7))
    sorted_out = sort_out(made)
    assert (sorted_out.open.tolist(), sorted_out.doubles.tolist()) == ([0, 3], [1, 2])
    assert rivals_left_out(made, sorted_out) == 1, "the copy is no rival, and what lies in it is an object of its own"
    assert rivals_left_out(made.take([0, 3]), sort_out(made.take([0, 3]))) == 0


def test_a_rejected_best_makes_way_for_its_rival() -> None:
    made = found((AT, BOLT, 0.9), ((10, 10, 30, 27), NUT, 0.7))
    assert sort_out(made, rejections=[refused(AT)]).open.tolist() == [1]


def test_an_accepted_one_takes_its_copies_out_of_the_queue() -> None:
    made = found((AT, BOLT, 0.9), ((10, 10, 30, 19), BOLT, 0.8), ((50, 10, 70, 30), NUT, 0.6))
    sorted_out = sort_out(made, [AT], [BOLT])
    assert sorted_out.open.tolist() == [2]
    assert sorted_out.decided.tolist() == [0], "it is the box"
    assert sorted_out.covered.tolist() == [1]


@given(st.lists(st.tuples(corners_inside(), st.integers(1, 3), st.floats(0, 1, width=32)), max_size=8))
def test_every_detection_is_in_one_place(rows) -> None:
    sorted_out = sort_out(found(*rows), [AT], [BOLT])
    together = [*sorted_out.open, *sorted_out.covered, *sorted_out.doubles, *sorted_out.decided]
    assert sorted(together) == list(range(len(rows)))


@given(st.lists(st.tuples(corners_inside(), st.integers(1, 2), st.floats(0, 1, width=32)), max_size=8), st.floats(0, 1))
def test_a_lower_threshold_takes_nothing_away(rows, threshold: float) -> None:
    made = found(*rows)
    few, all_ = without_doubles(made.above(threshold)).tolist(), without_doubles(made).tolist()
    assert few == [i for i in all_ if made.scores[i] >= threshold]


def test_the_nearest_is_the_one_whose_middle_is_nearest() -> None:
    made = found(((0, 0, 10, 10), BOLT, 0.9), ((80, 0, 90, 10), BOLT, 0.8), ((40, 0, 50, 10), BOLT, 0.7))
    assert nearest(made, [0, 1, 2], (70, 0, 80, 10)) == 1
    assert nearest(made, [0, 2], (70, 0, 80, 10)) == 2
    assert nearest(made, [0, 1], (40, 0, 50, 10)) == 0, "the surer one of two that are equally near"
    assert nearest(made, [], (0, 0, 1, 1)) is None
    assert nearest(made, np.array([1]), (0, 0, 1, 1)) == 1
