"""The question what shall become of masks and key points whose box was edited: asked once, over the picture."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.ui.files.banner import Banner
from rcnn_studio.workspace.files_shapes import ShapePolicy


class ShapeQuestion(Banner):
    """Not modal; dismissed without an answer, masks are kept and the question comes back with the next edit."""

    def __init__(self, policy: ShapePolicy, parent: QWidget | None = None) -> None:
        super().__init__("files.shape_question", icon="info", level="info", parent=parent)
        self._policy = policy
        rows = (
            (ShapeWay.KEEP, self.tr("Keep as it is"), self.tr("The mask or key points stay as they are in the file")),
            (ShapeWay.SCALE, self.tr("Scale with the box"), self.tr("They are moved and stretched as the box was")),
            (ShapeWay.CLEAR, self.tr("Clear"), self.tr("They are emptied; undoing the edit brings them back")),
        )
        self.add_buttons(
            *((f"files.shape_question.{way}", text, tip, partial(policy.choose, way)) for way, text, tip in rows)
        )
        self.buttons[0].setProperty("role", "primary")
        self.close_button.clicked.connect(self._on_dismissed)
        policy.asked.connect(self._on_asked)
        policy.chosen.connect(self._on_chosen)

    def _on_asked(self) -> None:
        self.say(
            self.tr(
                "In this file boxes have a mask or key points, which do not fit a box that was moved. What shall happen"
                " to them, now and from now on in this project?"
            )
        )

    def _on_chosen(self, _way: object) -> None:
        self.hide()

    def _on_dismissed(self) -> None:
        self._policy.postpone()
