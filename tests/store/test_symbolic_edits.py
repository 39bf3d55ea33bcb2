"""One edit over all images: committed at once, written later, and taken back to the last byte and id."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, ImageState
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import (
    change,
    coco_project,
    commit,
    contents,
    draw,
    id_of,
    label_rows,
    move,
    rename,
    set_state,
    signatures,
    voc_project,
)

MERGE = "merge"
REMOVE = "remove"


def symbolic(kind: str) -> Edit:
    """Bolts become nuts, or go."""
    if kind == MERGE:
        return Edit(text="Merge bolt into nut", merge=(1, 2))
    return Edit(text="Remove bolt", remove_category=1)


def test_merging_gives_every_box_the_other_category_and_keeps_the_rest_of_it(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.image(1).boxes
        commit(store, symbolic(MERGE))
        assert [c.name for c in store.categories()] == ["nut"]
        assert store.image(1).boxes == tuple(replace(box, category_id=2) for box in before)
        assert store.category_counts() == {2: 6}
        store.write_back(wait=True)
        for number in range(3):
            data = (tmp_path / "voc" / "Annotations" / f"img_{number}.xml").read_bytes()
            assert data.count(b"<name>nut</name>") == 2
            assert b"bolt" not in data


def test_removing_a_category_takes_its_boxes_and_says_which_images_have_none_left(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        alone, doubtful = id_of(store, "img_0.png"), id_of(store, "img_1.png")
        for image_id in (alone, doubtful):
            record = store.image(image_id)
            state = ImageState.NEEDS_FIX if image_id == doubtful else None
            commit(store, Edit(text="Delete nut", images=(change(record, removed=record.boxes[1:], state=state),)))
        commit(store, symbolic(REMOVE))
        assert store.image(alone).state == ImageState.UNLABELLED
        assert store.image(doubtful).state == ImageState.NEEDS_FIX
        assert store.image(id_of(store, "img_2.png")).state == ImageState.LABELLED
        assert store.image_table().box_counts.tolist() == [0, 0, 1, 0]
        assert store.category_counts() == {2: 1}


@pytest.mark.parametrize("kind", [MERGE, REMOVE])
def test_undo_and_redo_restore_every_row_and_every_byte(tmp_path: Path, kind: str) -> None:
    with voc_project(tmp_path) as store:
        box = Box(
            id=store.next_box_id(),
            x1=0.1,
            y1=1 / 3,
            x2=9.0,
            y2=40.0,
            category_id=1,
            flags=BoxFlag.DIFFICULT,
            source=BoxSource.RUN,
            run_id="run",
            score=0.875,
            edited=True,
            extra={"note": [1]},
        )
        commit(store, Edit(text="Accept", images=(change(store.image(4), added=(box,)),)))
        commit(store, set_state(store, 2, ImageState.VERIFIED))
        store.write_back(wait=True)
        rows, files = label_rows(store), contents(tmp_path / "voc")
        edit = symbolic(kind)
        commit(store, edit)
        store.write_back(wait=True)
        changed_rows, changed_files = label_rows(store), contents(tmp_path / "voc")
        assert changed_rows != rows
        assert changed_files != files
        for _ in range(2):
            commit(store, edit.inverse())
            store.write_back(wait=True)
            assert label_rows(store) == rows
            assert contents(tmp_path / "voc") == files
            commit(store, edit.inverse().inverse())
            store.write_back(wait=True)
            assert label_rows(store) == changed_rows
            assert contents(tmp_path / "voc") == changed_files
        assert store.verify() == ()


@pytest.mark.parametrize("kind", [MERGE, REMOVE, "rename"])
def test_undo_before_writing_leaves_every_file_untouched(tmp_path: Path, kind: str) -> None:
    with voc_project(tmp_path) as store:
        store.pause_writing()
        before = signatures(tmp_path / "voc")
        edit = rename(store.categories(), "bolt", "screw") if kind == "rename" else symbolic(kind)
        commit(store, edit)
        assert store.pending_files() == 3
        commit(store, edit.inverse())
        assert store.pending_files() == 0
        store.resume_writing()
        store.write_back(wait=True)
        assert signatures(tmp_path / "voc") == before
        assert store.backups() == []


@pytest.mark.parametrize("kind", [MERGE, REMOVE])
def test_a_file_edited_before_is_still_written_after_the_undo(tmp_path: Path, kind: str) -> None:
    with voc_project(tmp_path) as store:
        store.pause_writing()
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        before = xml.read_bytes()
        moved = move(store, id_of(store, "img_0.png"))
        commit(store, moved)
        edit = symbolic(kind)
        commit(store, edit)
        commit(store, edit.inverse())
        assert store.pending_files() == 1
        store.resume_writing()
        store.write_back(wait=True)
        assert xml.read_bytes() != before
        commit(store, moved.inverse())
        store.write_back(wait=True)
        assert xml.read_bytes() == before


@pytest.mark.parametrize("kind", [MERGE, REMOVE])
def test_a_coco_file_follows_and_comes_back(tmp_path: Path, kind: str) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        before = path.read_bytes()
        bolt, nut = (c.id for c in store.categories())
        edit = Edit(text="x", merge=(bolt, nut)) if kind == MERGE else Edit(text="x", remove_category=bolt)
        commit(store, edit)
        store.write_back(wait=True)
        data = json.loads(path.read_bytes())
        assert [c["name"] for c in data["categories"]] == ["nut"]
        assert [a["category_id"] for a in data["annotations"]] == ([9, 9, 9] if kind == MERGE else [])
        assert store.file_errors() == {}
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert path.read_bytes() == before


def test_readers_see_a_queued_edit_over_all_images(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        done: list[int] = []
        store.submit(symbolic(MERGE), on_done=done.append, on_error=pytest.fail)
        assert [c.name for c in store.categories()] == ["nut"]
        store.submit(symbolic(MERGE).inverse(), on_done=done.append, on_error=lambda _: None)
        assert {box.category_id for box in store.image(1).boxes} == {2}


def test_an_undo_that_is_not_in_the_history_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        rows = label_rows(store)
        with pytest.raises(ProjectError, match="not in the history"):
            commit(store, symbolic(MERGE).inverse())
        edit = symbolic(MERGE)
        commit(store, edit)
        commit(store, edit.inverse())
        with pytest.raises(ProjectError, match="taken back already"):
            commit(store, edit.inverse())
        with pytest.raises(ProjectError, match="no category number 77"):
            commit(store, Edit(text="Merge", merge=(77, 1)))
        assert label_rows(store) == rows


def test_an_edit_over_all_images_stands_alone() -> None:
    with pytest.raises(ValueError, match="stands alone"):
        Edit(text="x", merge=(1, 2), categories=((), ()))
    with pytest.raises(ValueError, match="merged into another"):
        Edit(text="x", merge=(1, 1))


@pytest.mark.parametrize("seed", range(6))
def test_any_edits_are_taken_back_one_by_one_across_sessions(tmp_path: Path, seed: int) -> None:
    """Draws, moves, deletions, renames, merges and removals at random; then everything is undone from the history."""
    rng = random.Random(seed)
    store = voc_project(tmp_path, images=4, unlabelled=2)
    rows, files = label_rows(store), contents(tmp_path / "voc")
    states = [rows]
    for number in range(25):
        edit = random_edit(store, rng, number)
        commit(store, edit)
        states.append(label_rows(store))
        if rng.random() < 0.2:
            store.write_back(wait=True)
        if rng.random() < 0.1:
            store.close()
            store = ProjectStore.open(tmp_path / "project")
    store.close()
    store = ProjectStore.open(tmp_path / "project")
    stack = store.undoable(100)
    assert len(stack.undo) == 25
    for past, expected in zip(reversed(stack.undo), reversed(states[:-1]), strict=True):
        commit(store, past.edit.inverse())
        assert label_rows(store) == expected, past.text
    assert len(store.undoable(100).redo) == 25
    for past, expected in zip(reversed(store.undoable(100).redo), states[1:], strict=True):
        commit(store, past.edit)
        assert label_rows(store) == expected, past.text
    for past in reversed(store.undoable(100).undo):
        commit(store, past.edit.inverse())
    store.write_back(wait=True)
    assert (store.file_errors(), store.verify()) == ({}, ())
    store.close()
    assert contents(tmp_path / "voc") == files


def random_edit(store: ProjectStore, rng: random.Random, number: int) -> Edit:
    categories = store.categories()
    ids = [c.id for c in categories]
    image_id = rng.choice([int(i) for i in store.image_table().ids])
    record = store.image(image_id)
    kind = rng.choice(["draw", "move", "delete", "rename", "merge", "remove", "add", "state"])
    if (kind in ("merge", "remove") and len(ids) < 2) or (kind in ("move", "delete") and not record.boxes):
        kind = "add" if len(ids) < 2 else "draw"
    if kind == "draw":
        return draw(store, image_id, category_id=rng.choice(ids))
    if kind == "move":
        return move(store, image_id, index=rng.randrange(len(record.boxes)), dx=1.0)
    if kind == "delete":
        return Edit(text="Delete box", images=(change(record, removed=(rng.choice(record.boxes),)),))
    if kind == "rename":
        return rename(categories, rng.choice(categories).name, f"name {number}")
    if kind == "add":
        new = replace(categories[0], id=100 + number, name=f"new {number}")
        return Edit(text="Add", categories=(categories, (*categories, new)))
    if kind == "state":
        state = ImageState.VERIFIED if record.boxes else ImageState.CONFIRMED_EMPTY
        return set_state(store, image_id, state)
    first, second = rng.sample(ids, 2)
    return Edit(text="Merge", merge=(first, second)) if kind == "merge" else Edit(text="Remove", remove_category=first)
