"""Offers a run that ended early: go on exactly, keep its best, discard it. Does none of it itself."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.tasks.unfinished import has_model
from rcnn_studio.ui.train.runs import run_title


class UnfinishedCard(QFrame):
    """Hidden while there is no such run. `run` is the one it speaks of."""

    resume_asked = Signal(object)
    keep_asked = Signal(object)
    discard_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train.unfinished")
        self.setProperty("role", "card")
        self.run: RunInfo | None = None
        self.text = QLabel(wordWrap=True)
        self.text.setAccessibleName(self.tr("Unfinished training"))
        self.resume_button = QPushButton(self.tr("Resume exactly"), objectName="train.resume")
        self.resume_button.setToolTip(
            self.tr("Goes on from the last saved step as if nothing had happened, with the labels it began with")
        )
        self.keep_button = QPushButton(self.tr("Keep best"))
        self.discard_button = QPushButton(self.tr("Discard …"))
        self.discard_button.setToolTip(self.tr("Moves the run to the trash folder of this project; asks before"))
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.text)
        row = QHBoxLayout()
        for button in (self.resume_button, self.keep_button, self.discard_button):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self.resume_button.clicked.connect(lambda: self.resume_asked.emit(self.run))
        self.keep_button.clicked.connect(lambda: self.keep_asked.emit(self.run))
        self.discard_button.clicked.connect(lambda: self.discard_asked.emit([self.run]))
        self.hide()

    def offer(self, run: RunInfo | None) -> None:
        """Speak of this run; hide for None."""
        self.run = run
        self.setVisible(run is not None)
        if run is None:
            return
        ended = {"failed": self.tr("has failed"), "stopped": self.tr("was stopped")}
        text = self.tr("The training of {0} {1} after {2}. It can go on exactly where it was last saved.")
        self.text.setText(
            text.format(run_title(run), ended.get(run.status, self.tr("was interrupted")), duration_text(run.seconds))
        )
        kept = has_model(run)
        self.keep_button.setEnabled(kept)
        self.keep_button.setToolTip(
            self.tr("Ends the run for good; its best model stays in the list of runs")
            if kept
            else self.tr("It was not scored yet, so there is no model to keep")
        )
