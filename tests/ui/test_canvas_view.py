"""What makes drawing exact and comfortable: lines to stick to, a view that moves on, switches, and boxes by key."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from rcnn_studio.ui.actions import build_actions
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.workspace.settings import Settings
from tests.ui.desk import ALT, CTRL, HEIGHT, LEFT, NONE, SHIFT, WIDTH, Desk

Key = Qt.Key
BOX = (100, 80, 200, 160)


def picture(desk: Desk) -> QImage:
    return desk.canvas.grab().toImage()


def turn_wheel(desk: Desk, delta: tuple[int, int], held: Qt.KeyboardModifier = NONE) -> None:
    at = QPointF(desk.canvas.rect().center())
    where = QPointF(desk.canvas.mapToGlobal(at.toPoint()))
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, where, QPoint(), QPoint(*delta), Qt.MouseButton.NoButton, held, phase, False)
    QApplication.sendEvent(desk.canvas, event)


@pytest.fixture
def settings(desk: Desk, tmp_path: Path) -> Settings:
    """The desk's canvas remembers its switches in these."""
    kept = Settings(tmp_path / "settings.json")
    desk.canvas._settings = kept
    return kept


# --- sticking -------------------------------------------------------------------------------------------


def test_an_edge_dragged_near_the_images_border_lies_on_it(desk: Desk) -> None:
    desk.key(Key.Key_W)
    near = 2.4 / desk.canvas.zoom
    desk.drag(near, 40, 60, HEIGHT - near)
    desk.drag(WIDTH - near, 10, 250, 60)
    assert desk.corners == [(0, 40, 60, HEIGHT), (250, 10, WIDTH, 60)]


def test_ctrl_draws_beside_the_border(desk: Desk) -> None:
    desk.canvas.zoom_by(1.0 / desk.canvas.zoom)
    desk.key(Key.Key_W)
    desk.drag(2, 40, 60, 90, held=CTRL)
    assert desk.corners == [(2, 40, 60, 90)]


def test_edges_stick_to_other_boxes_only_with_the_switch_on_and_without_ctrl(desk: Desk) -> None:
    desk.add(BOX)
    desk.key(Key.Key_W)
    desk.drag(202, 20, 280, 78)
    assert desk.corners[-1] == (202, 20, 280, 78)
    desk.key(Key.Key_Z, CTRL)
    desk.actions["action.view.snap"].trigger()
    desk.drag(202, 170, 280, 220)
    assert desk.corners[-1] == (200, 170, 280, 220)
    desk.drag(20, 82, 98, 40, held=CTRL)
    assert desk.corners[-1] == (20, 40, 98, 82)


def test_a_handle_and_a_moved_box_stick_too_and_a_line_shows_where(desk: Desk) -> None:
    desk.actions["action.view.snap"].trigger()
    desk.add(BOX)
    (other,) = desk.add((20, 180, 60, 220))
    desk.project.set_selection([other.id])
    desk.drag(60, 180, 98, 170)
    assert desk.corners[-1] == (20, 170, 100, 220)
    plain = picture(desk)
    desk.press(50, 200)
    desk.move(90, 192, button=LEFT)
    at = desk.canvas.image_to_widget(200, 230).toPoint()
    desk.move(148, 192, button=LEFT)
    assert desk.canvas.scene.guides[0] == 200
    assert picture(desk).pixel(at) != plain.pixel(at)
    desk.release(148, 192)
    assert desk.corners[-1] == (120, 160, 200, 210)
    assert desk.canvas.scene.guides == (None, None)


# --- a view that moves on ---------------------------------------------------------------------------------


def test_drawing_at_the_canvas_border_moves_the_view_on_until_the_image_ends(desk: Desk, qtbot) -> None:
    desk.canvas.zoom_by(4)
    desk.key(Key.Key_W)
    desk.move(160, 120)
    desk.press(160, 120)
    right = desk.canvas.widget_to_image(QPointF(desk.canvas.width() - 2, desk.canvas.height() * 0.7))
    desk.move(*right, button=LEFT)
    qtbot.waitUntil(lambda: desk.canvas.widget_to_image(QPointF(desk.canvas.width(), 0))[0] >= WIDTH, timeout=10_000)
    qtbot.waitUntil(lambda: not desk.canvas._edge_pan.running, timeout=5_000)
    assert desk.canvas.image_to_widget(WIDTH, 0).x() >= desk.canvas.width() - 1, "not beyond the image's end"
    end = desk.canvas.widget_to_image(QPointF(desk.canvas.width() - 2, desk.canvas.height() * 0.7))
    desk.release(*end)
    (corners,) = desk.corners
    assert corners[0] == 160
    assert corners[2] == WIDTH


