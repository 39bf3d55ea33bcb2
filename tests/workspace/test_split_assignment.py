"""Images join train or val with their first label, about every fifth one val, and never change by themselves."""

from __future__ import annotations

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.workspace.project import ProjectModel


def split(project: ProjectModel, row: int) -> str:
    return project.rows.splits[row]


def label(project: ProjectModel, row: int) -> None:
    project.set_current(int(project.rows.ids[row]))
    project.add_box(1, 1, 9, 9)


def test_every_fifth_labelled_image_is_for_validation(project: ProjectModel) -> None:
    rows = range(len(project.rows))
    for row in rows:
        label(project, row)
    assert [split(project, row) for row in rows] == ["train"] * 4 + ["val"] + ["train"] * 4 + ["val"] + ["train"] * 2
    assert (project.rows.split_count("train"), project.rows.split_count("val")) == (10, 2)
    assert project.record.split == "train"


def test_an_image_keeps_its_split_whatever_happens_to_its_boxes(project: ProjectModel) -> None:
    for row in range(5):
        label(project, row)
    assert split(project, 4) == "val"
    project.delete_boxes([b.id for b in project.boxes])
    assert project.record.state == ImageState.UNLABELLED
    assert split(project, 4) == "val"
    label(project, 5)
    label(project, 4)
    assert split(project, 4) == "val"


def test_undo_takes_the_split_back_and_redo_gives_the_same_one(project: ProjectModel) -> None:
    for row in range(5):
        label(project, row)
    project.undo_stack.undo()
    assert split(project, 4) == ""
    assert project.rows.split_count("val") == 0
    project.undo_stack.redo()
    assert split(project, 4) == "val"


def test_an_image_with_nothing_on_it_joins_as_well(project: ProjectModel) -> None:
    image_id = int(project.rows.ids[6])
    project.set_state(image_id, ImageState.CONFIRMED_EMPTY)
    assert split(project, 6) == "train"
    assert project.image_record(image_id).split == "train"


def test_an_image_that_needs_a_fix_waits_until_it_is_fixed(project: ProjectModel) -> None:
    project.set_current(int(project.rows.ids[6]))
    project.set_state(project.current_id, ImageState.NEEDS_FIX)
    project.add_box(1, 1, 9, 9)
    assert split(project, 6) == ""
    project.set_state(project.current_id, ImageState.VERIFIED)
    assert split(project, 6) == "train"


def test_marking_an_image_unlabelled_gives_it_no_split(project: ProjectModel) -> None:
    image_id = int(project.rows.ids[0])
    project.set_state(image_id, ImageState.UNLABELLED)
    assert split(project, 0) == ""
