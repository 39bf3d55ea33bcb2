"""PASCAL VOC's average precision at IoU 0.5: 11-point (2007) and area under the curve (2010 on).

Boxes are half-open, so a VOC box read as (xmin - 1, ymin - 1, xmax, ymax) has the devkit's inclusive size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.engine.evaluation.columns import Found, Truth, xyxy_of

IOU_THRESHOLD = 0.5
FloatArray = NDArray[np.float64]


def voc_scores(truth: Truth, found: Found) -> tuple[float, float]:
    """Mean over the categories that have boxes: (VOC07, VOC10); -1 where none has.

    Difficult and crowd boxes are neither asked for nor held against a detection that finds them (VOCevaldet.m).
    """
    per_category = [voc_category(truth, found, category.id) for category in truth.categories]
    scored = [pair for pair in per_category if pair is not None]
    if not scored:
        return -1.0, -1.0
    return float(np.mean([s[0] for s in scored])), float(np.mean([s[1] for s in scored]))


def voc_category(truth: Truth, found: Found, category_id: int) -> tuple[float, float] | None:
    """(11-point AP, area AP) of one category; None if it has no box to find."""
    mine = truth.category_ids == category_id
    spared = truth.difficult[mine] | truth.crowd[mine]
    wanted = int((~spared).sum())
    if wanted == 0:
        return None
    hits = _hits(truth, found, category_id)
    true = np.cumsum(hits == 1)
    false = np.cumsum(hits == 0)
    recall = true / wanted
    precision = true / np.maximum(true + false, 1)
    return eleven_point_ap(recall, precision), area_ap(recall, precision)


def eleven_point_ap(recall: FloatArray, precision: FloatArray) -> float:
    """Mean of the best precision at recall >= 0, 0.1, ... 1 (VOC2007 devkit)."""
    best = [precision[recall >= point].max(initial=0.0) for point in np.linspace(0, 1, 11)]
    return float(np.mean(best))


def area_ap(recall: FloatArray, precision: FloatArray) -> float:
    """Area under the curve made falling from the right (VOC2010 devkit)."""
    r = np.concatenate([[0.0], recall, [1.0]])
    p = np.concatenate([[0.0], precision, [0.0]])
    p = np.maximum.accumulate(p[::-1])[::-1]
    return float(np.sum(np.diff(r) * p[1:]))


def _hits(truth: Truth, found: Found, category_id: int) -> NDArray[np.int8]:
    """Per detection of the category, best score first: 1 true, 0 false, -1 not counted."""
    mine = np.flatnonzero(truth.category_ids == category_id)
    spared = truth.difficult[mine] | truth.crowd[mine]
    theirs = np.flatnonzero(found.category_ids == category_id)
    theirs = theirs[np.argsort(-found.scores[theirs], kind="stable")]
    nearest = _nearest(truth, found, mine, theirs)
    hits = np.where(nearest < 0, 0, np.where(spared[nearest], -1, 1)).astype(np.int8)
    claims = np.flatnonzero(hits == 1)
    _, first = np.unique(nearest[claims], return_index=True)
    late = np.ones(len(claims), dtype=np.bool_)
    late[first] = False
    hits[claims[late]] = 0
    return hits


def _nearest(truth: Truth, found: Found, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position in `mine` of the box each detection overlaps most; -1 where that is less than the threshold."""
    nearest = np.full(len(theirs), -1, dtype=np.int64)
    for image in np.unique(truth.images[mine]):
        boxes = np.flatnonzero(truth.images[mine] == image)
        rows = np.flatnonzero(found.images[theirs] == image)
        iou = geometry.iou_matrix(xyxy_of(found.xywh[theirs[rows]]), xyxy_of(truth.xywh[mine[boxes]]))
        best = iou.argmax(axis=1)
        nearest[rows] = np.where(iou[np.arange(len(rows)), best] >= IOU_THRESHOLD, boxes[best], -1)
    return nearest
