"""What tasks do before PyTorch, and without it: one message with the remedy, no run folder, labels untouched."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import EngineError, FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks import doctor
from rcnn_studio.tasks.importing import open_or_create
from rcnn_studio.tasks.predicting import LivePredictor, expand_images, predict_images
from rcnn_studio.tasks.running import find_run
from rcnn_studio.tasks.training import run_training
from tests.run_folders import make_finished_run
from tests.tasks.drawing import draw, make_images, make_voc


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return open_or_create(make_voc(tmp_path / "voc", 5))


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if torch were not installed: importing what needs it fails."""
    for name in ("rcnn_studio.engine.training.trainer", "rcnn_studio.engine.inference"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("no_engine")
def test_training_without_pytorch_says_so_and_makes_no_run(project):
    with ProjectStore.open(project) as store:
        with pytest.raises(EngineError, match=r"Training needs PyTorch.*rcnn-studio doctor"):
            run_training(store, TrainConfig(), ignore, never)
        assert list(store.runs_folder.iterdir()) == []


@pytest.mark.usefixtures("no_engine")
def test_prediction_without_pytorch_says_so(project, tmp_path):
    with ProjectStore.open(project) as store:
        run = make_finished_run(store.runs_folder, store.categories())
        with pytest.raises(EngineError, match=r"Prediction needs PyTorch.*rcnn-studio doctor"):
            predict_images(store, run, [1], ignore, never)
        with pytest.raises(EngineError, match="Prediction needs PyTorch"):
            LivePredictor(run).detect(store.image_path(1))
        assert not (run / "detections").exists()


def test_a_broken_picture_is_the_pictures_fault_not_the_models(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"x\.jpg"):
        LivePredictor(tmp_path / "no-run").detect(tmp_path / "x.jpg")


def test_training_wants_labels_and_boxes_before_anything_else(tmp_path):
    with ProjectStore.open(open_or_create(make_images(tmp_path / "photos", 3))) as store:
        with pytest.raises(EngineError, match="no image is labelled yet"):
            run_training(store, TrainConfig(), ignore, never)
        for image_id in (1, 2, 3):
            states = (ImageState.UNLABELLED, ImageState.CONFIRMED_EMPTY)
            change = ImageChange(image_id=image_id, state=states, split=("", "train"))
            store.submit(Edit(text="Nothing here", images=(change,)), on_done=ignore, on_error=ignore)
        with pytest.raises(EngineError, match="has a box"):
            run_training(store, TrainConfig(), ignore, never)
        with pytest.raises(EngineError, match=r"'other'.*splits here: train"):
            run_training(store, TrainConfig(train_split="other"), ignore, never)
        assert list(store.runs_folder.iterdir()) == []


def test_runs_are_found_by_last_best_id_and_beginning(tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(EngineError, match="no run has a model"):
        find_run(runs, "last")
    first = make_finished_run(runs, ())
    second = make_finished_run(runs, (), AP50=0.8)
    assert find_run(runs, first.name).id == first.name
    assert find_run(runs, "last").id == second.name
    assert find_run(runs, "best").best is not None
    assert find_run(runs, f"{first.name}_").id == second.name
    with pytest.raises(EngineError, match="several runs"):
        find_run(runs, first.name[:5])
    with pytest.raises(EngineError, match=rf"no run 'x{first.name}'.*Did you mean {first.name}"):
        find_run(runs, f"x{first.name}")


def test_folders_of_images_are_walked_and_files_stand_once(tmp_path):
    one = draw(tmp_path / "a" / "one.jpg", [])
    two = draw(tmp_path / "a" / "b" / "two.png", [])
    assert sorted(expand_images([tmp_path / "a", one])) == sorted([one, two])
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(EngineError, match=path.name):
            expand_images([path])


def test_doctor_reports_the_environment_with_a_remedy_for_all_that_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "lxml" else "99.0")
    item = doctor._package("lxml", (6, 1))
    assert (item.ok, item.value) == (False, "not installed")
    assert "pip install 'lxml>=6.1'" in item.remedy
    assert doctor._package("numpy", (2, 0)).ok


def test_doctor_says_which_folder_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(doctor, "_existing", lambda _folder: tmp_path / "file")
    item = doctor._folder("Settings folder", tmp_path / "file" / "home")
    assert not item.ok
    assert str(tmp_path / "file") in item.remedy


def test_doctor_survives_a_child_that_dies(monkeypatch):
    monkeypatch.setattr(doctor, "_TORCH_PROBE", "import os; os.abort()")
    items = doctor.torch_items()
    assert not items[0].ok
    assert items[0].remedy
