"""The panel of classes: choose one for the next box, look at its numbers, hide, lock, and change it everywhere.

Edits are undoable steps of the project; hiding and locking are only how one looks at it. Rows are painted and pressed
in category_list.py and category_delegate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QAction, QColor, QKeyEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import PALETTE, spread_color
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.ui.label.category_dialogs import DeleteDialog, MergeDialog, RenameDialog
from rcnn_studio.ui.label.category_list import Captions, CategoryList
from rcnn_studio.ui.label.category_menu import fill_keys, make_menu
from rcnn_studio.ui.label.category_model import CategoryModel
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

FILTER_FROM = 12
"""From so many classes on there is a field to find one."""


class FilterField(QLineEdit):
    """Keeps Enter, Esc and the arrows, which are keys of the canvas in the panel around it."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            own = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Up, Qt.Key.Key_Down)
            if event.key() in own:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class CategoryPanel(QWidget):
    """The list named category_list with its field and buttons. Its actions act on the class in hand."""

    def __init__(self, project: ProjectModel, review: ReviewModel | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("category_panel")
        self._project = project
        self.model = CategoryModel(project, review, self)
        self.view = CategoryList(self.model)
        self.captions = Captions(self.view)
        self.filter = FilterField(placeholderText=self.tr("Find a class"), clearButtonEnabled=True)
        self.filter.setObjectName("category_filter")
        self.filter.setAccessibleName(self.tr("Find a class"))
        self.empty = EmptyState("category", self.tr("No classes yet"), self.tr("Draw a box, or add a class first."))
        self.no_match = EmptyState("find", self.tr("No class of this name"), self.tr("Press Enter to add it."))
        self.pages = QStackedWidget()
        for page in (self.view, self.empty, self.no_match):
            self.pages.addWidget(page)
        self._lay_out(self._make_buttons())
        self.setFocusProxy(self.view)
        self._connect()
        self._show_page()
        self._on_active_changed(project.active_category_id)

    def _make_buttons(self) -> QHBoxLayout:
        self.add_button = IconButton("plus", self.tr("Add a class"))
        self.add_button.setObjectName("category_add")
        self.add_button.setText(self.tr("Add class"))
        self.add_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.show_all_button = self._text_button("eye", self.tr("Show all"), self.tr("Show all classes"))
        self.show_all_button.setObjectName("category_show_all")
        self.unlock_all_button = self._text_button("lock-open", self.tr("Unlock all"), self.tr("Unlock all classes"))
        self.unlock_all_button.setObjectName("category_unlock_all")
        self.more_button = IconButton("more", self.tr("More about the class in hand"))
        self.more_button.setObjectName("category_more")
        self.remove_button = IconButton("trash", self.tr("Delete the class, with its boxes"))
        self.remove_button.setObjectName("category_remove")
        buttons = QHBoxLayout()
        buttons.setContentsMargins(6, 4, 6, 4)
        buttons.addWidget(self.add_button)
        buttons.addStretch(1)
        for button in (self.show_all_button, self.unlock_all_button, self.more_button, self.remove_button):
            buttons.addWidget(button)
        return buttons

    @staticmethod
    def _text_button(icon: str, text: str, tip: str) -> IconButton:
        button = IconButton(icon, tip)
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return button

    def _lay_out(self, buttons: QHBoxLayout) -> None:
        self.finder = QWidget()
        field = QHBoxLayout(self.finder)
        field.setContentsMargins(8, 6, 8, 2)
        field.addWidget(self.filter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.finder)
        layout.addWidget(self.captions)
        layout.addWidget(self.pages, 1)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.add_button.clicked.connect(self.add_category)
        self.remove_button.clicked.connect(self.remove_category)
        self.more_button.clicked.connect(self.show_menu)
        self.show_all_button.clicked.connect(self.show_all)
        self.unlock_all_button.clicked.connect(self.unlock_all)
        self.filter.textChanged.connect(self._show_page)
        self.filter.returnPressed.connect(self._on_filter_entered)
        view = self.view
        view.clicked.connect(self._on_chosen)
        view.activated.connect(self._on_chosen)
        view.selectionModel().currentChanged.connect(self._on_current_changed)
        view.customContextMenuRequested.connect(self._on_menu_asked)
        view.eye_pressed.connect(self._on_eye)
        view.alone_pressed.connect(self._on_alone)
        view.lock_pressed.connect(self._on_lock)
        view.delegate.color_asked.connect(self.choose_color)
        self.model.modelReset.connect(self._on_rows_reset)
        self._project.categories_changed.connect(self._show_page)
        self._project.category_view.changed.connect(self._show_page)
        self._project.active_category_changed.connect(self._on_active_changed)
        self.model.dataChanged.connect(self.captions.update)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the actions about the class in hand: category.add, rename, color, key, hide, lock and the rest."""
        slots: dict[str, Callable[[], object]] = {
            "add": self.add_category,
            "rename": self.rename_active,
            "color": self.recolor_active,
            "key": self.show_keys,
            "hide": self.toggle_hidden,
            "only": self.show_only,
            "lock": self.toggle_locked,
            "show_all": self.show_all,
            "unlock_all": self.unlock_all,
            "move_up": self.move_up,
            "move_down": self.move_down,
            "spread": self.spread_colors,
            "merge": self.merge_active,
            "delete": self.remove_category,
        }
        for name, slot in slots.items():
            actions[f"action.category.{name}"].triggered.connect(slot)

    @property
    def read_only(self) -> bool:
        return self._project.read_only

    @property
    def active_row(self) -> int | None:
        """The row of the class in hand."""
        return self.model.row_of(self._project.active_category_id)

    # --- what a person does -----------------------------------------------------------------------

    def add_category(self) -> None:
        """A class with a free name, its name open for typing."""
        taken = {category.name for category in self._project.categories}
        base = self.tr("class")
        name = next(n for n in (base, *(f"{base} {i}" for i in range(2, len(taken) + 3))) if n not in taken)
        self.filter.clear()
        row = self.model.row_of(self._project.add_category(name).id)
        if row is not None:
            self.rename(row)

    def rename(self, row: int) -> None:
        self.view.edit_row(row)

    def rename_active(self) -> None:
        """In its row, or where the list cannot be seen, in a dialog."""
        row = self.active_row
        if row is not None and self.view.isVisible() and not self.view.isRowHidden(row) and not self.read_only:
            self.rename(row)
        else:
            self.ask(RenameDialog)

    def remove_category(self) -> None:
        """Remove the class in hand; where it has boxes, ask first whether they go with it."""
        if self._project.category_counts[self._project.active_category_id]:
            self.ask(DeleteDialog)
        else:
            self._project.remove_category(self._project.active_category_id)

    def merge_active(self) -> None:
        if len(self._project.categories) > 1:
            self.ask(MergeDialog)
        else:
            self._project.message.emit(self.tr("There is no other class to merge into."))

    def ask(self, question: type[RenameDialog] | type[MergeDialog] | type[DeleteDialog]) -> None:
        """Put a question about the class in hand and all of its boxes."""
        category = self._project.category(self._project.active_category_id)
        if category is None:
            return
        if self._project.read_only:
            self._project.message.emit(self.tr("This project is open read-only; its classes cannot be changed."))
            return
        try:
            question(self._project, category, self).open()
        except StudioError as error:
            self._project.message.emit(str(error))

    def choose_color(self, row: int) -> None:
        category = self.model.category(row)
        for place, color in enumerate(PALETTE):
            QColorDialog.setCustomColor(place, QColor(color))
        dialog = QColorDialog(QColor(category.color), self)
        dialog.setWindowTitle(self.tr("Colour of {0}").format(category.name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setProperty("category_id", category.id)
        dialog.colorSelected.connect(self._on_color_selected)
        dialog.open()

    def recolor_active(self) -> None:
        row = self.active_row
        if row is not None:
            self.choose_color(row)

    def spread_colors(self) -> None:
        """Colours that are easy to tell apart, for all classes in their order; one undo."""
        after = [replace(c, color=spread_color(n)) for n, c in enumerate(self._project.categories)]
        self._project.arrange_categories(after, self.tr("Fresh colours for all classes"))

    def toggle_hidden(self) -> None:
        row = self.active_row
        if row is not None:
            self._on_eye(row)

    def toggle_locked(self) -> None:
        row = self.active_row
        if row is not None:
            self._on_lock(row)

    def show_only(self) -> None:
        row = self.active_row
        if row is not None:
            self._on_alone(row)

    def show_all(self) -> None:
        """Nothing hidden; what is locked stays so."""
        view = self._project.category_view
        view.set_hidden(view.hidden, False)

    def unlock_all(self) -> None:
        """Nothing locked; what is hidden stays so."""
        view = self._project.category_view
        view.set_locked(view.locked, False)

    def move_up(self) -> None:
        if self.active_row is not None:
            self.view.move_row(self.active_row, -1)

    def move_down(self) -> None:
        if self.active_row is not None:
            self.view.move_row(self.active_row, 1)

    def show_menu(self) -> None:
        """The menu of the class in hand, at its button."""
        if self.active_row is not None:
            make_menu(self, self.active_row).popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))

    def show_keys(self) -> None:
        """The ten keys at the row of the class in hand."""
        row = self.active_row
        if row is not None:
            menu = QMenu(self)
            menu.aboutToHide.connect(menu.deleteLater)
            fill_keys(menu, self, self.model.category(row)).popup(self.view.place_of(row))

    def _change(self, category_id: int, **values: str | None) -> None:
        category = self._project.category(category_id)
        if category is not None:
            try:
                self._project.change_category(replace(category, **values))  # type: ignore[arg-type]
            except StudioError as error:
                self._project.message.emit(str(error))

    # --- signals ----------------------------------------------------------------------------------

    def _on_color_selected(self, color: QColor) -> None:
        sender = self.sender()
        if sender is not None:
            self._change(int(sender.property("category_id")), color=color.name())

    def _on_chosen(self, index: QModelIndex) -> None:
        self._project.set_active_category(self.model.category(index.row()).id)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self._on_chosen(current)

    def _on_active_changed(self, category_id: int) -> None:
        row = self.model.row_of(category_id)
        if row is not None and self.view.currentIndex().row() != row:
            self.view.setCurrentIndex(self.model.index(row))

    def _on_rows_reset(self) -> None:
        self._on_active_changed(self._project.active_category_id)

    def _on_filter_entered(self) -> None:
        """Enter takes the first class that is shown; where none is, the text becomes a new one."""
        row = self.view.first_shown()
        if row is None:
            try:
                self._project.add_category(self.filter.text())
            except StudioError as error:
                self._project.message.emit(str(error))
                return
        else:
            self._on_chosen(self.model.index(row))
        self.filter.clear()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_eye(self, row: int) -> None:
        self._project.category_view.set_hidden([self.model.category(row).id], not self.model.is_hidden(row))

    def _on_alone(self, row: int) -> None:
        ids = [category.id for category in self._project.categories]
        self._project.category_view.show_only(self.model.category(row).id, ids)

    def _on_lock(self, row: int) -> None:
        self._project.category_view.set_locked([self.model.category(row).id], not self.model.is_locked(row))

    def _on_menu_asked(self, at: QPoint) -> None:
        index = self.view.indexAt(at)
        if not index.isValid():
            return
        self._project.set_active_category(self.model.category(index.row()).id)
        make_menu(self, index.row()).popup(self.view.viewport().mapToGlobal(at))

    def on_key_chosen(self, entry: QAction) -> None:
        """A key of the menu; whoever had it is told to have lost it."""
        key, active = entry.data(), self._project.active_category_id
        before = next((c for c in self._project.categories if key and c.hotkey == key and c.id != active), None)
        self._change(active, hotkey=key)
        if before is not None:
            self._project.message.emit(self.tr("Key {0} was taken from {1}.").format(key, before.name))

    def _show_page(self) -> None:
        number = len(self._project.categories)
        self.finder.setVisible(number >= FILTER_FROM or bool(self.filter.text()))
        shown = self.view.show_rows(self.filter.text())
        self.pages.setCurrentWidget(self.view if shown else self.no_match if number else self.empty)
        self.captions.setVisible(bool(shown))
        for button in (self.remove_button, self.more_button):
            button.setEnabled(number > 0)
        view = self._project.category_view
        self.show_all_button.setVisible(bool(view.hidden))
        self.unlock_all_button.setVisible(bool(view.locked))

    # --- Qt ---------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(300, 230)
