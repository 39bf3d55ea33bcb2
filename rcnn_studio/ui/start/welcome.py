"""What is seen when no project is open: how to begin, the projects opened lately, and what is being opened now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio import __version__
from rcnn_studio.domain.progress import Progress
from rcnn_studio.ui.start.recent_list import RecentList
from rcnn_studio.workspace.job import Job

LEAST_WIDTH, MOST_WIDTH = 460, 560


class WelcomePage(QWidget):
    """Four ways to begin: the sample, a folder, a file, a new project; and the recent ones."""

    path_chosen = Signal(str)
    sample_chosen = Signal()
    clear_chosen = Signal()

    def __init__(
        self, open_action: QAction, import_action: QAction, new_action: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self._job: Job | None = None
        self.title = QLabel(self.tr("RCNN Studio"))
        self.title.setProperty("role", "hero")
        self.sample = QPushButton(self.tr("Try the sample project"), objectName="welcome.sample")
        self.sample.setProperty("role", "primary")
        self.sample.clicked.connect(self.sample_chosen)
        self._ways = [self.sample]
        for text, action in (
            (self.tr("Open a folder or project …"), open_action),
            (self.tr("Open a dataset file or zip archive …"), import_action),
            (self.tr("New project …"), new_action),
        ):
            button = QPushButton(text)
            button.clicked.connect(action.trigger)
            button.setToolTip(action.toolTip())
            self._ways.append(button)
        self._make_work()
        self._make_recent()
        self._lay_out()

    def _make_work(self) -> None:
        self.work = QFrame()
        self.work_text = QLabel(objectName="welcome.work", wordWrap=True)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName(self.tr("Progress"))
        layout = QVBoxLayout(self.work)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addWidget(self.work_text)
        layout.addWidget(self._bar)
        self.work.hide()

    def _make_recent(self) -> None:
        self._heading = QLabel(self.tr("Recent"))
        self._heading.setProperty("role", "title")
        self.recent = RecentList()
        self.recent.itemActivated.connect(self._on_activated)
        self.recent.itemClicked.connect(self._on_activated)
        self._clear = QPushButton(self.tr("Clear list"), flat=True)
        self._clear.setProperty("role", "quiet")
        self._clear.clicked.connect(self.clear_chosen)

    def _lay_out(self) -> None:
        subtitle = QLabel(
            self.tr(
                "Label images, train Faster R-CNN, review what it finds.\n"
                "Drop a folder, images, a dataset (VOC, COCO, YOLO, LabelMe, CSV),\n"
                "a zip archive or a project on this window to begin."
            )
        )
        subtitle.setProperty("role", "muted")
        version = QLabel(self.tr("Version {0}").format(__version__))
        version.setProperty("role", "muted")
        head = QHBoxLayout()
        head.addWidget(self._heading, 1)
        head.addWidget(self._clear)
        card = QFrame()
        card.setProperty("role", "card")
        card.setMinimumWidth(LEAST_WIDTH)
        card.setMaximumWidth(MOST_WIDTH)
        column = QVBoxLayout(card)
        column.setSpacing(10)
        column.setContentsMargins(28, 24, 28, 20)
        for widget in (self.title, subtitle, self.work, *self._ways):
            column.addWidget(widget)
        column.addLayout(head)
        column.addWidget(self.recent)
        column.addWidget(version)
        page = QWidget()
        middle = QVBoxLayout(page)
        middle.addStretch(1)
        middle.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(1)
        scroll_area = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        scroll_area.setWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll_area)

    def set_recent(self, projects: Sequence[tuple[str, float]]) -> None:
        """projects: folder, and when it was opened last (seconds since 1970, 0: not known)."""
        self.recent.show_projects(projects)
        for widget in (self.recent, self._heading, self._clear):
            widget.setVisible(bool(projects))

    # --- what is being opened -----------------------------------------------------------------------

    def show_work(self, job: Job) -> None:
        """Say what is being made ready until the job ends; connect before it is started."""
        self._job = job
        job.progress_changed.connect(self._on_progress)
        for ended in (job.job_finished, job.job_failed):
            ended.connect(self._on_ended)
        job.job_cancelled.connect(self._on_ended)
        self.work_text.setText(self.tr("{0} …").format(job.name))
        self._bar.setRange(0, 0)
        self.work.show()
        for button in self._ways:
            button.setEnabled(False)

    def _on_progress(self, progress: object) -> None:
        if isinstance(progress, Progress) and self._job is not None and self.sender() is self._job:
            self.work_text.setText(self.tr("{0}: {1}").format(self._job.name, progress.text))
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)

    def _on_ended(self, *_result: object) -> None:
        if self.sender() is self._job:
            self._job = None
            self.work.hide()
            for button in self._ways:
                button.setEnabled(True)

    def _on_activated(self, item: QListWidgetItem) -> None:
        self.path_chosen.emit(str(item.data(Qt.ItemDataRole.UserRole)))
