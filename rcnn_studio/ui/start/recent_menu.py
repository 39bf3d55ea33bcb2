"""File > Open Recent: the projects opened lately; one that is not there now is shown, and cannot be chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from rcnn_studio.tasks.importing import project_title
from rcnn_studio.workspace.settings import Settings


class RecentMenu(QMenu):
    """Filled anew each time it is opened. path_chosen: a project's folder; cleared: the list is empty now."""

    path_chosen = Signal(str)
    cleared = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("menu.recent")
        self.setTitle(self.tr("Open Recent"))
        self.setToolTipsVisible(True)
        self._settings = settings
        self.aboutToShow.connect(self.fill)
        self.triggered.connect(self._on_triggered)
        self.fill()

    def fill(self) -> None:
        """Show the list as it is now."""
        self.clear()
        folders = self._settings.all_recent()
        for number, folder in enumerate(folders, start=1):
            self._add(number, Path(folder))
        if not folders:
            self.addAction(self.tr("No project yet")).setEnabled(False)
            return
        self.addSeparator()
        self.addAction(self.tr("Clear List")).setObjectName("recent.clear")

    def _add(self, number: int, folder: Path) -> None:
        there = folder.exists()
        text = self.tr("{0} — {1}") if there else self.tr("{0} — {1} (not there now)")
        shown = text.format(project_title(folder), folder.parent).replace("&", "&&")
        entry = self.addAction(f"&{number} {shown}" if number <= 9 else shown)
        entry.setToolTip(str(folder))
        entry.setData(str(folder))
        entry.setEnabled(there)

    def _on_triggered(self, entry: QAction) -> None:
        if entry.data():
            self.path_chosen.emit(str(entry.data()))
        else:
            self._settings.clear_recent()
            self.cleared.emit()
