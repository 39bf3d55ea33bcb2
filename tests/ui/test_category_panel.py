"""What the list of classes shows and how its rows are found, moved and given keys, up to hundreds of classes."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu

from rcnn_studio.domain.runs import CategoryScore, RunInfo, Scores
from rcnn_studio.ui.label.category_palette import CategoryPalette, ranked
from tests.ui.desk import RUN, Desk

Key = Qt.Key
ALT = Qt.KeyboardModifier.AltModifier
BOX = (100, 80, 200, 160)


def names(desk: Desk) -> list[str]:
    return [c.name for c in desk.project.categories]


def shown(desk: Desk) -> list[str]:
    view = desk.categories.view
    return [name for row, name in enumerate(names(desk)) if not view.isRowHidden(row)]


def add_classes(desk: Desk, number: int) -> None:
    for n in range(number):
        desk.project.add_category(f"species {n:03d}")


def open_palette(desk: Desk) -> CategoryPalette:
    desk.key(Key.Key_L)
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, CategoryPalette) and w.isVisible())


def listed(palette: CategoryPalette) -> list[str]:
    return [palette.rows.index(row).data() for row in range(palette.rows.rowCount())]


# --- numbers --------------------------------------------------------------------------------------------


def test_a_row_tells_the_boxes_here_and_in_all(desk: Desk) -> None:
    desk.add(BOX, (10, 10, 50, 50), name="nut")
    model = desk.categories.model
    assert (model.count_here(1), model.count(1)) == (2, 2)
    desk.project.set_current(int(desk.project.rows.ids[1]))
    assert (model.count_here(1), model.count(1)) == (0, 2)


def test_the_score_of_the_chosen_run_stands_in_the_row(desk: Desk) -> None:
    score = CategoryScore(name="nut", boxes=4, AP=0.5, AP50=0.813)
    numbers = dict.fromkeys(("AP", "AP50", "AP75", "APs", "APm", "APl"), 0.5)
    recalls = dict.fromkeys(("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), 0.5)
    best = Scores(**numbers, **recalls, per_category=(score,))
    desk.review.run = RunInfo(
        id=RUN, path="", status="finished", preset="", epochs=1, seconds=1.0, best_epoch=1, best=best
    )
    desk.review.runs_changed.emit()
    model = desk.categories.model
    assert model.score(0) is None
    assert "AP50 0.81" in model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert RUN in desk.categories.view.delegate.explained(1, "score")


# --- order ----------------------------------------------------------------------------------------------


def test_alt_and_the_arrows_move_a_class_and_undo_brings_it_back(desk: Desk) -> None:
    view = desk.categories.view
    view.setCurrentIndex(desk.categories.model.index(0))
    desk.key(Key.Key_Down, ALT, on=view)
    assert names(desk) == ["nut", "bolt", "washer"]
    desk.key(Key.Key_Down, ALT, on=view)
    desk.key(Key.Key_Down, ALT, on=view)
    assert names(desk) == ["nut", "washer", "bolt"]
    assert view.currentIndex().row() == 2
    desk.project.undo_stack.undo()
    desk.project.undo_stack.undo()
    assert names(desk) == ["bolt", "nut", "washer"]
    assert not desk.project.undo_stack.canUndo()


@pytest.mark.parametrize(("row", "to", "after"), [(2, 0, "washer bolt nut"), (0, 2, "nut bolt washer")])
def test_a_row_dropped_between_others_goes_there(desk: Desk, row: int, to: int, after: str) -> None:
    model = desk.categories.model
    carried: QMimeData = model.mimeData([model.index(row)])
    assert model.dropMimeData(carried, Qt.DropAction.MoveAction, to, 0, QModelIndex())
    assert names(desk) == after.split()
    assert desk.project.undo_stack.undoText().startswith("Move class")


# --- keys and colours -----------------------------------------------------------------------------------


def test_a_key_that_is_taken_says_whose_it_is_and_moves_over(desk: Desk, qtbot) -> None:
    desk.actions["action.category.key"].trigger()
    menu = next(m for m in desk.categories.findChildren(QMenu) if m.isVisible())
    entry = next(a for a in menu.actions() if a.data() == "2")
    assert entry.text() == "2    taken from nut"
    with qtbot.waitSignal(desk.project.message) as said:
        entry.trigger()
    menu.close()
    assert [c.hotkey for c in desk.project.categories] == ["2", None, "3"]
    assert said.args[0] == "Key 2 was taken from nut."
    desk.project.undo_stack.undo()
    assert [c.hotkey for c in desk.project.categories] == ["1", "2", "3"]


def test_fresh_colours_for_all_classes_are_one_undo(desk: Desk) -> None:
    grey = [replace(c, color="#777777") for c in desk.project.categories]
    desk.project.arrange_categories(grey, "Grey")
    desk.actions["action.category.spread"].trigger()
    assert len({c.color for c in desk.project.categories}) == 3
    desk.project.undo_stack.undo()
    assert {c.color for c in desk.project.categories} == {"#777777"}


def test_the_menu_key_opens_the_menu_of_the_class_in_hand(desk: Desk) -> None:
    desk.project.set_active_category(desk.project.categories[2].id)
    desk.categories.more_button.click()
    menu = next(m for m in desk.categories.findChildren(QMenu) if m.isVisible())
    next(a for a in menu.actions() if a.text() == "Move up").trigger()
    menu.close()
    assert names(desk) == ["bolt", "washer", "nut"]


# --- hundreds of classes --------------------------------------------------------------------------------


def test_from_twelve_classes_on_there_is_a_field_to_find_one(desk: Desk) -> None:
    assert not desk.categories.filter.isVisible()
    add_classes(desk, 9)
    assert desk.categories.filter.isVisible()
    desk.categories.filter.setText("IES 003")
    assert shown(desk) == ["species 003"]
    desk.key(Key.Key_Return, on=desk.categories.filter)
    assert desk.project.category(desk.project.active_category_id).name == "species 003"
    assert desk.categories.filter.text() == ""
    assert len(shown(desk)) == 12


def test_a_name_that_is_not_found_is_added_with_enter(desk: Desk) -> None:
    add_classes(desk, 9)
    desk.categories.filter.setText("gear")
    assert desk.categories.pages.currentWidget() is desk.categories.no_match
    desk.key(Key.Key_Return, on=desk.categories.filter)
    assert names(desk)[-1] == "gear"
    assert desk.categories.pages.currentWidget() is desk.categories.view


def test_five_hundred_classes_scroll_and_open_the_palette_at_once(desk: Desk) -> None:
    add_classes(desk, 500)
    assert len({c.color for c in desk.project.categories}) == 503
    start = time.perf_counter()
    palette = open_palette(desk)
    palette.repaint()
    opened = time.perf_counter() - start
    QTest.keyClicks(palette.edit, "499")
    assert listed(palette)[0] == "species 499"
    QTest.keyClick(palette.edit, Key.Key_Escape)
    bar = desk.categories.view.verticalScrollBar()
    start = time.perf_counter()
    for step in range(20):
        bar.setValue(bar.maximum() * step // 20)
        desk.categories.view.viewport().repaint()
    assert opened < 0.5  # 0.02 s where nobody else works
    assert (time.perf_counter() - start) / 20 < 0.1


def test_a_rename_among_hundreds_leaves_the_list_where_it_was(desk: Desk) -> None:
    add_classes(desk, 60)
    view = desk.categories.view
    view.scrollTo(desk.categories.model.index(30))
    before = view.verticalScrollBar().value()
    desk.project.change_category(replace(desk.project.categories[30], name="oak"))
    assert view.verticalScrollBar().value() == before > 0
    desk.project.undo_stack.undo()


# --- type-ahead palette ---------------------------------------------------------------------------------


def test_what_starts_with_the_text_comes_first_then_what_was_used_lately(desk: Desk) -> None:
    for name in ("nutshell", "lock nut", "walnut", "nut big"):
        desk.project.add_category(name)
    ids = {c.name: c.id for c in desk.project.categories}
    order = [c.name for c in ranked(desk.project.categories, "nut", (ids["nut big"], ids["walnut"]))]
    assert order == ["nut big", "nut", "nutshell", "lock nut", "walnut"]
    everything = [c.name for c in ranked(desk.project.categories, "", (ids["walnut"],))]
    assert everything[:2] == ["walnut", "bolt"]


def test_the_class_drawn_last_stands_first_in_the_palette(desk: Desk) -> None:
    desk.add(BOX, name="washer")
    palette = open_palette(desk)
    assert listed(palette) == ["washer", "bolt", "nut"]
    QTest.keyClick(palette.edit, Key.Key_Escape)


def test_a_new_name_is_said_to_be_new_and_made_with_enter(desk: Desk) -> None:
    box = desk.add(BOX)[0]
    desk.project.set_selection([box.id])
    palette = open_palette(desk)
    QTest.keyClicks(palette.edit, "gear")
    assert listed(palette) == ["New class: gear"]
    assert palette.hint.text() == "Enter makes this class"
    QTest.keyClick(palette.edit, Key.Key_Return)
    assert desk.class_names == ["gear"]


def test_shift_and_enter_make_a_new_class_where_others_hold_the_text(desk: Desk) -> None:
    palette = open_palette(desk)
    QTest.keyClicks(palette.edit, "was")
    assert listed(palette) == ["washer", "New class: was"]
    QTest.keyClick(palette.edit, Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert names(desk)[-1] == "was"


def test_the_palette_opens_inside_the_screen(desk: Desk) -> None:
    palette = CategoryPalette(desk.project, desk.canvas)
    palette.open_at((5000.0, 5000.0))
    screen = palette.screen().availableGeometry()
    assert screen.contains(palette.geometry())
    palette.close()


def test_a_click_beside_the_name_field_takes_a_class(desk: Desk) -> None:
    box = desk.add(BOX)[0]
    desk.project.set_selection([box.id])
    palette = open_palette(desk)
    row = listed(palette).index("washer")
    at: QPoint = palette.list.visualRect(palette.rows.index(row)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert desk.class_names == ["washer"]


def test_renaming_by_key_opens_the_name_in_its_row(desk: Desk, qtbot) -> None:
    desk.project.set_active_category(desk.project.categories[1].id)
    desk.actions["action.category.rename"].trigger()
    editor = desk.categories.view.findChild(QLineEdit)
    editor.setText("hex nut")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: names(desk) == ["bolt", "hex nut", "washer"])


def test_renaming_twice_leaves_the_one_editor_open(desk: Desk, qtbot) -> None:
    for _ in range(2):
        desk.actions["action.category.rename"].trigger()
    editor = desk.categories.view.findChild(QLineEdit)
    assert editor.hasFocus()
    editor.setText("screw")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: names(desk) == ["screw", "nut", "washer"])
