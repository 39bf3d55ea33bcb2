"""Classes hidden and locked in the panel: what the canvas shows, and what no hand can reach."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from rcnn_studio.store.project import ProjectStore
from rcnn_studio.workspace.category_view import CategoryView
from tests.ui.desk import Desk

Key = Qt.Key
BOX = (100, 80, 200, 160)
OTHER = (20, 20, 60, 60)


def press(desk: Desk, row: int, part: str, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A click on the eye or the lock of a row."""
    view = desk.categories.view
    area = view.visualRect(desk.categories.model.index(row))
    at: QPoint = getattr(view.delegate.columns(area, view.font()), part).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, held, at)


def color_at(desk: Desk, x: float, y: float) -> str:
    """Colour of the canvas at a point of the image."""
    desk.canvas.repaint()
    return QColor(desk.canvas.grab().toImage().pixelColor(desk.canvas.image_to_widget(x, y).toPoint())).name()


def test_a_hidden_class_vanishes_from_the_canvas_and_comes_back(desk: Desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    edge = (150, 80)
    drawn = color_at(desk, *edge)
    press(desk, 0, "eye")
    assert color_at(desk, *edge) != drawn
    desk.click(150, 120)
    assert desk.project.selection == frozenset()
    press(desk, 0, "eye")
    assert color_at(desk, *edge) == drawn
    assert desk.project.boxes[0].xyxy == BOX


def test_the_eye_does_not_choose_the_class_and_is_no_step_of_the_undo(desk: Desk) -> None:
    steps = desk.project.undo_stack.count()
    press(desk, 2, "eye")
    assert desk.project.active_category_id == desk.project.categories[0].id
    assert desk.project.undo_stack.count() == steps
    assert desk.categories.model.is_hidden(2)


def test_alt_and_the_eye_leave_one_class_alone_and_then_show_all(desk: Desk) -> None:
    press(desk, 1, "eye", Qt.KeyboardModifier.AltModifier)
    assert [desk.categories.model.is_hidden(row) for row in range(3)] == [True, False, True]
    press(desk, 1, "eye", Qt.KeyboardModifier.AltModifier)
    assert not desk.project.category_view.hidden


def test_a_locked_box_is_seen_but_neither_picked_nor_moved_nor_deleted(desk: Desk, qtbot) -> None:
    box = desk.add(BOX)[0]
    press(desk, 0, "lock")
    desk.click(150, 120)
    assert desk.project.selection == frozenset()
    desk.drag(150, 120, 180, 140)
    assert desk.corners == [BOX]
    desk.key(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert desk.project.selection == frozenset()
    desk.project.set_selection([box.id])
    with qtbot.waitSignal(desk.project.message) as said:
        desk.key(Key.Key_Delete)
    assert "bolt" in said.args[0]
    desk.key(Key.Key_Right)
    desk.key(Key.Key_2)
    assert desk.corners == [BOX]
    assert desk.class_names == ["bolt"]


def test_of_several_boxes_the_locked_stay_and_the_others_move(desk: Desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    desk.project.set_selection([box.id for box in desk.project.boxes])
    press(desk, 0, "lock")
    desk.drag(40, 40, 50, 45)
    assert desk.corners == [BOX, (30, 25, 70, 65)]


def test_a_box_drawn_of_a_hidden_class_shows_the_class_again(desk: Desk) -> None:
    press(desk, 0, "eye")
    desk.key(Key.Key_W)
    desk.drag(*BOX)
    assert desk.class_names == ["bolt"]
    assert not desk.project.category_view.hidden


def test_tab_walks_past_hidden_and_locked_boxes(desk: Desk) -> None:
    desk.add(BOX)
    free = desk.add(OTHER, name="nut")[0]
    desk.add((220, 20, 260, 60), name="washer")
    press(desk, 0, "eye")
    press(desk, 2, "lock")
    for _ in range(2):
        desk.key(Key.Key_BracketRight)
        assert desk.project.selection == {free.id}


def test_show_all_only_shows_and_unlock_all_only_unlocks_each_where_it_does_something(desk: Desk) -> None:
    show, unlock, view = desk.categories.show_all_button, desk.categories.unlock_all_button, desk.project.category_view
    assert not show.isVisible()
    assert not unlock.isVisible()
    press(desk, 0, "eye")
    press(desk, 1, "lock")
    assert show.isVisible()
    assert unlock.isVisible()
    show.click()
    assert not view.hidden
    assert view.locked
    assert not show.isVisible()
    assert unlock.isVisible()
    press(desk, 0, "eye")
    unlock.click()
    assert view.hidden
    assert not view.locked
    assert show.isVisible()
    assert not unlock.isVisible()


def test_the_actions_hide_and_lock_the_class_in_hand(desk: Desk) -> None:
    desk.project.set_active_category(desk.project.categories[1].id)
    desk.actions["action.category.hide"].trigger()
    desk.actions["action.category.lock"].trigger()
    text = desk.categories.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert text == "nut, 0 boxes, 0 in this image, key 2, hidden, locked"


def test_hidden_and_locked_are_remembered_with_the_project(desk: Desk) -> None:
    press(desk, 0, "eye")
    press(desk, 1, "lock")
    folder, ids = desk.store.folder, [c.id for c in desk.project.categories]
    desk.store.flush()
    other = ProjectStore.open(folder)
    try:
        again = CategoryView(other)
        assert (again.hidden, again.locked) == (frozenset(ids[:1]), frozenset(ids[1:2]))
    finally:
        other.close()
