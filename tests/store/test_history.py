"""The history is the undo stack, outlives the window, and tells the past of every image and box."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, BoxSource, ImageState
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import history as history_module
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import connect
from tests.store.projects import change, commit, draw, id_of, move, rename, set_state, voc_project


def texts(store: ProjectStore) -> tuple[list[str], list[str]]:
    stack = store.undoable()
    return [past.text for past in stack.undo], [past.text for past in stack.redo]


def named(text: str, edit: Edit) -> Edit:
    return replace(edit, text=text)


def test_the_undo_stack_is_there_after_reopening(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        edits = [named(name, move(store, 1)) for name in ("a",)]
        commit(store, edits[0])
        for name in ("b", "c"):
            edits.append(named(name, move(store, 1)))
            commit(store, edits[-1])
        commit(store, edits[2].inverse())
        commit(store, edits[1].inverse())
        commit(store, edits[1])
    with ProjectStore.open(tmp_path / "project") as store:
        assert texts(store) == (["a", "b"], ["c"])
        record = store.image(1)
        past = store.undoable().undo[-1]
        assert past.edit == edits[1]
        commit(store, past.edit.inverse())
        assert texts(store) == (["a"], ["c", "b"])
        commit(store, store.undoable().redo[-1].edit)
        assert store.image(1) == record
        assert texts(store) == (["a", "b"], ["c"])
        commit(store, named("d", move(store, 1)))
        assert texts(store) == (["a", "b", "d"], [])


def test_an_undo_is_an_edit_that_names_what_it_takes_back(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        edit = move(store, 1)
        first = commit(store, edit)
        second = commit(store, edit.inverse())
        newest, oldest = store.image_history(1)
        assert (newest.sequence, newest.undoes) == (second, first)
        assert (oldest.sequence, oldest.undoes) == (first, None)


def test_the_inverse_of_an_inverse_is_the_edit_again(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        for edit in (move(store, 1), Edit(text="Merge", merge=(1, 2)), Edit(text="Remove", remove_category=1)):
            again = edit.inverse().inverse()
            assert (again, again.key) == (edit, edit.key)
            assert edit.inverse().undoes == edit.key


def test_an_image_can_be_seen_as_it_was_after_each_edit(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        merge, remove = Edit(text="Merge", merge=(1, 2)), Edit(text="Remove", remove_category=2)
        past = {0: store.image(image_id)}
        makers = [
            lambda: move(store, image_id),
            lambda: draw(store, image_id),
            lambda: move(store, id_of(store, "img_1.png")),
            lambda: merge,
            lambda: set_state(store, image_id, ImageState.VERIFIED),
            lambda: remove,
            lambda: remove.inverse(),
            lambda: Edit(text="Val", images=(replace(change(store.image(image_id)), split=("", "val")),)),
            lambda: merge.inverse(),
            lambda: rename(store.categories(), "bolt", "screw"),
            lambda: merge,
        ]
        for make in makers:
            sequence = commit(store, make())
            past[sequence] = store.image(image_id)
        for sequence, record in past.items():
            assert store.image_as_of(image_id, sequence) == record, sequence
        known = [entry.sequence for entry in store.image_history(image_id)]
        assert known == [11, 9, 8, 7, 6, 5, 4, 2, 1]
        assert [entry.by_all for entry in store.image_history(image_id)][:2] == [True, True]


def test_an_earlier_state_is_restored_by_an_edit_that_can_be_undone(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.image(1)
        commit(store, move(store, 1))
        commit(store, Edit(text="Remove", remove_category=1))
        now = store.image(1)
        edit = store.restore_edit(1, 0, "Restore")
        assert edit is not None
        commit(store, edit)
        assert store.image(1) == before
        assert [c.name for c in store.categories()] == ["nut", "bolt"]
        assert store.restore_edit(1, 0, "Restore") is None
        commit(store, edit.inverse())
        assert store.image(1) == now
        store.write_back(wait=True)
        assert store.verify() == ()


def test_a_category_that_was_removed_without_boxes_comes_back_as_well(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        for image_id in (1, 2, 3):
            record = store.image(image_id)
            gone = tuple(b for b in record.boxes if b.category_id == 1)
            commit(store, Edit(text="Delete", images=(change(record, removed=gone),)))
        before = store.categories()
        commit(store, Edit(text="Remove bolt", categories=(before, before[1:])))
        edit = store.restore_edit(1, 0, "Restore")
        assert edit is not None
        commit(store, edit)
        assert {c.name for c in store.categories()} == {"bolt", "nut"}
        assert len(store.image(1).boxes) == 2


def test_yesterday_is_found_by_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with voc_project(tmp_path) as store:
        for hour in range(5):
            stamp = (start + timedelta(hours=hour)).isoformat(timespec="milliseconds")
            monkeypatch.setattr("rcnn_studio.store.applying.now_text", lambda stamp=stamp: stamp)
            commit(store, move(store, 1))
        assert store.sequence_at(start - timedelta(hours=1)) == 0
        assert store.sequence_at(start + timedelta(hours=2, minutes=30)) == 3
        assert store.sequence_at(start + timedelta(days=1)) == 5


def test_a_clock_that_jumps_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with voc_project(tmp_path) as store:
        for stamp in ("2026-03-01T12:00:00.000+00:00", "1999-03-01T12:00:00.000+00:00"):
            monkeypatch.setattr("rcnn_studio.store.applying.now_text", lambda stamp=stamp: stamp)
            commit(store, named(stamp[:4], move(store, 1)))
        assert texts(store)[0] == ["2026", "1999"]
        assert [entry.text for entry in store.image_history(1)] == ["1999", "2026"]


def test_where_a_box_came_from_is_known_through_edits_merges_and_undo(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        imported = store.image(1).boxes[0]
        assert (imported.source, imported.edited) == (BoxSource.IMPORTED, False)
        drawn = draw(store, 1)
        commit(store, drawn)
        accepted = Box(
            id=store.next_box_id(),
            x1=1.0,
            y1=1.0,
            x2=9.0,
            y2=9.0,
            category_id=1,
            source=BoxSource.RUN,
            run_id="2026-11-21_1432",
            score=0.9,
        )
        commit(store, Edit(text="Accept", images=(change(store.image(1), added=(accepted,)),)))
        moved = Edit(
            text="Move",
            images=(change(store.image(1), removed=(accepted,), added=(accepted.moved_to(2, 2, 9, 9),)),),
        )
        commit(store, moved)
        merge, remove = Edit(text="Merge", merge=(1, 2)), Edit(text="Remove", remove_category=2)
        commit(store, merge)
        commit(store, remove)
        gone = store.provenance(1, accepted.id)
        assert (gone.exists, gone.box.run_id, gone.box.edited) == (False, "2026-11-21_1432", True)
        commit(store, remove.inverse())
        found = {box.id: box for box in store.image(1).boxes}
        now = found[accepted.id]
        assert (now.source, now.run_id, now.score, now.edited) == (BoxSource.RUN, "2026-11-21_1432", 0.9, True)
        assert (found[imported.id].source, found[imported.id].edited) == (BoxSource.IMPORTED, False)
        assert found[drawn.images[0].added[0].id].source == BoxSource.HUMAN
        entries = store.provenance(1, accepted.id).entries
        assert [entry.text for entry in entries] == ["Accept", "Move", "Merge", "Remove", "Remove"]
        assert [entry.text for entry in store.provenance(1, imported.id).entries] == ["Merge", "Remove", "Remove"]
        with pytest.raises(ProjectError, match="never had a box"):
            store.provenance(1, 999)


def test_the_history_of_one_image_is_found_by_an_index_alone(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        commit(store, move(store, 1))
        db = connect(store.database, mode="ro")
        query = (
            "SELECT sequence, time, text, undoes, kind FROM history WHERE sequence IN ("
            " SELECT sequence FROM history_images WHERE image_id = :image"
            f" UNION ALL {history_module._SYMBOLIC_OF_IMAGE}) ORDER BY sequence DESC"
        )
        plan = [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {query}", {"image": 1})]
        db.close()
        assert not [step for step in plan if step.startswith("SCAN history") or step.startswith("SCAN shelf")], plan
        assert [s for s in plan if s.startswith("SCAN h ")] == [s for s in plan if "history_kind" in s], plan
