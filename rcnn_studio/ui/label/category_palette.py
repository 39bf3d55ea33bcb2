"""Type-ahead choice of a class at the pointer; what is typed and not found becomes a new class."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.workspace.project import ProjectModel

NEW = -1
ROWS_SHOWN = 8
ROW_HEIGHT = 24


@lru_cache(maxsize=256)
def swatch(color: str, side: int = 12, dpr: float = 2.0) -> QIcon:
    """A small square of the class's colour."""
    drawn = QPixmap(round(side * dpr), round(side * dpr))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(drawn.rect(), 3 * dpr, 3 * dpr)
    painter.end()
    drawn.setDevicePixelRatio(dpr)
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(drawn, mode)
    return icon


def ranked(categories: tuple[Category, ...], typed: str) -> list[Category]:
    """Those whose name starts with what was typed, then those that hold it; all for an empty text."""
    wanted = typed.strip().casefold()
    starts = [c for c in categories if c.name.casefold().startswith(wanted)]
    return starts + [c for c in categories if wanted in c.name.casefold() and c not in starts]


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
        self.edit = QLineEdit(placeholderText=self.tr("Class, or a new one"))
        self.edit.setAccessibleName(self.tr("Class"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Classes"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setIconSize(QSize(12, 12))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.edit)
        layout.addWidget(self.list)
        self.edit.textChanged.connect(self._fill)
        self.edit.installEventFilter(self)
        self.list.itemClicked.connect(self._take)
        self._fill("")

    def open_at(self, place: tuple[float, float] | None) -> None:
        """Show at a point of the parent (None: its middle) with the cursor in the field."""
        x, y = place if place is not None else (self._over.width() / 2, self._over.height() / 3)
        rows = max(1, min(ROWS_SHOWN, self.list.count()))
        self.resize(220, self.edit.sizeHint().height() + rows * ROW_HEIGHT + 26)
        corner = self._over.mapToGlobal(QPoint(int(x), int(y)))
        screen = self.screen().availableGeometry()
        corner.setX(max(screen.left(), min(corner.x(), screen.right() - self.width())))
        corner.setY(max(screen.top(), min(corner.y(), screen.bottom() - self.height())))
        self.move(corner)
        self.show()
        self.edit.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fill(self, typed: str) -> None:
        self.list.clear()
        found = ranked(self._project.categories, typed)
        for category in found:
            key = f"   {category.hotkey}" if category.hotkey else ""
            item = QListWidgetItem(swatch(category.color), category.name + key)
            self._add(item, category.id)
        name = typed.strip()
        if name and all(c.name != name for c in found):
            item = QListWidgetItem(self.tr("New class: {0}").format(name))
            self._add(item, NEW)
        self.list.setCurrentRow(0)

    def _add(self, item: QListWidgetItem, category_id: int) -> None:
        item.setData(Qt.ItemDataRole.UserRole, category_id)
        item.setSizeHint(QSize(0, ROW_HEIGHT))
        self.list.addItem(item)

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        category_id = int(item.data(Qt.ItemDataRole.UserRole))
        if category_id == NEW:
            try:
                category_id = self._project.add_category(self.edit.text()).id
            except StudioError as error:
                self.edit.setToolTip(str(error))
                self._project.message.emit(str(error))
                return
        self.close()
        self.category_chosen.emit(category_id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if key == Qt.Key.Key_Down else -1
                self.list.setCurrentRow((self.list.currentRow() + step) % max(1, self.list.count()))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
            if key == Qt.Key.Key_Escape:
                self.close()
                return True
        return super().eventFilter(watched, event)
