"""Every action with its keys, by subject; a preset to begin from, and the wheel. Changes act at once and are kept."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.actions import SPECS
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.actions.keys import translated
from rcnn_studio.ui.actions.presets import PRESETS
from rcnn_studio.ui.actions.subjects import by_subject, table_text
from rcnn_studio.ui.shortcuts.action_keys import ActionKeys, key_names

ID = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 26


class ShortcutEditor(QWidget):
    """A page of the settings."""

    def __init__(self, keymap: Keymap, menus: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts")
        self._keymap = keymap
        self._make_choices()
        self.filter = QLineEdit(placeholderText=self.tr("Find an action or a key"), clearButtonEnabled=True)
        self.filter.setObjectName("shortcuts.filter")
        self.filter.setAccessibleName(self.tr("Find an action or a key"))
        self.tree = QTreeWidget(objectName="shortcuts.tree", columnCount=2, uniformRowHeights=True)
        self.tree.setHeaderLabels([self.tr("Action"), self.tr("Keys")])
        self.tree.setAccessibleName(self.tr("Actions and their keys"))
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().resizeSection(1, 210)
        self.keys = ActionKeys(keymap, menus)
        self.reset_all = QPushButton(self.tr("Reset All …"), objectName="shortcuts.reset_all", autoDefault=False)
        self.reset_all.setToolTip(self.tr("Every key back to the preset's"))
        self._items: dict[str, QTreeWidgetItem] = {}
        self._make_rows()
        self._lay_out()
        self._connect()
        self.refresh()

    def _make_choices(self) -> None:
        self.preset = QComboBox(objectName="shortcuts.preset")
        self.preset.setAccessibleName(self.tr("Keys of"))
        for preset in PRESETS.values():
            self.preset.addItem(preset.title, preset.name)
        self.hint = QLabel(wordWrap=True)
        self.hint.setProperty("role", "muted")
        self.wheel = QComboBox(objectName="shortcuts.wheel")
        self.wheel.setAccessibleName(self.tr("The mouse wheel"))
        self.wheel.addItem(self.tr("zooms (Shift: scrolls)"), "zoom")
        self.wheel.addItem(self.tr("scrolls (Ctrl: zooms)"), "scroll")

    def _make_rows(self) -> None:
        for title, specs in by_subject():
            group = QTreeWidgetItem([title, ""])
            bold = QFont(self.font())
            bold.setWeight(QFont.Weight.DemiBold)
            group.setFont(0, bold)
            group.setSizeHint(0, QSize(0, ROW_HEIGHT))
            group.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(group)
            for spec in specs:
                item = QTreeWidgetItem([table_text(spec), ""])
                if spec.tip:
                    item.setText(0, f"{table_text(spec)}, {translated(spec.tip)}" if spec.family else table_text(spec))
                    item.setToolTip(0, translated(spec.tip))
                item.setData(0, ID, spec.id)
                item.setSizeHint(0, QSize(0, ROW_HEIGHT))
                group.addChild(item)
                self._items[spec.id] = item
            group.setExpanded(True)

    def _lay_out(self) -> None:
        top = QGridLayout()
        top.setColumnStretch(2, 1)
        for row, (text, field) in enumerate(((self.tr("Keys of"), self.preset), (self.tr("The wheel"), self.wheel))):
            top.addWidget(QLabel(text, buddy=field), row, 0)
            top.addWidget(field, row, 1)
        top.addWidget(self.hint, 0, 2)
        search = QHBoxLayout()
        search.addWidget(self.filter, 1)
        search.addWidget(self.reset_all)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addLayout(search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.keys)

    def _connect(self) -> None:
        self.preset.activated.connect(self._on_preset)
        self.wheel.activated.connect(self._on_wheel)
        self.filter.textChanged.connect(self._on_filter)
        self.tree.currentItemChanged.connect(self._on_current)
        self.tree.itemActivated.connect(self._on_activated)
        self.reset_all.clicked.connect(self._on_reset_all)
        self._keymap.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show preset, wheel and keys as they are now; a changed action is bold and says so."""
        keymap = self._keymap
        self.preset.setCurrentIndex(self.preset.findData(keymap.preset.name))
        self.hint.setText(translated(keymap.preset.hint))
        self.wheel.setCurrentIndex(self.wheel.findData(keymap.wheel))
        for action_id, item in self._items.items():
            own = keymap.is_own(action_id)
            item.setText(1, key_names(keymap, SPECS[action_id]))
            font = QFont(self.font())
            font.setBold(own)
            item.setFont(1, font)
            item.setToolTip(1, self.tr("Changed by you") if own else "")
        self.reset_all.setEnabled(any(keymap.is_own(i) for i in self._items) or keymap.wheel != keymap.preset.wheel)
        self._on_filter(self.filter.text())

    def choose(self, action_id: str) -> None:
        """Go to an action's row."""
        self.tree.setCurrentItem(self._items[action_id])
        self.tree.scrollToItem(self._items[action_id])

    def _on_preset(self) -> None:
        self._keymap.set_preset(str(self.preset.currentData()))
        self.keys.show_action(self._current_id())

    def _on_wheel(self) -> None:
        self._keymap.set_wheel("scroll" if self.wheel.currentData() == "scroll" else "zoom")

    def _on_filter(self, text: str) -> None:
        words = text.casefold().split()
        for n in range(self.tree.topLevelItemCount()):
            group = self.tree.topLevelItem(n)
            hidden = []
            for child in (group.child(k) for k in range(group.childCount())):
                place = f"{group.text(0)} {child.text(0)} {child.text(1)}".casefold()
                child.setHidden(not all(word in place for word in words))
                hidden.append(child.isHidden())
            group.setHidden(all(hidden))

    def _current_id(self) -> str | None:
        item = self.tree.currentItem()
        return item.data(0, ID) if item is not None else None

    def _on_current(self) -> None:
        self.keys.show_action(self._current_id())

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.data(0, ID):
            self.keys.capture.setFocus()

    def _on_reset_all(self) -> None:
        text = self.tr("Give every action the keys of {0} again?").format(self._keymap.preset.title)
        if QMessageBox.question(self, self.tr("Reset all keys"), text) == QMessageBox.StandardButton.Yes:
            self._keymap.reset_all()
            self.keys.show_action(self._current_id())
