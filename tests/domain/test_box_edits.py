"""What a hand does to boxes: they move and grow inside the image, and names stay writable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.box_edits import clean_category_name, from_detection, grown, nudged, with_flag_toggled
from rcnn_studio.domain.dataset import BoxFlag, BoxSource
from rcnn_studio.domain.errors import ProjectError
from tests.domain.values import HEIGHT, WIDTH, box, boxes_inside, found

SIZE = {"width": WIDTH, "height": HEIGHT}
STEPS = st.integers(-80, 80).map(lambda quarter: quarter / 4)


@given(st.lists(boxes_inside(), min_size=1, max_size=4), STEPS, STEPS)
def test_a_nudged_group_stays_in_the_image_and_keeps_its_shape(boxes, dx: float, dy: float) -> None:
    moved = nudged(boxes, dx, dy, **SIZE)
    shifts = {(b.x1 - a.x1, b.y1 - a.y1) for a, b in zip(boxes, moved, strict=True)}
    assert len(shifts) == 1, "all of them move alike"
    for before, after in zip(boxes, moved, strict=True):
        assert (after.width, after.height) == (before.width, before.height)
        assert after.x1 >= 0
        assert after.y1 >= 0
        assert after.x2 <= WIDTH
        assert after.y2 <= HEIGHT
    ((right, down),) = shifts
    assert right in (dx, -min(b.x1 for b in boxes), WIDTH - max(b.x2 for b in boxes)), "no shorter than it must be"
    assert down in (dy, -min(b.y1 for b in boxes), HEIGHT - max(b.y2 for b in boxes))


def test_a_nudge_stops_at_the_border() -> None:
    (moved,) = nudged([box(1, 2, 3, 20, 30)], -10, 10, **SIZE)
    assert moved.xyxy == (0, 13, 18, 40)
    (moved,) = nudged([box(1, 2, 3, 20, 30)], 100, -1, **SIZE)
    assert moved.xyxy == (46, 2, 64, 29)


def test_a_nudge_against_the_border_leaves_the_box_untouched() -> None:
    at_border = box(1, 0, 3, 20, 30)
    assert nudged([at_border], -1, 0, **SIZE) == [at_border]


def test_a_box_that_lies_outside_is_not_pushed_back() -> None:
    outside = box(1, -6, 3, 70, 30)
    assert nudged([outside], -1, 0, **SIZE) == [outside]
    assert nudged([outside], 1, 0, **SIZE) == [outside]
    left = box(1, -6, 3, 20, 30)
    assert nudged([left], 2, 0, **SIZE)[0].xyxy == (-4, 3, 22, 30)


def test_nothing_is_nudged_where_nothing_is_selected() -> None:
    assert nudged([], 1, 1, **SIZE) == []


@given(boxes_inside(), STEPS, STEPS, STEPS, STEPS)
def test_a_grown_box_keeps_a_pixel_inside_the_image(before, dx1, dy1, dx2, dy2) -> None:
    after = grown(before, (dx1, dy1, dx2, dy2), **SIZE)
    assert after.width >= 1
    assert after.height >= 1
    assert after.x1 >= 0
    assert after.y1 >= 0
    assert after.x2 <= WIDTH
    assert after.y2 <= HEIGHT
    assert after.id == before.id


def test_each_edge_moves_alone() -> None:
    before = box(1, 10, 10, 30, 30)
    assert grown(before, (-2, 0, 0, 0), **SIZE).xyxy == (8, 10, 30, 30)
    assert grown(before, (0, -2, 0, 0), **SIZE).xyxy == (10, 8, 30, 30)
    assert grown(before, (0, 0, 2, 0), **SIZE).xyxy == (10, 10, 32, 30)
    assert grown(before, (0, 0, 0, 2), **SIZE).xyxy == (10, 10, 30, 32)


def test_shrinking_stops_at_one_pixel() -> None:
    assert grown(box(1, 10, 10, 30, 30), (0, 0, -100, -100), **SIZE).xyxy == (10, 10, 11, 11)
    assert grown(box(1, 10, 10, 30, 30), (100, 100, 0, 0), **SIZE).xyxy == (29, 29, 30, 30)


def test_an_edge_outside_the_image_stays_there_while_another_one_moves() -> None:
    assert grown(box(1, -6, 3, 20, 30), (0, 0, 2, 0), **SIZE).xyxy == (-6, 3, 22, 30)


def test_a_flag_is_set_on_all_before_it_is_cleared_on_all() -> None:
    mixed = [box(1, flags=BoxFlag.DIFFICULT | BoxFlag.CROWD), box(2)]
    with_all, on = with_flag_toggled(mixed, BoxFlag.DIFFICULT)
    assert on
    assert [b.difficult for b in with_all] == [True, True]
    assert with_all[0].crowd, "other flags stay"
    without, on = with_flag_toggled(with_all, BoxFlag.DIFFICULT)
    assert not on
    assert [b.difficult for b in without] == [False, False]
    assert without[0].crowd
    assert all(b.edited for b in without)


def test_an_accepted_detection_is_a_box_on_whole_pixels_that_remembers_its_run() -> None:
    detections = found(((1.0, 2.0, 9.0, 9.0), 1, 0.2), ((10.4, 5.6, 30.5, 20.49), 2, 0.87654321))
    made = from_detection(detections, 0, box_id=5, run_id="run", **SIZE)
    assert made.xyxy == (10, 6, 30, 20)
    assert (made.id, made.category_id, made.source, made.run_id, made.score) == (5, 2, BoxSource.RUN, "run", 0.8765)
    assert not made.edited


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((-7, -7, 5, 5), (0, 0, 5, 5)),
        ((60, 40, 90, 90), (60, 40, 64, 48)),
        ((10.2, 10.2, 10.4, 10.4), (10, 10, 11, 11)),
        ((63.9, 47.9, 64, 48), (63, 47, 64, 48)),
        ((70, 60, 80, 70), (63, 47, 64, 48)),
    ],
)
def test_an_accepted_detection_lies_in_the_image_with_at_least_a_pixel(corners, expected) -> None:
    made = from_detection(found((corners, 1, 0.9)), 0, box_id=1, run_id="run", **SIZE)
    assert made.xyxy == expected


@pytest.mark.parametrize("name", ["bolt", "M3 x 12", "Übermaß", "螺栓", "🔩", "a < b & c", "'quoted'", "50 %"])
def test_any_readable_name_is_taken_as_it_is(name: str) -> None:
    assert clean_category_name(name) == name


def test_outer_blanks_are_cut_off() -> None:
    assert clean_category_name("  hex nut \n") == "hex nut"


@pytest.mark.parametrize(
    "name", ["", "   ", "a\tb", "a\nb", "nul\0", "\x1b[31m", "half\ud800", "\udfff", "end\uffff", "\ufffe"]
)
def test_a_name_that_no_xml_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ProjectError, match="class name"):
        clean_category_name(name)


@given(st.text(max_size=8))
def test_a_name_that_is_taken_can_be_written_as_xml_and_read_back(name: str) -> None:
    from lxml import etree

    try:
        clean = clean_category_name(name)
    except ProjectError:
        return
    element = etree.Element("name")
    element.text = clean
    assert etree.fromstring(etree.tostring(element)).text == clean
    assert clean_category_name(clean) == clean
