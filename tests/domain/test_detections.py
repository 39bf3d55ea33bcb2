"""Detections: sorted, filtered, and asked about only while nobody has decided on them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.detections import Detections, Rejection, open_detections
from tests.domain.values import corners_inside, found

AT = (10.0, 10.0, 30.0, 30.0)
BOLT, NUT = 1, 2


def refused(corners: tuple[float, float, float, float], category: int = BOLT) -> Rejection:
    x1, y1, x2, y2 = corners
    return Rejection(run_id="older", category_id=category, x1=x1, y1=y1, x2=x2, y2=y2, score=0.6)


def left(detections: Detections, boxes=(), categories=(), rejections=()) -> list[int]:
    return open_detections(
        detections, box_xyxy=boxes, box_category_ids=categories, rejections=tuple(rejections)
    ).tolist()


@given(st.lists(st.tuples(corners_inside(), st.integers(1, 3), st.floats(0, 1, width=32)), max_size=8))
def test_the_best_comes_first_and_rows_stay_together(rows) -> None:
    made = found(*rows)
    expected = sorted(rows, key=lambda row: -row[2])  # stable, as ties are to keep their order
    assert made.scores.tolist() == [row[2] for row in expected]
    assert made.category_ids.tolist() == [row[1] for row in expected]
    assert made.xyxy.tolist() == [list(row[0]) for row in expected]
    assert (made.xyxy.dtype, made.category_ids.dtype, made.scores.dtype) == (np.float32, np.int64, np.float32)


def test_an_empty_result_has_the_shapes_of_a_full_one() -> None:
    nothing = Detections.empty()
    assert len(nothing) == 0
    assert nothing.xyxy.shape == (0, 4)
    assert left(nothing, [AT], [BOLT], [refused(AT)]) == []


def test_the_threshold_itself_is_above_it() -> None:
    made = found((AT, BOLT, 0.75), (AT, NUT, 0.5), (AT, NUT, 0.25))
    assert made.above(0.5).scores.tolist() == [0.75, 0.5]
    assert made.above(0.9).xyxy.shape == (0, 4)
    assert made.take([2, 0]).scores.tolist() == [0.25, 0.75]


def test_without_boxes_and_rejections_everything_is_open() -> None:
    assert left(found((AT, BOLT, 0.9), (AT, NUT, 0.8))) == [0, 1]


@pytest.mark.parametrize(
    ("box", "category", "open_"),
    [
        (AT, BOLT, []),  # labelled already
        ((10, 10, 30, 20), BOLT, []),  # overlap of exactly a half counts as labelled
        ((10, 10, 30, 19), BOLT, [0]),  # too little of it is covered
        ((10, 10, 30, 20), NUT, [0]),  # another class beside it does not answer the question
        ((10, 10, 30, 26), NUT, []),  # 0.8: the object has a label, whatever its class
        ((10, 10, 30, 25), NUT, [0]),
        ((40, 40, 60, 60), BOLT, [0]),
    ],
)
def test_a_detection_is_open_until_a_box_covers_it(box, category: int, open_: list[int]) -> None:
    assert left(found((AT, BOLT, 0.9)), [box], [category]) == open_


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
    assert left(found((AT, BOLT, 0.9)), rejections=[rejection]) == open_


def test_each_detection_is_judged_by_itself() -> None:
    made = found((AT, BOLT, 0.9), ((40, 10, 60, 30), BOLT, 0.8), ((40, 10, 60, 30), NUT, 0.7), ((0, 0, 5, 5), NUT, 0.6))
    assert left(made, [AT], [BOLT], [refused((40, 10, 60, 30), NUT)]) == [1, 3]
