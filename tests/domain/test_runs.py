"""Events of a training survive the way through events.jsonl, also into an older or later version."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, fields

import pytest

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.runs import (
    CategoryScore,
    CheckpointSaved,
    EpochEvaluated,
    RunEnded,
    RunStarted,
    Scores,
    StepDone,
    TrainConfig,
    TrainEvent,
    Warned,
    event_from_json,
    event_to_json,
    scores_from_json,
)

SCORES = Scores(
    AP=0.5, AP50=0.8, AP75=0.6, APs=-1.0, APm=0.4, APl=0.7, AR1=0.3, AR10=0.5, AR100=0.55, ARs=-1.0, ARm=0.5, ARl=0.7,
    VOC07=0.75, VOC10=0.77,
    per_category=(
        CategoryScore(name="bolt", boxes=20, AP=0.6, AP50=0.9, found=18),
        CategoryScore(name="Mutter ⌀3", boxes=0, AP=-1.0, AP50=-1.0),
    ),
    balance=Balance(boxes=20, shown=tuple(range(101))[::-1], right=(18,) * 50 + (9,) * 51),
)  # fmt: skip
EVENTS: list[TrainEvent] = [
    RunStarted(run_id="r", device="CPU", train_images=9, val_images=3, epochs=4, steps_per_epoch=5, boxes=40),
    StepDone(
        step=7, epoch=2, loss=0.7, losses=(0.1, 0.2, 0.3, 0.1), lr=7e-4, images_per_s=11.25, data_wait=0.02,
        elapsed_s=3.5, left_s=120.0,
    ),
    EpochEvaluated(epoch=2, step=10, scores=SCORES, best=True, elapsed_s=9.5),
    CheckpointSaved(name="best", epoch=2, path="checkpoints/best"),
    Warned(message='2 boxes of "Mutter ⌀3" were left out.'),
    RunEnded(run_id="r", status="stopped", seconds=11.0, epochs=4, best_epoch=2, best_AP=0.5, best_AP50=0.8),
]  # fmt: skip


def test_every_kind_of_event_is_among_the_examples() -> None:
    assert {type(e) for e in EVENTS} == set(typing.get_args(TrainEvent))


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_an_event_survives_the_file(event: TrainEvent) -> None:
    line = json.dumps(event_to_json(event))
    assert "\n" not in line
    back = event_from_json(json.loads(line))
    assert back == event
    assert hash(back) == hash(event), "the values are frozen through and through"


def test_an_event_of_a_later_version_is_skipped() -> None:
    assert event_from_json({"event": "ModelAveraged", "weights": 3}) is None
    assert event_from_json({}) is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_fields_of_a_later_version_are_left_out(event: TrainEvent) -> None:
    assert event_from_json({**event_to_json(event), "mood": "fine"}) == event


def test_scores_of_a_later_version_can_be_read() -> None:
    data = asdict(SCORES)
    data["AP90"] = 0.1
    data["per_category"][0]["AR"] = 0.4
    assert scores_from_json(data) == SCORES


def test_scores_of_an_older_version_can_be_read() -> None:
    data = {f.name: 0.5 for f in fields(Scores) if f.name not in ("VOC07", "VOC10", "per_category", "balance")}
    old = scores_from_json(data)
    assert (old.AP, old.VOC07, old.VOC10, old.per_category, old.balance) == (0.5, -1.0, -1.0, (), None)


@pytest.mark.parametrize("gone", ["step", "losses", "lr"])
def test_a_damaged_event_is_an_error_and_not_a_guess(gone: str) -> None:
    data = event_to_json(EVENTS[1])
    del data[gone]
    with pytest.raises((TypeError, KeyError)):
        event_from_json(data)


def test_a_config_is_plain_json() -> None:
    config = TrainConfig(epochs=3, extra={"note": "second try"})
    back = json.loads(json.dumps(asdict(config)))
    assert back["epochs"] == 3
    assert tuple(back["anchor_sizes"]) == config.anchor_sizes
    assert back["extra"] == {"note": "second try"}


def test_a_balance_that_was_torn_is_damage() -> None:
    torn = json.loads(json.dumps(asdict(SCORES)))
    torn["balance"]["shown"].pop()
    with pytest.raises(TypeError):
        scores_from_json(torn)
