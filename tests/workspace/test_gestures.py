"""Gestures on the image at hand: each one is one step to undo, is shown at once, and is in the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rcnn_studio.domain.dataset import BoxFlag, BoxSource, ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from tests.workspace.hearing import Heard

BOLT, NUT = 1, 2
FOUND = Detections.make([(1, 1, 9, 9), (30, 20, 50, 40)], [BOLT, NUT], [0.9, 0.8])

GESTURES: dict[str, Callable[[ProjectModel], object]] = {
    "draw": lambda p: p.add_box(1, 2, 11, 12),
    "paste": lambda p: p.add_boxes(p.boxes, "Paste"),
    "move": lambda p: p.change_boxes([b.moved_to(0, 0, 9, 9) for b in p.boxes], "Move"),
    "delete": lambda p: p.delete_boxes([b.id for b in p.boxes]),
    "class": lambda p: p.set_category([b.id for b in p.boxes], NUT),
    "flag": lambda p: p.toggle_flag([b.id for b in p.boxes], BoxFlag.DIFFICULT),
    "nudge": lambda p: p.nudge([b.id for b in p.boxes], 1, 1),
    "grow": lambda p: p.grow([b.id for b in p.boxes], 0, 0, 2, 2),
    "verify": lambda p: p.set_state(p.current_id, ImageState.VERIFIED),
    "accept": lambda p: p.accept_detections(FOUND, run_id="run"),
    "reject": lambda p: p.reject_detections(FOUND, run_id="run"),
}


def go_to(project: ProjectModel, row: int) -> int:
    project.set_current(int(project.rows.ids[row]))
    return project.current_id


def ids(project: ProjectModel) -> list[int]:
    return [box.id for box in project.boxes]


def seen(project: ProjectModel) -> tuple[object, ...]:
    """What the window shows of the image at hand."""
    row = project.rows.row(project.current_id)
    return (
        project.boxes,
        project.record.state,
        project.record.split,
        project.rejections(project.current_id),
        int(project.rows.box_counts[row]),
        project.rows.state(row),
        project.rows.splits[row],
        +project.category_counts,
    )


@pytest.mark.parametrize("name", GESTURES)
def test_a_gesture_is_one_step_and_undo_and_redo_are_exact(project: ProjectModel, name: str) -> None:
    before = seen(project)
    GESTURES[name](project)
    after = seen(project)
    assert after != before
    assert project.undo_stack.count() == 1
    project.undo_stack.undo()
    assert seen(project) == before
    project.undo_stack.redo()
    assert seen(project) == after


@pytest.mark.parametrize("name", GESTURES)
def test_a_gesture_is_there_after_the_next_start(
    project: ProjectModel, reopened: Callable[[], ProjectModel], name: str
) -> None:
    GESTURES[name](project)
    after = seen(project)
    again = reopened()
    again.open_first()
    assert seen(again) == after


@pytest.mark.parametrize("name", GESTURES)
def test_a_read_only_project_says_so_and_changes_nothing(session: Session, name: str) -> None:
    second = Session(session.store.folder)
    try:
        assert second.project.read_only
        second.project.open_first()
        heard = Heard(message=second.project.message)
        before = seen(second.project)
        GESTURES[name](second.project)
        assert seen(second.project) == before
        assert not second.project.undo_stack.canUndo()
        assert len(heard.of("message")) == 1
        assert heard.of("message")[0].startswith("This project is open read-only: ")
    finally:
        second.close()


def test_undo_shows_the_image_it_changes_and_redo_too(project: ProjectModel) -> None:
    first = go_to(project, 0)
    project.add_box(1, 1, 9, 9)
    second = go_to(project, 5)
    project.add_box(2, 2, 8, 8)
    third = go_to(project, 7)
    shown = Heard(image=project.image_changed)
    project.undo_stack.undo()
    assert (project.current_id, project.boxes) == (second, ())
    project.undo_stack.undo()
    assert project.current_id == first
    go_to(project, 7)
    project.undo_stack.redo()
    assert len(project.boxes) == 3
    assert shown.of("image") == [second, first, third, first]


def test_drawing_selects_the_box_and_gives_it_the_active_class(project: ProjectModel) -> None:
    project.set_active_category(NUT)
    box = project.add_box(20, 30, 5, 6)
    assert box.xyxy == (5, 6, 20, 30), "the corners may be drawn in any order"
    assert box.category_id == NUT
    assert project.selection == {box.id}
    assert project.selected_boxes() == (box,)


def test_the_selection_survives_changes_and_loses_only_what_is_gone(project: ProjectModel) -> None:
    first, second = ids(project)
    project.set_selection([first, second, 999])
    assert project.selection == {first, second}, "what is not there cannot be selected"
    project.nudge(project.selection, 2, 0)
    project.set_category([first], NUT)
    project.undo_stack.undo()
    assert project.selection == {first, second}
    project.delete_boxes([first])
    assert project.selection == {second}
    go_to(project, 1)
    assert project.selection == frozenset()


def test_nothing_happens_where_nothing_would_change(project: ProjectModel) -> None:
    first = project.boxes[0]
    project.change_boxes([first], "Move")
    project.set_category([first.id], first.category_id)
    project.set_category([first.id], 77)
    project.delete_boxes([999])
    project.nudge([], 1, 1)
    project.set_state(project.current_id, ImageState.LABELLED)
    project.reject_detections(Detections.empty(), run_id="run")
    assert project.accept_detections(Detections.empty(), run_id="run") == ()
    assert project.add_boxes([], "Paste") == ()
    assert project.undo_stack.count() == 0


def test_a_nudge_against_the_border_is_no_step(project: ProjectModel) -> None:
    drawn = project.add_box(0, 0, 9, 9)
    project.nudge([drawn.id], -1, 0)
    project.nudge(ids(project), 0, -5)
    project.grow([drawn.id], -1, -1, 0, 0)
    assert project.boxes[-1] == drawn
    assert project.undo_stack.count() == 1
    project.nudge([drawn.id], -1, 4)
    assert project.boxes[-1].xyxy == (0, 4, 9, 13)
    assert project.undo_stack.count() == 2


def test_pasted_boxes_are_new_ones_by_hand(project: ProjectModel) -> None:
    made = project.accept_detections(FOUND, run_id="run")
    copied = (*project.boxes[:1], *made)
    go_to(project, 4)
    pasted = project.add_boxes(copied, "Paste")
    assert [b.xyxy for b in pasted] == [b.xyxy for b in copied]
    assert {b.id for b in pasted}.isdisjoint(b.id for b in copied)
    assert {(b.source, b.run_id, b.score, b.place) for b in pasted} == {(BoxSource.HUMAN, None, None, None)}
    assert project.selection == {b.id for b in pasted}


def test_boxes_and_their_absence_decide_what_an_image_counts_as(project: ProjectModel) -> None:
    image_id = go_to(project, 6)

    def state() -> ImageState:
        return project.rows.state(project.rows.row(image_id))

    assert state() == ImageState.UNLABELLED
    project.set_state(image_id, ImageState.CONFIRMED_EMPTY)
    box = project.add_box(1, 1, 9, 9)
    assert state() == ImageState.LABELLED
    project.set_state(image_id, ImageState.VERIFIED)
    project.nudge([box.id], 1, 1)
    assert state() == ImageState.VERIFIED, "a correction of a verified image leaves it verified"
    project.delete_boxes([box.id])
    assert state() == ImageState.UNLABELLED, "no boxes is not the same as nothing there"
    project.set_state(image_id, ImageState.NEEDS_FIX)
    project.add_box(1, 1, 9, 9)
    assert state() == ImageState.NEEDS_FIX


def test_what_was_changed_is_announced_once_for_the_list_and_the_canvas(project: ProjectModel) -> None:
    heard = Heard(list=project.images_updated, boxes=project.boxes_changed, image=project.image_changed)
    project.add_box(1, 1, 9, 9)
    here = project.current_id
    assert heard.all == [("list", [here]), ("boxes", here)]


def test_an_edit_is_acknowledged_when_it_is_on_disk(project: ProjectModel) -> None:
    assert project.acknowledged == 0
    project.add_box(1, 1, 9, 9)
    project.nudge(ids(project), 1, 0)
    project.store.flush()
    assert project.acknowledged == 2
    assert [entry.text for entry in project.store.history()] == ["Move 3 boxes", "Draw bolt"]


def test_steps_are_named_for_the_undo_menu(project: ProjectModel) -> None:
    project.delete_boxes(ids(project)[:1])
    project.accept_detections(FOUND, run_id="run")
    project.toggle_flag(ids(project), BoxFlag.TRUNCATED)
    texts = [project.undo_stack.text(n) for n in range(project.undo_stack.count())]
    assert texts == ["Delete bolt", "Accept 2 detections", "Set truncated on 3 boxes"]


def test_the_image_that_was_left_is_shown_at_the_next_start(
    project: ProjectModel, reopened: Callable[[], ProjectModel]
) -> None:
    left = go_to(project, 4)
    again = reopened()
    again.open_first()
    assert again.current_id == left
