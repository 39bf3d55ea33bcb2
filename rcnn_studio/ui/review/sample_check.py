"""A few images, drawn at random, to look at before the detections of many are accepted. Accepts nothing itself."""

from __future__ import annotations

import random
from collections.abc import Sequence

from PySide6.QtCore import QObject

from rcnn_studio.ui.actions import key_text
from rcnn_studio.workspace.auto_accept import ImageToAccept
from rcnn_studio.workspace.project import ProjectModel

SAMPLE = 10
"""So many are looked at; of no more than these a sample is not worth a step of its own."""


class SampleCheck(QObject):
    """One round over a sample. `place` is the image at hand, from 0; the round is over behind the last one."""

    def __init__(self, project: ProjectModel, wanted: Sequence[ImageToAccept], parent: QObject | None = None) -> None:
        super().__init__(parent)
        drawn = set(random.sample([item.image_id for item in wanted], min(SAMPLE, len(wanted))))
        chosen = [item for item in wanted if item.image_id in drawn]
        self.ids = [item.image_id for item in chosen]
        self.detections = sum(len(item.found) for item in chosen)
        self.place = 0
        self._project = project
        self._rejected_before = self._rejections()

    @property
    def over(self) -> bool:
        return self.place >= len(self.ids)

    def go(self, step: int) -> None:
        """To the next (1) or previous (-1) image of the sample, or behind the last one."""
        self.place = max(0, self.place + step)
        self.show()

    def show(self) -> None:
        if not self.over:
            self._project.set_current(self.ids[self.place])

    def where_text(self, next_key: str = "") -> str:
        key = next_key or key_text("PgDown")
        text = self.tr(
            "Sample: image {0} of {1}. Reject what is wrong; {2} goes on, and behind the last one asks again."
        )
        return text.format(self.place + 1, len(self.ids), key)

    def outcome_text(self) -> str:
        """What the person has made of it."""
        rejected = self._rejections() - self._rejected_before
        text = self.tr("You have looked at {0} of the images with {1} detections, and rejected {2} of them.")
        return text.format(len(self.ids), self.detections, max(0, rejected))

    def _rejections(self) -> int:
        return sum(len(self._project.rejections(image_id)) for image_id in self.ids)
