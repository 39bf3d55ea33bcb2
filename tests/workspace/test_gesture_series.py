"""A long series of gestures and undos: what is shown, what is counted and what is stored stay one truth."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.workspace.project import ProjectModel
from tests.store.projects import contents

GESTURES = 200


class Hand:
    """Does something at random, the same at each seed."""

    def __init__(self, project: ProjectModel, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)
        self.deeds: list[Callable[[], object]] = [
            self.draw, self.draw, self.draw, self.go, self.go, self.delete, self.nudge, self.grow, self.recategorise,
            self.flag, self.state, self.accept, self.reject, self.new_category, self.undo, self.undo, self.redo,
        ]  # fmt: skip

    def act(self) -> None:
        self.random.choice(self.deeds)()

    def corners(self) -> tuple[float, ...]:
        x1, y1 = self.random.randrange(50), self.random.randrange(36)
        return x1, y1, x1 + self.random.randrange(2, 14), y1 + self.random.randrange(2, 12)

    def some(self) -> list[int]:
        return [box.id for box in self.project.boxes if self.random.random() < 0.5]

    def category(self) -> int:
        return self.random.choice(self.project.categories).id

    def draw(self) -> None:
        self.project.add_box(*self.corners(), category_id=self.category())

    def go(self) -> None:
        self.project.set_current(int(self.random.choice(self.project.rows.ids)))

    def delete(self) -> None:
        self.project.delete_boxes(self.some())

    def nudge(self) -> None:
        self.project.nudge(self.some(), self.random.randrange(-9, 9), self.random.randrange(-9, 9))

    def grow(self) -> None:
        self.project.grow(self.some(), *(self.random.randrange(-3, 4) for _ in range(4)))

    def recategorise(self) -> None:
        self.project.set_category(self.some(), self.category())

    def flag(self) -> None:
        self.project.toggle_flag(self.some(), self.random.choice(list(BoxFlag)))

    def state(self) -> None:
        self.project.set_state(self.project.current_id, self.random.choice(list(ImageState)))

    def found(self) -> Detections:
        number = self.random.randrange(1, 4)
        scores = [self.random.random() for _ in range(number)]
        return Detections.make([self.corners() for _ in scores], [self.category() for _ in scores], scores)

    def accept(self) -> None:
        self.project.accept_detections(self.found(), run_id="run")

    def reject(self) -> None:
        self.project.reject_detections(self.found(), run_id="run")

    def new_category(self) -> None:
        self.project.add_category(f"kind {self.random.randrange(5)}")

    def undo(self) -> None:
        self.project.undo_stack.undo()

    def redo(self) -> None:
        self.project.undo_stack.redo()


def all_boxes(project: ProjectModel) -> dict[int, tuple[Box, ...]]:
    return {int(image_id): project.image_record(int(image_id)).boxes for image_id in project.rows.ids}


def check_against_the_database(project: ProjectModel) -> None:
    table = project.store.image_table()
    assert project.rows.box_counts.tolist() == table.box_counts.tolist()
    assert project.rows.states.tolist() == table.states.tolist()
    assert project.rows.splits == list(table.splits)
    assert dict(+project.category_counts) == project.store.category_counts()
    assert project.categories == project.store.categories()
    stored = project.store.image(project.current_id)
    assert project.boxes == stored.boxes
    assert (project.record.state, project.record.split) == (stored.state, stored.split)
    assert Counter(project.rows.splits) == Counter({s: project.rows.split_count(s) for s in set(project.rows.splits)})


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_gestures_leave_screen_and_database_equal(
    project: ProjectModel, reopened: Callable[[], ProjectModel], seed: int
) -> None:
    hand = Hand(project, seed)
    for _ in range(GESTURES):
        hand.act()
    check_against_the_database(project)
    boxes, counts = all_boxes(project), +project.category_counts
    assert sum(counts.values()) > 20, "the series did something"
    again = reopened()
    assert all_boxes(again) == boxes
    assert +again.category_counts == counts


def test_undoing_the_whole_series_brings_every_file_back(project: ProjectModel) -> None:
    data = project.store.folder.parent / "voc"
    files, boxes = contents(data), all_boxes(project)
    hand = Hand(project, 3)
    for _ in range(GESTURES):
        hand.act()
    project.store.write_back(wait=True)
    assert contents(data) != files
    while project.undo_stack.canUndo():
        project.undo_stack.undo()
    assert all_boxes(project) == boxes
    check_against_the_database(project)
    project.store.write_back(wait=True)
    assert contents(data) == files
