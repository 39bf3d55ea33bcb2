"""Train and val: drawn once, never moved, and never without an image to score on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.splits import TEST, TRAIN, VAL, assign_missing, random_split

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
