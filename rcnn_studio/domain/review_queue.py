"""What a person still has to decide about the detections of one image, and where the eye goes next.

Pure rules; nothing here knows runs, files or the screen. What is left out is counted, never lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.detections import Detections, Rejection

SAME_IOU = 0.4
"""Two of one category are one object from this overlap on: objects that really overlap so much are rare, and the
model's own suppression (0.5) leaves copies just below its limit."""

INSIDE, INSIDE_IOU = 0.8, 0.25
"""So are they where so much of the smaller lies in the other, and it is no small part of it."""

RIVAL_IOU = 0.5
"""Two of different categories speak of one object from this overlap on: it has one name. Not where one merely lies in
the other, as for one category: a nut on its washer is two objects."""

REJECTED_IOU = 0.7
"""A detection that overlaps a rejected one of its category so much is the rejected one again, whichever model it is."""

AGREED_IOU = 0.5
"""A detection and a box of its category say the same from this overlap on, as every score of detectors has it."""

Indices = NDArray[np.int64]


def _nothing() -> Indices:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Triage:
    """Indices into the detections, best first, each in one place.

    open: to be decided on. covered: their object has a box, and another detection fits that better. doubles: a better
    open one speaks of their object. decided: rejected, or the one that says what a box says.
    """

    open: Indices = field(default_factory=_nothing)
    covered: Indices = field(default_factory=_nothing)
    doubles: Indices = field(default_factory=_nothing)
    decided: Indices = field(default_factory=_nothing)


def triage(
    detections: Detections, *, box_xyxy: ArrayLike, box_category_ids: ArrayLike, rejections: tuple[Rejection, ...] = ()
) -> Triage:
    """Sort the detections of an image by what they ask of a person who has these boxes and rejections already."""
    if not len(detections):
        return Triage()
    boxes = geometry.as_xyxy(box_xyxy)
    refused = _like_rejections(detections, rejections)
    covered = ~refused & one_object(detections, boxes, box_category_ids).any(axis=1)
    agreed = _that_agree(detections, boxes, box_category_ids)
    rest = np.flatnonzero(~refused & ~covered)
    first = without_doubles(detections.take(rest))
    doubles = np.setdiff1d(np.arange(len(rest)), first)
    return Triage(
        open=rest[first].astype(np.int64),
        covered=np.flatnonzero(covered & ~agreed).astype(np.int64),
        doubles=rest[doubles].astype(np.int64),
        decided=np.flatnonzero(refused | agreed).astype(np.int64),
    )


def one_object(detections: Detections, xyxy: ArrayLike, category_ids: ArrayLike) -> NDArray[np.bool_]:
    """Whether each of N detections and each of M boxes speak of one object. -> (N, M)"""
    others = geometry.as_xyxy(xyxy)
    iou = geometry.iou_matrix(detections.xyxy, others)
    same = detections.category_ids[:, None] == np.asarray(category_ids, dtype=np.int64).reshape(1, -1)
    inside = (_share_of_smaller(detections.xyxy, others) >= INSIDE) & (iou >= INSIDE_IOU)
    return np.asarray((same & ((iou >= SAME_IOU) | inside)) | (iou >= RIVAL_IOU), dtype=np.bool_)


def without_doubles(detections: Detections) -> Indices:
    """Indices of the detections that speak of an object of which no better one that stays has spoken.

    What stays above a score does not depend on what is below it: detections are sorted by falling score.
    """
    like = one_object(detections, detections.xyxy, detections.category_ids)
    stays: list[int] = []
    for row in range(len(detections)):
        if not like[row, stays].any():
            stays.append(row)
    return np.array(stays, dtype=np.int64)


def rivals_left_out(detections: Detections, found: Triage) -> int:
    """How many of the doubles are no copies, but give an open detection's object the name of another category."""
    weaker, better = detections.take(found.doubles), detections.take(found.open)
    like = one_object(weaker, better.xyxy, better.category_ids)
    same = weaker.category_ids[:, None] == better.category_ids[None, :]
    return int((like.any(axis=1) & ~(like & same).any(axis=1)).sum())


def nearest(detections: Detections, among: ArrayLike, corners: tuple[float, float, float, float]) -> int | None:
    """Of the detections with these indices the one whose middle is nearest to the middle of these corners.

    Of equally near ones the best. None where there are none.
    """
    indices = np.asarray(among, dtype=np.int64)
    if not len(indices):
        return None
    there = (np.array(corners[:2]) + np.array(corners[2:])) / 2
    xyxy = detections.xyxy[indices].astype(np.float64)
    away = np.hypot(*((xyxy[:, :2] + xyxy[:, 2:]) / 2 - there).T)
    return int(indices[int(np.argmin(np.round(away, 3)))])


def _like_rejections(detections: Detections, rejections: tuple[Rejection, ...]) -> NDArray[np.bool_]:
    refused = [(r.x1, r.y1, r.x2, r.y2) for r in rejections]
    iou = geometry.iou_matrix(detections.xyxy, refused)
    same = detections.category_ids[:, None] == np.array([r.category_id for r in rejections], dtype=np.int64)[None, :]
    return np.asarray(((iou >= REJECTED_IOU) & same).any(axis=1), dtype=np.bool_)


def _that_agree(detections: Detections, boxes: geometry.FloatArray, category_ids: ArrayLike) -> NDArray[np.bool_]:
    """True for the detection that each box was made of, or that says the same: the best of its category. -> (N,)"""
    same = detections.category_ids[:, None] == np.asarray(category_ids, dtype=np.int64).reshape(1, -1)
    iou = np.where(same, geometry.iou_matrix(detections.xyxy, boxes), 0.0)
    agreed = np.zeros(len(detections), dtype=np.bool_)
    if len(boxes):
        agreed[iou.argmax(axis=0)[iou.max(axis=0) >= AGREED_IOU]] = True
    return agreed


def _share_of_smaller(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over the smaller area of every pair. (N, 4), (M, 4) -> (N, M); 0 for boxes without an area."""
    a, b = geometry.as_xyxy(a), geometry.as_xyxy(b)
    sides = np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]), 0.0, None)
    common = sides[..., 0] * sides[..., 1]
    smaller = np.minimum(geometry.areas(a)[:, None], geometry.areas(b)[None, :])
    return np.asarray(np.divide(common, smaller, out=np.zeros_like(common), where=smaller > 0), dtype=np.float64)
