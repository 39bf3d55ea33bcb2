"""Finding one's way through the images in the real window: status bar, queue keys, reopening, low panels."""

from __future__ import annotations

import gc

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rcnn_studio.app import create_window
from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui.main_window import MainWindow
from tests.e2e.hands import Hands

CTRL = Qt.KeyboardModifier.ControlModifier
UNLABELLED = ImageQuery(states=frozenset({ImageState.UNLABELLED}))


def where(window: MainWindow) -> str:
    return window.room.status.place.text().split(" · ")[0]


def in_sight(window: MainWindow) -> list[int]:
    """Rows of the image list that are wholly in view."""
    panel = window.room.image_list
    area = panel.view.viewport().rect()
    return [r for r in range(panel.model.rowCount()) if area.contains(panel.view.visualRect(panel.model.index(r)))]


def test_the_status_bar_counts_as_the_list_does(hands: Hands) -> None:
    window, panel = hands.window, hands.window.room.image_list
    assert where(window) == "image 1/150"
    panel.set_query(UNLABELLED)
    assert where(window) == "image 1/25 shown of 150"
    hands.key(Qt.Key.Key_D)
    assert where(window) == "image 2/25 shown of 150"
    panel.filter.setText("no such name")
    assert where(window) == "image not among the 0 shown of 150"
    panel.clear_filter()
    assert where(window).endswith("/150")


def test_page_down_goes_to_what_is_still_to_be_decided(hands: Hands) -> None:
    project = hands.session.project
    unlabelled = [int(i) for i in project.rows.ids[project.rows.states == int(ImageState.UNLABELLED)]]
    assert project.current_id not in unlabelled
    for image_id in unlabelled[:3]:
        hands.key(Qt.Key.Key_PageDown)
        assert project.current_id == image_id
    hands.key(Qt.Key.Key_PageUp)
    assert project.current_id == unlabelled[1]


def test_the_panel_shows_enough_rows_in_every_activity(hands: Hands, qtbot) -> None:
    window = hands.window
    window.resize(1280, 720)
    hands.key(Qt.Key.Key_End)
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_1):
        hands.key(key, CTRL)
        qtbot.waitUntil(lambda: len(in_sight(window)) >= 6)
        assert window.room.image_list.view.currentIndex().row() == 149
        assert 149 in in_sight(window)


def test_the_image_that_was_left_is_in_the_list_again_though_the_filter_hides_it(qtbot, hands: Hands) -> None:
    window, panel = hands.window, hands.window.room.image_list
    project = hands.session.project
    panel.set_query(UNLABELLED)
    hands.key(Qt.Key.Key_End)
    hands.key(Qt.Key.Key_W)
    hands.drag(20, 20, 90, 90)
    left = project.current_id
    folder = hands.session.store.folder
    window.close_without_asking()
    again = create_window(folder)
    again.resize(1280, 800)
    again.show()
    qtbot.waitUntil(lambda: again.room is not None and again.room.canvas.image_shown, timeout=20_000)
    panel = again.room.image_list
    assert again.session.project.current_id == left
    assert panel.model.rowCount() == 25
    row = panel.view.currentIndex().row()
    assert panel.model.image_id(row) == left
    assert panel.model.item(row).stale
    qtbot.waitUntil(lambda: row in in_sight(again))
    assert where(again) == "image 25/25 shown of 150"
    assert panel.refresh.text() == "1 no longer matches: refresh"
    again.close_without_asking()
    again.close()
    again.deleteLater()
    gc.collect()


def test_next_images_are_made_ready_in_the_order_of_the_list(hands: Hands) -> None:
    panel, project = hands.window.room.image_list, hands.session.project
    panel.set_query(UNLABELLED)
    ids = [panel.model.image_id(place) for place in range(4)]
    project.set_current(ids[1])
    assert panel.neighbours(ids[1]) == [ids[2], ids[0], ids[3]]
    assert hands.session.neighbours(ids[1]) == [ids[2], ids[0], ids[3]]


def test_letters_typed_into_the_name_of_a_filter_are_no_keys_of_the_canvas(hands: Hands) -> None:
    panel = hands.window.room.image_list
    before = hands.session.project.current_id
    QTest.mouseClick(panel.filter_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.popup.name, Qt.MouseButton.LeftButton)
    QTest.keyClicks(panel.popup.name, "dad bd")
    assert panel.popup.name.text() == "dad bd"
    assert hands.session.project.current_id == before
    panel.popup.hide()


def press(window: MainWindow, at: QPoint) -> None:
    """A click as the window system tells it: to whatever is in front at that place."""
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=at)


def test_escape_in_the_emptied_field_gives_the_keys_to_the_canvas(hands: Hands) -> None:
    window, panel = hands.window, hands.window.room.image_list
    QTest.keyClick(hands.canvas, Qt.Key.Key_F, CTRL)
    assert panel.filter.hasFocus()
    QTest.keyClicks(panel.filter, "zz")
    for _ in range(2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert hands.canvas.hasFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_W)
    assert (panel.filter.text(), hands.canvas.tool) == ("", "draw")
    assert where(window) == "image 1/150"


def test_escape_closes_the_filter_popup_wherever_the_keys_are_in_it(hands: Hands, qtbot) -> None:
    panel = hands.window.room.image_list
    popup = panel.popup
    hands.canvas.setFocus()
    for inside in (None, popup.name, popup.boxes, popup.categories.list.viewport()):
        QTest.mouseClick(panel.filter_button, Qt.MouseButton.LeftButton)
        assert popup.isVisible()
        if inside is not None:
            QTest.mouseClick(inside, Qt.MouseButton.LeftButton)
        QTest.keyClick(popup.windowHandle(), Qt.Key.Key_Escape)
        assert not popup.isVisible()
        qtbot.waitUntil(hands.canvas.hasFocus)


def test_a_click_beside_the_filter_popup_closes_it_and_does_what_it_does_there(hands: Hands, qtbot) -> None:
    window, panel = hands.window, hands.window.room.image_list
    QTest.mouseClick(panel.filter_button, Qt.MouseButton.LeftButton)
    row = panel.view.visualRect(panel.model.index(2)).center()
    at = panel.view.viewport().mapTo(window, QPoint(12, row.y()))
    assert panel.popup.isVisible()
    assert not panel.popup.geometry().contains(window.mapToGlobal(at))
    press(window, at)
    qtbot.waitUntil(lambda: hands.session.project.current_id == panel.model.image_id(2))
    assert not panel.popup.isVisible()


def test_a_click_on_the_button_of_the_open_filter_popup_only_closes_it(hands: Hands) -> None:
    window, panel = hands.window, hands.window.room.image_list
    at = panel.filter_button.mapTo(window, panel.filter_button.rect().center())
    press(window, at)
    assert panel.popup.isVisible()
    press(window, at)
    QApplication.processEvents()
    assert not panel.popup.isVisible()
    assert not panel.filter_button.isChecked()
    press(window, at)
    assert panel.popup.isVisible()
    panel.popup.hide()
