"""Drawing boxes with the mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from tests.ui.desk import ALT, CTRL, HEIGHT, LEFT, MIDDLE, NONE, SHIFT, WIDTH, Desk

Key = Qt.Key


@pytest.mark.parametrize(
    ("start", "end"),
    [((20, 30), (110, 95)), ((110, 95), (20, 30)), ((20, 95), (110, 30)), ((0, 0), (WIDTH, HEIGHT))],
)
def test_a_drag_draws_exactly_the_box_between_its_ends(desk: Desk, start, end) -> None:
    desk.key(Key.Key_W)
    desk.drag(*start, *end)
    assert desk.corners == [
        (min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))
    ]


@pytest.mark.parametrize("zoom", [1.0, 1.7, 3.3, 9.0])
def test_the_corners_are_exact_at_every_zoom_that_shows_single_pixels(desk: Desk, zoom: float) -> None:
    desk.canvas.zoom_by(zoom / desk.canvas.zoom)
    desk.key(Key.Key_W)
    desk.drag(140, 101, 171, 132)
    assert desk.corners == [(140, 101, 171, 132)]


def test_two_clicks_draw_the_same_box_as_a_drag(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(20, 30)
    assert desk.corners == []
    desk.move(60, 60)
    desk.click(110, 95)
    assert desk.corners == [(20, 30, 110, 95)]


def test_two_clicks_at_one_place_draw_nothing(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(20, 30)
    desk.click(20, 30)
    assert desk.corners == []


def test_the_draw_tool_stays_in_hand_until_esc(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(10, 10, 50, 50)
    desk.drag(100, 10, 150, 50)
    assert len(desk.corners) == 2
    assert desk.canvas.tool == "draw"
    desk.key(Key.Key_Escape)
    assert desk.canvas.tool == "select"
    assert desk.actions["action.tool.select"].isChecked()
    assert not desk.actions["action.tool.draw"].isChecked()


def test_esc_first_drops_the_draft_and_keeps_the_tool(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(20, 30)
    desk.move(90, 90)
    desk.key(Key.Key_Escape)
    assert desk.canvas.tool == "draw"
    desk.drag(100, 100, 120, 130)
    assert desk.corners == [(100, 100, 120, 130)]


def test_a_box_drawn_past_the_border_ends_at_the_border(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(300, 200, 400, 300)
    assert desk.corners == [(300, 200, WIDTH, HEIGHT)]


def test_shift_draws_a_square_and_alt_draws_from_the_centre(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(20, 20, 80, 50, held=SHIFT)
    desk.drag(160, 120, 200, 150, held=ALT)
    assert desk.corners == [(20, 20, 80, 80), (120, 90, 200, 150)]


def test_the_selected_box_keeps_its_handles_in_the_draw_tool(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(20, 30, 110, 95)
    desk.drag(110, 95, 130, 120)
    assert desk.corners == [(20, 30, 130, 120)]


def test_the_middle_button_pans_while_a_draft_waits_for_its_second_click(desk: Desk) -> None:
    desk.canvas.zoom_by(3)
    desk.key(Key.Key_W)
    desk.click(150, 110)
    before = desk.canvas.image_to_widget(0, 0)
    desk.press(160, 120, button=MIDDLE)
    at = desk.canvas.image_to_widget(170, 125)
    desk.move(*desk.canvas.widget_to_image(at), button=MIDDLE)
    desk.release(170, 125, button=MIDDLE)
    assert desk.canvas.image_to_widget(0, 0) != before
    desk.click(180, 140)
    assert desk.corners == [(150, 110, 180, 140)]


def test_the_first_box_of_a_project_without_classes_makes_a_class(desk: Desk) -> None:
    for category in desk.project.categories:
        desk.project.remove_category(category.id)
    desk.key(Key.Key_W)
    desk.drag(20, 30, 110, 95)
    assert desk.class_names == ["object"]


def test_drawing_over_a_detection_of_the_class_takes_its_corners_unless_ctrl_is_held(desk: Desk) -> None:
    desk.show_ghosts(((20, 20, 100, 100), "bolt", 0.9), ((150, 20, 230, 100), "nut", 0.8))
    desk.key(Key.Key_W)
    desk.drag(24, 16, 104, 96)
    desk.drag(154, 16, 234, 96)
    assert desk.corners == [(20, 20, 100, 100), (154, 16, 234, 96)], "the second one is a detection of another class"
    desk.project.undo_stack.undo()
    desk.project.undo_stack.undo()
    desk.drag(24, 16, 104, 96, held=CTRL)
    assert desk.corners == [(24, 16, 104, 96)]


def test_a_drawn_box_is_saved_and_undone_and_redone(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(20, 30, 110, 95)
    desk.key(Key.Key_Z, CTRL)
    assert desk.corners == []
    desk.key(Key.Key_Z, CTRL | SHIFT)
    assert desk.corners == [(20, 30, 110, 95)]
    assert [b.xyxy for b in desk.store.image(desk.project.current_id).boxes] == [(20, 30, 110, 95)]


def test_undo_shows_the_image_whose_box_goes(desk: Desk) -> None:
    first = desk.project.current_id
    desk.key(Key.Key_W)
    desk.drag(20, 30, 110, 95)
    desk.key(Key.Key_D)
    assert desk.project.current_id != first
    desk.key(Key.Key_Z, CTRL)
    assert desk.project.current_id == first
    assert desk.corners == []


# --- the view ---------------------------------------------------------------------------------------


def wheel(desk: Desk, at: QPointF, delta: int) -> None:
    where = QPointF(desk.canvas.mapToGlobal(at.toPoint()))
    from PySide6.QtCore import QPoint

    event = QWheelEvent(
        at, where, QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(desk.canvas, event)


def test_the_wheel_zooms_about_the_pointer(desk: Desk) -> None:
    at = QPointF(desk.canvas.image_to_widget(200, 130).toPoint())
    x, y = desk.canvas.widget_to_image(at)
    before = desk.canvas.zoom
    for _ in range(6):
        wheel(desk, at, 120)
    assert desk.canvas.zoom > 2 * before
    after = desk.canvas.widget_to_image(at)
    assert after == pytest.approx((x, y), abs=0.6)


def test_zooming_out_brings_the_whole_image_back_to_the_middle(desk: Desk) -> None:
    at = QPointF(desk.canvas.image_to_widget(20, 20).toPoint())
    for _ in range(4):
        wheel(desk, at, 120)
    for _ in range(12):
        wheel(desk, at, -120)
    middle = desk.canvas.image_to_widget(WIDTH / 2, HEIGHT / 2)
    assert middle.x() == pytest.approx(desk.canvas.width() / 2, abs=1)
    assert middle.y() == pytest.approx(desk.canvas.height() / 2, abs=1)


def test_f_fits_and_shift_f_shows_actual_size(desk: Desk) -> None:
    fitted = desk.canvas.zoom
    desk.key(Key.Key_F, SHIFT)
    assert desk.canvas.zoom == 1.0
    desk.key(Key.Key_F)
    assert desk.canvas.zoom == fitted


def test_z_zooms_to_the_selected_box(desk: Desk) -> None:
    (box,) = desk.add((100, 100, 120, 115))
    desk.project.set_selection([box.id])
    desk.key(Key.Key_Z)
    corner = desk.canvas.image_to_widget(100, 100)
    assert desk.canvas.rect().contains(corner.toPoint())
    assert desk.canvas.zoom > 10


def test_holding_space_pans_and_does_not_verify(desk: Desk) -> None:
    verified = []
    desk.actions["action.image.verify"].triggered.connect(lambda: verified.append(True))
    desk.canvas.zoom_by(3)
    desk.canvas.setFocus()
    from PySide6.QtTest import QTest

    before = desk.canvas.image_to_widget(0, 0)
    QTest.keyPress(desk.canvas, Key.Key_Space)
    desk.press(150, 110)
    desk.move(160, 115, button=LEFT)
    desk.release(160, 115)
    QTest.keyRelease(desk.canvas, Key.Key_Space)
    assert desk.canvas.image_to_widget(0, 0) != before
    assert not verified
    desk.key(Key.Key_Space)
    assert verified == [True]


def test_holding_h_hides_the_boxes_until_it_is_let_go(desk: Desk) -> None:
    from PySide6.QtTest import QTest

    desk.add((20, 20, 200, 200))
    desk.canvas.setFocus()
    with_box = desk.canvas.grab().toImage()
    QTest.keyPress(desk.canvas, Key.Key_H)
    without = desk.canvas.grab().toImage()
    QTest.keyRelease(desk.canvas, Key.Key_H)
    assert without != with_box
    assert desk.canvas.grab().toImage() == with_box


def test_a_resized_window_keeps_a_fitted_image_fitted(desk: Desk, qtbot) -> None:
    desk.window.resize(1100, 600)
    qtbot.waitUntil(lambda: desk.canvas.image_to_widget(WIDTH, HEIGHT).y() <= desk.canvas.height())
    assert desk.canvas.image_to_widget(0, 0).y() >= 0


def test_the_pointer_is_told_in_image_pixels_and_its_leaving_too(desk: Desk, qtbot) -> None:
    with qtbot.waitSignal(desk.canvas.pointer_moved) as moved:
        desk.move(40, 50)
    assert moved.args == pytest.approx([40, 50], abs=0.5)
    with qtbot.waitSignal(desk.canvas.pointer_moved) as left:
        QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    assert left.args == [-1, -1]
