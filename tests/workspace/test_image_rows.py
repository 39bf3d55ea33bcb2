"""The columns behind the image list follow every change of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.edits import ImageChange
from rcnn_studio.workspace.image_rows import ImageRows
from tests.domain.values import box
from tests.store.projects import voc_project


@pytest.fixture
def rows(tmp_path: Path) -> ImageRows:
    """Two labelled images with two boxes each, and one without labels."""
    with voc_project(tmp_path, images=2, unlabelled=1) as store:
        return ImageRows(store.image_table())


def test_a_project_is_listed_in_its_order(rows: ImageRows) -> None:
    assert len(rows) == 3
    assert [Path(path).name for path in rows.paths] == ["img_0.png", "img_1.png", "img_2.png"]
    assert rows.box_counts.tolist() == [2, 2, 0]
    assert [rows.state(n) for n in range(3)] == [ImageState.LABELLED, ImageState.LABELLED, ImageState.UNLABELLED]
    assert list(zip(rows.widths.tolist(), rows.heights.tolist(), strict=True)) == [(64, 48)] * 3
    assert rows.labelled_count() == 2


def test_an_image_is_found_by_its_id(rows: ImageRows) -> None:
    assert [rows.row(int(image_id)) for image_id in rows.ids] == [0, 1, 2]
    assert not rows.has(999)
    with pytest.raises(KeyError):
        rows.row(999)


def test_a_change_and_its_inverse_leave_the_row_as_it_was(rows: ImageRows) -> None:
    change = ImageChange(
        image_id=int(rows.ids[2]),
        added=(box(90), box(91)),
        state=(ImageState.UNLABELLED, ImageState.LABELLED),
        split=("", "val"),
    )
    rows.apply(change)
    assert rows.box_counts.tolist() == [2, 2, 2]
    assert rows.state(2) == ImageState.LABELLED
    assert rows.splits == ["", "", "val"]
    assert rows.in_splits(["val"]).tolist() == [False, False, True]
    assert rows.state_counts(rows.in_splits([""]))[ImageState.LABELLED] == 2
    assert (rows.split_count("val"), rows.split_count(""), rows.labelled_count()) == (1, 2, 3)
    rows.apply(change.inverse())
    assert rows.box_counts.tolist() == [2, 2, 0]
    assert rows.state(2) == ImageState.UNLABELLED
    assert (rows.split_count("val"), rows.split_count(""), rows.labelled_count()) == (0, 3, 2)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (ImageState.UNLABELLED, False),
        (ImageState.LABELLED, True),
        (ImageState.CONFIRMED_EMPTY, True),
        (ImageState.VERIFIED, True),
        (ImageState.NEEDS_FIX, False),
    ],
)
def test_what_counts_as_labelled(rows: ImageRows, state: ImageState, counts: bool) -> None:
    rows.apply(ImageChange(image_id=int(rows.ids[2]), state=(ImageState.UNLABELLED, state)))
    assert rows.labelled_count() == 2 + counts
