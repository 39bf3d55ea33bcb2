"""The classes: colour, name, number of boxes, key. A click chooses the class of the next box; edits are undoable."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QActionGroup, QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHBoxLayout,
    QListView,
    QMenu,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import PALETTE, Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui import theme
from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.ui.label.category_dialogs import DeleteDialog, MergeDialog, RenameDialog
from rcnn_studio.workspace.project import ProjectModel

AnyIndex = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 30
SWATCH = 14
KEYCAP = 18
DIGITS = "1234567890"


class CategoryModel(QAbstractListModel):
    """The project's categories; setData renames."""

    def __init__(self, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        project.categories_changed.connect(self._on_categories_changed)
        project.active_category_changed.connect(self._on_looks_changed)
        project.boxes_changed.connect(self._on_looks_changed)
        project.images_updated.connect(self._on_looks_changed)

    def category(self, row: int) -> Category:
        return self.project.categories[row]

    def is_active(self, row: int) -> bool:
        return self.category(row).id == self.project.active_category_id

    def count(self, row: int) -> int:
        """Boxes of the class in the whole project."""
        return self.project.category_counts[self.category(row).id]

    def row_of(self, category_id: int) -> int | None:
        return next((row for row, c in enumerate(self.project.categories) if c.id == category_id), None)

    def _on_categories_changed(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _on_looks_changed(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.project.categories)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        category = self.category(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return category.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            key = self.tr("key {0}").format(category.hotkey) if category.hotkey else self.tr("no key")
            return self.tr("{0}, {1} boxes, {2}").format(category.name, self.count(index.row()), key)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tr("{0}: {1} boxes\nDouble-click to rename, the colour to recolour").format(
                category.name, self.count(index.row())
            )
        return None

    def setData(self, index: AnyIndex, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        try:
            self.project.change_category(replace(self.category(index.row()), name=str(value)))
        except StudioError as error:
            self.project.message.emit(str(error))
            return False
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable


class CategoryDelegate(QStyledItemDelegate):
    """color_asked: the swatch of a row was double-clicked."""

    color_asked = Signal(int)

    def __init__(self, model: CategoryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, row: int) -> None:
        colors = theme.colors_of(option.palette)
        category, active, area = self._model.category(row), self._model.is_active(row), option.rect
        if active:
            painter.fillRect(area, QColor(colors.selected))
            painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), QColor(colors.accent))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(colors.hover))
        painter.setPen(QPen(QColor(colors.border_strong), 1))
        painter.setBrush(QColor(category.color))
        painter.drawRoundedRect(QRectF(_swatch(area)).adjusted(0.5, 0.5, -0.5, -0.5), 3.5, 3.5)
        right = _paint_keycap(painter, area, category.hotkey, colors)
        font = QFont(option.font)
        painter.setFont(font)
        painter.setPen(QColor(colors.muted))
        count = f"{self._model.count(row):,}".replace(",", "\u202f")
        wide = QFontMetrics(font).horizontalAdvance(count)
        painter.drawText(
            QRect(right - 8 - wide, area.top(), wide, area.height()), int(Qt.AlignmentFlag.AlignVCenter), count
        )
        font.setWeight(QFont.Weight.DemiBold if active else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        name_area = _name_area(area, right - 16 - wide)
        name = QFontMetrics(font).elidedText(category.name, Qt.TextElideMode.ElideRight, name_area.width())
        painter.drawText(name_area, int(Qt.AlignmentFlag.AlignVCenter), name)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_row(painter, option, index.row())
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(140, ROW_HEIGHT)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        editor.setGeometry(_name_area(option.rect, option.rect.right() - KEYCAP - 8).adjusted(-4, 3, 0, -3))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While a name is typed its keys are its own: Enter ends it, and is no shortcut of the canvas."""
        asked = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if asked and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return True
        return super().eventFilter(watched, event)

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick and isinstance(event, QMouseEvent):
            reach = _swatch(option.rect).adjusted(-8, -8, 6, 8)
            if reach.contains(event.position().toPoint()):
                self.color_asked.emit(index.row())
                return True
        return super().editorEvent(event, model, option, index)


def _swatch(area: QRect) -> QRect:
    return QRect(area.left() + 12, area.top() + (area.height() - SWATCH) // 2, SWATCH, SWATCH)


def _name_area(area: QRect, right: int) -> QRect:
    left = _swatch(area).right() + 10
    return QRect(left, area.top(), max(0, right - left), area.height())


def _paint_keycap(painter: QPainter, area: QRect, key: str | None, colors: theme.Colors) -> int:
    """The key in a small cap at the right. -> left edge of its place"""
    left = area.right() - KEYCAP - 9
    if key:
        cap = QRectF(left + 0.5, area.top() + (area.height() - KEYCAP) / 2 + 0.5, KEYCAP - 1, KEYCAP - 1)
        painter.setPen(QPen(QColor(colors.border_strong), 1))
        painter.setBrush(QColor(colors.raised))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(QColor(colors.muted))
        painter.drawText(cap, int(Qt.AlignmentFlag.AlignCenter), key)
    return left


class CategoryPanel(QWidget):
    """The list named category_list with its buttons."""

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("category_panel")
        self._project = project
        self.model = CategoryModel(project, self)
        self.view = self._make_view()
        self.add_button = IconButton("plus", self.tr("Add a class"))
        self.add_button.setObjectName("category_add")
        self.add_button.setText(self.tr("Add class"))
        self.add_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.remove_button = IconButton("trash", self.tr("Delete the class, with its boxes"))
        self.remove_button.setObjectName("category_remove")
        empty = EmptyState("category", self.tr("No classes yet"), self.tr("Draw a box, or add a class first."))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        self.pages.addWidget(empty)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(6, 4, 6, 4)
        buttons.addWidget(self.add_button)
        buttons.addStretch(1)
        buttons.addWidget(self.remove_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pages, 1)
        layout.addLayout(buttons)
        self.setFocusProxy(self.view)
        self.add_button.clicked.connect(self.add_category)
        self.remove_button.clicked.connect(self.remove_category)
        project.categories_changed.connect(self._show_page)
        project.active_category_changed.connect(self._on_active_changed)
        self._show_page()

    def _make_view(self) -> QListView:
        view = QListView()
        view.setObjectName("category_list")
        view.setAccessibleName(self.tr("Classes"))
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setModel(self.model)
        delegate = CategoryDelegate(self.model, view)
        delegate.color_asked.connect(self.choose_color)
        view.setItemDelegate(delegate)
        view.clicked.connect(self._on_chosen)
        view.activated.connect(self._on_chosen)
        view.customContextMenuRequested.connect(self._on_menu_asked)
        return view

    def sizeHint(self) -> QSize:
        return QSize(300, 230)

    # --- what a person does -----------------------------------------------------------------------

    def add_category(self) -> None:
        """A class with a free name, its name open for typing."""
        taken = {category.name for category in self._project.categories}
        base = self.tr("class")
        name = next(n for n in (base, *(f"{base} {i}" for i in range(2, len(taken) + 3))) if n not in taken)
        row = self.model.row_of(self._project.add_category(name).id)
        if row is not None:
            self.rename(row)

    def rename(self, row: int) -> None:
        index = self.model.index(row)
        self.view.setCurrentIndex(index)
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.view.edit(index)

    def remove_category(self) -> None:
        """Remove the class in hand; where it has boxes, ask first whether they go with it."""
        if self._project.category_counts[self._project.active_category_id]:
            self.ask(DeleteDialog)
        else:
            self._project.remove_category(self._project.active_category_id)

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

    def _on_active_changed(self, category_id: int) -> None:
        row = self.model.row_of(category_id)
        if row is not None:
            self.view.setCurrentIndex(self.model.index(row))

    def _on_menu_asked(self, at: QPoint) -> None:
        index = self.view.indexAt(at)
        if not index.isValid():
            return
        category = self.model.category(index.row())
        self._project.set_active_category(category.id)
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(self.tr("Rename..."), partial(self.ask, RenameDialog))
        menu.addAction(self.tr("Colour..."), self._recolor_active)
        keys = menu.addMenu(self.tr("Key"))
        group = QActionGroup(keys)
        for key in (None, *DIGITS):
            entry = keys.addAction(key or self.tr("None"))
            entry.setCheckable(True)
            entry.setChecked(category.hotkey == key)
            entry.setData(key)
            group.addAction(entry)
        group.triggered.connect(self._on_key_chosen)
        menu.addSeparator()
        merge = menu.addAction(self.tr("Merge into..."), partial(self.ask, MergeDialog))
        merge.setEnabled(len(self._project.categories) > 1)
        menu.addAction(self.tr("Delete..."), self.remove_category)
        menu.popup(self.view.viewport().mapToGlobal(at))

    def _recolor_active(self) -> None:
        row = self.model.row_of(self._project.active_category_id)
        if row is not None:
            self.choose_color(row)

    def _on_key_chosen(self, entry: QAction) -> None:
        self._change(self._project.active_category_id, hotkey=entry.data())

    def _show_page(self) -> None:
        some = bool(self._project.categories)
        self.pages.setCurrentIndex(0 if some else 1)
        self.remove_button.setEnabled(some)
