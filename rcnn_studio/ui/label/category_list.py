"""The list of classes under a hand: eyes and locks pressed, rows moved, captions above. Asks nothing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from rcnn_studio.ui import theme
from rcnn_studio.ui.label.category_delegate import CategoryDelegate
from rcnn_studio.ui.label.category_model import AnyIndex, CategoryModel

CAPTION_HEIGHT = 20


class CategoryList(QListView):
    """eye_pressed, lock_pressed: row. alone_pressed: the eye of a row with Alt held."""

    eye_pressed = Signal(int)
    alone_pressed = Signal(int)
    lock_pressed = Signal(int)

    def __init__(self, model: CategoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("category_list")
        self.setAccessibleName(self.tr("Classes"))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self._wanted = ""
        self.rows = model
        self.setModel(model)
        self.delegate = CategoryDelegate(model, self)
        self.setItemDelegate(self.delegate)
        self._scrolled = 0
        model.modelAboutToBeReset.connect(self._on_about_to_reset)
        model.modelReset.connect(self._on_reset)
        model.dataChanged.connect(self._on_changed)

    def edit_row(self, row: int) -> None:
        """Open the name of a row for typing; nothing happens where one is open already."""
        if self.state() != QAbstractItemView.State.EditingState:
            self.setCurrentIndex(self.rows.index(row))
            self.setFocus(Qt.FocusReason.OtherFocusReason)
            self.edit(self.rows.index(row))

    def show_rows(self, wanted: str) -> int:
        """Show only the classes whose name holds a text. -> how many those are"""
        self._wanted = wanted.strip().casefold()
        shown = 0
        for row in range(self.rows.rowCount()):
            fits = self._wanted in self.rows.category(row).name.casefold()
            shown += fits
            if self.isRowHidden(row) == fits:
                self.setRowHidden(row, not fits)
        return shown

    def first_shown(self) -> int | None:
        return next((row for row in range(self.rows.rowCount()) if not self.isRowHidden(row)), None)

    def move_row(self, row: int, by: int) -> None:
        """One place up (-1) or down (1), over the rows that are not shown."""
        other = row + by
        while 0 <= other < self.rows.rowCount() and self.isRowHidden(other):
            other += by
        if 0 <= other < self.rows.rowCount():
            self.rows.move(row, other if by < 0 else other + 1)

    def place_of(self, row: int) -> QPoint:
        """The lower left corner of a row's name, on the screen; that of the list where the row is out of sight."""
        area = self.visualRect(self.rows.index(row))
        area = area.intersected(self.viewport().rect())
        return self.viewport().mapToGlobal(QPoint(area.left() + 30, area.bottom()))

    def _part_at(self, at: QPoint) -> tuple[int, str]:
        index = self.indexAt(at)
        if not index.isValid():
            return -1, ""
        return index.row(), self.delegate.part_at(self.visualRect(index), self.font(), at)

    def _on_about_to_reset(self) -> None:
        self._scrolled = self.verticalScrollBar().value()

    def _on_reset(self) -> None:
        """Rows have moved, come or gone: the list stays where it was."""
        self.show_rows(self._wanted)
        self.doItemsLayout()
        self.verticalScrollBar().setValue(self._scrolled)

    def _on_changed(self) -> None:
        if self._wanted:
            self.show_rows(self._wanted)

    # --- Qt ---------------------------------------------------------------------------------------

    def dataChanged(self, first: AnyIndex, last: AnyIndex, roles: Sequence[int] = ()) -> None:
        """Paint the rows again; a list would also lay out all of them, though none can have got another height."""
        QAbstractItemView.dataChanged(self, first, last, roles)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The eye and the lock of any row, without choosing its class."""
        row, part = self._part_at(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or part not in ("eye", "lock"):
            super().mousePressEvent(event)
        elif part == "lock":
            self.lock_pressed.emit(row)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.alone_pressed.emit(row)
        else:
            self.eye_pressed.emit(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._part_at(event.position().toPoint())[1] in ("eye", "lock"):
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.currentIndex().isValid():
            self.move_row(self.currentIndex().row(), -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, _text: str) -> None:
        """Letters are keys of the canvas; the field above the list is for searching."""


class Captions(QWidget):
    """What the numbers of the rows mean, above them."""

    def __init__(self, rows: CategoryList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self.setToolTip(self.tr("AP50 of the chosen run, boxes in this image, boxes in the project"))

    def sizeHint(self) -> QSize:
        return QSize(100, CAPTION_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, CAPTION_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = theme.colors_of(self.palette())
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.panel))
        width = self._rows.viewport().width()
        places = self._rows.delegate.columns(QRect(0, 0, width, self.height()), self._rows.font())
        font = QFont(self.font())
        font.setPixelSize(max(9, QFontMetrics(font).height() - 6))
        painter.setFont(font)
        painter.setPen(QColor(colors.muted))
        for area, text in (
            (places.score, self.tr("AP50")),
            (places.here, self.tr("here")),
            (places.count, self.tr("all")),
            (places.key, self.tr("key")),
        ):
            if area.width() > 0:
                wide = area.adjusted(-8, 0, 0, 0)
                aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(wide, int(aligned), text)
