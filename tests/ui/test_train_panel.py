"""The Train panel on a real project, with a training that sends real events and needs no torch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import event_to_json
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.tasks.presets import list_presets, load_preset
from rcnn_studio.ui.actions import build_actions
from rcnn_studio.ui.statusbar.jobs_strip import JobsStrip
from rcnn_studio.ui.statusbar.training_strip import TrainingStrip
from rcnn_studio.ui.train.form import TrainForm, fit_to_weights
from rcnn_studio.ui.train.panel import NO_STOP_S, TrainPanel
from rcnn_studio.ui.train.runs import run_title
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.store.projects import make_voc
from tests.ui.fake_runs import FakeTraining, make_step

SIZE = (380, 860)


@pytest.fixture
def fake(monkeypatch) -> FakeTraining:
    training = FakeTraining()
    monkeypatch.setattr("rcnn_studio.workspace.training.run_training", training)
    return training


def open_session(folder: Path, **options: int) -> Session:
    source = Source(path=make_voc(folder / "voc", **options))
    return Session(create_project(folder / "project", source, format_name="voc").project)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Five labelled images, two without a label; classes bolt and nut."""
    made = open_session(tmp_path, images=5, unlabelled=2)
    made.project.open_first()
    yield made
    made.close()


@pytest.fixture
def host(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(*SIZE)
    widget.show()
    return widget


@pytest.fixture
def panel(qtbot, session: Session, host: QWidget, fake: FakeTraining) -> TrainPanel:
    made = TrainPanel(session.training, session.project, session.review, host)
    made.resize(*SIZE)
    made.show()
    qtbot.waitUntil(lambda: made.live.metric_plot.surface is not None)
    return made


@pytest.fixture
def running(qtbot, panel: TrainPanel, session: Session, fake: FakeTraining) -> Iterator[TrainPanel]:
    """The panel in the middle of a training: all steps are done, the end is held back."""
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    fake.go.set()
    qtbot.waitUntil(lambda: len(session.training.evaluations) == 4)
    yield panel
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)


# --- before Start -----------------------------------------------------------------------------------


def test_the_data_line_says_what_would_be_trained_on(panel: TrainPanel, session: Session) -> None:
    rows = session.project.rows
    train, val = rows.split_count("train"), rows.split_count("val")
    assert panel.data_label.text().startswith(f"{train} images to train on, {val} to validate")
    assert "2 unlabelled are left out" in panel.data_label.text()
    assert panel.start_button.isEnabled()


def test_start_is_refused_with_a_reason_while_nothing_is_labelled(qtbot, tmp_path: Path, host, fake) -> None:
    session = open_session(tmp_path, images=0, unlabelled=3)
    panel = TrainPanel(session.training, session.project, session.review, host)
    panel.show()
    assert not panel.start_button.isEnabled()
    assert "label at least one image" in panel.warnings_label.text()
    assert "label at least one image" in panel.start_button.toolTip()
    panel.start()
    assert panel.banner.isVisible()
    assert not session.training.running

    session.project.open_first()
    session.project.add_box(2, 2, 20, 20)
    qtbot.waitUntil(panel.start_button.isEnabled)
    assert panel.data_label.text().startswith("1 image to train on, 0 to validate")
    assert "No validation images" in panel.warnings_label.text()
    session.close()


def test_a_class_without_boxes_is_named(qtbot, panel: TrainPanel, session: Session) -> None:
    session.project.add_category("washer")
    qtbot.waitUntil(lambda: "washer" in panel.warnings_label.text())
    assert "Class washer has no boxes" in panel.warnings_label.text()
    assert panel.start_button.isEnabled(), "a warning does not stop anybody"


def test_an_image_marked_as_needing_a_fix_is_left_out(qtbot, panel: TrainPanel, session: Session) -> None:
    session.project.set_state(session.project.current_id, ImageState.NEEDS_FIX)
    qtbot.waitUntil(lambda: "1 needs a fix" in panel.data_label.text())


def test_every_preset_can_be_chosen_and_says_what_it_is_for(panel: TrainPanel) -> None:
    presets = list_presets()
    assert [panel.preset.itemText(n) for n in range(panel.preset.count())] == [p.title for p in presets]
    for preset in presets:
        panel.preset.setCurrentIndex(panel.preset.findData(preset.name))
        assert panel.description.text() == preset.description
        assert panel.form.config() == preset.config
        assert panel.form.changed_keys() == []


def test_nothing_is_wider_than_the_panel_at_300_pixels(qtbot, panel: TrainPanel) -> None:
    panel.form.advanced_button.click()
    panel.resize(300, 900)
    QApplication.processEvents()
    inner = panel.scroll_area.widget()
    assert inner.width() <= panel.scroll_area.viewport().width()
    assert inner.minimumSizeHint().width() <= panel.scroll_area.viewport().width()


