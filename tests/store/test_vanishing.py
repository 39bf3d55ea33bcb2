"""A drive, a folder or an image that goes away while the project is open, and an end in a hurry: nothing is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from PIL import Image

from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import read_back
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import (
    change,
    commit,
    contents,
    draw,
    id_of,
    label_rows,
    move,
    rename,
    upset_the_drive,
    voc_project,
)
from tests.store.test_external_changes import labelme_project, wait_for_a_look, yolo_project


def test_labels_go_on_while_the_drive_with_the_dataset_is_away_and_its_files_follow(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        data, away = tmp_path / "voc", tmp_path / "away"
        before = contents(data)
        data.rename(away)
        for image_id in (1, 2):
            commit(store, move(store, image_id))
        commit(store, draw(store, id_of(store, "img_3.png")))
        store.write_back(wait=True)
        assert store.pending_files() == 3
        assert (store.status().kind, store.conflicts()) == ("error", [])
        assert "Connect the drive" in store.status().message or "labels are safe" in store.status().message
        assert not data.exists()
        assert contents(away) == before
        rows = label_rows(store)
        found = store.verify()
        assert [(p.kind, p.file) for p in found if "folder" in p.kind] == [("missing-folder", str(data / "JPEGImages"))]
        away.rename(data)
        store.write_back(wait=True)
        assert (store.status().kind, store.pending_files(), store.file_errors()) == ("saved", 0, {})
        assert label_rows(store) == rows
        assert sum(contents(data).get(name) != before.get(name) for name in contents(data)) == 3


def test_edits_made_while_the_projects_own_folder_is_away_are_there_when_it_is_back(tmp_path: Path) -> None:
    project, away = tmp_path / "project", tmp_path / "away"
    store = voc_project(tmp_path)
    commit(store, move(store, 1))
    edits = [move(store, 1), draw(store, 2)]
    expected = store.image(1).boxes[0].x1 + 4
    wait_for_a_look(store)
    upset_the_drive(store)
    project.rename(away)
    done: list[int] = []
    for edit in edits:
        store.submit(edit, on_done=done.append, on_error=pytest.fail)
    deadline = time.monotonic() + 10
    while not store._writer.trouble() and time.monotonic() < deadline:
        store._writer._thread.join(0.01)
    assert (done, store.status().kind) == ([], "error")
    assert "kept in memory and tried again" in store.status().message
    assert not project.exists()
    away.rename(project)
    store.flush()
    assert (done, store.status().kind) == ([2, 3], "saved")
    store.close()
    with ProjectStore.open(project) as store:
        assert store.image(1).boxes[0].x1 == expected
        assert len(store.image(2).boxes) == 3


def test_an_image_that_is_gone_or_of_another_size_is_named_and_keeps_its_boxes(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        gone, other, broken = (id_of(store, f"img_{number}.png") for number in range(3))
        boxes = [store.image(number).boxes for number in (gone, other, broken)]
        before = contents(tmp_path / "voc" / "Annotations")
        store.image_path(gone).unlink()
        Image.new("RGB", (128, 96)).save(store.image_path(other))
        store.image_path(broken).write_bytes(b"no image")
        found = {Path(p.file).name: p for p in store.verify()}
        assert {name: p.kind for name, p in found.items()} == {
            "img_0.png": "missing-image",
            "img_1.png": "image-size-changed",
            "img_2.png": "unreadable-image",
        }
        assert "128 x 96" in found["img_1.png"].message
        assert "not scaled" in found["img_1.png"].action
        assert [p.kind for p in store.check_images([other])] == ["image-size-changed"]
        assert store.check_images([id_of(store, "img_3.png")]) == ()
        assert [store.image(number).boxes for number in (gone, other, broken)] == boxes
        commit(store, draw(store, gone))
        store.write_back(wait=True)
        after = contents(tmp_path / "voc" / "Annotations")
        assert [name for name in after if after[name] != before[name]] == ["img_0.xml"]


def test_an_end_in_a_hurry_takes_less_than_two_seconds_with_a_thousand_edits_and_files_to_write(tmp_path: Path) -> None:
    store = voc_project(tmp_path, images=1000, unlabelled=0)
    store.pause_writing()
    ids = store.image_table().ids.tolist()
    edits = [move(store, number) for number in ids]
    for edit in edits:
        store.submit(edit, on_done=lambda _: None, on_error=pytest.fail)
    expected = [store.image(number) for number in ids]
    began = time.monotonic()
    store.close(write_files=False)
    assert time.monotonic() - began < 2.0
    with ProjectStore.open(tmp_path / "project") as store:
        assert [store.image(number) for number in ids] == expected
        store.write_back(wait=True)
        assert (store.pending_files(), store.file_errors()) == (0, {})


def test_another_name_for_a_yolo_category_touches_the_list_of_names_and_no_label_file(tmp_path: Path) -> None:
    with yolo_project(tmp_path) as store:
        data = tmp_path / "yolo"
        before = contents(data)
        edit = rename(store.categories(), "nut", "hex nut")
        store.pause_writing()
        commit(store, edit)
        assert store.pending_files() == 1
        store.resume_writing()
        store.write_back(wait=True)
        after = contents(data)
        assert [name for name in after if after[name] != before[name]] == ["data.yaml"]
        assert b"hex nut" in after["data.yaml"]
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert contents(data) == before


def test_a_labelme_file_that_would_say_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rcnn_studio.formats import labelme_patch

    with labelme_project(tmp_path) as store:
        path = tmp_path / "labelme" / "a.json"
        ours = path.read_bytes()
        real = labelme_patch.patch
        with monkeypatch.context() as broken:
            broken.setattr(labelme_patch, "patch", lambda *args: real(*args).replace(b'"nut"', b'"bolt"'))
            commit(store, move(store, 1))
            store.write_back(wait=True)
            assert path.read_bytes() == ours
            assert "would be read as another one" in store.status().message
        store.write_back(wait=True)
        assert path.read_bytes() != ours
        assert store.file_errors() == {}


@pytest.mark.parametrize("change_of", ["label", "points", "flags", "missing", "more"])
def test_labelme_bytes_are_read_back_box_by_box(tmp_path: Path, change_of: str) -> None:
    with labelme_project(tmp_path) as store:
        data = json.loads((tmp_path / "labelme" / "a.json").read_bytes())
        file = LinkedFile(path="a.json", format="labelme")
        image, categories = store.image(1), store.categories()
    read_back.check(json.dumps(data).encode(), file, [image], categories, {})
    first = data["shapes"][0]
    changes = {
        "label": lambda: first.update(label="nut"),
        "points": lambda: first["points"][0].__setitem__(0, 3),
        "flags": lambda: first.update(flags={"difficult": True}),
        "missing": lambda: data["shapes"].pop(),
        "more": lambda: data["shapes"].append(first),
    }
    changes[change_of]()
    with pytest.raises(FormatError, match="was not written"):
        read_back.check(json.dumps(data).encode(), file, [image], categories, {})


def test_the_undo_stack_of_a_large_edit_reads_it_only_when_it_is_taken_back(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        record = store.image(1)
        edit = Edit(text="Delete", images=(change(record, removed=record.boxes),))
        commit(store, edit)
        (past,) = store.undoable().undo
        assert past.edit.inverse().images == edit.inverse().images
        with store._readers.transaction() as db:
            large = "x" * 50_000_000
            assert db.execute("SELECT length(?)", (large,)).fetchone() == (50_000_000,)
        store._writer.call(lambda db: db.execute("UPDATE history SET edit = ?", (large,)).rowcount)
        began = time.perf_counter()
        (past,) = store.undoable().undo
        assert time.perf_counter() - began < 0.02
        assert past.text == "Delete"
