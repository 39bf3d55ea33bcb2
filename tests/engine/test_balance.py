"""How right the detections are from each score on, counted as Review would show them."""

from __future__ import annotations

from pathlib import Path

import drawings

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.domain.detections import Detections
from rcnn_studio.engine.evaluation import coco

BOX = (10.0, 10.0, 50.0, 50.0)
FAR = (70.0, 40.0, 110.0, 80.0)
DISC, BAR = drawings.DISC, drawings.BAR


def counted(boxes: list[tuple[object, ...]], *found: list[tuple[tuple[float, ...], int, float]]) -> Balance:
    """Every image has these boxes; one list of (corners, category, score) an image."""
    records = []
    for number in range(len(found)):
        drawn = tuple(drawings.box(10 * number + i, *given) for i, given in enumerate(boxes, start=1))
        records.append(drawings.record(number + 1, f"{number}.png", drawn))
    data = drawings.dataset(records, Path("/"))
    made = [Detections.make([f[0] for f in rows], [f[1] for f in rows], [f[2] for f in rows]) for rows in found]
    balance = coco.score(data, list(range(len(found))), made).balance
    assert balance is not None
    return balance


def test_right_and_wrong_detections_of_several_images_are_counted() -> None:
    made = counted([(BOX, DISC)], [(BOX, DISC, 0.9), (FAR, DISC, 0.6)], [(BOX, DISC, 0.7)])
    assert made.boxes == 2
    assert [made.counts(score) for score in (0.91, 0.9, 0.7, 0.65, 0.5)] == [(0, 0), (1, 1), (2, 2), (2, 2), (3, 2)]


def test_another_class_on_the_box_is_wrong() -> None:
    assert counted([(BOX, DISC)], [(BOX, BAR, 0.8)]).counts(0.5) == (1, 0)


def test_a_weaker_double_is_not_held_against_the_model_because_nobody_sees_it() -> None:
    copy = (12.0, 10.0, 50.0, 50.0)
    assert counted([(BOX, DISC)], [(BOX, DISC, 0.9), (copy, DISC, 0.6), (BOX, BAR, 0.5)]).counts(0.1) == (1, 1)


def test_detections_on_crowds_are_spared() -> None:
    made = counted([(BOX, DISC), (FAR, DISC, BoxFlag.CROWD)], [(BOX, DISC, 0.9), (FAR, DISC, 0.8)])
    assert (made.boxes, made.counts(0.5)) == (1, (1, 1))


def test_without_detections_nothing_is_right() -> None:
    made = counted([(BOX, DISC)], [])
    assert (made.boxes, made.counts(0.01), made.best_score()) == (1, (0, 0), None)
