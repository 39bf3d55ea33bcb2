"""Edits survive the way into the history and back, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Category, ImageState
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.store.edits_json import edit_from_json, edit_to_json

corner = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"), max_size=20)
extra = st.dictionaries(text, st.one_of(st.none(), st.booleans(), text, st.lists(st.integers(-9, 9))), max_size=3)
states = st.sampled_from(ImageState)
boxes = st.builds(
    Box,
    id=st.integers(0, 2**53),
    x1=corner,
    y1=corner,
    x2=corner,
    y2=corner,
    category_id=st.integers(0, 99),
    flags=st.integers(0, 15).map(BoxFlag),
    source=st.sampled_from(BoxSource),
    run_id=st.none() | text,
    score=st.none() | st.floats(0, 1),
    edited=st.booleans(),
    place=st.none() | st.integers(0, 99),
    extra=extra,
)
rejections = st.builds(
    Rejection, run_id=text, category_id=st.integers(0, 9), x1=corner, y1=corner, x2=corner, y2=corner, score=corner
)
several = st.lists(boxes, max_size=3).map(tuple)
changes = st.builds(
    ImageChange,
    image_id=st.integers(1, 99),
    removed=several,
    added=several,
    state=st.tuples(states, states),
    split=st.none() | st.tuples(text, text),
    rejections_removed=st.lists(rejections, max_size=2).map(tuple),
    rejections_added=st.lists(rejections, max_size=2).map(tuple),
)
categories = st.lists(
    st.builds(
        Category,
        id=st.integers(1, 9),
        name=text,
        color=text,
        hotkey=st.none() | st.just("1"),
        supercategory=text,
        extra=extra,
    ),
    max_size=3,
).map(tuple)
edits = st.builds(
    Edit,
    text=text,
    images=st.lists(changes, max_size=3).map(tuple),
    categories=st.none() | st.tuples(categories, categories),
)


@given(edits)
def test_an_edit_comes_back_equal(edit: Edit) -> None:
    assert edit_from_json(edit_to_json(edit)) == edit


@given(edits)
def test_the_inverse_follows_from_what_is_stored(edit: Edit) -> None:
    assert edit_from_json(edit_to_json(edit)).inverse() == edit.inverse()
