"""Type-ahead choice of a class at the pointer; what is typed and not found becomes a new class."""

from __future__ import annotations

from collections.abc import Sequence

import shiboken6
from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QColor, QGuiApplication, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui import theme
from rcnn_studio.ui.label import category_paint as paint
from rcnn_studio.ui.label.category_model import AnyIndex
from rcnn_studio.workspace.project import ProjectModel

ROWS_SHOWN = 9
ROW_HEIGHT = 26
WIDTH = 280
NOTHING = QModelIndex()


def ranked(categories: Sequence[Category], typed: str, recent: Sequence[int] = ()) -> list[Category]:
    """Those whose name starts with what was typed, then those with a word that does, then those that hold it; all for
    an empty text. Within each those chosen lately come first, newest first; the others in the project's order."""
    wanted = typed.strip().casefold()
    order = {category_id: place for place, category_id in enumerate(recent)}
    found: list[tuple[int, int, int, Category]] = []
    for place, category in enumerate(categories):
        rank = _rank(category.name.casefold(), wanted)
        if rank is not None:
            found.append((rank, order.get(category.id, len(order)), place, category))
    return [category for *_, category in sorted(found, key=lambda item: item[:3])]


def _rank(name: str, wanted: str) -> int | None:
    if name.startswith(wanted):
        return 0
    place = name.find(wanted)
    if place < 0:
        return None
    return 1 if any(not name[i - 1].isalnum() and name.startswith(wanted, i) for i in range(1, len(name))) else 2


