"""Classes of a project: added, renamed, recoloured, given keys, removed; and each of it taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from tests.store.projects import contents
from tests.workspace.hearing import Heard


def names(project: ProjectModel) -> list[str]:
    return [c.name for c in project.categories]


def keys(project: ProjectModel) -> dict[str, str | None]:
    return {c.name: c.hotkey for c in project.categories}


def test_a_new_class_gets_a_key_and_a_colour_and_is_active(project: ProjectModel) -> None:
    heard = Heard(categories=project.categories_changed, active=project.active_category_changed)
    washer = project.add_category(" washer ")
    assert names(project) == ["bolt", "nut", "washer"]
    assert washer.hotkey == "3"
    assert washer.color not in {c.color for c in project.categories[:2]}
    assert project.active_category_id == washer.id
    assert heard.names == ["categories", "active"]
    project.undo_stack.undo()
    assert names(project) == ["bolt", "nut"]
    assert project.active_category_id == project.categories[0].id
    assert heard.names[2:] == ["categories", "active"], "the window learns that another class is active now"
    project.undo_stack.redo()
    assert project.categories[2] == washer


def test_a_name_that_is_there_already_makes_it_active_instead(project: ProjectModel) -> None:
    assert project.add_category("nut").id == 2
    assert project.active_category_id == 2
    assert names(project) == ["bolt", "nut"]
    assert project.undo_stack.count() == 0


@pytest.mark.parametrize("name", ["", "  ", "a\tb", "\ud800"])
def test_an_unwritable_name_is_refused(project: ProjectModel, name: str) -> None:
    with pytest.raises(ProjectError, match="class name"):
        project.add_category(name)
    with pytest.raises(ProjectError, match="class name"):
        project.change_category(replace(project.categories[0], name=name))
    assert names(project) == ["bolt", "nut"]


def test_a_rename_reaches_the_files_and_undo_brings_every_byte_back(project: ProjectModel) -> None:
    data = project.store.folder.parent / "voc"
    before = contents(data)
    project.change_category(replace(project.categories[0], name="screw"))
    project.store.write_back(wait=True)
    changed = {name for name, content in contents(data).items() if before[name] != content}
    assert changed == {f"Annotations/img_{n}.xml" for n in range(3)}
    assert all(b"<name>screw</name>" in contents(data)[name] for name in changed)
    project.undo_stack.undo()
    assert names(project) == ["bolt", "nut"]
    project.store.write_back(wait=True)
    assert contents(data) == before


def test_a_name_of_another_class_is_refused(project: ProjectModel) -> None:
    with pytest.raises(ProjectError, match="named nut already"):
        project.change_category(replace(project.categories[0], name="nut "))
    assert names(project) == ["bolt", "nut"]


def test_a_colour_is_changed_and_taken_back(project: ProjectModel) -> None:
    before = project.categories
    project.change_category(replace(before[1], color="#123456"))
    assert [c.color for c in project.categories] == [before[0].color, "#123456"]
    project.undo_stack.undo()
    assert project.categories == before


def test_a_key_is_taken_from_the_class_that_had_it(project: ProjectModel) -> None:
    project.change_category(replace(project.categories[1], hotkey="1"))
    assert keys(project) == {"bolt": None, "nut": "1"}
    project.undo_stack.undo()
    assert keys(project) == {"bolt": "1", "nut": "2"}
    project.change_category(replace(project.categories[1], hotkey=None))
    assert keys(project) == {"bolt": "1", "nut": None}


def test_no_change_is_no_step(project: ProjectModel) -> None:
    project.change_category(project.categories[0])
    project.remove_category(77)
    assert project.undo_stack.count() == 0


def test_a_class_with_boxes_is_not_removed(project: ProjectModel) -> None:
    with pytest.raises(ProjectError, match=r"bolt has 3 boxes\. Change their class first"):
        project.remove_category(1)
    assert names(project) == ["bolt", "nut"]
    assert project.undo_stack.count() == 0


def test_a_class_is_removable_once_its_last_box_is_gone(project: ProjectModel) -> None:
    washer = project.add_category("washer")
    box = project.add_box(1, 1, 9, 9, category_id=washer.id)
    with pytest.raises(ProjectError, match="washer has 1 box"):
        project.remove_category(washer.id)
    project.delete_boxes([box.id])
    project.remove_category(washer.id)
    assert names(project) == ["bolt", "nut"]
    assert project.active_category_id == project.categories[0].id
    for _ in range(2):
        project.undo_stack.undo()
    assert names(project) == ["bolt", "nut", "washer"]
    assert project.boxes[-1] == box
    project.store.flush()
    assert project.store.categories() == project.categories


def test_classes_are_there_after_the_next_start(project: ProjectModel, reopened: Callable[[], ProjectModel]) -> None:
    project.add_category("washer")
    project.change_category(replace(project.categories[0], name="screw", color="#123456", hotkey="9"))
    before = project.categories
    assert reopened().categories == before


def test_a_removed_class_never_lends_its_number_to_another(
    project: ProjectModel, reopened: Callable[[], ProjectModel]
) -> None:
    """Kept detections and rejections name classes by number: an old run's washers must not turn into gears."""
    washer = project.add_category("washer")
    project.remove_category(washer.id)
    gear = project.add_category("gear")
    assert gear.id != washer.id
    project.remove_category(gear.id)
    assert reopened().add_category("pin").id not in (washer.id, gear.id)


def test_undo_and_a_new_name_do_not_reuse_the_number(project: ProjectModel) -> None:
    washer = project.add_category("washer")
    project.undo_stack.undo()
    assert project.add_category("gear").id != washer.id


def test_the_first_box_without_any_class_makes_one_in_the_same_step(project: ProjectModel) -> None:
    for image_id in project.rows.ids[:3]:
        project.set_current(int(image_id))
        project.delete_boxes([b.id for b in project.boxes])
    for category in project.categories:
        project.remove_category(category.id)
    assert project.categories == ()
    steps = project.undo_stack.count()
    box = project.add_box(1, 1, 9, 9)
    assert names(project) == ["object"]
    assert project.category(box.category_id) == project.categories[0]
    assert project.active_category_id == box.category_id
    assert project.undo_stack.count() == steps + 1
    project.undo_stack.undo()
    assert (project.categories, project.boxes) == ((), ())
    project.undo_stack.redo()
    assert names(project) == ["object"]
    assert project.boxes == (box,)
    project.store.flush()
    assert project.store.category_counts() == {box.category_id: 1}


def test_a_read_only_project_keeps_its_classes(session: Session) -> None:
    second = Session(session.store.folder)
    try:
        heard = Heard(message=second.project.message)
        second.project.add_category("washer")
        second.project.change_category(replace(second.project.categories[0], name="screw"))
        assert names(second.project) == ["bolt", "nut"]
        assert second.project.active_category_id == 1
        assert len(heard.of("message")) == 2
    finally:
        second.close()


def test_an_unknown_class_cannot_become_active(project: ProjectModel) -> None:
    heard = Heard(active=project.active_category_changed)
    project.set_active_category(77)
    project.set_active_category(1)
    assert project.active_category_id == 1
    project.set_active_category(2)
    assert heard.of("active") == [2]
