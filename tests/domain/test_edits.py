"""An edit and its inverse: whatever was done can be taken back exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, ImageState, make_categories
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit, ImageChange, apply_to_boxes, state_after
from tests.domain.values import box, boxes_inside

REJECTED = Rejection(run_id="run", category_id=1, x1=1, y1=2, x2=3, y2=4, score=0.5)


@st.composite
def images_with_a_change(draw: st.DrawFn) -> tuple[tuple[Box, ...], ImageChange]:
    """Boxes with rising ids, and a change that deletes some, replaces some and adds some."""
    numbers = sorted(draw(st.sets(st.integers(1, 20), max_size=6)))
    boxes = tuple(draw(boxes_inside(number=n)) for n in numbers)
    touched = [b for b in boxes if draw(st.booleans())]
    replaced = [draw(boxes_inside(number=b.id)) for b in touched if draw(st.booleans())]
    fresh = [draw(boxes_inside(number=n)) for n in sorted(draw(st.sets(st.integers(21, 30), max_size=3)))]
    states = (draw(st.sampled_from(ImageState)), draw(st.sampled_from(ImageState)))
    change = ImageChange(image_id=1, removed=tuple(touched), added=(*replaced, *fresh), state=states)
    return boxes, change


@given(images_with_a_change())
def test_undoing_a_change_brings_back_every_box(case) -> None:
    boxes, change = case
    after = apply_to_boxes(boxes, change)
    assert apply_to_boxes(after, change.inverse()) == boxes


@given(images_with_a_change())
def test_redo_gives_what_the_first_time_gave(case) -> None:
    boxes, change = case
    once = apply_to_boxes(boxes, change)
    again = apply_to_boxes(apply_to_boxes(once, change.inverse()), change.inverse().inverse())
    assert again == once


@given(images_with_a_change())
def test_a_change_touches_only_what_it_names(case) -> None:
    boxes, change = case
    named = {b.id for b in (*change.removed, *change.added)}
    after = apply_to_boxes(boxes, change)
    assert [b for b in after if b.id not in named] == [b for b in boxes if b.id not in named]
    assert [b.id for b in after] == sorted(
        {b.id for b in boxes} - {b.id for b in change.removed} | {b.id for b in change.added}
    )


def test_the_inverse_turns_everything_round() -> None:
    categories = make_categories(["bolt"]), make_categories(["bolt", "nut"])
    first = ImageChange(
        image_id=1,
        added=(box(1),),
        state=(ImageState.UNLABELLED, ImageState.LABELLED),
        split=("", "val"),
        rejections_added=(REJECTED,),
    )
    second = ImageChange(image_id=2, removed=(box(2),), state=(ImageState.LABELLED, ImageState.UNLABELLED))
    edit = Edit(text="Draw bolt", images=(first, second), categories=categories)
    back = edit.inverse()
    assert [c.image_id for c in back.images] == [2, 1], "the last change is taken back first"
    assert back.images[1].removed == (box(1),)
    assert back.images[1].state == (ImageState.LABELLED, ImageState.UNLABELLED)
    assert back.images[1].split == ("val", "")
    assert back.images[1].rejections_removed == (REJECTED,)
    assert back.categories == (categories[1], categories[0])
    assert back.text == "Draw bolt"
    assert back.inverse() == edit


@pytest.mark.parametrize(
    ("boxes", "before", "after"),
    [
        ((box(1),), ImageState.UNLABELLED, ImageState.LABELLED),
        ((box(1),), ImageState.CONFIRMED_EMPTY, ImageState.LABELLED),
        ((), ImageState.LABELLED, ImageState.UNLABELLED),
        ((), ImageState.VERIFIED, ImageState.UNLABELLED),
        ((box(1),), ImageState.NEEDS_FIX, ImageState.NEEDS_FIX),
        ((), ImageState.NEEDS_FIX, ImageState.NEEDS_FIX),
    ],
)
def test_boxes_decide_the_state_unless_the_image_needs_a_fix(boxes, before, after) -> None:
    assert state_after(boxes, before) == after
