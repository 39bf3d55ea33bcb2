"""Detections: sorted and filtered."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.detections import Detections
from tests.domain.values import corners_inside, found

AT = (10.0, 10.0, 30.0, 30.0)
BOLT, NUT = 1, 2


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


def test_the_threshold_itself_is_above_it() -> None:
    made = found((AT, BOLT, 0.75), (AT, NUT, 0.5), (AT, NUT, 0.25))
    assert made.above(0.5).scores.tolist() == [0.75, 0.5]
    assert made.above(0.9).xyxy.shape == (0, 4)
    assert made.take([2, 0]).scores.tolist() == [0.25, 0.75]
