"""The Train panel: choose a preset, see what it would be trained on, start, watch, stop, go on to review.

Holds no truth: settings are the form's until Start, the training is TrainingModel's, the runs are ReviewModel's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunEnded, RunInfo, RunStarted, Scores, TrainConfig
from rcnn_studio.tasks.needs import OPENCV, has_opencv, needs_opencv, weights_fetched
from rcnn_studio.tasks.presets import Preset, list_presets
from rcnn_studio.tasks.unfinished import left_behind
from rcnn_studio.ui.train.data_line import DataSummary, summarise
from rcnn_studio.ui.train.foot import Foot
from rcnn_studio.ui.train.form import TrainForm
from rcnn_studio.ui.train.live import LiveView
from rcnn_studio.ui.train.preset_box import PresetBox
from rcnn_studio.ui.train.result_card import ResultCard
from rcnn_studio.ui.train.runs_section import RunsSection
from rcnn_studio.ui.train.section import Section
from rcnn_studio.ui.train.suggestion import STANDARD, has_gpu, suggest
from rcnn_studio.ui.train.unfinished_card import UnfinishedCard
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.training import TrainingModel

DATA_DELAY_MS = 200
NO_STOP_S = 0.6
LOG_LINES = 500
TIGHT_PX = 640
"""In a view lower than this, a result and both plots leave no room for what the preset says of itself."""


class TrainPanel(QWidget):
    """See the module. `preset`, `start_button`, `pause_button` and `stop_button` are public for tests and the demo."""

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
        self._device, self._chosen, self._suggested = "", False, ""
        self._pause_action: QAction | None = None
        self._preset_news = True
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

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the window's action of pausing, and name the keys of the others."""
        self.foot.bind(actions)
        self.result_card.bind(actions["action.activity.review"])
        self._pause_action = actions["action.train.pause"]
        self._pause_action.triggered.connect(self.toggle_pause)
        self._show_readiness()

    def set_device(self, device: str) -> None:
        """What would compute, in the words of the toolbar; empty while nobody knows."""
        self._device = device
        self._suggest()

    # --- what can be asked for --------------------------------------------------------------------

    def start(self) -> None:
        """Start with what the form says; where that cannot be, the banner says why."""
        if self._training.running:
            return
        self.refresh_data()
        reason = self.blocker()
        if reason:
            self.foot.show_banner(reason)
            return
        try:
            config = self.form.config()
        except StudioError as error:
            self.foot.show_banner(str(error))
            return
        self._clear()
        self._training.start(config)

    def resume(self, run: RunInfo, config: TrainConfig | None = None) -> None:
        """Go on with a run that ended early, with its own settings or, where given, these."""
        if self._training.running:
            return
        self._clear()
        self._training.resume(Path(run.path), config)

    def toggle_pause(self) -> None:
        """Let the training wait after the step at hand, or go on."""
        self._training.set_paused(not self._training.paused)

    def stop(self) -> None:
        """Stop after the step at hand, keeping the best checkpoint."""
        if self._training.elapsed_s > NO_STOP_S:  # it stands where Start was: a double click must not start and stop
            self._training.stop()

    def blocker(self) -> str:
        """Why Start is disabled; empty where it is not."""
        if self._summary is not None and self._summary.blocker:
            return self._summary.blocker
        if needs_opencv(self._config()) and not has_opencv():
            return self.tr("This preset needs OpenCV: pip install '{0}', then start the window again.").format(OPENCV)
        return self.form.problem()

    def _config(self) -> TrainConfig:
        """As the form says it; the preset's own where that is none."""
        try:
            return self.form.config()
        except StudioError:
            return self.form.preset.config

    def refresh_data(self) -> None:
        """Count again what would be trained on."""
        self._data_timer.stop()
        config = self._config()
        self._summary = summarise(self._project.rows, self._project.categories, self._project.category_counts, config)
        self.data_label.setText(self._summary.line)
        self._suggest()
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
        self.preset = PresetBox(self._presets)
        self.description, self.reason = _muted(), _muted()
        self.reason.setAccessibleName(self.tr("Why this preset"))
        self.form = TrainForm(self._presets[self.preset.currentIndex()])
        self.settings = Section(self.tr("Settings"), self.form)
        self.live = LiveView(self._training)
        self.log = QPlainTextEdit(readOnly=True, objectName="train.log", maximumBlockCount=LOG_LINES)
        self.log.setAccessibleName(self.tr("Notes of this training"))
        self.log.setFixedHeight(110)
        self.log.setTabChangesFocus(True)
        self.log_section = Section(self.tr("Notes"), self.log, open_=False)
        self.log_section.hide()
        self.runs = RunsSection(self._review)
        self.runs_table = self.runs.table
        self.runs_section = Section(self.tr("Runs"), self.runs)
        self.unfinished = UnfinishedCard()
        self.result_card = ResultCard()
        self.sentence, self.score_label = self.result_card.sentence, self.result_card.score_label
        self.review_button = self.result_card.review_button
        self.foot = Foot()
        self.banner, self.data_label, self.warnings_label = (
            self.foot.banner,
            self.foot.data_label,
            self.foot.warnings_label,
        )
        self.start_button, self.pause_button, self.stop_button = (
            self.foot.start_button,
            self.foot.pause_button,
            self.foot.stop_button,
        )

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
        column.addWidget(self.reason)
        column.insertWidget(0, self.unfinished)
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
        outer.addWidget(self.foot)
        self.setMinimumWidth(290)

    def _connect(self) -> None:
        self.preset.currentIndexChanged.connect(self._on_preset)
        self.preset.activated.connect(self._on_preset_chosen)
        self.settings.button.open_changed.connect(self._share_room)
        self.live.room_changed.connect(self._fit_timer.start)
        self.form.changed.connect(self._on_form_changed)
        self.start_button.clicked.connect(self.start)
        self.pause_button.clicked.connect(self.toggle_pause)
        self.stop_button.clicked.connect(self.stop)
        self.unfinished.resume_asked.connect(self.resume)
        self.unfinished.keep_asked.connect(self.runs.keep_best)
        self.unfinished.discard_asked.connect(self.runs.discard)
        self.runs.resume_asked.connect(self.resume)
        self.runs.failed.connect(self.foot.show_banner)
        self.review_button.clicked.connect(self.review_requested)
        training, project = self._training, self._project
        training.state_changed.connect(self._on_state)
        training.run_started.connect(self._on_run_started)
        training.step_done.connect(self._on_step)
        training.rewound.connect(self._fit_timer.start)
        training.warned.connect(self._on_warned)
        training.run_ended.connect(self._on_run_ended)
        training.failed.connect(self._on_failed)
        project.images_updated.connect(self._on_labels_changed)
        project.table_changed.connect(self._on_labels_changed)
        project.categories_changed.connect(self._on_labels_changed)
        self._review.runs_changed.connect(self._on_runs_changed)

    # --- showing ----------------------------------------------------------------------------------

    def _clear(self) -> None:
        """Before a training begins: what the one before has left."""
        self.foot.show_banner("")
        self.result_card.hide()
        self.log.clear()
        self.log_section.hide()

    def _show_readiness(self) -> None:
        training = self._training
        warnings = "\n".join(self._summary.warnings) if self._summary is not None else ""
        self.foot.show_state(training, "" if training.running else self.blocker(), warnings)
        self.runs.set_training(training.running)
        if self._pause_action is not None:
            self._pause_action.setEnabled(training.running and not training.stopping)
            text = self.tr("Continue Training") if training.paused else self.tr("Pause Training")
            self._pause_action.setText(text)

    def _show_result(self, ended: RunEnded) -> None:
        self.result_card.show_result(ended, self._scores_of(ended))
        self._share_room()

    def _suggest(self) -> None:
        """Choose the preset that this project is best begun with, unless the person has chosen one, and say why."""
        if self._summary is None or self._training.running:
            return
        standard = next((preset for preset in self._presets if preset.name == STANDARD), None)
        there = standard is not None and weights_fetched(standard.config)
        found = suggest(self._summary.train_images, self._review.runs, gpu=has_gpu(self._device), coco_there=there)
        self._suggested = found.preset
        if not self._chosen and not self.form.changed_keys():
            self.preset.setCurrentIndex(max(0, self.preset.findData(found.preset)))
        self.reason.setText(found.reason)
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
        if running and self._training.started is None:
            self.settings.set_open(False)
            self.scroll_area.verticalScrollBar().setValue(0)
        self._show_settings_title()
        resumed = running and self._training.config is None
        self.settings.set_note("" if resumed else self.form.summary())
        self._offer_unfinished()
        self._share_room()
        self._show_readiness()

    def _show_settings_title(self) -> None:
        if not self._training.running:
            self.settings.set_title(self.tr("Settings"))
        elif self._training.config is None:
            self.settings.set_title(self.tr("Settings of the resumed run"))
        else:
            self.settings.set_title(self.tr("Settings: {0}").format(self.preset.currentText()))

    def _share_room(self) -> None:
        """What says nothing new at the moment gives its room to the plots."""
        running, ended = self._training.running, not self.result_card.isHidden()
        for widget in (self._preset_label, self.preset):
            widget.setVisible(not running)
        told = ended and not self._preset_news and self.scroll_area.viewport().height() < TIGHT_PX
        self.description.setVisible(not running and not told)
        suggested = self.preset.currentData() == self._suggested
        reason = self.reason.text() if suggested else ""
        self.reason.setVisible(not running and not told and bool(reason))
        self.preset.setToolTip("\n\n".join(text for text in (self.description.text(), reason) if text))
        self.live.card.setVisible(running or not ended)
        self._fit_timer.start()

    def _on_preset(self, place: int) -> None:
        preset = self._presets[place]
        self.description.setText(preset.description)
        self.form.set_preset(preset)
        self._share_room()
        self._on_labels_changed()

    def _on_preset_chosen(self, _place: int) -> None:
        self._chosen = self._preset_news = True
        self._share_room()

    def _on_form_changed(self) -> None:
        self.settings.set_note(self.form.summary())
        self._show_readiness()
        self._on_labels_changed()  # another split has other images

    def _on_labels_changed(self, *_: object) -> None:
        if not self.isVisible():
            self._summary = None
        elif not self._data_timer.isActive():
            self._data_timer.start()

    def _on_runs_changed(self) -> None:
        self.form.set_runs(self._review.runs)
        self._offer_unfinished()
        self._suggest()

    def _offer_unfinished(self) -> None:
        """What a crash has left is offered again, as long as nothing runs."""
        self.unfinished.offer(None if self._training.running else left_behind(self._review.runs))

    def _on_run_started(self, started: RunStarted) -> None:
        self._preset_news = False
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
            self.foot.show_banner(ended.message or self.tr("The training failed; the notes say more."))
        self._show_result(ended)

    def _on_failed(self, message: str) -> None:
        self.foot.show_banner(message)
        self._note(message)
        self.settings.set_open(not self._training.steps)
        self._review.refresh_runs()

    def _note(self, text: str) -> None:
        self.log.appendPlainText(text)
        self.log_section.show()
        count = self.log.blockCount()
        self.log_section.set_note(text if count == 1 else self.tr("{0} notes · {1}").format(count, text))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._share_room()
        return super().eventFilter(watched, event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh_data()
        self._fit_timer.start()
        QTimer.singleShot(0, self, self._warm_up)

    def _warm_up(self) -> None:
        """Not where the panel was shown only while the window was put back as it was left."""
        if self.isVisible():
            self.live.warm_up()


def _muted() -> QLabel:
    label = QLabel(wordWrap=True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", "muted")
    return label
