"""A project keeps what is put into it: edits, states, categories, rejections, ids, across close and open."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Dataset, ImageState, make_categories
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import Cancelled, ProjectError
from rcnn_studio.domain.progress import Progress
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from rcnn_studio.store.status import StoreStatus
from tests.store.projects import change, commit, draw, id_of, make_voc, move, rename, set_state, voc_project


def test_an_edit_is_there_after_reopening(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        commit(store, move(store, image_id))
        expected = store.image(image_id)
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.image(image_id) == expected
        assert [entry.text for entry in store.history(5)] == ["Move box"]


def test_every_field_of_a_box_survives(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        record = store.image(id_of(store, "img_3.png"))
        box = Box(
            id=store.next_box_id(),
            x1=0.1,
            y1=1 / 3,
            x2=2e-7 + 9,
            y2=40.0,
            category_id=2,
            flags=BoxFlag.DIFFICULT | BoxFlag.OCCLUDED,
            source=BoxSource.RUN,
            run_id="2026-11-21_1432_from-scratch",
            score=0.875,
            edited=True,
            extra={"note": ["ä", 1, None]},
        )
        commit(store, Edit(text="Accept", images=(change(record, added=(box,)),)))
        assert store.image(record.id).boxes == (box,)


def test_reading_shows_edits_that_are_still_queued(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        held, entered = threading.Event(), threading.Event()

        def hold(_: int) -> None:
            entered.set()
            held.wait(20)

        store.submit(move(store, image_id), on_done=hold, on_error=pytest.fail)
        assert entered.wait(20)  # the writer is busy now: what follows stays in the queue
        done: list[int] = []
        for _ in range(3):
            store.submit(move(store, image_id, dx=10.0), on_done=done.append, on_error=pytest.fail)
        refused = Rejection(run_id="r", category_id=1, x1=1.0, y1=2.0, x2=3.0, y2=4.0, score=0.5)
        record = store.image(image_id)
        edit = Edit(text="Reject", images=(replace(change(record), rejections_added=(refused,)),))
        store.submit(edit, on_done=done.append, on_error=pytest.fail)
        store.set_meta("last_image", "7")
        categories = store.categories()
        store.submit(rename(categories, "bolt", "screw"), on_done=done.append, on_error=pytest.fail)
        assert not done
        assert store.image(image_id).boxes[0].x1 == record.boxes[0].x1
        assert record.boxes[0].x1 > 34
        assert store.rejections(image_id) == (refused,)
        assert store.get_meta("last_image") == "7"
        assert [c.name for c in store.categories()] == ["screw", "nut"]
        held.set()
        store.flush()
        assert done == [2, 3, 4, 5, 6]
        assert store.image(image_id) == record
        assert store.rejections(image_id) == (refused,)
        assert store.get_meta("last_image") == "7"


def test_edits_are_numbered_in_the_order_they_were_submitted(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_1.png")
        start = store.image(image_id).boxes[0].x1
        numbers: list[int] = []
        for _ in range(50):
            store.submit(move(store, image_id, dx=0.5), on_done=numbers.append, on_error=pytest.fail)
        store.flush()
        assert numbers == sorted(numbers)
        assert len(store.history(100)) == 50
        assert store.image(image_id).boxes[0].x1 == start + 25.0


def test_a_box_id_is_never_used_again_not_even_after_undo_and_reopening(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        edit = draw(store, image_id)
        drawn = edit.images[0].added[0].id
        commit(store, edit)
        commit(store, edit.inverse())
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.next_box_id() == drawn + 1


def test_box_ids_handed_out_to_several_threads_differ(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.extend(store.next_box_id() for _ in range(500))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 2000


def test_an_edit_of_an_unknown_image_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        wrong = Edit(text="Lost", images=(ImageChange(image_id=999, state=(ImageState.LABELLED, ImageState.VERIFIED)),))
        with pytest.raises(ProjectError, match="no image number 999"):
            commit(store, wrong)
        commit(store, move(store, id_of(store, "img_0.png")))
        assert [entry.text for entry in store.history(9)] == ["Move box"]


def test_a_box_without_a_finite_corner_is_refused(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        with pytest.raises(ProjectError, match="no number"):
            commit(store, move(store, image_id, dx=float("nan")))
        assert len(store.image(image_id).boxes) == 2


def test_the_same_box_cannot_be_removed_twice(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        record = store.image(id_of(store, "img_0.png"))
        edit = Edit(text="Delete box", images=(change(record, removed=record.boxes[:1]),))
        commit(store, edit)
        with pytest.raises(ProjectError, match="no longer in image"):
            commit(store, edit)


def test_categories_keep_their_order_names_and_colours(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.categories()
        after = (replace(before[1], color="#123456", hotkey="9"), replace(before[0], name="bolt M4"))
        after = (*after, replace(make_categories(["x"])[0], id=7, name="washer", extra={"a": 1}))
        commit(store, Edit(text="Edit categories", categories=(before, after)))
        assert store.categories() == after
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.categories() == after


def test_a_category_with_boxes_cannot_be_removed(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.categories()
        with pytest.raises(ProjectError, match="still has boxes of 'nut'"):
            commit(store, Edit(text="Remove nut", categories=(before, before[:1])))
        assert store.categories() == before


def test_a_category_goes_together_with_its_boxes_and_comes_back_by_undo(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.categories()
        changes = []
        for image_id in map(int, store.image_table().ids):
            record = store.image(image_id)
            changes.append(change(record, removed=tuple(b for b in record.boxes if b.category_id == before[1].id)))
        edit = Edit(text="Remove nut", images=tuple(changes), categories=(before, before[:1]))
        commit(store, edit)
        assert store.snapshot().box_count == 3
        commit(store, edit.inverse())
        assert store.snapshot().box_count == 6
        assert store.categories() == before


def test_rejections_come_and_go_with_their_edits(tmp_path: Path) -> None:
    refused = Rejection(run_id="run", category_id=1, x1=1.5, y1=2.0, x2=30.0, y2=40.0, score=0.9)
    with voc_project(tmp_path) as store:
        record = store.image(1)
        edit = Edit(
            text="Reject",
            images=(ImageChange(image_id=record.id, state=(record.state, record.state), rejections_added=(refused,)),),
        )
        commit(store, edit)
        assert store.rejections(1) == (refused,)
        assert store.pending_files() == 0  # no label has changed
        commit(store, edit.inverse())
        assert store.rejections(1) == ()


def test_the_table_follows_the_edits(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_3.png")
        commit(store, draw(store, image_id))
        record = store.image(image_id)
        to_val = Edit(text="To val", images=(replace(change(record), split=(record.split, "val")),))
        commit(store, to_val)
        table = store.image_table()
        row = table.row_of(image_id)
        assert table.paths == tuple(f"img_{n}.png" for n in range(4))
        assert table.box_counts.tolist() == [2, 2, 2, 1]
        assert (table.states[row], table.splits[row]) == (ImageState.LABELLED, "val")
        assert (table.widths[row], table.heights[row]) == (64, 48)
        with pytest.raises(KeyError):
            table.row_of(77)


def test_the_snapshot_equals_the_records(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        commit(store, draw(store, id_of(store, "img_0.png")))
        commit(store, set_state(store, id_of(store, "img_1.png"), ImageState.NEEDS_FIX))
        store.submit(move(store, id_of(store, "img_2.png")), on_done=lambda _: None, on_error=pytest.fail)
        found = store.snapshot()
        records = [store.image(int(image_id)) for image_id in store.image_table().ids]
        assert_same(found, Dataset.from_records(records, categories=store.categories(), roots=store.roots()))
        trainable = [r for r in records if r.state == ImageState.LABELLED]
        assert len(trainable) == 2
        found = store.snapshot(trainable_only=True)
        assert_same(found, Dataset.from_records(trainable, categories=store.categories(), roots=store.roots()))


def assert_same(found: Dataset, expected: Dataset) -> None:
    assert (found.categories, found.roots, found.paths) == (expected.categories, expected.roots, expected.paths)
    assert found.split_names == expected.split_names
    columns = ("image_ids", "image_roots", "sizes", "states", "splits", "offsets")
    for name in (*columns, "box_ids", "xyxy", "category_ids", "flags"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_a_project_copied_with_its_data_opens_and_writes_into_the_copy(tmp_path: Path) -> None:
    original = tmp_path / "one"
    with voc_project(original):
        pass
    shutil.copytree(original, tmp_path / "two")
    with ProjectStore.open(tmp_path / "two" / "project") as store:
        image_id = id_of(store, "img_0.png")
        assert store.image_path(image_id) == (tmp_path / "two" / "voc" / "JPEGImages" / "img_0.png").resolve()
        commit(store, move(store, image_id))
    one, two = (tmp_path / n / "voc" / "Annotations" / "img_0.xml" for n in ("one", "two"))
    assert one.read_bytes() != two.read_bytes()


def test_a_project_inside_its_dataset_can_be_copied_as_well(tmp_path: Path) -> None:
    data = make_voc(tmp_path / "one" / "voc")
    imported = codec("voc").read(Source(path=data), lambda _: None, lambda: False)
    ProjectStore.create(data, imported).close()
    shutil.copytree(data, tmp_path / "two")
    with ProjectStore.open(tmp_path / "two" / "project.rcnn") as store:
        assert store.image_path(1) == (tmp_path / "two" / "JPEGImages" / "img_0.png").resolve()


@pytest.mark.parametrize(("folder", "step"), [("project", "Reading"), ("voc", "Reading"), ("project", "Storing")])
def test_a_cancelled_creation_leaves_nothing(tmp_path: Path, folder: str, step: str) -> None:
    data = make_voc(tmp_path / "voc")
    imported = codec("voc").read(Source(path=data), lambda _: None, lambda: False)
    seen: list[Progress] = []
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Cancelled):
        ProjectStore.create(
            tmp_path / folder,
            imported,
            report=seen.append,
            should_stop=lambda: any(event.text.startswith(step) for event in seen),
        )
    assert sorted(tmp_path.rglob("*")) == before


def test_creating_over_a_project_is_refused(tmp_path: Path) -> None:
    data = make_voc(tmp_path / "voc")
    imported = codec("voc").read(Source(path=data), lambda _: None, lambda: False)
    ProjectStore.create(tmp_path / "project", imported).close()
    with pytest.raises(ProjectError, match="a project already"):
        ProjectStore.create(tmp_path / "project", imported)


def test_a_drive_that_fails_at_the_first_look_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_voc(tmp_path / "voc")
    imported = codec("voc").read(Source(path=data), lambda _: None, lambda: False)
    look = Path.stat

    def failing(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == DATABASE_NAME:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return look(path, follow_symlinks=follow_symlinks)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", failing)
        with pytest.raises(ProjectError, match=r"could not be made .*Input/output error"):
            ProjectStore.create(tmp_path / "project", imported)
    assert not (tmp_path / "project").exists()


def test_the_status_says_saved_only_when_every_edit_is_committed(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        seen: list[StoreStatus] = []
        done: list[int] = []
        wrong: list[StoreStatus] = []
        submitted = 0

        def listen(status: StoreStatus) -> None:
            seen.append(status)
            # one is told after this, and one may be counted here that is not submitted yet
            if status.kind == "saved" and len(done) + 2 < submitted:
                wrong.append(status)

        store.add_listener(listen)
        image_id = id_of(store, "img_0.png")
        for _ in range(40):
            submitted += 1
            store.submit(move(store, image_id, dx=0.1), on_done=done.append, on_error=pytest.fail)
        store.write_back(wait=True)
        assert not wrong
        assert seen[0].kind == "saving"
        assert store.status() == seen[-1] == StoreStatus(kind="saved", pending_files=0)


def test_a_second_opener_reads_only_and_learns_who_has_it(tmp_path: Path) -> None:
    with voc_project(tmp_path) as first, ProjectStore.open(tmp_path / "project") as second:
        assert second.read_only
        assert "process" in second.owner
        commit(first, move(first, 1))
        assert second.image(1) == first.image(1)
        with pytest.raises(ProjectError, match="cannot be changed here"):
            commit(second, move(second, 1))
    with ProjectStore.open(tmp_path / "project") as third:
        assert not third.read_only
    assert not (tmp_path / "project" / "project.lock").exists()


def test_a_project_can_be_opened_for_reading_after_a_clean_close(tmp_path: Path) -> None:
    voc_project(tmp_path).close()
    with ProjectStore.open(tmp_path / "project", read_only=True) as store:
        assert len(store.image(1).boxes) == 2


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not an RCNN Studio project"), (b"no database " * 99, "cannot be opened")]
)
def test_a_foreign_file_is_named_and_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "project.rcnn").write_bytes(content)
    with pytest.raises(ProjectError, match=message):
        ProjectStore.open(tmp_path)
    assert not (tmp_path / "project.lock").exists()
    assert (tmp_path / "project.rcnn").read_bytes() == content


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project here"):
        ProjectStore.open(tmp_path)
