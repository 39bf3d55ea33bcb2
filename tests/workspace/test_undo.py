"""Undo over a restart, and edits over all images: shown when they are done, taken back to the byte."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from tests.store.projects import contents
from tests.workspace.hearing import Heard


def names(project: ProjectModel) -> list[str]:
    return [category.name for category in project.categories]


def files(project: ProjectModel) -> dict[str, bytes]:
    project.store.write_back(wait=True)
    return contents(project.store.folder.parent / "voc")


def test_undo_and_redo_go_on_where_the_last_session_ended(
    session: Session, reopened: Callable[[], ProjectModel]
) -> None:
    before = session.project.boxes
    session.project.nudge([before[0].id], 5, 0)
    moved = session.project.boxes
    session.project.delete_boxes([before[1].id])
    session.project.undo_stack.undo()
    project = reopened()
    project.open_first()
    assert project.undo_stack.undoText() == "Move bolt"
    assert project.undo_stack.redoText() == "Delete nut"
    assert project.boxes == moved, "nothing is done by the way"
    project.undo_stack.undo()
    assert project.boxes == before
    project.undo_stack.redo()
    project.undo_stack.redo()
    assert len(project.boxes) == 1
    assert not project.undo_stack.canRedo()


def test_undoing_in_the_next_session_brings_every_byte_back(
    session: Session, reopened: Callable[[], ProjectModel]
) -> None:
    original = files(session.project)
    session.project.delete_boxes([session.project.boxes[0].id])
    session.project.set_current(int(session.project.rows.ids[1]))
    session.project.nudge([session.project.boxes[0].id], 5, 0)
    assert files(session.project) != original
    project = reopened()
    while project.undo_stack.canUndo():
        project.undo_stack.undo()
    assert files(project) == original


def test_a_damaged_step_says_so_and_leaves_the_stack(session: Session, reopened: Callable[[], ProjectModel]) -> None:
    session.project.nudge([session.project.boxes[0].id], 5, 0)
    session.project.nudge([session.project.boxes[1].id], 0, 5)
    session.close()
    with sqlite3.connect(session.store.database) as db:
        db.execute("UPDATE history SET edit = '{' WHERE sequence = (SELECT max(sequence) FROM history)")
    db.close()
    project = reopened()
    project.open_first()
    heard, before = Heard(message=project.message), project.boxes
    project.undo_stack.undo()
    assert project.boxes == before
    assert "is damaged" in heard.of("message")[0]
    project.undo_stack.undo()
    assert project.boxes != before, "the step below it can still be taken back"


def test_merging_two_classes_is_one_step_over_all_images(qtbot, project: ProjectModel) -> None:
    original, bolt, nut = files(project), *project.categories
    first = project.boxes
    heard = Heard(table=project.table_changed)
    assert project.uses(bolt.id) == (3, 3)
    project.merge_category(bolt.id, nut.id)
    qtbot.waitUntil(lambda: names(project) == ["nut"], timeout=10_000)
    assert project.category_counts == {nut.id: 6}
    assert [box.category_id for box in project.boxes] == [nut.id, nut.id]
    assert [box.id for box in project.boxes] == [box.id for box in first]
    assert project.active_category_id == nut.id
    assert len(heard.of("table")) == 1
    assert sum(content.count(b"<name>nut</name>") for content in files(project).values()) == 6
    project.undo_stack.undo()
    qtbot.waitUntil(lambda: names(project) == ["bolt", "nut"], timeout=10_000)
    assert project.boxes == first
    assert files(project) == original
    project.undo_stack.redo()
    qtbot.waitUntil(lambda: names(project) == ["nut"], timeout=10_000)
    project.undo_stack.undo()
    qtbot.waitUntil(lambda: names(project) == ["bolt", "nut"], timeout=10_000)
    assert files(project) == original


def test_a_class_and_its_boxes_are_deleted_and_come_back_in_the_next_session(
    qtbot, session: Session, reopened: Callable[[], ProjectModel]
) -> None:
    original, first, table = files(session.project), session.project.boxes, list(session.project.categories)
    for category in table:
        session.project.delete_category(category.id)
        session.project.catch_up()
    assert names(session.project) == []
    assert session.project.boxes == ()
    assert session.project.record.state == ImageState.UNLABELLED
    assert session.project.rows.box_counts.sum() == 0
    assert not any(b"<object>" in content for content in files(session.project).values())
    project = reopened()
    project.open_first()
    for left in (["nut"], ["bolt", "nut"]):
        project.undo_stack.undo()
        qtbot.waitUntil(lambda left=left: names(project) == left, timeout=10_000)
    assert list(project.categories) == table
    assert project.boxes == first
    assert project.record.state == ImageState.LABELLED
    assert files(project) == original


def test_while_the_store_works_the_pointer_says_so_and_the_page_can_be_turned(
    qtbot, project: ProjectModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = []
    read = project.store.image

    def image(image_id: int) -> object:
        cursor = QGuiApplication.overrideCursor()
        shapes.append(None if cursor is None else cursor.shape())
        return read(image_id)

    monkeypatch.setattr(project.store, "image", image)
    project.delete_category(project.categories[0].id)
    project.set_current(int(project.rows.ids[1]))
    assert shapes == [Qt.CursorShape.WaitCursor]
    assert QGuiApplication.overrideCursor() is None
    assert [box.category_id for box in project.boxes] == [project.categories[-1].id]
    qtbot.waitUntil(lambda: names(project) == ["nut"], timeout=10_000)


def test_a_class_added_right_after_a_merge_is_added_to_what_is_left(project: ProjectModel) -> None:
    bolt, nut = project.categories
    project.merge_category(bolt.id, nut.id)
    project.add_category("gear")
    project.store.flush()
    assert names(project) == ["nut", "gear"]
    assert [c.name for c in project.store.categories()] == ["nut", "gear"]
    assert project.categories[-1].id > nut.id


def test_merging_a_class_that_is_gone_meanwhile_changes_nothing(project: ProjectModel) -> None:
    bolt, nut = project.categories
    project.merge_category(bolt.id, nut.id)
    project.merge_category(bolt.id, nut.id)
    assert project.undo_stack.count() == 1
    project.catch_up()
    assert names(project) == ["nut"]
