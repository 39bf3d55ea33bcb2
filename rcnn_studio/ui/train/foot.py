"""The foot of the Train panel, always in view: what would be trained on, why not, and the buttons. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.ui.icons import themed
from rcnn_studio.ui.roles import set_role
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.key_hints import KeyHint
from rcnn_studio.workspace.training import TrainingModel


class Foot(QWidget):
    """Set off by a line from what scrolls above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.banner = _label("bad")
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.data_label = QLabel(wordWrap=True)
        self.data_label.setAccessibleName(self.tr("What would be trained on"))
        self.warnings_label = _label("warning")
        self.start_button = QPushButton(self.tr("Start training"), objectName="train.start")
        self.start_button.setProperty("role", "primary")
        self.pause_button = QPushButton(objectName="train.pause")
        self.stop_button = QPushButton(self.tr("Stop and keep best"), objectName="train.stop")
        ends = self.tr("Ends after this step; the best model so far is kept, and the run can go on later ({0})")
        self._hints = {
            "start": KeyHint(self.start_button),
            "pause": KeyHint(self.pause_button),
            "stop": KeyHint(self.stop_button, ends),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        for widget in (self.banner, self.data_label, self.warnings_label):
            column.addWidget(widget)
        buttons = QHBoxLayout()
        for button in (self.start_button, self.pause_button, self.stop_button):
            buttons.addWidget(button, 1)
        column.addLayout(buttons)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """The actions that do the same from anywhere: their keys are named."""
        for name, hint in self._hints.items():
            hint.bind(actions[f"action.train.{name}"])

    def show_banner(self, text: str) -> None:
        self.banner.setText(text)
        self.banner.setVisible(bool(text))

    def show_state(self, training: TrainingModel, blocker: str, warnings: str) -> None:
        """blocker: why training cannot start, empty where it can."""
        running, stopping = training.running, training.stopping
        reason = "" if running else blocker
        self.start_button.setEnabled(not running and not reason)
        self._hints["start"].set_text(reason or self.tr("Train on what is labelled now ({0})"))
        self.start_button.setVisible(not running)
        self.stop_button.setEnabled(running and not stopping)
        self.stop_button.setVisible(running)
        self.pause_button.setEnabled(running and not stopping)
        self.pause_button.setVisible(running)
        self._show_pause(training.paused)
        self.data_label.setVisible(not running)
        self.warnings_label.setText(reason or warnings)
        self.warnings_label.setVisible(not running and bool(self.warnings_label.text()))

    def _show_pause(self, paused: bool) -> None:
        self.pause_button.setText(self.tr("Continue") if paused else self.tr("Pause"))
        self.pause_button.setIcon(QIcon() if paused else themed("pause", self.palette()))
        set_role(self.pause_button, "primary" if paused else "")
        hint = self.tr("Go on where it waits ({0})") if paused else self.tr("Wait after this step, saved ({0})")
        self._hints["pause"].set_text(hint)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, 0, self.width(), 1, QColor(colors_of(self.palette()).border))


def _label(role: str) -> QLabel:
    label = QLabel(wordWrap=True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label
