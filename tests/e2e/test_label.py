"""Labelling in the real window: what the hand does on the canvas is what stands in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLineEdit, QSlider

from rcnn_studio.app import create_window
from rcnn_studio.domain.dataset import ImageState
from tests.e2e.hands import Hands, file_bytes, objects

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_a_dragged_box_stands_in_the_xml_after_next_image(qtbot, hands: Hands, sample) -> None:
    xml, before = hands.xml(), objects(hands.xml())
    hands.key(Qt.Key.Key_W)
    hands.key(Qt.Key.Key_2)
    hands.drag(21, 33, 118, 97)
    name = hands.session.project.category(hands.session.project.boxes[-1].category_id).name
    hands.key(Qt.Key.Key_D)
    assert hands.xml() != xml, "D goes to the next image"
    qtbot.waitUntil(lambda: len(objects(xml)) == len(before) + 1, timeout=10_000)
    # the sample is 1-based and inclusive, as the VOC devkit: pixel 21 is column 22, the last column of 118 is 118
    assert objects(xml)[:-1] == before
    assert objects(xml)[-1] == (name, 22, 34, 118, 97)


def test_only_the_edited_file_changes(hands: Hands, sample, written: Callable[[], None]) -> None:
    before = file_bytes(sample)
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    changed_name = hands.xml().name
    written()
    after = file_bytes(sample)
    assert [name for name in after if after[name] != before.get(name)] == [changed_name]


def test_undoing_everything_brings_every_byte_back(hands: Hands, sample, written: Callable[[], None]) -> None:
    before = file_bytes(sample)
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    hands.key(Qt.Key.Key_D)
    hands.drag(30, 30, 90, 80)
    hands.key(Qt.Key.Key_Escape)
    hands.key(Qt.Key.Key_Delete)
    written()
    assert file_bytes(sample) != before
    for _step in range(3):
        hands.key(Qt.Key.Key_Z, CTRL)
    assert not hands.session.project.undo_stack.canUndo()
    written()
    assert file_bytes(sample) == before


def test_undo_goes_back_to_the_image_it_changes(hands: Hands) -> None:
    first = hands.session.project.current_id
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    count = len(hands.session.project.boxes)
    hands.key(Qt.Key.Key_D)
    hands.key(Qt.Key.Key_Z, CTRL)
    assert hands.session.project.current_id == first
    assert len(hands.session.project.boxes) == count - 1


def test_nothing_here_confirms_an_empty_image_and_undo_removes_its_file(
    hands: Hands, sample, written: Callable[[], None]
) -> None:
    before = file_bytes(sample)
    project = hands.session.project
    while project.record.state != ImageState.UNLABELLED:
        hands.key(Qt.Key.Key_D)
    empty, xml = project.current_id, hands.xml()
    assert not xml.exists()
    hands.key(Qt.Key.Key_B)
    assert project.current_id != empty
    written()
    assert xml.exists()
    assert objects(xml) == []
    assert project.image_record(empty).state == ImageState.CONFIRMED_EMPTY
    hands.key(Qt.Key.Key_Z, CTRL)
    written()
    assert file_bytes(sample) == before


def test_b_says_which_image_it_has_marked_and_the_box_panel_says_so_too(hands: Hands) -> None:
    project, panel = hands.session.project, hands.window.room.boxes
    while project.record.state != ImageState.UNLABELLED:
        hands.key(Qt.Key.Key_D)
    empty = project.record
    assert panel.empty_text.startswith("No boxes here yet.")
    hands.key(Qt.Key.Key_B)
    said = f"{Path(empty.path).stem}: marked as empty (nothing here). Ctrl+Z takes it back."
    assert hands.window.messages.text == said
    project.set_current(empty.id)
    assert panel.empty_text == "Marked as empty: nothing here."
    hands.key(Qt.Key.Key_Z, CTRL)
    assert panel.empty_text.startswith("No boxes here yet.")


def test_labels_are_there_when_the_project_is_opened_again(qtbot, hands: Hands) -> None:
    window, project = hands.window, hands.session.project
    hands.key(Qt.Key.Key_W)
    hands.drag(12, 14, 66, 58)
    image_id, folder = project.current_id, hands.session.store.folder
    box = project.boxes[-1]
    window.close_session()
    assert window.open_project(folder)
    again = window.session.project
    assert again.current_id == image_id, "the image that was left is shown"
    assert again.boxes[-1].xyxy == box.xyxy


@pytest.mark.parametrize("key", [Qt.Key.Key_1, Qt.Key.Key_3])
def test_a_digit_gives_the_box_just_drawn_its_class(hands: Hands, key: Qt.Key) -> None:
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 70, 60)
    hands.key(key)
    category = hands.session.project.category(hands.session.project.boxes[-1].category_id)
    assert category.hotkey == chr(key.value)


def test_a_damaged_annotation_is_named_and_left_alone(qtbot, sample) -> None:
    broken = sorted((sample / "Annotations").glob("*.xml"))[0]
    text = broken.read_bytes()[:200]
    broken.write_bytes(text)
    window = create_window(sample)
    window.show()
    qtbot.waitUntil(lambda: window.session is not None, timeout=20_000)
    assert broken.name in window.messages.text
    assert len(window.session.project.rows) > 100, "the rest of the dataset opens"
    hands = Hands(window)
    hands.key(Qt.Key.Key_W)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=20_000)
    hands.drag(10, 10, 70, 60)
    window.close_without_asking()
    window.close()
    assert broken.read_bytes() == text


def test_keys_go_on_working_after_a_click_on_a_panel(qtbot, hands: Hands) -> None:
    window, first = hands.window, hands.session.project.current_id
    hands.key(Qt.Key.Key_3, CTRL)
    slider = window.findChild(QSlider, "review.threshold")
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, slider.rect().center())
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_D)
    assert hands.session.project.current_id != first
    hands.key(Qt.Key.Key_1, CTRL)
    classes = window.findChild(QAbstractItemView, "category_list")
    at = classes.visualRect(classes.model().index(1, 0)).center()
    QTest.mouseClick(classes.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_A)
    assert hands.session.project.current_id == first


def test_a_message_does_not_move_the_picture(hands: Hands) -> None:
    before = hands.canvas.mapToGlobal(hands.canvas.image_to_widget(10, 10))
    hands.window.messages.show_error("Something that has to be said.")
    assert hands.window.messages.isVisible()
    assert hands.canvas.mapToGlobal(hands.canvas.image_to_widget(10, 10)) == before


def test_a_press_beside_the_box_just_drawn_begins_the_next_one(hands: Hands) -> None:
    hands.key(Qt.Key.Key_W)
    count = len(hands.session.project.boxes)
    hands.drag(20, 20, 80, 70)
    hands.drag(83, 73, 120, 110)
    corners = [box.xyxy for box in hands.session.project.boxes[count:]]
    assert corners == [(20, 20, 80, 70), (83, 73, 120, 110)]


def test_the_first_box_of_a_project_without_classes_asks_what_it_is(qtbot, tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), (90, 120, 90)).save(tmp_path / "one.jpg")
    window = create_window(tmp_path)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: window.session is not None, timeout=20_000)
    hands = Hands(window)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=20_000)
    hands.key(Qt.Key.Key_W)
    hands.drag(20, 20, 80, 70)
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QLineEdit))
    QTest.keyClicks(QApplication.focusWidget(), "leaf")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    project = hands.session.project
    assert project.category(project.boxes[0].category_id).name == "leaf"
    hands.session.store.write_back(wait=True)
    assert objects(tmp_path / "one.xml") == [("leaf", 21, 21, 80, 70)]
    window.close_without_asking()
    window.close()
