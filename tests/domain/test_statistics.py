"""The statistics of a dataset against the same numbers counted box by box."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain import statistics
from rcnn_studio.domain.dataset import TRAINABLE_STATES, Box, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.statistics import HEAT_CELLS, Histogram, TrainingSize

from .values import box, dataset, record

NAMES = ("bolt", "nut", "washer")


@st.composite
def boxes(draw: st.DrawFn, number: int) -> Box:
    """Corners anywhere, backwards and outside included."""
    corner = st.floats(-20, 90, allow_nan=False, width=32)
    corners = [draw(corner) for _ in range(4)]
    if draw(st.booleans()):
        corners = [*sorted(corners[::2]), *sorted(corners[1::2])]
        corners = [corners[0], corners[2], corners[1], corners[3]]
    return box(number, *corners, category=draw(st.integers(1, 3)))


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    records = []
    number = 0
    for index in range(draw(st.integers(0, 6))):
        own = []
        for _ in range(draw(st.integers(0, 5))):
            number += 1
            own.append(draw(boxes(number)))
        records.append(
            ImageRecord(
                id=index + 1,
                root=0,
                path=f"{index}.png",
                width=draw(st.integers(1, 80)),
                height=draw(st.integers(1, 80)),
                state=draw(st.sampled_from(ImageState)),
                split=draw(st.sampled_from(["", "train", "val"])),
                boxes=tuple(own),
            )
        )
    return Dataset.from_records(records, categories=make_categories(NAMES), roots=["/pictures"])


def inside(data: Dataset, index: int, row: int) -> tuple[float, float, float, float] | None:
    """The box cut to its image; None where it has no area there."""
    width, height = (float(v) for v in data.sizes[index])
    x1, y1, x2, y2 = data.xyxy[row].tolist()
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x2 <= x1 or y2 <= y1:
        return None
    x1, x2 = (min(max(0.0, v), width) for v in (x1, x2))
    y1, y2 = (min(max(0.0, v), height) for v in (y1, y2))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def all_inside(data: Dataset) -> list[tuple[int, int, tuple[float, float, float, float]]]:
    """(image, category index, corners) of every usable box."""
    found = []
    for index in range(len(data)):
        for row in range(*data.rows(index).indices(data.box_count)):
            corners = inside(data, index, row)
            if corners is not None:
                found.append((index, int(data.category_ids[row]) - 1, corners))
    return found


def bin_of(edges: np.ndarray, value: float) -> int:
    return next(i for i in range(len(edges) - 1) if value < edges[i + 1] or i == len(edges) - 2)


def assert_histogram(found: Histogram, values: list[float]) -> None:
    expected = Counter(bin_of(found.edges, value) for value in values)
    assert {i: int(n) for i, n in enumerate(found.counts) if n} == dict(expected)


@given(datasets())
@settings(deadline=None, max_examples=150)
def test_boxes_and_images_are_counted_by_category_split_and_state(data):
    counted = statistics.count(data)
    assert (counted.images, counted.boxes) == (len(data), data.box_count)
    assert counted.unusable == data.box_count - len(all_inside(data))
    by_category: Counter[tuple[int, int]] = Counter()
    with_category: Counter[tuple[int, int]] = Counter()
    for index in range(len(data)):
        own = [int(c) - 1 for c in data.category_ids[data.rows(index)]]
        by_category.update((c, int(data.splits[index])) for c in own)
        with_category.update((c, int(data.splits[index])) for c in set(own))
    for c in range(3):
        for s in range(len(data.split_names)):
            assert counted.boxes_per_category[c, s] == by_category[c, s]
            assert counted.images_per_category[c, s] == with_category[c, s]
    states = Counter((int(state), int(split)) for state, split in zip(data.states, data.splits, strict=True))
    assert {key: int(counted.images_per_state[key]) for key in states} == dict(states)
    assert counted.images_per_state.sum() == len(data)
    trained = [i for i in range(len(data)) if ImageState(int(data.states[i])) in TRAINABLE_STATES]
    per_image = Counter(int(data.offsets[i + 1] - data.offsets[i]) for i in trained)
    assert {k: int(n) for k, n in enumerate(counted.boxes_per_image) if n} == dict(per_image)


@given(datasets(), st.sampled_from([TrainingSize(), TrainingSize(min_side=40, max_side=50)]))
@settings(deadline=None, max_examples=150)
def test_sizes_shapes_and_positions_are_those_of_each_box_inside_its_image(data, size):
    counted = statistics.count(data, size)
    sides, resized, relative, aspects = [], [], [], []
    classes: dict[bool, Counter[tuple[int, int]]] = {False: Counter(), True: Counter()}
    heat: Counter[tuple[int, int]] = Counter()
    for index, category, (x1, y1, x2, y2) in all_inside(data):
        width, height = (float(v) for v in data.sizes[index])
        scale = min(size.min_side / min(width, height), size.max_side / max(width, height))
        area = (x2 - x1) * (y2 - y1)
        sides.append(math.sqrt(area))
        resized.append(math.sqrt(area) * scale)
        relative.append(math.sqrt(area / (width * height)))
        aspects.append((x2 - x1) / (y2 - y1))
        for after, value in ((False, area), (True, area * scale**2)):
            classes[after][category, 0 if value < 1024 else 1 if value < 9216 else 2] += 1
        column = min(HEAT_CELLS - 1, int((x1 + x2) / 2 / width * HEAT_CELLS))
        heat[min(HEAT_CELLS - 1, int((y1 + y2) / 2 / height * HEAT_CELLS)), column] += 1
    for found, values in (
        (counted.side, sides),
        (counted.side_resized, resized),
        (counted.side_relative, relative),
        (counted.aspect, aspects),
    ):
        assert_histogram(found, values)
    assert {key: int(counted.sizes[key]) for key in zip(*np.nonzero(counted.sizes), strict=True)} == classes[False]
    assert {k: int(counted.sizes_resized[k]) for k in zip(*np.nonzero(counted.sizes_resized), strict=True)} == classes[
        True
    ]
    assert {key: int(counted.heat[key]) for key in zip(*np.nonzero(counted.heat), strict=True)} == heat


@given(datasets(), st.integers(1, 4))
@settings(deadline=None, max_examples=100)
def test_categories_that_stand_together_are_counted_by_image(data, pairs_a_step):
    monkey = pytest.MonkeyPatch()
    monkey.setattr(statistics, "_PAIRS_A_STEP", pairs_a_step * statistics.MOST_COOCCURRING)
    counted = statistics.count(data)
    monkey.undo()
    together: Counter[tuple[int, int]] = Counter()
    for index in range(len(data)):
        own = {int(c) - 1 for c in data.category_ids[data.rows(index)]}
        together.update((a, b) for a in own for b in own)
    for i, a in enumerate(counted.cooccurring.tolist()):
        for j, b in enumerate(counted.cooccurring.tolist()):
            assert counted.cooccurrence[i, j] == together[a, b]
    assert sorted(counted.cooccurring.tolist()) == [0, 1, 2]


def test_image_sizes_come_with_the_most_frequent_first():
    one = record(1)
    other = ImageRecord(id=2, root=0, path="b.png", width=100, height=7)
    assert statistics.count(dataset(one, other, record(3))).image_sizes == ((64, 48, 2), (100, 7, 1))


def test_a_box_of_a_category_that_does_not_exist_is_counted_in_none():
    counted = statistics.count(dataset(record(1, box(1, category=99))))
    assert counted.boxes == 1
    assert counted.boxes_per_category.sum() == 0
    assert counted.side.counts.sum() == 1


def test_training_sizes_follow_the_shorter_side_until_the_longer_one_is_too_long():
    sizes = np.array([[640, 480], [3000, 600], [0, 0]], dtype=np.int32)
    assert TrainingSize().scales(sizes).tolist() == [800 / 480, 1333 / 3000, 0.0]


def test_an_empty_dataset_has_no_boxes_and_no_images():
    counted = statistics.count(Dataset.from_records([], categories=(), roots=()))
    assert (counted.images, counted.boxes, counted.image_sizes) == (0, 0, ())
    assert counted.cooccurrence.shape == (0, 0)
