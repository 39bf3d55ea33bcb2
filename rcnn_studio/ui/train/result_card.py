"""What has become of a training: one sentence, the best scores, the way to review. Reads no files."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.domain.runs import RunEnded, Scores
from rcnn_studio.domain.sentences import duration_text, result_reason, run_sentence
from rcnn_studio.ui.train.key_hints import KeyHint


class ResultCard(QFrame):
    """Hidden until a training has ended with a model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.sentence = QLabel(wordWrap=True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setProperty("role", "title")
        self.sentence.setAccessibleName(self.tr("Result"))
        self.score_label = QLabel(wordWrap=True)
        self.score_label.setProperty("role", "muted")
        self.review_button = QPushButton(self.tr("Review the detections"))
        hint = self.tr("See what this model finds, take it or leave it ({0})")
        self._hint = KeyHint(self.review_button, hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.sentence)
        last = QHBoxLayout()
        last.addWidget(self.score_label, 1)
        last.addWidget(self.review_button)
        column.addLayout(last)
        self.hide()

    def bind(self, action: QAction) -> None:
        """The action that does the same from anywhere: its key is named."""
        self._hint.bind(action)

    def show_result(self, ended: RunEnded, scores: Scores | None) -> None:
        """scores: of the best epoch, None where it was never scored."""
        has_model = ended.best_epoch > 0 or ended.best_AP50 >= 0
        self.sentence.setText(run_sentence(scores) if scores is not None else self.tr("The training has ended."))
        self.sentence.setToolTip(result_reason(scores) if scores is not None else "")
        numbers = [self.tr("AP50 {0}").format(_score(ended.best_AP50)), self.tr("AP {0}").format(_score(ended.best_AP))]
        if ended.best_epoch:
            numbers.append(self.tr("best epoch {0} of {1}").format(ended.best_epoch, ended.epochs))
        numbers.append(duration_text(ended.seconds))
        self.score_label.setText(" · ".join(numbers))
        self.review_button.setEnabled(has_model)
        self.setVisible(has_model)


def _score(value: float) -> str:
    return f"{value:.3f}" if value >= 0 else "–"
