"""The panels of the real window: where they are does not depend on what was open, or shown, before."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication

from rcnn_studio.formats.bundled import sample_projects_dir
from rcnn_studio.ui.main_window import MainWindow
from tests.e2e.hands import Hands

CTRL = Qt.KeyboardModifier.ControlModifier


def places(window: MainWindow) -> dict[str, QRect]:
    """Where the panels that are seen stand, and the picture."""
    QApplication.processEvents()
    found = {name: dock.geometry() for name, dock in window.room.docks.items() if dock.isVisible()}
    canvas = window.room.canvas
    return {**found, "canvas": QRect(canvas.mapTo(window, canvas.rect().topLeft()), canvas.size())}


def test_another_data_set_has_its_panels_where_those_of_the_one_before_were(
    hands: Hands, qtbot, tmp_path: Path
) -> None:
    window = hands.window
    other = Path(shutil.copytree(sample_projects_dir() / "hardware", tmp_path / "other"))
    before = places(window)
    assert before["categories"].bottom() < before["boxes"].top()
    window.resizeDocks(
        [window.room.docks["categories"], window.room.docks["boxes"]], [300, 320], Qt.Orientation.Vertical
    )
    moved = places(window)
    assert moved != before
    window.open_path(other)
    qtbot.waitUntil(lambda: window.session is not None and window.session.store.folder.is_relative_to(other))
    qtbot.waitUntil(lambda: places(window) == moved)


def test_a_way_through_the_activities_leaves_panels_and_picture_where_they_were(hands: Hands, qtbot) -> None:
    window = hands.window
    window.resize(1366, 768)
    before = places(window)
    for key in (Qt.Key.Key_2, Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_1):
        hands.key(key, CTRL)
        qtbot.waitUntil(lambda: hands.canvas.image_shown)
    qtbot.waitUntil(lambda: places(window) == before)


def test_beside_a_training_or_a_review_the_names_of_the_classes_stand_in_full(hands: Hands, qtbot) -> None:
    window = hands.window
    window.resize(1366, 768)
    for activity in ("train", "review"):
        window.set_activity(activity)
        view = window.room.categories.view
        qtbot.waitUntil(lambda v=view: v.isVisible() and v.viewport().width() < 270)
        area = view.visualRect(view.model().index(1, 0))
        bold = QFont(view.font())
        bold.setWeight(QFont.Weight.DemiBold)
        name = view.delegate.columns(area, view.font()).name
        assert QFontMetrics(bold).horizontalAdvance("lock_washer") <= name.width()
