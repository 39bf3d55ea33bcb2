"""Dividing images into train, val and test once and for all (sticky: an image never changes split by itself).

Every function here is deterministic in its seed. Images that must not be torn apart (of one folder, near duplicates)
are given as groups; who belongs together is found elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TRAIN, VAL, TEST = "train", "val", "test"

SplitBy = Literal["random", "stratified", "folder", "near-duplicates"]
SPLIT_BY: tuple[SplitBy, ...] = ("random", "stratified", "folder", "near-duplicates")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRules:
    """How labelled images are divided. val, test: shares in [0, 1], together less than 1.

    by: "random"; "stratified": every category has its share in each split; "folder", "near-duplicates": the same, and
    images of one folder, or such as look alike, stay together.
    """

    by: SplitBy = "random"
    val: float = 0.2
    test: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.by not in SPLIT_BY:
            raise ValueError(f"splits by {self.by!r}: choose one of {', '.join(SPLIT_BY)}")
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and self.val + self.test < 1):
            raise ValueError(
                f"val {self.val:g} and test {self.test:g}: shares of 0 to 1 that leave something to train on"
            )


def draw(
    rules: SplitRules,
    splits: Sequence[str],
    labelled: NDArray[np.bool_],
    *,
    offsets: NDArray[np.int64],
    category_ids: NDArray[np.int64],
    groups: Sequence[int] | NDArray[np.int64] | None = None,
) -> list[str]:
    """The splits of all images by these rules: N names. An image that has one keeps it, one without labels gets none.

    labelled (N,) bool; offsets (N + 1,), category_ids (M,): boxes as in Dataset; groups (N,): who stays together.
    """
    if rules.by == "random" and not rules.test:
        return assign_missing(splits, labelled.tolist(), seed=rules.seed, val_fraction=rules.val)
    which = np.flatnonzero(labelled)
    shares = {"val_fraction": rules.val, "test_fraction": rules.test}
    together = None if groups is None else np.asarray(groups)[which]
    if rules.by == "random":
        wanted = random_split(len(which), seed=rules.seed, **shares)
    else:
        counts = np.diff(offsets)
        kept = np.repeat(labelled, counts)
        own = np.concatenate([[0], np.cumsum(counts[which])])
        wanted = stratified_split(own, category_ids[kept], groups=together, seed=rules.seed, **shares)
    drawn = keep_existing([splits[i] for i in which.tolist()], wanted, together)
    result = list(splits)
    for index, split in zip(which.tolist(), drawn, strict=True):
        result[index] = split
    return result


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


def stratified_split(
    offsets: Sequence[int] | NDArray[np.int64],
    category_ids: Sequence[int] | NDArray[np.int64],
    *,
    groups: Sequence[int] | NDArray[np.int64] | None = None,
    val_fraction: float = 0.2,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """Split names so that every category has about its share of boxes in each split, the rarest ones first.

    offsets (N + 1,), category_ids (M,): boxes of N images as in Dataset. groups (N,): images of one number stay
    together. After Sechidis et al., "On the Stratification of Multi-Label Data" (ECML 2011): the image or group with
    the rarest category left goes where that category is missing most, and among equals where images are missing most.
    """
    owner, count = _owners(groups, len(offsets) - 1)
    boxes, sizes = _boxes_by_owner(np.asarray(offsets), np.asarray(category_ids), owner, count)
    shares = np.array([1.0 - val_fraction - test_fraction, val_fraction, test_fraction])
    if shares[0] < 0:
        raise ValueError("val and test together are more than everything")
    placed = _stratify(boxes, sizes, shares, np.random.default_rng(seed))
    if len(sizes) > 1 and val_fraction > 0 and not (placed == 1).any():
        placed[_least_harm(placed, sizes)] = 1
    names = (TRAIN, VAL, TEST)
    return [names[placed[number]] for number in owner]


def folder_groups(paths: Sequence[str]) -> list[int]:
    """The same number for images of the same folder, in the order in which the folders occur."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(PurePosixPath(path).parent.as_posix(), len(numbers)) for path in paths]


