"""The menus of a class: what can be done with it, and the keys with whose they are now. Does nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from rcnn_studio.domain.dataset import Category
from rcnn_studio.ui.label.category_dialogs import MergeDialog, RenameDialog

if TYPE_CHECKING:
    from rcnn_studio.ui.label.categories import CategoryPanel

DIGITS = "1234567890"


def tr(text: str) -> str:
    return QCoreApplication.translate("category_menu", text)


def make_menu(panel: CategoryPanel, row: int) -> QMenu:
    """Everything about the class of a row, which is the class in hand."""
    model = panel.model
    menu = QMenu(panel)
    menu.aboutToHide.connect(menu.deleteLater)
    writable = not panel.read_only

    def add(text: str, do: Callable[[], object], *, on: bool = True) -> QAction:
        entry = menu.addAction(text, do)
        entry.setEnabled(on)
        return entry

    add(tr("Rename..."), partial(panel.ask, RenameDialog), on=writable)
    add(tr("Colour..."), panel.recolor_active, on=writable)
    fill_keys(menu.addMenu(tr("Key")), panel, model.category(row)).setEnabled(writable)
    add(tr("Move up"), panel.move_up, on=writable and row > 0)
    add(tr("Move down"), panel.move_down, on=writable and row < model.rowCount() - 1)
    menu.addSeparator()
    add(tr("Show") if model.is_hidden(row) else tr("Hide"), panel.toggle_hidden)
    add(tr("Show only this, or all again"), panel.show_only)
    add(tr("Unlock") if model.is_locked(row) else tr("Lock"), panel.toggle_locked)
    menu.addSeparator()
    add(tr("Merge into..."), partial(panel.ask, MergeDialog), on=writable and model.rowCount() > 1)
    add(tr("Delete..."), panel.remove_category, on=writable)
    return menu


def fill_keys(menu: QMenu, panel: CategoryPanel, category: Category) -> QMenu:
    """The ten keys, each with the class that has it now and would lose it."""
    group = QActionGroup(menu)
    holders = key_holders(panel.model.project.categories)
    for key in (None, *DIGITS):
        holder = holders.get(key) if key else None
        text = key or tr("No key")
        if holder is not None and holder.id != category.id:
            text = tr("{0}    taken from {1}").format(key, holder.name.replace("&", "&&"))
        entry = menu.addAction(text)
        entry.setCheckable(True)
        entry.setChecked(category.hotkey == key)
        entry.setData(key)
        group.addAction(entry)
    group.triggered.connect(panel.on_key_chosen)
    return menu


def key_holders(categories: Sequence[Category]) -> dict[str, Category]:
    return {c.hotkey: c for c in categories if c.hotkey}
