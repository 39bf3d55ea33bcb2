"""The classes and the table of boxes beside the canvas."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog, QLineEdit, QMenu

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label import box_table
from rcnn_studio.ui.label.category_dialogs import DeleteDialog, MergeDialog, RenameDialog
from tests.ui.desk import HEIGHT, WIDTH, Desk

Key = Qt.Key
BOX = (100, 80, 200, 160)


def names(desk: Desk) -> list[str]:
    return [c.name for c in desk.project.categories]


def click_class(desk: Desk, row: int, *, x: int = 60, double: bool = False) -> None:
    view = desk.categories.view
    area = view.visualRect(view.model().index(row, 0))
    act = QTest.mouseDClick if double else QTest.mouseClick
    act(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(area.left() + x, area.center().y()))


def menu_of_class(desk: Desk, row: int) -> QMenu:
    view = desk.categories.view
    view.customContextMenuRequested.emit(view.visualRect(view.model().index(row, 0)).center())
    return next(menu for menu in desk.categories.findChildren(QMenu) if menu.title() == "")


# --- classes --------------------------------------------------------------------------------------------


def test_a_click_on_a_class_makes_the_next_box_one_of_it(desk: Desk) -> None:
    click_class(desk, 2)
    desk.key(Key.Key_W)
    desk.drag(*BOX)
    assert desk.class_names == ["washer"]
    assert desk.categories.model.count(2) == 1


def test_a_double_click_renames_and_undo_takes_it_back(desk: Desk, qtbot) -> None:
    click_class(desk, 1)
    click_class(desk, 1, double=True)
    editor = desk.categories.view.findChild(QLineEdit)
    editor.setText("hex nut")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: names(desk) == ["bolt", "hex nut", "washer"])
    desk.key(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert names(desk) == ["bolt", "nut", "washer"]


def test_a_name_that_is_taken_is_refused_with_a_word(desk: Desk, qtbot) -> None:
    model = desk.categories.model
    with qtbot.waitSignal(desk.project.message) as message:
        model.setData(model.index(1), "bolt")
    assert "bolt" in message.args[0]
    assert names(desk) == ["bolt", "nut", "washer"]


def test_the_plus_button_adds_a_class_and_opens_its_name(desk: Desk, qtbot) -> None:
    desk.categories.add_button.click()
    editor = desk.categories.view.findChild(QLineEdit)
    editor.setText("gear")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: names(desk) == ["bolt", "nut", "washer", "gear"])
    assert desk.project.categories[-1].hotkey == "4"


def test_a_class_without_boxes_is_removed_and_one_with_boxes_only_after_a_question(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    click_class(desk, 1)
    desk.categories.remove_button.click()
    assert names(desk) == ["bolt", "washer"]
    click_class(desk, 0)
    desk.categories.remove_button.click()
    dialog = desk.categories.findChild(DeleteDialog)
    assert dialog.text.text() == "This deletes the class bolt with 1 box in 1 image."
    dialog.reject()
    assert names(desk) == ["bolt", "washer"]
    desk.categories.remove_button.click()
    desk.categories.findChildren(DeleteDialog)[-1].go.click()
    qtbot.waitUntil(lambda: names(desk) == ["washer"], timeout=10_000)
    assert desk.project.boxes == ()
    desk.project.undo_stack.undo()
    qtbot.waitUntil(lambda: names(desk) == ["bolt", "washer"], timeout=10_000)
    assert desk.corners == [BOX]


def test_the_menu_merges_a_class_into_another(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    click_class(desk, 0)
    menu = menu_of_class(desk, 0)
    next(entry for entry in menu.actions() if entry.text() == "Merge into...").trigger()
    dialog = desk.categories.findChild(MergeDialog)
    assert [dialog.into.itemText(n) for n in range(dialog.into.count())] == ["nut", "washer"]
    dialog.into.setCurrentIndex(1)
    assert dialog.text.text() == "This moves 1 box in 1 image to washer, and the class bolt is gone."
    dialog.go.click()
    qtbot.waitUntil(lambda: names(desk) == ["nut", "washer"], timeout=10_000)
    assert desk.class_names == ["washer"]
    assert desk.project.undo_stack.undoText() == "Merge class bolt into washer"


def test_a_rename_says_what_it_reaches_and_the_name_of_another_class_makes_it_a_merge(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    click_class(desk, 0)
    menu = menu_of_class(desk, 0)
    next(entry for entry in menu.actions() if entry.text() == "Rename...").trigger()
    dialog = desk.categories.findChild(RenameDialog)
    assert not dialog.go.isEnabled()
    dialog.name.setText("screw")
    assert dialog.text.text() == "This renames 1 box in 1 image."
    dialog.name.setText("nut")
    assert dialog.text.text().startswith("There is a class nut already")
    assert dialog.go.text() == "Merge"
    dialog.name.setText("screw")
    dialog.go.click()
    assert names(desk) == ["screw", "nut", "washer"]
    assert desk.project.undo_stack.undoText() == "Rename bolt to screw"


def test_a_double_click_on_the_swatch_asks_for_a_colour(desk: Desk, qtbot) -> None:
    click_class(desk, 0, x=18)
    click_class(desk, 0, x=18, double=True)
    dialog = desk.categories.findChild(QColorDialog)
    assert dialog is not None
    dialog.colorSelected.emit(dialog.currentColor().fromString("#123456"))
    dialog.close()
    assert desk.project.categories[0].color == "#123456"


def test_the_number_of_boxes_follows_every_edit(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50), name="nut")
    assert desk.categories.model.count(1) == 2
    desk.key(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.categories.model.count(1) == 1


# --- table of boxes ---------------------------------------------------------------------------------------


def cell(desk: Desk, row: int, column: int) -> str:
    return desk.table.boxes.index(row, column).data()


def test_the_table_shows_what_the_canvas_shows(desk: Desk) -> None:
    desk.add(BOX, name="nut")
    assert [cell(desk, 0, column) for column in range(5)] == ["nut", "100", "80", "100", "80"]
    assert cell(desk, 0, box_table.SOURCE) == "drawn"


def test_selection_goes_both_ways(desk: Desk) -> None:
    first, second = (b.id for b in desk.add(BOX, (10, 10, 50, 50)))
    desk.click(30, 30)
    assert {i.row() for i in desk.table.selectionModel().selectedRows()} == {1}
    where = desk.table.visualRect(desk.table.boxes.index(0, 1)).center()
    QTest.mouseClick(desk.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert desk.project.selection == {first}
    desk.table.selectAll()
    assert desk.project.selection == {first, second}


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (box_table.X, "30", (30, 80, 130, 160)),
        (box_table.Y, "1000", (100, HEIGHT - 80, 200, HEIGHT)),
        (box_table.WIDTH, "1000", (100, 80, WIDTH, 160)),
        (box_table.HEIGHT, "12.5", (100, 80, 200, 92.5)),
    ],
)
def test_numbers_are_edited_in_place_and_stay_in_the_image(desk: Desk, qtbot, column, value, expected) -> None:
    desk.add(BOX)
    index = desk.table.boxes.index(0, column)
    desk.table.setCurrentIndex(index)
    desk.table.edit(index)
    editor = desk.table.findChild(QLineEdit)
    editor.setText(value)
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: desk.corners == [expected])


def test_a_word_is_no_number_and_changes_nothing(desk: Desk) -> None:
    desk.add(BOX)
    index = desk.table.boxes.index(0, box_table.X)
    desk.table.edit(index)
    editor = desk.table.findChild(QLineEdit)
    QTest.keyClick(editor, Key.Key_Backspace)
    QTest.keyClicks(editor, "abc")
    QTest.keyClick(editor, Key.Key_Return)
    assert desk.corners == [BOX]


def test_the_class_is_chosen_in_the_table(desk: Desk) -> None:
    desk.add(BOX)
    index = desk.table.boxes.index(0, box_table.CLASS)
    desk.table.boxes.setData(index, desk.project.categories[2].id)
    assert desk.class_names == ["washer"]


def test_flags_are_ticked_in_the_table(desk: Desk) -> None:
    desk.add(BOX)
    desk.table.selectRow(0)
    menu = desk.table.show_flags_menu(QPoint(0, 0))
    next(a for a in menu.actions() if a.text() == "Truncated").trigger()
    menu.close()
    assert desk.project.boxes[0].flags == BoxFlag.TRUNCATED
    assert cell(desk, 0, box_table.FLAGS) == "T"


def test_delete_in_the_table_deletes_the_selected_boxes(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50))
    desk.table.selectRow(0)
    desk.key(Key.Key_Delete, on=desk.table)
    assert desk.corners == [(10, 10, 50, 50)]
