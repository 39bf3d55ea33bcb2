"""Messages and hints below the image: they cover nothing, follow the keys, and go when they are dismissed."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from rcnn_studio.app import create_window
from rcnn_studio.ui.dialogs.key_sheet import KeySheet
from rcnn_studio.ui.dialogs.settings_dialog import SettingsDialog
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.theme import ThemeMode
from tests.e2e.hands import Hands

LONG = "A message that is far too long for one line of the window and goes on and on, with names of files in it. " * 4


def place(widget: QWidget, window: MainWindow) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("text", ["Short.", LONG], ids=["short", "long"])
def test_a_message_covers_neither_the_image_nor_a_panel(qtbot, hands: Hands, text: str) -> None:
    window = hands.window
    window.resize(1280, 720)
    window.messages.show_error(text)
    line = window.messages
    qtbot.waitUntil(lambda: line.isVisible() and line.height() >= line.heightForWidth(line.width()))
    QApplication.processEvents()
    for other in (hands.canvas, window.room.image_list, window.room.boxes, window.statusBar(), window.toolbar):
        assert not place(line, window).intersects(place(other, window)), other.objectName()
    assert line.label.height() >= line.label.heightForWidth(line.label.width()), "and is not cut"


def test_the_image_stays_where_it_is_while_messages_come_and_go(qtbot, hands: Hands) -> None:
    window = hands.window
    QApplication.processEvents()
    before = hands.canvas.image_to_widget(0, 0)
    window.messages.show_info("Saved.")
    QApplication.processEvents()
    assert hands.canvas.image_to_widget(0, 0) == before
    window.messages.dismiss()
    QApplication.processEvents()
    assert hands.canvas.image_to_widget(0, 0) == before


def test_the_hint_follows_tool_activity_and_keys(hands: Hands) -> None:
    window = hands.window
    assert "W draws a box" in window.messages.hint
    hands.key(Qt.Key.Key_W)
    assert "click two corners" in window.messages.hint
    hands.key(Qt.Key.Key_Escape)
    window.keymap.set_keys("action.tool.draw", ["F9"])
    assert "F9 draws a box" in window.messages.hint
    hands.key(Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert "trains on them" in window.messages.hint


def test_hints_that_were_closed_stay_away_until_they_are_wanted(qtbot, hands: Hands) -> None:
    window = hands.window
    window.messages.close_button.click()
    assert window.messages.hint == ""
    assert "View" in window.messages.text
    window.messages.dismiss()
    assert not window.messages.isVisible()
    folder = hands.session.store.folder
    window.close_without_asking()
    window.close()
    again = create_window(folder)
    again.show()
    qtbot.waitUntil(lambda: again.session is not None, timeout=20_000)
    assert again.messages.hint == ""
    again.studio_actions["action.view.hints"].trigger()
    assert "W draws a box" in again.messages.hint
    again.close_without_asking()
    again.close()
    again.deleteLater()


def test_an_error_is_not_covered_by_a_note_and_goes_when_it_is_dismissed(hands: Hands) -> None:
    messages = hands.window.messages
    messages.show_error("The disk is full.")
    messages.show_info("Saved.")
    assert messages.text == "The disk is full."
    messages.close_button.click()
    assert messages.text == ""
    assert messages.hint


def test_the_settings_change_the_theme_and_the_menus_agree(qtbot, hands: Hands) -> None:
    window = hands.window
    window.studio_actions["action.app.settings"].trigger()
    dialog = window.findChild(SettingsDialog)
    dark = dialog.findChild(QWidget, "settings.theme_dark")
    dark.click()
    assert window.theme.mode == ThemeMode.DARK
    assert window.studio_actions["action.view.theme_dark"].isChecked()
    window.studio_actions["action.view.theme_light"].trigger()
    assert not dark.isChecked()
    dialog.reject()


def test_a_rebound_key_acts_in_the_window(hands: Hands) -> None:
    first = hands.session.project.current_id
    hands.window.keymap.set_preset("cvat")
    hands.key(Qt.Key.Key_D)
    assert hands.session.project.current_id == first, "D is the previous image there"
    hands.key(Qt.Key.Key_F)
    assert hands.session.project.current_id != first
    hands.key(Qt.Key.Key_N)
    assert hands.canvas.tool == "draw"


def test_every_button_of_the_window_and_its_dialogs_has_a_name_and_a_tooltip(hands: Hands) -> None:
    """Icons alone say nothing to a screen reader."""
    window = hands.window
    window.studio_actions["action.app.settings"].trigger()
    window.studio_actions["action.help.keys"].trigger()
    for part in (window.toolbar, window.messages, window.findChild(SettingsDialog), window.findChild(KeySheet)):
        buttons = [
            b for b in part.findChildren(QAbstractButton) if not b.metaObject().className().startswith("QLineEdit")
        ]
        buttons = [b for b in buttons if b.isVisibleTo(b.parentWidget()) and not b.objectName().startswith("qt_")]
        assert buttons
        assert [b.objectName() for b in buttons if not (b.accessibleName() or b.text())] == []
        assert [b for b in buttons if not b.text() and not b.toolTip()] == []


@pytest.mark.parametrize("activity", ["label", "train", "review"])
def test_every_tool_is_reached_at_1280_by_720(qtbot, hands: Hands, activity: str) -> None:
    window = hands.window
    window.resize(1280, 720)
    window.set_activity(activity)
    QApplication.processEvents()
    assert window.size() == QSize(1280, 720), "no panel asks for more"
    hidden = [
        action.objectName()
        for action in window.toolbar.actions()
        if action.objectName() and not window.toolbar.widgetForAction(action).isVisible()
    ]
    assert hidden == []
    assert window.rect().contains(place(window.device_line, window))
