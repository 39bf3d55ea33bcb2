"""The kept versions of one file: the first, the last ten, and what other programs had made of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.files.words import moment_text, size_text
from rcnn_studio.workspace.files import Version

VERSION_ROLE = Qt.ItemDataRole.UserRole


class VersionsList(QWidget):
    """version_chosen(Version | None): compare this one with the file now (None: the change itself);
    restore_asked(Version)."""

    version_chosen = Signal(object)
    restore_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.versions")
        self._read_only = False
        self._versions: tuple[Version, ...] = ()
        self.title = QLabel(self.tr("Earlier versions"))
        self.title.setProperty("role", "title")
        self.hint = QLabel(self.tr("None yet: the first is kept just before the file is written for the first time."))
        self.hint.setProperty("role", "muted")
        self.restore = QPushButton(self.tr("Bring back this version"), objectName="files.versions.restore")
        self.tree = QTreeWidget(rootIsDecorated=False, uniformRowHeights=True)
        self.tree.setStyleSheet("QTreeView::item { padding: 3px 8px; }")
        self.tree.setAccessibleName(self.tr("Earlier versions"))
        self.tree.setHeaderLabels([self.tr("Version"), self.tr("Kept on"), self.tr("Size")])
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            self.tree.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(False)
        self.tree.headerItem().setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.restore)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.hint)
        layout.addWidget(self.tree, 100)
        layout.addStretch(1)
        self.tree.itemSelectionChanged.connect(self._on_selection)
        self.restore.clicked.connect(self._on_restore)
        self.set_versions(())

    @property
    def chosen(self) -> Version | None:
        """The version looked at."""
        items = self.tree.selectedItems()
        value = items[0].data(0, VERSION_ROLE) if items else None
        return value if isinstance(value, Version) else None

    def set_versions(self, versions: Sequence[Version]) -> None:
        """The newest first; nothing is selected where these are others than before."""
        if tuple(versions) == self._versions and versions:
            return
        self._versions = tuple(versions)
        self.tree.blockSignals(True)
        self.tree.clear()
        for version in versions:
            kept = version.kind != "absent"
            size, time = (size_text(version.size), moment_text(version.time)) if kept else ("", "")
            item = QTreeWidgetItem([self._name(version), time, size])
            item.setData(0, VERSION_ROLE, version)
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.tree.addTopLevelItem(item)
        self.tree.blockSignals(False)
        self.tree.setVisible(bool(versions))
        self.hint.setVisible(not versions)
        self._enable()

    def set_read_only(self, read_only: bool) -> None:
        self._read_only = read_only
        self._enable()

    def _name(self, version: Version) -> str:
        names = {
            "first": self.tr("As it was before anything was written"),
            "version": self.tr("An earlier version"),
            "made": self.tr("The first that was written"),
            "absent": self.tr("The file did not exist"),
            "theirs": self.tr("Made by another program, set aside"),
        }
        return names[version.kind]

    def _enable(self) -> None:
        self.restore.setVisible(bool(self._versions))
        chosen = self.chosen
        kept = chosen is not None and chosen.kind != "absent"
        self.restore.setEnabled(kept and not self._read_only)
        tip = self.tr("A file without boxes is taken away: delete them, or take back what changed in this file.")
        self.restore.setToolTip(tip if chosen is not None and not kept else "")

    def _on_selection(self) -> None:
        self._enable()
        self.version_chosen.emit(self.chosen)

    def _on_restore(self) -> None:
        if self.chosen is not None:
            self.restore_asked.emit(self.chosen)
