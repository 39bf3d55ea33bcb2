"""Which image of the list asks for a decision next. Shows nothing; what is open in one image is image_facts' matter."""

from __future__ import annotations

import time

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.ui.browse.image_model import ImageModel
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.project import ProjectModel

DECIDED = (ImageState.VERIFIED, ImageState.CONFIRMED_EMPTY)
PATIENCE_S = 0.4
"""So long at most the labels of image after image are compared with what the model found."""


def next_to_review(
    model: ImageModel, facts: ImageFacts, project: ProjectModel, step: int
) -> tuple[int | None, int | None]:
    """-> (image that asks for a decision, None) or (None, image up to which there is none; None for the list's end).

    In the list's order and under its filter, from the open image on (step 1) or back (-1). An image asks if it is
    unlabelled or needs a fix, or if nobody has verified it and the run has found something in it that is not decided
    on. What a person has verified, or has called empty, is decided.
    """
    current = project.current_id
    place = model.place_after(current if current is not None else -1, step)
    rows, counts = project.rows, facts.found_counts()
    until = time.monotonic() + PATIENCE_S
    while place is not None and 0 <= place < model.rowCount():
        image_id = model.image_id(place)
        row = rows.row(image_id)
        state = rows.state(row)
        if state in (ImageState.UNLABELLED, ImageState.NEEDS_FIX):
            return image_id, None
        if state not in DECIDED and counts[row] > 0:
            if facts.has_open_detections(image_id):
                return image_id, None
            if time.monotonic() > until:
                return None, image_id
        place += step
    return None, None
