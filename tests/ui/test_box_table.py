"""The table of boxes beside the canvas: read, typed in, sorted, and acted on by keys alone."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QToolTip

from rcnn_studio.domain.dataset import BoxFlag, BoxSource
from rcnn_studio.domain.detections import Detections
from rcnn_studio.ui.label import box_table
from rcnn_studio.ui.label.category_palette import CategoryPalette
from tests.ui.desk import HEIGHT, WIDTH, Desk

Key = Qt.Key
BOX = (100, 80, 200, 160)
OTHER = (10, 10, 50, 50)


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


def type_into(desk: Desk, row: int, column: int, text: str) -> QLineEdit:
    """Open a cell, type, press Enter. -> the field, open still where the text was refused"""
    index = desk.table.boxes.index(row, column)
    desk.table.setCurrentIndex(index)
    desk.table.edit(index)
    editor = desk.table.findChildren(QLineEdit)[-1]
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Key.Key_Return)
    return editor


def palette_of(desk: Desk) -> CategoryPalette:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, CategoryPalette) and w.isVisible())


def test_what_is_wrong_is_said_at_the_cell_and_escape_brings_the_number_back(desk: Desk) -> None:
    desk.add(BOX)
    editor = type_into(desk, 0, box_table.WIDTH, "0,2")
    assert editor.isVisible()
    assert QToolTip.text() == "A box is at least 1 pixel wide and high"
    assert editor.accessibleDescription() == QToolTip.text()
    QTest.keyClick(editor, Key.Key_Escape)
    assert cell(desk, 0, box_table.WIDTH) == "100"
    assert desk.corners == [BOX]
    QToolTip.hideText()


def test_a_decimal_comma_is_understood(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    type_into(desk, 0, box_table.X, "30,5")
    qtbot.waitUntil(lambda: desk.corners == [(30.5, 80, 130.5, 160)])


def test_corners_can_be_chosen_for_the_columns_and_an_edge_is_typed_alone(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    with qtbot.waitSignal(desk.table.corners_changed):
        desk.table.set_corners(True)
    model = desk.table.boxes
    titles = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(1, 5)]
    assert titles == ["left", "top", "right", "bottom"]
    assert [cell(desk, 0, column) for column in range(1, 5)] == ["100", "80", "200", "160"]
    type_into(desk, 0, box_table.X, "120")
    qtbot.waitUntil(lambda: desk.corners == [(120, 80, 200, 160)])
    editor = type_into(desk, 0, box_table.WIDTH, "110")
    assert QToolTip.text() == "This edge would lie beyond the opposite one"
    QTest.keyClick(editor, Key.Key_Escape)
    QToolTip.hideText()
    assert desk.corners == [(120, 80, 200, 160)]


def test_one_class_is_given_to_all_selected_rows_by_keys_alone_as_one_undo(desk: Desk) -> None:
    desk.add(BOX, OTHER)
    desk.add((60, 10, 90, 40), name="nut")
    desk.table.setFocus()
    desk.table.setCurrentIndex(desk.table.boxes.index(0, box_table.CLASS))
    desk.key(Key.Key_Down, Qt.KeyboardModifier.ShiftModifier, on=desk.table)
    desk.key(Key.Key_L, on=desk.table)
    palette = palette_of(desk)
    QTest.keyClicks(palette.edit, "was")
    QTest.keyClick(palette.edit, Key.Key_Return)
    assert desk.class_names == ["washer", "washer", "nut"]
    desk.project.undo_stack.undo()
    assert desk.class_names == ["bolt", "bolt", "nut"]


def test_a_class_key_and_a_flag_key_act_on_all_selected_rows(desk: Desk) -> None:
    desk.add(BOX, OTHER)
    desk.table.selectAll()
    desk.table.setCurrentIndex(desk.table.boxes.index(0, box_table.CLASS))
    desk.table.selectAll()
    desk.key(Key.Key_2, on=desk.table)
    assert desk.class_names == ["nut", "nut"]
    steps = desk.project.undo_stack.count()
    desk.key(Key.Key_T, on=desk.table)
    assert [box.flags for box in desk.project.boxes] == [BoxFlag.TRUNCATED, BoxFlag.TRUNCATED]
    assert desk.project.undo_stack.count() == steps + 1


def test_a_digit_on_a_number_begins_that_number(desk: Desk, qtbot) -> None:
    desk.add(BOX)
    desk.table.setCurrentIndex(desk.table.boxes.index(0, box_table.X))
    desk.key(Key.Key_2, on=desk.table)
    editor = desk.table.findChildren(QLineEdit)[-1]
    QTest.keyClicks(editor, "5")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: desk.corners == [(25, 80, 125, 160)])
    assert desk.class_names == ["bolt"]


def test_a_header_sorts_up_down_and_back_and_an_edit_moves_no_row(desk: Desk) -> None:
    desk.add(BOX, OTHER, (60, 10, 90, 40))
    header = desk.table.horizontalHeader()
    lefts = lambda: [cell(desk, row, box_table.X) for row in range(3)]  # noqa: E731
    header.sectionClicked.emit(box_table.X)
    assert lefts() == ["10", "60", "100"]
    assert desk.table.boxes.headerData(box_table.X, Qt.Orientation.Horizontal) == "x\u2191"
    desk.table.boxes.setData(desk.table.boxes.index(0, box_table.X), "200")
    assert lefts() == ["200", "60", "100"]
    header.sectionClicked.emit(box_table.X)
    assert lefts() == ["200", "100", "60"]
    header.sectionClicked.emit(box_table.X)
    assert lefts() == ["100", "200", "60"]


def test_the_selection_follows_a_sorted_table_both_ways(desk: Desk) -> None:
    first, second = (box.id for box in desk.add(BOX, OTHER))
    desk.table.horizontalHeader().sectionClicked.emit(box_table.X)
    desk.click(30, 30)
    assert {i.row() for i in desk.table.selectionModel().selectedRows()} == {0}
    assert desk.project.selection == {second}
    desk.table.selectRow(1)
    assert desk.project.selection == {first}


def test_the_source_names_the_run_and_says_what_was_changed_since(desk: Desk) -> None:
    found = Detections.make([BOX], [desk.project.categories[0].id], [0.876])
    desk.project.accept_detections(found, run_id="2026-01-01_1200_test")
    box = desk.project.boxes[0]
    assert box.source == BoxSource.RUN
    assert cell(desk, 0, box_table.SOURCE) == "model"
    desk.project.nudge([box.id], 3, 0)
    assert cell(desk, 0, box_table.SOURCE) == "model*"
    index = desk.table.boxes.index(0, box_table.SOURCE)
    words = "accepted from run 2026-01-01_1200_test, score 0.88, changed since"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == words
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == f"From {words}"


def test_boxes_of_a_locked_class_are_read_but_not_typed_in(desk: Desk) -> None:
    desk.add(BOX)
    desk.project.category_view.set_locked([desk.project.categories[0].id], True)
    index = desk.table.boxes.index(0, box_table.X)
    assert not index.flags() & Qt.ItemFlag.ItemIsEditable
    desk.table.selectRow(0)
    desk.key(Key.Key_Delete, on=desk.table)
    assert desk.corners == [BOX]


def test_the_menu_of_a_row_reaches_class_flags_and_delete(desk: Desk) -> None:
    desk.add(BOX)
    desk.table.selectRow(0)
    desk.table.customContextMenuRequested.emit(QPoint(20, 10))
    menu = next(m for m in desk.table.findChildren(QMenu) if m.isVisible())
    texts = [entry.text() for entry in menu.actions() if entry.text()]
    assert texts == ["Class...", "Flags", "Delete", "Columns"]
    menu.actions()[2].trigger()
    menu.close()
    assert desk.corners == []


def test_five_thousand_boxes_stay_usable(desk: Desk, qtbot) -> None:
    """Generous bounds: they catch work that grows with the square of the boxes, not a slow machine."""
    many = [(x * 3.0, y * 3.0, x * 3.0 + 2, y * 3.0 + 2) for x in range(100) for y in range(50)]
    box = desk.add(BOX)[0]
    boxes = [box.moved_to(*corners) for corners in many]
    start = time.perf_counter()
    desk.project.add_boxes(boxes, "Many")
    desk.table.horizontalHeader().sectionClicked.emit(box_table.X)
    desk.table.selectAll()
    desk.project.set_selection([desk.project.boxes[-1].id])
    QApplication.processEvents()
    assert desk.table.boxes.rowCount() == 5001
    assert len(desk.table.selectionModel().selectedRows()) == 1
    assert time.perf_counter() - start < 6.0
