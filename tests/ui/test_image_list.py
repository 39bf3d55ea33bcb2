"""The list of images: order, filter, badges, progress."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.browse.image_model import natural
from rcnn_studio.workspace.view_memory import ViewMemory
from tests.ui.desk import Desk

Key = Qt.Key


def shown(panel: ImageList) -> list[str]:
    return [panel.model.item(place).name for place in range(panel.model.rowCount())]


def choose(panel: ImageList, text: str) -> None:
    panel.states.setCurrentIndex(panel.states.findText(text))


def test_images_stand_in_the_projects_order(desk: Desk) -> None:
    assert shown(desk.images_panel) == ["part_00.png", "part_01.png", "part_02.png", "part_03.png"]
    assert desk.images_panel.view.currentIndex().row() == 0


def test_typing_filters_by_any_part_of_the_name(desk: Desk) -> None:
    QTest.keyClicks(desk.images_panel.filter, "ART_02")
    assert shown(desk.images_panel) == ["part_02.png"]
    assert "1 shown" in desk.images_panel.progress_text.text()


def test_next_follows_the_filtered_list(desk: Desk) -> None:
    project = desk.project
    project.set_state(int(project.rows.ids[1]), ImageState.VERIFIED)
    project.set_state(int(project.rows.ids[3]), ImageState.VERIFIED)
    choose(desk.images_panel, "Verified")
    assert shown(desk.images_panel) == ["part_01.png", "part_03.png"]
    assert project.current_id == int(project.rows.ids[1])
    desk.key(Key.Key_D)
    assert project.current_id == int(project.rows.ids[3])
    desk.key(Key.Key_D)
    assert project.current_id == int(project.rows.ids[3]), "the last one stays"
    desk.key(Key.Key_A)
    assert project.current_id == int(project.rows.ids[1])


def test_an_image_that_leaves_the_filter_by_an_edit_stays_until_it_is_set_again(desk: Desk) -> None:
    choose(desk.images_panel, "Unlabelled")
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    assert len(shown(desk.images_panel)) == 4
    choose(desk.images_panel, "All")
    choose(desk.images_panel, "Unlabelled")
    assert shown(desk.images_panel) == ["part_01.png", "part_02.png", "part_03.png"]


def test_progress_and_badges_follow_every_edit(desk: Desk) -> None:
    panel = desk.images_panel
    assert panel.progress_text.text() == "0 of 4 labelled"
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    assert panel.progress_text.text() == "1 of 4 labelled"
    item = panel.model.item(0)
    assert (item.state, item.boxes) == (ImageState.LABELLED, 1)
    desk.key(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert panel.progress_text.text() == "0 of 4 labelled"


def test_a_click_shows_the_image(desk: Desk) -> None:
    view = desk.images_panel.view
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(view.model().index(2, 0)).center())
    assert desk.project.current_id == int(desk.project.rows.ids[2])


@pytest.mark.parametrize(("text", "row"), [("3", 2), ("part_01", 1), ("PART_03.png", 3)])
def test_go_to_takes_a_number_or_a_name(desk: Desk, text: str, row: int) -> None:
    assert desk.images_panel.go_to(text)
    assert desk.project.current_id == int(desk.project.rows.ids[row])


def test_go_to_finds_an_image_that_the_filter_hides(desk: Desk) -> None:
    desk.images_panel.filter.setText("part_00")
    assert desk.images_panel.go_to("part_03")
    assert desk.project.current_id == int(desk.project.rows.ids[3])
    assert not desk.images_panel.go_to("nothing like it")


def test_a_filter_without_a_match_offers_to_clear_it(desk: Desk) -> None:
    panel = desk.images_panel
    panel.filter.setText("no such image")
    assert panel.pages.currentWidget() is panel._no_match
    panel._no_match.button_clicked.emit()
    assert len(shown(panel)) == 4
    assert panel.view.currentIndex().row() == 0


def test_enter_in_the_filter_opens_the_first_match_and_goes_on_to_the_list(desk: Desk) -> None:
    panel = desk.images_panel
    panel.focus_filter()
    QTest.keyClicks(panel.filter, "_02")
    QTest.keyClick(panel.filter, Key.Key_Return)
    assert desk.project.current_id == int(desk.project.rows.ids[2])
    assert panel.view.hasFocus()


def test_thumbnails_come_when_a_row_is_painted(desk: Desk, qtbot) -> None:
    qtbot.waitUntil(lambda: desk.images_panel.model.thumbnail(0) is not None, timeout=10_000)
    assert not desk.images_panel.model.thumbnail(0).isNull()


def test_a_screen_reader_hears_name_state_count_and_split(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    text = desk.images_panel.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert text.startswith("part_00.png, Labelled, 1")


def test_choosing_a_state_shows_the_first_image_of_it(desk: Desk) -> None:
    project = desk.project
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    desk.images_panel.states.setFocus()
    QTest.keyClick(desk.images_panel.states, Key.Key_Down)
    assert desk.images_panel.states.currentText() == "Unlabelled"
    assert project.current_id == int(project.rows.ids[1])
    project.set_current(int(project.rows.ids[2]))
    QTest.keyClick(desk.images_panel.states, Key.Key_Up)
    QTest.keyClick(desk.images_panel.states, Key.Key_Down)
    assert project.current_id == int(project.rows.ids[2]), "an image that matches stays"


def test_a_filter_does_not_widen_the_panel(desk: Desk) -> None:
    panel = desk.images_panel
    width, least = panel.width(), panel.minimumSizeHint().width()
    for place in range(panel.states.count()):
        panel.states.setCurrentIndex(place)
        QApplication.processEvents()
        assert (panel.width(), panel.minimumSizeHint().width()) == (width, least)


def order(panel: ImageList, text: str) -> None:
    """Choose an entry of the order button's menu, as a click does."""
    next(entry for entry in panel.order_button.menu().actions() if entry.text() == text).trigger()


