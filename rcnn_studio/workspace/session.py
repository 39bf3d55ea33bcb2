"""Everything that belongs to one open project: store, model, pictures, review, training, jobs.

Opened and closed as one, so that the window can change projects without knowing their parts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.places import cache_home
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.images import ImageCache, Thumbnails
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.thumbnail_files import ThumbnailFiles
from rcnn_studio.workspace.thumbnail_pass import ThumbnailPass
from rcnn_studio.workspace.training import TrainingModel
from rcnn_studio.workspace.view_memory import ViewMemory

THUMBNAILS_AFTER_MS = 1500
"""The window is there and has shown its first image before thumbnails are made ahead."""


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
        files = ThumbnailFiles(cache_home() / "thumbnails")
        self.thumbnails = Thumbnails(self.project.image_path, self, files=files)
        self.thumbnail_pass = ThumbnailPass(self.thumbnails, self.board, self)
        self.memory = ViewMemory(self.store, self)
        self.review = ReviewModel(self.project, self.board, self)
        self.facts = ImageFacts(self.project, self.board, self.review, self)
        self.neighbours: Callable[[int], list[int]] = self._rows_beside
        self.training = TrainingModel(self.store, self.board, self)
        self.training.run_ended.connect(self.review.on_run_ended)
        self.training.state_changed.connect(self._on_training_state)
        self.review.neighbours = self._neighbours_of
        self._recall_threshold()
        self.review.threshold_changed.connect(self._on_threshold_changed)
        self.project.image_changed.connect(self._on_image_changed)
        self.project.edited.connect(self._on_edited)
        # after what is to be painted now has been: a decoding thread takes turns with this one
        self._beside = QTimer(self, singleShot=True, interval=0)
        self._beside.timeout.connect(self._on_time_for_neighbours)
        self._ahead = QTimer(self, singleShot=True, interval=THUMBNAILS_AFTER_MS)
        self._ahead.timeout.connect(self._on_time_for_thumbnails)

    def work_ahead(self) -> None:
        """Soon, when the window has settled, begin what nobody waits for: the thumbnails of all images."""
        self._ahead.start()

    def make_all_thumbnails(self) -> None:
        """The person asks for them, also after having cancelled."""
        self.thumbnail_pass.ask(self.project.rows.ids.tolist())

    def _on_time_for_thumbnails(self) -> None:
        self.thumbnail_pass.begin(self.project.rows.ids.tolist())

    def _on_training_state(self) -> None:
        self.thumbnail_pass.hold(self.training.running)

    def _recall_threshold(self) -> None:
        """What the person chose the last time, if the same run speaks."""
        review = self.review
        chosen = self.memory.number("threshold", 0.0)
        if chosen > 0 and self.memory.text("threshold.run") == (review.run_id or ""):
            review.set_threshold(chosen)

    def _on_threshold_changed(self, _value: float) -> None:
        chosen = self.review.chosen_threshold
        self.memory.set("threshold", round(chosen, 4) if chosen is not None else 0.0)
        self.memory.set("threshold.run", self.review.run_id or "")

    def _on_image_changed(self, image_id: int) -> None:
        """Show it, and have its neighbours ready before they are asked for."""
        self.thumbnails.make_way()
        self.images.request(image_id)
        self._beside.start()

    def _on_time_for_neighbours(self) -> None:
        if self.project.current_id is not None:
            self.images.prefetch(self.neighbours(self.project.current_id))

    def _on_edited(self, _edit: object) -> None:
        self.thumbnails.make_way()

    def _neighbours_of(self, image_id: int) -> list[int]:
        return self.neighbours(image_id)

    def _rows_beside(self, image_id: int) -> list[int]:
        """Where no list says otherwise: those that come next in the project."""
        row = self.project.rows.row(image_id)
        near = [row + 1, row - 1, row + 2]
        return [int(self.project.rows.ids[r]) for r in near if 0 <= r < len(self.project.rows)]

    def close(self, *, discard: bool = False) -> None:
        """Stop the jobs, write back what is pending, join every thread. Safe to call twice.

        Raises ProjectError if edits cannot be committed (full disk): then only the jobs have ended, and the window may
        stay open. discard: gives those edits up.
        """
        self._ahead.stop()
        self._beside.stop()
        self.thumbnail_pass.end()
        self.board.stop_all()
        if not discard:
            self.project.remember_place()
            self.memory.write()
        self.store.close(discard=discard)
        self.project.close()
        self.review.close()
        self.images.close()
        self.thumbnails.close()
