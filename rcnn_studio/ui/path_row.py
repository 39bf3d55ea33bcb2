"""A field for a path with a button that opens the matching file dialog. Checks nothing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class PathRow(QWidget):
    """A line edit with a button that opens the matching file dialog. start: where that begins while none is typed."""

    def __init__(self, title: str, *, file_filter: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._filter = file_filter
        self.start = ""
        self.edit = QLineEdit()
        self.edit.setAccessibleName(title)
        button = QPushButton(self.tr("Browse …"))
        button.clicked.connect(self._browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit, 1)
        layout.addWidget(button)

    @property
    def path(self) -> Path | None:
        text = self.edit.text().strip()
        return Path(text).expanduser() if text else None

    def set_filter(self, file_filter: str) -> None:
        self._filter = file_filter

    def _browse(self) -> None:
        start = self.edit.text() or self.start
        if self._filter:
            chosen, _ = QFileDialog.getOpenFileName(self, self._title, start, self._filter)
        else:
            chosen = QFileDialog.getExistingDirectory(self, self._title, start)
        if chosen:
            self.edit.setText(chosen)
