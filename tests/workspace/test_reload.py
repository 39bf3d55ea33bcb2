"""What the store says is what the window shows: after a conflict was settled, and after an edit was refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, ImageState
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.workspace import project_state as project_module
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from tests.store.projects import OBJECT
from tests.workspace.hearing import Heard


def annotation(session: Session) -> Path:
    """The VOC file of the image at hand."""
    image = session.project.image_path(session.project.current_id)
    return image.parent.parent / "Annotations" / f"{image.stem}.xml"


def change_from_outside(file: Path, *names: str) -> None:
    objects = "".join(OBJECT.format(name=name, x1=5 + n, y1=6, x2=25 + n, y2=36) for n, name in enumerate(names))
    text = f"<annotation><filename>{file.stem}.png</filename>{objects}</annotation>"
    file.write_text(text, encoding="utf-8")


def in_conflict(session: Session, *names: str) -> Path:
    """Our edit of the image at hand against another program's, which has these objects. -> the file"""
    file = annotation(session)
    change_from_outside(file, *names)
    session.project.add_box(1, 1, 9, 9)
    session.store.write_back(wait=True)
    assert [conflict.path for conflict in session.store.conflicts()] == [str(file)]
    return file


def test_their_labels_are_shown_once_theirs_is_chosen(session: Session) -> None:
    project = session.project
    file = in_conflict(session, "bolt", "bolt", "gear")
    heard = Heard(boxes=project.boxes_changed, rows=project.images_updated, categories=project.categories_changed)
    project.settle_conflict(file, "theirs")
    assert [project.category(b.category_id).name for b in project.boxes] == ["bolt", "bolt", "gear"]
    assert project.boxes == session.store.image(project.current_id).boxes
    assert project.rows.box_counts[project.rows.row(project.current_id)] == 3
    assert project.category_counts == session.store.category_counts()
    assert heard.of("boxes") == [project.current_id]
    assert heard.of("rows") == [[project.current_id]]
    assert "categories" in heard.names, "gear is a class of theirs"


def test_taking_theirs_is_one_step_and_the_steps_before_it_stay(session: Session) -> None:
    project = session.project
    first, second = (int(i) for i in project.rows.ids[:2])
    project.set_current(second)
    project.add_box(2, 2, 12, 12)
    project.add_box(3, 3, 13, 13)
    project.undo_stack.undo()
    project.set_current(first)
    file = in_conflict(session, "nut")
    ours, before = project.boxes, session.store.image(second).boxes
    theirs = file.read_bytes()
    project.settle_conflict(file, "theirs")
    assert session.store.image(second).boxes == before, "nothing is undone by the way"
    assert not project.undo_stack.canRedo(), "the new box on the first image came after what was undone"
    project.undo_stack.undo()
    assert project.boxes == ours
    project.undo_stack.redo()
    session.store.write_back(wait=True)
    assert file.read_bytes() == theirs
    for _step in range(3):
        project.undo_stack.undo()
    assert not project.undo_stack.canUndo()
    assert project.current_id == second, "the oldest step is about the second image"
    assert len(project.boxes) == len(before) - 1


def test_steps_that_can_be_redone_still_can(session: Session) -> None:
    project = session.project
    first, second = (int(i) for i in project.rows.ids[:2])
    project.delete_boxes([project.boxes[0].id])
    project.set_current(second)
    project.add_box(2, 2, 12, 12)
    project.undo_stack.undo()
    before = session.store.image(second).boxes
    project.reload_images([first])
    assert project.undo_stack.count() == 2
    assert project.undo_stack.canRedo()
    assert session.store.image(second).boxes == before
    project.undo_stack.redo()
    assert len(session.store.image(second).boxes) == len(before) + 1


def impossible(project: ProjectModel) -> Edit:
    """An edit that the database refuses: it draws a box of a class that there is not."""
    record = project.record
    box = Box(id=project.store.next_box_id(), x1=1, y1=1, x2=9, y2=9, category_id=999)
    change = ImageChange(image_id=record.id, added=(box,), state=(record.state, record.state))
    return Edit(text="Draw a ghost", images=(change,))


def test_an_edit_that_the_store_refuses_is_taken_back_and_said(qtbot, session: Session) -> None:
    project = session.project
    before, count = project.boxes, project.rows.box_counts[0]
    messages = Heard(message=project.message)
    project.push(impossible(project))
    assert len(project.boxes) == len(before) + 1, "shown before it is stored"
    qtbot.waitUntil(lambda: project.boxes == before, timeout=10_000)
    assert project.rows.box_counts[0] == count
    assert 999 not in +project.category_counts
    assert not project.undo_stack.canUndo()
    assert any(text.startswith("Draw a ghost was not stored") for text in messages.of("message"))
    assert messages.off_thread == []
    project.add_box(1, 1, 9, 9)
    session.store.flush()
    assert session.store.image(project.current_id).boxes == project.boxes, "labelling goes on"


def test_a_refused_edit_of_another_image_corrects_the_list(qtbot, session: Session) -> None:
    project = session.project
    first, second = (int(i) for i in project.rows.ids[:2])
    edit = impossible(project)
    project.set_current(second)
    with qtbot.waitSignal(project.message, timeout=10_000):
        project.push(edit)
        assert project.rows.box_counts[0] == 3
    assert project.rows.box_counts[0] == 2
    assert project.current_id == second
    assert len(session.store.image(first).boxes) == 2


def test_an_edit_given_up_at_the_end_disturbs_nobody(qapp, session: Session) -> None:
    session.project.push(impossible(session.project))
    session.close()
    qapp.processEvents()
    assert session.store.read_only is False


def test_many_images_are_read_again_as_one_table(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    project = session.project
    monkeypatch.setattr(project_module, "RELOAD_ONE_BY_ONE", 2)
    changes = []
    for image_id in project.rows.ids[:3].tolist():
        record = session.store.image(image_id)
        states = (record.state, ImageState.VERIFIED)
        changes.append(ImageChange(image_id=image_id, state=states, removed=record.boxes[:1]))
    session.store.submit(Edit(text="From elsewhere", images=tuple(changes)), on_done=id, on_error=id)
    heard = Heard(table=project.table_changed)
    project.reload_images([change.image_id for change in changes])
    assert len(heard.of("table")) == 1
    assert [project.rows.state(row) for row in range(3)] == [ImageState.VERIFIED] * 3
    assert project.rows.box_counts[:3].tolist() == [1, 1, 1]
    assert project.record.state == ImageState.VERIFIED
    assert project.boxes == session.store.image(project.current_id).boxes


def test_the_row_of_a_replaced_record_counts_its_split(project: ProjectModel) -> None:
    record = project.record
    before = project.rows.split_count("val")
    project.rows.replace(replace(record, split="val", boxes=()))
    assert project.rows.split_count("val") == before + 1
    assert project.rows.box_counts[0] == 0
