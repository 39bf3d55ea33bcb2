"""Help > About: which version this is, under which licence, and where its files lie."""

from __future__ import annotations

import platform

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rcnn_studio import __version__
from rcnn_studio.tasks.places import data_home, home

ICON_SIDE = 56


class AboutDialog(QDialog):
    """The text can be copied: it is what a report of a fault needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About RCNN Studio"))
        sign = QLabel(alignment=Qt.AlignmentFlag.AlignTop)
        sign.setPixmap(QApplication.windowIcon().pixmap(ICON_SIDE, ICON_SIDE))
        title = QLabel(self.tr("RCNN Studio"))
        title.setProperty("role", "hero")
        self.facts = QLabel(self._facts(), wordWrap=True)
        self.facts.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        texts = QVBoxLayout()
        texts.setSpacing(10)
        texts.addWidget(title)
        texts.addWidget(QLabel(self.tr("Label images, train Faster R-CNN, review what it finds."), wordWrap=True))
        texts.addWidget(self.facts)
        top = QHBoxLayout()
        top.setSpacing(18)
        top.addWidget(sign)
        top.addLayout(texts, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(self._on_copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 16)
        layout.setSpacing(18)
        layout.addLayout(top)
        layout.addWidget(buttons)
        self.setMinimumWidth(480)

    def _facts(self) -> str:
        lines = (
            self.tr("Version {0}, MIT licence").format(__version__),
            self.tr("Python {0}, Qt {1}, {2}").format(platform.python_version(), qVersion(), platform.platform()),
            self.tr("Settings and log: {0}").format(home()),
            self.tr("Sample and unpacked data: {0}").format(data_home()),
        )
        return "\n".join(lines)

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(f"RCNN Studio\n{self.facts.text()}")
