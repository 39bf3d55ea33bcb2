"""What a dataset holds that a format has no place for, as sentences. Reads and writes no files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rcnn_studio.domain.dataset import BoxFlag, Dataset, ImageState

DIFFICULT = "difficult"
TRUNCATED = "truncated"
OCCLUDED = "occluded"
CROWD = "crowd"
SPLITS = "splits"
EMPTY = "empty"
UNLABELLED = "unlabelled"
VERIFIED = "verified"
SUPERCATEGORIES = "supercategories"

VOC = frozenset({DIFFICULT, TRUNCATED, OCCLUDED, SPLITS, EMPTY, UNLABELLED, VERIFIED})
COCO = frozenset({DIFFICULT, TRUNCATED, OCCLUDED, CROWD, SPLITS, EMPTY, SUPERCATEGORIES})
YOLO = frozenset({SPLITS, EMPTY, UNLABELLED})
LABELME = frozenset({DIFFICULT, TRUNCATED, OCCLUDED, CROWD, SPLITS, EMPTY, UNLABELLED})
CSV = frozenset({SPLITS, UNLABELLED})
RETINANET = frozenset({SPLITS, EMPTY, UNLABELLED})

_FLAGS = {
    DIFFICULT: BoxFlag.DIFFICULT,
    TRUNCATED: BoxFlag.TRUNCATED,
    OCCLUDED: BoxFlag.OCCLUDED,
    CROWD: BoxFlag.CROWD,
}


def losses(dataset: Dataset, holds: frozenset[str]) -> tuple[str, ...]:
    """One sentence for each thing that the dataset has and a format that holds only `holds` has not."""
    made: list[str] = []
    labelled = dataset.indices()
    rows = np.zeros(dataset.box_count, dtype=np.bool_)
    for index in labelled:
        rows[dataset.rows(int(index))] = True
    for name, flag in _FLAGS.items():
        count = int(np.count_nonzero(dataset.flags[rows] & int(flag)))
        if count and name not in holds:
            made.append(f"{_boxes(count)} marked {name}: the mark is not written.")
    made += _of_states(dataset, holds)
    named = sum(1 for index in labelled if dataset.split_of(int(index)))
    if named and SPLITS not in holds:
        made.append(f"The split of {_images(named)} is not written.")
    grouped = sum(1 for category in dataset.categories if category.supercategory)
    if grouped and SUPERCATEGORIES not in holds:
        made.append(f"The group of {grouped} {'category' if grouped == 1 else 'categories'} is not written.")
    return tuple(made)


def _of_states(dataset: Dataset, holds: frozenset[str]) -> list[str]:
    made: list[str] = []
    boxes = np.diff(dataset.offsets)

    def count(state: ImageState) -> int:
        return int(np.count_nonzero(dataset.states == int(state)))

    sentences: tuple[tuple[ImageState, str, Callable[[int], str]], ...] = (
        (ImageState.VERIFIED, VERIFIED, lambda n: f"{_images(n)} verified: written as labelled."),
        (ImageState.CONFIRMED_EMPTY, EMPTY, lambda n: f'{_images(n)} marked "nothing here": written as unlabelled.'),
        (ImageState.UNLABELLED, UNLABELLED, lambda n: f"{_images(n)} not labelled yet: left out."),
    )
    for state, name, sentence in sentences:
        if count(state) and name not in holds:
            made.append(sentence(count(state)))
    unfixed = count(ImageState.NEEDS_FIX)
    if unfixed:
        lost = int(boxes[dataset.states == int(ImageState.NEEDS_FIX)].sum())
        what = "written as not labelled" if UNLABELLED in holds else "left out"
        made.append(f'{_images(unfixed)} marked "needs fix", with {_boxes(lost)}: {what}.')
    return made


def _boxes(count: int) -> str:
    return f"{count} box" if count == 1 else f"{count} boxes"


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
