"""Actions of the window that need no open project: theme, layout, help, quit. How projects open is in opening.py."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from rcnn_studio.ui.actions import enable
from rcnn_studio.ui.actions.keys import translated
from rcnn_studio.ui.actions.presets import PRESETS
from rcnn_studio.ui.dialogs.about import AboutDialog
from rcnn_studio.ui.dialogs.key_sheet import KeySheet
from rcnn_studio.ui.dialogs.palette import CommandPalette
from rcnn_studio.ui.dialogs.settings_dialog import SettingsDialog
from rcnn_studio.ui.menus import group_choices, menu_keys
from rcnn_studio.ui.theme import ThemeMode
from rcnn_studio.workspace.device import DeviceLine, look_at_device

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow

WINDOW_ACTIONS = frozenset(
    {
        "action.project.new",
        "action.project.open",
        "action.project.import",
        "action.app.quit",
        "action.app.settings",
        "action.help.keys",
        "action.help.palette",
        "action.help.about",
        "action.view.reset_layout",
        "action.view.boxes",
        "action.view.detections",
        "action.view.hints",
        "action.category.ask",
    }
    | {f"action.view.theme_{mode}" for mode in ThemeMode}
    | {f"action.keys.{name}" for name in PRESETS}
)

REMEMBERED = ("action.view.boxes", "action.view.detections", "action.view.hints")
"""Toggles that are at the next start as they were left."""


class WindowCommands(QObject):
    """Wires the window's own actions, and says which of the others can be used without a project: none."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        actions = window.studio_actions
        actions["action.app.quit"].triggered.connect(window.close)
        actions["action.help.keys"].triggered.connect(self.show_keys)
        actions["action.help.palette"].triggered.connect(self.show_palette)
        actions["action.help.about"].triggered.connect(self.show_about)
        actions["action.app.settings"].triggered.connect(self.show_settings)
        actions["action.view.reset_layout"].triggered.connect(window.reset_layout)
        for name in REMEMBERED:
            actions[name].setChecked(bool(window.settings.get(f"toggle.{name}", True)))
            actions[name].toggled.connect(partial(window.settings.set, f"toggle.{name}"))
        actions["action.view.hints"].toggled.connect(window.messages.set_hints_shown)
        window.messages.set_hints_shown(actions["action.view.hints"].isChecked())
        window.messages.hints_dismissed.connect(self._on_hints_dismissed)
        for mode in ThemeMode:
            action = actions[f"action.view.theme_{mode}"]
            action.setChecked(window.theme.mode == mode)
            action.triggered.connect(partial(window.set_theme, mode))
        actions["action.category.ask"].toggled.connect(window.keymap.set_asks)
        for name in PRESETS:
            actions[f"action.keys.{name}"].triggered.connect(partial(self.take_keys_of, name))
        for prefix in ("action.activity.", "action.view.theme_", "action.tool.", "action.keys."):
            group_choices(actions, prefix, window)
        window.keymap.changed.connect(self._show_habits)
        self._show_habits()
        job = window.board.prepare(self.tr("Checking what can train here"), partial(look_at_device, window.settings))
        job.job_finished.connect(self._on_device)
        job.job_failed.connect(window.messages.show_problem)
        window.board.start(job)

    def enable_session_actions(self, enabled: bool) -> None:
        for name, action in self._window.studio_actions.items():
            if name not in WINDOW_ACTIONS:
                enable(action, enabled, self.tr("Open a project first"))

    @Slot()
    def show_keys(self) -> None:
        sheet = self._window.findChild(KeySheet)
        if sheet is None:
            sheet = KeySheet(self._window.studio_actions, self._window.keymap, self._window)
            sheet.edit_requested.connect(self.show_shortcuts)
        sheet.show()
        sheet.raise_()
        sheet.activateWindow()

    @Slot()
    def show_palette(self) -> None:
        CommandPalette(self._window.studio_actions, self._window.settings, self._window).open()

    @Slot()
    def show_settings(self) -> None:
        self._settings_dialog().show()

    @Slot()
    def show_shortcuts(self) -> None:
        """The settings, at the page of keys."""
        dialog = self._settings_dialog()
        dialog.show_keys()
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def take_keys_of(self, name: str, _checked: bool = False) -> None:
        """The keys, the wheel and the habits of another tool."""
        self._window.keymap.set_preset(name)
        preset = self._window.keymap.preset
        text = self.tr("Keys of {0}: {1}.").format(preset.title, translated(preset.hint))
        self._window.messages.show_info(text, (self.tr("All keys"), self.show_keys))

    def _show_habits(self) -> None:
        keymap, actions = self._window.keymap, self._window.studio_actions
        actions["action.category.ask"].setChecked(keymap.asks)
        actions[f"action.keys.{keymap.preset.name}"].setChecked(True)

    @Slot()
    def show_about(self) -> None:
        AboutDialog(self._window).open()

    def _settings_dialog(self) -> SettingsDialog:
        window = self._window
        dialog = window.findChild(SettingsDialog)
        if dialog is None:
            dialog = SettingsDialog(window.studio_actions, window.keymap, menu_keys(window.menuBar()), window)
        return dialog

    @Slot()
    def _on_hints_dismissed(self) -> None:
        self._window.studio_actions["action.view.hints"].setChecked(False)
        self._window.messages.show_info(self.tr("No more hints. View > Hints Below the Image brings them back."))

    @Slot(object)
    def _on_device(self, line: object) -> None:
        if isinstance(line, DeviceLine):
            self._window.device_line.setText(line.text)
            self._window.device_line.setToolTip(line.hint)
