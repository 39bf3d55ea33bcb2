"""The sheet of all keys (F1), read from the one table of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from rcnn_studio.ui.actions import key_rows


class KeySheet(QDialog):
    """Every action with its keys, with a filter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("key_sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keys"))
        self.filter = QLineEdit(placeholderText=self.tr("Filter"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.tr("Filter keys"))
        self.tree = QTreeWidget(columnCount=2, rootIsDecorated=False)
        self.tree.setHeaderLabels([self.tr("What"), self.tr("Keys")])
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        mouse = (
            (self.tr("Draw: drag, or click two corners"), self.tr("Left button")),
            (self.tr("Zoom at the pointer"), self.tr("Wheel")),
            (self.tr("Pan"), self.tr("Middle drag, or Space and drag")),
            (self.tr("Select several boxes"), self.tr("Ctrl+click, or drag a frame")),
        )
        for text, keys in (*((text, keys) for _menu, text, keys in key_rows()), *mouse):
            self.tree.addTopLevelItem(QTreeWidgetItem([text, keys]))
        layout = QVBoxLayout(self)
        layout.addWidget(self.filter)
        layout.addWidget(self.tree)
        self.filter.textChanged.connect(self._on_filter)
        self.resize(460, 640)

    def _on_filter(self, text: str) -> None:
        wanted = text.casefold()
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
            if item is not None:
                item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())
