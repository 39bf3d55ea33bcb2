"""The training in the status bar: what it is at, how long it takes, how good it is. Seen in every activity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import RunEnded, StepDone
from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.estimate import epoch_text, limit_s, time_text
from rcnn_studio.workspace.training import TrainingModel

TICK_MS = 500
SPARK_POINTS = 48


class Sparkline(QWidget):
    """A thumbnail of the loss: its course, no numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: list[float] = []
        self.setFixedSize(64, 16)

    def set_values(self, values: Sequence[float]) -> None:
        self._values = list(values)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._values) < 2:
            return
        low, high = min(self._values), max(self._values)
        room = QRectF(self.rect()).adjusted(1, 2, -3, -2)
        scale = room.height() / (high - low) if high > low else 0.0
        step = room.width() / (len(self._values) - 1)
        points = [
            QPointF(room.left() + n * step, room.bottom() - (v - low) * scale) for n, v in enumerate(self._values)
        ]
        color = QColor(colors_of(self.palette()).accent)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color, 1.3))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(color)
        painter.drawEllipse(points[-1], 1.6, 1.6)

    def sizeHint(self) -> QSize:
        return QSize(64, 16)


class TrainingStrip(QWidget):
    """Hidden until the first training of this session; afterwards it keeps the last result."""

    def __init__(self, training: TrainingModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status.training")
        self.setAccessibleName(self.tr("Training"))
        self._training = training
        self._doing = ""
        self.label = QLabel()
        self.sparkline = Sparkline()
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.setSpacing(6)
        row.addWidget(self.sparkline)
        row.addWidget(self.label)
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.refresh)
        training.state_changed.connect(self._on_state)
        training.step_done.connect(self._on_step)
        training.progress_changed.connect(self._on_progress)
        self._on_state()

    @property
    def text(self) -> str:
        """What the strip says now."""
        return self.label.text()

    def refresh(self) -> None:
        """Show what is known now."""
        text = self._text()
        if text != self.label.text():
            self.label.setText(text)
            self.setAccessibleDescription(text)
            self.setToolTip(text)
            # the words to its left must not jump each time a digit comes or goes
            self.label.setMinimumWidth(max(self.label.minimumWidth(), self.label.sizeHint().width()))
        self.sparkline.setVisible(len(self._training.steps) > 1)
        self.sparkline.set_values(_spark(self._training.steps))

    def _text(self) -> str:
        training = self._training
        step = training.steps[-1] if training.steps else None
        if training.stopping:
            return self.tr("stopping, best is kept …")
        if training.running and step is None:
            return self.tr("training: {0} …").format(self._doing or self.tr("starting"))
        if training.running and step is not None:
            return self._running_text(step)
        if training.error:
            return self.tr("training failed")
        return self._ended_text(training.ended)

    def _running_text(self, step: StepDone) -> str:
        training = self._training
        epoch = self.tr("epoch {0}").format(epoch_text(training))
        if limit_s(training) > 0:
            parts = [time_text(training), epoch]
        else:
            parts = [epoch, self.tr("{0} left").format(duration_text(step.left_s))]
        if not training.paused:
            parts.append(self.tr("{0} images/s").format(f"{step.images_per_s:.1f}"))
        best = training.best
        if best is not None and best.scores.AP50 >= 0:
            parts.append(self.tr("best AP50 {0} (epoch {1})").format(f"{best.scores.AP50:.2f}", best.epoch))
        text = self.tr("training paused: {0}") if training.paused else self.tr("training: {0}")
        return text.format(", ".join(parts))

    def _ended_text(self, ended: RunEnded | None) -> str:
        if ended is None:
            return ""
        words = {
            "finished": self.tr("trained"),
            "stopped": self.tr("training stopped"),
            "failed": self.tr("training failed"),
        }
        text = words.get(ended.status, ended.status)
        return self.tr("{0}: best AP50 {1}").format(text, f"{ended.best_AP50:.2f}") if ended.best_AP50 >= 0 else text

    def _on_state(self) -> None:
        if self._training.running:
            self._timer.start()
            if not self._training.steps:
                self._doing = ""
        else:
            self._timer.stop()
            self.label.setMinimumWidth(0)
        self.refresh()
        self.setVisible(bool(self.label.text()))

    def _on_step(self, _step: StepDone) -> None:
        self._doing = ""

    def _on_progress(self, progress: Progress) -> None:
        self._doing = progress.text.rstrip(" .…")


def _spark(steps: Sequence[StepDone]) -> list[float]:
    """The loss averaged into at most 48 equal stretches; the first few steps, which dwarf all others, are capped."""
    count = len(steps)
    if count < 2:
        return []
    bins = min(SPARK_POINTS, count)
    edges = [round(n * count / bins) for n in range(bins + 1)]
    means = []
    for start, end in pairwise(edges):
        # a few of each stretch are enough for a picture 16 pixels high
        sample = range(start, end, max(1, (end - start) // 4))
        means.append(sum(steps[n].loss for n in sample) / len(sample))
    finite = sorted(v for v in means if v == v)
    cap = finite[int(0.95 * (len(finite) - 1))] * 1.5 if finite else 0.0
    return [min(v, cap) if v == v else cap for v in means]
