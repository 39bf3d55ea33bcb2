"""Each kind of doubtful content, in a dataset that has exactly that fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain import content_checks, geometry
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box, BoxSource, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.statistics import TrainingSize

from .values import box, boxes_inside, dataset, record


class Named:
    """Places by number."""

    dataset = "the dataset"

    def image(self, index: int) -> str:
        return f"image {index}"

    def box(self, row: int) -> tuple[str, str]:
        return "labels", f"row {row}"


def boxes_found(*boxes: Box, size: TrainingSize | None = None) -> list[Problem]:
    return [*content_checks.check_boxes(dataset(record(1, *boxes)), Named(), size or TrainingSize())]


@pytest.mark.parametrize(
    ("corners", "kind", "level"),
    [
        ((float("nan"), 3, 20, 30), "not-finite", "error"),
        ((2, 3, float("inf"), 30), "not-finite", "error"),
        ((20, 3, 2, 30), "reversed-box", "error"),
        ((2, 30, 20, 3), "reversed-box", "error"),
        ((2, 3, 2, 30), "zero-area", "error"),
        ((2, 3, 20, 3), "zero-area", "error"),
        ((64, 3, 80, 30), "outside-image", "error"),
        ((-9, 3, 0, 30), "outside-image", "error"),
        ((2, 48, 20, 60), "outside-image", "error"),
        ((-1.5, 3, 20, 30), "beyond-border", "warning"),
        ((2, 3, 20, 49.5), "beyond-border", "warning"),
    ],
)
def test_a_box_that_is_no_rectangle_in_its_image_is_named_once(corners, kind, level):
    (problem,) = boxes_found(box(1, 2, 3, 20, 30), box(2, *corners))
    assert (problem.file, problem.where, problem.kind, problem.level) == ("labels", "row 1", kind, level)
    assert problem.message.startswith("the box (")
    assert problem.action


@pytest.mark.parametrize("corners", [(0, 0, 64, 48), (-1, -1, 65, 49), (60, 40, 64, 48)])
def test_a_box_up_to_a_pixel_beyond_the_border_is_no_problem(corners):
    assert boxes_found(box(1, *corners)) == []


def test_a_box_that_training_would_make_tiny_is_noted():
    small = TrainingSize(min_side=24, max_side=64)
    (problem,) = boxes_found(box(1, 10, 10, 17, 40), box(2, 10, 10, 18, 40), size=small)
    assert (problem.where, problem.kind, problem.level) == ("row 0", "tiny-box", "note")
    assert "resized to 24" in problem.message
    assert boxes_found(box(1, 10, 10, 17, 40)) == []


def test_the_same_box_twice_is_named_with_its_twin():
    (problem,) = boxes_found(box(1, 2, 3, 60, 44), box(2, 2, 3, 40, 44), box(3, 2.5, 3, 60, 44))
    assert (problem.where, problem.kind) == ("row 2", "duplicate-box")
    assert "row 0" in problem.message
    assert problem.action == "Both are trained on. Delete one."


def test_the_same_rectangle_of_two_categories_or_in_two_images_is_no_duplicate():
    twice = dataset(record(1, box(1), box(2, category=2)), record(2, box(3)))
    assert [*content_checks.check_boxes(twice, Named(), TrainingSize())] == []


@given(st.lists(boxes_inside(), max_size=14), st.lists(st.integers(0, 3), min_size=14, max_size=14))
@settings(deadline=None, max_examples=200)
def test_duplicates_are_those_of_comparing_every_pair(boxes, steps):
    near = [b.moved_to(b.x1 + step / 8, b.y1, b.x2 + step / 8, b.y2) for b, step in zip(boxes, steps, strict=False)]
    data = dataset(record(1, *boxes), record(2, *near, *boxes[:3]))
    image_of = np.repeat(np.arange(2), np.diff(data.offsets))
    usable = np.ones(data.box_count, dtype=np.bool_)
    later, earlier = content_checks.duplicate_rows(data, usable, image_of)
    overlap = geometry.iou_matrix(data.xyxy, data.xyxy)
    expected = {
        (a, b)
        for a in range(data.box_count)
        for b in range(a)
        if overlap[a, b] > 0.95 and image_of[a] == image_of[b] and data.category_ids[a] == data.category_ids[b]
    }
    assert set(zip(later.tolist(), earlier.tolist(), strict=True)) == expected


def named(*names: str, records: tuple[ImageRecord, ...] = ()) -> list[tuple[str, str, str]]:
    data = Dataset.from_records(records, categories=make_categories(names), roots=["/p"])
    return [(p.where, p.kind, p.level) for p in content_checks.check_categories(data, Named())]


def test_categories_that_hardly_differ_are_named():
    used = record(1, box(1), box(2, category=2), box(3, category=3), box(4, category=4))
    assert named("Bolt", "bolt ", "nut", "lock_nut", records=(used,)) == [
        ("category bolt ", "category-alike", "warning")
    ]


def test_a_category_without_boxes_is_noted():
    found = named("bolt", "nut", records=(record(1, box(1)),))
    assert found == [("category nut", "category-without-boxes", "note")]


def test_a_category_that_is_in_val_alone_is_named():
    train, val = record(1, box(1)), record(2, box(2), box(3, category=2), split="val")
    assert named("bolt", "nut", records=(train, val)) == [("category nut", "category-only-in-val", "warning")]


def test_boxes_of_images_that_are_not_trained_on_do_not_count_for_a_category():
    fix = record(1, box(1), state=ImageState.NEEDS_FIX)
    assert named("bolt", records=(fix,)) == [("category bolt", "category-without-boxes", "note")]


def split_problems(*records: ImageRecord) -> list[tuple[str, str, str]]:
    return [(p.file, p.where, p.kind) for p in content_checks.check_splits(dataset(*records), Named())]


def test_a_split_without_labelled_images_is_named():
    train = record(1, box(1))
    assert split_problems(train) == [("the dataset", "split val", "empty-split")]
    waiting = record(2, state=ImageState.UNLABELLED, split="val")
    assert split_problems(train, waiting) == [("the dataset", "split val", "empty-split")]
    assert split_problems(train, record(3, box(2), split="val")) == []


def test_a_labelled_image_in_no_split_is_named():
    found = split_problems(record(1, box(1)), record(2, box(2), split="val"), record(3, box(3), split=""))
    assert found == [("image 2", "", "no-split")]


def test_a_dataset_without_any_split_is_not_blamed_for_it():
    assert split_problems(record(1, box(1), split=""), record(2, box(2), split="")) == []


@pytest.mark.parametrize(
    ("exact", "kind", "level"), [(True, "same-image", "warning"), (False, "near-duplicate", "note")]
)
def test_images_that_are_alike_are_named_with_the_first_of_them(exact, kind, level):
    data = dataset(*(record(number) for number in range(4)))
    (problem,) = content_checks.check_alike(data, Named(), [0, 1, 2, 1], exact=exact)
    assert (problem.file, problem.kind, problem.level) == ("image 3", kind, level)
    assert "image 1" in problem.message


@pytest.mark.parametrize(("exact", "kind"), [(True, "same-image"), (False, "near-duplicate")])
def test_images_alike_in_two_splits_are_named_as_a_leak_of_the_one_outside_train(exact, kind):
    data = dataset(record(1, split="val"), record(2, split="train"), record(3, split=""))
    first, second = content_checks.check_alike(data, Named(), [0, 0, 0], exact=exact)
    assert (first.file, first.kind, first.level) == ("image 0", f"{kind}-across-splits", "warning")
    assert "Scores on val come out too good" in first.action
    assert (second.file, second.kind) == ("image 2", kind)


def test_sources_and_flags_of_boxes_make_no_problem():
    assert boxes_found(box(1, source=BoxSource.RUN, score=0.3, run_id="r")) == []
