"""What the plots of the statistics page show: bars with their numbers, and the filter behind each. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Category, ImageState
from rcnn_studio.domain.image_query import ImageQuery, Range
from rcnn_studio.domain.splits import TEST, TRAIN, VAL
from rcnn_studio.domain.statistics import Histogram, Statistics
from rcnn_studio.ui.browse.words import count_text, images_text, split_text, state_text

MOST_CATEGORIES = 40
MOST_BOXES = 24
HEAT_CELLS = 16


def _say(text: str) -> str:
    return QCoreApplication.translate("statistics", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """label: under or beside it; count: its length; parts: of which, by split, in the order of the splits; query: the
    images behind it; tip: what it says in full."""

    label: str
    count: int
    query: ImageQuery
    tip: str
    parts: tuple[int, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heat:
    """counts (G, G) of box centres, rows from the top; aspect: width over height of the images, their median."""

    counts: np.ndarray
    aspect: float = 1.0

    def query(self, row: int, column: int) -> ImageQuery:
        """Images with a box centred in this cell."""
        n = len(self.counts)
        return ImageQuery(place=(column / n, row / n, (column + 1) / n, (row + 1) / n))


def ordered_splits(counted: Statistics) -> list[str]:
    """train, val and test, then those of other names, images without a split last."""
    first = [TRAIN, VAL, TEST]
    return sorted(counted.splits, key=lambda split: (first.index(split) if split in first else 3 + (not split), split))


def _parts(counted: Statistics, numbers: np.ndarray) -> tuple[int, ...]:
    """One number a split, in the order of ordered_splits. numbers (S,) in the order of the statistics."""
    return tuple(int(numbers[counted.splits.index(split)]) for split in ordered_splits(counted))


def per_category(counted: Statistics, categories: Sequence[Category]) -> list[Bar]:
    """The most frequent classes first; at most MOST_CATEGORIES. categories: those the numbers were counted for."""
    totals = counted.boxes_per_category.sum(axis=1)
    bars = []
    for row in np.argsort(-totals, kind="stable")[:MOST_CATEGORIES].tolist():
        name, images = counted.categories[row], int(counted.images_per_category[row].sum())
        known = next((c.id for c in categories if c.name == name), None)
        parts = _parts(counted, counted.boxes_per_category[row])
        by_split = ", ".join(f"{split_text(s)} {v}" for s, v in zip(ordered_splits(counted), parts, strict=True) if v)
        tip = _say("{0}: {1} in {2}").format(name, count_text(int(totals[row])), images_text(images))
        bars.append(
            Bar(
                label=name,
                count=int(totals[row]),
                parts=parts,
                query=ImageQuery(categories=frozenset() if known is None else frozenset({known})),
                tip=f"{tip}\n{by_split}" if by_split else tip,
            )
        )
    return bars


def per_state(counted: Statistics) -> list[Bar]:
    bars = []
    for state in ImageState:
        parts = _parts(counted, counted.images_per_state[int(state)])
        text = f"{state_text(state)}: {images_text(sum(parts))}"
        query = ImageQuery(states=frozenset({state}))
        bars.append(Bar(label=state_text(state), count=sum(parts), parts=parts, query=query, tip=text))
    return bars


def per_split(counted: Statistics) -> list[Bar]:
    bars = []
    for split in ordered_splits(counted):
        column = counted.splits.index(split)
        images, boxes = (
            int(counted.images_per_state[:, column].sum()),
            int(counted.boxes_per_category[:, column].sum()),
        )
        if images:
            tip = _say("{0}: {1} with {2}").format(split_text(split), images_text(images), count_text(boxes))
            parts = tuple(images if other == split else 0 for other in ordered_splits(counted))
            query = ImageQuery(splits=frozenset({split}))
            bars.append(Bar(label=split_text(split), count=images, parts=parts, query=query, tip=tip))
    return bars


def sides(counted: Statistics) -> list[Bar]:
    """Square root of the area in pixels, half an octave a bar."""
    return _histogram(counted.side, _say("{0} px wide and high"), lambda side: ImageQuery(side=side))


def aspects(counted: Statistics) -> list[Bar]:
    """Width over height, a quarter of an octave a bar."""
    return _histogram(counted.aspect, _say("width / height {0}"), lambda aspect: ImageQuery(aspect=aspect))


def boxes_per_image(counted: Statistics) -> list[Bar]:
    """Over the images that are trained on; the last bar is of all that have more."""
    counts = counted.boxes_per_image.tolist()
    head, rest = counts[:MOST_BOXES], sum(counts[MOST_BOXES:])
    bars = []
    for boxes, images in enumerate(head):
        query = ImageQuery(states=TRAINABLE_STATES, boxes=(float(boxes), float(boxes)))
        tip = f"{count_text(boxes)}: {images_text(images)}"
        bars.append(Bar(label=str(boxes), count=images, query=query, tip=tip))
    if rest:
        query = ImageQuery(states=TRAINABLE_STATES, boxes=(float(MOST_BOXES), math.inf))
        tip = _say("{0} boxes or more: {1}").format(MOST_BOXES, images_text(rest))
        bars.append(Bar(label=f"{MOST_BOXES}+", count=rest, query=query, tip=tip))
    return bars


def heat(counted: Statistics) -> Heat:
    """The centres of all boxes in a coarser grid, whose cells can be hit with the mouse."""
    fine = counted.heat
    step = len(fine) // HEAT_CELLS
    counts = fine.reshape(HEAT_CELLS, step, HEAT_CELLS, step).sum(axis=(1, 3))
    return Heat(counts=counts, aspect=median_aspect(counted))


def median_aspect(counted: Statistics) -> float:
    """Width over height of the image in the middle; 1 where no size is known."""
    shapes = sorted((width / height, images) for width, height, images in counted.image_sizes if width and height)
    if not shapes:
        return 1.0
    upto = np.cumsum([images for _, images in shapes])
    return float(shapes[int(np.searchsorted(upto, upto[-1] / 2))][0])


def _histogram(found: Histogram, text: str, ask: Callable[[Range], ImageQuery]) -> list[Bar]:
    """A bar for each bin from the first to the last that holds anything."""
    filled = np.flatnonzero(found.counts)
    if not len(filled):
        return []
    bars = []
    for number in range(int(filled[0]), int(filled[-1]) + 1):
        low, high = float(found.edges[number]), float(found.edges[number + 1])
        count = int(found.counts[number])
        tip = f"{text.format(_between(low, high))}: {count_text(count)}"
        bars.append(Bar(label=_short(low), count=count, query=ask((low, high)), tip=tip))
    return bars


def _between(low: float, high: float) -> str:
    return _say("from {0}").format(_short(low)) if math.isinf(high) else f"{_short(low)} – {_short(high)}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
