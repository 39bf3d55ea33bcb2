"""The dialog that draws the splits of a project: how, how much, and what comes of it before it is applied.

The drawing is a task; what is applied is one edit, which can be taken back.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.domain.splits import SPLIT_BY, SplitRules
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.splitting import Drawn, draw_splits
from rcnn_studio.ui.roles import set_role
from rcnn_studio.workspace.job import Job, JobBoard
from rcnn_studio.workspace.project import ProjectModel

SIZE = (600, 560)
PATIENCE_MS = 150
"""What is chosen rests this long before it is drawn."""


class SplitsDialog(QDialog):
    """Draws anew whatever is chosen; Apply makes it so."""

    def __init__(self, project: ProjectModel, board: JobBoard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("splits")
        self.setWindowTitle(self.tr("Splits"))
        self.resize(*SIZE)
        self._project, self._board = project, board
        self._job: Job | None = None
        self._drawn: Drawn | None = None
        self._seed = 1  # 0 is what an import draws by
        self._make_fields()
        self._lay_out()
        self._timer = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._timer.timeout.connect(self._draw)
        self.by.currentIndexChanged.connect(self._on_changed)
        for box in (self.val, self.test):
            box.valueChanged.connect(self._on_changed)
        self.anew.toggled.connect(self._on_changed)
        self.shuffle.clicked.connect(self._on_shuffle)
        self.finished.connect(self._stop)
        self._on_changed()

    def _make_fields(self) -> None:
        self.by = QComboBox(objectName="splits.by")
        for name in SPLIT_BY:
            self.by.addItem(self._titles()[name], name)
        self.by.setCurrentIndex(SPLIT_BY.index("stratified"))
        self.hint = QLabel(wordWrap=True)
        self.hint.setProperty("role", "muted")
        rules = SplitRules()
        self.val = QSpinBox(objectName="splits.val", maximum=80, suffix=" %", value=round(100 * rules.val))
        self.test = QSpinBox(objectName="splits.test", maximum=80, suffix=" %", value=round(100 * rules.test))
        self.keep = QRadioButton(self.tr("Only images that have none yet"), objectName="splits.keep", checked=True)
        self.anew = QRadioButton(self.tr("All labelled images anew"), objectName="splits.anew")
        self.shuffle = QPushButton(self.tr("Draw Another"), objectName="splits.shuffle", autoDefault=False)
        self.table = QTableWidget(objectName="splits.table")
        self.table.setAccessibleName(self.tr("Images and boxes by split"))
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.said = QLabel(wordWrap=True, objectName="splits.said")
        self.progress = QProgressBar(visible=False)

    def _lay_out(self) -> None:
        shares = QHBoxLayout()
        for title, box in ((self.tr("val"), self.val), (self.tr("test"), self.test)):
            label = QLabel(title)
            label.setBuddy(box)
            shares.addWidget(label)
            shares.addWidget(box)
            shares.addSpacing(12)
        shares.addWidget(QLabel(self.tr("the rest is trained on")))
        shares.addStretch(1)
        shares.addWidget(self.shuffle)
        form = QFormLayout()
        form.addRow(self.tr("Draw"), self.by)
        form.addRow("", self.hint)
        form.addRow(self.tr("Shares"), shares)
        form.addRow(self.tr("Of"), self.keep)
        form.addRow("", self.anew)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Cancel)
        self.go = buttons.button(QDialogButtonBox.StandardButton.Apply)
        self.go.setProperty("role", "primary")
        self.go.clicked.connect(self._on_apply)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.said)
        layout.addWidget(buttons)

    def _titles(self) -> dict[str, str]:
        return {
            "random": self.tr("At random"),
            "stratified": self.tr("With every class in each split"),
            "folder": self.tr("Folder by folder"),
            "near-duplicates": self.tr("Keeping look-alikes together"),
        }

    def _hints(self) -> dict[str, str]:
        return {
            "random": self.tr("Each labelled image for itself."),
            "stratified": self.tr("A rare class gets its share of val and test too."),
            "folder": self.tr("Images of one folder stay together: one film, one patient, one day."),
            "near-duplicates": self.tr(
                "Images that look alike stay together, so that nothing is tested on a copy of what was learnt. "
                "Every image is looked at once."
            ),
        }

    # --- drawing ------------------------------------------------------------------------------------

    @Slot()
    def _on_changed(self) -> None:
        self.hint.setText(self._hints()[str(self.by.currentData())])
        self.test.setMaximum(max(0, 90 - self.val.value()))
        self._stop()
        self.go.setEnabled(False)
        self._timer.start()

    @Slot()
    def _on_shuffle(self) -> None:
        self._seed += 1
        self._on_changed()

    @Slot()
    def _draw(self) -> None:
        rules = SplitRules(
            by=SPLIT_BY[self.by.currentIndex()],
            val=self.val.value() / 100,
            test=self.test.value() / 100,
            seed=self._seed,
        )
        work = partial(_work, self._project.store, rules, self.anew.isChecked(), self.tr("Draw splits"))
        job = self._board.prepare(self.tr("Drawing splits"), work, quiet=True)
        job.progress_changed.connect(self._on_progress)
        job.job_finished.connect(self._on_drawn)
        job.job_failed.connect(self._on_failed)
        self._job = job
        self._board.start(job)

    @Slot()
    def _stop(self) -> None:
        self._timer.stop()
        if self._job is not None:
            self._job.job_finished.disconnect(self._on_drawn)
            self._job.job_failed.disconnect(self._on_failed)
            self._job.progress_changed.disconnect(self._on_progress)
            self._job.stop()
            self._job = None
        self.progress.hide()

    @Slot(object)
    def _on_progress(self, progress: object) -> None:
        if isinstance(progress, Progress) and progress.total:
            self.progress.setVisible(True)
            self.progress.setMaximum(progress.total)
            self.progress.setValue(progress.done)
            self.progress.setFormat(f"{progress.text} %v/%m")

    @Slot(object)
    def _on_drawn(self, drawn: object) -> None:
        self._job = None
        self.progress.hide()
        if isinstance(drawn, Drawn):
            self._drawn = drawn
            self._show(drawn)
            self.go.setEnabled(drawn.edit is not None)

    @Slot(object)
    def _on_failed(self, error: StudioError) -> None:
        self._job = None
        self.progress.hide()
        self._say(str(error), "bad")

    # --- what came of it ----------------------------------------------------------------------------

    def _show(self, drawn: Drawn) -> None:
        names = list(drawn.images)
        rows = [(self.tr("Images"), drawn.images)]
        rows += [(category.name, drawn.boxes.get(category.id, {})) for category in self._project.categories]
        self.table.setRowCount(len(rows))
        self.table.setColumnCount(len(names))
        self.table.setHorizontalHeaderLabels(names)
        self.table.setVerticalHeaderLabels([title for title, _counts in rows])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for row, (_title, counts) in enumerate(rows):
            total = sum(counts.values())
            for column, name in enumerate(names):
                count = counts.get(name, 0)
                text = f"{count}  ({count / total:.0%})" if total else "0"
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self._say(*self._sentence(drawn))

    def _sentence(self, drawn: Drawn) -> tuple[str, str]:
        """-> text, role"""
        if drawn.torn:
            text = self.tr("{0} groups of look-alikes lie in more than one split. Draw all images anew to mend that.")
            return text.format(drawn.torn), "warning"
        if not drawn.changed:
            return self.tr("Nothing changes: every labelled image has this split already."), "muted"
        if self.anew.isChecked():
            text = self.tr(
                "{0} images change their split. Scores of earlier runs were taken on other images: "
                "train anew before comparing."
            )
            return text.format(drawn.changed), "warning"
        return self.tr("{0} images get a split.").format(drawn.changed), "good"

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        set_role(self.said, role)

    @Slot()
    def _on_apply(self) -> None:
        if self._drawn is not None and self._drawn.edit is not None:
            self._project.push(self._drawn.edit)
        self.accept()


def _work(
    store: ProjectStore, rules: SplitRules, anew: bool, text: str, report: Report, should_stop: ShouldStop
) -> Drawn:
    return draw_splits(store, rules, anew=anew, text=text, report=report, should_stop=should_stop)
