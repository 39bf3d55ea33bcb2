"""The settings (Ctrl+,): how the window looks, and the keys. Every change acts at once; there is nothing to confirm."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QRadioButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.actions import plain_text
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.shortcuts.editor import ShortcutEditor
from rcnn_studio.ui.theme import ThemeMode

SIZE = (760, 640)
MARGIN = 60


class SettingsDialog(QDialog):
    """Two pages. Whatever has an action of its own (theme, hints) is changed through it, so that menus agree."""

    def __init__(
        self,
        actions: Mapping[str, QAction],
        keymap: Keymap,
        menus: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Settings"))
        self.shortcuts = ShortcutEditor(keymap, menus)
        self.pages = QTabWidget()
        self.pages.addTab(self._look_page(actions), self.tr("Window"))
        self.pages.addTab(self.shortcuts, self.tr("Keys and mouse"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.pages, 1)
        layout.addWidget(buttons)
        screen = self.screen().availableGeometry()
        self.resize(min(SIZE[0], screen.width() - MARGIN), min(SIZE[1], screen.height() - MARGIN))

    def show_keys(self) -> None:
        """Go to the page of keys."""
        self.pages.setCurrentWidget(self.shortcuts)
        self.shortcuts.filter.setFocus()

    def _look_page(self, actions: Mapping[str, QAction]) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(16, 18, 16, 16)
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(20)
        group = QButtonGroup(page)
        for row, mode in enumerate(ThemeMode):
            action = actions[f"action.view.theme_{mode}"]
            button = QRadioButton(plain_text(action), objectName=f"settings.theme_{mode}")
            button.setChecked(action.isChecked())
            button.clicked.connect(action.trigger)
            action.toggled.connect(button.setChecked)
            group.addButton(button)
            form.addRow(self.tr("Theme") if row == 0 else "", button)
        form.addRow(QWidget())
        form.addRow(self.tr("Drawing"), _switch(actions["action.category.ask"], "settings.ask_class"))
        form.addRow(QWidget())
        form.addRow(self.tr("Help"), _switch(actions["action.view.hints"], "settings.hints"))
        return page


def _switch(action: QAction, name: str) -> QCheckBox:
    """A box for an action that is on or off; the two agree."""
    box = QCheckBox(plain_text(action), objectName=name)
    box.setToolTip(action.toolTip())
    box.setChecked(action.isChecked())
    box.toggled.connect(action.setChecked)
    action.toggled.connect(box.setChecked)
    return box
