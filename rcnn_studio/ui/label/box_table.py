"""The boxes of the open image as an editable table: the keyboard's and the screen reader's way to the canvas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
)
from PySide6.QtGui import QAction, QColor, QDoubleValidator, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, ImageState
from rcnn_studio.ui.label.category_palette import swatch
from rcnn_studio.ui.label.scene import FLAG_LETTERS, UNKNOWN_COLOR, flag_names, flag_words
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.project import ProjectModel

AnyIndex = QModelIndex | QPersistentModelIndex
CLASS, X, Y, WIDTH, HEIGHT, FLAGS, SOURCE, SCORE = range(8)
CLASS_WIDTH = 84
OPTIONAL = (SCORE, SOURCE)
"""Columns that go, in this order, where the table is too narrow for all."""
NUMBERS = (X, Y, WIDTH, HEIGHT)
Role = Qt.ItemDataRole
_ANSWERED = frozenset(
    {
        Role.DisplayRole,
        Role.EditRole,
        Role.TextAlignmentRole,
        Role.DecorationRole,
        Role.AccessibleTextRole,
        Role.ToolTipRole,
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    hint: str
    width: int


class BoxModel(QAbstractTableModel):
    """One row a box, in the order they were made. Edits go to the project at once."""

    def __init__(self, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.boxes: tuple[Box, ...] = project.boxes
        self.columns = (
            Column(self.tr("Class"), self.tr("Class of the box"), CLASS_WIDTH),
            Column("x", self.tr("Left edge, pixels"), 38),
            Column("y", self.tr("Top edge, pixels"), 38),
            Column(self.tr("w"), self.tr("Width, pixels"), 38),
            Column(self.tr("h"), self.tr("Height, pixels"), 38),
            Column(
                self.tr("Flags"), self.tr("O occluded, T truncated, D difficult, C crowd: double-click to change"), 44
            ),
            Column(self.tr("From"), self.tr("Drawn here, from the dataset's file, or accepted from a model"), 50),
            Column(self.tr("Score"), self.tr("What the model gave it, 0 to 1"), 46),
        )
        project.boxes_changed.connect(self._on_boxes_changed)
        project.categories_changed.connect(self._on_looks_changed)

    def row_of(self, box_id: int) -> int | None:
        return next((row for row, box in enumerate(self.boxes) if box.id == box_id), None)

    def _on_boxes_changed(self, _image_id: int) -> None:
        boxes = self.project.boxes
        if [b.id for b in boxes] == [b.id for b in self.boxes]:
            self.boxes = boxes
            self._on_looks_changed()
        else:
            self.beginResetModel()
            self.boxes = boxes
            self.endResetModel()

    def _on_looks_changed(self) -> None:
        if self.boxes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.boxes) - 1, SCORE))

    def _name(self, box: Box) -> str:
        category = self.project.category(box.category_id)
        return category.name if category is not None else "?"

    def _source(self, box: Box) -> str:
        names = {
            BoxSource.HUMAN: self.tr("drawn"),
            BoxSource.IMPORTED: self.tr("file"),
            BoxSource.RUN: self.tr("model"),
        }
        return names[box.source]

    def _text(self, box: Box, column: int) -> str:
        texts: dict[int, Callable[[], str]] = {
            CLASS: lambda: self._name(box),
            X: lambda: number(box.x1),
            Y: lambda: number(box.y1),
            WIDTH: lambda: number(box.width),
            HEIGHT: lambda: number(box.height),
            FLAGS: lambda: " ".join(letter for flag, letter in FLAG_LETTERS if box.flags & flag),
            SOURCE: lambda: self._source(box),
            SCORE: lambda: "" if box.score is None else f"{box.score:.2f}",
        }
        return texts[column]()

    def _tooltip(self, box: Box, column: int) -> str | None:
        """What a cell leaves out: a long name, the flags in words, the score where its column has no room."""
        if column == CLASS:
            return self._name(box)
        if column == FLAGS:
            return flag_words(box.flags) or None
        if column == SOURCE and box.score is not None:
            return self.tr("accepted from a model, score {0}").format(f"{box.score:.2f}")
        return None

    def _with_number(self, box: Box, column: int, value: float) -> Box:
        """The box moved (x, y) or sized (w, h), inside the image and at least a pixel large."""
        record = self.project.record
        wide, high = (record.width, record.height) if record is not None else (box.x2, box.y2)
        x1, y1, x2, y2 = box.xyxy
        if column == X:
            x1 = min(max(0.0, value), wide - box.width)
            x2 = x1 + box.width
        elif column == Y:
            y1 = min(max(0.0, value), high - box.height)
            y2 = y1 + box.height
        elif column == WIDTH:
            x2 = min(x1 + max(1.0, value), wide)
        else:
            y2 = min(y1 + max(1.0, value), high)
        return box.moved_to(x1, y1, x2, y2)

    # --- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.boxes)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        if orientation == Qt.Orientation.Vertical:
            return section + 1 if role == Role.DisplayRole else None
        if role == Role.DisplayRole:
            return self.columns[section].title
        if role == Role.TextAlignmentRole and section in (*NUMBERS, SCORE):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role in (Role.ToolTipRole, Role.AccessibleTextRole):
            return self.columns[section].hint
        return None

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> object:
        if role not in _ANSWERED or not index.isValid() or index.row() >= len(self.boxes):
            return None
        box, column = self.boxes[index.row()], index.column()
        if role == Role.DisplayRole:
            return self._text(box, column)
        if role == Role.EditRole:
            return box.category_id if column == CLASS else self._text(box, column)
        if role == Role.TextAlignmentRole and column in (*NUMBERS, SCORE):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Role.TextAlignmentRole and column == FLAGS:
            return Qt.AlignmentFlag.AlignCenter
        if role == Role.DecorationRole and column == CLASS:
            category = self.project.category(box.category_id)
            return swatch(category.color if category is not None else UNKNOWN_COLOR)
        if role == Role.AccessibleTextRole:
            return (
                f"{self.columns[column].title} {flag_words(box.flags) if column == FLAGS else self._text(box, column)}"
            )
        if role == Role.ToolTipRole:
            return self._tooltip(box, column)
        return None

    def setData(self, index: AnyIndex, value: object, role: int = Role.EditRole) -> bool:
        box, column = self.boxes[index.row()], index.column()
        if column == CLASS:
            self.project.set_category([box.id], int(str(value)))
        elif column in NUMBERS and float(str(value)) != float(self._text(box, column)):
            self.project.change_boxes([self._with_number(box, column, float(str(value)))], self.tr("Edit numbers"))
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        editable = index.isValid() and index.column() in (CLASS, *NUMBERS) and not self.project.read_only
        return super().flags(index) | (Qt.ItemFlag.ItemIsEditable if editable else Qt.ItemFlag.NoItemFlags)


class BoxDelegate(QStyledItemDelegate):
    """A list of classes for the class, a number field for the corners."""

    def __init__(self, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        if index.column() == CLASS:
            choice = QComboBox(parent)
            for category in self._project.categories:
                choice.addItem(swatch(category.color), category.name, category.id)
            choice.activated.connect(self._on_class_chosen)
            return choice
        field = QLineEdit(parent)
        limits = QDoubleValidator(0.0, 1e6, 2, field)
        limits.setNotation(QDoubleValidator.Notation.StandardNotation)
        limits.setLocale(QLocale.c())
        field.setValidator(limits)
        return field

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        value = index.data(Role.EditRole)
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(editor.findData(value))
        elif isinstance(editor, QLineEdit):
            editor.setText(str(value))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentData())
        elif isinstance(editor, QLineEdit) and editor.hasAcceptableInput():
            model.setData(index, editor.text())

    def _on_class_chosen(self) -> None:
        editor = self.sender()
        if isinstance(editor, QWidget):
            self.commitData.emit(editor)
            self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.NoHint)


class BoxTable(QTableView):
    """See the module. Its selection is the project's selection, both ways."""

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("box_table")
        self.setAccessibleName(self.tr("Boxes in this image"))
        self._project = project
        self._following = False
        self.boxes = BoxModel(project, self)
        self.setModel(self.boxes)
        self.setItemDelegate(BoxDelegate(project, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(28)
        header.setHighlightSections(False)
        for place, column in enumerate(self.boxes.columns):
            self.setColumnWidth(place, column.width)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.selectionModel().selectionChanged.connect(self._on_rows_selected)
        self.boxes.modelReset.connect(self._on_selection_changed)
        self.boxes.modelReset.connect(self.fit_columns)
        self.boxes.dataChanged.connect(self.fit_columns)
        project.selection_changed.connect(self._on_selection_changed)
        project.boxes_changed.connect(self._on_state_changed)
        self.doubleClicked.connect(self._on_cell_opened)
        self.activated.connect(self._on_cell_opened)
        self.customContextMenuRequested.connect(self._on_menu_asked)

    def show_flags_menu(self, at: QPoint) -> QMenu:
        """The four flags of the selected boxes, to be ticked."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        selected = self._project.selected_boxes()
        for flag, name in flag_names().items():
            entry = menu.addAction(name)
            entry.setCheckable(True)
            entry.setChecked(bool(selected) and all(box.flags & flag for box in selected))
            entry.setData(int(flag))
        menu.triggered.connect(self._on_flag_chosen)
        menu.popup(at)
        return menu

    # --- signals ----------------------------------------------------------------------------------

    def _on_rows_selected(self) -> None:
        if not self._following:
            rows = {index.row() for index in self.selectionModel().selectedRows()}
            self._project.set_selection([self.boxes.boxes[row].id for row in rows])

    def _on_selection_changed(self) -> None:
        """Select the rows of the project's selection, neighbours as one range."""
        wanted = [row for row, box in enumerate(self.boxes.boxes) if box.id in self._project.selection]
        chosen = QItemSelection()
        for start, end in _ranges(wanted):
            chosen.select(self.boxes.index(start, 0), self.boxes.index(end, SCORE))
        self._following = True
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if wanted:
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            column = max(0, self.currentIndex().column())
            self.selectionModel().setCurrentIndex(self.boxes.index(wanted[0], column), flag)
        self._following = False

    def _on_cell_opened(self, index: QModelIndex) -> None:
        if index.column() == FLAGS:
            self.show_flags_menu(self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()))

    def _on_flag_chosen(self, entry: QAction) -> None:
        flag = BoxFlag(int(entry.data()))
        if flag:
            self._project.toggle_flag(self._project.selection, flag)
        else:
            self._project.delete_boxes(self._project.selection)

    def _on_menu_asked(self, at: QPoint) -> None:
        if self._project.selection:
            menu = self.show_flags_menu(self.viewport().mapToGlobal(at))
            menu.addSeparator()
            menu.addAction(self.tr("Delete")).setData(0)

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
        return self.tr("No boxes here yet. Press W and drag one, or B if there is nothing.")

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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._project.selection:
            self._project.delete_boxes(self._project.selection)
        else:
            super().keyPressEvent(event)


def number(value: float) -> str:
    """Pixels without needless digits."""
    return f"{round(value, 2):g}" if abs(value) < 1e5 else f"{value:.0f}"


def _ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs of neighbours: [1, 2, 3, 7] -> [(1, 3), (7, 7)]"""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
