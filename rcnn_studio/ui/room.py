"""The widgets of one open project: canvas, docks and status fields. Built with the session, removed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QDockWidget, QWidget

from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.label.box_table import BoxTable
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.label.categories import CategoryPanel
from rcnn_studio.ui.review.panel import ReviewPanel
from rcnn_studio.ui.status import StatusFields
from rcnn_studio.ui.train.panel import TrainPanel
from rcnn_studio.workspace.session import Session

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow

ACTIVITY_DOCKS = {
    "label": ("images", "categories", "boxes"),
    "train": ("images", "train"),
    "review": ("images", "review"),
}
WIDTHS = {"images": 260, "categories": 340, "boxes": 340, "train": 460, "review": 380}


class SessionRoom(QObject):
    """`canvas` goes into the window's centre, `docks` around it."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        project, review = session.project, session.review
        self.session = session
        self.canvas = Canvas(project, session.images, review)
        self.image_list = ImageList(project, session.thumbnails)
        self.categories = CategoryPanel(project)
        self.boxes = BoxTable(project)
        self.train = TrainPanel(session.training, project, review)
        self.review = ReviewPanel(review, project)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.docks = {
            "images": self._dock("images", self.tr("Images"), self.image_list, left),
            "categories": self._dock("categories", self.tr("Classes"), self.categories, right),
            "boxes": self._dock("boxes", self.tr("Boxes in this image"), self.boxes, right),
            "train": self._dock("train", self.tr("Train"), self.train, right),
            "review": self._dock("review", self.tr("Review"), self.review, right),
        }
        self.canvas.bind(window.studio_actions)
        self.image_list.bind(window.studio_actions)
        self.review.bind(window.studio_actions)
        self._leave_keys_to_canvas(window)
        self.status = StatusFields(window.statusBar(), session, self.canvas)

    def _leave_keys_to_canvas(self, window: MainWindow) -> None:
        """A click on a button, a list of choices or a slider leaves the focus, and so the keys, where it was; Tab
        still reaches them. The class list takes the canvas's keys."""
        for dock in self.docks.values():
            for kind in (QAbstractButton, QComboBox, QAbstractSlider):
                for widget in dock.findChildren(kind):
                    if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        attach_canvas_actions(self.categories, window.studio_actions, image_list=True)

    @staticmethod
    def width_of(name: str) -> int:
        """Width in pixels that a dock gets when its activity is chosen."""
        return WIDTHS[name]

    def remove(self) -> None:
        """Take every widget out of the window; the session is closed after this."""
        self.status.remove(self._window.statusBar())
        for dock in self.docks.values():
            self._window.removeDockWidget(dock)
            dock.deleteLater()
        self._window.stack.removeWidget(self.canvas)
        self.canvas.deleteLater()
        self.deleteLater()

    def _dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock.{name}")
        dock.setWidget(widget)
        self._window.place_dock(dock, area)
        self._window.view_menu.addAction(dock.toggleViewAction())
        return dock