# --- the form -----------------------------------------------------------------------------------------


@pytest.fixture
def form(qtbot) -> TrainForm:
    made = TrainForm(next(p for p in list_presets() if p.name == "from-scratch"))
    qtbot.addWidget(made)
    return made


def test_a_changed_setting_carries_a_dot_and_is_taken_back_by_it(form: TrainForm) -> None:
    base = form.config()
    form.editors["batch_size"].spin.setValue(8)
    assert form.changed_keys() == ["batch_size"]
    assert form.config().batch_size == 8
    dot = form._dots["batch_size"]
    assert dot.isEnabled()
    assert "2 images" in dot.toolTip()
    dot.click()
    assert form.config() == base
    assert not dot.isEnabled()


def test_the_persons_epochs_are_not_stretched_by_the_least_number_of_steps(form: TrainForm) -> None:
    base = form.config()
    assert base.min_steps > 0
    form.editors["epochs"].spin.setValue(3)
    assert form.config().epochs == 3
    assert form.config().min_steps == 0
    form.reset("epochs")
    assert form.config() == base


@pytest.mark.parametrize(
    ("text", "says"), [("abc", "'abc' is no number"), ("-1", "out of range"), ("inf", "no finite")]
)
def test_a_bad_learning_rate_is_explained(qtbot, form: TrainForm, text: str, says: str) -> None:
    line = form.editors["lr"].line
    line.selectAll()
    qtbot.keyClicks(line, text)
    assert form.problem().startswith("Learning rate: ")
    assert says in form.problem()
    assert form.problem_label.text() == form.problem()
    form.reset("lr")
    assert form.problem() == ""


def test_a_decimal_comma_is_understood(qtbot, form: TrainForm) -> None:
    line = form.editors["lr"].line
    line.selectAll()
    qtbot.keyClicks(line, "0,002")
    assert form.config().lr == 0.002


def test_a_longest_side_below_the_image_size_is_explained_in_the_forms_words(form: TrainForm) -> None:
    form.editors["image_size"].spin.setValue(1000)
    assert "Longest side" in form.problem()
    assert "image_max_size" not in form.problem()


def test_coco_weights_bring_their_own_architecture(form: TrainForm) -> None:
    combo = form.editors["weights"].combo
    combo.setCurrentIndex(combo.findData("coco"))
    config = form.config()
    assert (config.weights, config.backbone, config.norm) == ("coco", "resnet50", "frozen_batch")
    assert (config.fpn_channels, config.head_channels) == (256, 1024)
    backbone = form.editors["backbone"].combo
    backbone.setCurrentIndex(backbone.findData("resnet34"))
    assert form.config().backbone == "resnet50", "there are no such weights for another one"
    backbone.setCurrentIndex(backbone.findData("mobilenet_v3_large"))
    assert form.config().backbone == "mobilenet_v3_large"
    form.reset("weights")
    assert form.config() == form.preset.config


def test_random_weights_never_sit_under_a_frozen_norm() -> None:
    standard = load_preset("standard", {})
    assert standard.norm == "frozen_batch"
    assert fit_to_weights("none", standard) == {"norm": "group"}


def test_the_wheel_changes_no_setting_that_merely_lies_under_the_pointer(form: TrainForm) -> None:
    spin = form.editors["epochs"].spin
    before = spin.value()
    place = QPointF(5, 5)
    turn = QWheelEvent(
        place, place, QPoint(0, 120), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(spin, turn)
    assert spin.value() == before


def test_a_weights_file_and_an_earlier_run_can_be_started_from(
    panel: TrainPanel, session: Session, tmp_path, monkeypatch
) -> None:
    folder = make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs()
    editor = panel.form.editors["weights"]
    place = editor.combo.findData(f"run:{folder.name}")
    assert place >= 0
    editor.combo.setCurrentIndex(place)
    assert panel.form.config().weights == f"run:{folder.name}"

    chosen = tmp_path / "mine.safetensors"
    monkeypatch.setattr("rcnn_studio.ui.train.fields.QFileDialog.getOpenFileName", lambda *_args: (str(chosen), ""))
    editor.combo.activated.emit(editor.combo.count() - 1)
    assert panel.form.config().weights == str(chosen)
    assert editor.combo.currentText() == "mine.safetensors"


# --- while it runs --------------------------------------------------------------------------------------


def test_the_settings_of_the_form_are_what_is_trained(qtbot, panel: TrainPanel, session, fake: FakeTraining) -> None:
    panel.preset.setCurrentIndex(panel.preset.findData("quick-look"))
    panel.form.editors["batch_size"].spin.setValue(2)
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(fake.configs) == 1)
    assert fake.configs[0].preset == "quick-look"
    assert fake.configs[0].batch_size == 2
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)


