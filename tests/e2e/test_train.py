"""Training in the real window, on its QThread, while boxes are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, QThread, Slot

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, RunStarted, StepDone
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.formats.run_folder import list_runs, read_events
from rcnn_studio.tasks.presets import load_preset
from tests.e2e.hands import Hands, file_bytes, objects

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier

TINY = {
    "epochs": "1",
    "min_steps": "0",
    "image_size": "96",
    "image_max_size": "128",
    "batch_size": "8",
    "max_minutes": "0",
}


class Listener(QObject):
    """Notes every event of a training with the thread it arrives on."""

    def __init__(self, training) -> None:
        super().__init__()
        self.events: list[object] = []
        self.threads: set[QThread] = set()
        for signal in (training.run_started, training.step_done, training.epoch_evaluated, training.run_ended):
            signal.connect(self.on_event)

    @Slot(object)
    def on_event(self, event: object) -> None:
        self.events.append(event)
        self.threads.add(QThread.currentThread())


@pytest.mark.slow
def test_a_short_training_goes_on_while_boxes_are_drawn(qtbot, qapp, hands: Hands) -> None:
    session = hands.session
    training, project = session.training, session.project
    listener = Listener(training)
    training.start(load_preset("quick-look", TINY))
    qtbot.waitUntil(lambda: len(training.steps) > 0 or not training.running, timeout=120_000)
    assert training.running, training.error
    hands.key(Qt.Key.Key_W)
    drawn = []
    while training.running and len(drawn) < 30:
        hands.drag(10 + len(drawn), 10, 60 + len(drawn), 50)
        drawn.append(project.boxes[-1].id)
        qtbot.wait(50)
    qtbot.waitUntil(lambda: not training.running, timeout=240_000)
    assert training.ended is not None, training.error
    assert training.ended.status == "finished"

    assert listener.threads == {qapp.thread()}
    kinds = [type(e) for e in listener.events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunEnded
    assert EpochEvaluated in kinds
    steps = [e.step for e in listener.events if isinstance(e, StepDone)]
    assert steps == sorted(steps)
    assert len(steps) == len(set(steps))

    run = list_runs(session.store.runs_folder)[0]
    with np.load(f"{run.path}/snapshot.npz", allow_pickle=False) as snapshot:
        trained_on = set(snapshot["box_ids"].tolist())
    assert drawn
    assert trained_on
    assert not trained_on & set(drawn), "boxes drawn after Start are not in the run's snapshot"


@pytest.mark.slow
def test_stop_keeps_what_was_learned(qtbot, hands: Hands) -> None:
    training = hands.session.training
    training.start(replace(load_preset("quick-look", TINY), epochs=50))
    qtbot.waitUntil(lambda: len(training.evaluations) > 0 or not training.running, timeout=240_000)
    assert training.running, training.error
    hands.key(Qt.Key.Key_Period, CTRL)
    qtbot.waitUntil(lambda: not training.running, timeout=60_000)
    assert training.ended is not None
    assert training.ended.status == "stopped"
    assert (hands.session.store.runs_folder / training.ended.run_id / "checkpoints" / "best").exists()


@pytest.mark.slow
def test_a_training_waits_goes_on_ends_and_is_taken_up_again_by_keys_and_buttons(qtbot, hands: Hands) -> None:
    """Paused it computes nothing; stopped and resumed it tells each step once, and ends with all its epochs."""
    session, panel = hands.session, hands.window.room.train
    training = session.training
    hands.key(Qt.Key.Key_2, CTRL)
    training.start(replace(load_preset("quick-look", TINY), epochs=3))
    qtbot.waitUntil(lambda: len(training.steps) > 2 or not training.running, timeout=240_000)
    assert training.running, training.error
    hands.key(Qt.Key.Key_P, CTRL | SHIFT)
    assert training.paused
    run_dir = session.store.runs_folder / training.started.run_id
    qtbot.waitUntil(lambda: bool(list(run_dir.glob("checkpoints/step-*/state.json"))), timeout=60_000)
    qtbot.wait(300)
    seen = len(training.steps)
    qtbot.wait(1500)
    assert len(training.steps) == seen
    panel.live.refresh()
    assert panel.live.doing_label.text().startswith("Paused at ")
    hands.key(Qt.Key.Key_P, CTRL | SHIFT)
    qtbot.waitUntil(lambda: len(training.steps) > seen, timeout=60_000)
    hands.key(Qt.Key.Key_Period, CTRL)
    qtbot.waitUntil(lambda: not training.running, timeout=60_000)
    assert training.ended.status == "stopped"

    stopped_at = training.steps[-1].step
    panel.runs_table.selectRow(0)
    panel.runs.resume_button.click()
    qtbot.waitUntil(lambda: len(training.steps) >= stopped_at, timeout=30_000)  # the plots show what was
    qtbot.waitUntil(lambda: not training.running, timeout=240_000)
    assert training.ended is not None, training.error
    assert training.ended.status == "finished"
    assert training.ended.epochs == 3
    steps = [event.step for event in training.steps]
    assert steps == list(range(1, len(steps) + 1))
    told = [event.step for event in read_events(run_dir) if isinstance(event, StepDone)]
    assert told == steps


@pytest.fixture
def finished_run(hands: Hands) -> str:
    """A run folder with detections for every unlabelled image, as a finished training leaves it."""
    from tests.run_folders import make_finished_run

    session = hands.session
    category = session.project.categories[0].id
    found = Detections.make([[20, 24, 90, 80], [100, 60, 160, 120]], [category, category], [0.9, 0.8])
    folder = make_finished_run(session.store.runs_folder, session.project.categories)
    rows = session.project.rows
    ids = [int(i) for i in rows.ids[rows.states == int(ImageState.UNLABELLED)]]
    write_detections(folder / "detections", dict.fromkeys(ids, found))
    session.review.refresh_runs(select_newest=True)
    return folder.name


def test_the_way_to_review_leads_to_the_first_unlabelled_image_with_open_detections(
    hands: Hands, finished_run: str
) -> None:
    project, window = hands.session.project, hands.window
    waiting = hands.session.review.images_of("unlabelled")
    project.set_current(waiting[0])
    hands.key(Qt.Key.Key_3, CTRL)
    hands.key(Qt.Key.Key_X)
    hands.key(Qt.Key.Key_X)
    window.set_activity("train")
    project.open_first()
    window.room.train.review_button.setEnabled(True)
    window.room.train.review_button.click()
    assert window.activity == "review"
    assert project.current_id == waiting[1], "both detections of the first one are rejected"
    assert hands.session.review.visible()


def test_an_accepted_detection_reaches_the_file_and_undo_takes_it_out(
    qtbot, hands: Hands, sample, finished_run: str, written
) -> None:
    before = file_bytes(sample)
    project, review = hands.session.project, hands.session.review
    hands.key(Qt.Key.Key_3, CTRL)
    while project.record.state != ImageState.UNLABELLED:
        hands.key(Qt.Key.Key_D)
    assert len(review.visible()) == 2
    xml = hands.xml()
    hands.key(Qt.Key.Key_Return)
    written()
    assert [row[1:] for row in objects(xml)] == [(21, 25, 90, 80)]
    accepted = project.boxes[0]
    assert accepted.run_id == finished_run
    assert len(review.visible()) == 1, "the accepted detection is decided"
    hands.key(Qt.Key.Key_Z, CTRL)
    written()
    assert file_bytes(sample) == before
    assert len(review.visible()) == 2

    hands.key(Qt.Key.Key_X)
    assert len(review.visible()) == 1, "a rejected detection is hidden"
    assert not project.boxes
    hands.key(Qt.Key.Key_Z, CTRL)
    hands.key(Qt.Key.Key_Return, SHIFT)
    assert len(project.boxes) == 2
    hands.key(Qt.Key.Key_Z, CTRL)
    written()
    assert file_bytes(sample) == before
