"""One undoable change as a value, with its inverse.

An Edit is what the undo stack, the database's history and the window all speak of. It says what was and
what is for each image it touches; applying it is the store's work.
"""

from __future__ import annotations

from dataclasses import dataclass

from rcnn_studio.domain.dataset import Box, Category, ImageState
from rcnn_studio.domain.detections import Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """What one edit does to one image.

    A box in both removed and added (same id) was changed. States and splits: (before, after), equal
    where the edit leaves them alone.
    """

    image_id: int
    removed: tuple[Box, ...] = ()
    added: tuple[Box, ...] = ()
    state: tuple[ImageState, ImageState]
    split: tuple[str, str] | None = None
    rejections_removed: tuple[Rejection, ...] = ()
    rejections_added: tuple[Rejection, ...] = ()

    def inverse(self) -> ImageChange:
        return ImageChange(
            image_id=self.image_id,
            removed=self.added,
            added=self.removed,
            state=(self.state[1], self.state[0]),
            split=None if self.split is None else (self.split[1], self.split[0]),
            rejections_removed=self.rejections_added,
            rejections_added=self.rejections_removed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change: text as the history shows it ("Draw bolt"), images, and categories as (before, after)."""

    text: str
    images: tuple[ImageChange, ...] = ()
    categories: tuple[tuple[Category, ...], tuple[Category, ...]] | None = None

    def inverse(self) -> Edit:
        return Edit(
            text=self.text,
            images=tuple(change.inverse() for change in reversed(self.images)),
            categories=None if self.categories is None else (self.categories[1], self.categories[0]),
        )


def apply_to_boxes(boxes: tuple[Box, ...], change: ImageChange) -> tuple[Box, ...]:
    """The image's boxes after the change, in the order of their ids (the order they came in)."""
    gone = {box.id for box in change.removed}
    kept = [box for box in boxes if box.id not in gone]
    return tuple(sorted([*kept, *change.added], key=lambda box: box.id))


def state_after(boxes: tuple[Box, ...], before: ImageState) -> ImageState:
    """State of an image once its boxes have changed: labelled with boxes, unlabelled without; needs-fix stays.

    Removing the last box does not claim that nothing is there: that is said with "nothing here".
    """
    if before == ImageState.NEEDS_FIX:
        return before
    return ImageState.LABELLED if boxes else ImageState.UNLABELLED
