"""The command palette (Ctrl+K): a few letters of what is wanted, and Enter does it. Knows every action of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.actions import ACTIONS, plain_text, shown_keys
from rcnn_studio.ui.actions.build import WHY
from rcnn_studio.ui.actions.keys import translated
from rcnn_studio.ui.actions.subjects import subject_of
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.settings import Settings

WIDTH, ROW_HEIGHT, ROWS_SHOWN = 620, 30, 12
RECENT, MOST_RECENT = "palette.recent", 6
ROLE = Qt.ItemDataRole
KEYS_ROLE, SUBJECT_ROLE, WHY_ROLE = ROLE.UserRole + 1, ROLE.UserRole + 2, ROLE.UserRole + 3


def matches(text: str, more: str, typed: str) -> int:
    """How well an action fits what was typed: 0 not at all, higher is better. text counts more than subject and tip."""
    wanted, name = typed.casefold().split(), text.casefold()
    everything = f"{name} {more.casefold()}"
    if not all(word in everything for word in wanted):
        return 0
    if name.startswith(" ".join(wanted)):
        return 4
    starts = [f" {name}".find(f" {word}") >= 0 for word in wanted]
    if all(starts):
        return 3
    return 2 if all(word in name for word in wanted) else 1


class CommandPalette(QFrame):
    """A popup that closes itself. What was run last stands first while nothing is typed."""

    def __init__(self, actions: Mapping[str, QAction], settings: Settings, over: QWidget) -> None:
        super().__init__(over, Qt.WindowType.Popup)
        self.setObjectName("command_palette")
        self.setProperty("role", "popup")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions, self._settings, self._over = actions, settings, over
        self.edit = QLineEdit(placeholderText=self.tr("What do you want to do?"), objectName="command_palette.edit")
        self.edit.setAccessibleName(self.tr("Find a command"))
        self.list = QListWidget(objectName="command_palette.list")
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setIconSize(QSize(16, 16))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_CommandDelegate(self.list))
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(6)
        for widget in (self.edit, self.list, self.note):
            layout.addWidget(widget)
        self.edit.textChanged.connect(self._fill)
        self.edit.installEventFilter(self)
        self.list.itemClicked.connect(self._run)
        self.list.currentRowChanged.connect(self._on_row)
        self._fill("")

    def open(self) -> None:
        """Show below the upper edge of the window, with the cursor in the field."""
        over = self._over
        width = min(WIDTH, over.width() - 40)
        self.setFixedWidth(width)
        self.move(over.mapToGlobal(QPoint((over.width() - width) // 2, 64)))
        self.show()
        self.edit.setFocus(Qt.FocusReason.PopupFocusReason)

    # --- inside -----------------------------------------------------------------------------------

    def _fill(self, typed: str) -> None:
        self.list.clear()
        for action_id in self._found(typed):
            self.list.addItem(self._item(action_id))
        self.list.setCurrentRow(0)
        rows = min(ROWS_SHOWN, max(1, self.list.count()), (self._over.height() - 160) // ROW_HEIGHT)
        self.list.setFixedHeight(rows * ROW_HEIGHT + 2)
        self.adjustSize()
        if not self.list.count():
            self.note.setText(self.tr("No command is called that."))

    def _found(self, typed: str) -> Sequence[str]:
        recent = [i for i in self._recent() if i in self._actions]
        ranked = []
        for place, spec in enumerate(ACTIONS):
            action = self._actions[spec.id]
            keys = " ".join(shown_keys(action))
            texts = (translated(text) for text in (spec.text, spec.tip, spec.words) if text)
            more = " ".join([*texts, subject_of(spec), keys, spec.family])
            fit = matches(plain_text(action), more, typed)
            late = recent.index(spec.id) if spec.id in recent else len(recent)
            if fit:
                ranked.append((-fit if typed.strip() else 0, not action.isEnabled(), late, place, spec.id))
        return [found[-1] for found in sorted(ranked)]

    def _item(self, action_id: str) -> QListWidgetItem:
        action = self._actions[action_id]
        spec = next(spec for spec in ACTIONS if spec.id == action_id)
        item = QListWidgetItem(action.icon(), plain_text(action))
        item.setData(ROLE.UserRole, action_id)
        item.setData(KEYS_ROLE, ", ".join(shown_keys(action)[:2]))
        item.setData(SUBJECT_ROLE, subject_of(spec))
        why = "" if action.isEnabled() else str(action.property(WHY) or self.tr("Not possible now"))
        item.setData(WHY_ROLE, why)
        said = [plain_text(action), subject_of(spec), *shown_keys(action), why]
        item.setData(ROLE.AccessibleTextRole, ", ".join(part for part in said if part))
        item.setToolTip(translated(spec.tip))
        item.setSizeHint(QSize(0, ROW_HEIGHT))
        return item

    def _recent(self) -> list[str]:
        stored = self._settings.get(RECENT)
        return [i for i in stored if isinstance(i, str)] if isinstance(stored, list) else []

    def _on_row(self, row: int) -> None:
        item = self.list.item(row)
        if item is None:
            return
        why = str(item.data(WHY_ROLE) or "")
        self.note.setText(why or item.toolTip().split("\n")[0] or self.tr("Enter runs it, Esc closes"))

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None or item.data(WHY_ROLE):
            return
        action_id = str(item.data(ROLE.UserRole))
        recent = [action_id, *[i for i in self._recent() if i != action_id]]
        self._settings.set(RECENT, recent[:MOST_RECENT])
        self.close()
        self._actions[action_id].trigger()

    # --- Qt ---------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key, keys = event.key(), Qt.Key
            steps = {keys.Key_Up: -1, keys.Key_Down: 1, keys.Key_PageUp: -ROWS_SHOWN, keys.Key_PageDown: ROWS_SHOWN}
            if key in steps:
                self._step(steps[keys(key)])
                return True
            if key in (keys.Key_Return, keys.Key_Enter):
                self._run(self.list.currentItem())
                return True
            if key == keys.Key_Escape:
                self.close()
                return True
        return super().eventFilter(watched, event)

    def _step(self, step: int) -> None:
        last = self.list.count() - 1
        row = self.list.currentRow() + step
        if abs(step) == 1:
            row %= max(1, last + 1)
        self.list.setCurrentRow(max(0, min(last, row)))


class _CommandDelegate(QStyledItemDelegate):
    """Icon, text, subject in grey, keys at the right; what cannot be done now is grey, with its reason."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        why = str(index.data(WHY_ROLE) or "")
        colors = colors_of(option.palette)
        painter.save()
        style = option.widget.style() if option.widget is not None else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        area = option.rect.adjusted(8, 0, -8, 0)
        icon, side = index.data(ROLE.DecorationRole), 16
        if isinstance(icon, QIcon):
            at = QRect(area.left(), area.center().y() - side // 2, side, side)
            icon.paint(painter, at, mode=QIcon.Mode.Disabled if why else QIcon.Mode.Normal)
        area.adjust(side + 10, 0, 0, 0)
        middle, metrics = Qt.AlignmentFlag.AlignVCenter, painter.fontMetrics()
        right = why or str(index.data(KEYS_ROLE) or "")
        right = metrics.elidedText(right, Qt.TextElideMode.ElideRight, area.width() // 2)
        painter.setPen(colors.muted)
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, right)
        area.adjust(0, 0, -metrics.horizontalAdvance(right) - 16, 0)
        painter.setPen(colors.disabled if why else colors.text)
        text = metrics.elidedText(str(index.data(ROLE.DisplayRole)), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, middle, text)
        area.adjust(metrics.horizontalAdvance(text) + 10, 0, 0, 0)
        painter.setPen(colors.muted)
        subject = metrics.elidedText(str(index.data(SUBJECT_ROLE)), Qt.TextElideMode.ElideRight, max(0, area.width()))
        if area.width() > 60:
            painter.drawText(area, middle, subject)
        painter.restore()
