"""Picking, moving and resizing boxes, and the keys that act on them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from rcnn_studio.domain.dataset import BoxFlag, BoxSource
from tests.ui.desk import ALT, CTRL, HEIGHT, LEFT, NONE, SHIFT, WIDTH, Desk

Key = Qt.Key

BOX = (100, 80, 200, 160)
PULLS = {
    "top left": ((100, 80), (90, 70), (90, 70, 200, 160)),
    "top": ((150, 80), (155, 60), (100, 60, 200, 160)),
    "top right": ((200, 80), (220, 60), (100, 60, 220, 160)),
    "right": ((200, 120), (230, 130), (100, 80, 230, 160)),
    "bottom right": ((200, 160), (240, 190), (100, 80, 240, 190)),
    "bottom": ((150, 160), (140, 200), (100, 80, 200, 200)),
    "bottom left": ((100, 160), (60, 200), (60, 80, 200, 200)),
    "left": ((100, 120), (70, 110), (70, 80, 200, 160)),
}


def select(desk: Desk, *corners: tuple[float, float, float, float]) -> list[int]:
    ids = [box.id for box in desk.add(*corners)]
    desk.project.set_selection(ids)
    return ids


@pytest.mark.parametrize("handle", PULLS)
def test_each_handle_moves_its_own_edges(desk: Desk, handle: str) -> None:
    grip, to, expected = PULLS[handle]
    select(desk, BOX)
    desk.drag(*grip, *to)
    assert desk.corners == [expected]


def test_a_handle_pulled_over_the_far_side_turns_the_box_over(desk: Desk) -> None:
    select(desk, BOX)
    desk.drag(200, 160, 60, 40)
    assert desk.corners == [(60, 40, 100, 80)]


def test_shift_keeps_the_aspect_and_alt_keeps_the_centre(desk: Desk) -> None:
    select(desk, BOX)
    desk.drag(200, 160, 225, 165, held=SHIFT)
    assert desk.corners == [(100, 80, 225, 180)]
    desk.key(Key.Key_Z, CTRL)
    desk.drag(200, 160, 210, 170, held=ALT)
    assert desk.corners == [(90, 70, 210, 170)]


def test_a_press_on_a_handle_without_a_move_changes_nothing(desk: Desk) -> None:
    select(desk, BOX)
    count = desk.project.undo_stack.count()
    desk.click(200, 160)
    assert desk.corners == [BOX]
    assert desk.project.undo_stack.count() == count


def test_a_drag_inside_moves_and_stops_at_the_border(desk: Desk) -> None:
    select(desk, BOX)
    desk.drag(150, 120, 160, 115)
    assert desk.corners == [(110, 75, 210, 155)]
    desk.drag(150, 120, 0, 0)
    assert desk.corners == [(0, 0, 100, 80)]


def test_one_drag_is_one_undo_step(desk: Desk) -> None:
    select(desk, BOX)
    desk.drag(150, 120, 190, 140)
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == [BOX]


def test_several_boxes_move_together(desk: Desk) -> None:
    select(desk, (20, 20, 60, 60), (200, 100, 260, 140))
    desk.drag(40, 40, 50, 60)
    assert desk.corners == [(30, 40, 70, 80), (210, 120, 270, 160)]


def test_repeated_clicks_go_through_nested_boxes_smallest_first(desk: Desk) -> None:
    big, middle, small = (b.id for b in desk.add((10, 10, 250, 200), (60, 50, 180, 150), (90, 80, 120, 110)))
    picked = []
    for _ in range(4):
        desk.click(105, 95)
        picked.append(set(desk.project.selection))
    assert picked == [{small}, {middle}, {big}, {small}]


def test_a_click_elsewhere_in_a_selected_box_takes_the_smallest_there(desk: Desk) -> None:
    big, small = (b.id for b in desk.add((10, 10, 250, 200), (90, 80, 120, 110)))
    desk.click(200, 180)
    assert desk.project.selection == {big}
    desk.click(105, 95)
    assert desk.project.selection == {small}


def test_a_rubber_band_selects_what_lies_in_it_and_ctrl_click_adds(desk: Desk) -> None:
    first, second, third = (b.id for b in desk.add((20, 20, 60, 60), (80, 20, 120, 60), (200, 150, 240, 190)))
    desk.drag(10, 10, 140, 80)
    assert desk.project.selection == {first, second}
    desk.click(220, 170, held=CTRL)
    assert desk.project.selection == {first, second, third}
    desk.click(40, 40, held=CTRL)
    assert desk.project.selection == {second, third}


def test_a_click_on_nothing_selects_nothing(desk: Desk) -> None:
    select(desk, BOX)
    desk.click(300, 220)
    assert desk.project.selection == frozenset()


def test_the_brackets_and_tab_step_through_the_boxes_inner_ones_first(desk: Desk) -> None:
    big, small, other = (b.id for b in desk.add((10, 10, 250, 200), (90, 80, 120, 110), (260, 20, 300, 60)))
    steps = []
    for key in (Key.Key_BracketRight, Key.Key_Tab, Key.Key_Tab, Key.Key_BracketLeft):
        desk.key(key)
        steps.append(set(desk.project.selection))
    assert steps == [{small}, {big}, {other}, {big}]
    assert desk.canvas.hasFocus()


def test_esc_twice_gives_the_focus_away(desk: Desk) -> None:
    select(desk, BOX)
    desk.key(Key.Key_Escape)
    assert desk.project.selection == frozenset()
    assert desk.canvas.hasFocus()
    desk.key(Key.Key_Escape)
    assert not desk.canvas.hasFocus()


# --- keys on boxes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "held", "expected"),
    [
        (Key.Key_Left, Qt.KeyboardModifier.NoModifier, (99, 80, 199, 160)),
        (Key.Key_Down, SHIFT, (100, 90, 200, 170)),
        (Key.Key_Right, CTRL, (100, 80, 201, 160)),
        (Key.Key_Up, CTRL | SHIFT, (100, 80, 200, 150)),
        (Key.Key_Left, ALT, (99, 80, 200, 160)),
        (Key.Key_Down, ALT | SHIFT, (100, 90, 200, 160)),
    ],
)
def test_arrows_move_and_grow(desk: Desk, key, held, expected) -> None:
    select(desk, BOX)
    desk.key(key, held)
    assert desk.corners == [expected]


def test_arrows_in_the_image_list_go_through_the_images(desk: Desk) -> None:
    select(desk, BOX)
    first = desk.project.current_id
    desk.key(Key.Key_Down, on=desk.images_panel.view)
    assert desk.project.current_id != first
    desk.key(Key.Key_Up, on=desk.images_panel.view)
    assert desk.corners == [BOX]


def test_delete_takes_the_box_under_the_pointer_where_none_is_selected(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.move(30, 30)
    desk.key(Key.Key_Delete)
    assert desk.corners == [BOX]


def test_copy_paste_and_cut_go_across_images(desk: Desk) -> None:
    select(desk, BOX)
    desk.key(Key.Key_Q)
    desk.key(Key.Key_C, CTRL)
    desk.key(Key.Key_D)
    desk.key(Key.Key_V, CTRL)
    assert desk.corners == [BOX]
    assert desk.project.boxes[0].flags == BoxFlag.OCCLUDED
    desk.key(Key.Key_X, CTRL)
    assert desk.corners == []
    desk.key(Key.Key_V, CTRL)
    assert desk.corners == [BOX]


def test_a_paste_onto_itself_is_shifted_so_that_it_can_be_seen(desk: Desk) -> None:
    select(desk, BOX)
    desk.key(Key.Key_C, CTRL)
    desk.key(Key.Key_V, CTRL)
    assert desk.corners == [BOX, (110, 90, 210, 170)]
    assert len(desk.project.selection) == 1


def test_duplicate_copies_beside(desk: Desk) -> None:
    select(desk, BOX)
    desk.key(Key.Key_D, CTRL)
    assert desk.corners == [BOX, (110, 90, 210, 170)]


def test_the_previous_images_boxes_are_added_in_one_undo(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.key(Key.Key_D)
    desk.add((200, 200, 240, 230))
    desk.key(Key.Key_V, CTRL | SHIFT)
    assert desk.corners == [(200, 200, 240, 230), BOX, (10, 10, 50, 50)]
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == [(200, 200, 240, 230)]


def test_select_all_and_delete(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50), (60, 10, 90, 50))
    desk.key(Key.Key_A, CTRL)
    desk.key(Key.Key_Backspace)
    assert desk.corners == []
    desk.key(Key.Key_Z, CTRL)
    assert len(desk.corners) == 3


@pytest.mark.parametrize(
    ("key", "flag"),
    [
        (Key.Key_Q, BoxFlag.OCCLUDED),
        (Key.Key_T, BoxFlag.TRUNCATED),
        (Key.Key_G, BoxFlag.DIFFICULT),
        (Key.Key_I, BoxFlag.CROWD),
    ],
)
def test_flag_keys_set_and_clear(desk: Desk, key, flag) -> None:
    select(desk, BOX)
    desk.key(key)
    assert desk.project.boxes[0].flags == flag
    desk.key(key)
    assert desk.project.boxes[0].flags == BoxFlag.NONE


# --- classes ------------------------------------------------------------------------------------------


def test_a_digit_changes_the_selection_else_the_box_under_the_pointer_else_the_next_box(desk: Desk) -> None:
    (box, _other) = desk.add(BOX, (10, 10, 50, 50))
    desk.project.set_selection([box.id])
    desk.move(30, 30)
    desk.key(Key.Key_2)
    assert desk.class_names == ["nut", "bolt"]
    desk.project.set_selection(())
    desk.key(Key.Key_3)
    assert desk.class_names == ["nut", "washer"]
    desk.move(300, 220)
    desk.key(Key.Key_2)
    assert desk.class_names == ["nut", "washer"]
    assert desk.project.category(desk.project.active_category_id).name == "nut"


def test_in_the_draw_tool_a_digit_never_means_a_neighbour_under_the_pointer(desk: Desk) -> None:
    desk.add((10, 10, 50, 50))
    desk.key(Key.Key_W)
    desk.drag(*BOX)
    desk.move(30, 30)
    desk.key(Key.Key_3)
    assert desk.class_names == ["bolt", "bolt"]
    desk.drag(220, 180, 300, 230)
    assert desk.class_names == ["bolt", "bolt", "washer"]


def test_a_digit_during_a_draft_is_for_the_draft(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(20, 20)
    desk.move(60, 60)
    desk.key(Key.Key_2)
    desk.click(90, 90)
    assert desk.class_names == ["nut"]


def test_a_digit_without_a_class_says_so(desk: Desk, qtbot) -> None:
    with qtbot.waitSignal(desk.canvas.hinted) as hint:
        desk.key(Key.Key_9)
    assert "9" in hint.args[0]


def test_the_palette_finds_a_class_and_makes_a_new_one(desk: Desk, qtbot) -> None:
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    select(desk, BOX)
    for typed, expected in (("was", "washer"), ("gasket", "gasket")):
        desk.actions["action.category.pick"].trigger()
        popup = next(
            w for w in QApplication.topLevelWidgets() if w.objectName() == "category_palette" and w.isVisible()
        )
        QTest.keyClicks(popup.edit, typed)
        QTest.keyClick(popup.edit, Key.Key_Return)
        assert desk.class_names == [expected]
    assert [c.name for c in desk.project.categories] == ["bolt", "nut", "washer", "gasket"]


# --- detections -----------------------------------------------------------------------------------------


def test_enter_takes_the_focused_detection_and_the_next_gets_the_focus(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 80, 80), "bolt", 0.9), ((120, 60, 180, 120), "nut", 0.8))
    desk.key(Key.Key_Return)
    assert desk.corners == [(20, 20, 80, 80)]
    assert desk.project.boxes[0].source == BoxSource.RUN
    desk.key(Key.Key_Return)
    assert desk.class_names == ["bolt", "nut"]


def test_a_click_focuses_a_detection_and_x_rejects_it_for_good(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 80, 80), "bolt", 0.9), ((120, 60, 180, 120), "nut", 0.8))
    desk.click(150, 90)
    assert desk.review.focused == 1
    desk.key(Key.Key_X)
    assert desk.review.visible() == [0]
    assert desk.corners == []
    desk.key(Key.Key_Z, CTRL)
    assert desk.review.visible() == [0, 1]


def test_shift_enter_takes_all_shown_in_one_undo(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 80, 80), "bolt", 0.9), ((120, 60, 180, 120), "nut", 0.8), ((1, 1, 9, 9), "nut", 0.2))
    desk.key(Key.Key_Return, SHIFT)
    assert len(desk.corners) == 2
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == []


def test_e_takes_a_detection_and_leaves_it_selected_for_editing(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 80, 80), "bolt", 0.9))
    desk.key(Key.Key_W)
    desk.key(Key.Key_E)
    assert desk.canvas.tool == "select"
    desk.drag(80, 80, 90, 100)
    assert desk.corners == [(20, 20, 90, 100)]


def test_p_hides_the_detections(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 80, 80), "bolt", 0.9))
    desk.key(Key.Key_P)
    assert desk.review.visible() == []
    desk.key(Key.Key_P)
    assert desk.review.visible() == [0]


# --- painting -------------------------------------------------------------------------------------------


def test_a_selected_box_differs_by_more_than_colour(desk: Desk) -> None:
    (box,) = desk.add((100, 80, 200, 160))
    desk.move(300, 220)
    plain = desk.canvas.grab().toImage()
    desk.project.set_selection([box.id])
    chosen = desk.canvas.grab().toImage()
    handle = desk.canvas.image_to_widget(100, 80).toPoint()
    around = [(handle.x() - 3 + i, handle.y() - 3) for i in range(7)]
    assert [plain.pixel(x, y) for x, y in around] != [chosen.pixel(x, y) for x, y in around]


def test_the_right_click_menu_selects_the_box_and_changes_its_class(desk: Desk) -> None:
    from rcnn_studio.ui.label.context_menu import make_context_menu

    (box,) = desk.add(BOX)
    desk.move(150, 120)
    menu = make_context_menu(desk.canvas, desk.actions, desk.canvas.pointer)
    assert desk.project.selection == {box.id}
    classes = next(a.menu() for a in menu.actions() if a.menu() is not None and a.text() == "Class")
    next(a for a in classes.actions() if a.text() == "washer").trigger()
    assert desk.class_names == ["washer"]
    menu.deleteLater()


def test_nothing_is_drawn_outside_the_image_by_arrows(desk: Desk) -> None:
    select(desk, (WIDTH - 20, HEIGHT - 20, WIDTH, HEIGHT))
    desk.key(Key.Key_Right, SHIFT)
    desk.key(Key.Key_Down, CTRL)
    assert desk.corners == [(WIDTH - 20, HEIGHT - 20, WIDTH, HEIGHT)]


def test_a_digit_after_drawing_says_that_it_holds_for_the_next_boxes_too(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(40, 40, 120, 120)
    desk.key(Key.Key_3)
    assert desk.class_names == ["washer"]
    assert desk.canvas.scene.hint == "This box is now washer; next too"
    desk.drag(150, 40, 220, 120)
    assert desk.class_names == ["washer", "washer"]


def test_the_word_about_the_next_boxes_goes_when_the_class_changes_again(desk: Desk) -> None:
    desk.key(Key.Key_2)
    assert desk.canvas.scene.hint == "Next boxes: nut"
    view = desk.categories.view
    at = view.visualRect(desk.categories.model.index(2)).center()
    QTest.mouseClick(view.viewport(), LEFT, NONE, at)
    assert desk.canvas.scene.hint == ""


def test_the_word_about_the_next_boxes_goes_by_itself(qtbot, desk: Desk) -> None:
    desk.key(Key.Key_2)
    assert desk.canvas.scene.hint == "Next boxes: nut"
    qtbot.waitUntil(lambda: 0 < desk.canvas.scene.hint_shown < 1, timeout=4000)
    qtbot.waitUntil(lambda: desk.canvas.scene.hint == "")


@pytest.mark.parametrize("key", [Key.Key_X, Key.Key_Return])
def test_after_undoing_a_decision_the_focus_is_on_the_detection_again(desk: Desk, key: Key) -> None:
    desk.show_ghosts(
        ((20, 20, 80, 80), "bolt", 0.9), ((100, 20, 160, 80), "nut", 0.8), ((200, 20, 280, 80), "bolt", 0.7)
    )
    desk.click(240, 20)
    assert desk.review.focused == 2
    desk.key(key)
    assert desk.review.focused != 2
    desk.key(Key.Key_Z, CTRL, on=desk.window)
    assert desk.review.focused == 2
