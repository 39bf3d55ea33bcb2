"""What is seen when no project is open: how to begin, and the projects opened lately."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio import __version__
from rcnn_studio.tasks.importing import project_title


class WelcomePage(QWidget):
    """Four ways to begin: the sample, a folder, a file, a new project; and the recent ones."""

    path_chosen = Signal(str)
    sample_chosen = Signal()
    clear_chosen = Signal()

    def __init__(
        self, open_action: QAction, import_action: QAction, new_action: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.title = QLabel(self.tr("RCNN Studio"))
        self.title.setProperty("role", "hero")
        subtitle = QLabel(
            self.tr(
                "Label images, train Faster R-CNN, review what it finds.\n"
                "Drop a folder of images, a dataset (VOC, COCO, YOLO, LabelMe, CSV),\n"
                "a zip archive or a project on this window to begin."
            )
        )
        subtitle.setProperty("role", "muted")
        sample = QPushButton(self.tr("Try the sample project"))
        sample.setProperty("role", "primary")
        sample.clicked.connect(self.sample_chosen)
        folder = QPushButton(self.tr("Open a folder or project …"))
        folder.clicked.connect(open_action.trigger)
        file = QPushButton(self.tr("Open a dataset file or zip archive …"))
        file.clicked.connect(import_action.trigger)
        new = QPushButton(self.tr("New project …"))
        new.clicked.connect(new_action.trigger)
        self._heading = QLabel(self.tr("Recent"))
        self._heading.setProperty("role", "title")
        self.recent = QListWidget()
        self.recent.setAccessibleName(self.tr("Recent projects"))
        self.recent.itemActivated.connect(self._on_activated)
        self.recent.itemClicked.connect(self._on_activated)
        self._clear = QPushButton(self.tr("Clear list"), flat=True)
        self._clear.setProperty("role", "quiet")
        self._clear.clicked.connect(self.clear_chosen)
        head = QHBoxLayout()
        head.addWidget(self._heading, 1)
        head.addWidget(self._clear)
        version = QLabel(self.tr("Version {0}").format(__version__))
        version.setProperty("role", "muted")
        column = QVBoxLayout()
        for widget in (self.title, subtitle, sample, folder, file, new):
            column.addWidget(widget)
        column.addLayout(head)
        for widget in (self.recent, version):
            column.addWidget(widget)
        column.setSpacing(10)
        card = QFrame()
        card.setProperty("role", "card")
        card.setLayout(column)
        column.setContentsMargins(28, 24, 28, 20)
        card.setMinimumWidth(460)
        card.setMaximumWidth(560)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(1)

    def set_recent(self, folders: Sequence[str]) -> None:
        self.recent.clear()
        for folder in folders:
            item = QListWidgetItem(f"{project_title(Path(folder))}    {folder}")
            item.setData(Qt.ItemDataRole.UserRole, folder)
            self.recent.addItem(item)
        self.recent.setVisible(bool(folders))
        self._heading.setVisible(bool(folders))
        self._clear.setVisible(bool(folders))
        rows = min(6, max(1, len(folders)))
        self.recent.setFixedHeight(rows * max(22, self.recent.sizeHintForRow(0)) + 6)

    def _on_activated(self, item: QListWidgetItem) -> None:
        self.path_chosen.emit(str(item.data(Qt.ItemDataRole.UserRole)))
