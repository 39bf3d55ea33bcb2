"""Accepting the detections of many images at once: what that would be, and the one edit that does it. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rcnn_studio.domain import box_edits
from rcnn_studio.domain.dataset import TRAINABLE_STATES, ImageRecord, ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.edits import Edit, ImageChange, apply_to_boxes, state_after
from rcnn_studio.domain.review_queue import triage
from rcnn_studio.domain.splits import TRAIN, VAL
from rcnn_studio.workspace.project import VAL_EVERY, ProjectModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageToAccept:
    """One image: its detections that would become boxes; finished: none is left to decide on then."""

    image_id: int
    found: Detections
    finished: bool


def to_accept(
    project: ProjectModel,
    image_ids: Iterable[int],
    known: Callable[[int], Detections | None],
    *,
    score: float,
    likely: float,
) -> list[ImageToAccept]:
    """The open detections from `score` on of the images whose detections are known; likely: the run's own threshold,
    from which on a detection that stays open keeps the image from counting as labelled. Classes that are hidden on the
    canvas stay open."""
    categories, hidden = [c.id for c in project.categories], sorted(project.category_view.hidden)
    rows = project.rows
    wanted: list[ImageToAccept] = []
    for image_id in image_ids:
        detections = known(image_id)
        if detections is None:
            continue
        above = detections.above(min(score, likely))
        above = above.take(np.isin(above.category_ids, categories))
        begun = len(above) and rows.box_counts[rows.row(image_id)]
        boxes = project.image_record(image_id).boxes if begun else ()
        found = triage(
            above,
            box_xyxy=[b.xyxy for b in boxes],
            box_category_ids=[b.category_id for b in boxes],
            rejections=project.rejections(image_id) if len(above) else (),
        ).open
        wished = (above.scores[found] >= score) & ~np.isin(above.category_ids[found], hidden)
        taken = found[wished]
        if len(taken):
            rest = found[~wished & (above.scores[found] >= likely)]
            wanted.append(ImageToAccept(image_id=image_id, found=above.take(taken), finished=not len(rest)))
    return wanted


def accept_on_images(project: ProjectModel, wanted: Sequence[ImageToAccept], *, run_id: str) -> None:
    """Make boxes of all of them; one edit, one undo."""
    splits = {name: project.rows.split_count(name) for name in (TRAIN, VAL)}
    changes = []
    for item in wanted:
        record = project.image_record(item.image_id)
        changes.append(_change(project, record, item, run_id, splits))
    boxes = sum(len(item.found) for item in wanted)
    text = project.tr("Accept {0} detections on {1} images").format(boxes, len(wanted))
    project.push(Edit(text=text, images=tuple(changes)))


def _change(
    project: ProjectModel, record: ImageRecord, item: ImageToAccept, run_id: str, splits: dict[str, int]
) -> ImageChange:
    size = {"width": record.width, "height": record.height}
    boxes = tuple(
        box_edits.from_detection(item.found, n, box_id=project.store.next_box_id(), run_id=run_id, **size)
        for n in range(len(item.found))
    )
    draft = ImageChange(image_id=record.id, added=boxes, state=(record.state, record.state))
    state = state_after(apply_to_boxes(record.boxes, draft), record.state, begun=not item.finished)
    return ImageChange(
        image_id=record.id, added=boxes, state=(record.state, state), split=_split(record, state, splits)
    )


def _split(record: ImageRecord, state: ImageState, splits: dict[str, int]) -> tuple[str, str] | None:
    """As for single images, but counted on from image to image: every fifth one validates."""
    if record.split or state not in TRAINABLE_STATES:
        return None
    chosen = VAL if (splits[VAL] + 1) * VAL_EVERY <= splits[VAL] + splits[TRAIN] + 1 else TRAIN
    splits[chosen] += 1
    return record.split, chosen
