"""How a project begins in the real window: dropped, opened, or described in the dialog; and how it leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QPushButton

from rcnn_studio.app import create_window
from rcnn_studio.tasks.exporting import EXPORT_FORMATS, export_dataset
from rcnn_studio.ui.commands import opening
from rcnn_studio.ui.dialogs.export_dialog import ExportDialog
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.start.new_project import NewProject, NewProjectDialog
from rcnn_studio.ui.start.recent_list import WHEN_ROLE
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


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
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


# --- dropped -------------------------------------------------------------------------------------------------


def pictures(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (64, 48), "grey").save(folder / name)
    return [folder / name for name in names]


def drag_over(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none = Qt.KeyboardModifier.NoModifier
    window.dragEnterEvent(
        QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    )


def shown_name(window: MainWindow) -> str:
    return Path(window.session.project.record.path).name


def test_several_images_open_their_folder_at_the_first_and_can_be_labelled_at_once(
    qtbot, empty_window, tmp_path: Path
) -> None:
    made = pictures(tmp_path / "holiday", "a.png", "b.png", "c.png", "d.png")
    drop(empty_window, made[2], made[3])
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    hands = Hands(empty_window)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=10_000)
    assert shown_name(empty_window) == "c.png"
    assert len(empty_window.session.project.rows) == 4
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 40, 30)
    assert len(empty_window.session.project.boxes) == 1


def test_a_label_file_opens_its_dataset_at_its_image(qtbot, empty_window, tmp_path: Path) -> None:
    data = exported(tmp_path, "voc")
    label = sorted((data / "Annotations").glob("*.xml"))[-1]
    drop(empty_window, label)
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=20_000)
    assert seen(empty_window) == (6, ["bolt", "nut"])
    assert Path(shown_name(empty_window)).stem == label.stem


def test_dropping_on_an_open_project_leads_there_and_one_click_leads_back(qtbot, hands: Hands, tmp_path: Path) -> None:
    window, before = hands.window, hands.session.store.folder
    drop(window, *pictures(tmp_path / "holiday", "a.png", "b.png"))
    qtbot.waitUntil(lambda: window.session is not None and window.session.store.folder != before, timeout=20_000)
    assert shown_name(window) == "a.png"
    assert window.messages.button.text() == "Back to hardware"
    window.messages.button.click()
    qtbot.waitUntil(lambda: window.session.store.folder == before, timeout=20_000)


def test_an_image_of_the_open_project_is_gone_to(qtbot, hands: Hands) -> None:
    project, window = hands.session.project, hands.window
    session = window.session
    drop(window, project.image_path(int(project.rows.ids[40])))
    assert project.current_id == int(project.rows.ids[40])
    assert window.session is session


def test_what_cannot_be_opened_is_said_while_it_is_dragged_and_after_it_is_dropped(
    empty_window, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF")
    drag_over(empty_window, letter)
    assert empty_window.drop_sign.title == "This cannot be opened"
    drop(empty_window, letter)
    assert empty_window.drop_sign.title == ""
    assert "letter.pdf" in empty_window.messages.text
    assert empty_window.session is None


def test_while_files_are_dragged_the_window_says_what_will_be_opened(empty_window, tmp_path: Path) -> None:
    made = pictures(tmp_path / "holiday", "a.png", "b.png", "c.png")
    sign = empty_window.drop_sign
    drag_over(empty_window, *made[:2])
    assert sign.title == "Drop to label 2 images of holiday"
    assert sign.isVisible()
    assert sign.size() == empty_window.size()
    drag_over(empty_window, made[0].parent)
    assert sign.title == "Drop to label 3 images of holiday"
    archive = Path(shutil.make_archive(str(tmp_path / "parts"), "zip", made[0].parent))
    drag_over(empty_window, archive)
    assert sign.title == "Drop to unpack and open parts.zip"
    empty_window.dragLeaveEvent(QDragLeaveEvent())
    assert not sign.isVisible()


def test_a_running_training_is_not_stopped_by_a_drop_without_asking(
    qtbot, hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands.window, "may_close", lambda: False)
    voc_project(tmp_path / "other").close()
    session = hands.session
    drop(hands.window, tmp_path / "other" / "project")
    assert hands.window.session is session


# --- the first start -----------------------------------------------------------------------------------------


def test_the_welcome_page_says_what_is_being_prepared_and_takes_no_second_click(qtbot, empty_window) -> None:
    welcome = empty_window.welcome
    welcome.sample.click()
    assert welcome.work_text.text() == "Preparing the sample …"
    assert welcome.work.isVisible()
    assert not welcome.sample.isEnabled()
    qtbot.waitUntil(lambda: empty_window.session is not None, timeout=60_000)
    assert "your own copy of the sample" in empty_window.messages.text
    empty_window.close_session()
    assert not welcome.work.isVisible()
    assert welcome.sample.isEnabled()
    assert welcome.recent.item(0).data(WHEN_ROLE).startswith("today, ")


def test_the_sign_of_the_start_is_there_before_the_window_is_loaded(repository: Path) -> None:
    code = (
        "import sys, rcnn_studio.app as app\n"
        "splash = app.make_splash(app.make_application())\n"
        "splash.show_now()\n"
        "assert splash.isVisible()\n"
        "late = [n for n in ('torch', 'rcnn_studio.ui.main_window', 'rcnn_studio.store.project') if n in sys.modules]\n"
        "assert not late, late\n"
        "app.create_window(None)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert "AssertionError" not in done.stderr, done.stderr


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
    monkeypatch.setattr(opening, "NewProjectDialog", lambda _window, start: _Answered(dialog.choice))
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
