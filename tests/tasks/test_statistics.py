"""Statistics of an open project: of what has been submitted, and stopped when asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.statistics import TrainingSize
from rcnn_studio.tasks.looking import groups_of_images
from rcnn_studio.tasks.statistics import count_project
from tests.store.projects import commit, draw, voc_project
from tests.tasks import checkable


def test_statistics_show_a_box_as_soon_as_it_is_drawn(tmp_path: Path):
    with voc_project(tmp_path) as store:
        before = count_project(store)
        commit(store, draw(store, 4))
        after = count_project(store, training_size=TrainingSize(min_side=48, max_side=64))
    assert (before.images, before.boxes, after.boxes) == (4, 6, 7)
    assert after.sizes.sum() == after.sizes_resized.sum() == 7
    assert np.array_equal(after.sizes, after.sizes_resized)


def test_statistics_say_how_far_they_are_and_can_be_stopped(tmp_path: Path):
    said: list[Progress] = []
    with voc_project(tmp_path) as store:
        count_project(store, report=said.append)
        assert [(event.done, event.total) for event in said] == [(0, 2), (1, 2), (2, 2)]
        with pytest.raises(Cancelled):
            count_project(store, should_stop=lambda: len(said) > 2)


def test_groups_for_a_split_hold_copies_together_and_leave_the_unreadable_alone(tmp_path: Path):
    paths = [tmp_path / f"{number}.jpg" for number in range(5)]
    for number, path in enumerate(paths[:3]):
        checkable.picture(number).save(path)
    checkable.picture(1).resize((80, 60)).save(paths[3], quality=60)
    paths[4].write_bytes(b"no image")
    assert groups_of_images([*paths, tmp_path / "gone.jpg"]).tolist() == [0, 1, 2, 1, 4, 5]