def test_before_the_first_step_the_panel_says_what_it_waits_for(qtbot, panel: TrainPanel, session, fake) -> None:
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.live.doing_label.text() == "Loading PyTorch …")
    assert panel.live.isVisible()
    assert panel.live.bar.maximum() == 0, "busy, not stuck at nothing"
    assert not panel.live.loss_plot.isVisible()
    assert not panel.preset.isEnabled()
    assert not panel.form.isEnabled()
    assert not panel.settings.open
    assert "ResNet-18" in panel.settings.note.text()
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    assert not session.training.stopping, "a double click on Start does not stop at once"
    qtbot.waitUntil(lambda: session.training.elapsed_s > NO_STOP_S)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session.training.running)
    assert panel.form.isEnabled()
    assert "nothing was trained" in panel.banner.text()


def test_figures_plots_and_notes_follow_the_training(qtbot, running: TrainPanel) -> None:
    live = running.live
    live.refresh()
    figures = {name: figure.value.text() for name, figure in live.figures.items()}
    assert figures["epoch"] == "4 / 4"
    assert figures["speed"] == "11.2"
    assert figures["lr"] == "0.0007"
    assert figures["left"] == "00:00"
    assert figures["best"] == "0.800"
    assert live.loss_plot.count == 20
    assert live.metric_plot.count == 4
    assert live.loss_plot.isVisible()
    assert "CPU, 2 threads" in live.device_label.text()
    assert "2 boxes left out." in running.log.toPlainText()
    assert running.stop_button.isVisible()
    assert not running.start_button.isVisible()


def test_stop_ends_the_run_and_keeps_the_best(qtbot, running: TrainPanel, session: Session) -> None:
    qtbot.waitUntil(lambda: session.training.elapsed_s > NO_STOP_S)
    qtbot.mouseClick(running.stop_button, Qt.MouseButton.LeftButton)
    assert "Stopping" in running.live.doing_label.text()
    qtbot.waitUntil(lambda: not session.training.running)
    assert session.training.ended.status == "stopped"
    assert running.start_button.isVisible()
    assert "Stopped after 4 epochs" in running.live.doing_label.text()


def test_the_end_is_one_sentence_and_a_way_to_review(qtbot, running: TrainPanel, session, fake) -> None:
    fake.finish.set()
    qtbot.waitUntil(running.result_card.isVisible)
    assert running.sentence.text() == "Finds 18 of 20 bolts, misses half the nuts: label 30 more nuts."
    assert "AP50 0.800" in running.score_label.text()
    with qtbot.waitSignal(running.review_requested):
        running.review_button.click()


def test_a_failure_is_one_banner_and_the_form_is_free_again(qtbot, panel: TrainPanel, session, fake) -> None:
    fake.fail_with = EngineError("Out of memory at batch size 4. Set it to 2, then start again.")
    fake.go.set()
    panel.start()
    qtbot.waitUntil(panel.banner.isVisible)
    assert panel.banner.text() == "Out of memory at batch size 4. Set it to 2, then start again."
    assert panel.form.isEnabled()
    assert panel.settings.open
    assert panel.start_button.isEnabled()
    fake.fail_with = None
    fake.finish.set()
    panel.start()
    assert not panel.banner.isVisible()
    qtbot.waitUntil(lambda: not session.training.running)


def test_a_second_training_begins_with_empty_plots(qtbot, running: TrainPanel, session, fake) -> None:
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)
    fake.go.clear()
    running.start()
    assert running.live.loss_plot.count == 0
    assert running.live.metric_plot.count == 0
    assert not running.result_card.isVisible()
    fake.go.set()
    qtbot.waitUntil(lambda: running.live.loss_plot.count == 20)


def test_a_panel_made_later_shows_what_has_happened(qtbot, running: TrainPanel, session, host) -> None:
    late = TrainPanel(session.training, session.project, session.review, host)
    late.show()
    assert late.live.loss_plot.count == 20
    assert late.live.metric_plot.best_epoch == 4
    assert not late.form.isEnabled()


# --- the status bar -------------------------------------------------------------------------------------


def test_the_strip_tells_the_training_in_one_line(qtbot, panel: TrainPanel, session, host, fake) -> None:
    strip = TrainingStrip(session.training, host)
    assert not strip.isVisible()
    panel.start()
    qtbot.waitUntil(lambda: strip.text == "training: Loading PyTorch …")
    fake.go.set()
    qtbot.waitUntil(lambda: len(session.training.evaluations) == 4)
    strip.refresh()
    assert strip.text == "training: epoch 4/4, 00:00 left, 11.2 images/s, best AP50 0.80 (epoch 4)"
    assert strip.sparkline.isVisible()
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)
    assert strip.text == "trained: best AP50 0.80"


