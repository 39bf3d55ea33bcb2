"""The arithmetic below the canvas: what no drag, zoom or walk may break, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box
from rcnn_studio.ui.label import drag, hit
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.shapes import Shapes
from rcnn_studio.ui.label.snapping import Lines
from rcnn_studio.ui.label.view import Frame, View

SIZE = (640, 480)
points = st.tuples(st.floats(-300, 1000), st.floats(-300, 1000))


@st.composite
def boxes(draw) -> tuple[float, float, float, float]:
    x1, y1 = draw(st.integers(0, SIZE[0] - 2)), draw(st.integers(0, SIZE[1] - 2))
    return (x1, y1, draw(st.integers(x1 + 1, SIZE[0])), draw(st.integers(y1 + 1, SIZE[1])))


def shapes_of(*corners: tuple[float, float, float, float]) -> Shapes:
    return Shapes.of_boxes(
        [Box(id=i, x1=a, y1=b, x2=c, y2=d, category_id=1) for i, (a, b, c, d) in enumerate(corners, start=1)]
    )


def lies_inside(corners: tuple[float, float, float, float]) -> bool:
    x1, y1, x2, y2 = corners
    return 0 <= x1 <= x2 <= SIZE[0] and 0 <= y1 <= y2 <= SIZE[1]


@given(points, points, st.booleans(), st.booleans())
def test_a_drawn_box_is_whole_pixels_inside_the_image(start, end, square: bool, centred: bool) -> None:
    corners = drag.drawn(start, end, SIZE, square=square, centred=centred)
    assert lies_inside(corners)
    assert all(value == int(value) for value in corners)
    if square:
        assert corners[2] - corners[0] == corners[3] - corners[1]


@given(boxes(), st.sampled_from(Handle), points, st.booleans(), st.booleans())
def test_a_resized_box_stays_ordered_and_inside(corners, handle, to, aspect: bool, centred: bool) -> None:
    assert lies_inside(drag.resized(corners, handle, *to, SIZE, aspect=aspect, centred=centred))


@given(boxes(), st.sampled_from(Handle), points)
def test_a_handle_leaves_the_other_edges_alone(corners, handle, to) -> None:
    after = drag.resized(corners, handle, *to, SIZE)
    if not (handle.moves_left or handle.moves_right):
        assert (after[0], after[2]) == (corners[0], corners[2])
    if not (handle.moves_top or handle.moves_bottom):
        assert (after[1], after[3]) == (corners[1], corners[3])


@given(st.lists(boxes(), min_size=1, max_size=4), points)
def test_moved_boxes_keep_their_sizes_and_distances(group, by) -> None:
    after = drag.moved(group, *by, SIZE)
    assert all(lies_inside(corners) for corners in after)
    steps = {(b[0] - a[0], b[1] - a[1], b[2] - a[2], b[3] - a[3]) for a, b in zip(group, after, strict=True)}
    assert len(steps) == 1


def test_a_box_imported_outside_the_image_is_not_pushed_by_a_move_the_other_way() -> None:
    assert drag.moved([(600.0, 10.0, 660.0, 50.0)], 5, 0, SIZE) == [(600.0, 10.0, 660.0, 50.0)]
    assert drag.moved([(600.0, 10.0, 660.0, 50.0)], -5, 0, SIZE) == [(595.0, 10.0, 655.0, 50.0)]


@given(st.floats(0.05, 60), st.integers(0, SIZE[0]), st.integers(0, SIZE[1]))
def test_the_image_point_under_the_pointer_stays_there_when_zooming_in(factor: float, x: int, y: int) -> None:
    frame = Frame(1000, 700, *SIZE)
    view = frame.fitted()
    at = view.to_device(x, y)
    after = frame.zoomed(view, 1 + factor / 10, *at)
    assert after.to_device(x, y) == pytest.approx(at, abs=1.0)


@given(st.integers(-5000, 5000), st.integers(-5000, 5000), st.floats(0.1, 50))
def test_the_image_can_never_be_lost(dx: int, dy: int, factor: float) -> None:
    frame = Frame(1000, 700, *SIZE)
    view = frame.panned(frame.zoomed(frame.fitted(), factor, 10, 10), dx, dy)
    x1, y1, x2, y2 = view.seen(1000, 700)
    assert x1 < SIZE[0]
    assert x2 > 0
    assert y1 < SIZE[1]
    assert y2 > 0


@given(st.floats(1.0, 60), st.integers(0, 640), st.integers(0, 480))
def test_a_whole_image_pixel_survives_the_way_to_the_screen_and_back(scale: float, x: int, y: int) -> None:
    view = Frame(1000, 700, *SIZE).centred_on(300, 200, scale)
    wx, wy = (round(v) for v in view.to_device(x, y))
    assert drag.inside(*view.to_image(wx, wy), SIZE) == (x, y)


def test_hits_come_smallest_first() -> None:
    shapes = shapes_of((0, 0, 300, 300), (50, 50, 100, 100), (60, 60, 70, 70))
    assert hit.boxes_at(shapes, 65, 65, slack=0) == [3, 2, 1]
    assert hit.boxes_at(shapes, 200, 200, slack=0) == [1]
    assert hit.boxes_at(shapes, 301.5, 200, slack=2) == [1]
    assert hit.boxes_at(shapes_of(), 1, 1, slack=2) == []


def test_a_small_boxs_middle_moves_and_its_rim_resizes() -> None:
    assert hit.handle_at((10, 10, 18, 18), 14, 14, reach=6) is None
    assert hit.handle_at((10, 10, 18, 18), 9, 14, reach=6) == Handle.W
    assert hit.handle_at((10, 10, 18, 18), 20, 20, reach=6) == Handle.SE


def test_the_handles_of_the_draw_tool_lie_inside_of_the_outline_and_leave_the_rest_free() -> None:
    def at(x: float, y: float) -> Handle | None:
        return hit.inner_handle_at((0, 0, 100, 100), x, y, side=8, slack=0.5)

    assert at(100, 100) == Handle.SE
    assert at(92, 92) == Handle.SE
    assert at(101, 101) is None
    assert at(91, 91) is None
    assert at(100, 25) is None
    assert at(97, 50) == Handle.E


@given(boxes(), st.floats(0.2, 30))
def test_the_handles_of_the_draw_tool_never_cover_the_middle_of_a_box(corners, side: float) -> None:
    x1, y1, x2, y2 = corners
    assert hit.inner_handle_at(corners, (x1 + x2) / 2, (y1 + y2) / 2, side=side, slack=0) is None
    handles, points, square = hit.inner_handles(corners, side=side)
    half = square / 2
    assert len(handles) == len(points)
    assert (points[:, 0] - half >= x1 - 1e-6).all()
    assert (points[:, 0] + half <= x2 + 1e-6).all()
    assert (points[:, 1] - half >= y1 - 1e-6).all()
    assert (points[:, 1] + half <= y2 + 1e-6).all()


@given(boxes(), points)
def test_a_box_made_by_key_lies_on_whole_pixels_in_the_room_and_not_on_another_one(room, middle) -> None:
    first = drag.placed(middle, room, set())
    assert room[0] <= first[0] < first[2] <= room[2]
    assert room[1] <= first[1] < first[3] <= room[3]
    assert all(value == int(value) for value in first)
    if room[2] - room[0] > 100 and room[3] - room[1] > 100 and first[2] + 10 <= room[2]:
        assert drag.placed(middle, room, {first}) != first


def test_a_moved_group_sticks_with_the_edge_that_has_the_shortest_way() -> None:
    lines = Lines(size=SIZE, border_reach=2, reach=6, xs=np.array([100.0, 210.0]), ys=np.array([50.0]))
    assert lines.shift([(10, 10, 60, 40)], 45, 0) == (40, 0, 100.0, None)
    assert lines.shift([(10, 10, 60, 40)], 95, 12) == (90, 10, 100.0, 50.0)
    assert lines.shift([(10, 10, 60, 40)], -9, 200) == (-10, 200, 0.0, None)
    assert Lines(size=SIZE, border_reach=-1).shift([(10, 10, 60, 40)], -9, 0) == (-9, 0, None, None)


@given(st.lists(boxes(), max_size=12))
def test_a_walk_visits_every_box_once_and_inner_ones_first(corners) -> None:
    shapes = shapes_of(*corners)
    order = shapes.walk()
    assert sorted(order) == [int(i) for i in shapes.ids]
    place = {box_id: i for i, box_id in enumerate(order)}
    for a in range(len(corners)):
        for b in range(len(corners)):
            x, y = corners[a], corners[b]
            inside = x[0] <= y[0] and x[1] <= y[1] and x[2] >= y[2] and x[3] >= y[3] and x != y
            if inside:
                assert place[b + 1] < place[a + 1]


def test_device_rectangles_are_whole_pixels() -> None:
    rects = View(1.37, 11.0, -7.0).rects(np.array([[0.4, 1.2, 100.7, 50.5]]))
    assert rects.dtype == np.int64
