"""The dialog that asks what a new project is made from. It only asks; the import is a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.formats import CODECS
from rcnn_studio.formats.archive import is_zip
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.importing import FOLDER_NAME
from rcnn_studio.ui.path_row import PathRow
from rcnn_studio.ui.theme import pad

SETTLE_MS = 250
ZIP = "zip"
NAMED = {"voc", "coco", "yolo", "labelme", "images"}
"""Kinds that name their codec; of the others it is found out from the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What the person chose. kind: a codec's name, "csv" for any table, or "zip"; source: what to read, and how."""

    kind: str
    source: Source
    project: Path
    val_fraction: float

    @property
    def format_name(self) -> str | None:
        """The codec, None where the files are to tell."""
        return self.kind if self.kind in NAMED else None


def kind_of(path: Path) -> str | None:
    """What a source looks like, "images" for any other folder; None where nothing is there. Quick."""
    if is_zip(path):
        return ZIP
    for codec in CODECS:
        if codec.name != "images" and codec.sniff(path):
            return "csv" if codec.name.startswith("csv") else codec.name
    return "images" if path.is_dir() else None


class NewProjectDialog(QDialog):
    """`choice` is set once the dialog is accepted. start: the folder that looking for one begins in."""

    def __init__(self, parent: QWidget | None = None, *, start: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New project"))
        self.setObjectName("new_project")
        self.choice: NewProject | None = None
        self._make_fields()
        for row in (self.source, self.images, self.project):
            row.start = start
        self._lay_out()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._on_settled)
        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        self.kind.activated.connect(self._on_kind_chosen)
        self.source.edit.textChanged.connect(self._on_source_changed)
        self._kind_chosen, self._suggested = False, ""
        self._on_kind_changed()

    def _make_fields(self) -> None:
        self.source = PathRow(self.tr("Folder or file"))
        self.source.edit.setObjectName("new_project.source")
        self.kind = QComboBox(objectName="new_project.kind")
        for text, kind in (
            (self.tr("Plain images"), "images"),
            (self.tr("PASCAL VOC folder"), "voc"),
            (self.tr("COCO file"), "coco"),
            (self.tr("YOLO folder"), "yolo"),
            (self.tr("LabelMe folder"), "labelme"),
            (self.tr("CSV table"), "csv"),
            (self.tr("Zip archive of one of these"), ZIP),
        ):
            self.kind.addItem(text, kind)
        self.images = PathRow(self.tr("Folder of images"))
        self.images.edit.setPlaceholderText(self.tr("Where the file does not tell"))
        self.project = PathRow(self.tr("Project folder"))
        self.project.edit.setObjectName("new_project.project")
        self.labels = QComboBox()
        self.labels.addItem(self.tr("VOC files beside the images"), "voc")
        self.labels.addItem(self.tr("One COCO file"), "coco")
        self.labels.addItem(self.tr("In the project only"), "none")
        self.corners = QComboBox(objectName="new_project.corners")
        self.corners.addItem(self.tr("As the files look"), None)
        self.corners.addItem(self.tr("Counted from 1 (the devkit's way)"), True)
        self.corners.addItem(self.tr("Counted from 0"), False)
        self.turn = QCheckBox(self.tr("Turn boxes with rotated photos"), objectName="new_project.turn_boxes")
        self.turn.setToolTip(
            self.tr("For boxes that were drawn on photos as they are stored, before their EXIF data turns them upright")
        )
        self.empty = QComboBox(objectName="new_project.empty")
        self.empty.addItem(self.tr("Not labelled yet"), "unlabelled")
        self.empty.addItem(self.tr("Nothing is there"), "confirmed")
        self.val = QDoubleSpinBox(minimum=0, maximum=50, value=20, decimals=0, suffix=" %")
        pad(self.val)

    def _lay_out(self) -> None:
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self._form = form = QFormLayout()
        form.addRow(self.tr("Source"), self.source)
        form.addRow(self.tr("Made from"), self.kind)
        form.addRow(self.tr("Images"), self.images)
        form.addRow(self.tr("Project folder"), self.project)
        form.addRow(self.tr("Write labels as"), self.labels)
        form.addRow(self.tr("Corners"), self.corners)
        form.addRow("", self.turn)
        form.addRow(self.tr("Images without boxes"), self.empty)
        form.addRow(self.tr("Kept for validation"), self.val)
        hint = QLabel(self.tr("Splits that the files hold are kept; only images without one are divided."))
        hint.setProperty("role", "muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        go = buttons.button(QDialogButtonBox.StandardButton.Ok)
        go.setText(self.tr("Make project"))
        go.setProperty("role", "primary")
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(hint)
        layout.addWidget(self.error)
        layout.addWidget(buttons)
        self.setMinimumWidth(560)

    def _on_kind_chosen(self) -> None:
        self._kind_chosen = True
        self._suggest_project()

    def _on_kind_changed(self) -> None:
        kind = self.kind.currentData()
        for field, kinds in (
            (self.images, ("coco", "csv")),
            (self.labels, ("images",)),
            (self.corners, ("voc",)),
            (self.turn, ("voc",)),
            (self.empty, ("coco",)),
        ):
            self._form.setRowVisible(field, kind in kinds)
        filters = {
            "coco": self.tr("COCO annotations (*.json)"),
            "csv": self.tr("Tables (*.csv)"),
            ZIP: self.tr("Archives (*.zip)"),
        }
        self.source.set_filter(filters.get(str(kind), ""))

    def _on_source_changed(self) -> None:
        self._settle.start()
        self._suggest_project()

    def _on_settled(self) -> None:
        """Choose what the source looks like, until the person has chosen."""
        source = self.source.path
        if source is None or self._kind_chosen:
            return
        kind = kind_of(source)
        if kind is not None:
            self.kind.setCurrentIndex(self.kind.findData(kind))
            self._suggest_project()

    def _suggest_project(self) -> None:
        source = self.source.path
        if source is None or self.project.edit.text() != self._suggested:
            return
        home = source.parent if source.is_file() else source
        self._suggested = str(source.with_suffix("") if is_zip(source) else home / FOLDER_NAME)
        self.project.edit.setText(self._suggested)

    def _on_accepted(self) -> None:
        self._on_settled()
        problem = self._problem()
        self.error.setText(problem)
        self.error.setVisible(bool(problem))
        source, project, kind = self.source.path, self.project.path, str(self.kind.currentData())
        if problem or source is None or project is None:
            return
        self.choice = NewProject(
            kind=kind,
            source=Source(
                path=source,
                images=self.images.path if kind in ("coco", "csv") else None,
                one_based=self.corners.currentData() if kind == "voc" else None,
                empty=str(self.empty.currentData()),
                label_format=str(self.labels.currentData()),
                turn_boxes=kind == "voc" and self.turn.isChecked(),
            ),
            project=project,
            val_fraction=self.val.value() / 100,
        )
        self.accept()

    def _problem(self) -> str:
        kind, source = str(self.kind.currentData()), self.source.path
        if source is None or not source.exists():
            return self.tr("Choose a source that exists.")
        if kind in ("voc", "labelme", "images") and not source.is_dir():
            return self.tr("{0} is a file: choose the folder.").format(source)
        if kind == ZIP and not is_zip(source):
            return self.tr("{0} is no zip archive.").format(source)
        if self.images.path is not None and kind in ("coco", "csv") and not self.images.path.is_dir():
            return self.tr("Choose a folder of images that exists, or none.")
        if self.project.path is None:
            return self.tr("Choose a folder for the project.")
        if (self.project.path / "project.rcnn").exists():
            return self.tr("There is a project in {0} already: open it, or choose another folder.").format(
                self.project.path
            )
        return ""
