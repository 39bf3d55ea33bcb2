"""The table of actions: every key means one thing, every action says what it is."""

from __future__ import annotations

from collections import defaultdict

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLineEdit, QMainWindow, QMenu

from rcnn_studio.formats.bundled import resources_dir
from rcnn_studio.ui.actions import ACTIONS, build_actions, fill_menu
from tests.ui.desk import Desk


def test_no_key_means_two_things() -> None:
    """The canvas lies in the window, so that its keys must not be the window's either."""
    owners: dict[str, list[str]] = defaultdict(list)
    for spec in ACTIONS:
        for key in (*spec.keys, *spec.fixed_keys, *spec.held_keys):
            owners[QKeySequence(key).toString()].append(spec.id)
    assert {key: ids for key, ids in owners.items() if len(ids) > 1} == {}


def test_every_key_is_one_that_qt_knows() -> None:
    assert [s.id for s in ACTIONS for key in s.keys if QKeySequence(key).toString() == ""] == []


def test_ids_are_unique_and_every_icon_is_there() -> None:
    assert len({spec.id for spec in ACTIONS}) == len(ACTIONS)
    missing = [s.id for s in ACTIONS if s.icon and not (resources_dir() / "icons" / f"{s.icon}.svg").is_file()]
    assert missing == []


def test_single_letters_never_act_in_the_whole_window() -> None:
    """Text fields and tables keep their letters."""
    loud = [s.id for s in ACTIONS if s.scope == "window" for key in s.keys if len(key) == 1]
    assert loud == []


def test_an_action_has_its_id_its_key_in_the_tooltip_and_an_icon(qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = build_actions(window)
    draw = actions["action.tool.draw"]
    assert draw.objectName() == "action.tool.draw"
    assert "(W)" in draw.toolTip()
    assert not draw.icon().isNull()
    assert draw.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut
    assert actions["action.edit.undo"].shortcutContext() == Qt.ShortcutContext.WindowShortcut


def test_menus_follow_the_table(qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = build_actions(window)
    menu = QMenu(window)
    fill_menu(menu, "edit", actions)
    names = [action.objectName() for action in menu.actions()]
    assert names[:2] == ["action.edit.undo", "action.edit.redo"]
    assert "action.box.paste_previous" in names


def test_icons_take_other_colours_when_the_theme_changes(qtbot) -> None:
    from PySide6.QtGui import QColor, QPalette

    from rcnn_studio.ui.theme import DARK, make_palette

    window = QMainWindow()
    qtbot.addWidget(window)
    actions = build_actions(window)
    before = actions["action.box.delete"].icon().pixmap(16).toImage()
    window.setPalette(make_palette(DARK))
    after = actions["action.box.delete"].icon().pixmap(16).toImage()
    assert before != after
    assert window.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)


def test_letters_typed_into_a_field_stay_there(desk: Desk, qtbot) -> None:
    field = desk.images_panel.findChild(QLineEdit, "image_filter")
    field.setFocus()
    qtbot.keyClicks(field, "wad0")
    assert field.text() == "wad0"
    assert desk.canvas.tool == "select"


def test_letters_in_the_image_list_are_the_canvas_keys(desk: Desk) -> None:
    desk.key(Qt.Key.Key_W, on=desk.images_panel.view)
    assert desk.canvas.tool == "draw"
    first = desk.project.current_id
    desk.key(Qt.Key.Key_D, on=desk.images_panel.view)
    assert desk.project.current_id != first
