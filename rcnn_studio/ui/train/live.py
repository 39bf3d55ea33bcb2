"""The training that runs, as seen in the panel: what it does, the figures, the two plots. Starts and stops nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, RunStarted, StepDone
from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.ui.train.estimate import epoch_text, scoring_text, share_done, time_text
from rcnn_studio.ui.train.plots import LossPlot, MetricPlot
from rcnn_studio.workspace.training import TrainingModel

TICK_MS = 250
WIDE = 390
"""From this width on, all figures stand in one line."""


def left_text(step: StepDone | None) -> str:
    return duration_text(step.left_s) if step is not None else "--:--"


class Figure(QWidget):
    """A small caption over a value."""

    def __init__(self, caption: str, hint: str) -> None:
        super().__init__()
        self._caption = caption
        self.value = QLabel("–")
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        font = self.value.font()
        font.setPointSizeF(font.pointSizeF() * 1.15)
        font.setWeight(font.Weight.DemiBold)
        self.value.setFont(font)
        head = QLabel(caption)
        head.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.value)
        self.setToolTip(hint)

    def show_value(self, text: str) -> None:
        if text != self.value.text():
            self.value.setText(text)
            self.setAccessibleName(f"{self._caption}: {text}")


class LiveView(QWidget):
    """Hidden until there is something to show. Figures follow four times a second, plots ten times."""

    room_changed = Signal()
    """Something above or between the plots takes more lines, or fewer."""

    def __init__(self, training: TrainingModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._doing = ""
        self._share = 0.0
        self.loss_plot = LossPlot()
        self.metric_plot = MetricPlot()
        self.figures = {
            "epoch": Figure(
                self.tr("Epoch"),
                self.tr("Passes over the training images so far; a time limit decides how many there will be"),
            ),
            "left": Figure(self.tr("Time left"), self.tr("The trainer's estimate of the time until the end")),
            "speed": Figure(self.tr("Images/s"), self.tr("Images trained on per second")),
            "lr": Figure(self.tr("Learning rate"), self.tr("Step size now; it warms up first and then falls")),
            "best": Figure(self.tr("Best AP50"), self.tr("Best score of the validation images so far, 0 to 1")),
        }
        self.doing_label = QLabel(wordWrap=True)
        self.doing_label.setAccessibleName(self.tr("What the training is doing"))
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedHeight(5)
        self.bar.setAccessibleName(self.tr("Progress of the training"))
        self.device_label = QLabel(wordWrap=True)
        self.device_label.setProperty("role", "muted")
        self.card = self._card()
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.card)
        column.addWidget(self.loss_plot)
        column.addWidget(self.metric_plot)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.refresh)
        training.state_changed.connect(self._on_state)
        training.run_started.connect(self._on_run_started)
        training.step_done.connect(self._on_step)
        training.epoch_evaluated.connect(self._on_evaluated)
        training.progress_changed.connect(self._on_progress)
        training.run_ended.connect(self._on_run_ended)
        training.rewound.connect(self._on_rewound)
        self._reload()
        self._on_state()

    def warm_up(self) -> None:
        """Load what the plots need now, while the person reads, rather than at the first step of a training."""
        if self.loss_plot.surface is None:
            self.loss_plot.build()
            QTimer.singleShot(0, self, self.metric_plot.build)

    def refresh(self) -> None:
        """Show the figures as they are now."""
        training, figures = self._training, self.figures
        step = training.steps[-1] if training.steps else None
        if step is not None:
            figures["epoch"].show_value(epoch_text(training).replace("/", " / "))
            figures["speed"].show_value(f"{step.images_per_s:.1f}")
            figures["lr"].show_value(f"{step.lr:.2g}")
        else:
            for name in ("epoch", "speed", "lr"):
                figures[name].show_value("–")
        figures["left"].show_value(left_text(step) if training.running else "–")
        best = training.best
        figures["best"].show_value(f"{best.scores.AP50:.3f}" if best is not None and best.scores.AP50 >= 0 else "–")
        noted = self.metric_plot.set_note(scoring_text(training))
        height = self.doing_label.heightForWidth(self.doing_label.width())
        self._show_doing(step)
        if noted or self.doing_label.heightForWidth(self.doing_label.width()) != height:
            self.room_changed.emit()
        self._show_bar(step)

    # --- inside -----------------------------------------------------------------------------------

    def _card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._place_figures(3)
        column = QVBoxLayout(card)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(4)
        for widget in (self.doing_label, self.bar, self.device_label):
            column.addWidget(widget)
        column.addLayout(self._grid)
        return card

    def _place_figures(self, columns: int) -> None:
        for number, figure in enumerate(self.figures.values()):
            self._grid.addWidget(figure, number // columns, number % columns)
        for column in range(len(self.figures)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def fit(self, height: int) -> None:
        """Share this height, from the top of the panel's view, between the figures and the two plots."""
        used = self._column.spacing()
        if not self.card.isHidden():
            used += self.card.sizeHint().height() + self._column.spacing()
        used += self.loss_plot.overhead + self.metric_plot.overhead
        for plot in (self.loss_plot, self.metric_plot):
            plot.set_plot_height((height - used) // 2)

    def _show_doing(self, step: StepDone | None) -> None:
        training = self._training
        if training.stopping:
            text = self.tr("Stopping after this step; the best checkpoint is kept …")
        elif not training.running:
            text = self._ended_text(training.ended)
        elif training.paused:
            text = self._paused_text(step)
        elif self._doing:
            text = f"{self._doing} …"
        elif step is not None:
            text = self.tr("Training: {0}, step {1}").format(time_text(training), step.step)
        else:
            text = self.tr("Starting …")
        if text != self.doing_label.text():
            self.doing_label.setText(text)
        self.doing_label.setVisible(bool(text))

    def _paused_text(self, step: StepDone | None) -> str:
        if step is None:
            return self.tr("Paused: it will wait before the first step.")
        text = self.tr("Paused at {0}, step {1}. All is saved and nothing is computed until you continue.")
        return text.format(time_text(self._training), step.step)

    def _ended_text(self, ended: RunEnded | None) -> str:
        if ended is None:
            return self.tr("Failed; the reason stands below.") if self._training.error else ""
        if ended.status == "stopped":
            return self.tr("Stopped after {0} epochs; the best one is kept.").format(ended.epochs)
        if ended.status == "failed":
            return self.tr("Failed after {0} epochs.").format(ended.epochs)
        return self.tr("Finished: {0} epochs in {1}.").format(ended.epochs, duration_text(ended.seconds))

    def _show_bar(self, step: StepDone | None) -> None:
        running = self._training.running
        self.bar.setVisible(running)
        if running and step is None:
            self.bar.setRange(0, 0)
        elif running:
            self._share = max(self._share, share_done(self._training))
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * self._share))

    def _reload(self) -> None:
        """Take over what has happened before this widget was made."""
        training = self._training
        self.loss_plot.set_steps(training.steps)
        epochs = training.started.epochs if training.started is not None else 0
        self._show_evaluations(epochs)
        self._show_device()

    def _show_evaluations(self, epochs: int) -> None:
        self.metric_plot.set_evaluations(self._training.evaluations, epochs=epochs)
        if self._training.steps:
            self.metric_plot.reach(self._training.steps[-1].epoch)

    def _on_rewound(self) -> None:
        """Steps were taken back, or a run that goes on has told what was before."""
        self._reload()
        self._show_plots()
        self.refresh()

    def _show_device(self) -> None:
        started = self._training.started
        if started is None:
            self.device_label.clear()
        else:
            self.device_label.setText(
                self.tr("{0} · {1} images, {2} boxes, {3} to validate").format(
                    started.device, started.train_images, started.boxes, started.val_images
                )
            )
        self.device_label.setVisible(started is not None)

    def _on_state(self) -> None:
        training = self._training
        if training.running and training.started is None:
            self._doing, self._share = "", 0.0
            self._reload()
        if training.running:
            self._timer.start()
        else:
            self._timer.stop()
        self.setVisible(training.running or bool(training.steps))
        self._show_plots()
        self.refresh()

    def _on_run_started(self, started: RunStarted) -> None:
        self._show_evaluations(started.epochs)
        self._show_device()

    def _show_plots(self) -> None:
        """Empty axes tell nothing: they come with the first step."""
        shown = bool(self._training.steps)
        self.loss_plot.setVisible(shown)
        self.metric_plot.setVisible(shown)

    def _on_step(self, step: StepDone) -> None:
        self._doing = ""
        self.loss_plot.add(step)
        self.metric_plot.reach(step.epoch)
        if len(self._training.steps) == 1:
            self._show_plots()

    def _on_evaluated(self, evaluated: EpochEvaluated) -> None:
        self.metric_plot.add(evaluated)

    def _on_progress(self, progress: Progress) -> None:
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        self._doing = f"{progress.text.rstrip(' .…')}{count}"
        if not self._training.steps:
            self.refresh()

    def _on_run_ended(self, _ended: RunEnded) -> None:
        self._doing = ""
        self.loss_plot.touch()
        self.metric_plot.touch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_figures(len(self.figures) if self.width() >= WIDE else 3)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
