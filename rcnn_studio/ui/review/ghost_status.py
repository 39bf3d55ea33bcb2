"""The status bar's word on the detections of the open image: how many are hinted at, and from which score on.

Changes nothing: a click is the window's to answer, with the activity where the score is chosen.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from rcnn_studio.workspace.review import ReviewModel


class GhostStatus(QToolButton):
    """Hidden where no run is at hand."""

    def __init__(self, review: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status.detections")
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._review = review
        self.setToolTip(
            self.tr(
                "The dashed boxes are what the model finds: Enter accepts, X rejects, E accepts and edits.\n"
                "Click to choose in Review from which score on they are shown."
            )
        )
        review.detections_changed.connect(self._show)
        review.runs_changed.connect(self._show)
        review.threshold_changed.connect(self._show)
        self._show()

    def _show(self, *_: object) -> None:
        review = self._review
        self.setVisible(review.run is not None)
        text = self._text()
        self.setText(text)
        self.setAccessibleName(text)

    def _text(self) -> str:
        review = self._review
        if review.waiting:
            return self.tr("detecting objects …")
        if not review.shown:
            return self.tr("detections hidden (P)")
        count = len(review.triage.open)
        score = f"{review.threshold:.2f}"
        if count == 1:
            return self.tr("1 detection from score {0}").format(score)
        return self.tr("{0} detections from score {1}").format(count, score)
