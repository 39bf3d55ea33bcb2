"""The questions before a class is renamed, merged or deleted everywhere: how many boxes in how many images that is.

They change nothing by themselves but through the project's model, each as one edit.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui.files.words import counted
from rcnn_studio.ui.label.category_palette import swatch
from rcnn_studio.workspace.project import ProjectModel

LEAST_WIDTH = 420


class CategoryDialog(QDialog):
    """One sentence, and a button that does it. Heirs say what, in `sentence` and `act`."""

    def __init__(
        self,
        project: ProjectModel,
        category: Category,
        name: str,
        *,
        role: str = "primary",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(LEAST_WIDTH)
        self.project, self.category = project, category
        self.boxes, self.images = project.uses(category.id)
        self.text = QLabel(wordWrap=True, objectName=f"{name}.text")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.hint = QLabel(self.tr("One undo (Ctrl+Z) brings everything back."), wordWrap=True)
        self.hint.setProperty("role", "muted")
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.go: QPushButton = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.go.setObjectName(f"{name}.go")
        self.go.setProperty("role", role)
        buttons.accepted.connect(self._on_accepted)
        buttons.rejected.connect(self.reject)
        self.form = QFormLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(8)
        layout.addLayout(self.form)
        layout.addWidget(self.text)
        layout.addWidget(self.hint)
        layout.addWidget(self.error)
        layout.addSpacing(6)
        layout.addWidget(buttons)

    def used(self) -> str:
        """ "93 boxes in 14 images" """
        boxes = counted(self.boxes, self.tr("1 box"), self.tr("{0} boxes"))
        images = counted(self.images, self.tr("1 image"), self.tr("{0} images"))
        return self.tr("{0} in {1}").format(boxes, images)

    def act(self) -> None:
        """Do it. Raises StudioError with what stands in the way."""
        raise NotImplementedError

    def _on_accepted(self) -> None:
        try:
            self.act()
        except StudioError as error:
            self.error.setText(str(error))
            self.error.show()
        else:
            self.accept()


class RenameDialog(CategoryDialog):
    """A new name for all boxes of a class; the name of another class makes it a merge."""

    def __init__(self, project: ProjectModel, category: Category, parent: QWidget | None = None) -> None:
        super().__init__(project, category, "category.rename", parent=parent)
        self.setWindowTitle(self.tr("Rename {0}").format(category.name))
        self.name = QLineEdit(category.name, objectName="category.rename.name")
        self.name.setAccessibleName(self.tr("New name"))
        self.name.selectAll()
        self.form.addRow(self.tr("New name"), self.name)
        self.name.textChanged.connect(self._on_name)
        self._on_name()

    @property
    def _other(self) -> Category | None:
        """Another class that has this name already."""
        name = self.name.text().strip()
        return next((c for c in self.project.categories if c.name == name and c.id != self.category.id), None)

    def _on_name(self) -> None:
        name, other = self.name.text().strip(), self._other
        self.error.hide()
        self.go.setEnabled(bool(name) and name != self.category.name)
        if other is not None:
            text = self.tr("There is a class {0} already: this moves {1} to it, and the class {2} is gone.")
            self.text.setText(text.format(other.name, self.used(), self.category.name))
        else:
            self.text.setText(self.tr("This renames {0}.").format(self.used()))
        self.go.setText(self.tr("Rename") if other is None else self.tr("Merge"))

    def act(self) -> None:
        other = self._other
        if other is not None:
            self.project.merge_category(self.category.id, other.id)
        else:
            self.project.change_category(replace(self.category, name=self.name.text()))


class MergeDialog(CategoryDialog):
    """Which class takes the boxes over."""

    def __init__(self, project: ProjectModel, category: Category, parent: QWidget | None = None) -> None:
        super().__init__(project, category, "category.merge", parent=parent)
        self.setWindowTitle(self.tr("Merge {0} into another class").format(category.name))
        self.into = QComboBox(objectName="category.merge.into")
        self.into.setAccessibleName(self.tr("Into"))
        for other in project.categories:
            if other.id != category.id:
                self.into.addItem(swatch(other.color), other.name, other.id)
        self.form.addRow(self.tr("Into"), self.into)
        self.go.setText(self.tr("Merge"))
        self.go.setEnabled(self.into.count() > 0)
        self.into.currentIndexChanged.connect(self._on_into)
        self._on_into()

    def _on_into(self) -> None:
        text = self.tr("This moves {0} to {1}, and the class {2} is gone.")
        self.text.setText(text.format(self.used(), self.into.currentText(), self.category.name))

    def act(self) -> None:
        self.project.merge_category(self.category.id, int(self.into.currentData()))


class DeleteDialog(CategoryDialog):
    """A class with all of its boxes."""

    def __init__(self, project: ProjectModel, category: Category, parent: QWidget | None = None) -> None:
        super().__init__(project, category, "category.delete", role="danger", parent=parent)
        self.setWindowTitle(self.tr("Delete {0}").format(category.name))
        self.text.setText(self.tr("This deletes the class {0} with {1}.").format(category.name, self.used()))
        self.go.setText(self.tr("Delete"))

    def act(self) -> None:
        self.project.delete_category(self.category.id)
