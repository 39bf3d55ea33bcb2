"""The training that runs, as the panel sees it. The engine is not asked here."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.workspace import training as training_module
from rcnn_studio.workspace.session import Session
from rcnn_studio.workspace.training import TrainingModel
from tests.ui.fake_runs import FakeTraining
from tests.workspace.hearing import Heard


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    made = FakeTraining()
    monkeypatch.setattr(training_module, "run_training", made)
    return made


@pytest.fixture
def model(session: Session, fake: FakeTraining) -> TrainingModel:
    return session.training


def test_events_arrive_in_the_trainers_order_on_the_main_thread(qtbot, model: TrainingModel, fake) -> None:
    heard = Heard(
        started=model.run_started, step=model.step_done, epoch=model.epoch_evaluated, warned=model.warned,
        ended=model.run_ended, failed=model.failed, progress=model.progress_changed,
    )  # fmt: skip
    model.start(TrainConfig(epochs=4))
    assert model.running
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not model.running, timeout=10_000)
    assert heard.off_thread == []
    epochs = (["step"] * 5 + ["epoch"]) * 4
    assert heard.names == ["progress", "started", "warned", *epochs, "ended"]
    assert heard.of("progress") == [Progress("Loading PyTorch")]
    assert [e.epoch for e in model.evaluations] == [1, 2, 3, 4]
    assert [s.step for s in model.steps] == list(range(1, 21))
    assert model.best.epoch == 4
    assert model.ended.status == "finished"
    assert model.warnings == ["2 boxes left out."]
    assert model.elapsed_s == 0


def test_one_training_at_a_time(qtbot, model: TrainingModel, fake) -> None:
    model.start(TrainConfig(epochs=1))
    model.start(TrainConfig(epochs=2))
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not model.running, timeout=10_000)
    assert [config.epochs for config in fake.configs] == [1]


def test_stop_ends_it_with_the_best_kept(qtbot, model: TrainingModel, fake) -> None:
    model.start(TrainConfig())
    fake.go.set()
    qtbot.waitUntil(lambda: len(model.evaluations) == 4, timeout=10_000)
    with qtbot.waitSignal(model.run_ended, timeout=10_000):
        model.stop()
        assert model.stopping
    assert model.ended.status == "stopped"
    assert not model.running
    assert not model.stopping


def test_stopping_before_the_first_step_says_that_nothing_was_trained(qtbot, model: TrainingModel, fake) -> None:
    model.start(TrainConfig())
    with qtbot.waitSignal(model.failed, timeout=10_000) as said:
        model.stop()
    assert said.args == ["Stopped before the first step; nothing was trained."]


def test_a_failure_is_told_and_forgotten_at_the_next_start(qtbot, model: TrainingModel, fake) -> None:
    fake.fail_with = EngineError("There are no labelled images. Label some first.")
    fake.go.set()
    with qtbot.waitSignal(model.failed, timeout=10_000) as said:
        model.start(TrainConfig())
    assert said.args == ["There are no labelled images. Label some first."]
    assert model.error == said.args[0]
    fake.fail_with = None
    fake.finish.set()
    model.start(TrainConfig())
    assert model.error == ""
    assert model.elapsed_s >= 0
    qtbot.waitUntil(lambda: not model.running, timeout=10_000)
    assert model.ended.status == "finished"
    assert len(model.steps) == 20