class PaletteModel(QAbstractListModel):
    """The classes found, and in the end a new one where the text names none."""

    def __init__(self, project: ProjectModel, parent: QObject) -> None:
        super().__init__(parent)
        self._project = project
        self.found: list[Category] = []
        self.new_name = ""
        self.fill("")

    def fill(self, typed: str) -> None:
        self.beginResetModel()
        self.found = ranked(self._project.categories, typed, self._project.category_view.recent)
        name = typed.strip()
        known = {c.name for c in self.found}
        self.new_name = name if name and name not in known and not self._project.read_only else ""
        self.endResetModel()

    def category(self, row: int) -> Category | None:
        """None for the new class."""
        return self.found[row] if row < len(self.found) else None

    def text(self, row: int) -> str:
        category = self.category(row)
        return category.name if category is not None else self.tr("New class: {0}").format(self.new_name)

    def rowCount(self, parent: AnyIndex = NOTHING) -> int:
        return 0 if parent.isValid() else len(self.found) + bool(self.new_name)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        category, text = self.category(index.row()), self.text(index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole and category is not None and category.hotkey:
            return self.tr("{0}, key {1}").format(text, category.hotkey)
        return text


class PaletteDelegate(QStyledItemDelegate):
    """Swatch, name and key of a class; a plus before a new one."""

    def __init__(self, model: PaletteModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colors, area = theme.colors_of(option.palette), option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.selected))
            painter.drawRoundedRect(area, 4, 4)
        category = self._model.category(index.row())
        side = paint.SWATCH
        mark = QRect(area.left() + 7, area.top() + (area.height() - side) // 2, side, side)
        key = QRect(area.right() - paint.KEYCAP - 5, area.top(), paint.KEYCAP, area.height())
        if category is not None:
            paint.paint_swatch(painter, mark, category.color, colors)
            painter.setFont(option.font)
            paint.paint_keycap(painter, key, category.hotkey, colors)
        else:
            paint.paint_icon(painter, mark, "plus", colors.accent, painter.device().devicePixelRatioF())
        left = mark.right() + 9
        name = QRect(left, area.top(), key.left() - 6 - left, area.height())
        paint.paint_name(painter, name, self._model.text(index.row()), option.font, colors.text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(80, ROW_HEIGHT)


class CategoryPalette(QFrame):
    """A popup that closes itself. category_chosen: id of the class, made anew where it was.

    A child of the window, not of the canvas below it, whose keys (Enter, for one) would act here too.
    """

    category_chosen = Signal(int)

    def __init__(self, project: ProjectModel, over: QWidget) -> None:
        super().__init__(over.window(), Qt.WindowType.Popup)
        self.setObjectName("category_palette")
        self.setProperty("role", "popup")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._project = project
        self._over = over
        self._before = QApplication.focusWidget()
        self.edit = QLineEdit(placeholderText=self.tr("Class, or a new one"))
        self.edit.setAccessibleName(self.tr("Class"))
        self.rows = PaletteModel(project, self)
        self.list = self._make_list()
        self.hint = QLabel()
        self.hint.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        for widget in (self.edit, self.list, self.hint):
            layout.addWidget(widget)
        self.edit.textChanged.connect(self._fill)
        self.edit.installEventFilter(self)
        self.list.clicked.connect(self._on_clicked)
        self._fill("")

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName(self.tr("Classes"))
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setUniformItemSizes(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setModel(self.rows)
        view.setItemDelegate(PaletteDelegate(self.rows, view))
        return view

    def open_at(self, place: tuple[float, float] | None) -> None:
        """Show at a point of the widget below (None: its middle), inside the screen, with the cursor in the field."""
        x, y = place if place is not None else (self._over.width() / 2, self._over.height() / 3)
        rows = max(1, min(ROWS_SHOWN, len(self._project.categories) + 1))
        self.list.setFixedHeight(rows * ROW_HEIGHT + 2)
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        corner = self._over.mapToGlobal(QPoint(int(x), int(y)))
        screen = (QGuiApplication.screenAt(corner) or self.screen()).availableGeometry().adjusted(4, 4, -4, -4)
        if corner.y() + self.height() > screen.bottom():  # above the pointer rather than over it
            corner.setY(corner.y() - self.height())
        corner.setX(max(screen.left(), min(corner.x(), screen.right() - self.width())))
        corner.setY(max(screen.top(), min(corner.y(), screen.bottom() - self.height())))
        self.move(corner)
        self.show()
        self.edit.setFocus(Qt.FocusReason.PopupFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The keys go back to where they were."""
        super().closeEvent(event)
        if self._before is not None and shiboken6.isValid(self._before) and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fill(self, typed: str) -> None:
        self.rows.fill(typed)
        self._choose(0)
        if self.rows.new_name and not self.rows.found:
            self.hint.setText(self.tr("Enter makes this class"))
        elif self.rows.new_name:
            self.hint.setText(self.tr("Enter: choose · Shift+Enter: new class"))
        else:
            self.hint.setText(self.tr("Enter: choose · Esc: leave"))

    def _choose(self, row: int) -> None:
        self.list.setCurrentIndex(self.rows.index(row % max(1, self.rows.rowCount())))

    def _on_clicked(self, index: QModelIndex) -> None:
        self._take(index.row())

    def _take(self, row: int) -> None:
        if not 0 <= row < self.rows.rowCount():
            return
        category = self.rows.category(row)
        if category is None:
            try:
                category = self._project.add_category(self.edit.text())
            except StudioError as error:
                self.hint.setText(str(error))
                self.hint.setWordWrap(True)
                return
        self._project.category_view.used(category.id)
        self.close()
        self.category_chosen.emit(category.id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(event) or super().eventFilter(watched, event)
        return super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        """True for a key that is not the field's."""
        key, row = event.key(), self.list.currentIndex().row()
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -ROWS_SHOWN, Qt.Key.Key_PageDown: ROWS_SHOWN}
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._choose(row + steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._choose(min(max(0, row + steps[Qt.Key(key)]), self.rows.rowCount() - 1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            new = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self.rows.new_name)
            self._take(self.rows.rowCount() - 1 if new else row)
        elif key == Qt.Key.Key_Escape:
            self.close()
        else:
            return False
        return True
