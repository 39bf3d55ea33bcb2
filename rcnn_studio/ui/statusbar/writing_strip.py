"""Many linked files being written, in the status bar: how far, how long, and a way to put it off.

A file or two after a gesture are not worth a word here. Writes nothing itself.
"""

from __future__ import annotations

import time

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.store.project import ProjectStore, StoreStatus

MANY = 10
LEAST_SECONDS = 1.5


class WritingStrip(QWidget):
    """Shown while at least MANY files are written at one go, and while any wait because it was put off."""

    def __init__(self, store: ProjectStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status.writing")
        self.setAccessibleName(self.tr("Files being written"))
        self._store = store
        self._began = 0.0
        self._done_before = 0
        self.label = QLabel()
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedSize(90, 6)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.button = QPushButton(objectName="status.writing.button")
        self.button.setProperty("role", "quiet")
        self.button.clicked.connect(self._on_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 2, 0)
        row.setSpacing(6)
        for widget in (self.label, self.bar, self.button):
            row.addWidget(widget)
        self._paused = False
        self.show_status(store.status())

    def show_status(self, status: StoreStatus) -> None:
        """Show what the store says now."""
        many = status.batch_files >= MANY and status.pending_files > 0
        shown = many or (status.paused and status.pending_files > 0)
        if shown and (self.isHidden() or self._paused != status.paused):
            self._began, self._done_before = time.monotonic(), status.batch_files - status.pending_files
        self._paused = status.paused
        self.setVisible(shown)
        if not shown:
            return
        done = status.batch_files - status.pending_files
        self.bar.setVisible(not status.paused)
        self.bar.setRange(0, status.batch_files)
        self.bar.setValue(done)
        self.label.setText(self._text(status, done))
        self.button.setText(self.tr("Write now") if status.paused else self.tr("Write later"))
        self.button.setToolTip(
            self.tr("Bring the linked files up to date")
            if status.paused
            else self.tr(
                "The labels are saved in the project; the files can be written at any time, also at a later start"
            )
        )

    def _text(self, status: StoreStatus, done: int) -> str:
        if status.paused:
            one, many = self.tr("1 file waits to be written"), self.tr("{0} files wait to be written")
            return one if status.pending_files == 1 else many.format(status.pending_files)
        parts = [self.tr("Writing files"), f"{done}/{status.batch_files}"]
        left = self._left_s(done, status.pending_files)
        if left >= 1:
            parts.append(self.tr("{0} left").format(duration_text(left)))
        return " · ".join(parts)

    def _left_s(self, done: int, pending: int) -> float:
        """Seconds left by the pace so far; -1 while it is too early to say."""
        elapsed, written = time.monotonic() - self._began, done - self._done_before
        return elapsed * pending / written if elapsed >= LEAST_SECONDS and written > 0 else -1.0

    def _on_clicked(self) -> None:
        if self._paused:
            self._store.resume_writing()
        else:
            self._store.pause_writing()
        self.show_status(self._store.status())
