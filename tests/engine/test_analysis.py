"""A score taken apart: errors by kind on cases worked by hand, confusion, curves."""

from __future__ import annotations

from pathlib import Path

import drawings
import numpy as np
import pytest

from rcnn_studio.domain.analysis import Analysis
from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.domain.detections import Detections
from rcnn_studio.engine.evaluation import coco
from rcnn_studio.engine.evaluation.analysis import analyse

BOX = (10.0, 10.0, 50.0, 50.0)
FAR = (70.0, 40.0, 110.0, 80.0)


def of(boxes: list[tuple[tuple[float, ...], int]], found: list[tuple[tuple[float, ...], int, float]]) -> Analysis:
    drawn = tuple(drawings.box(i + 1, b, c) for i, (b, c) in enumerate(boxes))  # type: ignore[arg-type]
    data = drawings.dataset([drawings.record(1, "a.png", drawn)], Path("/"))
    made = Detections.make([f[0] for f in found], [f[1] for f in found], [f[2] for f in found])
    return analyse(data, [0], [made])


def kinds(analysis: Analysis) -> dict[str, tuple[int, float]]:
    return {e.name: (e.count, round(e.dAP, 6)) for e in analysis.errors if e.count or e.dAP}


DISC, BAR = drawings.DISC, drawings.BAR
TRUE = (BOX, DISC, 0.9)


def test_perfect_detections_have_no_errors() -> None:
    analysis = of([(BOX, DISC)], [TRUE])
    assert (analysis.AP50, kinds(analysis)) == (1.0, {})


@pytest.mark.parametrize(
    ("name", "wrong", "gain"),
    [
        ("classification", (BOX, BAR, 0.9), 1.0),
        ("localization", ((10.0, 10.0, 50.0, 25.0), DISC, 0.9), 1.0),  # IoU 15 / 40
    ],
)
def test_an_error_whose_mending_finds_the_box_costs_the_whole_box(name: str, wrong: object, gain: float) -> None:
    analysis = of([(BOX, DISC)], [wrong])  # type: ignore[list-item]
    assert (analysis.AP50, kinds(analysis)) == (0.0, {name: (1, gain)})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("duplicate", (BOX, DISC, 0.95)),
        ("background", ((70.0, 70.0, 90.0, 90.0), DISC, 0.95)),
        ("both", ((80.0, 40.0, 110.0, 55.0), DISC, 0.95)),
    ],
)
def test_an_error_above_the_true_one_costs_its_share_of_precision(name: str, wrong: object) -> None:
    found = [wrong, TRUE] if name != "duplicate" else [((11.0, 10.0, 50.0, 50.0), DISC, 0.95), TRUE, (FAR, DISC, 0.5)]
    boxes = [(BOX, DISC), (FAR, BAR)] if name == "both" else [(BOX, DISC)]
    if name == "duplicate":
        boxes.append((FAR, DISC))
    analysis = of(boxes, found)  # type: ignore[arg-type]
    rows = {e.name: e for e in analysis.errors}
    assert rows[name].count == 1
    # discs: precision 1/2 over the recall that lies behind the error; the mean is over the categories with boxes
    expected = {"duplicate": 1 - (51 + 50 * 2 / 3) / 101, "background": 0.5, "both": 0.25}[name]
    assert rows[name].dAP == pytest.approx(expected)


def test_a_box_nobody_looked_at_is_missed_and_one_found_badly_is_not() -> None:
    analysis = of([(BOX, DISC), (FAR, DISC)], [TRUE])
    assert kinds(analysis) == {"missed": (1, round(1 - 51 / 101, 6))}
    near = of([(BOX, DISC), (FAR, DISC)], [TRUE, ((70.0, 40.0, 110.0, 55.0), DISC, 0.5)])
    assert set(kinds(near)) == {"localization"}


def test_a_mended_detection_counts_once_for_each_box() -> None:
    wrong = [(BOX, BAR, 0.9), (BOX, BAR, 0.8)]
    assert kinds(of([(BOX, DISC)], wrong))["classification"] == (2, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_the_ap_that_errors_are_measured_against_is_cocos(seed: int) -> None:
    rng = np.random.default_rng(seed)
    records, detections = [], []
    for number in range(10):
        corners = rng.uniform(0, 60, (rng.integers(0, 6), 2))
        sides = rng.uniform(8, 60, corners.shape)
        boxes = [
            drawings.box(
                number * 10 + i,
                (*corners[i], *(corners[i] + sides[i])),
                int(rng.choice([DISC, BAR])),
                BoxFlag.CROWD if rng.random() < 0.15 else BoxFlag.NONE,
            )
            for i in range(len(corners))
        ]
        records.append(drawings.record(number + 1, f"{number}.png", tuple(boxes)))
        near = [np.array(b.xyxy) + rng.normal(0, 3, 4) for b in boxes] + [[5, 5, 50, 40]]
        ids = [int(rng.choice([DISC, BAR])) if rng.random() < 0.2 else b.category_id for b in boxes] + [BAR]
        detections.append(Detections.make(near, ids, rng.random(len(near))))
    data = drawings.dataset(records, Path("/"))
    analysis = analyse(data, range(10), detections)
    scores = coco.score(data, range(10), detections)
    assert pytest.approx(scores.AP50, abs=1e-9) == analysis.AP50
    assert all(error.dAP >= -1e-9 for error in analysis.errors)
    assert [np.mean(c.precision) for c in analysis.curves] == pytest.approx([r.AP50 for r in scores.per_category])
    assert [row.AP for row in analysis.sizes] == [scores.APs, scores.APm, scores.APl]
    assert sum(row.boxes for row in analysis.sizes) == sum(row.boxes for row in scores.per_category)


def test_the_confusion_matrix_counts_every_box_and_every_sure_detection_once() -> None:
    boxes = [(BOX, DISC), (FAR, BAR)]
    found = [(BOX, BAR, 0.9), ((0.0, 80.0, 20.0, 95.0), DISC, 0.8), (FAR, BAR, 0.3)]
    confusion = of(boxes, found).confusion  # type: ignore[arg-type]
    assert confusion.names == ("disc", "bar", "background")
    assert confusion.counts == ((0, 1, 0), (0, 0, 1), (1, 0, 0))


def test_nothing_found_and_nothing_to_find_are_no_accidents() -> None:
    assert kinds(of([(BOX, DISC)], [])) == {"missed": (1, 1.0)}
    empty = of([], [TRUE])
    assert (empty.AP50, empty.confusion.counts[2][0]) == (-1.0, 1)
