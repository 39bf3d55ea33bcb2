"""Dividing images into train, val and test once and for all (sticky: an image never changes split by itself)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TRAIN, VAL, TEST = "train", "val", "test"


def random_split(count: int, *, val_fraction: float = 0.2, test_fraction: float = 0.0, seed: int = 0) -> list[str]:
    """Split names for `count` images, drawn without replacement; at least one val image from 2 images on."""
    order = np.random.default_rng(seed).permutation(count)
    n_val = min(max(1, round(count * val_fraction)), count - 1) if count > 1 and val_fraction > 0 else 0
    n_test = min(round(count * test_fraction), max(0, count - n_val - 1))
    names = [TRAIN] * count
    for position in order[:n_val]:
        names[position] = VAL
    for position in order[n_val : n_val + n_test]:
        names[position] = TEST
    return names


def assign_missing(
    splits: Sequence[str], labelled: Sequence[bool], *, seed: int = 0, val_fraction: float = 0.2
) -> list[str]:
    """Splits with every labelled image that has none put into train or val, those that have one left alone.

    The val share is filled up to val_fraction of all labelled images, at least one from 2 on; deterministic in the
    seed.
    """
    result = list(splits)
    free = [i for i, (split, has) in enumerate(zip(splits, labelled, strict=True)) if has and not split]
    have_val = sum(1 for split, has in zip(splits, labelled, strict=True) if has and split == VAL)
    total = sum(1 for has in labelled if has)
    want = round(total * val_fraction)
    if total > 1 and have_val == 0 and val_fraction > 0:
        want = max(1, want)
    need = max(0, min(want - have_val, len(free) - (1 if TRAIN not in splits else 0)))
    order = np.random.default_rng(seed).permutation(len(free))
    for rank, position in enumerate(order):
        result[free[position]] = VAL if rank < need else TRAIN
    return result
