"""The status bar: where you are, what is saved, what runs."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QStatusBar

from rcnn_studio.store.project import StoreStatus
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.browse.words import state_hint, state_text
from rcnn_studio.ui.files.badge import SavedBadge
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.review.ghost_status import GhostStatus
from rcnn_studio.ui.statusbar.jobs_strip import JobsStrip
from rcnn_studio.ui.statusbar.steady_label import SteadyLabel
from rcnn_studio.ui.statusbar.training_strip import TrainingStrip
from rcnn_studio.ui.statusbar.writing_strip import WritingStrip
from rcnn_studio.workspace.session import Session


class StatusFields(QObject):
    """Fills a QStatusBar from a session; made anew with each session."""

    def __init__(self, bar: QStatusBar, session: Session, canvas: Canvas, images: ImageList) -> None:
        super().__init__(bar)
        self._images = images
        self._session = session
        self._canvas = canvas
        self.place = SteadyLabel()
        self.pointer = SteadyLabel("00000, 00000")
        self.zoom = SteadyLabel("0000 %")
        self.looking = GhostStatus(session.review)
        self.training = TrainingStrip(session.training)
        self.jobs = JobsStrip(session.board)
        self.writing = WritingStrip(session.store)
        self.saved: SavedBadge | None = None
        self.permanent = (self.looking, self.jobs, self.writing, self.training)
        self.widgets = (self.place, self.pointer, self.zoom, *self.permanent)
        self.place.setContentsMargins(8, 0, 12, 0)
        for label in (self.place, self.pointer, self.zoom):
            bar.addWidget(label)
        for widget in self.permanent:
            bar.addPermanentWidget(widget)
        self.writing.show_status(session.store.status())
        project = session.project
        project.image_changed.connect(self._on_image_changed)
        project.images_updated.connect(self._on_images_updated)
        project.status_changed.connect(self._on_status)
        images.place_changed.connect(self._on_place_changed)
        canvas.pointer_moved.connect(self._on_pointer)
        canvas.zoom_changed.connect(self._on_zoom)
        self._on_zoom(canvas.zoom)
        if project.current_id is not None:
            self._on_image_changed(project.current_id)

    def show_badge(self, bar: QStatusBar, badge: SavedBadge | None) -> None:
        """Put this badge, which says what is saved, at the end; the one before goes."""
        if self.saved is not None:
            bar.removeWidget(self.saved)
            self.saved.setParent(None)
            self.saved.deleteLater()
        self.saved = badge
        if badge is not None:
            bar.addPermanentWidget(badge)
            badge.show()

    def remove(self, bar: QStatusBar) -> None:
        self.show_badge(bar, None)
        for widget in self.widgets:
            bar.removeWidget(widget)
            widget.deleteLater()
        self.deleteLater()

    def _on_image_changed(self, image_id: int) -> None:
        rows = self._session.project.rows
        row = rows.row(image_id)
        state = rows.state(row)
        size = f"{rows.widths[row]}×{rows.heights[row]}"
        self.place.show_text(f"{self._where()} · {size} · {state_text(state)}")
        self.place.setToolTip(state_hint(state))

    def _where(self) -> str:
        """The open image's number in the list, and how many there are beside it."""
        place = self._images.place
        if not place.filtered:
            return self.tr("image {0}/{1}").format(place.number or "–", place.total)
        if place.number is None:
            return self.tr("image not among the {0} shown of {1}").format(place.matching, place.total)
        return self.tr("image {0}/{1} shown of {2}").format(place.number, place.matching, place.total)

    def _on_place_changed(self) -> None:
        current = self._session.project.current_id
        if current is not None:
            self._on_image_changed(current)

    def _on_images_updated(self, image_ids: list[int]) -> None:
        current = self._session.project.current_id
        if current is not None and current in image_ids:
            self._on_image_changed(current)

    def _on_pointer(self, x: float, y: float) -> None:
        self.pointer.show_text(f"{x:.0f}, {y:.0f}" if x >= 0 else "")

    def _on_zoom(self, zoom: float) -> None:
        self.zoom.show_text(f"{zoom * 100:.0f} %")

    def _on_status(self, status: object) -> None:
        if isinstance(status, StoreStatus):
            self.writing.show_status(status)
