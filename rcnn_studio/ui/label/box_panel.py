"""The table of boxes, and below it what the dataset's file says of the selected one. Writes no files."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.formats.box_attributes import Attribute
from rcnn_studio.ui.label.box_table import BoxTable
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.box_attributes import BoxAttributes
from rcnn_studio.workspace.project import ProjectModel

ROW_HEIGHT = 24
ROWS_SHOWN = 4
ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


class ValueDelegate(QStyledItemDelegate):
    """Enter takes a value only where it is of the kind of the old one; what is wrong is said at the cell."""

    def __init__(self, model: BoxAttributes, parent: QTableWidget) -> None:
        super().__init__(parent)
        self._attributes = model
        self._table = parent

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        ends = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in ENDS
        if ends and isinstance(watched, QLineEdit):
            name = self._table.item(self._table.currentRow(), 0).text()
            fault = self._attributes.change(name, watched.text())
            if fault:
                watched.setAccessibleDescription(fault)
                QToolTip.showText(watched.mapToGlobal(QPoint(0, watched.height() - 12)), fault, watched)
                return True
        return super().eventFilter(watched, event)


class AttributeTable(QTableWidget):
    """Name and value, one attribute a row; those that no codec can write back are grey."""

    def __init__(self, attributes: BoxAttributes, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(0, 2, parent)
        self.setObjectName("box_attributes")
        self.setAccessibleName(self.tr("Attributes of the box from the dataset's file"))
        self._attributes = attributes
        self._project = project
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setItemDelegate(ValueDelegate(attributes, self))
        self.setFixedHeight(ROWS_SHOWN * ROW_HEIGHT + 4)

    def show_attributes(self, attributes: tuple[Attribute, ...]) -> None:
        row, column = self.currentRow(), self.currentColumn()
        self.setRowCount(len(attributes))
        for place, attribute in enumerate(attributes):
            self._fill(place, attribute)
        if 0 <= row < len(attributes):
            self.setCurrentCell(row, column)

    def _fill(self, row: int, attribute: Attribute) -> None:
        flag = Qt.ItemFlag
        name, value = QTableWidgetItem(attribute.name), QTableWidgetItem(attribute.text)
        name.setFlags(flag.ItemIsEnabled | flag.ItemIsSelectable)
        name.setToolTip(attribute.name)
        if not attribute.there:
            name.setForeground(QColor(colors_of(self.palette()).muted))
            name.setToolTip(
                self.tr("{0}\nOther boxes of this file have it; this one does not yet.").format(attribute.name)
            )
        value.setToolTip(attribute.text)
        if attribute.editable and not self._project.read_only:
            value.setFlags(flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsEditable)
        else:
            value.setFlags(flag.ItemIsSelectable)
            value.setToolTip(
                self.tr("{0}\nKept in the file as it is; it cannot be changed here.").format(attribute.text)
            )
        self.setItem(row, 0, name)
        self.setItem(row, 1, value)


class BoxPanel(QWidget):
    """`table` of all boxes; below it a part to unfold, there while the image's file says more than boxes."""

    unfolded_changed = Signal(bool)

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = BoxTable(project)
        self.attributes = BoxAttributes(project, self)
        self.values = AttributeTable(self.attributes, project)
        self.values.hide()
        self.message = QLabel(wordWrap=True)
        self.message.setProperty("role", "muted")
        self.message.setContentsMargins(12, 0, 12, 6)
        self.unfold = self._make_button()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.table, 1)
        for widget in (self.unfold, self.values, self.message):
            layout.addWidget(widget)
        self.setFocusProxy(self.table)
        self.attributes.changed.connect(self._show)
        self._show()

    def _make_button(self) -> QToolButton:
        button = QToolButton(objectName="box_attributes_unfold", checkable=True, autoRaise=True)
        button.setProperty("role", "fold")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(self.tr("What the dataset's file says of the box beside class, corners and flags"))
        button.toggled.connect(self._on_unfolded)
        return button

    def set_unfolded(self, on: bool) -> None:
        self.unfold.setChecked(on)

    def _on_unfolded(self, on: bool) -> None:
        self._show()
        self.unfolded_changed.emit(on)

    def _show(self) -> None:
        """The height stays as it is from box to box, so that the table above does not jump."""
        shown, open_ = self.attributes.shown, self.unfold.isChecked()
        self.unfold.setVisible(shown.any_here)
        self.unfold.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        text, number = self.tr("Attributes from the file"), sum(a.there for a in shown.attributes)
        self.unfold.setText(f"{text} · {number}" if number else text)
        self.unfold.setAccessibleName(self.unfold.text())
        self.values.setVisible(shown.any_here and open_)
        self.values.show_attributes(shown.attributes)
        self.message.setText(shown.message)
        self.message.setVisible(bool(shown.message))
