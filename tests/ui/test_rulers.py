"""Rulers beside the canvas: off at first, with the numbers where those pixels are, and marks under the pointer."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtWidgets import QApplication

from rcnn_studio.ui.label.rulers import SETTING, RuledCanvas, step_of
from rcnn_studio.workspace.settings import Settings
from tests.ui.desk import Desk


@pytest.fixture
def ruled(desk: Desk, tmp_path, qtbot) -> RuledCanvas:
    made = RuledCanvas(desk.canvas)
    made.bind(desk.actions, Settings(tmp_path / "settings.json"))
    desk.window.centralWidget().layout().insertWidget(1, made, 4)
    qtbot.waitUntil(lambda: desk.canvas.width() > 300)
    return made


@pytest.mark.parametrize(("scale", "step"), [(1, 100), (0.1, 1000), (2, 50), (6.4, 10), (30, 5), (64, 1)])
def test_numbers_are_round_and_have_room(scale: float, step: int) -> None:
    assert step_of(scale) == step


def test_rulers_are_off_until_asked_for_and_take_no_room_then(desk: Desk, ruled: RuledCanvas, tmp_path, qtbot) -> None:
    assert not ruled.top.isVisible()
    assert ruled.canvas.size() == ruled.size()
    desk.actions["action.view.rulers"].trigger()
    assert ruled.top.isVisible()
    assert ruled.left.isVisible()
    assert Settings(tmp_path / "settings.json").get(SETTING) is True
    qtbot.waitUntil(lambda: ruled.canvas.height() < ruled.height())


def test_a_number_stands_where_its_pixel_is_also_after_zoom_and_pan(desk: Desk, ruled: RuledCanvas) -> None:
    desk.actions["action.view.rulers"].trigger()
    QApplication.processEvents()
    for change in (lambda: None, lambda: desk.canvas.zoom_by(3), lambda: desk.canvas.pan_by(60, -40)):
        change()
        across, down = ruled.top.numbers(), ruled.left.numbers()
        assert len(across) > 2
        for pixel, at in across.items():
            assert at == pytest.approx(desk.canvas.image_to_widget(pixel, 0).x(), abs=0.01)
        for pixel, at in down.items():
            assert at == pytest.approx(desk.canvas.image_to_widget(0, pixel).y(), abs=0.01)


def test_marks_follow_the_pointer_are_seen_and_go_with_it(desk: Desk, ruled: RuledCanvas) -> None:
    desk.actions["action.view.rulers"].trigger()
    QApplication.processEvents()
    resting = ruled.top.grab().toImage(), ruled.left.grab().toImage()
    desk.move(200, 100)
    at = desk.canvas.image_to_widget(200, 100).toPoint()
    assert (ruled.top.mark, ruled.left.mark) == (at.x(), at.y())
    assert ruled.top.grab().toImage().pixel(at.x(), 17) != resting[0].pixel(at.x(), 17)
    assert ruled.left.grab().toImage().pixel(17, at.y()) != resting[1].pixel(17, at.y())
    desk.canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    assert (ruled.top.grab().toImage(), ruled.left.grab().toImage()) == resting


def test_a_move_of_the_mouse_does_not_draw_the_scale_again(desk: Desk, ruled: RuledCanvas) -> None:
    desk.actions["action.view.rulers"].trigger()
    QApplication.processEvents()
    ruled.top.grab()
    drawn = ruled.top._scale_drawn.cacheKey()
    desk.move(100, 100)
    ruled.top.grab()
    assert ruled.top._scale_drawn.cacheKey() == drawn
    desk.canvas.zoom_by(2, QPointF(50, 50))
    ruled.top.grab()
    assert ruled.top._scale_drawn.cacheKey() != drawn
