"""PASCAL VOC's average precision at IoU 0.5: 11-point (2007) and area under the curve (2010 on).

Boxes are half-open, so a VOC box read as (xmin - 1, ymin - 1, xmax, ymax) has the devkit's inclusive size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.engine.evaluation.columns import Found, Truth

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
    boxes, spared = _xyxy(truth.xywh[mine]), truth.difficult[mine] | truth.crowd[mine]
    rows_of = {int(i): np.flatnonzero(truth.images[mine] == i) for i in np.unique(truth.images[mine])}
    theirs = np.flatnonzero(found.category_ids == category_id)
    theirs = theirs[np.argsort(-found.scores[theirs], kind="stable")]
    xyxy = _xyxy(found.xywh[theirs])
    taken = np.zeros(len(mine), dtype=np.bool_)
    hits = np.zeros(len(theirs), dtype=np.int8)
    for position, row in enumerate(theirs):
        candidates = rows_of.get(int(found.images[row]))
        if candidates is None:
            continue
        iou = geometry.iou_matrix(xyxy[position], boxes[candidates])[0]
        best = int(iou.argmax())
        box = int(candidates[best])
        if iou[best] < IOU_THRESHOLD:
            continue
        if spared[box]:
            hits[position] = -1
        elif not taken[box]:
            taken[box] = True
            hits[position] = 1
    return hits


def _xyxy(xywh: FloatArray) -> FloatArray:
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
