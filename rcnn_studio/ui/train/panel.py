"""The Train panel: choose a preset, see what it would be trained on, start, watch, stop, go on to review.

Holds no truth: settings are the form's until Start, the training is TrainingModel's, the runs are ReviewModel's.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunEnded, RunStarted, Scores
from rcnn_studio.domain.sentences import advice_reason, duration_text, run_sentence
from rcnn_studio.tasks.presets import DEFAULT_PRESET, Preset, list_presets
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.data_line import DataSummary, summarise
from rcnn_studio.ui.train.fields import narrow
from rcnn_studio.ui.train.form import TrainForm
from rcnn_studio.ui.train.live import LiveView
from rcnn_studio.ui.train.runs import RunsTable
from rcnn_studio.ui.train.section import Section
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.training import TrainingModel

DATA_DELAY_MS = 200
NO_STOP_S = 0.6
LOG_LINES = 500


class Foot(QWidget):
    """The part that does not scroll, set off by a line."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, 0, self.width(), 1, QColor(colors_of(self.palette()).border))


class TrainPanel(QWidget):
    """See the module. `preset`, `start_button` and `stop_button` are public for tests and the demo."""

    review_requested = Signal()

    def __init__(
        self, training: TrainingModel, project: ProjectModel, review: ReviewModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("train.panel")
        self.setAccessibleName(self.tr("Train"))
        self._training, self._project, self._review = training, project, review
        self._presets: list[Preset] = list_presets()
        self._summary: DataSummary | None = None
        self._fit_timer = QTimer(self, singleShot=True, interval=0)
        self._fit_timer.timeout.connect(self.fit_plots)
        self._make_widgets()
        self._lay_out()
        self._data_timer = QTimer(self, singleShot=True, interval=DATA_DELAY_MS)
        self._data_timer.timeout.connect(self.refresh_data)
        self._connect()
        self._on_preset(self.preset.currentIndex())
        self._on_runs_changed()
        self._on_state()

    # --- what can be asked for --------------------------------------------------------------------

    def start(self) -> None:
        """Start with what the form says; where that cannot be, the banner says why."""
        if self._training.running:
            return
        self.refresh_data()
        reason = self.blocker()
        if reason:
            self._show_banner(reason)
            return
        try:
            config = self.form.config()
        except StudioError as error:
            self._show_banner(str(error))
            return
        self.banner.hide()
        self.result_card.hide()
        self.log.clear()
        self.log_section.hide()
        self._training.start(config)

    def stop(self) -> None:
        """Stop after the step at hand, keeping the best checkpoint."""
        if self._training.elapsed_s > NO_STOP_S:  # it stands where Start was: a double click must not start and stop
            self._training.stop()

    def blocker(self) -> str:
        """Why Start is disabled; empty where it is not."""
        if self._summary is not None and self._summary.blocker:
            return self._summary.blocker
        return self.form.problem()

    def refresh_data(self) -> None:
        """Count again what would be trained on."""
        self._data_timer.stop()
        config = self.form.preset.config
        self._summary = summarise(self._project.rows, self._project.categories, self._project.category_counts, config)
        self.data_label.setText(self._summary.line)
        self.warnings_label.setText("\n".join(self._summary.warnings))
        self._show_readiness()

    def fit_plots(self) -> None:
        """Give both plots what the view has below the settings, so that neither has to be scrolled to."""
        inner = self.scroll_area.widget()
        layout = inner.layout()
        if layout is None or not self.isVisible():
            return
        layout.activate()
        above = self.live.geometry().top()
        self.live.fit(self.scroll_area.viewport().height() - above - layout.contentsMargins().bottom())

    # --- building ---------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        self.preset = narrow(QComboBox(objectName="train.preset"))
        self.preset.setAccessibleName(self.tr("Preset"))
        for preset in self._presets:
            self.preset.addItem(preset.title, preset.name)
            self.preset.setItemData(self.preset.count() - 1, preset.description, Qt.ItemDataRole.ToolTipRole)
        self.preset.setCurrentIndex(max(0, self.preset.findData(DEFAULT_PRESET)))
        self.description = self._muted("")
        self.form = TrainForm(self._presets[self.preset.currentIndex()])
        self.settings = Section(self.tr("Settings"), self.form)
        self.live = LiveView(self._training)
        self.log = QPlainTextEdit(readOnly=True, objectName="train.log", maximumBlockCount=LOG_LINES)
        self.log.setAccessibleName(self.tr("Notes of this training"))
        self.log.setFixedHeight(110)
        self.log.setTabChangesFocus(True)
        self.log_section = Section(self.tr("Notes"), self.log, open_=False)
        self.log_section.hide()
        self.runs_table = RunsTable(self._review)
        self.runs_section = Section(self.tr("Runs"), self.runs_table)
        self.banner = self._label("bad")
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.data_label = QLabel(wordWrap=True)
        self.data_label.setAccessibleName(self.tr("What would be trained on"))
        self.warnings_label = self._label("warning")
        self.start_button = QPushButton(self.tr("Start training"), objectName="train.start")
        self.start_button.setProperty("role", "primary")
        self.stop_button = QPushButton(self.tr("Stop and keep best"), objectName="train.stop")
        self.stop_button.setToolTip(
            self.tr("Ends after this step; the best model so far is kept ({0})").format(_key("Ctrl+."))
        )
        self._make_result()

    def _make_result(self) -> None:
        self.sentence = QLabel(wordWrap=True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setProperty("role", "title")
        self.sentence.setAccessibleName(self.tr("Result"))
        self.score_label = self._muted("")
        self.review_button = QPushButton(self.tr("Review the detections"))
        self.review_button.setToolTip(
            self.tr("See what this model finds, take it or leave it ({0})").format(_key("Ctrl+3"))
        )
        self.result_card = QFrame()
        self.result_card.setProperty("role", "card")
        column = QVBoxLayout(self.result_card)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.sentence)
        last = QHBoxLayout()
        last.addWidget(self.score_label, 1)
        last.addWidget(self.review_button)
        column.addLayout(last)
        self.result_card.hide()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        head = QHBoxLayout()
        self._preset_label = QLabel(self.tr("Preset"))
        self._preset_label.setProperty("role", "title")
        self._preset_label.setBuddy(self.preset)
        head.addWidget(self._preset_label)
        head.addWidget(self.preset, 1)
        column.addLayout(head)
        column.addWidget(self.description)
        column.addWidget(self.settings)
        for widget in (self.result_card, self.live, self.log_section, self.runs_section):
            column.addWidget(widget)
        column.addStretch(1)
        self.scroll_area = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setWidget(inner)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.viewport().installEventFilter(self)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.scroll_area, 1)
        outer.addWidget(self._foot())
        self.setMinimumWidth(290)

    def _foot(self) -> QWidget:
        """Always in view: what would be trained on, why not, Start and Stop."""
        foot = Foot()
        column = QVBoxLayout(foot)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        for widget in (self.banner, self.data_label, self.warnings_label):
            column.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 1)
        buttons.addWidget(self.stop_button, 1)
        column.addLayout(buttons)
        return foot

    def _connect(self) -> None:
        self.preset.currentIndexChanged.connect(self._on_preset)
        self.settings.button.open_changed.connect(self._share_room)
        self.form.changed.connect(self._on_form_changed)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        self.review_button.clicked.connect(self.review_requested)
        training, project = self._training, self._project
        training.state_changed.connect(self._on_state)
        training.run_started.connect(self._on_run_started)
        training.step_done.connect(self._on_step)
        training.warned.connect(self._on_warned)
        training.run_ended.connect(self._on_run_ended)
        training.failed.connect(self._on_failed)
        project.images_updated.connect(self._on_labels_changed)
        project.table_changed.connect(self._on_labels_changed)
        project.categories_changed.connect(self._on_labels_changed)
        self._review.runs_changed.connect(self._on_runs_changed)

    # --- showing ----------------------------------------------------------------------------------

    def _show_readiness(self) -> None:
        running = self._training.running
        reason = "" if running else self.blocker()
        self.start_button.setEnabled(not running and not reason)
        self.start_button.setToolTip(reason or self.tr("Train on what is labelled now ({0})").format(_key("Ctrl+R")))
        self.stop_button.setEnabled(running and not self._training.stopping)
        self.stop_button.setVisible(running)
        self.start_button.setVisible(not running)
        self.data_label.setVisible(not running)
        if reason:
            self.warnings_label.setText(reason)
        elif self._summary is not None:
            self.warnings_label.setText("\n".join(self._summary.warnings))
        self.warnings_label.setVisible(not running and bool(self.warnings_label.text()))

    def _show_banner(self, text: str) -> None:
        self.banner.setText(text)
        self.banner.setVisible(bool(text))

    def _show_result(self, ended: RunEnded) -> None:
        scores = self._scores_of(ended)
        has_model = ended.best_epoch > 0 or ended.best_AP50 >= 0
        self.sentence.setText(run_sentence(scores) if scores is not None else self.tr("The training has ended."))
        self.sentence.setToolTip(advice_reason(scores) if scores is not None else "")
        numbers = [self.tr("AP50 {0}").format(_score(ended.best_AP50)), self.tr("AP {0}").format(_score(ended.best_AP))]
        if ended.best_epoch:
            numbers.append(self.tr("best epoch {0}/{1}").format(ended.best_epoch, ended.epochs))
        numbers.append(duration_text(ended.seconds))
        self.score_label.setText(" · ".join(numbers))
        self.review_button.setEnabled(has_model)
        self.result_card.setVisible(has_model)
        self._share_room()

    def _scores_of(self, ended: RunEnded) -> Scores | None:
        """The best epoch's scores; those of the run folder count boxes too, once the run is in the list."""
        stored = next((run.best for run in self._review.runs if run.id == ended.run_id), None)
        best = self._training.best
        return stored or (best.scores if best is not None else None)

    def _on_state(self) -> None:
        running = self._training.running
        self.form.setEnabled(not running)
        self.preset.setEnabled(not running)
        if running and not self._training.steps:
            self.settings.set_open(False)
            self.scroll_area.verticalScrollBar().setValue(0)
        title = self.tr("Settings: {0}").format(self.preset.currentText()) if running else self.tr("Settings")
        self.settings.set_title(title)
        self.settings.set_note(self.form.summary())
        self._share_room()
        self._show_readiness()

    def _share_room(self) -> None:
        """What says nothing new at the moment gives its room to the plots."""
        running, ended = self._training.running, not self.result_card.isHidden()
        for widget in (self._preset_label, self.preset):
            widget.setVisible(not running)
        self.description.setVisible(not running and self.settings.open)
        self.live.card.setVisible(running or not ended)
        self._fit_timer.start()

    def _on_preset(self, place: int) -> None:
        preset = self._presets[place]
        self.description.setText(preset.description)
        self.form.set_preset(preset)
        self._on_labels_changed()

    def _on_form_changed(self) -> None:
        self.settings.set_note(self.form.summary())
        self._show_readiness()

    def _on_labels_changed(self, *_: object) -> None:
        if not self.isVisible():
            self._summary = None
        elif not self._data_timer.isActive():
            self._data_timer.start()

    def _on_runs_changed(self) -> None:
        self.form.set_runs(self._review.runs)

    def _on_run_started(self, started: RunStarted) -> None:
        self._note(self.tr("Run {0} on {1}").format(started.run_id, started.device))

    def _on_step(self, _step: object) -> None:
        if len(self._training.steps) == 1:  # the plots come with the first step
            self._fit_timer.start()

    def _on_warned(self, message: str) -> None:
        self._note(message)
        self.log_section.set_open(True)

    def _on_run_ended(self, ended: RunEnded) -> None:
        if ended.message:
            self._note(ended.message)
        if ended.status == "failed":
            self._show_banner(ended.message or self.tr("The training failed; the notes say more."))
        self._show_result(ended)

    def _on_failed(self, message: str) -> None:
        self._show_banner(message)
        self._note(message)
        self.settings.set_open(True)

    def _note(self, text: str) -> None:
        self.log.appendPlainText(text)
        self.log_section.show()
        count = self.log.blockCount()
        self.log_section.set_note(text if count == 1 else self.tr("{0} notes · {1}").format(count, text))

    @staticmethod
    def _label(role: str) -> QLabel:
        label = QLabel(wordWrap=True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        return label

    @classmethod
    def _muted(cls, text: str) -> QLabel:
        label = cls._label("muted")
        label.setText(text)
        return label

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit_timer.start()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh_data()
        self._fit_timer.start()
        QTimer.singleShot(0, self, self.live.warm_up)


def _score(value: float) -> str:
    return f"{value:.3f}" if value >= 0 else "–"


def _key(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
