"""Undo in the real window: after a restart, and of what was done to a class everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from rcnn_studio.ui.label.category_dialogs import MergeDialog
from tests.e2e.hands import Hands, file_bytes

CTRL = Qt.KeyboardModifier.ControlModifier


def names(hands: Hands) -> list[str]:
    return [category.name for category in hands.session.project.categories]


def test_ctrl_z_goes_on_after_a_restart_and_brings_every_byte_back(
    qtbot, hands: Hands, sample: Path, written: Callable[[], None]
) -> None:
    before, window = file_bytes(sample), hands.window
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    hands.key(Qt.Key.Key_D)
    hands.drag(30, 30, 90, 80)
    second = hands.session.project.current_id
    folder = hands.session.store.folder
    window.close_session()
    assert file_bytes(sample) != before
    window.open_project(folder)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=10_000)
    undo = window.studio_actions["action.edit.undo"]
    assert undo.isEnabled()
    assert undo.text().startswith("Undo Draw ")
    hands.key(Qt.Key.Key_Z, CTRL)
    assert hands.session.project.current_id == second
    hands.key(Qt.Key.Key_Z, CTRL)
    assert hands.session.project.current_id != second, "undo goes to the image it is about"
    assert not undo.isEnabled()
    written()
    assert file_bytes(sample) == before
    assert window.studio_actions["action.edit.redo"].isEnabled()


def test_a_class_merged_from_its_menu_is_merged_in_every_file_and_one_undo_takes_it_back(
    qtbot, hands: Hands, sample: Path, written: Callable[[], None]
) -> None:
    before, panel = file_bytes(sample), hands.window.room.categories
    assert names(hands) == ["bolt", "lock_washer", "nut", "washer"]
    counts = dict(hands.session.project.category_counts)
    panel.view.customContextMenuRequested.emit(panel.view.visualRect(panel.model.index(1, 0)).center())
    menu = next(menu for menu in panel.findChildren(QMenu) if menu.title() == "")
    next(entry for entry in menu.actions() if entry.text() == "Merge into...").trigger()
    dialog = panel.findChild(MergeDialog)
    dialog.find.setText("washer")
    lock, washer = (c for c in hands.session.project.categories if c.name.endswith("washer"))
    assert dialog.text.text().startswith(f"This moves {counts[lock.id]} boxes in ")
    dialog.go.click()
    qtbot.waitUntil(lambda: names(hands) == ["bolt", "nut", "washer"], timeout=20_000)
    assert hands.session.project.category_counts[washer.id] == counts[lock.id] + counts[washer.id]
    written()
    assert not any(b"lock_washer" in content for content in file_bytes(sample).values())
    hands.window.studio_actions["action.edit.undo"].trigger()
    qtbot.waitUntil(lambda: len(names(hands)) == 4, timeout=20_000)
    written()
    assert file_bytes(sample) == before
