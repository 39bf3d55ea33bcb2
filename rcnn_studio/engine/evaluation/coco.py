"""COCO's twelve numbers, by faster-coco-eval (equal to pycocotools; a test holds both together), and the full Scores.

Works on private copies with ids from 1, because an annotation id of 0 counts as "no match" in both libraries.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.dataset import Category, Dataset
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import CategoryScore, Scores
from rcnn_studio.engine.evaluation.balance import balance_of
from rcnn_studio.engine.evaluation.columns import Found, Truth, found_of, truth_of, xyxy_of
from rcnn_studio.engine.evaluation.voc import voc_scores

MAX_DETECTIONS = (1, 10, 100)  # summaries of pycocotools are -1 without the 100
CHUNK_ROWS = 5_000  # boxes and detections given to the library at once: it holds the interpreter's lock meanwhile
SURE = 0.5  # score from which a person is shown a detection at first, where none balances best
FloatArray = NDArray[np.float64]


def score(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], detections: Sequence[Detections]) -> Scores:
    """Scores of detections[k] against the boxes of image number indices[k].

    Crowd boxes are regions that may be found any number of times; difficult ones count for COCO's numbers and are
    spared in VOC's; boxes without an area are left out.
    """
    return score_columns(truth_of(dataset, indices), found_of(detections))


def score_files(gt: Path, dt: Path) -> Scores:
    """Scores of a COCO results file against a COCO annotation file. Raises FormatError naming file and place."""
    truth, numbers = _read_truth(gt)
    return score_columns(truth, _read_found(dt, numbers))


def score_columns(truth: Truth, found: Found) -> Scores:
    precision, recall = coco_arrays(truth, found)
    ap = [_mean(precision[:, :, :, 0, 2]), _mean(precision[0, :, :, 0, 2]), _mean(precision[5, :, :, 0, 2])]
    ap += [_mean(precision[:, :, :, area, 2]) for area in (1, 2, 3)]
    ar = [_mean(recall[:, :, 0, most]) for most in range(3)] + [_mean(recall[:, :, area, 2]) for area in (1, 2, 3)]
    voc07, voc10 = voc_scores(truth, found)
    balance = balance_of(truth, found)
    best = balance.best_score()
    found_from = SURE if best is None else best
    hit = _boxes_found(truth, found, found_from)
    rows = tuple(
        CategoryScore(
            name=category.name,
            found=int((hit & (truth.category_ids == category.id) & ~truth.crowd).sum()),
            boxes=int(((truth.category_ids == category.id) & ~truth.crowd).sum()),
            AP=_mean(precision[:, :, k, 0, 2]),
            AP50=_mean(precision[0, :, k, 0, 2]),
        )
        for k, category in enumerate(truth.categories)
    )
    names = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
    numbers = dict(zip(names, ap + ar, strict=True))
    return Scores(**numbers, VOC07=voc07, VOC10=voc10, per_category=rows, balance=balance, found_from=found_from)


def coco_arrays(truth: Truth, found: Found) -> tuple[FloatArray, FloatArray]:
    """Precision (10 IoUs, 101 recalls, K categories, 4 areas, 3 limits), recall (10, K, 4, 3); -1: nothing to find."""
    by_id = sorted(truth.categories, key=lambda c: c.id)  # the libraries' order, whatever they are given
    parts = [_evaluate(truth, found, group) for group in _category_groups(truth, found, by_id)]
    precision = np.concatenate([np.zeros((10, 101, 0, 4, 3)), *(p for p, _ in parts)], axis=2)
    recall = np.concatenate([np.zeros((10, 0, 4, 3)), *(r for _, r in parts)], axis=1)
    places = [by_id.index(category) for category in truth.categories]
    return precision[:, :, places], recall[:, places]


def coco_documents(
    truth: Truth, found: Found, categories: Sequence[Category]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A COCO document and its results for these categories, image ids and annotation ids from 1."""
    wanted = [c.id for c in categories]
    rows = np.flatnonzero(np.isin(truth.category_ids, wanted))
    annotations = [
        {"id": n, "image_id": image + 1, "category_id": category, "bbox": box, "area": area, "iscrowd": int(crowd)}
        for n, (image, category, box, area, crowd) in enumerate(
            zip(
                truth.images[rows].tolist(),
                truth.category_ids[rows].tolist(),
                truth.xywh[rows].tolist(),
                truth.areas[rows].tolist(),
                truth.crowd[rows].tolist(),
                strict=True,
            ),
            start=1,
        )
    ]
    rows = np.flatnonzero(np.isin(found.category_ids, wanted))
    results = [
        {"image_id": image + 1, "category_id": category, "bbox": box, "score": value}
        for image, category, box, value in zip(
            found.images[rows].tolist(),
            found.category_ids[rows].tolist(),
            found.xywh[rows].tolist(),
            found.scores[rows].tolist(),
            strict=True,
        )
    ]
    document = {
        "images": [{"id": i + 1} for i in range(truth.image_count)],
        "annotations": annotations,
        "categories": [{"id": c.id, "name": c.name} for c in categories],
    }
    return document, results


