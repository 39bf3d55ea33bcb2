"""The rows of a difference as a list model, and how one is painted. Compares nothing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from rcnn_studio.ui.theme import Colors, colors_of
from rcnn_studio.workspace.files_diff import Line, Row

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
PAD = 6
LINE_TINT, WORD_TINT = 34, 110
"""Alpha of a changed line's ground and of the changed characters in it, on white; more on dark."""


class DiffModel(QAbstractListModel):
    """The rows of one difference."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()

    def set_rows(self, rows: Sequence[Row]) -> None:
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row_text(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken(row)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.rows[index.row()] if index.isValid() else None
        if row is not None and row.kind == "gap":
            return Qt.ItemFlag.ItemIsEnabled
        return super().flags(index)


def row_text(row: Row) -> str:
    """A row as a patch has it: what was with a minus, what is with a plus."""
    if row.kind == "gap":
        return gap_text(row)
    if row.kind == "same":
        return f"  {row.right.text}" if row.right is not None else ""
    lines = [f"- {row.left.text}"] if row.left is not None else []
    return "\n".join([*lines, f"+ {row.right.text}"] if row.right is not None else lines)


def spoken(row: Row) -> str:
    """A row for the ear."""
    translate = QCoreApplication.translate
    if row.kind == "gap":
        return gap_text(row)
    left, right = row.left.text.strip() if row.left else "", row.right.text.strip() if row.right else ""
    texts = {
        "same": right,
        "changed": translate("DiffView", "changed from {0} to {1}").format(left, right),
        "removed": translate("DiffView", "removed {0}").format(left),
        "added": translate("DiffView", "added {0}").format(right),
    }
    return texts[row.kind]


def gap_text(row: Row) -> str:
    translate = QCoreApplication.translate
    if not row.hidden:
        return translate("DiffView", "unchanged")
    if row.hidden == 1:
        return translate("DiffView", "1 line unchanged")
    return translate("DiffView", "{0} lines unchanged").format(f"{row.hidden:,}")


class DiffDelegate(QStyledItemDelegate):
    """Paints a row. split: side by side. shift: pixels that long lines are pushed to the left."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.split = True
        self.shift = 0
        self.digits = 3
        self.font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.metrics = QFontMetricsF(self.font)

    def use_font_of(self, base: QFont) -> None:
        self.font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.font.setPointSizeF(max(7.0, base.pointSizeF()))
        self.metrics = QFontMetricsF(self.font)

    @property
    def row_height(self) -> int:
        return round(self.metrics.height()) + 4

    @property
    def gutter(self) -> int:
        """Room for a line number and the sign behind it."""
        return round(self.metrics.horizontalAdvance("0") * (self.digits + 2)) + 2 * PAD

    def text_room(self, width: int) -> int:
        """Pixels a line of text has."""
        return width // 2 - self.gutter - PAD if self.split else width - 2 * self.gutter - PAD

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(option.rect.width(), self.row_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW_ROLE)
        if not isinstance(row, Row):
            return
        colors = colors_of(option.palette)
        painter.save()
        painter.setFont(self.font)
        if row.kind == "gap":
            self._paint_gap(painter, option.rect, row, colors)
        elif self.split:
            half = option.rect.width() // 2
            area = QRect(option.rect.left(), option.rect.top(), half, option.rect.height())
            self._paint_half(painter, area, row, row.left, "removed", colors)
            area = QRect(option.rect.left() + half, option.rect.top(), option.rect.width() - half, area.height())
            self._paint_half(painter, area, row, row.right, "added", colors)
            painter.fillRect(QRect(area.left(), area.top(), 1, area.height()), QColor(colors.border))
        else:
            self._paint_one(painter, option.rect, row, colors)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()), colors.accent)
        painter.restore()

    def _paint_gap(self, painter: QPainter, area: QRect, row: Row, colors: Colors) -> None:
        painter.fillRect(area, QColor(colors.window))
        painter.setPen(QColor(colors.muted))
        text = area.adjusted(self.gutter, 0, -PAD, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, f"⋯  {gap_text(row)}")

    def _paint_half(
        self, painter: QPainter, area: QRect, row: Row, line: Line | None, kind: str, colors: Colors
    ) -> None:
        if line is None:
            painter.fillRect(area, QColor(colors.window))
            return
        changed = row.kind != "same"
        self._paint_line(painter, area, line, kind if changed else "same", colors, whole=row.kind != "changed")

    def _paint_one(self, painter: QPainter, area: QRect, row: Row, colors: Colors) -> None:
        line = row.left if row.kind == "removed" else row.right
        if line is not None:
            whole = not line.spans
            self._paint_line(painter, area, line, row.kind, colors, whole=whole)

    def _paint_line(
        self, painter: QPainter, area: QRect, line: Line, kind: str, colors: Colors, *, whole: bool
    ) -> None:
        tint = {"removed": QColor(colors.bad), "added": QColor(colors.good)}.get(kind)
        strength = 1.4 if colors.dark else 1.0
        if tint is not None:
            ground = QColor(tint)
            ground.setAlpha(round(LINE_TINT * strength))
            painter.fillRect(area, ground)
        number = QRect(area.left(), area.top(), self.gutter - PAD, area.height())
        painter.setPen(QColor(colors.muted))
        sign = {"removed": "−", "added": "+"}.get(kind, " ")
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(number, right, f"{line.number or ''} {sign}")
        room = area.adjusted(self.gutter, 0, -PAD, 0)
        painter.setClipRect(room)
        text = line.text.replace("\t", "    ")
        if tint is not None and not whole:
            self._paint_spans(painter, room, line, tint, strength)
        painter.setPen(QColor(colors.text))
        painter.drawText(
            room.adjusted(-self.shift, 0, 100_000, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine,
            text,
        )
        painter.setClipping(False)

    def _paint_spans(self, painter: QPainter, room: QRect, line: Line, tint: QColor, strength: float) -> None:
        strong = QColor(tint)
        strong.setAlpha(min(255, round(WORD_TINT * strength)))
        for begin, end in line.spans:
            before = line.text[:begin].replace("\t", "    ")
            marked = line.text[begin:end].replace("\t", "    ")
            left = room.left() - self.shift + self.metrics.horizontalAdvance(before)
            width = max(2.0, self.metrics.horizontalAdvance(marked))
            painter.fillRect(QRect(round(left), room.top() + 1, round(width), room.height() - 2), strong)