def test_the_view_rests_while_nothing_is_drawn(desk: Desk) -> None:
    desk.canvas.zoom_by(4)
    desk.key(Key.Key_W)
    desk.move(*desk.canvas.widget_to_image(QPointF(3, 100)))
    assert not desk.canvas._edge_pan.running
    desk.press(*desk.canvas.widget_to_image(QPointF(3, 100)))
    assert not desk.canvas._edge_pan.running, "a press alone is no drag yet"


def test_a_draft_follows_the_pointer_when_the_wheel_zooms(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.click(100, 80)
    desk.move(150, 130)
    turn_wheel(desk, (0, 240))
    x, y = desk.canvas.widget_to_image(QPointF(desk.canvas.pointer.wx, desk.canvas.pointer.wy))
    assert desk.canvas.scene.draft == pytest.approx((100, 80, x, y), abs=0.51)


# --- switches and the wheel -------------------------------------------------------------------------------


def test_the_crosshair_can_be_switched_off_and_stays_off(desk: Desk, settings: Settings) -> None:
    desk.key(Key.Key_W)
    desk.move(200, 100)
    assert desk.canvas.scene.crosshair is not None
    desk.actions["action.view.crosshair"].trigger()
    assert desk.canvas.scene.crosshair is None
    assert settings.get("canvas.crosshair") is False


def test_a_new_canvas_takes_its_switches_from_the_settings(desk: Desk, tmp_path: Path, qtbot) -> None:
    kept = Settings(tmp_path / "settings.json")
    kept.set("canvas.snap", True)
    kept.set("canvas.crosshair", False)
    actions = build_actions(desk.window)
    other = Canvas(desk.project, desk.images, desk.review)
    qtbot.addWidget(other)
    other.bind(actions, kept)
    assert actions["action.view.snap"].isChecked()
    assert not actions["action.view.crosshair"].isChecked()


def test_the_wheel_scrolls_where_the_settings_say_so_and_zooms_with_ctrl(desk: Desk, settings: Settings) -> None:
    desk.canvas.zoom_by(4)
    zoom, before = desk.canvas.zoom, desk.canvas.image_to_widget(0, 0)
    settings.set("keys.wheel", "scroll")
    turn_wheel(desk, (0, -120))
    assert desk.canvas.zoom == zoom
    assert desk.canvas.image_to_widget(0, 0).y() == before.y() - 60
    turn_wheel(desk, (0, -120), SHIFT)
    assert desk.canvas.image_to_widget(0, 0).x() == before.x() - 60
    turn_wheel(desk, (0, 120), CTRL)
    assert desk.canvas.zoom > zoom


def test_shift_drags_a_rubber_band_from_inside_a_box(desk: Desk) -> None:
    big, one, two = (b.id for b in desk.add((5, 5, 300, 230), (40, 40, 80, 80), (100, 40, 140, 80)))
    desk.drag(30, 30, 150, 90, held=SHIFT)
    assert desk.project.selection == {one, two}
    assert desk.corners[0] == (5, 5, 300, 230)
    assert big not in desk.project.selection


def test_alt_let_go_during_a_drag_draws_from_the_corner_again(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.move(160, 120)
    desk.press(160, 120, held=ALT)
    desk.move(200, 150, button=LEFT, held=ALT)
    assert desk.canvas.scene.draft == (120, 90, 200, 150)
    desk.move(200, 150, button=LEFT)
    assert desk.canvas.scene.draft == (160, 120, 200, 150)


# --- boxes by key -----------------------------------------------------------------------------------------


def test_a_box_is_made_moved_and_grown_by_keys_alone(desk: Desk) -> None:
    desk.key(Key.Key_2)
    desk.key(Key.Key_Insert)
    assert desk.corners == [(136, 96, 184, 144)]
    assert desk.class_names == ["nut"]
    desk.key(Key.Key_Left, SHIFT)
    desk.key(Key.Key_Right, CTRL | SHIFT)
    desk.key(Key.Key_Up, ALT)
    assert desk.corners == [(126, 95, 184, 144)]
    desk.key(Key.Key_3)
    assert desk.class_names == ["washer"]


def test_a_box_made_by_key_stands_at_the_pointer_and_a_second_one_beside_the_first(desk: Desk) -> None:
    desk.move(60, 60)
    desk.key(Key.Key_W, SHIFT)
    desk.key(Key.Key_W, SHIFT)
    assert desk.corners == [(36, 36, 84, 84), (46, 46, 94, 94)]
    assert len(desk.project.selection) == 1


def test_in_the_draw_tool_a_digit_names_the_box_made_by_key(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.key(Key.Key_Insert)
    desk.key(Key.Key_3)
    assert desk.class_names == ["washer"]
