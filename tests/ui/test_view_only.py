"""What is for the eye only: brightness and the like, the pixel grid, large pictures, and what cannot be shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from rcnn_studio.formats.images import decode
from rcnn_studio.ui.label.adjust_panel import AdjustPanel, bind_view_only
from rcnn_studio.ui.label.look import NEUTRAL, Look
from rcnn_studio.workspace import pictures
from rcnn_studio.workspace.settings import Settings
from tests.ui.desk import Desk


def seen(desk: Desk) -> NDArray[np.int64]:
    """(H, W, 3) what the canvas shows of the image and no more; nothing selected, no boxes."""
    canvas = desk.canvas
    shown = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    values = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    rgb = values[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3).astype(np.int64)
    first, end = canvas.image_to_widget(0, 0), canvas.image_to_widget(*canvas.image_size)
    return rgb[int(first.y()) + 1 : int(end.y()) - 1, int(first.x()) + 1 : int(end.x()) - 1]


def panel_of(desk: Desk) -> AdjustPanel:
    panel = desk.canvas.findChild(AdjustPanel)
    assert panel is not None
    return panel


def test_the_panel_opens_in_the_corner_and_its_sliders_change_what_is_seen_and_nothing_else(desk: Desk) -> None:
    path = desk.project.image_path(desk.project.current_id)
    content, before = path.read_bytes(), seen(desk)
    panel = panel_of(desk)
    assert panel.isHidden()
    desk.actions["action.view.adjust"].trigger()
    assert panel.isVisible()
    corner = QPoint(desk.canvas.width(), desk.canvas.height()) - panel.geometry().bottomRight()
    assert 0 < corner.x() < 30
    assert 0 < corner.y() < 30
    panel.brightness.setValue(30)
    desk.actions["action.view.adjust"].trigger()
    panel.reminder.hide()
    lighter = seen(desk)
    assert (lighter - before).mean() > 40
    assert path.read_bytes() == content
    assert not desk.project.boxes


def test_inverted_twice_is_as_it_was(desk: Desk) -> None:
    before = seen(desk)
    desk.actions["action.view.invert"].trigger()
    panel_of(desk).reminder.hide()
    assert np.abs(seen(desk) - (255 - before)).max() <= 1
    assert panel_of(desk).invert.isChecked()
    desk.actions["action.view.invert"].trigger()
    assert np.array_equal(seen(desk), before)


def test_the_look_stays_for_the_next_image_says_so_and_goes_with_reset(desk: Desk, qtbot) -> None:
    panel = panel_of(desk)
    panel.gamma.setValue(50)
    panel.contrast.setValue(-40)
    assert panel.reminder.isVisible(), "closed panel, changed view: somebody must be told"
    first = desk.project.current_id
    desk.actions["action.image.next"].trigger()
    qtbot.waitUntil(lambda: desk.project.current_id != first and desk.canvas.image_shown, timeout=10_000)
    assert desk.canvas.scene.look == Look(contrast=-40, gamma=2.24)
    QTest.mouseClick(panel.reminder, Qt.MouseButton.LeftButton)
    assert panel.isVisible()
    assert not panel.reminder.isVisible()
    QTest.mouseClick(panel.reset, Qt.MouseButton.LeftButton)
    assert desk.canvas.scene.look == NEUTRAL
    assert (panel.gamma.value(), panel.contrast.value()) == (0, 0)
    assert not desk.actions["action.view.adjust_reset"].isEnabled()


def test_a_press_on_the_panel_draws_no_box(desk: Desk) -> None:
    desk.canvas.set_tool("draw")
    desk.actions["action.view.adjust"].trigger()
    panel = panel_of(desk)
    QTest.mouseClick(panel, Qt.MouseButton.LeftButton, pos=QPoint(6, 6))
    QTest.mouseClick(panel, Qt.MouseButton.LeftButton, pos=QPoint(panel.width() - 6, panel.height() - 6))
    assert not desk.canvas.cancel(), "no draft was begun"
    assert not desk.project.boxes


def test_a_look_covers_boxes_and_names_not(desk: Desk) -> None:
    desk.add((40, 40, 200, 160), name="bolt")
    color = desk.project.category(desk.project.boxes[0].category_id).color
    edge = desk.canvas.image_to_widget(40, 100).toPoint()
    desk.canvas.set_look(Look(invert=True))
    shown = desk.canvas.grab().toImage()
    assert shown.pixelColor(edge).name() == color


@pytest.mark.parametrize("look", [Look(brightness=20), Look(contrast=50), Look(gamma=2.0), Look(invert=True)])
def test_a_look_keeps_order_and_stays_within_bounds(look: Look) -> None:
    table = look.table().astype(int)
    steps = np.diff(table)
    assert (steps <= 0).all() if look.invert else (steps >= 0).all()
    assert table.shape == (256,)


def test_the_neutral_look_changes_nothing() -> None:
    assert np.abs(NEUTRAL.table().astype(int) - np.arange(256)).max() <= 1


def test_the_grid_is_seen_at_high_zoom_and_its_switch_is_remembered(desk: Desk, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    bind_view_only(desk.canvas, desk.actions, settings)
    desk.canvas.zoom_by(1000.0)
    with_grid = desk.canvas.grab().toImage()
    desk.actions["action.view.grid"].trigger()
    without = desk.canvas.grab().toImage()
    assert with_grid != without
    assert Settings(tmp_path / "settings.json").get("view.pixel_grid") is False


def test_single_pixels_are_seen_at_high_zoom(desk: Desk) -> None:
    desk.actions["action.view.grid"].setChecked(False)
    desk.canvas.zoom_by(1000.0)
    scale = desk.canvas.zoom
    pixels = decode(desk.project.image_path(desk.project.current_id))
    shown = desk.canvas.grab().toImage()
    x, y = (int(v) for v in desk.canvas.widget_to_image(desk.canvas.rect().center().toPointF()))
    for share in (0.1, 0.9):
        at = desk.canvas.image_to_widget(x + share, y + share).toPoint()
        color = shown.pixelColor(at)
        assert (color.red(), color.green(), color.blue()) == tuple(pixels[y, x]), f"{share} of a pixel of {scale}"


def test_a_large_picture_is_sharpened_where_it_is_looked_at(qtbot, monkeypatch, desk: Desk) -> None:
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 200_000)
    monkeypatch.setattr(pictures, "OVERVIEW_PIXELS", 20_000)
    image_id = int(desk.project.rows.ids[1])
    path = desk.project.image_path(image_id)
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 2, (1000, 1400), dtype=np.uint8) * 200
    Image.fromarray(noise).convert("RGB").save(path.with_suffix(".tmp"), format="JPEG", quality=95)
    path.with_suffix(".tmp").replace(path)  # the suffix does not matter
    desk.images._images.clear()
    desk.project.set_current(image_id)
    qtbot.waitUntil(lambda: desk.canvas.image_shown, timeout=10_000)
    picture = desk.canvas.scene.image
    assert picture is not None
    assert picture.tiled
    assert desk.canvas.image_size == (1400, 1000), "boxes are counted in the pixels of the file"
    desk.canvas.actual_size()
    qtbot.waitUntil(lambda: bool(desk.canvas.scene.tiles), timeout=10_000)
    desk.canvas.repaint()
    desk.canvas.show_hint("")
    x, y = (int(v) for v in desk.canvas.widget_to_image(desk.canvas.rect().center().toPointF()))
    at = desk.canvas.image_to_widget(x, y).toPoint()
    shown = desk.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    values = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    rgb = values[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3)
    part = rgb[at.y() - 40 : at.y() + 40, at.x() - 40 : at.x() + 40]
    assert np.array_equal(part, decode(path)[y - 40 : y + 40, x - 40 : x + 40])


def test_an_unreadable_picture_says_what_to_do_and_the_next_one_is_shown(qtbot, desk: Desk) -> None:
    ids = [int(i) for i in desk.project.rows.ids]
    path = desk.project.image_path(ids[1])
    path.write_bytes(path.read_bytes()[:500])
    desk.images._images.clear()
    desk.project.set_current(ids[1])
    qtbot.waitUntil(lambda: bool(desk.canvas.scene.message), timeout=10_000)
    assert path.name in desk.canvas.scene.message
    assert "Replace it with a sound copy" in desk.canvas.scene.message
    assert not desk.canvas.image_shown
    desk.actions["action.image.next"].trigger()
    qtbot.waitUntil(lambda: desk.project.current_id == ids[2] and desk.canvas.image_shown, timeout=10_000)
    assert desk.canvas.scene.message == ""
