"""What is doubtful in a dataset that can be read: boxes, categories, splits and pictures that look alike.

Vectorised over columns. Knows no files: where an image or a box is written down is asked of Places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.splits import TRAIN, VAL
from rcnn_studio.domain.statistics import TrainingSize, category_indices

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DUPLICATE_IOU = 0.95
TINY_SIDE = 4.0
"""Pixels at the training size: a box that is smaller leaves nothing on a feature map of stride 4."""

BORDER_TOLERANCE = 1.0
"""Pixels that a box may pass the border: 0-based and 1-based corners differ by so much."""

KEPT = "It is kept as it is and left out of training and scoring; draw it again, or delete it."
CLIPPED = "It is kept as it is; training and scoring see the part inside. Look whether the box and the image fit."


class Places(Protocol):
    """Where things are written down. dataset: what the person named, for what concerns the whole of it."""

    dataset: str

    def image(self, index: int) -> str:
        """The file of image number `index`."""
        ...

    def box(self, row: int) -> tuple[str, str]:
        """The annotation file and the place in it of box row `row`."""
        ...


def check_boxes(dataset: Dataset, places: Places, training_size: TrainingSize) -> Iterator[Problem]:
    """Boxes that cannot be trained on, reach out of their image, become tiny, or stand there twice."""
    image_of = np.repeat(np.arange(len(dataset)), np.diff(dataset.offsets))
    sizes = dataset.sizes[image_of].astype(np.float64)
    sound = np.asarray(np.isfinite(dataset.xyxy).all(axis=1), dtype=np.bool_)
    xyxy = np.where(sound[:, None], dataset.xyxy, 0.0)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    shape = _Shape(dataset, places)
    yield from shape.problems(~sound, "not-finite", "has a corner that is no number.", KEPT, "error")
    backwards: BoolArray = sound & (sides < 0).any(axis=1)
    yield from shape.problems(backwards, "reversed-box", "has its corners the wrong way round.", KEPT, "error")
    flat: BoolArray = sound & ~backwards & (sides == 0).any(axis=1)
    yield from shape.problems(flat, "zero-area", "has no area.", KEPT, "error")
    ordered = sound & ~backwards & ~flat
    away: BoolArray = ordered & ((xyxy[:, :2] >= sizes) | (xyxy[:, 2:] <= 0)).any(axis=1)
    yield from shape.problems(away, "outside-image", "lies outside its image.", KEPT, "error")
    beyond = np.maximum(-xyxy[:, :2], xyxy[:, 2:] - sizes).max(axis=1, initial=-np.inf)
    over = ordered & ~away & (beyond > BORDER_TOLERANCE)
    yield from shape.problems(over, "beyond-border", "reaches out of its image.", CLIPPED, "warning")
    inside = np.clip(xyxy[:, 2:], 0, sizes) - np.clip(xyxy[:, :2], 0, sizes)
    resized = inside.min(axis=1, initial=np.inf) * training_size.scales(dataset.sizes)[image_of]
    tiny = ordered & ~away & (resized < TINY_SIDE)
    said = f"is under {TINY_SIDE:g} pixels wide or high once its image is resized to {training_size.min_side}."
    yield from shape.problems(tiny, "tiny-box", said, "It is trained on. Use a larger image size to find such.", "note")
    yield from _duplicates(dataset, places, image_of, ordered)


def check_categories(dataset: Dataset, places: Places) -> Iterator[Problem]:
    """Categories whose names hardly differ, that no box has, or that are scored and never trained."""
    seen: dict[str, str] = {}
    for category in dataset.categories:
        first = seen.setdefault(_plain_name(category.name), category.name)
        if first != category.name:
            message = f"differs from {first!r} in case, spaces or signs only."
            action = "Both are used as two categories. Merge them if they mean the same."
            yield _of_category(places, category.name, "category-alike", message, action, "warning")
    counts = _boxes_per_split(dataset)
    train, val = (dataset.split_names.index(s) if s in dataset.split_names else -1 for s in (TRAIN, VAL))
    for index, category in enumerate(dataset.categories):
        if not counts[index].any():
            action = "It is kept. Draw boxes of it, or delete it."
            yield _of_category(places, category.name, "category-without-boxes", "has no box.", action, "note")
        elif val >= 0 and counts[index, val] and not (train >= 0 and counts[index, train]):
            message = f"has {counts[index, val]} boxes in {VAL} and none in {TRAIN}."
            action = f"It is scored and can never be learned. Put some of its images into {TRAIN}."
            yield _of_category(places, category.name, "category-only-in-val", message, action, "warning")


def check_splits(dataset: Dataset, places: Places) -> Iterator[Problem]:
    """Splits in which nothing can be trained or scored on, and labelled images in none."""
    usable = dataset.trainable_mask()
    used = [name for name in dataset.split_names if name]
    if not usable.any() or not used:
        return
    for name in dict.fromkeys((TRAIN, VAL, *used)):
        inside = dataset.splits == dataset.split_names.index(name) if name in used else np.zeros_like(usable)
        if not (usable & inside).any():
            count = int(inside.sum())
            message = f"no image of {name} is labelled." if count else f"no image is in {name}."
            action = {TRAIN: "Nothing can be trained.", VAL: "Nothing can be scored."}.get(name, "It cannot be used.")
            remedy = f"Label some of its {count} images." if count else f"Put some labelled images into {name}."
            yield _problem(places.dataset, f"split {name}", "empty-split", message, f"{action} {remedy}", "warning")
    action = f"It is not used. Put it into {TRAIN} or {VAL}."
    for index in np.flatnonzero(usable & (dataset.splits == dataset.split_names.index(""))).tolist():
        yield _problem(places.image(index), "", "no-split", "is labelled and in no split.", action, "warning")


def check_alike(dataset: Dataset, places: Places, groups: Sequence[int], *, exact: bool) -> Iterator[Problem]:
    """Images that are the same. groups: for each image the lowest index of those like it; exact: byte for byte.

    Where the images of a group are in several splits, scores are too good: that is said of those outside train.
    """
    splits = dataset.splits.astype(np.int64)
    names = dataset.split_names
    for members in _members(np.asarray(groups, dtype=np.int64)):
        first = next((i for i in members if names[splits[i]] == TRAIN), members[0])
        for index in members:
            if index == first:
                continue
            apart = splits[index] != splits[first] and names[splits[index]] and names[splits[first]]
            yield _alike(places, index, first, (names[splits[index]], names[splits[first]]) if apart else None, exact)


def duplicate_rows(dataset: Dataset, usable: BoolArray, image_of: IntArray) -> tuple[IntArray, IntArray]:
    """Pairs of box rows of one image and one category with IoU > DUPLICATE_IOU. -> (later row, earlier row), (P,)

    Sorted by the left edge, a box can only match those that begin within 5 % of its width, so that each step of the
    sweep looks at few pairs.
    """
    rows = np.flatnonzero(usable)
    xyxy, category = dataset.xyxy[rows], dataset.category_ids[rows]
    order = np.lexsort((xyxy[:, 0], category, image_of[rows]))
    rows, xyxy = rows[order], xyxy[order]
    key = np.stack([image_of[rows], dataset.category_ids[rows]], axis=1)
    reach = xyxy[:, 0] + (1.0 - DUPLICATE_IOU) * (xyxy[:, 2] - xyxy[:, 0])
    active = np.arange(len(rows))
    found: list[IntArray] = []
    step = 0
    while len(active):
        step += 1
        active = active[active + step < len(rows)]
        other = active + step
        near = (key[active] == key[other]).all(axis=1) & (xyxy[other, 0] <= reach[active])
        active, other = active[near], other[near]
        same = _iou(xyxy[active], xyxy[other]) > DUPLICATE_IOU
        found.append(np.stack([rows[active[same]], rows[other[same]]], axis=1))
    pairs = np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)
    return pairs.max(axis=1, initial=-1), pairs.min(axis=1, initial=np.iinfo(np.int64).max)


class _Shape:
    """Makes the problems of box rows; the message begins with the box."""

    def __init__(self, dataset: Dataset, places: Places) -> None:
        self._dataset = dataset
        self._places = places

    def problems(self, which: BoolArray, kind: str, said: str, action: str, level: str) -> Iterator[Problem]:
        for row in np.flatnonzero(which).tolist():
            file, where = self._places.box(row)
            yield _problem(file, where, kind, f"the box {_corners(self._dataset, row)} {said}", action, level)


def _duplicates(dataset: Dataset, places: Places, image_of: IntArray, usable: BoolArray) -> Iterator[Problem]:
    later, earlier = duplicate_rows(dataset, usable, image_of)
    order = np.argsort(later, kind="stable")
    _, first = np.unique(later[order], return_index=True)
    action = "Both are trained on. Delete one."
    for row, twin in zip(later[order][first].tolist(), earlier[order][first].tolist(), strict=True):
        file, where = places.box(row)
        message = f"the box {_corners(dataset, row)} is the same as {places.box(twin)[1]}."
        yield _problem(file, where, "duplicate-box", message, action, "warning")


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    common = sides[:, 0] * sides[:, 1]
    total = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - common
    return np.asarray(common / np.where(total > 0, total, 1.0), dtype=np.float64)


def _boxes_per_split(dataset: Dataset) -> IntArray:
    """Boxes of trainable images by category and split. -> (C, S)"""
    counts = np.diff(dataset.offsets)
    category_of = category_indices(dataset)
    rows = np.repeat(dataset.trainable_mask(), counts) & (category_of >= 0)
    split_of = np.repeat(dataset.splits.astype(np.int64), counts)
    shape = len(dataset.categories), len(dataset.split_names)
    flat = np.bincount(category_of[rows] * shape[1] + split_of[rows], minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def _members(groups: IntArray) -> Iterator[list[int]]:
    """The images of each group of two or more."""
    order = np.argsort(groups, kind="stable")
    bounds = np.flatnonzero(np.diff(groups[order])) + 1
    for part in np.split(order, bounds):
        if len(part) > 1:
            yield part.tolist()


def _alike(places: Places, index: int, first: int, apart: tuple[str, str] | None, exact: bool) -> Problem:
    kind = "same-image" if exact else "near-duplicate"
    verb = "is byte for byte" if exact else "looks like"
    message, action = f"{verb} {places.image(first)}.", "Both are used. Remove one, unless both are meant."
    if apart is not None:
        kind += "-across-splits"
        message = f"{verb} {places.image(first)}, and is in {apart[0]}, that one in {apart[1]}."
        action = f"Scores on {apart[0]} come out too good. Put both into one split."
    level = "warning" if exact or apart is not None else "note"
    return _problem(places.image(index), "", kind, message, action, level)


def _of_category(places: Places, name: str, kind: str, message: str, action: str, level: str) -> Problem:
    return _problem(places.dataset, f"category {name}", kind, message, action, level)


def _problem(file: str, where: str, kind: str, message: str, action: str, level: str) -> Problem:
    return Problem(file=file, where=where, kind=kind, message=message, action=action, level=level)


def _plain_name(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _corners(dataset: Dataset, row: int) -> str:
    return "({})".format(", ".join(f"{value:g}" for value in dataset.xyxy[row].tolist()))
