"""A small panel in the canvas's corner: brightness, contrast, gamma, inversion of what is seen, never of the image.

While anything is set and the panel is closed a button in its place says so. It keeps nothing beyond the session, but
the pixel grid's switch is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import log

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QToolButton

from rcnn_studio.ui import icons
from rcnn_studio.ui.label.board import Board
from rcnn_studio.ui.label.look import NEUTRAL
from rcnn_studio.workspace.settings import Settings

GRID = "view.pixel_grid"
MARGIN = 12
GAMMA_END = 5.0
"""Gamma at the right end of its slider, 1 / that at the left end."""


def bind_view_only(board: Board, actions: Mapping[str, QAction], settings: Settings | None = None) -> AdjustPanel:
    """Put the panel into the board's corner and connect the actions of what is for the eye only."""
    panel = AdjustPanel(board, actions)
    grid = actions["action.view.grid"]
    if settings is not None:
        grid.setChecked(bool(settings.get(GRID, grid.isChecked())))
        grid.toggled.connect(partial(settings.set, GRID))
    grid.toggled.connect(board.set_grid_shown)
    board.set_grid_shown(grid.isChecked())
    return panel


class AdjustPanel(QFrame):
    """Reads and sets the board's look."""

    def __init__(self, board: Board, actions: Mapping[str, QAction]) -> None:
        super().__init__(board)
        self._board, self._actions = board, actions
        self.setObjectName("adjust_panel")
        self.setAccessibleName(self.tr("View adjustments"))
        self.setProperty("role", "popup")
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._numbers: dict[str, QLabel] = {}
        self.brightness = self._slider(self.tr("Brightness"))
        self.contrast = self._slider(self.tr("Contrast"))
        self.gamma = self._slider(self.tr("Gamma"))
        self.invert = QCheckBox(self.tr("Invert"))
        self.invert.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reset = QPushButton(self.tr("Reset"))
        self.reset.setProperty("role", "quiet")
        self.reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.reminder = self._make_reminder()
        self._lay_out()
        self._connect()
        self.hide()
        self._show_look()

    def _slider(self, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, minimum=-100, maximum=100, pageStep=10)
        slider.setObjectName(f"adjust_panel.{len(self._numbers)}")
        slider.setAccessibleName(name)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider.setMinimumSize(130, 20)  # the handle is taller than the style thinks
        number = QLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        number.setMinimumWidth(number.fontMetrics().horizontalAdvance("+100"))
        self._numbers[name] = number
        slider.valueChanged.connect(self._on_slid)
        return slider

    def _make_reminder(self) -> QPushButton:
        button = QPushButton(icons.themed("adjust", self.palette()), self.tr("View adjusted"), self._board)
        button.setObjectName("adjust_reminder")
        button.setToolTip(self.tr("Only what you see is changed: click to change it back"))
        button.setAccessibleName(button.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        button.hide()
        return button

    def _lay_out(self) -> None:
        title, close = QLabel(self.tr("View only")), QToolButton(text="✕", autoRaise=True)
        title.setProperty("role", "title")
        close.setToolTip(self.tr("Close"))
        close.setAccessibleName(self.tr("Close view adjustments"))
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(self.close_panel)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(close)
        foot = QHBoxLayout()
        foot.addWidget(self.invert, 1)
        foot.addWidget(self.reset)
        note = QLabel(self.tr("Files and model see the image as it is."))
        note.setProperty("role", "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 6, 8, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        grid.addLayout(head, 0, 0, 1, 3)
        sliders = (self.brightness, self.contrast, self.gamma)
        for row, ((name, number), slider) in enumerate(zip(self._numbers.items(), sliders, strict=True), start=1):
            label = QLabel(name)
            label.setBuddy(slider)
            for column, widget in enumerate((label, slider, number)):
                grid.addWidget(widget, row, column)
        grid.addLayout(foot, 4, 0, 1, 3)
        grid.addWidget(note, 5, 0, 1, 3)

    def _connect(self) -> None:
        self._board.installEventFilter(self)
        self.invert.toggled.connect(self._actions["action.view.invert"].setChecked)
        self.reset.clicked.connect(self.reset_look)
        self.reminder.clicked.connect(self.open_panel)
        for name, slot in {"adjust": self.setVisible, "invert": self._on_inverted}.items():
            self._actions[f"action.view.{name}"].toggled.connect(slot)
        self._actions["action.view.adjust_reset"].triggered.connect(self.reset_look)

    def open_panel(self) -> None:
        self._actions["action.view.adjust"].setChecked(True)

    def close_panel(self) -> None:
        self._actions["action.view.adjust"].setChecked(False)
        self._board.setFocus()

    def reset_look(self) -> None:
        """Everything as the file has it."""
        self._actions["action.view.invert"].setChecked(False)
        self._board.set_look(NEUTRAL)
        self._show_look()

    def _on_slid(self, _value: int) -> None:
        gamma = round(GAMMA_END ** (self.gamma.value() / 100), 2)
        look = replace(
            self._board.scene.look, brightness=self.brightness.value(), contrast=self.contrast.value(), gamma=gamma
        )
        self._board.set_look(look)
        self._show_numbers()

    def _on_inverted(self, on: bool) -> None:
        self._board.set_look(replace(self._board.scene.look, invert=on))
        self._show_look()

    def _show_look(self) -> None:
        look = self._board.scene.look
        for slider, value in (
            (self.brightness, look.brightness),
            (self.contrast, look.contrast),
            (self.gamma, _gamma_place(look.gamma)),
        ):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
        self.invert.setChecked(look.invert)
        self._show_numbers()

    def _show_numbers(self) -> None:
        look = self._board.scene.look
        texts = (f"{look.brightness:+d}", f"{look.contrast:+d}", f"{look.gamma:.2f}")
        for number, text in zip(self._numbers.values(), texts, strict=True):
            number.setText("0" if text == "+0" else text)
        changed = look != NEUTRAL
        self.reset.setEnabled(changed)
        self._actions["action.view.adjust_reset"].setEnabled(changed)
        self.reminder.setVisible(changed and self.isHidden())
        self._place()

    def _place(self) -> None:
        """The lower right corner: messages lie along the upper edge, hints stand in the middle of the lower one."""
        for widget in (self, self.reminder):
            widget.adjustSize()
            widget.move(self._board.width() - widget.width() - MARGIN, self._board.height() - widget.height() - MARGIN)
            widget.raise_()

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        self.reminder.setVisible(not visible and self._board.scene.look != NEUTRAL)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.reminder.setIcon(icons.themed("adjust", self.palette()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._board and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)


def _gamma_place(gamma: float) -> int:
    """Where on its slider a gamma lies: the inverse of GAMMA_END ** (place / 100)."""
    return round(100 * log(gamma) / log(GAMMA_END))
