"""Presets and rebinding: no key means two things, whatever is chosen, and every change is seen everywhere."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QMessageBox, QPushButton

from rcnn_studio.ui.actions import ACTIONS, SPECS, build_actions
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.actions.presets import MAC_RESERVED, PRESETS, locked_keys, portable, resolve, wished
from rcnn_studio.ui.actions.subjects import by_subject
from rcnn_studio.ui.dialogs.settings_dialog import SettingsDialog
from rcnn_studio.ui.menus import fill_menu_bar, menu_keys
from rcnn_studio.ui.shortcuts.action_keys import types_text
from rcnn_studio.ui.start.recent_menu import RecentMenu
from rcnn_studio.workspace.settings import Settings

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


class Bench:
    """A window with menus, its keymap, and the settings dialog at the page of keys."""

    def __init__(self, qtbot, settings: Settings) -> None:
        self.settings = settings
        self.window = QMainWindow()
        qtbot.addWidget(self.window)
        self.actions = build_actions(self.window)
        self.keymap = Keymap(settings, self.actions, self.window)
        fill_menu_bar(self.window.menuBar(), self.actions, RecentMenu(settings, self.window))
        menus = menu_keys(self.window.menuBar())
        self.dialog = SettingsDialog(self.actions, self.keymap, menus, self.window)
        self.dialog.show_keys()
        self.dialog.show()
        self.editor = self.dialog.shortcuts
        self.keys = self.editor.keys

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> str:
        """A key in the field. -> what is said about it"""
        self.keys.capture.setFocus()
        QTest.keyClick(self.keys.capture, key, held)
        return self.keys.word.text()

    def choose(self, name: str) -> None:
        combo = self.editor.preset
        combo.setCurrentIndex(combo.findData(name))
        combo.activated.emit(combo.currentIndex())

    def shortcuts(self, action_id: str) -> list[str]:
        return [key.toString() for key in self.actions[f"action.{action_id}"].shortcuts()]


@pytest.fixture
def bench(qtbot, own_home: Path) -> Bench:
    return Bench(qtbot, Settings())


# --- presets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_no_key_of_a_preset_means_two_things(preset) -> None:
    """What the preset names, and what the table adds where the preset is silent: neither takes a key from the other.
    Held and locked keys count; the canvas lies in the window, so that there is one scope for all."""
    owners: dict[str, set[str]] = defaultdict(set)
    named = {f"action.{name}" for name in preset.keys}
    taken = {key for action_id, keys in wished(preset).items() if action_id in named for key in keys}
    for action_id, keys in wished(preset).items():
        for key in keys:
            if action_id in named or key not in taken:
                owners[key].add(action_id)
    for key, action_id in locked_keys().items():
        owners[key].add(action_id)
    assert {key: ids for key, ids in owners.items() if len(ids) > 1} == {}


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_no_action_loses_its_last_key_to_a_preset(preset, platform: str) -> None:
    left = resolve(preset, {}, platform=platform)
    meant = {i for i, keys in wished(preset).items() if keys and not set(keys) <= MAC_RESERVED}
    assert sorted(i for i in meant if not left[i]) == []


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_presets_name_real_actions_and_keys_and_leave_letters_to_text_fields(preset) -> None:
    assert [name for name in preset.keys if f"action.{name}" not in SPECS] == []
    assert [key for keys in preset.keys.values() for key in keys if not portable(key)] == []
    loud = [(i, k) for i, keys in wished(preset).items() for k in keys if SPECS[i].scope == "window" and types_text(k)]
    assert loud == []


def test_no_preset_takes_a_key_that_opens_a_menu(bench: Bench) -> None:
    menus = menu_keys(bench.window.menuBar())
    assert menus["Alt+F"] == "File"
    assert len(menus) == len(bench.window.menuBar().actions())
    assert [(p.name, k) for p in PRESETS.values() for keys in wished(p).values() for k in keys if k in menus] == []


def test_macos_keeps_its_own_keys() -> None:
    for preset in PRESETS.values():
        given = {key for keys in resolve(preset, {}, platform="darwin").values() for key in keys}
        assert given.isdisjoint(MAC_RESERVED)


def test_the_keys_of_labelimg_are_those_its_users_know(bench: Bench) -> None:
    bench.choose("labelimg")
    assert bench.shortcuts("project.open") == ["Ctrl+U"]
    assert "Ctrl+E" in bench.shortcuts("category.pick")
    assert bench.settings.get("keys.wheel") == "scroll"
    assert bench.editor.wheel.currentData() == "scroll"
    bench.choose("cvat")
    assert bench.shortcuts("image.next") == ["F"]
    assert bench.shortcuts("image.previous") == ["D"]
    assert bench.settings.get("keys.wheel") == "zoom"


# --- the editor -------------------------------------------------------------------------------------------


def test_every_action_stands_in_the_editor_once(bench: Bench) -> None:
    assert sorted(bench.editor._items) == sorted(SPECS)
    assert sum(len(specs) for _title, specs in by_subject()) == len(ACTIONS)


def test_a_free_key_is_added_and_is_there_at_the_next_start(qtbot, bench: Bench) -> None:
    bench.editor.choose("action.project.show_folder")
    assert "now" in bench.press(Qt.Key.Key_F9, CTRL)
    assert bench.shortcuts("project.show_folder") == ["Ctrl+F9"]
    assert "(Ctrl+F9)" in bench.actions["action.project.show_folder"].toolTip()
    again = Bench(qtbot, Settings())
    assert again.shortcuts("project.show_folder") == ["Ctrl+F9"]
    assert again.editor._items["action.project.show_folder"].text(1) == "Ctrl+F9"


def test_a_clash_is_named_and_solved_by_one_click(bench: Bench) -> None:
    bench.editor.choose("action.tool.draw")
    assert not bench.keys.take.isVisible()
    assert "Next Image" in bench.press(Qt.Key.Key_D)
    assert "D" not in bench.shortcuts("tool.draw"), "nothing is taken without being asked"
    bench.keys.take.click()
    assert "D" in bench.shortcuts("tool.draw")
    assert bench.shortcuts("image.next") == []
    assert not bench.keys.take.isVisible()


def test_keys_that_cannot_be_given_away_are_refused_with_the_reason(bench: Bench) -> None:
    bench.editor.choose("action.image.next")
    assert "menu File" in bench.press(Qt.Key.Key_F, ALT)
    bench.press(Qt.Key.Key_Escape)
    assert bench.shortcuts("image.next") == ["D"], "Esc leaves the field"
    bench.editor.choose("action.project.open")
    assert "text" in bench.press(Qt.Key.Key_J)
    assert bench.shortcuts("project.open") == ["Ctrl+O"]
    with pytest.raises(ValueError, match="Tab"):
        bench.keymap.set_keys("action.project.open", ["Tab"])


def test_a_key_can_be_taken_away_and_reset(bench: Bench) -> None:
    bench.editor.choose("action.tool.draw")
    cap = next(b for b in bench.keys.findChildren(QPushButton) if b.property("key") == "W")
    cap.click()
    assert bench.shortcuts("tool.draw") == ["R", "N"]
    bench.editor.choose("action.image.next")
    bench.press(Qt.Key.Key_W)
    assert bench.shortcuts("image.next") == ["D", "W"]
    bench.editor.choose("action.tool.draw")
    bench.keys.reset.click()
    assert bench.shortcuts("tool.draw") == ["W", "R", "N"]
    assert bench.shortcuts("image.next") == ["D"], "the key that came back was taken from there"


def test_reset_all_asks_and_gives_the_presets_keys_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.choose("cvat")
    bench.editor.choose("action.tool.draw")
    bench.press(Qt.Key.Key_F8)
    bench.choose("studio")
    assert "F8" not in bench.shortcuts("tool.draw"), "a change belongs to its preset"
    bench.choose("cvat")
    assert "F8" in bench.shortcuts("tool.draw")
    monkeypatch.setattr(QMessageBox, "question", lambda *_a: QMessageBox.StandardButton.No)
    bench.editor.reset_all.click()
    assert "F8" in bench.shortcuts("tool.draw")
    monkeypatch.setattr(QMessageBox, "question", lambda *_a: QMessageBox.StandardButton.Yes)
    bench.editor.reset_all.click()
    assert bench.shortcuts("tool.draw") == ["N"]
    assert not bench.editor.reset_all.isEnabled()


def test_the_list_is_searched_by_word_and_by_key(bench: Bench) -> None:
    def shown() -> set[str]:
        return {i for i, item in bench.editor._items.items() if not item.isHidden()}

    bench.editor.filter.setText("duplicate")
    assert shown() == {"action.box.duplicate"}
    bench.editor.filter.setText("ctrl+shift+v")
    assert shown() == {"action.box.paste_previous"}


def test_a_sign_made_with_shift_is_one_key(bench: Bench) -> None:
    """A question mark is the key of that sign wherever it stands on the keyboard; Shift with a letter stays."""
    bench.editor.choose("action.view.fit")
    bench.keys.capture.setFocus()
    QTest.keyClick(bench.keys.capture, "?", SHIFT)
    bench.press(Qt.Key.Key_J, SHIFT)
    assert bench.shortcuts("view.fit") == ["F", "?", "Shift+J"]


def test_the_key_works_and_a_damaged_setting_does_no_harm(qtbot, bench: Bench) -> None:
    bench.settings.set(
        "keys.own.studio", {"action.nonsense": ["X"], "action.tool.draw": "W", "action.view.fit": ["Y", 3]}
    )
    bench.settings.set("keys.preset", "unknown")
    again = Bench(qtbot, Settings())
    assert again.keymap.preset.name == "studio"
    assert again.shortcuts("view.fit") == ["Y"]
    assert again.shortcuts("tool.draw")[0] == "W"
    with qtbot.waitSignal(again.actions["action.project.open"].triggered):
        again.window.show()
        again.window.activateWindow()
        qtbot.waitUntil(again.window.isActiveWindow)
        QTest.keyClick(again.window, Qt.Key.Key_O, CTRL)
    assert QKeySequence("Ctrl+O") in again.actions["action.project.open"].shortcuts()
