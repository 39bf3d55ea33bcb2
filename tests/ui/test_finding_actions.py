"""Every action is found: in the menus, in the command palette and on the sheet of keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu

from rcnn_studio.ui.actions import ACTIONS, build_actions, enable, plain_text, shown_keys
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.actions.subjects import joined, sheet
from rcnn_studio.ui.dialogs.key_sheet import KeySheet, divided
from rcnn_studio.ui.dialogs.palette import CommandPalette
from rcnn_studio.ui.menus import fill_menu_bar, mnemonic_free
from rcnn_studio.ui.start.recent_menu import RecentMenu
from rcnn_studio.workspace.settings import Settings

ID = Qt.ItemDataRole.UserRole


class Stage:
    def __init__(self, qtbot) -> None:
        self.settings = Settings()
        self.window = QMainWindow()
        qtbot.addWidget(self.window)
        self.window.resize(1280, 720)
        self.actions = build_actions(self.window)
        self.keymap = Keymap(self.settings, self.actions, self.window)
        fill_menu_bar(self.window.menuBar(), self.actions, RecentMenu(self.settings, self.window))
        self.window.show()

    def palette(self) -> CommandPalette:
        made = CommandPalette(self.actions, self.settings, self.window)
        made.open()
        return made

    def sheet(self) -> KeySheet:
        made = KeySheet(self.actions, self.keymap, self.window)
        made.show()
        return made


@pytest.fixture
def stage(qtbot, own_home: Path) -> Stage:
    return Stage(qtbot)


def listed(palette: CommandPalette) -> list[str]:
    return [str(palette.list.item(row).data(ID)) for row in range(palette.list.count())]


def plain_letters(text: str) -> list[str]:
    return [letter for letter in text.casefold() if letter.isascii() and letter.isalnum()]


# --- menus ---------------------------------------------------------------------------------------------


def test_every_action_is_in_a_menu(stage: Stage) -> None:
    menus = stage.window.menuBar().findChildren(QMenu)
    held = {action.objectName() for menu in menus for action in menu.actions()}
    assert sorted(spec.id for spec in ACTIONS if spec.id not in held) == []


def test_every_entry_has_a_letter_of_its_own_in_its_menu(stage: Stage) -> None:
    bar = stage.window.menuBar()
    assert len({action.text()[action.text().index("&") + 1] for action in bar.actions()}) == len(bar.actions())
    for menu in bar.findChildren(QMenu):
        menu.aboutToShow.emit()
        texts = [a.text() for a in menu.actions() if not a.isSeparator()]
        letters = [text[text.index("&") + 1].casefold() for text in texts if "&" in text.replace("&&", "")]
        assert len(set(letters)) == len(letters), texts
        left = [text for text in texts if "&" not in text.replace("&&", "")]
        lost = [
            text for text in left if menu.objectName() != "menu.recent" and not set(plain_letters(text)) <= {*letters}
        ]
        assert lost == [], "a letter was free"


def test_an_ampersand_in_an_undo_text_is_no_mnemonic(stage: Stage) -> None:
    undo = stage.actions["action.edit.undo"]
    undo.setText("Undo Nuts && Bolts")
    menu = next(m for m in stage.window.menuBar().findChildren(QMenu) if undo in m.actions())
    menu.aboutToShow.emit()
    assert mnemonic_free(undo.text()) == plain_text(undo) == "Undo Nuts & Bolts"


# --- the palette ---------------------------------------------------------------------------------------


def test_the_palette_knows_every_action_with_its_keys(stage: Stage) -> None:
    palette = stage.palette()
    assert sorted(listed(palette)) == sorted(spec.id for spec in ACTIONS)
    spoken = {
        i: palette.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole) for row, i in enumerate(listed(palette))
    }
    unspoken = [i for i, text in spoken.items() for key in shown_keys(stage.actions[i]) if key not in text]
    assert unspoken == []


def test_a_few_letters_and_enter_run_the_command(qtbot, stage: Stage) -> None:
    palette = stage.palette()
    QTest.keyClicks(palette.edit, "dup")
    assert listed(palette)[0] == "action.box.duplicate"
    with qtbot.waitSignal(stage.actions["action.box.duplicate"].triggered):
        QTest.keyClick(palette.edit, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert listed(stage.palette())[0] == "action.box.duplicate", "what was run last stands first"


@pytest.mark.parametrize(("typed", "found"), [
    ("zoom box", "action.view.zoom_box"), ("ctrl+shift+v", "action.box.paste_previous"),
    ("grey dark", None), ("dark", "action.view.theme_dark"), ("earlier versions", "action.files.changes"),
    ("next image", "action.image.next"),
])  # fmt: skip
def test_words_of_text_tip_and_keys_are_found(stage: Stage, typed: str, found: str | None) -> None:
    palette = stage.palette()
    QTest.keyClicks(palette.edit, typed)
    if found is None:
        assert listed(palette) == []
        assert "No command" in palette.note.text()
    else:
        assert listed(palette)[0] == found


def test_what_cannot_be_done_now_is_grey_says_why_and_stays_undone(qtbot, stage: Stage) -> None:
    action = stage.actions["action.train.stop"]
    enable(action, False, "No training runs")
    palette = stage.palette()
    QTest.keyClicks(palette.edit, "stop and keep")
    assert palette.note.text() == "No training runs"
    with qtbot.assertNotEmitted(action.triggered):
        QTest.keyClick(palette.edit, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClick(palette.edit, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    enable(action, True)
    assert action.property("why_disabled") == ""


def test_arrows_go_through_the_list(stage: Stage) -> None:
    palette = stage.palette()
    QTest.keyClick(palette.edit, Qt.Key.Key_Up)
    assert palette.list.currentRow() == palette.list.count() - 1
    QTest.keyClick(palette.edit, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 0


# --- the sheet of keys ---------------------------------------------------------------------------------


def test_every_action_is_on_the_sheet_with_all_its_keys(stage: Stage) -> None:
    rows = [row for _title, rows in sheet(stage.actions) for row in rows]
    assert sorted(i for row in rows for i in row.ids) == sorted(spec.id for spec in ACTIONS)
    for row in rows:
        if len(row.ids) == 1:
            assert list(row.keys) == shown_keys(stage.actions[row.ids[0]])
    assert any("Tab" in row.keys for row in rows), "held keys too"


def shown_texts(widget: KeySheet) -> set[str]:
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


def test_the_sheet_follows_the_persons_own_keys(stage: Stage) -> None:
    seen = stage.sheet()
    assert "F11" not in shown_texts(seen)
    stage.keymap.set_keys("action.view.fit", ["F11"])
    assert "F11" in shown_texts(seen)
    stage.keymap.set_preset("labelimg")
    assert "Ctrl+wheel" in shown_texts(seen)
    stage.keymap.set_preset("studio")
    stage.keymap.set_keys("action.image.verify", ["F12"])
    assert "F12 held + drag" in shown_texts(seen)


@pytest.mark.parametrize("size", [(1232, 624), (1318, 670), (420, 400)])
def test_the_sheet_is_never_cut(qtbot, stage: Stage, size: tuple[int, int]) -> None:
    """Nothing is wider than its place; what is higher is reached by scrolling."""
    seen = stage.sheet()
    seen.resize(*size)
    area = seen.scroll_area
    qtbot.waitUntil(lambda: seen.size() == QSize(*size) and area.widget().width() == area.viewport().width())
    content = area.widget()
    cut = [
        label.text()
        for label in content.findChildren(QLabel)
        if label.isVisible() and label.mapTo(content, label.rect().topRight()).x() > area.viewport().width()
    ]
    assert cut == []
    assert area.verticalScrollBar().maximum() >= content.height() - area.viewport().height()


def test_the_sheet_finds_actions_without_a_key_when_asked(stage: Stage) -> None:
    seen = stage.sheet()
    assert "Show Folder" not in shown_texts(seen)
    seen.filter.setText("show folder")
    assert "Show Folder" in shown_texts(seen)
    seen.filter.setText("no such thing")
    assert "No action and no key is called that." in shown_texts(seen)
    seen.filter.clear()
    seen.keyless.setChecked(True)
    assert "Show Folder" in shown_texts(seen)


def test_columns_are_as_even_as_the_order_allows() -> None:
    assert divided([6, 5, 4, 3, 3], 3) == [0, 1, 1, 2, 2]
    assert divided([1, 1, 1, 30], 2) == [0, 0, 0, 1]
    assert divided([5, 5], 4) == [0, 1]


def test_keys_of_a_family_are_written_as_one() -> None:
    assert joined(("Ctrl+Left", "Ctrl+Right", "Ctrl+Up", "Ctrl+Down")) == ("Ctrl+← → ↑ ↓",)
    assert joined(tuple("1234567890")) == ("1 … 0",)
    assert joined(("W", "Ctrl+E")) == ("W", "Ctrl+E")
    assert joined(("+",)) == ("+",)
