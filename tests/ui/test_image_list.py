"""The list of images: order, filter, badges, progress."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.ui.browse.image_list import ImageList
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
    desk.key(Key.Key_D)
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