def test_images_are_sorted_by_their_boxes_and_next_follows(desk: Desk) -> None:
    ids = [int(i) for i in desk.project.rows.ids]
    for place, boxes in ((1, 2), (3, 5)):
        desk.project.set_current(ids[place])
        desk.add(*((10 * n, 10, 10 * n + 8, 40) for n in range(boxes)))
    order(desk.images_panel, "Most boxes first")
    assert shown(desk.images_panel) == ["part_03.png", "part_01.png", "part_00.png", "part_02.png"]
    assert desk.images_panel.view.currentIndex().row() == 0
    desk.key(Key.Key_D)
    assert desk.project.current_id == ids[1]
    desk.add((100, 100, 120, 120), (130, 100, 150, 120), (160, 100, 180, 120), (200, 100, 220, 120))
    assert shown(desk.images_panel)[0] == "part_03.png", "the list does not jump under the hand"
    QTest.keyClicks(desk.images_panel.filter, "part_0")
    assert shown(desk.images_panel)[0] == "part_01.png"
    choose(desk.images_panel, "Unlabelled")
    assert shown(desk.images_panel) == ["part_00.png", "part_02.png"]
    assert desk.images_panel.model.place_after(ids[3], 1) == 0, "a hidden one has its place too"


def test_names_are_sorted_as_people_count() -> None:
    names = ["img_10.png", "img_9.png", "b.png", "img_1.png", "2.png"]
    assert sorted(names, key=natural) == ["2.png", "b.png", "img_1.png", "img_9.png", "img_10.png"]


def test_filter_and_order_are_those_of_the_last_time(desk: Desk) -> None:
    memory = ViewMemory(desk.store)
    panel = ImageList(desk.project, desk.thumbnails, memory)
    QTest.keyClicks(panel.filter, "0")
    choose(panel, "Unlabelled")
    order(panel, "Fewest boxes first")
    memory.write()
    again = ImageList(desk.project, desk.thumbnails, ViewMemory(desk.store))
    assert (again.filter.text(), again.states.currentText()) == ("0", "Unlabelled")
    assert again.model.filter == panel.model.filter
    assert again.model.order == "fewest boxes"
    for made in (panel, again):
        made.deleteLater()


def test_a_row_says_what_its_badge_means(desk: Desk) -> None:
    desk.project.set_state(int(desk.project.rows.ids[0]), ImageState.VERIFIED)
    text = desk.images_panel.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert text == "part_00.png\nVerified · 0 boxes · in the split train"
