"""The list of classes beside the canvas: chosen, renamed, coloured, merged, deleted."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QColorDialog, QLineEdit, QMenu

from rcnn_studio.ui.label.category_dialogs import DeleteDialog, MergeDialog, RenameDialog
from tests.ui.desk import Desk

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
    assert [dialog.into.item(n).text() for n in range(dialog.into.count())] == ["nut", "washer"]
    QTest.keyClick(dialog.find, Qt.Key.Key_Down)
    assert dialog.text.text() == "This moves 1 box in 1 image to washer, and the class bolt is gone."
    dialog.go.click()
    qtbot.waitUntil(lambda: names(desk) == ["nut", "washer"], timeout=10_000)
    assert desk.class_names == ["washer"]
    assert desk.project.undo_stack.undoText() == "Merge class bolt into washer"


def test_of_hundreds_of_classes_a_few_letters_find_the_one_to_merge_into(desk: Desk, qtbot) -> None:
    for number in range(300):
        desk.project.add_category(f"part {number:03d}")
    desk.add(BOX)
    menu = menu_of_class(desk, 0)
    next(entry for entry in menu.actions() if entry.text() == "Merge into...").trigger()
    dialog = desk.categories.findChild(MergeDialog)
    assert dialog.focusWidget() is dialog.find, "typing narrows the list down at once"
    QTest.keyClicks(dialog.find, "no such part")
    assert not dialog.go.isEnabled()
    dialog.find.clear()
    QTest.keyClicks(dialog.find, "27")
    found = [dialog.into.item(n).text() for n in range(dialog.into.count())]
    assert found == [*(f"part {n}" for n in range(270, 280)), "part 027", "part 127", "part 227"]
    QTest.keyClick(dialog.find, Qt.Key.Key_Down)
    assert dialog.text.text() == "This moves 1 box in 1 image to part 271, and the class bolt is gone."
    dialog.go.click()
    qtbot.waitUntil(lambda: desk.project.undo_stack.undoText() == "Merge class bolt into part 271", timeout=10_000)
    qtbot.waitUntil(lambda: "bolt" not in names(desk), timeout=10_000)
    assert desk.class_names == ["part 271"]


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
