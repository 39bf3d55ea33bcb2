"""What can be done with runs in the window: go on, extend, keep, discard, sort, star, note, compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMessageBox, QWidget

from rcnn_studio.domain.runs import StepDone, TrainConfig, event_to_json
from rcnn_studio.formats.codec import Source
from rcnn_studio.formats.run_folder import read_events
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.train.panel import TrainPanel
from rcnn_studio.ui.train.runs import AP50, NAME
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.store.projects import make_voc
from tests.ui.fake_runs import FakeTraining, make_step


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
    made.resize(440, 700)
    return made


@pytest.fixture
def panel(session: Session, host: QWidget, fake: FakeTraining) -> TrainPanel:
    made = TrainPanel(session.training, session.project, session.review, host)
    made.resize(440, 700)
    host.show()
    made.show()
    return made


def interrupted(session: Session, *, steps: int = 7, best: bool = True) -> Path:
    """A run as a kill leaves it: events without an end, a checkpoint to go on from."""
    folder = make_finished_run(session.store.runs_folder, session.project.categories)
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()[:-1]
    lines += [json.dumps(event_to_json(make_step(n))) for n in range(1, steps + 1)]
    (folder / "events.jsonl").write_text("\n".join(lines) + '\n{"event": "StepDo', encoding="utf-8")
    for name in ("step-00000005", *(("best",) if best else ())):
        (folder / "checkpoints" / name).mkdir(parents=True)
        (folder / "checkpoints" / name / "state.json").write_text("{}", encoding="utf-8")
    session.review.refresh_runs()
    return folder


def test_a_run_that_a_kill_has_ended_is_offered_again_and_goes_on_where_it_was(qtbot, panel, session, fake) -> None:
    assert not panel.unfinished.isVisible()
    folder = interrupted(session)
    assert panel.unfinished.isVisible()
    assert "was interrupted after 00:04" in panel.unfinished.text.text()
    qtbot.mouseClick(panel.unfinished.resume_button, Qt.MouseButton.LeftButton)
    assert not panel.unfinished.isVisible()
    qtbot.waitUntil(lambda: [s.step for s in session.training.steps] == list(range(1, 8)))  # the plots show what was
    assert panel.live.loss_plot.count == 7
    assert panel.settings.button.text() == "Settings of the resumed run"
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)
    assert fake.resumed == [folder]
    assert fake.configs == [None], "with its own settings"
    assert [s.step for s in session.training.steps] == list(range(1, 21)), "no step twice"
    assert panel.live.loss_plot.count == 20


def test_the_best_of_an_interrupted_run_can_be_kept_for_good(qtbot, panel: TrainPanel, session: Session) -> None:
    folder = interrupted(session)
    qtbot.mouseClick(panel.unfinished.keep_button, Qt.MouseButton.LeftButton)
    assert not panel.unfinished.isVisible()
    assert session.review.runs[0].status == "stopped"
    assert session.review.runs[0].best is not None
    assert (folder / "checkpoints" / "best").exists()
    assert not list((folder / "checkpoints").glob("step-*"))


def test_a_run_that_was_never_scored_has_no_best_to_keep(panel: TrainPanel, session: Session) -> None:
    interrupted(session, best=False)
    assert panel.unfinished.isVisible()
    assert not panel.unfinished.keep_button.isEnabled()
    assert panel.unfinished.resume_button.isEnabled()


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.Discard, QMessageBox.StandardButton.Cancel])
def test_discarding_asks_and_moves_the_run_to_the_trash(qtbot, panel, session, monkeypatch, answer) -> None:
    folder = interrupted(session)
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or answer)
    qtbot.mouseClick(panel.unfinished.discard_button, Qt.MouseButton.LeftButton)
    assert len(asked) == 1
    gone = answer == QMessageBox.StandardButton.Discard
    assert folder.exists() is not gone
    assert panel.unfinished.isVisible() is not gone
    assert (folder.parent / ".trash" / folder.name / "events.jsonl").exists() is gone
    assert bool(session.review.runs) is not gone


def test_a_stopped_run_is_extended_by_epochs_with_time_and_steps_in_proportion(
    qtbot, panel, session, fake, monkeypatch
) -> None:
    folder = interrupted(session)
    own = TrainConfig(preset="test", epochs=10, min_steps=200, max_minutes=3.0)
    (folder / "config.json").write_text(json.dumps(asdict(own)), encoding="utf-8")
    session.review.refresh_runs()
    panel.runs_table.selectRow(0)
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_args, **_names: (5, True))
    qtbot.mouseClick(panel.runs.extend_button, Qt.MouseButton.LeftButton)
    fake.go.set()
    fake.finish.set()
    qtbot.waitUntil(lambda: not session.training.running)
    assert fake.resumed == [folder]
    assert fake.configs == [replace(own, epochs=15, min_steps=300, max_minutes=4.5)]


def test_a_finished_run_offers_neither_resume_nor_extend(panel: TrainPanel, session: Session) -> None:
    make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs()
    panel.runs_table.selectRow(0)
    assert not panel.runs.resume_button.isVisibleTo(panel.runs)
    assert not panel.runs.extend_button.isVisibleTo(panel.runs)
    assert not panel.unfinished.isVisible()


def test_runs_are_sorted_by_what_a_column_means(panel: TrainPanel, session: Session) -> None:
    for score in (0.7, 0.95, 0.08):
        make_finished_run(session.store.runs_folder, session.project.categories, AP50=score)
    session.review.refresh_runs()
    table, model = panel.runs_table, panel.runs_table.model()
    table.sortByColumn(AP50, Qt.SortOrder.DescendingOrder)
    assert [model.index(row, AP50).data() for row in range(3)] == ["0.950", "0.700", "0.080"]
    table.sortByColumn(NAME, Qt.SortOrder.DescendingOrder)
    assert [run.id for run in model.runs] == sorted((run.id for run in model.runs), reverse=True)


def test_a_star_and_a_note_stay_with_the_run(qtbot, panel, session, host, monkeypatch) -> None:
    make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs()
    panel.runs_table.selectRow(0)
    panel.runs.star_button.click()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_names: ("  with the new lamp ", True))
    panel.runs.note_button.click()
    late = TrainPanel(session.training, session.project, session.review, host)
    run = session.review.runs[0]
    assert late.runs_table.notes_of(run).star
    assert late.runs_table.notes_of(run).note == "with the new lamp"
    late.runs_table.selectRow(0)
    late.runs.star_button.click()
    assert not late.runs_table.notes_of(run).star
    assert late.runs_table.notes_of(run).note == "with the new lamp"


def test_two_runs_are_compared_by_their_curves_and_settings(qtbot, panel: TrainPanel, session: Session) -> None:
    for epochs in (10, 20):
        folder = make_finished_run(session.store.runs_folder, session.project.categories)
        config = TrainConfig(preset="test", epochs=epochs)
        (folder / "config.json").write_text(json.dumps(asdict(config)), encoding="utf-8")
        with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(event_to_json(make_step(n))) + "\n" for n in range(1, 3 * epochs))
    session.review.refresh_runs()
    panel.runs_table.selectRow(0)
    assert not panel.runs.compare_button.isEnabled()
    panel.runs_table.selectAll()
    panel.runs.compare_button.click()
    comparison = panel.runs.comparison
    qtbot.waitUntil(lambda: comparison.loss_plot.surface is not None)
    assert sorted(len(xs) for xs, _ in comparison.loss_plot.curves) == [29, 59]
    table = comparison.table
    assert [table.item(row, 0).text() for row in range(table.rowCount())] == ["epochs"]
    assert {table.item(0, column).text() for column in (1, 2)} == {"10", "20"}
    comparison.close()


def test_the_steps_of_an_interrupted_run_are_read_without_its_torn_line(session: Session) -> None:
    folder = interrupted(session)
    assert [e.step for e in read_events(folder) if isinstance(e, StepDone)] == list(range(1, 8))
