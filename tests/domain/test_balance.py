"""The score from which a model's detections balance misses and false alarms best."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.balance import Balance


def counted(*scores: tuple[float, bool], boxes: int) -> Balance:
    """As the engine counts: (score, whether it finds a box) of every detection."""
    shown = tuple(sum(s >= k / 100 for s, _ in scores) for k in range(101))
    right = tuple(sum(s >= k / 100 and good for s, good in scores) for k in range(101))
    return Balance(boxes=boxes, shown=shown, right=right)


def test_the_best_score_parts_the_right_ones_from_the_wrong_ones() -> None:
    good = [(0.6 + n / 100, True) for n in range(20)]
    bad = [(0.1 + n / 100, False) for n in range(30)]
    best = counted(*good, *bad, boxes=20).best_score()
    assert best is not None
    assert 0.4 <= best <= 0.6


def test_a_model_that_is_never_sure_is_shown_from_low_on() -> None:
    good = [(0.25 + n / 200, True) for n in range(20)]
    best = counted(*good, (0.12, False), boxes=20).best_score()
    assert best is not None
    assert 0.12 < best <= 0.3


def test_few_detections_at_the_end_of_the_scale_decide_nothing() -> None:
    assert counted((0.99, True), boxes=1).best_score() == 0.9


@pytest.mark.parametrize("scores", [[], [(0.8, False)]])
def test_where_nothing_is_found_no_score_is_best(scores) -> None:
    assert counted(*scores, boxes=5).best_score() is None


def test_without_boxes_there_is_nothing_to_balance() -> None:
    assert counted((0.8, False), boxes=0).best_score() is None


def test_precision_is_that_of_the_detections_from_the_score_on() -> None:
    made = counted((0.9, True), (0.8, True), (0.7, False), (0.3, False), boxes=4)
    assert made.counts(0.7) == (3, 2)
    assert made.precision(0.7) == pytest.approx(2 / 3)
    assert made.precision(0.71) == 1.0
    assert made.precision(0.95) is None
    assert made.precision(0.29) == 0.5
