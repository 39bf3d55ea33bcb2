"""A dataset as columns says the same as its records, and which of it may be trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import (
    PALETTE,
    BoxFlag,
    Category,
    ImageState,
    make_categories,
    next_color,
    next_hotkey,
    spread_color,
)
from tests.domain.values import FLAGS, box, boxes_inside, dataset, record

NAN, INF = float("nan"), float("inf")


@given(st.lists(st.lists(boxes_inside(), max_size=4), max_size=5))
def test_each_image_keeps_its_boxes_in_order(boxes) -> None:
    records = [record(10 + number, *inside) for number, inside in enumerate(boxes)]
    data = dataset(*records)
    assert len(data) == len(records)
    assert data.box_count == sum(len(r.boxes) for r in records)
    for index, expected in enumerate(records):
        rows = data.rows(index)
        assert data.box_ids[rows].tolist() == [b.id for b in expected.boxes]
        assert data.xyxy[rows].tolist() == [list(b.xyxy) for b in expected.boxes]
        assert data.category_ids[rows].tolist() == [b.category_id for b in expected.boxes]
        assert data.flags[rows].tolist() == [int(b.flags) for b in expected.boxes]
    assert (data.image_ids.tolist(), list(data.paths)) == ([r.id for r in records], [r.path for r in records])
    assert data.sizes.tolist() == [[r.width, r.height] for r in records]


def test_a_dataset_without_images_has_no_rows() -> None:
    data = dataset()
    assert (len(data), data.box_count) == (0, 0)
    assert data.indices().tolist() == []
    assert data.boxes_usable().tolist() == []


def test_splits_keep_their_names() -> None:
    data = dataset(record(1, split="val"), record(2, split=""), record(3, split="train"), record(4, split="val"))
    assert [data.split_of(i) for i in range(4)] == ["val", "", "train", "val"]
    assert data.indices(split="val").tolist() == [0, 3]
    assert data.indices(split="train").tolist() == [2]
    assert data.indices(split="").tolist() == [1]
    assert data.indices(split="nightly").tolist() == []
    assert data.indices().tolist() == [0, 1, 2, 3]


def test_unlabelled_and_doubtful_images_are_neither_trained_nor_scored_on() -> None:
    data = dataset(*(record(number, state=state) for number, state in enumerate(ImageState)))
    used = {ImageState(int(data.states[i])) for i in data.indices(split="train")}
    assert used == {ImageState.LABELLED, ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED}
    assert data.indices(split="train", trainable=False).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("corners", "usable"),
    [
        ((0, 0, 64, 48), True),
        ((-10, -10, 5, 5), True),  # partly outside: the engine clips it
        ((60, 40, 90, 90), True),
        ((64, 0, 80, 10), False),  # wholly outside: nothing is left
        ((-9, -9, -1, -1), False),
        ((5, 5, 5, 20), False),
        ((20, 5, 5, 20), False),
        ((5, NAN, 10, 20), False),
        ((5, 5, INF, 20), False),
    ],
)
def test_only_boxes_with_an_area_in_their_image_are_usable(corners, usable: bool) -> None:
    data = dataset(record(1, box(1)), record(2), record(3, box(2, *corners), box(3)))
    assert data.boxes_usable().tolist() == [True, usable, True]


def test_flags_read_as_words() -> None:
    every, none = box(1, flags=FLAGS), box(1)
    assert (every.difficult, every.truncated, every.occluded, every.crowd) == (True, True, True, True)
    assert (none.difficult, none.truncated, none.occluded, none.crowd) == (False, False, False, False)
    assert box(1, flags=BoxFlag.OCCLUDED).occluded


def test_a_moved_box_is_edited_and_keeps_everything_else() -> None:
    before = box(7, 2, 3, 20, 30, category=2, flags=BoxFlag.TRUNCATED, place=4, extra={"pose": "Left"})
    after = before.moved_to(3, 3, 21, 30)
    assert after.xyxy == (3.0, 3.0, 21.0, 30.0)
    assert after.edited
    assert (after.id, after.category_id, after.flags, after.place, after.extra) == (7, 2, before.flags, 4, before.extra)
    assert (after.width, after.height) == (18, 27)


def test_a_box_moved_to_where_it_is_counts_as_untouched() -> None:
    before = box(7, 2, 3, 20, 30)
    assert before.moved_to(2, 3, 20, 30) == before


def test_twelve_categories_get_ten_keys_and_the_palette_before_other_colours() -> None:
    made = make_categories([f"kind {n}" for n in range(12)])
    assert [c.id for c in made] == list(range(1, 13))
    assert [c.hotkey for c in made] == [*"1234567890", None, None]
    assert [c.color for c in made[:10]] == list(PALETTE)
    assert not {c.color for c in made[10:]} & set(PALETTE)


def test_five_hundred_categories_have_colours_of_their_own_and_neighbours_differ_much() -> None:
    colors = [c.color for c in make_categories([f"kind {n}" for n in range(500)])]
    assert len(set(colors)) == 500
    rgb = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], dtype=np.float64)
    assert np.abs(np.diff(rgb, axis=0)).max(axis=1).min() > 40


def test_colours_come_again_only_when_there_are_thousands_of_categories() -> None:
    taken = [Category(id=n, name=str(n), color=color) for n, color in enumerate({spread_color(n) for n in range(3000)})]
    assert next_color(taken).startswith("#")


def test_a_freed_key_and_colour_are_given_again() -> None:
    made = make_categories(["bolt", "nut", "washer"])
    rest = (made[0], made[2])
    assert next_hotkey(rest) == "2"
    assert next_color(rest) == made[1].color
