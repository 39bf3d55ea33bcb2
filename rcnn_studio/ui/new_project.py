"""The dialog that asks what a new project is made from. It only asks; the import is a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.path_row import PathRow
from rcnn_studio.ui.theme import pad


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What the person chose. kind: "voc", "coco" or "images"; source: folder (or the COCO file)."""

    kind: str
    source: Path
    images: Path | None
    project: Path
    labels: str
    val_fraction: float


class NewProjectDialog(QDialog):
    """`choice` is set once the dialog is accepted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New project"))
        self.setObjectName("new_project")
        self.choice: NewProject | None = None
        self.kind = QComboBox()
        self.kind.addItem(self.tr("Plain images"), "images")
        self.kind.addItem(self.tr("PASCAL VOC folder"), "voc")
        self.kind.addItem(self.tr("COCO file"), "coco")
        self.source = PathRow(self.tr("Folder of images"))
        self.images = PathRow(self.tr("Folder of images"))
        self.project = PathRow(self.tr("Project folder"))
        self.labels = QComboBox()
        self.labels.addItem(self.tr("VOC files beside the images"), "voc")
        self.labels.addItem(self.tr("One COCO file"), "coco")
        self.labels.addItem(self.tr("In the project only"), "none")
        self.val = QDoubleSpinBox(minimum=0, maximum=50, value=20, decimals=0, suffix=" %")
        pad(self.val)
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self._form = QFormLayout()
        self._form.addRow(self.tr("Made from"), self.kind)
        self._form.addRow(self.tr("Source"), self.source)
        self._form.addRow(self.tr("Images"), self.images)
        self._form.addRow(self.tr("Project folder"), self.project)
        self._form.addRow(self.tr("Write labels as"), self.labels)
        self._form.addRow(self.tr("Kept for validation"), self.val)
        hint = QLabel(self.tr("Splits that the files hold are kept; only images without one are divided."))
        hint.setProperty("role", "muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(hint)
        layout.addWidget(self.error)
        layout.addWidget(buttons)
        self.setMinimumWidth(560)
        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        self.source.edit.textChanged.connect(self._on_source_changed)
        self._on_kind_changed()

    def _on_kind_changed(self) -> None:
        kind = self.kind.currentData()
        self._form.setRowVisible(self.images, kind == "coco")
        self._form.setRowVisible(self.labels, kind == "images")
        self.source.set_filter(self.tr("COCO annotations (*.json)") if kind == "coco" else "")

    def _on_source_changed(self, text: str) -> None:
        if text and not self.project.edit.isModified():
            source = Path(text)
            folder = source.parent if self.kind.currentData() == "coco" else source
            self.project.edit.setText(str(folder / "rcnn-project"))

    def _on_accepted(self) -> None:
        problem = self._problem()
        self.error.setText(problem)
        self.error.setVisible(bool(problem))
        if problem:
            return
        source, project = self.source.path, self.project.path
        assert source is not None
        assert project is not None
        self.choice = NewProject(
            kind=str(self.kind.currentData()),
            source=source,
            images=self.images.path,
            project=project,
            labels=str(self.labels.currentData()),
            val_fraction=self.val.value() / 100,
        )
        self.accept()

    def _problem(self) -> str:
        kind, source = self.kind.currentData(), self.source.path
        if source is None or not (source.is_file() if kind == "coco" else source.is_dir()):
            return self.tr("Choose a source that exists.")
        if kind == "coco" and (self.images.path is None or not self.images.path.is_dir()):
            return self.tr("Choose the folder that holds the COCO file's images.")
        if self.project.path is None:
            return self.tr("Choose a folder for the project.")
        if (self.project.path / "project.rcnn").exists():
            return self.tr("There is a project in {0} already: open it, or choose another folder.").format(
                self.project.path
            )
        return ""
