"""The widgets of one open project: canvas, docks and status fields. Built with the session, removed with it."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QDockWidget, QWidget

from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.files.room import FilesRoom
from rcnn_studio.ui.label.box_panel import BoxPanel
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.label.categories import CategoryPanel
from rcnn_studio.ui.label.rulers import RuledCanvas
from rcnn_studio.ui.review.panel import ReviewPanel
from rcnn_studio.ui.statistics.page import StatisticsDoor
from rcnn_studio.ui.statusbar.status import StatusFields
from rcnn_studio.ui.train.panel import TrainPanel
from rcnn_studio.workspace.device import known_device
from rcnn_studio.workspace.session import Session

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow

LOG_AXIS = "toggle.train.log_axis"
CORNERS, ATTRIBUTES = "boxes.corners", "boxes.attributes"
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
COLUMNS = {
    "label": (("images",), ("categories", "boxes")),
    "train": (("images", "categories"), ("train",)),
    "review": (("images", "categories"), ("review",)),
}
"""The docks of each activity, left and right, from above: the classes are always beside the canvas."""

SHARES = {"label": (35, 65), "train": (70, 30), "review": (70, 30)}
PROBLEMS_HEIGHT = 240
WIDTHS = {"images": 260, "categories": 372, "boxes": 372, "train": 460, "review": 380}


class SessionRoom(QObject):
    """`canvas` goes into the window's centre, `docks` around it; `extras` are docks that belong to no activity, hidden
    until they are asked for."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        project, review = session.project, session.review
        self.session = session
        self.canvas = Canvas(project, session.images, review)
        self.ruled = RuledCanvas(self.canvas)
        self.image_list = ImageList(project, session.thumbnails, session.memory, session.facts)
        session.neighbours = self.image_list.neighbours
        self.categories = CategoryPanel(project, review)
        self.box_panel = BoxPanel(project)
        self.boxes = self.box_panel.table
        self.train = TrainPanel(session.training, project, review)
        self.review = ReviewPanel(review, project)
        self.docks = {
            "images": self._dock("images", self.tr("Images"), self.image_list, LEFT),
            "categories": self._dock("categories", self.tr("Classes"), self.categories, RIGHT),
            "boxes": self._dock("boxes", self.tr("Boxes in this image"), self.box_panel, RIGHT),
            "train": self._dock("train", self.tr("Train"), self.train, RIGHT),
            "review": self._dock("review", self.tr("Review"), self.review, RIGHT),
        }
        self.extras = {
            "problems": self._dock("problems", self.tr("Problems"), QWidget(), BOTTOM, listed=False),
            "history": self._dock("history", self.tr("History"), QWidget(), RIGHT, listed=False),
        }
        for name, dock in self.extras.items():
            dock.toggleViewAction().toggled.connect(window.studio_actions[f"action.files.{name}"].setChecked)
            dock.hide()
        self._activity = "label"
        self.arranged = False
        self.canvas.bind(window.studio_actions, window.settings)
        self.ruled.bind(window.studio_actions, window.settings)
        self.image_list.bind(window.studio_actions)
        self.image_list.left.connect(self.canvas.setFocus)
        self.boxes.bind(window.studio_actions)
        self.review.bind(window.studio_actions)
        self.review.go_in_queue = self.image_list.go_in_queue
        self.categories.bind(window.studio_actions)
        self.train.bind(window.studio_actions)
        self.train.set_device(known_device(window.settings))
        self._leave_keys_to_canvas(window)
        self.statistics = StatisticsDoor(session, self.image_list, window)
        self.statistics.bind(window.studio_actions)
        self.status = StatusFields(window.statusBar(), session, self.canvas, self.image_list)
        self.status.looking.clicked.connect(window.studio_actions["action.activity.review"].trigger)
        log_axis = self.train.live.loss_plot.log_button
        log_axis.setChecked(bool(window.settings.get(LOG_AXIS, False)))
        log_axis.toggled.connect(partial(window.settings.set, LOG_AXIS))
        self.boxes.set_corners(bool(window.settings.get(CORNERS, False)))
        self.boxes.corners_changed.connect(partial(window.settings.set, CORNERS))
        self.box_panel.set_unfolded(bool(window.settings.get(ATTRIBUTES, False)))
        self.box_panel.unfolded_changed.connect(partial(window.settings.set, ATTRIBUTES))

    def _leave_keys_to_canvas(self, window: MainWindow) -> None:
        """A click on a button, a list of choices or a slider leaves the focus, and so the keys, where it was; Tab
        still reaches them. The class list takes the canvas's keys."""
        for dock in self.docks.values():
            _leave_focus(dock)
        attach_canvas_actions(self.categories, window.studio_actions, image_list=True)

    def show_files(self, files: FilesRoom) -> None:
        """Put the panels and the badge of the files' room where they belong; those before go."""
        for name, panel in (("problems", files.problems), ("history", files.history)):
            before = self.extras[name].widget()
            self.extras[name].setWidget(panel)
            before.setParent(None)
            before.deleteLater()
            _leave_focus(panel)
        self.status.show_badge(self._window.statusBar(), files.badge)

    def set_extra(self, name: str, on: bool = True) -> None:
        """Show a dock that belongs to no activity, in front, or hide it."""
        dock = self.extras[name]
        if on and name == "history":
            self._stack_history()
        dock.setVisible(on)
        if on:
            dock.raise_()
            if name == "problems" and dock.height() < PROBLEMS_HEIGHT and not dock.isFloating():
                self._window.resizeDocks([dock], [PROBLEMS_HEIGHT], Qt.Orientation.Vertical)

    def set_problems(self, on: bool) -> None:
        self.set_extra("problems", on)

    def set_history(self, on: bool) -> None:
        self.set_extra("history", on)

    def open_extras(self) -> list[str]:
        return [name for name, dock in self.extras.items() if not dock.isHidden()]

    def show_extras(self, names: Collection[str]) -> None:
        if "history" in names:
            self._stack_history()
        for name, dock in self.extras.items():
            dock.setVisible(name in names)

    def _stack_history(self) -> None:
        """Into one place with the last panel of the activity, when it is about to be seen: not before, because a hidden
        dock in a stack makes a tab bar that nobody places, so that it lies on the menu; and not after, because the
        window would grow for two panels one above the other."""
        dock, last = self.extras["history"], self._last_dock
        stands_alone = not self._window.tabifiedDockWidgets(dock) and self._window.dockWidgetArea(dock) == RIGHT
        if not dock.isFloating() and stands_alone and not last.isHidden():
            self._window.tabifyDockWidget(last, dock)

    @property
    def _last_dock(self) -> QDockWidget:
        return self.docks[COLUMNS[self._activity][1][-1]]

    def arrange(self, activity: str) -> None:
        """Put the docks of an activity where they are when nobody has moved them."""
        window, self._activity = self._window, activity
        shown = [name for column in COLUMNS[activity] for name in column]
        # hidden first: docks of two activities on top of each other would push the window's border down
        self.show_extras(())
        for name, dock in self.docks.items():
            if name not in shown:
                dock.hide()
        for name in shown:
            self.docks[name].setFloating(False)
            self.docks[name].show()
        for area, column in zip((LEFT, RIGHT), COLUMNS[activity], strict=True):
            first = self.docks[column[0]]
            window.addDockWidget(area, first)
            for name in column[1:]:
                window.splitDockWidget(first, self.docks[name], Qt.Orientation.Vertical)
            if len(column) > 1:
                stacked = [self.docks[name] for name in column]
                window.resizeDocks(stacked, list(SHARES[activity]), Qt.Orientation.Vertical)
        window.addDockWidget(BOTTOM, self.extras["problems"])
        window.addDockWidget(RIGHT, self.extras["history"])
        self.extras["history"].hide()
        self.arranged = True
        firsts = [column[0] for column in COLUMNS[activity]]
        docks, widths = [self.docks[name] for name in firsts], [WIDTHS[name] for name in firsts]
        window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)

    def remove(self) -> None:
        """Take every widget out of the window; the session is closed after this."""
        self.status.remove(self._window.statusBar())
        self.statistics.close()
        for dock in (*self.docks.values(), *self.extras.values()):
            self._window.removeDockWidget(dock)
            dock.setParent(None)  # a layout that is restored looks docks up by name, and these are not gone yet
            dock.deleteLater()
        self._window.stack.removeWidget(self.ruled)
        self.ruled.deleteLater()
        self.deleteLater()

    def _dock(
        self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, *, listed: bool = True
    ) -> QDockWidget:
        """listed: in the View menu by its own action; the others have a row in the table of actions."""
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock.{name}")
        dock.setWidget(widget)
        self._window.place_dock(dock, area)
        if listed:
            self._window.view_menu.addAction(dock.toggleViewAction())
        return dock


def _leave_focus(panel: QWidget) -> None:
    for kind in (QAbstractButton, QComboBox, QAbstractSlider):
        for widget in panel.findChildren(kind):
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
