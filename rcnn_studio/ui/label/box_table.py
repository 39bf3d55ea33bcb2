"""The boxes of the open image as an editable table: the keyboard's and the screen reader's way to the canvas.

Its rows are in box_model.py, its editors in box_delegate.py; here is what keys, clicks and menus do with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.ui.actions import attach_canvas_actions, first_key
from rcnn_studio.ui.label.box_delegate import BoxDelegate
from rcnn_studio.ui.label.box_model import (
    CLASS,
    CLASS_WIDTH,
    FLAGS,
    HEIGHT,
    NUMBERS,
    SCORE,
    SOURCE,
    WIDTH,
    BoxModel,
    X,
    Y,
    number,
)
from rcnn_studio.ui.label.category_palette import CategoryPalette
from rcnn_studio.ui.label.scene import flag_names
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.project import ProjectModel

__all__ = ["CLASS", "FLAGS", "HEIGHT", "SCORE", "SOURCE", "WIDTH", "BoxTable", "X", "Y", "number"]

OPTIONAL = (SCORE, SOURCE)
"""Columns that go, in this order, where the table is too narrow for all."""

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_OWN = (
    *_ENTER,
    Qt.Key.Key_Escape,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_F2,
)
_MODIFIED = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class BoxTable(QTableView):
    """See the module. Its selection is the project's selection, both ways; what is done is done to all of it."""

    corners_changed = Signal(bool)

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("box_table")
        self.setAccessibleName(self.tr("Boxes in this image"))
        self._project = project
        self._following = False
        self._draw: QAction | None = None
        self._empty: QAction | None = None
        self.boxes = BoxModel(project, self)
        self.setModel(self.boxes)
        self.setItemDelegate(BoxDelegate(self.boxes, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._set_up_header()
        self._connect()

    def _set_up_header(self) -> None:
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(28)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionsClickable(True)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._set_widths()

    def _set_widths(self) -> None:
        for place, column in enumerate(self.boxes.columns):
            self.setColumnWidth(place, column.width)

    def _connect(self) -> None:
        project, header = self._project, self.horizontalHeader()
        self.selectionModel().selectionChanged.connect(self._on_rows_selected)
        self.boxes.modelReset.connect(self._on_selection_changed)
        self.boxes.modelReset.connect(self.fit_columns)
        self.boxes.dataChanged.connect(self.fit_columns)
        project.selection_changed.connect(self._on_selection_changed)
        project.boxes_changed.connect(self._on_state_changed)
        self.doubleClicked.connect(self._on_cell_opened)
        self.customContextMenuRequested.connect(self._on_menu_asked)
        header.sectionClicked.connect(self._on_header_clicked)
        header.customContextMenuRequested.connect(self._on_header_menu_asked)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Let the canvas's keys act here too, but for those that are the table's own: see _keeps."""
        attach_canvas_actions(self, actions, image_list=True)
        self._draw, self._empty = actions["action.tool.draw"], actions["action.image.confirm_empty"]

    # --- what a person does -----------------------------------------------------------------------

    def set_corners(self, on: bool) -> None:
        """Columns of the far corner instead of width and height."""
        if on != self.boxes.corners:
            self.boxes.set_corners(on)
            self._set_widths()
            self.fit_columns()
            self.corners_changed.emit(on)

    def pick_category(self, typed: str = "") -> None:
        """The type-ahead palette at the current row: one class for all selected boxes, one undo."""
        if not self._project.selection:
            return
        palette = CategoryPalette(self._project, self.viewport())
        palette.category_chosen.connect(self._on_category_chosen)
        area = self.visualRect(self.boxes.index(max(0, self.currentIndex().row()), CLASS))
        palette.open_at((area.left() + 4.0, area.bottom() + 1.0))
        palette.edit.setText(typed)

    def show_flags_menu(self, at: QPoint) -> QMenu:
        """The four flags of the selected boxes, to be ticked."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        self._add_flags(menu)
        menu.popup(at)
        return menu

    def _add_flags(self, menu: QMenu) -> None:
        selected = self._project.selected_boxes()
        for flag, name in flag_names().items():
            entry = menu.addAction(name)
            entry.setCheckable(True)
            entry.setChecked(bool(selected) and all(box.flags & flag for box in selected))
            entry.setData(int(flag))
        menu.triggered.connect(self._on_flag_chosen)

    def _add_columns(self, menu: QMenu) -> None:
        group = QActionGroup(menu)
        for text, on in ((self.tr("Width and height"), False), (self.tr("Corners"), True)):
            entry = menu.addAction(text)
            entry.setCheckable(True)
            entry.setChecked(self.boxes.corners == on)
            entry.setData(on)
            group.addAction(entry)
        group.triggered.connect(self._on_columns_chosen)
        menu.addSeparator()
        made = menu.addAction(self.tr("Sort as drawn"), self._sort_as_made)
        made.setEnabled(self.boxes.sorted_by is not None)

    def _delete(self) -> None:
        self._project.delete_boxes(self._project.selection)

    def _sort_as_made(self) -> None:
        self.boxes.sort_by(None)

    # --- signals ----------------------------------------------------------------------------------

    def _on_rows_selected(self) -> None:
        if self._following:
            return
        parts = self.selectionModel().selection()
        rows = (row for part in parts for row in range(part.top(), part.bottom() + 1))
        self._project.set_selection([self.boxes.boxes[row].id for row in rows])

    def _on_selection_changed(self) -> None:
        """Select the rows of the project's selection, neighbours as one range."""
        wanted = [row for row, box in enumerate(self.boxes.boxes) if box.id in self._project.selection]
        chosen = QItemSelection()
        for start, end in _ranges(wanted):
            chosen.select(self.boxes.index(start, 0), self.boxes.index(end, SCORE))
        self._following = True
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if wanted and self.currentIndex().row() not in wanted:
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            column = max(0, self.currentIndex().column())
            self.selectionModel().setCurrentIndex(self.boxes.index(wanted[0], column), flag)
        self._following = False

    def _on_cell_opened(self, index: QModelIndex) -> None:
        """A double-click or Enter: the class and the flags have menus of their own, numbers are typed in place."""
        if index.column() == FLAGS and self._project.selection:
            self.show_flags_menu(self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()))
        elif index.column() == CLASS:
            self.pick_category()
        elif self.boxes.flags(index) & Qt.ItemFlag.ItemIsEditable:
            self._edit_once(index)
        elif index.column() in NUMBERS and self.boxes.is_locked(index.row()):
            self._project.message.emit(self.tr("Locked: unlock the class in the list of classes."))

    def _edit_once(self, index: QModelIndex) -> None:
        """A cell that is open for typing already stays as it is."""
        if self.state() != QAbstractItemView.State.EditingState:
            self.edit(index)

    def _on_category_chosen(self, category_id: int) -> None:
        self._project.set_category(self._project.selection, category_id)

    def _on_flag_chosen(self, entry: QAction) -> None:
        flag = BoxFlag(int(entry.data() or 0))
        if flag:
            self._project.toggle_flag(self._project.selection, flag)

    def _on_columns_chosen(self, entry: QAction) -> None:
        self.set_corners(bool(entry.data()))

    def _on_header_clicked(self, column: int) -> None:
        """Up, down, and as they were made, in turn."""
        order = Qt.SortOrder
        now = self.boxes.sorted_by
        if now == (column, order.DescendingOrder):
            self._sort_as_made()
            return
        wanted = order.DescendingOrder if now == (column, order.AscendingOrder) else order.AscendingOrder
        self.boxes.sort_by(column, wanted)

    def _on_header_menu_asked(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        self._add_columns(menu)
        menu.popup(self.horizontalHeader().mapToGlobal(at))

    def _on_menu_asked(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        if self._project.selection:
            menu.addAction(self.tr("Class..."), self.pick_category)
            self._add_flags(menu.addMenu(self.tr("Flags")))
            menu.addAction(self.tr("Delete"), self._delete)
            menu.addSeparator()
        self._add_columns(menu.addMenu(self.tr("Columns")))
        menu.popup(self.viewport().mapToGlobal(at))

    # --- looks ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(300, 420)

    def fit_columns(self) -> None:
        """Show the columns there is room for, the class as wide as can be: no scroll bar for a few pixels."""
        room = self.viewport().width()
        hidden: set[int] = set() if any(box.score is not None for box in self.boxes.boxes) else {SCORE}
        for column in OPTIONAL:
            if CLASS_WIDTH + self._width_of(hidden) > room:
                hidden.add(column)
        for column in OPTIONAL:
            if self.isColumnHidden(column) != (column in hidden):
                self.setColumnHidden(column, column in hidden)
        self.setColumnWidth(CLASS, max(CLASS_WIDTH, room - self._width_of(hidden)))

    def _width_of(self, hidden: set[int]) -> int:
        """Width of the columns beside the class."""
        return sum(column.width for place, column in enumerate(self.boxes.columns) if place and place not in hidden)

    @property
    def empty_text(self) -> str:
        """What stands where there are no boxes."""
        record = self._project.record
        if record is None:
            return ""
        if record.state == ImageState.CONFIRMED_EMPTY:
            return self.tr("Marked as empty: nothing here.")
        draw, empty = (first_key(a) if a is not None else "" for a in (self._draw, self._empty))
        if not draw or not empty:
            return self.tr("No boxes here yet.")
        return self.tr("No boxes here yet. Press {0} and drag one, or {1} if there is nothing.").format(draw, empty)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.boxes.boxes and self.empty_text:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(colors_of(self.palette()).muted))
            room = self.viewport().rect().adjusted(16, 16, -16, -16)
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(room, flags, self.empty_text)

    def _on_state_changed(self, _image_id: int) -> None:
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_columns()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._keeps(event):
            event.accept()
            return True
        return super().event(event)

    def _keeps(self, event: QKeyEvent) -> bool:
        """Keys of the table itself: all while a cell is open for typing; the way from cell to cell; a number begun."""
        if self.state() == QAbstractItemView.State.EditingState:
            return True
        if event.modifiers() & _MODIFIED:
            return False
        begins = event.text() != "" and event.text() in "0123456789.,-" and self.currentIndex().column() in NUMBERS
        return event.key() in _OWN or (begins and bool(self._project.selection))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens any cell, F2 also those that are not typed in; the keys of boxes are the canvas's actions."""
        index = self.currentIndex()
        closed = index.isValid() and self.state() != QAbstractItemView.State.EditingState
        if closed and (event.key() in _ENTER or (event.key() == Qt.Key.Key_F2 and index.column() not in NUMBERS)):
            self._on_cell_opened(index)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, _text: str) -> None:
        """Letters are keys of the boxes; sorting brings a class together."""


def _ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs of neighbours: [1, 2, 3, 7] -> [(1, 3), (7, 7)]"""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
