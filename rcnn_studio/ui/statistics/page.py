"""The statistics of the dataset in a window of their own; a click on a bar filters the image list.

Counted in a job; the numbers themselves are domain/statistics.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.domain.statistics import Statistics
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.statistics import count_project
from rcnn_studio.ui.browse.chips import Chip
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.browse.words import count_text, images_text, split_text
from rcnn_studio.ui.elided_label import ElidedLabel
from rcnn_studio.ui.statistics import charts
from rcnn_studio.ui.statistics.bar_chart import PART_SHADES, BarChart, HeatMap
from rcnn_studio.workspace.session import Session

SIZE = QSize(1020, 790)
FRAME = QSize(16, 56)
"""What a window manager puts around a window, at most, and a little air."""


class StatisticsPage(QDialog):
    """query_chosen(ImageQuery): the images behind a bar are to be shown; refresh_clicked: count again."""

    query_chosen = Signal(object)
    refresh_clicked = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("statistics")
        self.setWindowTitle(self.tr("Statistics"))
        self._project = session.project
        self.summary = QLabel(self.tr("Counting …"))
        self.summary.setProperty("role", "title")
        self.legend = QLabel()
        self.legend.setProperty("role", "muted")
        self.refresh = Chip(self.tr("Labels have changed: count again"), icon="refresh")
        self.refresh.setProperty("tone", "warning")
        self.refresh.hide()
        self.refresh.clicked.connect(self.refresh_clicked)
        self.categories = BarChart(self.tr("Boxes of each class"), lying=True)
        self.states = BarChart(self.tr("Images by state"), lying=True)
        self.splits = BarChart(self.tr("Images by split"), lying=True)
        self.sides = BarChart(self.tr("Size of the boxes"), lying=False)
        self.aspects = BarChart(self.tr("Shape of the boxes"), lying=False)
        self.boxes = BarChart(self.tr("Boxes in an image"), lying=False)
        self.heat = HeatMap(self.tr("Where the boxes are"))
        self.plots = (self.categories, self.states, self.splits, self.sides, self.aspects, self.boxes, self.heat)
        for plot in self.plots:
            plot.chosen.connect(self.query_chosen)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.summary)
        head.addSpacing(12)
        head.addWidget(self.legend)
        head.addStretch(1)
        head.addWidget(self.refresh)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 6, 0)
        grid.setSpacing(10)
        grid.addWidget(self._card(self.categories, ""), 0, 0)
        grid.addWidget(self._card(self.states, "", self.splits), 0, 1)
        grid.addWidget(self._card(self.sides, self.tr("square root of the area, pixels")), 1, 0)
        grid.addWidget(self._card(self.aspects, self.tr("width / height")), 1, 1)
        grid.addWidget(self._card(self.boxes, self.tr("of the images that are trained on")), 2, 0)
        grid.addWidget(self._card(self.heat, self.tr("the middles of all boxes, images laid over each other")), 2, 1)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(3, 1)
        inside = QWidget()
        inside.setLayout(grid)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 6, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(area, 1)
        self.resize(SIZE)

    def _card(self, plot: QWidget, hint: str, below: QWidget | None = None) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        for widget in (plot, below):
            if widget is None:
                continue
            line = QHBoxLayout()
            title = QLabel(widget.accessibleName())
            title.setProperty("role", "title")
            line.addWidget(title)
            if hint:
                muted = ElidedLabel()
                muted.show_text(hint)
                muted.setProperty("role", "muted")
                line.addWidget(muted, 1)
            else:
                line.addStretch(1)
            column.addLayout(line)
            column.addWidget(widget)
        column.addStretch(1)
        return card

    def fit_into(self, area: QRect) -> None:
        """As large as it likes, and wholly inside this part of the screen; what is too much scrolls."""
        self.resize(SIZE.boundedTo(area.size() - FRAME))
        around = self.parentWidget().frameGeometry().center() if self.parentWidget() is not None else area.center()
        left = min(max(around.x() - self.width() // 2, area.left()), area.right() + 1 - self.width() - FRAME.width())
        top = min(max(around.y() - self.height() // 2, area.top()), area.bottom() + 1 - self.height() - FRAME.height())
        self.move(max(left, area.left()), max(top, area.top()))

    def show_statistics(self, counted: Statistics) -> None:
        """Draw these numbers."""
        classes = len(counted.categories)
        text = self.tr("{0}, {1}, 1 class") if classes == 1 else self.tr("{0}, {1}, {2} classes")
        self.summary.setText(text.format(images_text(counted.images), count_text(counted.boxes), classes))
        used = [split_text(split) for split in charts.ordered_splits(counted)]
        shades = self.tr("Shades, the strongest first: {0}").format(", ".join(used[: len(PART_SHADES)]))
        self.legend.setText(shades if len(used) > 1 else "")
        self.categories.show_bars(charts.per_category(counted, self._project.categories))
        self.states.show_bars(charts.per_state(counted))
        self.splits.show_bars(charts.per_split(counted))
        self.sides.show_bars(charts.sides(counted))
        self.aspects.show_bars(charts.aspects(counted))
        self.boxes.show_bars(charts.boxes_per_image(counted))
        self.heat.show_heat(charts.heat(counted))
        self.refresh.hide()

    def say_old(self) -> None:
        """The labels are others now than those that were counted."""
        self.refresh.show()


class StatisticsDoor(QObject):
    """Opens the page and has it counted; lives as long as the session's room."""

    def __init__(self, session: Session, images: ImageList, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._images, self._window = session, images, window
        self.page: StatisticsPage | None = None
        session.project.images_updated.connect(self._on_labels_changed)
        session.project.table_changed.connect(self._on_labels_changed)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect action.files.statistics."""
        actions["action.files.statistics"].triggered.connect(self.open)

    def open(self) -> None:
        """Show the page, counted anew."""
        if self.page is None:
            self.page = StatisticsPage(self._session, self._window)
            self.page.query_chosen.connect(self._on_query_chosen)
            self.page.refresh_clicked.connect(self._count)
            self.page.fit_into(self._window.screen().availableGeometry())
        self._count()
        self.page.show()
        self.page.raise_()

    def close(self) -> None:
        if self.page is not None:
            self.page.close()
            self.page.deleteLater()
            self.page = None
        self.deleteLater()

    def _count(self) -> None:
        board = self._session.board
        job = board.prepare(self.tr("Counting boxes"), partial(_counted, self._session.store), quiet=True)
        job.job_finished.connect(self._on_counted)
        job.job_failed.connect(self._on_failed)
        board.start(job)

    def _on_counted(self, counted: object) -> None:
        if self.page is not None and isinstance(counted, Statistics):
            self.page.show_statistics(counted)

    def _on_failed(self, error: StudioError) -> None:
        self._session.project.message.emit(str(error))

    def _on_labels_changed(self, *_: object) -> None:
        if self.page is not None:
            self.page.say_old()

    def _on_query_chosen(self, query: ImageQuery) -> None:
        self._images.set_query(query)


def _counted(store: ProjectStore, _report: Report, should_stop: ShouldStop) -> Statistics:
    """Without progress: it takes a second or two at most."""
    return count_project(store, should_stop=should_stop)
