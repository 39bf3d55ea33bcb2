"""What guards a person in a hurry: no box is resized or renamed by mistake, and what happened is said where it did."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.desk import ALT, CTRL, LEFT, NONE, SHIFT, Desk

Key = Qt.Key
Cursor = Qt.CursorShape
BOX = (100, 80, 200, 160)


def draw(desk: Desk, corners: tuple[float, float, float, float] = BOX) -> None:
    if desk.canvas.tool != "draw":
        desk.key(Key.Key_W)
    desk.drag(*corners)


def beside(desk: Desk, x: float, y: float, dx: float, dy: float) -> tuple[float, float]:
    """The image point so many screen pixels away from another one."""
    at = desk.canvas.image_to_widget(x, y)
    return desk.canvas.widget_to_image(QPointF(at.x() + dx, at.y() + dy))


# --- a press near the box just drawn ------------------------------------------------------------------


@pytest.mark.parametrize("away", [(2, 2), (3, -3), (-4, 2), (6, 6), (2, 0)])
def test_a_press_just_outside_the_box_just_drawn_begins_the_next_one(desk: Desk, away: tuple[int, int]) -> None:
    corners = {(2, 2): (200, 160), (3, -3): (200, 80), (-4, 2): (200, 160), (6, 6): (200, 160), (2, 0): (200, 120)}
    draw(desk)
    start = beside(desk, *corners[away], *away)
    desk.drag(*start, 280, 220)
    assert desk.corners[0] == BOX
    assert len(desk.corners) == 2


def test_the_outline_between_the_handles_draws_too(desk: Desk) -> None:
    draw(desk)
    desk.drag(200, 105, 260, 130)
    assert desk.corners == [BOX, (200, 105, 260, 130)]


def test_a_handle_inside_the_box_resizes_and_says_so_at_the_pointer(desk: Desk) -> None:
    draw(desk)
    desk.drag(*beside(desk, 200, 160, -4, -4), *beside(desk, 230, 190, -4, -4))
    assert desk.corners == [(100, 80, 230, 190)]
    assert desk.canvas.scene.hint.startswith("Resized")
    assert desk.canvas.scene.hint_at is not None


def test_with_ctrl_a_press_on_a_handle_draws(desk: Desk) -> None:
    draw(desk)
    desk.drag(198, 158, 240, 200, held=CTRL)
    assert desk.corners == [BOX, (198, 158, 240, 200)]


def test_the_cursor_and_the_crosshair_tell_before_the_press_what_it_will_do(desk: Desk) -> None:
    draw(desk)
    desk.move(*beside(desk, 200, 160, -4, -4))
    assert desk.canvas.cursor().shape() == Cursor.SizeFDiagCursor
    assert desk.canvas.scene.crosshair is None
    desk.move(*beside(desk, 200, 160, 3, 3))
    assert desk.canvas.cursor().shape() == Cursor.CrossCursor
    assert desk.canvas.scene.crosshair is not None


def test_ctrl_held_over_a_handle_shows_the_crosshair_without_a_move_of_the_mouse(desk: Desk) -> None:
    draw(desk)
    desk.move(*beside(desk, 200, 160, -4, -4))
    desk.canvas.setFocus()
    QTest.keyPress(desk.canvas, Key.Key_Control, CTRL)
    assert desk.canvas.cursor().shape() == Cursor.CrossCursor
    QTest.keyRelease(desk.canvas, Key.Key_Control)
    assert desk.canvas.cursor().shape() == Cursor.SizeFDiagCursor


def test_the_handles_of_the_draw_tool_are_painted_inside_and_the_one_below_the_pointer_lights_up(desk: Desk) -> None:
    draw(desk)
    desk.move(300, 220)
    corner = desk.canvas.image_to_widget(*BOX[2:]).toPoint()
    spot = (corner.x() - 4, corner.y() - 4)
    resting = desk.canvas.grab().toImage()
    desk.move(*beside(desk, 200, 160, -4, -4))
    assert desk.canvas.grab().toImage().pixel(*spot) != resting.pixel(*spot), "the handle in hand looks different"
    desk.move(300, 220)
    desk.key(Key.Key_Escape)
    selecting = desk.canvas.grab().toImage()
    outside = (corner.x() + 2, corner.y() + 2)
    assert selecting.pixel(*outside) != resting.pixel(*outside), "the select tool has them around the outline"


@pytest.mark.parametrize("side", [3, 6, 12])
def test_a_small_box_just_drawn_leaves_room_to_draw_inside_of_it(desk: Desk, side: int) -> None:
    draw(desk, (100, 80, 100 + side, 80 + side))
    desk.canvas.zoom_by(8 / desk.canvas.zoom)
    middle = 100 + side / 2, 80 + side / 2
    desk.move(*middle)
    assert desk.canvas.cursor().shape() == Cursor.CrossCursor


# --- a class key in the draw tool ---------------------------------------------------------------------


def test_a_digit_right_after_drawing_names_the_box_and_the_next_ones_and_says_so(desk: Desk) -> None:
    draw(desk)
    desk.key(Key.Key_2)
    assert desk.class_names == ["nut"]
    assert desk.canvas.scene.hint == "This box is now nut; next too"
    assert desk.canvas.scene.hint_at is not None
    desk.drag(220, 180, 300, 230)
    assert desk.class_names == ["nut", "nut"]


def test_a_digit_on_the_way_to_the_next_object_is_for_that_one_only(desk: Desk) -> None:
    draw(desk)
    desk.move(300, 30)
    desk.key(Key.Key_2)
    assert desk.canvas.scene.hint == "Next boxes: nut"
    desk.drag(250, 20, 300, 60)
    assert desk.class_names == ["bolt", "nut"]


def test_a_digit_back_over_the_box_just_drawn_names_it_again(desk: Desk) -> None:
    draw(desk)
    desk.move(300, 30)
    desk.move(150, 120)
    desk.key(Key.Key_3)
    assert desk.class_names == ["washer"]


def test_after_another_press_a_digit_leaves_the_box_before_alone(desk: Desk) -> None:
    draw(desk)
    desk.click(203, 163)
    desk.key(Key.Key_2)
    assert desk.class_names == ["bolt"], "a draft has begun: the key is for that"
    desk.key(Key.Key_Escape)
    desk.key(Key.Key_3)
    assert desk.class_names == ["bolt"]


def test_after_another_image_a_digit_names_nothing_that_is_there(desk: Desk) -> None:
    draw(desk)
    desk.key(Key.Key_D)
    desk.key(Key.Key_A)
    desk.key(Key.Key_3)
    assert desk.class_names == ["bolt"]


def test_a_box_selected_before_the_draw_tool_was_taken_is_not_renamed(desk: Desk) -> None:
    (box,) = desk.add(BOX)
    desk.click(150, 120)
    assert desk.project.selection == {box.id}
    desk.key(Key.Key_W)
    desk.key(Key.Key_3)
    assert desk.class_names == ["bolt"]
    assert desk.canvas.scene.hint == "Next boxes: washer"


def test_a_digit_names_a_box_that_ends_at_the_border_though_the_hand_overshot(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(250, 180, 500, 400)
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    desk.key(Key.Key_2)
    assert desk.class_names == ["nut"]


def test_the_word_at_the_pointer_goes_with_the_next_press(desk: Desk) -> None:
    draw(desk)
    desk.key(Key.Key_2)
    assert desk.canvas.scene.hint
    desk.press(20, 20)
    assert desk.canvas.scene.hint == ""


@pytest.mark.parametrize("at", [(160, 120), (319, 239), (1, 1)])
def test_the_word_at_the_pointer_lies_inside_the_canvas_and_not_below_the_pointer(desk: Desk, at) -> None:
    desk.move(*at)
    desk.key(Key.Key_9)
    scene = desk.canvas.scene
    area = scene.hint_spot
    pointer = desk.canvas.image_to_widget(*at)
    assert 0 <= area.left() < area.right() <= scene.frame.width
    assert 0 <= area.top() < area.bottom() <= scene.frame.height
    assert not area.contains(pointer.toPoint())


@pytest.mark.parametrize("corners", [(20, 20, 300, 180), (140, 100, 180, 140), (5, 5, 318, 200)])
@pytest.mark.parametrize("at", [(0.1, 0.1), (0.9, 0.9), (0.5, 0.5)])
def test_the_word_at_the_pointer_lies_on_no_box_in_hand(desk: Desk, corners, at) -> None:
    (box,) = desk.add(corners)
    desk.project.set_selection([box.id])
    desk.move(corners[0] + (corners[2] - corners[0]) * at[0], corners[1] + (corners[3] - corners[1]) * at[1])
    desk.key(Key.Key_2)
    scene = desk.canvas.scene
    assert scene.hint == "This box is now nut (next boxes: bolt)"
    x1, y1, x2, y2 = scene.view.rects(np.array([corners]))[0].tolist()
    assert not scene.hint_spot.intersects(QRectF(x1, y1, x2 - x1, y2 - y1))


# --- a class key in the select tool -------------------------------------------------------------------


def test_a_digit_on_a_selected_box_says_what_it_did_and_what_the_next_box_will_be(desk: Desk) -> None:
    (box,) = desk.add(BOX)
    desk.project.set_selection([box.id])
    desk.key(Key.Key_3)
    assert desk.class_names == ["washer"]
    assert desk.canvas.scene.hint == "This box is now washer (next boxes: bolt)"
    draw(desk, (10, 10, 60, 60))
    assert desk.class_names == ["washer", "bolt"]


def test_a_digit_on_several_boxes_says_how_many(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.key(Key.Key_A, CTRL)
    desk.key(Key.Key_2)
    assert desk.canvas.scene.hint.startswith("2 boxes are now nut")


# --- history and undo ---------------------------------------------------------------------------------


def test_the_history_names_class_and_deed(desk: Desk) -> None:
    draw(desk)
    desk.key(Key.Key_Escape)
    desk.drag(200, 160, 220, 170)
    desk.drag(150, 120, 140, 110)
    desk.key(Key.Key_Right)
    desk.key(Key.Key_Right, CTRL)
    desk.key(Key.Key_Q)
    desk.key(Key.Key_2)
    desk.key(Key.Key_C, CTRL)
    desk.key(Key.Key_V, CTRL)
    desk.key(Key.Key_Delete)
    stack = desk.project.undo_stack
    assert [stack.text(i) for i in range(stack.count())] == [
        "Draw bolt",
        "Resize bolt",
        "Move bolt",
        "Move bolt",
        "Resize bolt",
        "Set occluded on bolt",
        "Change bolt to nut",
        "Paste nut",
        "Delete nut",
    ]


def test_the_history_counts_several_boxes(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.project.undo_stack.clear()
    desk.key(Key.Key_A, CTRL)
    desk.key(Key.Key_Right)
    desk.key(Key.Key_T)
    desk.key(Key.Key_3)
    stack = desk.project.undo_stack
    assert [stack.text(i) for i in range(stack.count())] == [
        "Move 2 boxes",
        "Set truncated on 2 boxes",
        "Change 2 boxes to washer",
    ]


def test_a_box_that_an_undo_brings_back_is_selected_again(desk: Desk) -> None:
    first, second = desk.add(BOX, (10, 10, 50, 50))
    desk.click(30, 30)
    desk.key(Key.Key_Delete)
    desk.click(300, 220)
    assert desk.project.selection == frozenset()
    desk.key(Key.Key_Z, CTRL)
    assert desk.project.selection == {second.id}
    desk.key(Key.Key_Right, SHIFT)
    assert desk.corners == [BOX, (20, 10, 60, 50)]
    assert first.id in {box.id for box in desk.project.boxes}


def test_esc_during_a_resize_puts_the_edge_back_and_keeps_the_selection(desk: Desk) -> None:
    (box,) = desk.add(BOX)
    desk.project.set_selection([box.id])
    count = desk.project.undo_stack.count()
    desk.move(200, 160)
    desk.press(200, 160)
    desk.move(240, 190, button=LEFT)
    desk.key(Key.Key_Escape)
    desk.release(240, 190)
    assert desk.corners == [BOX]
    assert desk.project.selection == {box.id}
    assert desk.project.undo_stack.count() == count


def test_a_click_that_trembles_on_a_handle_resizes_nothing_and_takes_the_box_below(desk: Desk) -> None:
    big, small = (b.id for b in desk.add((20, 20, 200, 160), (180, 140, 240, 200)))
    desk.project.set_selection([big])
    count = desk.project.undo_stack.count()
    start, end = (200, 159), beside(desk, 200, 159, 1, 1)
    desk.move(*start)
    desk.press(*start)
    desk.move(*end, button=LEFT)
    desk.release(*end)
    assert desk.project.undo_stack.count() == count
    assert desk.project.selection == {small}


def test_a_right_click_drops_a_draft_and_opens_no_menu(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(20, 30)
    desk.move(90, 90)
    desk.press(90, 90, button=Qt.MouseButton.RightButton)
    at = desk.canvas.image_to_widget(90, 90).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, desk.canvas.mapToGlobal(at))
    QApplication.sendEvent(desk.canvas, event)
    assert QApplication.activePopupWidget() is None
    assert desk.canvas.scene.draft is None
    assert desk.canvas.tool == "draw"


@pytest.mark.parametrize(
    ("key", "held", "expected"),
    [
        (Key.Key_Delete, NONE, "Delete bolt"),
        (Key.Key_Q, NONE, "Set occluded on bolt"),
        (Key.Key_Down, NONE, "Move bolt"),
        (Key.Key_Right, ALT, "Resize bolt"),
        (Key.Key_D, CTRL, "Duplicate bolt"),
        (Key.Key_X, CTRL, "Delete bolt"),
        (Key.Key_3, NONE, "Change bolt to washer"),
    ],
)
def test_without_a_selection_every_box_key_means_the_box_under_the_pointer(desk: Desk, key, held, expected) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.move(30, 30)
    desk.key(key, held)
    assert desk.project.undo_stack.undoText() == expected
    assert BOX in desk.corners


def test_a_box_deleted_by_the_pointer_alone_is_named(desk: Desk) -> None:
    desk.add(BOX)
    desk.move(150, 120)
    desk.key(Key.Key_Delete)
    assert desk.canvas.scene.hint == "Done: Delete bolt"
