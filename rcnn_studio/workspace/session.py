"""Everything that belongs to one open project: store, model, pictures, review, training, jobs.

Opened and closed as one, so that the window can change projects without knowing their parts.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from rcnn_studio.store.project import ProjectStore
from rcnn_studio.workspace.images import ImageCache, Thumbnails
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.training import TrainingModel


class Session(QObject):
    """The parts, wired to each other. Raises ProjectError where the folder holds no project that opens."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = ProjectStore.open(folder)
        try:
            self.project = ProjectModel(self.store, self)
        except BaseException:
            self.store.close()  # a damaged database must not stay locked by the one who could not show it
            raise
        self.board = JobBoard(self)
        self.images = ImageCache(self.project.image_path, self)
        self.thumbnails = Thumbnails(self.project.image_path, self)
        self.review = ReviewModel(self.project, self.board, self)
        self.training = TrainingModel(self.store, self.board, self)
        self.training.run_ended.connect(self.review.on_run_ended)
        self.project.image_changed.connect(self._on_image_changed)

    def _on_image_changed(self, image_id: int) -> None:
        """Show it, and have its neighbours ready before they are asked for."""
        self.images.request(image_id)
        row = self.project.rows.row(image_id)
        near = [row + 1, row - 1, row + 2]
        self.images.prefetch([int(self.project.rows.ids[r]) for r in near if 0 <= r < len(self.project.rows)])

    def close(self, *, discard: bool = False) -> None:
        """Stop the jobs, write back what is pending, join every thread. Safe to call twice.

        Raises ProjectError if edits cannot be committed (full disk): then only the jobs have ended, and the window may
        stay open. discard: gives those edits up.
        """
        self.board.stop_all()
        if not discard:
            self.project.remember_place()
        self.store.close(discard=discard)
        self.review.close()
        self.images.close()
        self.thumbnails.close()
