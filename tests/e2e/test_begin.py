"""How a project begins in the real window: dropped, opened, or described in the dialog; and how it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QPushButton

from rcnn_studio.app import create_window
from rcnn_studio.tasks.exporting import EXPORT_FORMATS, export_dataset
from rcnn_studio.ui import commands
from rcnn_studio.ui.export_dialog import ExportDialog
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.new_project import NewProject, NewProjectDialog
from tests.e2e.hands import Hands
from tests.store.projects import voc_project

FILES = {"coco": "*.json", "yolo": "data.yaml", "csv": "*.csv"}


@pytest.fixture
def empty_window(qtbot) -> Iterator[MainWindow]:
    made = create_window(None)
    made.show()
    qtbot.waitUntil(lambda: not made.board.jobs, timeout=10_000)
    yield made
    made.close_without_asking()
    made.close()
    made.deleteLater()


def exported(folder: Path, format_name: str) -> Path:
    """Three images with a bolt and a nut each, as a dataset of this format."""
    with voc_project(folder / "from") as store:
        export_dataset(store, format_name, folder / "data")
    return folder / "data"


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none = Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none))


def seen(window: MainWindow) -> tuple[int, list[str]]:
    """(boxes in the project, names of its classes)"""
    project = window.session.project
    return int(project.rows.box_counts.sum()), sorted(category.name for category in project.categories)


@pytest.mark.parametrize("format_name", EXPORT_FORMATS)
def test_every_format_is_opened_by_dropping_its_folder(qtbot, empty_window, tmp_path: Path, format_name: str) -> None:
    drop(empty_window, exported(tmp_path, format_name))
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    assert seen(empty_window) == (6, ["bolt", "nut"])


def test_a_zip_archive_is_unpacked_beside_itself_also_where_there_is_a_project(
    qtbot, empty_window, tmp_path: Path
) -> None:
    voc_project(tmp_path / "other").close()
    (tmp_path / "other" / "project").rename(tmp_path / "rcnn-project")
    data = exported(tmp_path, "yolo")
    archive = Path(shutil.make_archive(str(tmp_path / "parts"), "zip", data))
    drop(empty_window, archive)
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    assert empty_window.session.store.folder == tmp_path / "parts" / "rcnn-project"
    assert seen(empty_window) == (6, ["bolt", "nut"])


@pytest.mark.parametrize("format_name", FILES)
def test_ctrl_i_opens_a_dataset_by_its_file(
    qtbot, empty_window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_name: str
) -> None:
    file = sorted(exported(tmp_path, format_name).rglob(FILES[format_name]))[0]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (str(file), ""))
    empty_window.studio_actions["action.project.import"].trigger()
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    assert seen(empty_window)[1] == ["bolt", "nut"]


def test_a_file_that_is_no_dataset_is_named_with_what_to_do(qtbot, empty_window, tmp_path: Path) -> None:
    letter = tmp_path / "letter.json"
    letter.write_text('{"dear": "reader"}')
    drop(empty_window, letter)
    qtbot.waitUntil(lambda: "letter.json" in empty_window.messages.text, timeout=10_000)
    assert empty_window.session is None
    assert letter.read_text() == '{"dear": "reader"}'


# --- the dialog ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", [*EXPORT_FORMATS, "zip"])
def test_the_dialog_sees_what_the_source_is_and_the_project_is_made(
    qtbot, empty_window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_name: str
) -> None:
    source = exported(tmp_path, "voc" if format_name == "zip" else format_name)
    if format_name == "zip":
        source = Path(shutil.make_archive(str(tmp_path / "parts"), "zip", source))
    dialog = NewProjectDialog(empty_window)
    dialog.source.edit.setText(str(source))
    qtbot.waitUntil(lambda: dialog.kind.currentData() == format_name.removesuffix("-retinanet"), timeout=5_000)
    dialog.project.edit.setText(str(tmp_path / "made"))
    dialog._on_accepted()
    assert dialog.error.text() == ""
    monkeypatch.setattr(commands, "NewProjectDialog", lambda _window: _Answered(dialog.choice))
    empty_window.studio_actions["action.project.new"].trigger()
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    assert empty_window.session.store.folder == tmp_path / "made"
    assert seen(empty_window) == (6, ["bolt", "nut"])


class _Answered:
    """A dialog that the person has filled in."""

    def __init__(self, choice: NewProject | None) -> None:
        self.choice = choice

    def exec(self) -> int:
        return int(NewProjectDialog.DialogCode.Accepted)


def test_options_are_asked_for_where_they_mean_something(qtbot, tmp_path: Path) -> None:
    dialog = NewProjectDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.source.edit.setText(str(exported(tmp_path, "voc")))
    qtbot.waitUntil(dialog.turn.isVisible, timeout=5_000)
    assert not dialog.empty.isVisible()
    dialog.turn.setChecked(True)
    dialog.corners.setCurrentIndex(1)
    dialog.project.edit.setText(str(tmp_path / "made"))
    dialog._on_accepted()
    assert dialog.choice.source.turn_boxes
    assert dialog.choice.source.one_based is True
    assert dialog.choice.format_name == "voc"


def test_a_kind_that_the_person_has_chosen_is_kept(qtbot, tmp_path: Path) -> None:
    dialog = NewProjectDialog()
    qtbot.addWidget(dialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("images"))
    dialog.kind.activated.emit(dialog.kind.currentIndex())
    dialog.source.edit.setText(str(exported(tmp_path, "voc")))
    dialog._on_accepted()
    assert dialog.choice.kind == "images"


# --- problems and export --------------------------------------------------------------------------------------


def test_a_dataset_with_a_bad_record_leads_to_the_list_of_problems(qtbot, empty_window, tmp_path: Path) -> None:
    data = exported(tmp_path, "voc")
    file = sorted((data / "Annotations").glob("*.xml"))[0]
    file.write_bytes(file.read_bytes().replace(b"<xmax>", b"<xmax>x", 1))
    drop(empty_window, data)
    qtbot.waitUntil(lambda: file.name in empty_window.messages.text, timeout=20_000)
    assert empty_window.messages.button.text() == "Show problems"
    empty_window.messages.button.click()
    assert empty_window.findChild(type(empty_window.room.extras["problems"]), "dock.problems").isVisible()
    assert empty_window.files.problems.rows.shown[0].file == str(file)


def test_moving_a_box_with_a_mask_asks_once_above_the_picture_and_the_answer_is_written(
    qtbot, empty_window, tmp_path: Path
) -> None:
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    record = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "categories": [{"id": 1, "name": "bolt"}],
        "annotations": [{**record, "segmentation": [[10, 10, 30, 10, 30, 30]]}],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document))
    drop(empty_window, file)
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    project, banner = empty_window.session.project, empty_window.files.shape_question
    assert not banner.isVisible()
    project.nudge([project.boxes[0].id], 10, 0)
    assert banner.isVisible()
    banner.findChild(QPushButton, "files.shape_question.scale").click()
    assert not banner.isVisible()
    project.nudge([project.boxes[0].id], 10, 0)
    assert not banner.isVisible(), "it is asked once"
    empty_window.session.store.write_back(wait=True)
    written = json.loads(file.read_text())["annotations"][0]
    assert written["bbox"] == [30, 10, 20, 20]
    assert written["segmentation"] == [[30, 10, 50, 10, 50, 30]]


def test_the_export_says_before_what_a_format_leaves_out(qtbot, hands: Hands) -> None:
    project = hands.session.project
    project.set_state(project.current_id, project.record.state.VERIFIED)
    hands.window.studio_actions["action.project.export"].trigger()
    dialog = hands.window.findChild(ExportDialog)
    assert [dialog.format.itemData(n) for n in range(dialog.format.count())] == list(EXPORT_FORMATS)
    assert all(dialog.format.itemText(n) != dialog.format.itemData(n) for n in range(dialog.format.count()))
    dialog.format.setCurrentIndex(dialog.format.findData("yolo"))
    qtbot.waitUntil(lambda: "1 image verified: written as labelled." in dialog.lost.text(), timeout=10_000)
    dialog.format.setCurrentIndex(dialog.format.findData("voc"))
    assert "verified" not in dialog.lost.text()
    dialog.reject()
