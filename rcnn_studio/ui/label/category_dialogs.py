"""The questions before a class is renamed, merged or deleted everywhere: how many boxes in how many images that is.

They change nothing by themselves but through the project's model, each as one edit.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui.files.words import counted
from rcnn_studio.ui.label.category_palette import ranked
from rcnn_studio.ui.swatch import swatch
from rcnn_studio.workspace.project import ProjectModel

LEAST_WIDTH = 420
INTO_HEIGHT = 190
SWATCH = 14
LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


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
    """Which class takes the boxes over: a list of all others, narrowed down by what is typed above it."""

    def __init__(self, project: ProjectModel, category: Category, parent: QWidget | None = None) -> None:
        super().__init__(project, category, "category.merge", parent=parent)
        self.setWindowTitle(self.tr("Merge {0} into another class").format(category.name))
        self.find = QLineEdit(objectName="category.merge.find", clearButtonEnabled=True)
        self.find.setPlaceholderText(self.tr("Type a part of its name"))
        self.find.setAccessibleName(self.tr("Find a class"))
        self.find.installEventFilter(self)
        self.into = QListWidget(objectName="category.merge.into")
        self.into.setAccessibleName(self.tr("Into"))
        self.into.setUniformItemSizes(True)
        self.into.setIconSize(QSize(SWATCH, SWATCH))
        self.into.setFixedHeight(INTO_HEIGHT)
        self.form.addRow(self.tr("Into"), self.find)
        self.form.addRow("", self.into)
        self.go.setText(self.tr("Merge"))
        self.find.textChanged.connect(self._on_typed)
        self.into.currentRowChanged.connect(self._on_into)
        self.into.itemDoubleClicked.connect(self._on_accepted)
        self.find.setFocus()
        self._on_typed("")

    @property
    def chosen(self) -> Category | None:
        """The class whose row is current."""
        item = self.into.currentItem()
        return None if item is None else self.project.category(int(item.data(Qt.ItemDataRole.UserRole)))

    def _on_typed(self, typed: str) -> None:
        before = self.chosen
        self.into.blockSignals(True)
        self.into.clear()
        for other in ranked(self.project.categories, typed):
            if other.id != self.category.id:
                item = QListWidgetItem(swatch(other.color), other.name, self.into)
                item.setData(Qt.ItemDataRole.UserRole, other.id)
        rows = range(self.into.count())
        kept = (n for n in rows if before is not None and self.into.item(n).text() == before.name)
        self.into.setCurrentRow(next(kept, 0) if not typed.strip() else 0)
        self.into.blockSignals(False)
        self._on_into()

    def _on_into(self) -> None:
        into = self.chosen
        self.go.setEnabled(into is not None)
        if into is None:
            self.text.setText(self.tr("No other class is called so."))
            return
        text = self.tr("This moves {0} to {1}, and the class {2} is gone.")
        self.text.setText(text.format(self.used(), into.name, self.category.name))

    def act(self) -> None:
        into = self.chosen
        if into is not None:
            self.project.merge_category(self.category.id, into.id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrows go through the list while one types, and Enter merges."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in LIST_KEYS:
                QApplication.sendEvent(self.into, event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.go.click()
                return True
        return super().eventFilter(watched, event)


class DeleteDialog(CategoryDialog):
    """A class with all of its boxes."""

    def __init__(self, project: ProjectModel, category: Category, parent: QWidget | None = None) -> None:
        super().__init__(project, category, "category.delete", role="danger", parent=parent)
        self.setWindowTitle(self.tr("Delete {0}").format(category.name))
        self.text.setText(self.tr("This deletes the class {0} with {1}.").format(category.name, self.used()))
        self.go.setText(self.tr("Delete"))

    def act(self) -> None:
        self.project.delete_category(self.category.id)