def keep_existing(
    splits: Sequence[str], wanted: Sequence[str], groups: Sequence[int] | NDArray[np.int64] | None = None
) -> list[str]:
    """What an image has, it keeps; the others get what is wanted, or what the rest of their group has (test before
    val before train, so that nothing that is tested on is trained on)."""
    if groups is None:
        return [old or new for old, new in zip(splits, wanted, strict=True)]
    of_group: dict[int, str] = {}
    for group, split in zip(np.asarray(groups).tolist(), splits, strict=True):
        if split and _rank(split) > _rank(of_group.get(group, "")):
            of_group[group] = split
    rows = zip(splits, wanted, np.asarray(groups).tolist(), strict=True)
    return [old or of_group.get(group, "") or new for old, new, group in rows]


def torn_groups(splits: Sequence[str], groups: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """Group numbers whose images are in more than one split, which lets a model be tested on what it has seen."""
    seen: dict[int, set[str]] = {}
    for group, split in zip(np.asarray(groups).tolist(), splits, strict=True):
        if split:
            seen.setdefault(group, set()).add(split)
    return sorted(group for group, names in seen.items() if len(names) > 1)


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


def _rank(split: str) -> int:
    return {"": 0, TRAIN: 2, VAL: 3, TEST: 4}.get(split, 1)


def _owners(groups: Sequence[int] | NDArray[np.int64] | None, count: int) -> tuple[NDArray[np.int64], int]:
    """Number of the unit that each image belongs to, from 0, and how many units there are."""
    if groups is None:
        return np.arange(count, dtype=np.int64), count
    if len(groups) != count:
        raise ValueError(f"{len(groups)} group numbers for {count} images")
    numbers, owner = np.unique(np.asarray(groups), return_inverse=True)
    return owner.reshape(-1).astype(np.int64), len(numbers)


def _boxes_by_owner(
    offsets: NDArray[np.int64], category_ids: NDArray[np.int64], owner: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Boxes of each unit by category (units, categories), and images of each unit (units,)."""
    numbers, category = np.unique(category_ids, return_inverse=True)
    boxes = np.zeros((count, len(numbers)), dtype=np.int64)
    of_box = np.repeat(owner, np.diff(offsets))
    np.add.at(boxes, (of_box, category.reshape(-1)), 1)
    return boxes, np.bincount(owner, minlength=count).astype(np.int64)


def _stratify(
    boxes: NDArray[np.int64], sizes: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Place of each unit among the shares. The rarest category comes first, and of its units the large ones."""
    placed = np.full(len(sizes), -1, dtype=np.int64)
    missing = np.outer(shares, boxes.sum(axis=0)).astype(np.float64)
    missing_images = shares * sizes.sum()
    allowed: list[int] = np.flatnonzero(shares > 0).tolist()
    for category in (*np.argsort(boxes.sum(axis=0), kind="stable").tolist(), None):
        free = placed < 0
        units = np.flatnonzero(free if category is None else free & (boxes[:, category] > 0))
        rng.shuffle(units)
        weight = sizes if category is None else boxes[:, category]
        for unit in units[np.argsort(-weight[units], kind="stable")].tolist():
            wish = missing_images if category is None else missing[:, category]
            best = max(allowed, key=lambda p: (round(float(wish[p]), 9), missing_images[p], -p))
            placed[unit] = best
            missing[best] -= boxes[unit]
            missing_images[best] -= sizes[unit]
    return placed


def _least_harm(placed: NDArray[np.int64], sizes: NDArray[np.int64]) -> int:
    """The smallest unit in train: it becomes val where otherwise there would be none."""
    train = np.flatnonzero(placed == 0)
    return int(train[np.argmin(sizes[train])])
