"""Which detection found which box at IoU 0.5, and what the others are, by TIDE's six kinds. Scores nothing.

Kinds and thresholds as in Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, section 2.2.
Where two kinds apply, duplicate comes before localization before classification.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.engine.evaluation.columns import Found, Truth, xyxy_of

FOREGROUND, BACKGROUND = 0.5, 0.1
MOST = 100  # detections of a category in an image, as in COCO
TRUE, CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, EMPTY, SPARED = range(7)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """kind (D,): TRUE ... SPARED (on a crowd: not counted) or -1 (beyond the MOST best); target (D,): number of the box
    that is meant, -1 for none; wanted (G,): boxes to be found; hit (G,): found ones."""

    kind: Ints
    target: Ints
    wanted: NDArray[np.bool_]
    hit: NDArray[np.bool_]


def match(truth: Truth, found: Found) -> Matches:
    """Greedy by falling score in each image, as COCO does; crowd boxes are neither wanted nor held against anyone."""
    kind, target = np.full(len(found.scores), -1), np.full(len(found.scores), -1)
    wanted = ~truth.crowd
    hit = np.zeros(len(truth.images), dtype=np.bool_)
    for image in np.unique(found.images):
        rows = np.flatnonzero(found.images == image)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        rows = rows[_among_the_best(found.category_ids[rows])]
        boxes = np.flatnonzero((truth.images == image) & wanted)
        crowds = np.flatnonzero((truth.images == image) & truth.crowd)
        iou = geometry.iou_matrix(xyxy_of(found.xywh[rows]), xyxy_of(truth.xywh[boxes]))
        same = found.category_ids[rows][:, None] == truth.category_ids[boxes][None, :]
        chosen = _greedy(np.where(same, iou, 0.0))
        hit[boxes[chosen[chosen >= 0]]] = True
        kinds, meant = _kinds(iou, same, chosen)
        kinds[(kinds != TRUE) & _on_crowd(truth, found, rows, crowds)] = SPARED
        kind[rows] = kinds
        target[rows] = np.where(meant >= 0, boxes[meant] if len(boxes) else -1, -1)
    return Matches(kind.astype(np.int64), target.astype(np.int64), wanted, hit)


def _among_the_best(categories: Ints) -> NDArray[np.bool_]:
    """True for the first MOST of each category."""
    keep = np.ones(len(categories), dtype=np.bool_)
    for category in np.unique(categories):
        keep[np.flatnonzero(categories == category)[MOST:]] = False
    return keep


def _greedy(iou: NDArray[np.float64]) -> Ints:
    """(D, G), best score first -> column each row takes, -1 for none: its best one that is still free."""
    free = iou.copy()
    chosen = np.full(len(iou), -1, dtype=np.int64)
    for row in range(len(iou) if iou.shape[1] else 0):
        best = int(free[row].argmax())
        if free[row, best] >= FOREGROUND:
            chosen[row] = best
            free[:, best] = 0.0
    return chosen


def _kinds(iou: NDArray[np.float64], same: NDArray[np.bool_], chosen: Ints) -> tuple[Ints, Ints]:
    """-> kind and meant column of each row."""
    kinds, meant = np.full(len(iou), EMPTY), np.full(len(iou), -1)
    if iou.shape[1]:
        own, other = np.where(same, iou, 0.0), np.where(same, 0.0, iou)
        own_at, other_at = own.argmax(axis=1), other.argmax(axis=1)
        own_most, other_most = own.max(axis=1), other.max(axis=1)
        rules = (  # the last one that applies counts
            (BOTH, (other_most > BACKGROUND), other_at),
            (CLASSIFICATION, other_most >= FOREGROUND, other_at),
            (LOCALIZATION, (own_most > BACKGROUND) & (own_most < FOREGROUND), own_at),
            (DUPLICATE, own_most >= FOREGROUND, own_at),
        )
        for kind, applies, place in rules:
            kinds[applies], meant[applies] = kind, place[applies]
    true = chosen >= 0
    kinds[true], meant[true] = TRUE, chosen[true]
    return kinds.astype(np.int64), meant.astype(np.int64)


def _on_crowd(truth: Truth, found: Found, rows: Ints, crowds: Ints) -> NDArray[np.bool_]:
    """True for detections of which half or more lies in a crowd of their category."""
    a, b = xyxy_of(found.xywh[rows])[:, None], xyxy_of(truth.xywh[crowds])[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0.0, None)
    share = sides.prod(axis=2) / np.maximum(found.xywh[rows][:, 2:].prod(axis=1), 1e-12)[:, None]
    same = found.category_ids[rows][:, None] == truth.category_ids[crowds][None, :]
    return np.asarray(((share >= FOREGROUND) & same).any(axis=1))
