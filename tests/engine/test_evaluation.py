"""Scores: COCO's own numbers, both libraries of one mind, VOC on cases worked by hand."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import drawings
import numpy as np
import pytest

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import Scores
from rcnn_studio.engine.evaluation import coco, voc

COCO_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
PUBLISHED = (0.5046, 0.6970, 0.5730, 0.5856, 0.5194, 0.5014, 0.3868, 0.5937, 0.5954, 0.6398, 0.5664, 0.5643)


def twelve(scores: Scores) -> list[float]:
    return [getattr(scores, name) for name in COCO_NAMES]


def reference(gt: dict[str, object], dt: list[dict[str, object]]) -> list[float]:
    """pycocotools' own twelve numbers."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = gt
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(dt), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(v) for v in evaluation.stats]


@pytest.mark.datasets
def test_the_cocoapis_fake_results_score_as_published(cocoapi100: Path) -> None:
    gt = cocoapi100 / "instances_val2014_100.json"
    dt = cocoapi100 / "instances_val2014_fakebbox100_results.json"
    scores = coco.score_files(gt, dt)
    assert twelve(scores) == pytest.approx(PUBLISHED, abs=5e-5)
    assert twelve(scores) == pytest.approx(reference(json.loads(gt.read_text()), json.loads(dt.read_text())), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_random_detections_score_as_pycocotools_scores_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco, "CHUNK_ROWS", 40)  # several calls, joined again
    rng = np.random.default_rng(seed)
    records, detections = [], []
    for number in range(12):
        corners = rng.uniform(0, 60, (rng.integers(0, 6), 2))
        sides = rng.uniform(3, 60, corners.shape)
        boxes = [
            drawings.box(
                number * 10 + i,
                (*corners[i], *(corners[i] + sides[i])),
                int(rng.choice([drawings.DISC, drawings.BAR])),
                BoxFlag.CROWD if rng.random() < 0.1 else BoxFlag.NONE,
            )
            for i in range(len(corners))
        ]
        records.append(drawings.record(number + 1, f"{number}.png", tuple(boxes)))
        near = [np.array(b.xyxy) + rng.normal(0, 4, 4) for b in boxes] + [[5, 5, 50, 40]]
        detections.append(
            Detections.make(near, [*(b.category_id for b in boxes), drawings.BAR], np.round(rng.random(len(near)), 1))
        )
    data = drawings.dataset(records, Path("/"))
    truth, found = coco.truth_of(data, range(12)), coco.found_of(detections)
    expected = reference(*coco.coco_documents(truth, found, data.categories))
    assert twelve(coco.score(data, range(12), detections)) == pytest.approx(expected, abs=1e-12)


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    data = drawings.dataset([drawings.record(1, "a.png", (drawings.box(1, (10, 10, 40, 50)),))], Path("/"))
    perfect = coco.score(data, [0], [Detections.make([[10, 10, 40, 50]], [drawings.DISC], [0.9])])
    nothing = coco.score(data, [0], [Detections.empty()])
    assert pytest.approx((1.0, 1.0, 1.0, 1.0)) == (perfect.AP, perfect.AP50, perfect.VOC07, perfect.VOC10)
    assert (nothing.AP, nothing.AR100, nothing.APs, nothing.VOC10) == (0.0, 0.0, -1.0, 0.0)
    assert [(row.name, row.boxes, row.found) for row in perfect.per_category] == [("disc", 1, 1), ("bar", 0, 0)]
    assert nothing.per_category[0].found == 0
    assert perfect.per_category[1].AP == -1.0


def test_a_box_counts_as_found_from_the_score_of_the_best_balance_on() -> None:
    boxes = tuple(drawings.box(n, (40 * n, 10, 40 * n + 30, 50)) for n in range(1, 3))
    data = drawings.dataset([drawings.record(1, "a.png", boxes)], Path("/"))
    unsure = coco.score(data, [0], [Detections.make([b.xyxy for b in boxes], [drawings.DISC] * 2, [0.4, 0.3])])
    assert unsure.found_from == unsure.balance.best_score() <= 0.3
    assert unsure.per_category[0].found == 2
    assert unsure.balance.counts(unsure.found_from) == (2, 2), "the one threshold of both"
    assert coco.score(data, [0], [Detections.empty()]).found_from == 0.5


def test_boxes_without_area_are_not_asked_for() -> None:
    boxes = (drawings.box(1, (10, 10, 40, 50)), drawings.box(2, (10, 10, 10, 50)))
    data = drawings.dataset([drawings.record(1, "a.png", boxes)], Path("/"))
    scores = coco.score(data, [0], [Detections.make([[10, 10, 40, 50]], [drawings.DISC], [0.9])])
    assert (scores.AP, scores.per_category[0].boxes) == (pytest.approx(1.0), 1)


def test_voc_average_precision_on_a_hand_case() -> None:
    recall, precision = np.array([0.25, 0.25, 0.5, 0.5, 0.75]), np.array([1.0, 0.5, 2 / 3, 0.5, 0.6])
    assert voc.area_ap(recall, precision) == pytest.approx(0.25 * 1 + 0.25 * 2 / 3 + 0.25 * 0.6)
    assert voc.eleven_point_ap(recall, precision) == pytest.approx((3 * 1 + 3 * 2 / 3 + 2 * 0.6) / 11)


def test_voc_spares_difficult_boxes_and_counts_a_second_hit_as_wrong() -> None:
    boxes = (drawings.box(1, (0, 0, 20, 20)), drawings.box(2, (50, 50, 80, 80), flags=BoxFlag.DIFFICULT))
    data = drawings.dataset([drawings.record(1, "a.png", boxes)], Path("/"))
    truth = coco.truth_of(data, [0])

    def area(xyxy: list[list[float]]) -> float:
        found = coco.found_of([Detections.make(xyxy, [drawings.DISC] * len(xyxy), np.linspace(0.9, 0.5, len(xyxy)))])
        scores = voc.voc_category(truth, found, drawings.DISC)
        assert scores is not None
        return scores[1]

    assert area([[50, 50, 80, 80], [0, 0, 20, 20]]) == pytest.approx(1.0)
    assert area([[0, 0, 20, 20], [0, 0, 20, 20]]) == pytest.approx(1.0)
    assert area([[60, 0, 80, 20], [0, 0, 20, 20]]) == pytest.approx(0.5)


def test_a_damaged_results_file_names_the_record(tmp_path: Path) -> None:
    gt, dt = tmp_path / "gt.json", tmp_path / "dt.json"
    gt.write_text(json.dumps({"images": [{"id": 5}], "categories": [{"id": 1, "name": "a"}], "annotations": []}))
    good = {"image_id": 5, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}
    dt.write_text(json.dumps([good, {**good, "image_id": 6}]))
    with pytest.raises(FormatError, match=r"dt\.json: \[1\]"):
        coco.score_files(gt, dt)
