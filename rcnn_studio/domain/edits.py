"""One undoable change as a value, with its inverse.

An Edit is what the undo stack, the database's history and the window all speak of. It says what was and
what is for each image it touches, or names one change over all images; applying it is the store's work.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
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
class DocumentChange:
    """A linked file gets another base document, the one that its boxes' places speak of.

    file_id: of the store. before, after: generations, counted from 0, the imported document.
    """

    file_id: int
    before: int
    after: int

    def inverse(self) -> DocumentChange:
        return DocumentChange(file_id=self.file_id, before=self.after, after=self.before)


def new_key() -> str:
    """A name for an edit that no other edit has."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change: text as the history shows it ("Draw bolt"), and what it does, in one of two forms.

    By image: images, categories as (before, after), documents. Whoever makes such an edit knows every value.

    Symbolic, over all images at once, however many there are; it stands alone, without images and categories:

    - merge=(from_id, into_id): every box of the one category becomes one of the other, and the first category is
      gone. Boxes keep their id, corners, flags and where they came from.
    - remove_category=id: the category and all of its boxes are gone; images that lose their last box become
      unlabelled, those that need a fix stay so.

    The store finds out which boxes those are, and keeps them, so that the inverse brings back the very same ones.

    key: names this edit in the history; an edit that is done once more after its undo keeps it. undoes: key of
    the edit that this one takes back, "" for an edit of its own.
    """

    text: str
    images: tuple[ImageChange, ...] = ()
    categories: tuple[tuple[Category, ...], tuple[Category, ...]] | None = None
    documents: tuple[DocumentChange, ...] = ()
    merge: tuple[int, int] | None = None
    remove_category: int | None = None
    undoes: str = ""
    key: str = field(default_factory=new_key, compare=False)

    def __post_init__(self) -> None:
        if self.is_symbolic and (self.images or self.categories is not None or self.documents):
            raise ValueError("a change over all images stands alone")
        if self.merge is not None and (self.remove_category is not None or self.merge[0] == self.merge[1]):
            raise ValueError("a category is merged into another one, or removed")

    @property
    def is_symbolic(self) -> bool:
        """True for one change over all images; what it does to each is known to the store only."""
        return self.merge is not None or self.remove_category is not None

    def inverse(self) -> Edit:
        """The edit that takes this one back; the inverse of that is this edit again, under its own key."""
        return Edit(
            text=self.text,
            images=tuple(change.inverse() for change in reversed(self.images)),
            categories=None if self.categories is None else (self.categories[1], self.categories[0]),
            documents=tuple(change.inverse() for change in self.documents),
            merge=self.merge,
            remove_category=self.remove_category,
            undoes="" if self.undoes else self.key,
            key=self.undoes or new_key(),
        )


def apply_to_boxes(boxes: tuple[Box, ...], change: ImageChange) -> tuple[Box, ...]:
    """The image's boxes after the change, in the order of their ids (the order they came in)."""
    gone = {box.id for box in change.removed}
    kept = [box for box in boxes if box.id not in gone]
    return tuple(sorted([*kept, *change.added], key=lambda box: box.id))


def joined(first: Edit, then: Edit) -> Edit | None:
    """One edit that does what two changes of the same image's boxes do, one after the other; None where there is none.

    Both speak of one image and of nothing else; together they change something.
    """
    if len(first.images) != 1 or len(then.images) != 1 or first.categories or then.categories:
        return None
    (a,), (b,) = first.images, then.images
    plain = not (a.rejections_removed or a.rejections_added or b.rejections_removed or b.rejections_added)
    if a.image_id != b.image_id or not plain or first.documents or then.documents:
        return None
    was, now = {box.id: box for box in b.removed}, {box.id: box for box in a.added}
    was.update({box.id: box for box in a.removed})
    now.update({box.id: box for box in b.added})
    if was.keys() != now.keys() or was == now:
        return None
    splits = [split for split in (a.split, b.split) if split is not None]
    change = ImageChange(
        image_id=a.image_id,
        removed=tuple(was.values()),
        added=tuple(now[box_id] for box_id in was),
        state=(a.state[0], b.state[1]),
        split=(splits[0][0], splits[-1][1]) if splits else None,
    )
    return Edit(text=then.text, images=(change,))


def state_after(boxes: tuple[Box, ...], before: ImageState, *, begun: bool = False) -> ImageState:
    """State of an image once its boxes have changed: labelled with boxes, unlabelled without; needs-fix stays.

    begun: the change leaves detections to decide on, so an unlabelled image stays so: trained on half labelled, it
    would teach that the rest is background. Removing the last box does not claim that nothing is there: that is said
    with "nothing here".
    """
    if before == ImageState.NEEDS_FIX or (begun and before == ImageState.UNLABELLED):
        return before
    return ImageState.LABELLED if boxes else ImageState.UNLABELLED


def change_between(now: ImageRecord, wanted: ImageRecord) -> ImageChange:
    """The change that makes one record of an image out of another; rejections are left alone."""
    have, want = {box.id: box for box in now.boxes}, {box.id: box for box in wanted.boxes}
    return ImageChange(
        image_id=now.id,
        removed=tuple(box for box in now.boxes if want.get(box.id) != box),
        added=tuple(box for box in wanted.boxes if have.get(box.id) != box),
        state=(now.state, wanted.state),
        split=None if now.split == wanted.split else (now.split, wanted.split),
    )
