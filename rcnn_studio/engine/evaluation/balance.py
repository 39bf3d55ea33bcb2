"""Counts how many detections are right from each score on, as a person would be shown them. Chooses no score."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.review_queue import without_doubles
from rcnn_studio.engine.evaluation.columns import Found, Truth, xyxy_of
from rcnn_studio.engine.evaluation.matching import SPARED, TRUE, match

STEPS = 100
LEAST = 0.05
"""Detections below this are not counted: nobody looks at them, and they are most of all."""


def balance_of(truth: Truth, found: Found) -> Balance:
    """Of the detections that stay once weaker doubles are left out, as Review shows them; crowds are spared."""
    shown_rows = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *_shown(found)]))
    shown = Found(
        images=found.images[shown_rows],
        category_ids=found.category_ids[shown_rows],
        xywh=found.xywh[shown_rows],
        scores=found.scores[shown_rows],
    )
    matches = match(truth, shown)
    counted = (matches.kind >= 0) & (matches.kind != SPARED)
    return Balance(
        boxes=int(matches.wanted.sum()),
        shown=_from_each_score(shown.scores[counted]),
        right=_from_each_score(shown.scores[matches.kind == TRUE]),
    )


def _shown(found: Found) -> Iterator[NDArray[np.int64]]:
    """Rows of each image that Review would show."""
    rows = np.flatnonzero(found.scores >= LEAST)
    rows = rows[np.argsort(-found.scores[rows], kind="stable")]
    rows = rows[np.argsort(found.images[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(found.images[rows])) + 1
    for own in np.split(rows, borders):
        best_first = Detections.make(xyxy_of(found.xywh[own]), found.category_ids[own], found.scores[own])
        yield own[without_doubles(best_first)]


def _from_each_score(scores: NDArray[np.float64]) -> tuple[int, ...]:
    """How many are at least 0.00, 0.01, ... 1.00."""
    rising = np.sort(scores)
    limits = np.arange(STEPS + 1) / STEPS - 1e-6
    return tuple(int(len(rising) - place) for place in np.searchsorted(rising, limits, side="left"))
