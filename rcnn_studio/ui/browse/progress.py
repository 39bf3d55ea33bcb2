"""How far the project is: verified and labelled images as one bar, and each split in the tooltip. Counts nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from rcnn_studio.domain.dataset import TRAINABLE_STATES, ImageState
from rcnn_studio.domain.splits import TEST, TRAIN, VAL
from rcnn_studio.ui import theme
from rcnn_studio.ui.browse.words import split_text, state_text
from rcnn_studio.workspace.project import ProjectModel

HEIGHT = 6
DONE = (ImageState.VERIFIED, ImageState.CONFIRMED_EMPTY)


class ProgressStrip(QWidget):
    """From the left: verified or nothing there (full height), labelled (lower), the rest."""

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.setFixedHeight(HEIGHT)
        self.labelled, self.verified, self.total = 0, 0, 0

    def refresh(self) -> None:
        """Count again."""
        counts = self._project.rows.state_counts()
        self.verified = sum(counts[state] for state in DONE)
        self.labelled = sum(counts[state] for state in TRAINABLE_STATES)
        self.total = len(self._project.rows)
        text = self.tr("{0} of {1} images labelled, {2} of them verified")
        self.setAccessibleName(text.format(self.labelled, self.total, self.verified))
        self.update()

    def explain(self) -> str:
        """Every state of the whole project, then each split."""
        rows = self._project.rows
        counts = rows.state_counts()
        lines = [f"{state_text(state)}: {number}" for state, number in counts.items() if number]
        order = {TRAIN: 0, VAL: 1, TEST: 2, "": 9}
        for split in sorted(set(rows.split_names), key=lambda name: (order.get(name, 5), name)):
            mask = rows.in_splits([split])
            total = int(mask.sum())
            if total:
                of = rows.state_counts(mask)
                done, labelled = sum(of[s] for s in DONE), sum(of[s] for s in TRAINABLE_STATES)
                text = self.tr("{0}: {1} of {2} labelled, {3} verified")
                lines.append(text.format(split_text(split), labelled, total, done))
        return "\n".join(lines)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.explain(), self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = theme.colors_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        width, height = float(self.width()), float(self.height())
        whole = max(1, self.total)
        parts = (
            (width, 2.0, colors.border),
            (width * self.labelled / whole, 4.0, colors.accent),
            (width * self.verified / whole, 6.0, colors.good),
        )
        for length, thick, color in parts:
            if length > 0:
                painter.setBrush(QColor(color))
                painter.drawRoundedRect(QRectF(0, (height - thick) / 2, max(2.0, length), thick), 2, 2)
        painter.end()