def test_the_jobs_strip_shows_progress_and_cancels(qtbot, session: Session, host: QWidget) -> None:
    import threading

    strip = JobsStrip(session.board, host)
    assert not strip.isVisible()
    release = threading.Event()

    def work(report, should_stop):
        report(Progress("Reading", 3, 12))
        while not release.wait(0.01) and not should_stop():
            pass

    job = session.board.prepare("Exporting", work)
    session.board.start(job)
    qtbot.waitUntil(lambda: strip.label.text() == "Exporting · 3/12")
    assert strip.isVisible()
    assert (strip.bar.value(), strip.bar.maximum()) == (3, 12)
    strip.cancel.click()
    assert strip.label.text() == "Exporting: cancelling …"
    qtbot.waitUntil(lambda: not session.board.jobs)
    assert not strip.isVisible()


def test_the_jobs_strip_leaves_the_training_to_its_own_strip(qtbot, running: TrainPanel, session, host) -> None:
    strip = JobsStrip(session.board, host)
    assert session.board.jobs
    assert strip.shown_job is None
    assert not strip.isVisible()


# --- runs -----------------------------------------------------------------------------------------------


def test_the_runs_table_lists_runs_and_choosing_one_shows_its_detections(qtbot, panel: TrainPanel, session) -> None:
    table = panel.runs_table
    assert table.model().rowCount() == 0
    assert "No finished run yet" in table.empty_text
    for AP50 in (0.7, 0.9):
        make_finished_run(session.store.runs_folder, session.project.categories, AP50=AP50)
    session.review.refresh_runs()
    assert table.model().rowCount() == 2
    shown = [table.model().index(row, 2).data() for row in range(2)]
    assert sorted(shown) == ["0.700", "0.900"]
    other = next(run for run in session.review.runs if run.id != session.review.run_id)
    row = [run.id for run in session.review.runs].index(other.id)
    table.selectRow(row)
    assert session.review.run_id == other.id


def test_runs_that_began_in_the_same_minute_have_different_names(session: Session) -> None:
    for _ in range(2):
        make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs()
    titles = [run_title(run) for run in session.review.runs]
    assert len(set(titles)) == 2


def test_with_two_jobs_the_strip_says_so_in_words(qtbot, session: Session, host: QWidget) -> None:
    strip = JobsStrip(session.board, host)
    for name in ("Exporting", "Predicting", "Checking"):
        session.board.start(session.board.prepare(name, wait_for))
        job_count = len(session.board.shown_jobs)
        strip.refresh()
        more = {1: "", 2: " and 1 more job", 3: " and 2 more jobs"}[job_count]
        assert strip.label.text() == f"{name}{more}"
    session.board.stop_all()
    qtbot.waitUntil(lambda: not session.board.jobs)


def wait_for(_report, should_stop) -> None:
    while not should_stop():
        time.sleep(0.005)


# --- keys -------------------------------------------------------------------------------------------


def test_the_hints_name_the_keys_as_they_are_now(qtbot, panel: TrainPanel, host: QWidget) -> None:
    actions = build_actions(host)
    panel.bind(actions)
    card = panel.result_card.review_button
    assert [w.toolTip()[-len("(Ctrl+R)") :] for w in (panel.start_button, card)] == ["(Ctrl+R)", "(Ctrl+3)"]
    actions["action.train.start"].setShortcut("F9")
    actions["action.train.stop"].setShortcut("F10")
    actions["action.activity.review"].setShortcut("F11")
    actions["action.train.pause"].setShortcut("F12")
    widgets = (panel.start_button, panel.stop_button, card, panel.pause_button)
    assert [w.toolTip()[w.toolTip().rindex("(") :] for w in widgets] == ["(F9)", "(F10)", "(F11)", "(F12)"]


# --- going on ---------------------------------------------------------------------------------------


def test_a_resumed_run_shows_at_once_what_it_told_before(qtbot, tmp_path, panel: TrainPanel, session, fake) -> None:
    told = [make_step(n, steps=20) for n in range(1, 6)]
    lines = [json.dumps(event_to_json(step)) for step in told]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    session.training.resume(tmp_path)
    qtbot.waitUntil(lambda: panel.live.loss_plot.isVisible())
    assert [step.step for step in session.training.steps] == [1, 2, 3, 4, 5]
    assert fake.resumed == [tmp_path]
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)
    assert [step.step for step in session.training.steps] == list(range(1, 21))
