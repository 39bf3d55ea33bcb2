"""The cells of the table of boxes: numbers typed in place, what is wrong said at the cell. Holds no values."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QPersistentModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip, QWidget

from rcnn_studio.ui.label.box_model import AnyIndex, BoxModel
from rcnn_studio.ui.swatch import SIDE, swatch_pixmap
from rcnn_studio.ui.theme import LIGHT, Colors, colors_of

ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
ERROR_MS = 6000
MARGIN, ICON_ROOM = 3, 22
CUTS_KEPT = 4000


class NumberField(QLineEdit):
    """The editor of one cell; `fault` is what is wrong with its text."""

    def __init__(self, model: BoxModel, index: AnyIndex, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._index = QPersistentModelIndex(index)
        self.setFrame(False)
        self.setAccessibleName(model.columns[index.column()].hint)
        self.textEdited.connect(self._on_edited)

    @property
    def fault(self) -> str:
        if not self._index.isValid():
            return self.tr("The box is gone")
        return self._model.fault(self._index.row(), self._index.column(), self.text())

    def show_fault(self) -> None:
        """Say below the cell what is wrong; the text goes red, and the words do not rely on that."""
        self._paint_text(colors_of(self.palette()).bad)
        self.setAccessibleDescription(self.fault)
        QToolTip.showText(self.mapToGlobal(QPoint(0, self.height() - 12)), self.fault, self, self.rect(), ERROR_MS)

    def _on_edited(self) -> None:
        QToolTip.hideText()
        self.setAccessibleDescription("")
        self._paint_text(colors_of(self.palette()).text)

    def _paint_text(self, color: str) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, QColor(color))
        self.setPalette(palette)
        self.setStyleSheet(f"color: {color};")


class BoxDelegate(QStyledItemDelegate):
    """Enter and Tab take a number only where it is one; Esc gives the old one back."""

    def __init__(self, model: BoxModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._looks: tuple[tuple[object, ...], Colors] = ((), LIGHT)
        self._short: dict[tuple[str, int], str] = {}

    def _look_at(self, option: QStyleOptionViewItem) -> Colors:
        """The colours of the table; what was cut to fit is forgotten with another font."""
        key = (option.palette.cacheKey(), option.font.key())
        if key != self._looks[0]:
            self._looks, self._short = (key, colors_of(option.palette)), {}
        return self._looks[1]

    def _cut(self, text: str, option: QStyleOptionViewItem, width: int) -> str:
        if len(self._short) > CUTS_KEPT:
            self._short = {}
        cut = self._short.get((text, width))
        if cut is None:
            cut = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
            self._short[text, width] = cut
        return cut

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """As the style would in five times the time: it asks for seven roles, and matches its sheet at every cell."""
        colors, look, area = (
            self._look_at(option),
            self._model.look(index.row(), index.column()),
            QRect(option.rect),
        )
        state = option.state
        if QStyle.StateFlag.State_Selected in state:
            painter.fillRect(area, QColor(colors.selected))
        text = area.adjusted(MARGIN, 0, -MARGIN, 0)
        if look.color:
            painter.drawPixmap(text.left() + 2, area.center().y() - SIDE // 2 + 1, swatch_pixmap(look.color))
            text.setLeft(text.left() + ICON_ROOM)
        if look.text:
            painter.setFont(option.font)
            painter.setPen(QColor(colors.muted if look.back else colors.text))
            painter.drawText(text, look.alignment, self._cut(look.text, option, text.width()))
        if QStyle.StateFlag.State_HasFocus in state:
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        return NumberField(self._model, index, parent)

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        if isinstance(editor, NumberField) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:
        if isinstance(editor, NumberField) and not editor.fault:
            model.setData(index, editor.text())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        typed = isinstance(watched, NumberField) and isinstance(event, QKeyEvent)
        if typed and event.type() == QEvent.Type.KeyPress and event.key() in ENDS and watched.fault:
            watched.show_fault()
            return True
        return super().eventFilter(watched, event)
