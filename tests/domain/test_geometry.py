"""Overlap and validity of boxes, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.geometry import areas, clip, iou_matrix, ordered, valid_mask
from tests.domain.values import HEIGHT, WIDTH, corners_inside


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1.0),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (5, 5, 15, 15), 25 / 175),
        ((0, 0, 10, 10), (2, 2, 4, 4), 4 / 100),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),  # half-open: touching edges share no pixel
        ((0, 0, 10, 10), (30, 30, 40, 40), 0.0),
        ((5, 5, 5, 9), (5, 5, 5, 9), 0.0),  # nothing over nothing is no match
        ((9, 9, 1, 1), (0, 0, 10, 10), 0.0),  # an inverted box has no area
    ],
)
def test_overlap_of_two_boxes(a, b, iou: float) -> None:
    assert iou_matrix([a], [b])[0, 0] == pytest.approx(iou)


def test_every_pair_has_its_place_in_the_matrix() -> None:
    matrix = iou_matrix([(0, 0, 10, 10), (20, 20, 30, 30)], [(20, 20, 30, 30), (0, 0, 10, 5), (50, 50, 60, 60)])
    assert matrix.tolist() == [[0.0, 0.5, 0.0], [1.0, 0.0, 0.0]]


def test_no_boxes_overlap_with_nothing() -> None:
    assert iou_matrix([], []).shape == (0, 0)
    assert iou_matrix([], [(0, 0, 1, 1)]).shape == (0, 1)
    assert iou_matrix([(0, 0, 1, 1)], []).shape == (1, 0)


def test_a_corner_that_is_no_number_overlaps_with_nothing() -> None:
    assert iou_matrix([(0, 0, float("nan"), 10)], [(0, 0, 10, 10)])[0, 0] == 0.0


@given(st.lists(corners_inside(), max_size=6), st.lists(corners_inside(), max_size=6))
def test_overlap_is_a_share_and_the_same_from_both_sides(a, b) -> None:
    matrix = iou_matrix(a, b)
    assert matrix.shape == (len(a), len(b))
    assert ((matrix >= 0) & (matrix <= 1)).all()
    assert np.array_equal(matrix, iou_matrix(b, a).T)


@given(corners_inside(), st.integers(-40, 40), st.integers(-40, 40))
def test_overlap_does_not_depend_on_where_the_pair_is(corners, dx: int, dy: int) -> None:
    x1, y1, x2, y2 = corners
    other = (0.0, 0.0, 20.0, 20.0)
    moved = iou_matrix([(x1 + dx, y1 + dy, x2 + dx, y2 + dy)], [(dx, dy, 20 + dx, 20 + dy)])
    assert moved[0, 0] == pytest.approx(iou_matrix([corners], [other])[0, 0])


@given(corners_inside())
def test_a_box_inside_the_image_is_valid_and_clipping_leaves_it_alone(corners) -> None:
    assert valid_mask([corners]).tolist() == [True]
    assert clip([corners], width=WIDTH, height=HEIGHT).tolist() == [list(corners)]
    assert iou_matrix([corners], [corners])[0, 0] == 1.0


def test_areas_in_pixels() -> None:
    assert areas([(0, 0, 4, 2.5), (3, 3, 3, 9), (5, 5, 1, 9)]).tolist() == [10.0, 0.0, 0.0]


def test_what_sticks_out_is_cut_off() -> None:
    assert clip([(-5, -5, 500, 500)], width=64, height=48).tolist() == [[0, 0, 64, 48]]


@pytest.mark.parametrize(
    ("corners", "valid"),
    [
        ((0, 0, 1, 1), True),
        ((0, 0, 0, 5), False),
        ((0, 5, 5, 5), False),
        ((5, 0, 1, 5), False),
        ((0, 0, float("nan"), 5), False),
        ((0, 0, float("inf"), 5), False),
    ],
)
def test_only_finite_ordered_boxes_with_an_area_are_valid(corners, valid: bool) -> None:
    assert valid_mask([corners]).tolist() == [valid]


def test_a_least_side_may_be_asked_for() -> None:
    assert valid_mask([(0, 0, 2, 9), (0, 0, 3, 9)], min_side=2).tolist() == [False, True]


@given(*[st.floats(-1e6, 1e6)] * 4)
def test_ordering_corners_keeps_the_rectangle(x1, y1, x2, y2) -> None:
    a, b, c, d = ordered(x1, y1, x2, y2)
    assert a <= c
    assert b <= d
    assert {a, c} == {x1, x2}
    assert {b, d} == {y1, y2}
