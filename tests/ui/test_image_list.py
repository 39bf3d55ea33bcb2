"""The list of images: order, filter, badges, progress."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox, QToolButton, QWidget

from rcnn_studio.domain.dataset import TRAINABLE_STATES, BoxFlag, ImageState
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui import theme
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.browse.image_order import natural
from rcnn_studio.ui.browse.words import state_text
from rcnn_studio.workspace.view_memory import ViewMemory
from tests.ui.desk import Desk, make_project

Key = Qt.Key


def shown(panel: ImageList) -> list[str]:
    return [panel.model.item(place).name for place in range(panel.model.rowCount())]


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def choose(panel: ImageList, *states: str) -> None:
    """Open the popup of the filter and leave these states on, as clicks on their chips do."""
    click(panel.filter_button)
    for chip in panel.popup.states.chips.values():
        if chip.isChecked() != (chip.text() in states):
            click(chip)
    panel.popup.hide()


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
    choose(desk.images_panel)
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
    choose(desk.images_panel, "Unlabelled")
    assert project.current_id == int(project.rows.ids[1])
    project.set_current(int(project.rows.ids[2]))
    choose(desk.images_panel)
    choose(desk.images_panel, "Unlabelled")
    assert project.current_id == int(project.rows.ids[2]), "an image that matches stays"


def test_a_filter_does_not_widen_the_panel(desk: Desk) -> None:
    panel = desk.images_panel
    width, least = panel.width(), panel.minimumSizeHint().width()
    for place in range(1, 6):
        choose(panel, *[state_text(state) for state in list(ImageState)[:place]])
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
    assert (again.filter.text(), [chip.text() for chip in again.bar.chips]) == ("0", ["Unlabelled"])
    assert again.model.filter == panel.model.filter
    assert again.model.order == "fewest boxes"
    for made in (panel, again):
        made.deleteLater()


def test_a_row_says_what_its_badge_means(desk: Desk) -> None:
    desk.project.set_state(int(desk.project.rows.ids[0]), ImageState.VERIFIED)
    text = desk.images_panel.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert text == "part_00.png\nVerified · 0 boxes\ntrain: the model learns from these images"


# --- what no longer matches ---------------------------------------------------------------------------


def heard(panel: ImageList, place: int) -> str:
    return str(panel.model.index(place).data(Qt.ItemDataRole.AccessibleTextRole))


def test_rows_that_no_longer_match_say_so_and_go_with_a_refresh(desk: Desk) -> None:
    panel = desk.images_panel
    choose(panel, "Unlabelled")
    before = panel.view.grab().toImage()
    assert not panel.refresh.isVisible()
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    assert panel.refresh.text() == "1 no longer matches: refresh"
    assert panel.refresh.isVisible()
    assert "no longer matches" in heard(panel, 0)
    assert "no longer matches" not in heard(panel, 1)
    assert panel.view.grab().toImage() != before
    desk.key(Key.Key_D)
    desk.drag(20, 20, 90, 90)
    assert panel.refresh.text() == "2 no longer match: refresh"
    click(panel.refresh)
    assert shown(panel) == ["part_02.png", "part_03.png"]
    assert not panel.refresh.isVisible()


def test_an_undo_makes_a_row_match_again(desk: Desk) -> None:
    panel = desk.images_panel
    choose(panel, "Unlabelled")
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    desk.key(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not panel.refresh.isVisible()
    assert "no longer matches" not in heard(panel, 0)


def test_images_that_match_by_now_are_counted_until_a_refresh(desk: Desk) -> None:
    panel, project = desk.images_panel, desk.project
    project.set_state(int(project.rows.ids[1]), ImageState.VERIFIED)
    choose(panel, "Verified")
    project.set_state(int(project.rows.ids[3]), ImageState.VERIFIED)
    assert panel.refresh.text() == "1 more matches: refresh"
    click(panel.refresh)
    assert shown(panel) == ["part_01.png", "part_03.png"]


def test_an_image_opened_past_the_filter_stands_in_the_list_as_one_that_does_not_match(desk: Desk) -> None:
    panel, project = desk.images_panel, desk.project
    panel.filter.setText("part_00")
    project.set_current(int(project.rows.ids[2]))
    assert shown(panel) == ["part_00.png", "part_02.png"]
    assert panel.view.currentIndex().row() == 1
    assert "no longer matches" in heard(panel, 1)
    assert panel.place.number == 2


# --- conditions --------------------------------------------------------------------------------------


def test_classes_flags_and_sizes_are_combined_in_the_popup(desk: Desk) -> None:
    panel, project = desk.images_panel, desk.project
    ids = [int(i) for i in project.rows.ids]
    for row, (name, side) in enumerate((("bolt", 20), ("bolt", 60), ("nut", 60))):
        project.set_current(ids[row])
        desk.add((5, 5, 5 + side, 5 + side), name=name)
    project.toggle_flag([project.boxes[0].id], BoxFlag.DIFFICULT)
    click(panel.filter_button)
    popup = panel.popup
    assert popup.isVisible()
    items = popup.categories.list
    name_of_bolt = items.visualItemRect(items.item(0)).center()
    QTest.mouseClick(items.viewport(), Qt.MouseButton.LeftButton, pos=name_of_bolt)
    assert shown(panel) == ["part_00.png", "part_01.png"]
    click(popup.sizes.chips["medium"])
    assert shown(panel) == ["part_01.png"]
    assert project.current_id == ids[1], "whoever asks for images wants to see one"
    assert [chip.text() for chip in panel.bar.chips] == ["bolt", "Medium boxes (32 – 96 px)"]
    click(panel.bar.chips[0])
    assert shown(panel) == ["part_01.png", "part_02.png"]
    click(panel.filter_button)
    click(popup.flags.chips[BoxFlag.DIFFICULT])
    assert shown(panel) == ["part_02.png"]
    click(popup.clear_button)
    assert len(shown(panel)) == 4
    assert not panel.bar.isVisible()
    popup.hide()


def test_a_range_of_boxes_is_asked_for_in_numbers(desk: Desk) -> None:
    panel = desk.images_panel
    desk.add((5, 5, 25, 25), (30, 30, 60, 60))
    click(panel.filter_button)
    field = panel.popup.boxes.findChildren(QSpinBox)[0]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2")
    QTest.keyClick(field, Key.Key_Return)
    assert shown(panel) == ["part_00.png"]
    assert [chip.text() for chip in panel.bar.chips] == ["2 boxes or more"]
    panel.popup.hide()


def test_a_filter_is_saved_under_a_name_taken_up_again_and_forgotten(desk: Desk) -> None:
    panel, popup = desk.images_panel, desk.images_panel.popup
    desk.add((5, 5, 25, 25))
    click(panel.filter_button)
    assert not popup.save_button.isEnabled()
    click(popup.states.chips[ImageState.LABELLED])
    click(popup.name)
    QTest.keyClicks(popup.name, "done")
    QTest.keyClick(popup.name, Key.Key_Return)
    assert popup.saved_chips["done"].isChecked()
    click(popup.clear_button)
    assert len(shown(panel)) == 4
    assert not popup.saved_chips["done"].isChecked()
    click(popup.saved_chips["done"])
    assert shown(panel) == ["part_00.png"]
    forget = next(b for b in popup.findChildren(QToolButton) if b.accessibleName() == "Forget the filter done")
    click(forget)
    assert popup.saved_chips == {}
    popup.hide()


def test_a_condition_that_nothing_can_fulfil_yet_cannot_be_chosen(desk: Desk) -> None:
    panel = desk.images_panel
    click(panel.filter_button)
    assert not panel.popup.detections.isEnabled()
    assert "Predict" in panel.popup.detections.toolTip()
    assert not panel.popup.changed.isEnabled()
    panel.popup.hide()
    panel.set_query(ImageQuery(detections=True))
    assert "Predict All Images" in panel._no_match._hint.text()


def test_the_image_edited_last_comes_first_in_that_order(desk: Desk) -> None:
    ids = [int(i) for i in desk.project.rows.ids]
    for row in (2, 0):
        desk.project.set_state(ids[row], ImageState.VERIFIED)
    order(desk.images_panel, "Changed last first")
    assert shown(desk.images_panel)[:2] == ["part_00.png", "part_02.png"]


# --- the view ----------------------------------------------------------------------------------------


@pytest.fixture
def long_desk(qtbot, tmp_path: Path) -> Iterator[Desk]:
    """Forty images."""
    made = Desk(make_project(tmp_path, images=40))
    qtbot.waitUntil(lambda: made.canvas.image_shown and made.canvas.width() > 300, timeout=10_000)
    yield made
    made.close()


def rows_in_sight(panel: ImageList) -> list[int]:
    """Those that are wholly in view."""
    area, model = panel.view.viewport().rect(), panel.model
    return [r for r in range(model.rowCount()) if area.contains(panel.view.visualRect(model.index(r)))]


@pytest.mark.parametrize("clicks", [1, 2])
def test_a_click_opens_the_very_row_it_was_on(long_desk: Desk, clicks: int) -> None:
    panel = long_desk.images_panel
    row = rows_in_sight(panel)[-1]
    view = panel.view.viewport()
    at = panel.view.visualRect(panel.model.index(row, 0)).center()
    for _ in range(clicks):
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at)
        QTest.mouseMove(view, at + QPoint(1, 0))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at)
    QApplication.processEvents()
    assert panel.view.currentIndex().row() == row
    assert [index.row() for index in panel.view.selectedIndexes()] == [row]
    assert long_desk.project.current_id == int(long_desk.project.rows.ids[row])
    assert panel.view.visualRect(panel.model.index(row, 0)).contains(at), "the list moved under the mouse"


def test_two_rows_before_and_after_the_open_image_stay_in_sight(long_desk: Desk) -> None:
    panel = long_desk.images_panel
    for _ in range(20):
        long_desk.key(Key.Key_D)
        row = panel.view.currentIndex().row()
        assert {row + 1, row + 2} <= set(rows_in_sight(panel))
    for _ in range(15):
        long_desk.key(Key.Key_A)
        row = panel.view.currentIndex().row()
        assert {row - 1, row - 2} <= set(rows_in_sight(panel))


def test_a_low_list_has_low_rows_so_that_more_of_them_are_seen(long_desk: Desk, qtbot) -> None:
    panel, window = long_desk.images_panel, long_desk.window
    tall = panel.view.visualRect(panel.model.index(0)).height()
    long_desk.project.set_current(int(long_desk.project.rows.ids[20]))
    window.resize(1500, 360)
    qtbot.waitUntil(lambda: panel.view.visualRect(panel.model.index(0)).height() < tall)
    assert len(rows_in_sight(panel)) >= 5
    qtbot.waitUntil(lambda: {18, 19, 20, 21, 22} <= set(rows_in_sight(panel)))
    window.resize(1500, 760)
    qtbot.waitUntil(lambda: panel.view.visualRect(panel.model.index(0)).height() == tall)


def test_home_and_end_go_to_the_first_and_the_last_image(long_desk: Desk) -> None:
    panel, project = long_desk.images_panel, long_desk.project
    for widget in (long_desk.canvas, panel.view):
        long_desk.key(Key.Key_End, on=widget)
        assert project.current_id == int(project.rows.ids[-1])
        assert panel.view.currentIndex().row() == 39
        long_desk.key(Key.Key_Home, on=widget)
        assert project.current_id == int(project.rows.ids[0])


def test_page_keys_in_the_list_turn_a_page(long_desk: Desk) -> None:
    panel = long_desk.images_panel
    seen = len(rows_in_sight(panel))
    long_desk.key(Key.Key_PageDown, on=panel.view)
    row = panel.view.currentIndex().row()
    assert seen - 3 <= row <= seen + 1
    assert long_desk.project.current_id == int(long_desk.project.rows.ids[row])
    long_desk.key(Key.Key_PageUp, on=panel.view)
    assert panel.view.currentIndex().row() == 0


# --- the queue, and the whole ------------------------------------------------------------------------


def test_the_queue_stops_at_what_is_not_decided_and_keeps_to_the_filter(long_desk: Desk) -> None:
    panel, project = long_desk.images_panel, long_desk.project
    ids = [int(i) for i in project.rows.ids]
    for row in (1, 2, 4):
        project.set_state(ids[row], ImageState.VERIFIED)
    project.set_state(ids[5], ImageState.CONFIRMED_EMPTY)
    assert panel.go_in_queue(1)
    assert project.current_id == ids[3]
    assert panel.go_in_queue(1)
    assert project.current_id == ids[6]
    assert panel.go_in_queue(-1)
    assert project.current_id == ids[3]
    QTest.keyClicks(panel.filter, "part_3")
    assert panel.go_in_queue(1)
    assert project.current_id == ids[30]
    project.set_current(ids[39])
    said: list[str] = []
    project.message.connect(said.append)
    assert not panel.go_in_queue(1)
    assert said == ["No image after this one has anything to decide."]


def test_the_bar_shows_labelled_and_verified_of_all_images_and_of_each_split(desk: Desk) -> None:
    panel, project = desk.images_panel, desk.project
    bar = panel.progress_bar
    empty = bar.grab().toImage()
    desk.add((5, 5, 25, 25))
    project.set_state(int(project.rows.ids[1]), ImageState.VERIFIED)
    assert (bar.verified, bar.labelled, bar.total) == (1, 2, 4)
    assert bar.grab().toImage() != empty
    assert "2 of 4 images labelled, 1 of them verified" in bar.accessibleName()
    lines = bar.explain().splitlines()
    assert "Verified: 1" in lines
    assert "train: 2 of 2 labelled, 1 verified" in lines
    assert "no split: 0 of 2 labelled, 0 verified" in lines


def test_escape_empties_the_field_and_then_gives_the_keys_back(desk: Desk, qtbot) -> None:
    panel = desk.images_panel
    panel.focus_filter()
    QTest.keyClicks(panel.filter, "_02")
    QTest.keyClick(panel.filter, Key.Key_Escape)
    assert panel.filter.text() == ""
    assert panel.filter.hasFocus()
    with qtbot.waitSignal(panel.left):
        QTest.keyClick(panel.filter, Key.Key_Escape)
    QTest.keyClick(QApplication.focusWidget(), Key.Key_W)
    assert panel.filter.text() == ""
    assert desk.canvas.tool == "draw"


def test_enter_marks_the_only_hit_as_the_open_one(desk: Desk) -> None:
    panel = desk.images_panel
    panel.focus_filter()
    QTest.keyClicks(panel.filter, "_02")
    QTest.keyClick(panel.filter, Key.Key_Return)
    assert [index.row() for index in panel.view.selectionModel().selectedIndexes()] == [0]
    row = panel.view.visualRect(panel.model.index(0))
    picture = panel.view.viewport().grab(row).toImage()
    accent = QColor(theme.colors_of(panel.view.palette()).accent)
    assert picture.pixelColor(1, picture.height() // 2) == accent


def test_the_mark_that_clears_the_field_is_there_only_with_a_text(desk: Desk, qtbot) -> None:
    panel = desk.images_panel
    QTest.keyClicks(panel.filter, "_02")
    clear = next(b for b in panel.filter.findChildren(QToolButton) if "clear" in b.defaultAction().objectName())
    panel.set_query(ImageQuery(states=frozenset({ImageState.UNLABELLED})))
    assert panel.filter.text() == ""
    qtbot.waitUntil(lambda: float(clear.property("opacity")) == 0.0)
    panel.set_query(ImageQuery(text="_02"))
    qtbot.waitUntil(lambda: float(clear.property("opacity")) == 1.0)


def chips_seen(panel: ImageList) -> list[str]:
    """The texts of the chips that can be seen in full height."""
    bar = panel.bar
    return [c.text() for c in bar.chips if c.isVisible() and bar.rect().contains(c.geometry()) and bar.isVisible()]


def test_one_condition_in_place_of_another_has_its_chip_in_sight(desk: Desk) -> None:
    panel = desk.images_panel
    QTest.keyClicks(panel.filter, "_02")
    panel.set_query(ImageQuery(states=frozenset({ImageState.UNLABELLED})))
    assert chips_seen(panel) == ["Unlabelled"]
    panel.set_query(ImageQuery(states=TRAINABLE_STATES, boxes=(3.0, 3.0)))
    assert chips_seen(panel) == ["Trained on", "3 boxes"]
    assert "Labelled or Nothing here or Verified" in panel.bar.chips[0].toolTip()
    panel.set_query(ImageQuery(splits=frozenset({"train"})))
    assert chips_seen(panel) == ["In train"]


def test_a_chip_that_is_too_long_loses_its_end_and_says_all_in_its_tooltip(desk: Desk) -> None:
    states = frozenset({ImageState.UNLABELLED, ImageState.CONFIRMED_EMPTY, ImageState.NEEDS_FIX})
    panel = desk.images_panel
    panel.setFixedWidth(150)
    panel.set_query(ImageQuery(states=states))
    chip = panel.bar.chips[0]
    QApplication.processEvents()
    assert chip.text().startswith("Unlabelled or")
    assert chip.text().endswith("…")
    assert chip.toolTip().startswith("Unlabelled or Nothing here or Needs fix: ")
    assert chip.fontMetrics().horizontalAdvance(chip.text()) < chip.width()
    panel.setFixedWidth(400)
    QApplication.processEvents()
    assert len(chip.text()) > 15


def test_a_row_says_in_words_what_its_split_is_for(desk: Desk) -> None:
    desk.key(Key.Key_W)
    desk.drag(20, 20, 90, 90)
    tip = desk.images_panel.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.endswith("train: the model learns from these images")
    click(desk.images_panel.filter_button)
    assert "never learns" in desk.images_panel.popup.splits.chips["val"].toolTip()
    desk.images_panel.popup.hide()


def test_every_row_of_the_popup_has_a_caption_of_its_own(desk: Desk) -> None:
    panel = desk.images_panel
    click(panel.filter_button)
    popup = panel.popup
    for part, caption in ((popup.sizes, "size"), (popup.boxes, "Boxes in the image")):
        above = [label for label in popup.findChildren(QLabel) if label.parent() is popup and label.y() < part.y()]
        assert caption in max(above, key=lambda label: label.y()).text()
        label = max(above, key=lambda label: label.y())
        assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()
    assert popup.side.y() > popup.sizes.y()
    popup.hide()
