"""The boxes of the open image as rows and columns. Edits go to the project at once; it holds no truth of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QGuiApplication

from rcnn_studio.domain.dataset import Box, BoxSource, Category
from rcnn_studio.ui.label.scene import FLAG_LETTERS, UNKNOWN_COLOR, flag_words
from rcnn_studio.ui.swatch import swatch
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.project import ProjectModel

AnyIndex = QModelIndex | QPersistentModelIndex
CLASS, X, Y, WIDTH, HEIGHT, FLAGS, SOURCE, SCORE = range(8)
CLASS_WIDTH = 84
NUMBERS = (X, Y, WIDTH, HEIGHT)
NOTHING = QModelIndex()
Role = Qt.ItemDataRole
_READABLE = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
_EDITABLE = _READABLE | Qt.ItemFlag.ItemIsEditable
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ALIGNMENTS = {**dict.fromkeys((*NUMBERS, SCORE), _RIGHT), FLAGS: Qt.AlignmentFlag.AlignCenter}


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    hint: str
    width: int


@dataclass(frozen=True, slots=True)
class CellLook:
    """How a cell is painted. color: of its swatch, "" for none; back: it stands back."""

    text: str
    alignment: Qt.AlignmentFlag
    color: str
    back: bool


class BoxModel(QAbstractTableModel):
    """One row a box, in the order they were made or as sorted. corners: the far corner instead of width and height."""

    def __init__(self, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.corners = False
        self.sorted_by: tuple[int, Qt.SortOrder] | None = None
        self.boxes: tuple[Box, ...] = project.boxes
        self._categories: dict[int, Category] = {c.id: c for c in project.categories}
        self.columns = self._make_columns()
        project.boxes_changed.connect(self._on_boxes_changed)
        project.categories_changed.connect(self._on_categories_changed)
        project.category_view.changed.connect(self._on_looks_changed)

    def _make_columns(self) -> tuple[Column, ...]:
        far = (
            (self.tr("right"), self.tr("Right edge, pixels"), self.tr("bottom"), self.tr("Bottom edge, pixels"))
            if self.corners
            else (self.tr("w"), self.tr("Width, pixels"), self.tr("h"), self.tr("Height, pixels"))
        )
        flags = self.tr("O occluded, T truncated, D difficult, C crowd: double-click to change")
        source = self.tr("Drawn here, from the dataset's file, or accepted from a model; * changed since")
        return (
            Column(self.tr("Class"), self.tr("Class of the box"), CLASS_WIDTH),
            Column(self.tr("left") if self.corners else "x", self.tr("Left edge, pixels"), 42),
            Column(self.tr("top") if self.corners else "y", self.tr("Top edge, pixels"), 42),
            Column(far[0], far[1], 48 if self.corners else 42),
            Column(far[2], far[3], 62 if self.corners else 42),
            Column(self.tr("Flags"), flags, 46),
            Column(self.tr("From"), source, 52),
            Column(self.tr("Score"), self.tr("What the model gave it, 0 to 1"), 46),
        )

    def set_corners(self, on: bool) -> None:
        """Show the far corner (right, bottom) instead of width and height."""
        if on != self.corners:
            self.beginResetModel()
            self.corners = on
            self.columns = self._make_columns()
            self.endResetModel()

    def row_of(self, box_id: int) -> int | None:
        return next((row for row, box in enumerate(self.boxes) if box.id == box_id), None)

    def is_locked(self, row: int) -> bool:
        return self.project.category_view.is_locked(self.boxes[row].category_id)

    # --- order ------------------------------------------------------------------------------------

    def sort_by(self, column: int | None, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column (None: as the boxes were made). An edit moves no row; another number of boxes sorts anew."""
        self.beginResetModel()
        self.sorted_by = None if column is None else (column, order)
        self.boxes = self._in_order(self.project.boxes)
        self.endResetModel()

    def _arrow(self, column: int) -> str:
        """What the header shows of the order; the style's own arrow lies over the text of narrow columns."""
        if self.sorted_by is None or self.sorted_by[0] != column:
            return ""
        return "\u2191" if self.sorted_by[1] == Qt.SortOrder.AscendingOrder else "\u2193"

    def _in_order(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        if self.sorted_by is None:
            return boxes
        column, order = self.sorted_by
        return tuple(sorted(boxes, key=self._key(column), reverse=order == Qt.SortOrder.DescendingOrder))

    def _key(self, column: int) -> Callable[[Box], object]:
        if column in NUMBERS:
            return lambda box: self.value(box, column)
        if column == SCORE:
            return lambda box: -1.0 if box.score is None else box.score
        return lambda box: self._text(box, column).casefold()

    # --- signals ----------------------------------------------------------------------------------

    def _on_boxes_changed(self, _image_id: int) -> None:
        now = {box.id: box for box in self.project.boxes}
        if len(now) == len(self.boxes) and all(box.id in now for box in self.boxes):
            self.boxes = tuple(now[box.id] for box in self.boxes)
            self._on_looks_changed()
        else:
            self.beginResetModel()
            self.boxes = self._in_order(self.project.boxes)
            self.endResetModel()

    def _on_categories_changed(self) -> None:
        self._categories = {c.id: c for c in self.project.categories}
        self._on_looks_changed()

    def _on_looks_changed(self) -> None:
        if self.boxes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.boxes) - 1, SCORE))

    # --- what a cell says ---------------------------------------------------------------------------

    def value(self, box: Box, column: int) -> float:
        """The number in one of NUMBERS."""
        far = (box.x2, box.y2) if self.corners else (box.width, box.height)
        return {X: box.x1, Y: box.y1, WIDTH: far[0], HEIGHT: far[1]}[column]

    def _name(self, box: Box) -> str:
        category = self._categories.get(box.category_id)
        return category.name if category is not None else "?"

    def source(self, box: Box, *, words: bool = False) -> str:
        """Where a box came from; words: in full, with the run and what was done after."""
        if not words:
            names = {
                BoxSource.HUMAN: self.tr("drawn"),
                BoxSource.IMPORTED: self.tr("file"),
                BoxSource.RUN: self.tr("model"),
            }
            return names[box.source] + ("*" if box.edited and box.source != BoxSource.HUMAN else "")
        text = {
            BoxSource.HUMAN: self.tr("drawn by hand"),
            BoxSource.IMPORTED: self.tr("from the dataset's file"),
            BoxSource.RUN: self.tr("accepted from run {0}").format(box.run_id or "?"),
        }[box.source]
        if box.score is not None:
            text = self.tr("{0}, score {1}").format(text, f"{box.score:.2f}")
        return self.tr("{0}, changed since").format(text) if box.edited and box.source != BoxSource.HUMAN else text

    def _text(self, box: Box, column: int) -> str:
        if column in NUMBERS:
            return number(self.value(box, column))
        texts: dict[int, Callable[[], str]] = {
            CLASS: lambda: self._name(box),
            FLAGS: lambda: " ".join(letter for flag, letter in FLAG_LETTERS if box.flags & flag),
            SOURCE: lambda: self.source(box),
            SCORE: lambda: "" if box.score is None else f"{box.score:.2f}",
        }
        return texts[column]()

    def _tooltip(self, box: Box, column: int) -> str | None:
        """What a cell leaves out: a long name, the flags in words, the score where its column has no room."""
        if column == CLASS:
            view = self.project.category_view
            hidden = self.tr("\nHidden on the canvas") if not view.is_shown(box.category_id) else ""
            locked = self.tr("\nLocked: unlock it in the list of classes") if view.is_locked(box.category_id) else ""
            return self._name(box) + hidden + locked
        if column == FLAGS:
            return flag_words(box.flags) or None
        return self.source(box, words=True) if column == SOURCE else None

    def _spoken(self, box: Box, column: int) -> str:
        if column == FLAGS:
            text = flag_words(box.flags) or self.tr("none")
        else:
            text = self.source(box, words=True) if column == SOURCE else self._text(box, column)
        return f"{self.columns[column].title} {text}"

    # --- typed numbers ------------------------------------------------------------------------------

    def fault(self, row: int, column: int, text: str) -> str:
        """What is wrong with a number typed into a cell; "" for one that can be taken."""
        value = parsed(text)
        if value is None:
            return self.tr("{0} is not a number").format(text.strip() or self.tr("Nothing"))
        box = self.boxes[row]
        if column in (X, Y):
            if self.corners and value > (box.x2, box.y2)[column == Y] - 1:
                return self.tr("This edge would lie beyond the opposite one")
            return ""
        if self.corners:
            near = box.x1 if column == WIDTH else box.y1
            return "" if value >= near + 1 else self.tr("This edge would lie beyond the opposite one")
        return "" if value >= 1 else self.tr("A box is at least 1 pixel wide and high")

    def _with_number(self, box: Box, column: int, value: float) -> Box:
        """The box moved (x, y), sized (w, h) or with one edge elsewhere (corners), inside the image."""
        record = self.project.record
        wide, high = (float(record.width), float(record.height)) if record is not None else (box.x2, box.y2)
        x1, y1, x2, y2 = box.xyxy
        if column == X:
            x1 = min(max(0.0, value), wide - (0 if self.corners else box.width))
            x2 = x2 if self.corners else x1 + box.width
        elif column == Y:
            y1 = min(max(0.0, value), high - (0 if self.corners else box.height))
            y2 = y2 if self.corners else y1 + box.height
        elif column == WIDTH:
            x2 = min(value if self.corners else x1 + value, wide)
        else:
            y2 = min(value if self.corners else y1 + value, high)
        return box.moved_to(x1, y1, x2, y2)

    # --- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NOTHING) -> int:
        return 0 if parent.isValid() else len(self.boxes)

    def columnCount(self, parent: AnyIndex = NOTHING) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> object:
        if orientation == Qt.Orientation.Vertical:
            return section + 1 if role == Role.DisplayRole else None
        if role == Role.DisplayRole:
            return self.columns[section].title + self._arrow(section)
        if role == Role.TextAlignmentRole and section in (*NUMBERS, SCORE):
            return _RIGHT
        if role in (Role.ToolTipRole, Role.AccessibleTextRole):
            return self.columns[section].hint
        return None

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> object:
        answer = _ANSWERS.get(role)
        if answer is None or not index.isValid() or index.row() >= len(self.boxes):
            return None
        return answer(self, self.boxes[index.row()], index.column())

    def look(self, row: int, column: int) -> CellLook:
        """What the delegate paints, in one answer."""
        box = self.boxes[row]
        color = self._color(box) if column == CLASS else ""
        back = not self.project.category_view.is_reachable(box.category_id)
        return CellLook(self._text(box, column), _ALIGNMENTS.get(column, _LEFT), color, back)

    def _color(self, box: Box) -> str:
        category = self._categories.get(box.category_id)
        return category.color if category is not None else UNKNOWN_COLOR

    def _edited(self, box: Box, column: int) -> object:
        return box.category_id if column == CLASS else self._text(box, column)

    def _alignment(self, _box: Box, column: int) -> object:
        return _ALIGNMENTS.get(column)

    def _decoration(self, box: Box, column: int) -> object:
        return swatch(self._color(box)) if column == CLASS else None

    def _ink(self, box: Box, _column: int) -> object:
        """Boxes that the canvas does not show, or no hand may change, stand back."""
        if self.project.category_view.is_reachable(box.category_id):
            return None
        return QColor(colors_of(QGuiApplication.palette()).muted)

    def setData(self, index: AnyIndex, value: object, role: int = Role.EditRole) -> bool:
        box, column = self.boxes[index.row()], index.column()
        if column == CLASS:
            self.project.set_category([box.id], int(str(value)))
            return True
        if column not in NUMBERS or self.fault(index.row(), column, str(value)):
            return False
        typed = parsed(str(value))
        if typed is not None and typed != float(self._text(box, column)):
            self.project.change_boxes([self._with_number(box, column, typed)], self.tr("Edit numbers"))
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        number_cell = index.isValid() and index.column() in NUMBERS
        editable = number_cell and not self.project.read_only and not self.is_locked(index.row())
        return _EDITABLE if editable else _READABLE


_ANSWERS: dict[int, Callable[[BoxModel, Box, int], object]] = {
    Role.DisplayRole: BoxModel._text,
    Role.EditRole: BoxModel._edited,
    Role.TextAlignmentRole: BoxModel._alignment,
    Role.DecorationRole: BoxModel._decoration,
    Role.ForegroundRole: BoxModel._ink,
    Role.AccessibleTextRole: BoxModel._spoken,
    Role.ToolTipRole: BoxModel._tooltip,
}


def number(value: float) -> str:
    """Pixels without needless digits."""
    return f"{round(value, 2):g}" if abs(value) < 1e5 else f"{value:.0f}"


def parsed(text: str) -> float | None:
    """A typed number, with a point or a comma; None for anything else."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e7 else None
