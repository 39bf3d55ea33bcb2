"""What hands expect that have learnt another tool, or none: keys and mouse in the real window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QFileDialog

from rcnn_studio.app import create_window
from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.ui.dialogs.palette import CommandPalette
from rcnn_studio.ui.dialogs.settings_dialog import SettingsDialog
from rcnn_studio.ui.label.box_model import CLASS, X
from rcnn_studio.ui.label.category_palette import CategoryPalette
from rcnn_studio.ui.main_window import MainWindow
from tests.e2e.hands import Hands

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PRESETS = ("studio", "labelimg", "labelme", "cvat")


@pytest.fixture(autouse=True)
def no_popup_is_left() -> Iterator[None]:
    yield
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()


def palette() -> CategoryPalette | None:
    popup = QApplication.activePopupWidget()
    return popup if isinstance(popup, CategoryPalette) else None


def preset(hands: Hands, name: str) -> None:
    hands.window.studio_actions[f"action.keys.{name}"].trigger()


def empty_image(hands: Hands) -> None:
    project = hands.session.project
    project.delete_boxes([box.id for box in project.boxes])


def names(hands: Hands) -> list[str]:
    project = hands.session.project
    return [project.category(box.category_id).name for box in project.boxes]


def double_click(hands: Hands, x: float, y: float) -> None:
    """Press, release and double press, as they come from a mouse."""
    hands.click(x, y)
    at = hands.canvas.image_to_widget(x, y)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    hands._send(QEvent.Type.MouseButtonDblClick, at, left, left)
    hands._send(QEvent.Type.MouseButtonRelease, at, left, none)


def show_ghosts(hands: Hands, *corners: tuple[float, float, float, float]) -> None:
    review, project = hands.session.review, hands.session.project
    review.run = RunInfo(
        id="2026-01-01_1200_test", path="", status="finished", preset="", epochs=1, seconds=1.0, best_epoch=1, best=None
    )
    ids = [project.categories[0].id] * len(corners)
    review._show(Detections.make(list(corners), ids, [0.95 - 0.01 * n for n in range(len(corners))]))


# --- training --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["labelimg", "cvat"])
def test_ctrl_r_starts_no_training_with_the_keys_of_tools_that_mean_something_else(hands: Hands, name: str) -> None:
    preset(hands, name)
    begun: list[bool] = []
    hands.window.studio_actions["action.train.start"].triggered.connect(begun.append)
    hands.key(Key.Key_R, CTRL)
    assert not begun
    assert not hands.session.training.running
    assert hands.window.activity == "label"


@pytest.mark.parametrize(("name", "key"), list(zip(PRESETS, "RTTT", strict=True)))
def test_a_training_started_by_key_is_seen(hands: Hands, monkeypatch, name: str, key: str) -> None:
    preset(hands, name)
    begun: list[object] = []
    monkeypatch.setattr(hands.session.training, "start", lambda *a, **k: begun.append(a))
    hands.key(Key(ord(key)), CTRL)
    assert hands.window.activity == "train"
    assert hands.window.room.train.isVisible()


# --- classes ---------------------------------------------------------------------------------------------


def test_the_class_is_asked_for_after_each_box_where_that_is_wished(hands: Hands, qtbot) -> None:
    empty_image(hands)
    hands.key(Key.Key_W)
    hands.drag(20, 20, 90, 90)
    assert palette() is None, "nobody has asked for it"
    hands.window.window_commands.show_settings()
    dialog = hands.window.findChild(SettingsDialog)
    dialog.findChild(QCheckBox, "settings.ask_class").click()
    dialog.close()
    hands.canvas.setFocus()
    hands.drag(30, 100, 70, 150)
    asked = palette()
    assert asked is not None
    corner = hands.canvas.mapToGlobal(hands.canvas.image_to_widget(70, 100).toPoint())
    assert (asked.pos() - corner).manhattanLength() < 40, "at the box"
    other = hands.session.project.categories[-1].name
    QTest.keyClicks(asked.edit, other)
    QTest.keyClick(asked.edit, Key.Key_Return)
    assert names(hands)[-1] == other
    qtbot.waitUntil(hands.canvas.hasFocus)
    hands.drag(30, 160, 70, 200)
    QTest.keyClick(palette().edit, Key.Key_Escape)
    assert palette() is None
    assert names(hands)[-1] == other, "the class in hand"
    qtbot.waitUntil(hands.canvas.hasFocus)


def test_labelimgs_keys_bring_the_question_and_the_others_take_it_away(hands: Hands) -> None:
    ask = hands.window.studio_actions["action.category.ask"]
    assert not ask.isChecked()
    preset(hands, "labelimg")
    assert ask.isChecked()
    preset(hands, "cvat")
    assert not ask.isChecked()


def test_enter_after_a_box_was_drawn_takes_no_detection_and_says_so(hands: Hands) -> None:
    empty_image(hands)
    show_ghosts(hands, (150, 20, 200, 60))
    hands.key(Key.Key_W)
    hands.drag(20, 20, 90, 90)
    hands.key(Key.Key_Return)
    assert len(names(hands)) == 1
    assert "right after a box was drawn" in hands.canvas.scene.hint
    hands.key(Key.Key_Escape)
    hands.key(Key.Key_Escape)
    hands.key(Key.Key_Return)
    assert len(names(hands)) == 2


def test_enter_while_labelling_first_shows_what_the_next_enter_takes(hands: Hands) -> None:
    empty_image(hands)
    show_ghosts(hands, (150, 20, 200, 60))
    hands.session.review.focus(None)
    hands.key(Key.Key_Return)
    assert names(hands) == []
    assert hands.session.review.focused == 0
    assert "Enter again" in hands.canvas.scene.hint
    hands.key(Key.Key_Return)
    assert len(names(hands)) == 1


def test_the_class_chooser_of_a_row_opens_once_and_gives_the_keys_back(hands: Hands, qtbot) -> None:
    table, project = hands.window.room.boxes, hands.session.project
    area = table.visualRect(table.boxes.index(0, CLASS))
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(table.viewport(), left, none, area.center())
    QTest.mouseDClick(table.viewport(), left, none, area.center())
    asked = palette()
    other = next(c.name for c in project.categories if c.name != names(hands)[0])
    QTest.keyClicks(asked.edit, other)
    QTest.keyClick(asked.edit, Key.Key_Return)
    assert names(hands)[0] == other
    assert QApplication.activePopupWidget() is None, "there was a second one below"
    qtbot.waitUntil(table.hasFocus)


def test_a_double_click_on_a_box_asks_for_its_class(hands: Hands, qtbot) -> None:
    empty_image(hands)
    hands.key(Key.Key_W)
    hands.drag(40, 40, 160, 160)
    hands.key(Key.Key_Escape)
    double_click(hands, 100, 100)
    asked = palette()
    other = hands.session.project.categories[-1].name
    QTest.keyClicks(asked.edit, other)
    QTest.keyClick(asked.edit, Key.Key_Return)
    assert names(hands) == [other]
    assert hands.canvas.tool == "select"
    qtbot.waitUntil(hands.canvas.hasFocus)
    hands.key(Key.Key_Escape)
    double_click(hands, 15, 15)
    assert palette() is None, "beside every box there is nothing to name"


def test_the_class_that_stood_in_for_a_name_goes_with_the_step_that_gives_one(hands: Hands, qtbot) -> None:
    project = hands.session.project
    for category in project.categories:
        project.delete_category(category.id)
    qtbot.waitUntil(lambda: not project.categories and not project.boxes, timeout=10_000)
    hands.key(Key.Key_W)
    hands.drag(20, 20, 90, 90)
    asked = palette()
    assert names(hands) == ["object"]
    QTest.keyClicks(asked.edit, "RBC")
    QTest.keyClick(asked.edit, Key.Key_Return)
    assert [(c.name, c.hotkey) for c in project.categories] == [("RBC", "1")]
    hands.key(Key.Key_Z, CTRL)
    assert names(hands) == ["object"]
    hands.key(Key.Key_Z, CTRL | SHIFT)
    assert names(hands) == ["RBC"]
    hands.session.store.write_back(wait=True)
    assert [c.name for c in hands.session.store.categories()] == ["RBC"]


def test_delete_on_boxes_of_a_hidden_class_says_why_it_does_nothing(hands: Hands) -> None:
    project, table = hands.session.project, hands.window.room.boxes
    box = project.boxes[0]
    project.category_view.set_hidden([box.category_id], True)
    row = table.boxes.row_of(box.id)
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(table.boxes.index(row, X)).center()
    )
    before = len(project.boxes)
    QTest.keyClick(table, Key.Key_Delete)
    assert len(project.boxes) == before
    assert project.category(box.category_id).name in hands.canvas.scene.hint
    assert "hidden" in hands.canvas.scene.hint
    assert table.boxes.look(row, X).back, "its row stands back"


# --- keys in the table -----------------------------------------------------------------------------------


def test_keys_of_the_canvas_act_while_the_table_of_boxes_has_the_focus(hands: Hands) -> None:
    preset(hands, "cvat")
    project, table = hands.session.project, hands.window.room.boxes
    first, count = project.current_id, len(project.boxes)
    table.setFocus()
    table.setCurrentIndex(table.boxes.index(0, CLASS))
    wanted = next(c for c in project.categories if c.name != names(hands)[0] and c.hotkey)
    QTest.keyClick(table, Key(ord(wanted.hotkey)), CTRL)
    assert names(hands)[0] == wanted.name
    QTest.keyClick(table, Key.Key_D, CTRL)
    assert len(project.boxes) == count + 1
    table.setCurrentIndex(table.boxes.index(0, CLASS))
    QTest.keyClick(table, Key.Key_Down)
    assert table.currentIndex().row() == 1, "arrows are the table's"
    assert hands.window.activity == "label"
    QTest.keyClick(table, Key.Key_F)
    assert project.current_id != first
    table.setFocus()
    QTest.keyClick(table, Key.Key_D)
    assert project.current_id == first


def test_a_cell_open_for_typing_keeps_every_key(hands: Hands) -> None:
    project, table = hands.session.project, hands.window.room.boxes
    count, image = len(project.boxes), project.current_id
    table.setFocus()
    table.setCurrentIndex(table.boxes.index(0, X))
    QTest.keyClick(table, Key.Key_5)
    editor = QApplication.focusWidget()
    assert editor is not table
    assert editor.text() == "5"
    for key, held in ((Key.Key_D, CTRL), (Key.Key_Delete, None), (Key.Key_D, None), (Key.Key_Space, None)):
        QTest.keyClick(editor, key, held or Qt.KeyboardModifier.NoModifier)
    assert (len(project.boxes), project.current_id) == (count, image)
    QTest.keyClick(editor, Key.Key_Escape)


# --- presets ---------------------------------------------------------------------------------------------


def test_space_verifies_and_stays_with_labelimgs_keys_and_goes_on_with_the_others(hands: Hands) -> None:
    project, messages = hands.session.project, hands.window.messages
    first = project.current_id
    messages.dismiss()
    assert "Space verified, next image" in messages.hint
    preset(hands, "labelimg")
    messages.dismiss()
    assert "Space verified" in messages.hint
    assert "Space verified, next" not in messages.hint
    hands.key(Key.Key_Space)
    assert project.current_id == first
    assert project.record.state == ImageState.VERIFIED
    hands.key(Key.Key_Space)
    assert project.record.state == ImageState.LABELLED
    preset(hands, "studio")
    hands.key(Key.Key_Space)
    assert project.image_record(first).state == ImageState.VERIFIED
    assert project.current_id != first


def test_l_h_and_k_mean_what_they_mean_in_cvat_and_open_nothing(hands: Hands) -> None:
    preset(hands, "cvat")
    project = hands.session.project
    view, active, first = project.category_view, project.active_category_id, project.current_id
    hands.key(Key.Key_L)
    assert view.is_locked(active)
    hands.key(Key.Key_H)
    assert not view.is_shown(active)
    hands.key(Key.Key_H)
    hands.key(Key.Key_L)
    assert view.is_reachable(active)
    hands.key(Key.Key_K)
    assert project.image_record(first).state == ImageState.VERIFIED
    hands.key(Key.Key_N)
    assert hands.canvas.tool == "draw"
    assert QApplication.activePopupWidget() is None
    assert QApplication.activeModalWidget() is None


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("labelimg", "keys.labelimg"),
        ("cvat", "keys.cvat"),
        ("preset", "keys.studio"),
        ("shortcuts", "app.settings"),
        ("theme dark", "view.theme_dark"),
        ("statistics", "files.statistics"),
        ("preferences", "app.settings"),
    ],
)
def test_the_palette_finds_presets_and_settings_by_the_words_people_use(hands: Hands, typed: str, wanted: str) -> None:
    hands.key(Key.Key_K, CTRL)
    asked = QApplication.activePopupWidget()
    assert isinstance(asked, CommandPalette)
    QTest.keyClicks(asked.edit, typed)
    shown = [asked.list.item(n).data(Qt.ItemDataRole.UserRole) for n in range(min(4, asked.list.count()))]
    assert f"action.{wanted}" in shown


def test_the_keys_of_another_tool_are_taken_from_the_palette(hands: Hands) -> None:
    hands.key(Key.Key_K, CTRL)
    asked = QApplication.activePopupWidget()
    QTest.keyClicks(asked.edit, "labelimg")
    QTest.keyClick(asked.edit, Key.Key_Return)
    assert hands.window.keymap.preset.name == "labelimg"
    assert hands.window.studio_actions["action.keys.labelimg"].isChecked()
    assert "Keys of labelImg" in hands.window.messages.text


# --- the window ------------------------------------------------------------------------------------------


def test_dialogs_about_files_begin_at_the_open_data(hands: Hands, sample: Path, monkeypatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _w, _t, start="": begun.append(start) or "")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda _w, _t, start="", _k="": (begun.append(start) or "", ""))
    hands.key(Key.Key_O, CTRL)
    hands.key(Key.Key_I, CTRL)
    assert len(begun) == 2
    assert all(Path(start).is_dir() and Path(start) == hands.session.store.folder.parent for start in begun)


def test_without_a_project_dialogs_begin_where_the_last_one_ended(hands: Hands, tmp_path: Path, monkeypatch) -> None:
    hands.window.settings.set("dialogs.folder", str(tmp_path))
    hands.window.close_session()
    begun: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _w, _t, start="": begun.append(start) or "")
    hands.window.studio_actions["action.project.open"].trigger()
    assert begun == [str(tmp_path)]


def test_the_samples_note_names_the_keys_of_now_and_goes_with_the_sample(hands: Hands, sample: Path, qtbot) -> None:
    window = hands.window
    window.opening.open_sample()
    qtbot.waitUntil(lambda: "your own copy" in window.messages.text, timeout=30_000)
    assert "W draws a box" in window.messages.text
    window.keymap.set_preset("cvat")
    assert "N draws a box" in window.messages.text
    window.opening.open_path(sample)
    qtbot.waitUntil(lambda: window.session is not None and window.session.project.title == "hardware", timeout=20_000)
    assert "your own copy" not in window.messages.text


def test_undo_says_what_was_undone_and_on_which_image_also_after_a_restart(
    window: MainWindow, sample: Path, qtbot
) -> None:
    hands = Hands(window)
    project = hands.session.project
    other = next(c for c in project.categories if c.name != names(hands)[0])
    was, stem = names(hands)[0], Path(project.record.path).stem
    project.set_category([project.boxes[0].id], other.id)
    folder = hands.session.store.folder
    window.close_session()
    window.open_project(folder)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=20_000)
    hands.key(Key.Key_Z, CTRL)
    assert window.messages.text == f"Undone: Change {was} to {other.name}, {stem}"
    assert names(hands)[0] == was
    hands.key(Key.Key_Z, CTRL | SHIFT)
    assert window.messages.text.startswith("Redone: Change")


def test_the_window_begins_with_the_activity_that_was_left(hands: Hands, sample: Path, qtbot) -> None:
    hands.key(Key.Key_3, CTRL)
    assert hands.window.activity == "review"
    folder = hands.session.store.folder
    hands.window.close_session()
    again = create_window(None)
    try:
        again.show()
        again.open_project(folder)
        assert again.activity == "review"
        assert again.room.review.isVisible()
        assert again.studio_actions["action.activity.review"].isChecked()
    finally:
        again.close_without_asking()
        again.close()
        again.deleteLater()


def test_one_word_for_enter_and_a_way_on_where_there_is_nothing_to_review(hands: Hands) -> None:
    window = hands.window
    hands.key(Key.Key_3, CTRL)
    assert "Nothing to review" in window.messages.hint
    assert "Ctrl+2 trains" in window.messages.hint
    show_ghosts(hands, (150, 20, 200, 60))
    window.refresh_hint()
    assert "Enter takes a detection" in window.messages.hint
    tips = [action.toolTip() for action in window.studio_actions.values()]
    assert [tip for tip in tips if "Return" in tip] == []