def _evaluate(truth: Truth, found: Found, categories: Sequence[Category]) -> tuple[FloatArray, FloatArray]:
    document, results = coco_documents(truth, found, categories)
    if not results:  # the libraries refuse an empty results list; nothing found is a recall of 0 where there are boxes
        return _nothing_found(truth, categories)
    from faster_coco_eval import COCO, COCOeval_faster

    reference = COCO(document)
    evaluation = COCOeval_faster(reference, reference.loadRes(results), "bbox", print_function=_silent)
    evaluation.params.maxDets = list(MAX_DETECTIONS)
    evaluation.evaluate()
    evaluation.accumulate()
    return np.asarray(evaluation.eval["precision"]), np.asarray(evaluation.eval["recall"])


def _nothing_found(truth: Truth, categories: Sequence[Category]) -> tuple[FloatArray, FloatArray]:
    precision, recall = np.full((10, 101, len(categories), 4, 3), -1.0), np.full((10, len(categories), 4, 3), -1.0)
    limits = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
    for k, category in enumerate(categories):
        areas = truth.areas[(truth.category_ids == category.id) & ~truth.crowd]
        for a, (least, most) in enumerate(limits):
            if ((areas >= least) & (areas <= most)).any():
                precision[:, :, k, a], recall[:, k, a] = 0.0, 0.0
    return precision, recall


def _boxes_found(truth: Truth, found: Found, least: float) -> NDArray[np.bool_]:
    """True for the boxes that a detection of their category shows a person who asks for this score. -> (G,)"""
    hit = np.zeros(len(truth.images), dtype=np.bool_)
    sure = np.flatnonzero(found.scores >= least - 1e-6)
    for image in np.unique(found.images[sure]):
        boxes, others = np.flatnonzero(truth.images == image), sure[found.images[sure] == image]
        iou = geometry.iou_matrix(xyxy_of(truth.xywh[boxes]), xyxy_of(found.xywh[others]))
        same = truth.category_ids[boxes][:, None] == found.category_ids[others][None, :]
        hit[boxes] = ((iou >= 0.5) & same).any(axis=1)
    return hit


def _category_groups(truth: Truth, found: Found, categories: Sequence[Category]) -> list[list[Category]]:
    """The categories, a few at a time, so that no call into the library takes long."""
    groups: list[list[Category]] = [[]]
    rows = 0
    for category in categories:
        rows += int((truth.category_ids == category.id).sum() + (found.category_ids == category.id).sum())
        groups[-1].append(category)
        if rows >= CHUNK_ROWS:
            groups.append([])
            rows = 0
    return [group for group in groups if group]


def _mean(values: FloatArray) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def _silent(*_: object) -> None:
    """The library prints its progress; a window has no use for it."""


def _read_truth(path: Path) -> tuple[Truth, dict[int, int]]:
    """-> the truth, and its image numbers by image id."""
    document = _read_json(path)
    if not isinstance(document, dict):
        raise FormatError(path, "", "is no COCO annotation file: the top must be an object with images, annotations.")
    try:
        # by rising id, as pycocotools takes them: the order decides between detections of equal score
        numbers = {number: n for n, number in enumerate(sorted(int(image["id"]) for image in document["images"]))}
        named = [Category(id=int(c["id"]), name=str(c["name"])) for c in document["categories"]]
        rows = document["annotations"]
        boxes = np.array([a["bbox"] for a in rows], dtype=np.float64).reshape(-1, 4)
        truth = Truth(
            image_count=len(numbers),
            categories=tuple(sorted(named, key=lambda c: c.id)),
            images=np.array([numbers[int(a["image_id"])] for a in rows], dtype=np.int64),
            category_ids=np.array([int(a["category_id"]) for a in rows], dtype=np.int64),
            xywh=boxes,
            areas=np.array([a.get("area", b[2] * b[3]) for a, b in zip(rows, boxes, strict=True)], dtype=np.float64),
            crowd=np.array([bool(a.get("iscrowd", 0)) for a in rows], dtype=np.bool_),
            difficult=np.zeros(len(rows), dtype=np.bool_),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"is no COCO annotation file ({type(error).__name__}: {error}). Check it with `check`."
        raise FormatError(path, "", reason) from error
    return truth, numbers


def _read_found(path: Path, numbers: dict[int, int]) -> Found:
    rows = _read_json(path)
    if not isinstance(rows, list):
        raise FormatError(path, "", "is no COCO results file: the top must be a list of detections.")
    place = 0
    images, ids, boxes, scores = [], [], [], []
    try:
        for place, row in enumerate(rows):  # noqa: B007 - named in the error
            images.append(numbers[int(row["image_id"])])
            ids.append(int(row["category_id"]))
            x, y, w, h = (float(v) for v in row["bbox"])
            boxes.append((x, y, w, h))
            scores.append(float(row["score"]))
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        reason = f"is no detection of these images ({what}). Each needs image_id, category_id, bbox, score."
        raise FormatError(path, f"[{place}]", reason) from error
    return Found(
        images=np.array(images, dtype=np.int64),
        category_ids=np.array(ids, dtype=np.int64),
        xywh=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        scores=np.array(scores, dtype=np.float64),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check the path.") from error
    except ValueError as error:
        raise FormatError(path, "", f"is no JSON ({error}).") from error
