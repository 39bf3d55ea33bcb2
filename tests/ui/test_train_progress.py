"""What the Train panel says while a training runs, waits, and is scored. No torch: the events are the trainer's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from rcnn_studio.domain.runs import LOSS_NAMES, RunStarted
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.statusbar.training_strip import TrainingStrip
from rcnn_studio.ui.train import estimate
from rcnn_studio.ui.train.panel import TrainPanel
from rcnn_studio.workspace.session import Session
from tests.store.projects import make_voc
from tests.ui.fake_runs import FakeTraining, make_evaluation, make_step

SIZE = (440, 600)
LIMIT_S = 270.0


@pytest.fixture
def fake(monkeypatch) -> FakeTraining:
    training = FakeTraining()
    monkeypatch.setattr("rcnn_studio.workspace.training.run_training", training)
    return training


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    source = Source(path=make_voc(tmp_path / "voc", images=5, unlabelled=2))
    made = Session(create_project(tmp_path / "project", source, format_name="voc").project)
    made.project.open_first()
    yield made
    made.close()


@pytest.fixture
def host(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(*SIZE)
    return made


@pytest.fixture
def panel(session: Session, host: QWidget, fake: FakeTraining) -> TrainPanel:
    made = TrainPanel(session.training, session.project, session.review, host)
    made.resize(*SIZE)
    host.show()
    made.show()
    return made


@pytest.fixture
def limited(qtbot, panel: TrainPanel, session: Session, fake: FakeTraining) -> Iterator[TrainPanel]:
    """In the middle of a training with a time limit; it was scored after epoch 1 alone."""
    fake.limit_s = LIMIT_S
    panel.start()
    fake.go.set()
    qtbot.waitUntil(lambda: len(session.training.evaluations) == 4)
    training = session.training
    training.evaluations[:] = [replace(make_evaluation(1, 0.04), cost_s=9.0, next_s=200.0)]
    panel.live.refresh()
    yield panel
    fake.finish.set()
    qtbot.waitUntil(lambda: not training.running)


def test_with_a_time_limit_the_time_is_the_progress_and_no_total_of_epochs_is_made_up(limited, session) -> None:
    training = session.training
    said = set()
    for count in range(1, len(training.steps) + 1):
        part = training.steps[:count]
        kept, training.steps = training.steps, part
        limited.live.refresh()
        said.add(limited.live.doing_label.text().split(" of ")[1].split(",")[0])
        assert limited.live.figures["epoch"].value.text() == str(part[-1].epoch)
        training.steps = kept
    assert said == {"04:30"}, "the whole never changes"
    limited.live.refresh()
    assert limited.live.doing_label.text() == "Training: 00:10 of 04:30, step 20"


def test_without_a_time_limit_the_planned_epochs_stand_from_the_first_step_on(qtbot, panel, session, fake) -> None:
    panel.start()
    fake.go.set()
    qtbot.waitUntil(lambda: len(session.training.evaluations) == 4)
    training = session.training
    totals = set()
    for count in range(1, len(training.steps) + 1):
        kept, training.steps = training.steps, training.steps[:count]
        totals.add(estimate.epoch_text(training).split("/")[1])
        training.steps = kept
    assert totals == {"4"}
    fake.finish.set()
    qtbot.waitUntil(lambda: not training.running)


def test_the_plot_says_when_the_next_scoring_comes_and_why_not_every_epoch(qtbot, limited: TrainPanel) -> None:
    note = limited.live.metric_plot.note
    assert note.isVisible()
    assert note.text().startswith("Scored after epoch 1; next scoring at about 03:20.")
    assert "Scoring takes 9 s, so with a time limit" in note.text()
    qtbot.waitUntil(lambda: note.height() >= note.heightForWidth(note.width()))


def test_the_status_bar_tells_time_and_which_epoch_was_scored(limited, session, qtbot) -> None:
    strip = TrainingStrip(session.training)
    qtbot.addWidget(strip)
    strip.refresh()
    assert strip.text == "training: 00:10 of 04:30, epoch 4, 11.2 images/s, best AP50 0.04 (epoch 1)"


def test_before_the_first_scores_it_is_said_when_they_come(session) -> None:
    training = session.training
    training._job = object()
    training.started = RunStarted(
        run_id="r", device="CPU", train_images=9, val_images=3, epochs=4, steps_per_epoch=5, boxes=40
    )
    training.steps = [make_step(1)]
    assert estimate.scoring_text(training) == "The first scores come after epoch 1."
    training.evaluations = [replace(make_evaluation(1, 0.3), next_s=30.0)]
    assert estimate.scoring_text(training) == "Scored after epoch 1; next scoring at about 00:30."
    training._job = None


def test_pause_waits_and_continue_goes_on(qtbot, panel: TrainPanel, session: Session, fake: FakeTraining) -> None:
    training = session.training
    panel.start()
    assert panel.pause_button.isVisible()
    qtbot.mouseClick(panel.pause_button, Qt.MouseButton.LeftButton)
    fake.go.set()
    qtbot.waitUntil(fake.waits.is_set)
    qtbot.waitUntil(lambda: len(training.steps) == 1)
    panel.live.refresh()
    assert panel.live.doing_label.text().startswith("Paused at 00:00, step 1. All is saved")
    assert panel.pause_button.text() == "Continue"
    waited = training.elapsed_s
    qtbot.wait(60)
    assert training.elapsed_s == waited, "a pause does not count"
    assert len(training.steps) == 1
    qtbot.mouseClick(panel.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(training.steps) == 20)
    assert panel.pause_button.text() == "Pause"
    fake.finish.set()
    qtbot.waitUntil(lambda: not training.running)
    assert not panel.pause_button.isVisible()
    assert training.ended.status == "finished"


def test_a_paused_training_can_be_stopped(qtbot, panel: TrainPanel, session: Session, fake: FakeTraining) -> None:
    panel.start()
    panel.toggle_pause()
    fake.go.set()
    qtbot.waitUntil(fake.waits.is_set)
    session.training.stop()
    qtbot.waitUntil(lambda: not session.training.running)
    assert session.training.ended.status == "stopped"
    assert not session.training.paused


def test_every_loss_is_explained_and_named_as_in_the_papers_code(panel: TrainPanel) -> None:
    entries = panel.live.loss_plot.legend.entries
    for entry, key in zip(entries[1:], LOSS_NAMES, strict=True):
        assert entry.toolTip().startswith(f"{key}: how ")
        assert "reg" not in entry.text()
    assert panel.live.figures["lr"]._caption == "Learning rate"


def test_the_logarithmic_axis_is_a_button_with_a_frame(panel: TrainPanel) -> None:
    button = panel.live.loss_plot.log_button
    assert isinstance(button, QPushButton)
    assert not button.isFlat()
    assert button.isCheckable()
    assert button.text() == "Log axis"


def test_the_scores_axis_follows_the_epoch_that_is_trained(qtbot, limited, session) -> None:
    live = limited.live
    qtbot.waitUntil(lambda: live.metric_plot.surface is not None)
    session.training.step_done.emit(replace(make_step(80), epoch=8))
    live.metric_plot.redraw()
    assert live.metric_plot.surface.x_range()[1] >= 8
