"""Several boxes at once: lined up, made of one size, ordered, copied; and the right-click menu that offers it all."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from tests.ui.desk import CTRL, HEIGHT, SHIFT, WIDTH, Desk

Key = Qt.Key
A, B, C = (20, 30, 60, 50), (100, 90, 180, 130), (210, 60, 230, 160)


def select_all(desk: Desk, *corners: tuple[float, float, float, float]) -> None:
    desk.add(*corners)
    desk.project.undo_stack.clear()
    desk.key(Key.Key_A, CTRL)


@pytest.mark.parametrize(
    ("action", "expected", "text"),
    [
        ("align.left", [(20, 30, 60, 50), (20, 90, 100, 130), (20, 60, 40, 160)], "Align 3 boxes left"),
        ("align.right", [(190, 30, 230, 50), (150, 90, 230, 130), (210, 60, 230, 160)], "Align 3 boxes right"),
        ("align.top", [(20, 30, 60, 50), (100, 30, 180, 70), (210, 30, 230, 130)], "Align 3 boxes at the top"),
        (
            "align.bottom",
            [(20, 140, 60, 160), (100, 120, 180, 160), (210, 60, 230, 160)],
            "Align 3 boxes at the bottom",
        ),
        ("same.width", [(0, 30, 80, 50), (100, 90, 180, 130), (180, 60, 260, 160)], "Same width for 3 boxes"),
        ("same.height", [(20, 20, 60, 60), (100, 90, 180, 130), (210, 90, 230, 130)], "Same height for 3 boxes"),
        ("same.size", [(0, 20, 80, 60), (100, 90, 180, 130), (180, 90, 260, 130)], "Same size for 3 boxes"),
    ],
)
def test_a_selection_is_lined_up_or_made_of_one_size_in_one_undo(desk: Desk, action, expected, text) -> None:
    select_all(desk, A, B, C)
    desk.actions[f"action.{action}"].trigger()
    assert desk.corners == expected
    assert desk.project.undo_stack.undoText() == text
    assert len(desk.project.selection) == 3
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == [A, B, C]


def test_the_box_under_the_pointer_gives_the_size(desk: Desk) -> None:
    select_all(desk, A, B, C)
    desk.move(40, 40)
    desk.actions["action.same.size"].trigger()
    assert {(x2 - x1, y2 - y1) for x1, y1, x2, y2 in desk.corners} == {(40, 20)}


def test_a_box_that_grows_at_the_border_stays_inside_the_image(desk: Desk) -> None:
    select_all(desk, (0, 0, 200, 100), (WIDTH - 10, HEIGHT - 10, WIDTH, HEIGHT))
    desk.actions["action.same.size"].trigger()
    assert desk.corners[1] == (WIDTH - 200, HEIGHT - 100, WIDTH, HEIGHT)


def test_lining_up_one_box_says_that_it_takes_two(desk: Desk) -> None:
    select_all(desk, A)
    desk.actions["action.align.left"].trigger()
    assert "two boxes" in desk.canvas.scene.hint
    assert not desk.project.undo_stack.canUndo()


# --- order ----------------------------------------------------------------------------------------------


def test_a_box_sent_to_the_back_is_clicked_last_and_brought_to_the_front_first(desk: Desk) -> None:
    big, small = (b.id for b in desk.add((10, 10, 250, 200), (90, 80, 120, 110)))
    desk.click(105, 95)
    assert desk.project.selection == {small}
    desk.actions["action.order.back"].trigger()
    desk.click(300, 220)
    desk.click(105, 95)
    assert desk.project.selection == {big}
    desk.actions["action.order.back"].trigger()
    desk.click(300, 220)
    desk.click(105, 95)
    assert desk.project.selection == {small}
    assert desk.project.undo_stack.count() == 2, "no label has changed since the two were made"


def test_the_order_is_forgotten_with_the_image(desk: Desk) -> None:
    _big, small = (b.id for b in desk.add((10, 10, 250, 200), (90, 80, 120, 110)))
    desk.click(105, 95)
    desk.actions["action.order.back"].trigger()
    desk.key(Key.Key_D)
    desk.key(Key.Key_A)
    desk.click(105, 95)
    assert desk.project.selection == {small}


# --- clipboard ------------------------------------------------------------------------------------------


def test_copy_cut_and_paste_say_what_they_did(desk: Desk) -> None:
    desk.key(Key.Key_V, CTRL)
    assert desk.canvas.scene.hint == "Nothing was copied yet"
    select_all(desk, A, B)
    desk.key(Key.Key_C, CTRL)
    assert desk.canvas.scene.hint == "2 boxes copied"
    desk.key(Key.Key_X, CTRL)
    assert desk.canvas.scene.hint == "2 boxes cut"
    assert desk.corners == []
    desk.key(Key.Key_D)
    desk.key(Key.Key_V, CTRL)
    assert desk.corners == [A, B]
    assert desk.project.undo_stack.undoText() == "Paste 2 boxes"


def test_the_first_image_has_no_previous_one_to_paste_from(desk: Desk) -> None:
    desk.key(Key.Key_V, CTRL | SHIFT)
    assert desk.canvas.scene.hint == "The previous image has no boxes"
    assert desk.corners == []


# --- the right-click menu -------------------------------------------------------------------------------


def open_menu(desk: Desk, x: float, y: float) -> QMenu:
    desk.move(x, y)
    at = desk.canvas.image_to_widget(x, y).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, desk.canvas.mapToGlobal(at))
    QApplication.sendEvent(desk.canvas, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entries(menu: QMenu) -> dict[str, QAction]:
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


def test_the_menu_of_a_box_offers_class_flags_order_and_delete(desk: Desk) -> None:
    (box,) = desk.add(A)
    menu = open_menu(desk, 40, 40)
    assert desk.project.selection == {box.id}
    found = entries(menu)
    assert [name for name in found if name in ("Class", "Flags", "Order", "Arrange")] == ["Class", "Flags", "Order"]
    assert list(entries(found["Flags"].menu())) == ["Occluded", "Truncated", "Difficult", "Crowd"]
    assert list(entries(found["Order"].menu()))[:2] == ["Bring to Front", "Send to Back"]
    entries(found["Class"].menu())["washer"].trigger()
    assert desk.class_names == ["washer"]
    found["Delete"].trigger()
    assert desk.corners == []
    menu.close()


def test_the_menu_of_a_selection_lines_it_up_to_the_size_of_the_box_that_was_clicked(desk: Desk) -> None:
    select_all(desk, A, B, C)
    menu = open_menu(desk, 220, 110)
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    entries(entries(menu)["Arrange"].menu())["Same Size"].trigger()
    menu.close()
    assert {(x2 - x1, y2 - y1) for x1, y1, x2, y2 in desk.corners} == {(20, 100)}


def test_the_menu_of_the_picture_makes_a_box_where_it_was_opened(desk: Desk) -> None:
    menu = open_menu(desk, 150, 100)
    entries(menu)["New Box Here"].trigger()
    menu.close()
    assert desk.corners == [(126, 76, 174, 124)]
