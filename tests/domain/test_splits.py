"""Train and val: drawn once, never moved, and never without an image to score on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.splits import (
    TEST,
    TRAIN,
    VAL,
    assign_missing,
    folder_groups,
    keep_existing,
    random_split,
    stratified_split,
    torn_groups,
)

PLACES = st.lists(st.tuples(st.sampled_from(["", TRAIN, VAL, TEST]), st.booleans()), max_size=40)


def test_a_hundred_images_are_divided_by_the_fractions() -> None:
    names = random_split(100, val_fraction=0.2, test_fraction=0.1)
    assert (names.count(TRAIN), names.count(VAL), names.count(TEST)) == (70, 20, 10)


def test_the_seed_decides() -> None:
    assert random_split(50, seed=3) == random_split(50, seed=3)
    assert random_split(50, seed=3) != random_split(50, seed=4)


@given(st.integers(0, 60), st.floats(0.01, 1.0), st.floats(0.0, 1.0))
def test_from_two_images_on_there_is_one_to_train_and_one_to_score_on(count, val, test) -> None:
    names = random_split(count, val_fraction=val, test_fraction=test)
    assert len(names) == count
    if count >= 2:
        assert VAL in names
        assert TRAIN in names


def test_a_single_image_is_trained_on() -> None:
    assert random_split(1) == [TRAIN]
    assert random_split(0) == []


def test_no_val_share_means_no_val_image() -> None:
    assert random_split(10, val_fraction=0) == [TRAIN] * 10
    assert assign_missing([""] * 10, [True] * 10, val_fraction=0) == [TRAIN] * 10


@given(PLACES, st.integers(0, 5))
def test_an_image_never_changes_its_split(places, seed: int) -> None:
    splits, labelled = [p[0] for p in places], [p[1] for p in places]
    after = assign_missing(splits, labelled, seed=seed)
    for old, new, has in zip(splits, after, labelled, strict=True):
        if old or not has:
            assert new == old
        else:
            assert new in (TRAIN, VAL)
    assert after == assign_missing(splits, labelled, seed=seed)


@given(PLACES)
def test_images_labelled_later_join_without_disturbing_the_others(places) -> None:
    first = assign_missing([p[0] for p in places], [p[1] for p in places])
    later = assign_missing(first, [True] * len(first))
    assert [b for a, b in zip(first, later, strict=True) if a] == [a for a in first if a]
    assert "" not in later


def test_the_val_share_is_filled_up() -> None:
    after = assign_missing([TRAIN] * 16 + [""] * 4, [True] * 20)
    assert after[16:] == [VAL] * 4
    after = assign_missing([VAL] * 4 + [""] * 16, [True] * 20)
    assert after[4:] == [TRAIN] * 16


def test_two_labelled_images_are_one_of_each() -> None:
    assert sorted(assign_missing(["", ""], [True, True])) == [TRAIN, VAL]


def test_unlabelled_images_wait() -> None:
    assert assign_missing(["", "", ""], [False, False, True]) == ["", "", TRAIN]


def test_a_rare_category_gets_its_share_in_every_split() -> None:
    rng = np.random.default_rng(3)
    count = 600
    categories = [[1] * 3 + ([2] if n % 30 == 0 else []) + ([3] if rng.random() < 0.3 else []) for n in range(count)]
    offsets = np.cumsum([0, *map(len, categories)])
    flat = np.array([c for row in categories for c in row])
    names = stratified_split(offsets, flat, val_fraction=0.2, test_fraction=0.1, seed=5)
    of_box = np.repeat(np.array(names), np.diff(offsets))
    for category in (1, 2, 3):
        boxes = of_box[flat == category]
        for name, share in ((TRAIN, 0.7), (VAL, 0.2), (TEST, 0.1)):
            assert abs((boxes == name).mean() - share) <= 1 / len(boxes) + 0.02, (category, name)
    assert names == stratified_split(offsets, flat, val_fraction=0.2, test_fraction=0.1, seed=5)
    assert names != stratified_split(offsets, flat, val_fraction=0.2, test_fraction=0.1, seed=6)


def test_images_without_boxes_are_divided_as_well() -> None:
    names = stratified_split([0] * 101, [], val_fraction=0.25)
    assert (names.count(TRAIN), names.count(VAL), names.count(TEST)) == (75, 25, 0)


def test_groups_stay_together_and_the_shares_come_near() -> None:
    groups = [n // 7 for n in range(700)]
    names = stratified_split([0] * 701, [], groups=groups, val_fraction=0.2, test_fraction=0.1, seed=1)
    assert torn_groups(names, groups) == []
    assert 130 <= names.count(VAL) <= 150
    assert 60 <= names.count(TEST) <= 80


def test_two_groups_make_one_of_train_and_one_of_val() -> None:
    two = stratified_split([0] * 8, [], groups=[5, 5, 5, 5, 5, 5, 9], val_fraction=0.1)
    assert sorted(two) == [TRAIN] * 6 + [VAL]
    assert stratified_split([0] * 4, [], groups=[4, 4, 4]) == [TRAIN] * 3
    assert stratified_split([0], [], groups=[]) == []


def test_strata_and_groups_go_together() -> None:
    groups = [n // 4 for n in range(400)]
    offsets = list(range(401))
    categories = [1 + (n // 4) % 2 for n in range(400)]
    names = stratified_split(offsets, categories, groups=groups, val_fraction=0.2)
    assert torn_groups(names, groups) == []
    for category in (1, 2):
        boxes = [name for name, c in zip(names, categories, strict=True) if c == category]
        assert boxes.count(VAL) == 40


def test_folders_are_groups() -> None:
    assert folder_groups(["a/1.jpg", "b/1.jpg", "a/2.jpg", "3.jpg", "a/c/4.jpg"]) == [0, 1, 0, 2, 3]


def test_an_image_keeps_its_split_and_a_new_one_follows_its_group() -> None:
    splits = [TRAIN, "", VAL, "", "", ""]
    wanted = [VAL, VAL, TRAIN, TRAIN, TEST, TRAIN]
    assert keep_existing(splits, wanted) == [TRAIN, VAL, VAL, TRAIN, TEST, TRAIN]
    groups = [1, 1, 2, 2, 1, 3]
    assert keep_existing(splits, wanted, groups) == [TRAIN, TRAIN, VAL, VAL, TRAIN, TRAIN]
    torn = [TRAIN, "", TEST]
    assert keep_existing(torn, [TRAIN] * 3, [1, 1, 1]) == [TRAIN, TEST, TEST]
    assert torn_groups(keep_existing(torn, [TRAIN] * 3, [1, 1, 1]), [1, 1, 1]) == [1]


def test_more_than_everything_cannot_be_divided() -> None:
    with pytest.raises(ValueError, match="more than everything"):
        stratified_split([0, 1], [1], val_fraction=0.7, test_fraction=0.7)
    with pytest.raises(ValueError, match="2 group numbers for 1 images"):
        stratified_split([0, 1], [1], groups=[1, 2])
