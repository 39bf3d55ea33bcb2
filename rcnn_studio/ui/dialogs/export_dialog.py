"""The dialog that asks how and whereto the labels are exported. It only asks; the export is a task."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from rcnn_studio.tasks.exporting import EXPORT_FORMATS
from rcnn_studio.ui.path_row import PathRow
from rcnn_studio.ui.roles import set_role
from rcnn_studio.workspace.export_losses import Losses

LEAST_WIDTH = 560


class ExportDialog(QDialog):
    """chosen(format, folder) follows once, when the dialog is accepted."""

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None, *, start: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("export")
        self.setWindowTitle(self.tr("Export"))
        self.format = QComboBox(objectName="export.format")
        titles, hints = self._titles(), self._hints()
        for name in EXPORT_FORMATS:
            self.format.addItem(titles.get(name, name), name)
            self.format.setItemData(self.format.count() - 1, hints.get(name, ""), Qt.ItemDataRole.ToolTipRole)
        self.folder = PathRow(self.tr("New or empty folder"))
        self.folder.start = start
        self.folder.edit.setObjectName("export.folder")
        self.hint = QLabel(wordWrap=True)
        self.hint.setProperty("role", "muted")
        self.lost = QLabel(wordWrap=True, objectName="export.lost")
        self.lost.setTextFormat(Qt.TextFormat.PlainText)
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.go = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.go.setText(self.tr("Export"))
        self.go.setProperty("role", "primary")
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow(self.tr("Format"), self.format)
        form.addRow("", self.hint)
        form.addRow(self.tr("Left out"), self.lost)
        form.addRow(self.tr("Into the folder"), self.folder)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.error)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.setMinimumWidth(LEAST_WIDTH)
        self._losses: Losses | None = None
        self.format.currentIndexChanged.connect(self._on_format)
        self.folder.edit.textChanged.connect(self._on_folder)
        self._on_format()
        self._on_folder()

    def _titles(self) -> dict[str, str]:
        return {
            "voc": self.tr("PASCAL VOC"),
            "coco": self.tr("COCO"),
            "yolo": self.tr("YOLO"),
            "labelme": self.tr("LabelMe"),
            "csv": self.tr("CSV, TensorFlow style"),
            "csv-retinanet": self.tr("CSV, RetinaNet style"),
        }

    def _hints(self) -> dict[str, str]:
        return {
            "voc": self.tr("One XML file an image, with the images and the lists of the splits."),
            "coco": self.tr("One JSON file a split, with the images that are labelled."),
            "yolo": self.tr("One text file an image, with data.yaml and the images."),
            "labelme": self.tr("One JSON file an image, beside it."),
            "csv": self.tr("One table with a row a box and a head line, with the images."),
            "csv-retinanet": self.tr("One table with a row a box, one with the classes, and the images."),
        }

    def _on_format(self) -> None:
        self.hint.setText(self._hints().get(str(self.format.currentData()), ""))
        self._show_lost()

    def show_losses(self, losses: Losses) -> None:
        """What each format has no place for, once that is known."""
        self._losses = losses
        self._show_lost()

    def _show_lost(self) -> None:
        if self._losses is None:
            lines, role = [self.tr("Counting …")], "muted"
        else:
            lost = self._losses.get(str(self.format.currentData()), ())
            lines, role = (
                list(lost) or [self.tr("Nothing: this format holds all there is.")],
                "warning" if lost else "good",
            )
        self.lost.setText("\n".join(lines))
        set_role(self.lost, role)

    def _on_folder(self) -> None:
        problem = self._problem()
        self.error.setText(problem)
        self.go.setEnabled(self.folder.path is not None and not problem)

    def _problem(self) -> str:
        """Why nothing can be exported into the folder; empty while none is named."""
        folder = self.folder.path
        if folder is None:
            return ""
        if folder.is_file():
            return self.tr("This is a file. Name a new or empty folder.")
        if folder.is_dir():
            return self.tr("This folder is not empty. Name a new one.") if _holds_something(folder) else ""
        if not folder.parent.is_dir():
            return self.tr("The folder {0} does not exist. Make it first.").format(folder.parent)
        return ""

    def _on_accepted(self) -> None:
        folder = self.folder.path
        if folder is not None and not self._problem():
            self.accept()
            self.chosen.emit(str(self.format.currentData()), str(folder))


def _holds_something(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return True
