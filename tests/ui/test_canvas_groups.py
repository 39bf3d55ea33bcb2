"""Several boxes resized together, arrows in a row as one undo, and no key on a box that was not shown as its target."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label.commands import SERIES_MS
from rcnn_studio.ui.label.group import OUT_PX, scaled
from tests.ui.desk import ALT, CTRL, NONE, SHIFT, Desk

Key = Qt.Key
A, B = (40, 40, 80, 80), (120, 100, 200, 160)
"""Their frame is 40, 40 to 200, 160."""


def select_both(desk: Desk) -> None:
    desk.project.set_selection([box.id for box in desk.add(A, B)])


def off(desk: Desk, x: float, y: float, right: int, down: int) -> tuple[float, float]:
    """A point of the frame, which stands off the boxes: right, down: -1, 0 or 1."""
    at = desk.canvas.image_to_widget(x, y)
    return desk.canvas.widget_to_image(QPointF(at.x() + right * OUT_PX, at.y() + down * OUT_PX))


# --- resizing together --------------------------------------------------------------------------------


def test_the_corner_of_the_frame_scales_all_selected_boxes_as_one_undo(desk: Desk) -> None:
    select_both(desk)
    desk.drag(*off(desk, 200, 160, 1, 1), *off(desk, 280, 220, 1, 1))
    assert desk.corners == [(40, 40, 100, 100), (160, 130, 280, 220)]
    assert len(desk.project.selection) == 2
    assert desk.project.undo_stack.undoText() == "Resize 2 boxes"
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == [A, B]


def test_a_side_of_the_frame_leaves_the_other_direction_alone(desk: Desk) -> None:
    select_both(desk)
    desk.drag(*off(desk, 200, 100, 1, 0), *off(desk, 280, 100, 1, 0))
    assert desk.corners == [(40, 40, 100, 80), (160, 100, 280, 160)]


def test_shift_keeps_the_frame_in_proportion_and_the_border_stops_it(desk: Desk) -> None:
    select_both(desk)
    desk.drag(*off(desk, 200, 160, 1, 1), *off(desk, 240, 160, 1, 1), held=SHIFT)
    assert desk.corners == [(40, 40, 90, 90), (140, 115, 240, 190)]
    desk.drag(*off(desk, 40, 40, -1, -1), -60, -60)
    assert min(c[0] for c in desk.corners) == 0
    assert min(c[1] for c in desk.corners) == 0


def test_a_press_on_the_frame_without_a_drag_resizes_nothing(desk: Desk) -> None:
    select_both(desk)
    desk.click(*off(desk, 200, 160, 1, 1))
    assert desk.corners == [A, B]


def test_a_drag_of_the_frame_is_dropped_with_escape_and_paints_everything_back(desk: Desk) -> None:
    select_both(desk)
    desk.move(5, 200)
    before = desk.canvas.grab().toImage()
    start = off(desk, 200, 160, 1, 1)
    desk.move(*start)
    desk.press(*start)
    desk.move(280, 220, button=Qt.MouseButton.LeftButton)
    assert desk.canvas.grab().toImage() != before
    desk.key(Key.Key_Escape)
    desk.release(280, 220)
    desk.move(5, 200)
    assert desk.corners == [A, B]
    assert desk.canvas.grab().toImage() == before


def test_the_handle_of_the_frame_says_so_by_the_cursor_and_a_box_of_a_locked_class_stays(desk: Desk) -> None:
    made = [*desk.add(A), *desk.add(B), *desk.add((220, 40, 300, 80), name="nut")]
    desk.project.set_selection([box.id for box in made])
    desk.project.category_view.set_locked([made[2].category_id], True)
    desk.move(*off(desk, 200, 160, 1, 1))
    assert desk.canvas.cursor().shape() == Qt.CursorShape.SizeFDiagCursor
    desk.drag(*off(desk, 200, 160, 1, 1), *off(desk, 280, 220, 1, 1))
    assert desk.corners == [(40, 40, 100, 100), (160, 130, 280, 220), (220, 40, 300, 80)]


def test_a_box_keeps_a_pixel_however_small_the_frame_becomes() -> None:
    made = scaled({1: (0, 0, 2, 2), 2: (90, 90, 100, 100)}, (0, 0, 100, 100), (0, 0, 5, 5))
    assert all(x2 - x1 >= 1 and y2 - y1 >= 1 and x2 <= 5 and y2 <= 5 for x1, y1, x2, y2 in made.values())


# --- arrows in a row ----------------------------------------------------------------------------------


def test_thirty_arrows_in_a_row_are_one_undo_and_one_redo(desk: Desk) -> None:
    select_both(desk)
    steps = desk.project.undo_stack.count()
    for _ in range(30):
        desk.key(Key.Key_Right)
    assert desk.project.undo_stack.count() == steps + 1
    assert desk.corners[0] == (70, 40, 110, 80)
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == [A, B]
    desk.key(Key.Key_Z, CTRL | SHIFT)
    assert desk.corners[0] == (70, 40, 110, 80)


def test_a_key_that_is_held_down_is_one_undo(desk: Desk) -> None:
    select_both(desk)
    steps = desk.project.undo_stack.count()
    desk.canvas.setFocus()
    QTest.keyPress(desk.canvas, Key.Key_Down)
    for _ in range(9):
        again = QKeyEvent(QEvent.Type.KeyPress, Key.Key_Down, NONE, "", True, 1)
        held = QKeyEvent(QEvent.Type.ShortcutOverride, Key.Key_Down, NONE, "", True, 1)
        QApplication.sendEvent(desk.canvas, held)
        if not QApplication.sendEvent(desk.canvas, again) or not again.isAccepted():
            desk.actions["action.box.nudge_down"].trigger()  # offscreen nobody repeats the shortcut
    QTest.keyRelease(desk.canvas, Key.Key_Down)
    assert desk.corners[0] == (40, 50, 80, 90)
    assert desk.project.undo_stack.count() == steps + 1
    assert desk.actions["action.box.nudge_down"].autoRepeat()


@pytest.mark.parametrize("between", ["pause", "grow", "selection", "flag", "undo"])
def test_what_comes_between_two_arrows_makes_two_steps_of_them(desk: Desk, between: str, qtbot) -> None:
    select_both(desk)
    desk.key(Key.Key_Right)
    count = desk.project.undo_stack.count()
    if between == "pause":
        QTest.qWait(SERIES_MS + 60)
    elif between == "grow":
        desk.key(Key.Key_Right, ALT)
        count += 1
    elif between == "selection":
        desk.project.set_selection([desk.project.boxes[0].id])
    elif between == "flag":
        desk.key(Key.Key_Q)
        count += 1
    else:
        desk.key(Key.Key_Z, CTRL)
        count -= 1
    desk.key(Key.Key_Right)
    assert desk.project.undo_stack.count() == count + 1


def test_arrows_there_and_back_leave_the_boxes_as_they_were_after_undo_in_the_database_too(desk: Desk) -> None:
    select_both(desk)
    image_id = desk.project.current_id
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Left, Key.Key_Left, Key.Key_Down):
        desk.key(key)
    assert desk.corners[0] == (40, 41, 80, 81)
    kept = desk.store.undoable(50).undo
    assert [past.text for past in kept][-2:] != ["Move 2 boxes", "Move 2 boxes"], "one step after a restart, too"
    while desk.corners != [A, B]:
        desk.key(Key.Key_Z, CTRL)
    assert [box.xyxy for box in desk.store.image(image_id).boxes] == [A, B]


# --- no key without a target in sight -----------------------------------------------------------------


def test_in_the_draw_tool_the_box_that_a_key_would_act_on_is_rimmed_and_no_other(desk: Desk) -> None:
    desk.add(A, B)
    desk.key(Key.Key_W)
    desk.move(250, 60)
    desk.canvas.grab()
    corner = desk.canvas.image_to_widget(160, 100).toPoint()
    rim = (corner.x(), corner.y() - 1)
    resting = desk.canvas.grab().toImage().pixel(*rim)
    desk.move(150, 130)
    assert desk.canvas.grab().toImage().pixel(*rim) != resting, "this one is meant now"
    desk.project.set_selection([desk.project.boxes[0].id])
    assert desk.canvas.grab().toImage().pixel(*rim) == resting, "the selected one is meant, not this one"
    desk.key(Key.Key_Q)
    assert [box.flags for box in desk.project.boxes] == [BoxFlag.OCCLUDED, BoxFlag(0)]


def test_hidden_boxes_are_not_touched_and_it_says_why(desk: Desk) -> None:
    select_both(desk)
    desk.key(Key.Key_H, SHIFT)
    for key in (Key.Key_Delete, Key.Key_Right, Key.Key_Q):
        desk.key(key)
    assert desk.corners == [A, B]
    assert "hidden" in desk.canvas.scene.hint
    desk.key(Key.Key_H, SHIFT)
    desk.key(Key.Key_Delete)
    assert desk.corners == []
