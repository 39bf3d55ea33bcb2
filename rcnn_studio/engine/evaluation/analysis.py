"""Takes a score apart: what each kind of error costs, which categories are confused, curves, sizes.

Costs are TIDE's: AP50 once the errors of one kind are mended, less AP50 as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.analysis import ERROR_KINDS, Analysis, Confusion, Curve, ErrorKind, SizeRow
from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.detections import Detections
from rcnn_studio.engine.evaluation import matching
from rcnn_studio.engine.evaluation.coco import SURE, coco_arrays
from rcnn_studio.engine.evaluation.columns import Found, Truth, found_of, truth_of, xyxy_of
from rcnn_studio.engine.evaluation.matching import CLASSIFICATION, LOCALIZATION, SPARED, TRUE, Ints, Matches, match

_SIZES = (("small", 0.0, 32.0**2), ("medium", 32.0**2, 96.0**2), ("large", 96.0**2, 1e10))
_MENDED = (CLASSIFICATION, LOCALIZATION)  # made true where the box is not found yet; the other kinds are taken away
_REMOVED = (matching.BOTH, matching.DUPLICATE, matching.EMPTY)


def analyse(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], detections: Sequence[Detections]) -> Analysis:
    """Of detections[k] against the boxes of image number indices[k]."""
    return analyse_columns(truth_of(dataset, indices), found_of(detections))


def analyse_columns(truth: Truth, found: Found) -> Analysis:
    """As analyse, from columns."""
    precision, recall = coco_arrays(truth, found)
    matches = match(truth, found)
    whole, errors = _errors(truth, found, matches)
    return Analysis(
        AP50=whole,
        errors=errors,
        confusion=confusion(truth, found),
        curves=tuple(
            Curve(name=c.name, precision=tuple(float(v) for v in precision[0, :, k, 0, 2] if v > -1))
            for k, c in enumerate(truth.categories)
        ),
        sizes=tuple(
            SizeRow(
                name=name,
                boxes=int((matches.wanted & (truth.areas >= least) & (truth.areas < most)).sum()),
                AP=_mean(precision[:, :, :, number, 2]),
                AR=_mean(recall[:, :, number, 2]),
            )
            for number, (name, least, most) in enumerate(_SIZES, start=1)
        ),
    )


def confusion(truth: Truth, found: Found, *, score: float = SURE, iou: float = 0.5) -> Confusion:
    """Boxes and detections of any category paired by falling IoU; what stays alone goes with the background."""
    ids = np.array([c.id for c in truth.categories], dtype=np.int64)
    background = len(ids)
    counts = np.zeros((background + 1, background + 1), dtype=np.int64)
    place = {int(category): number for number, category in enumerate(ids)}
    sure = np.flatnonzero((found.scores >= score) & np.isin(found.category_ids, ids))
    wanted = np.flatnonzero(~truth.crowd & np.isin(truth.category_ids, ids))
    for image in range(truth.image_count):
        boxes, rows = wanted[truth.images[wanted] == image], sure[found.images[sure] == image]
        true, seen = (
            [place[int(i)] for i in truth.category_ids[boxes]],
            [place[int(i)] for i in found.category_ids[rows]],
        )
        overlap = geometry.iou_matrix(xyxy_of(truth.xywh[boxes]), xyxy_of(found.xywh[rows]))
        free_boxes, free_rows = set(range(len(boxes))), set(range(len(rows)))
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            box, row = divmod(int(flat), len(rows))
            if overlap[box, row] < iou:
                break
            if box in free_boxes and row in free_rows:
                free_boxes.discard(box)
                free_rows.discard(row)
                counts[true[box], seen[row]] += 1
        for box in free_boxes:
            counts[true[box], background] += 1
        for row in free_rows:
            counts[background, seen[row]] += 1
    names = (*(c.name for c in truth.categories), "background")
    return Confusion(names=names, counts=tuple(tuple(int(v) for v in r) for r in counts), score=score, iou=iou)


def _errors(truth: Truth, found: Found, matches: Matches) -> tuple[float, tuple[ErrorKind, ...]]:
    """-> AP50 as it is, and the six kinds in the order of ERROR_KINDS."""
    counted = (matches.kind >= 0) & (matches.kind != SPARED)
    true = matches.kind == TRUE
    whole = _ap50(truth, matches.wanted, found.category_ids, found.scores, true, counted)
    costs, numbers = [], []
    for kind in (CLASSIFICATION, LOCALIZATION, *_REMOVED):
        mine = matches.kind == kind
        better, category_ids = true.copy(), found.category_ids.copy()
        if kind in _MENDED:
            mended = _first_on_its_box(found.scores, matches, np.flatnonzero(mine))
            better[mended] = True
            category_ids[mended] = truth.category_ids[matches.target[mended]]
        kept = counted & (~mine | better)
        costs.append(_ap50(truth, matches.wanted, category_ids, found.scores, better, kept) - whole)
        numbers.append(int(mine.sum()))
    covered = np.zeros(len(truth.images), dtype=np.bool_)
    covered[matches.target[np.isin(matches.kind, _MENDED)]] = True
    missed = matches.wanted & ~matches.hit & ~covered
    costs.append(
        _ap50(
            truth,
            matches.wanted & ~missed,
            found.category_ids,
            found.scores,
            true,
            counted,
            truth_before=matches.wanted,
        )
        - whole
    )
    numbers.append(int(missed.sum()))
    rows = zip(ERROR_KINDS, numbers, costs, strict=True)
    return whole, tuple(ErrorKind(name=name, count=count, dAP=float(cost)) for name, count, cost in rows)


def _first_on_its_box(scores: NDArray[np.float64], matches: Matches, rows: Ints) -> Ints:
    """Of these detections, the surest one on each box that nobody has found."""
    rows = rows[~matches.hit[matches.target[rows]]]
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    _, first = np.unique(matches.target[rows], return_index=True)
    return np.asarray(rows[first])


def _ap50(
    truth: Truth,
    wanted: NDArray[np.bool_],
    category_ids: Ints,
    scores: NDArray[np.float64],
    true: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    *,
    truth_before: NDArray[np.bool_] | None = None,
) -> float:
    """COCO's 101-point AP at IoU 0.5, mean over the categories that have boxes; -1 where none has."""
    before = wanted if truth_before is None else truth_before
    values = []
    for category in truth.categories:
        mine = truth.category_ids == category.id
        if not (mine & before).any():
            continue
        count = int((mine & wanted).sum())
        rows = np.flatnonzero(kept & (category_ids == category.id))
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        values.append(_interpolated(true[rows], count) if count else 1.0)
    return float(np.mean(values)) if values else -1.0


def _interpolated(true: NDArray[np.bool_], count: int) -> float:
    hits = np.cumsum(true)
    precision = hits / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(hits / count, np.linspace(0.0, 1.0, 101), side="left")
    return float(np.concatenate([precision, [0.0]])[np.minimum(places, len(true))].mean())


def _mean(values: NDArray[np.float64]) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0
