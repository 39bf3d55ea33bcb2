"""Other programs change linked files: it is noticed, asked, and either answer can be taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import BoxSource, Category
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store import watching
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import (
    change,
    coco_project,
    commit,
    contents,
    draw,
    draw_images,
    id_of,
    label_rows,
    make_voc,
    move,
    voc_project,
)

XML = Path("voc") / "Annotations"


def yolo_project(folder: Path) -> ProjectStore:
    data = folder / "yolo"
    draw_images(data / "images", ["a.png", "b.png"])
    (data / "labels").mkdir()
    (data / "labels" / "a.txt").write_text("0 0.500000 0.500000 0.25 0.25\n1 0.2 0.2 0.125 0.125\n")
    (data / "data.yaml").write_text("train: images\nnames: [bolt, nut]\n")
    return ProjectStore.create(folder / "project", codec("yolo").read(Source(path=data), ignore, never))


def labelme_project(folder: Path) -> ProjectStore:
    data = folder / "labelme"
    draw_images(data, ["a.png", "b.png"])
    shapes = [
        {
            "label": name,
            "points": [[x, 3], [x + 10, 20.5]],
            "shape_type": "rectangle",
            "group_id": None,
            "odd": [1, 2.50],
        }
        for x, name in ((2, "bolt"), (30, "nut"))
    ]
    document = {"version": "5.1.1", "shapes": shapes, "imagePath": "a.png", "imageData": None, "secret": {"y": 1}}
    (data / "a.json").write_text(json.dumps(document, indent=3))
    return ProjectStore.create(folder / "project", codec("labelme").read(Source(path=data), ignore, never))


def overwrite(path: Path, data: bytes) -> None:
    """As git does it: a new file in the place of the old one."""
    new = path.with_name("other.tmp")
    new.write_bytes(data)
    os.replace(new, path)


def test_a_change_is_noticed_on_focus_without_an_edit(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        assert store.check_external([xml]) == []
        for version in (b"<annotation>1</annotation>", b"<annotation>2</annotation>"):
            overwrite(xml, version)
        assert [c.path for c in store.check_external([xml])] == [str(xml)]
        assert "changed by another program" in store.status().message


def test_a_change_made_while_the_project_was_closed_is_noticed_at_the_next_open(tmp_path: Path) -> None:
    voc_project(tmp_path).close()
    xml = tmp_path / XML / "img_1.xml"
    overwrite(xml, xml.read_bytes().replace(b"Left", b"Right"))
    with ProjectStore.open(tmp_path / "project") as store:
        store.check_external([xml])
        assert [c.path for c in store.conflicts()] == [str(xml)]
        assert xml.read_bytes().count(b"Right") == 2


def test_a_file_changed_between_reading_and_storing_is_noticed(tmp_path: Path) -> None:
    data = make_voc(tmp_path / "voc")
    imported = codec("voc").read(Source(path=data), ignore, never)
    xml = tmp_path / XML / "img_1.xml"
    overwrite(xml, xml.read_bytes().replace(b"Left", b"Right"))
    with ProjectStore.create(tmp_path / "project", imported) as store:
        store.check_external([xml])
        assert [c.path for c in store.conflicts()] == [str(xml)]


def test_the_file_of_an_image_is_told(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        assert store.file_of_image(id_of(store, "img_2.png")) == tmp_path / XML / "img_2.xml"


@pytest.mark.parametrize("edited_before", [False, True])
def test_their_version_is_an_edit_whose_undo_brings_ours_back_to_the_byte(tmp_path: Path, edited_before: bool) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        first = move(store, image_id)
        commit(store, first)
        store.write_back(wait=True)
        imported_is_kept = edited_before
        if not edited_before:
            commit(store, first.inverse())
            store.write_back(wait=True)
        ours, rows = xml.read_bytes(), label_rows(store)
        theirs = ours.replace(b">nut<", b">bolt<").replace(b"Left", b"Right")
        overwrite(xml, theirs)
        store.check_external([xml])
        assert store.resolve_conflict(xml, "theirs") == (image_id,)
        store.write_back(wait=True)
        assert xml.read_bytes() == theirs
        assert {box.category_id for box in store.image(image_id).boxes} == {1}
        last = store.undoable().undo[-1]
        assert last.text == "Take over img_0.xml as changed by another program"
        commit(store, last.edit.inverse())
        store.write_back(wait=True)
        assert label_rows(store) == rows
        assert xml.read_bytes() == ours
        commit(store, last.edit)
        store.write_back(wait=True)
        assert xml.read_bytes() == theirs
        commit(store, last.edit.inverse())
        if imported_is_kept:
            commit(store, first.inverse())
        store.write_back(wait=True)
        assert b"Right" not in xml.read_bytes()
        assert (store.file_errors(), store.conflicts()) == ({}, [])


def test_a_box_they_left_alone_keeps_its_id_and_a_moved_one_where_it_came_from(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        bolt, nut = store.image(image_id).boxes
        overwrite(xml, xml.read_bytes().replace(b"<xmax>20<", b"<xmax>21<"))
        store.check_external([xml])
        store.resolve_conflict(xml, "theirs")
        moved, same = store.image(image_id).boxes
        assert same == nut
        assert (moved.id, moved.x2, moved.source, moved.edited) == (bolt.id, 21.0, BoxSource.IMPORTED, True)
        before = xml.read_bytes()
        commit(store, move(store, image_id, index=1))
        store.write_back(wait=True)
        assert xml.read_bytes().count(b"a field nobody knows") == 2
        assert sum(a != b for a, b in zip(before.split(b"\n"), xml.read_bytes().split(b"\n"), strict=True)) == 1


def test_a_change_without_an_edit_of_ours_can_be_answered_with_mine(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / XML / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        edit = move(store, image_id)
        commit(store, edit)
        commit(store, edit.inverse())
        store.write_back(wait=True)
        commit(store, edit)
        store.write_back(wait=True)
        ours = xml.read_bytes()
        overwrite(xml, b"<annotation>theirs</annotation>")
        store.check_external([xml])
        store.resolve_conflict(xml, "mine")
        assert xml.read_bytes() == ours
        assert [b.path.read_bytes() for b in store.backups(xml) if b.kind == "theirs"] == [
            b"<annotation>theirs</annotation>"
        ]


def test_a_coco_file_changed_before_our_first_write_can_be_kept_as_mine(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        imported = path.read_bytes()
        wait_for_a_look(store)
        overwrite(path, b'{"images": [], "annotations": [], "categories": []}')
        edit = move(store, 1)
        commit(store, edit)
        store.write_back(wait=True)
        assert len(store.conflicts()) == 1
        store.resolve_conflict(path, "mine")
        assert json.loads(path.read_bytes())["info"]["secret"] == [1, 2.50]
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert path.read_bytes() == imported


def wait_for_a_look(store: ProjectStore) -> None:
    """Until the first look over the linked files is done, which keeps imported documents."""
    watcher = store._writeback._watcher
    assert watcher.finished.wait(20)


def test_their_coco_file_is_taken_over_as_one_edit_by_annotation_id(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        commit(store, move(store, 3))
        store.write_back(wait=True)
        ours, rows = path.read_bytes(), label_rows(store)
        boxes = {n: store.image(n).boxes for n in (1, 2, 3)}
        data = json.loads(ours)
        data["annotations"][0]["bbox"] = [40, 3, 10, 10]
        data["annotations"][1]["category_id"] = 11
        data["categories"].append({"id": 11, "name": "washer"})
        data["annotations"].insert(0, {"id": 900, "image_id": 101, "category_id": 9, "bbox": [1, 1, 5, 5], "area": 25})
        data["images"].reverse()
        theirs = json.dumps(data).encode()
        overwrite(path, theirs)
        store.check_external([path])
        assert set(store.resolve_conflict(path, "theirs")) == {1, 2}
        assert path.read_bytes() == theirs
        assert store.image(3).boxes == boxes[3]
        (first,) = store.image(1).boxes
        assert (first.id, first.xyxy, first.edited) == (boxes[1][0].id, (40.0, 3.0, 50.0, 13.0), True)
        names = {c.id: c.name for c in store.categories()}
        assert [(b.id == boxes[2][0].id, names[b.category_id]) for b in store.image(2).boxes] == [
            (True, "washer"),
            (False, "nut"),
        ]
        edit = move(store, 3)
        commit(store, edit)
        store.write_back(wait=True)
        after = json.loads(path.read_bytes())
        assert len(after["annotations"]) == 4
        assert after["annotations"][3]["bbox"] != data["annotations"][3]["bbox"]
        assert after["annotations"][3]["x"] == {"y": 1}
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert path.read_bytes() == theirs
        commit(store, store.undoable().undo[-1].edit.inverse())
        store.write_back(wait=True)
        assert label_rows(store) == rows
        assert path.read_bytes() == ours
        assert store.verify() == ()


def test_their_yolo_file_is_taken_over_and_comes_back(tmp_path: Path) -> None:
    with yolo_project(tmp_path) as store:
        text = tmp_path / "yolo" / "labels" / "a.txt"
        image_id = id_of(store, "a.png")
        ours, boxes = text.read_bytes(), store.image(image_id).boxes
        edit = move(store, image_id)
        commit(store, edit)
        commit(store, edit.inverse())
        store.write_back(wait=True)
        commit(store, edit)
        store.write_back(wait=True)
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert text.read_bytes() == ours
        theirs = b"1 0.2 0.2 0.125 0.125\n0 0.75 0.75 0.1 0.1\n"
        overwrite(text, theirs)
        store.check_external([text])
        store.resolve_conflict(text, "theirs")
        assert text.read_bytes() == theirs
        found = store.image(image_id).boxes
        assert found[0] == boxes[1]
        assert [b.category_id for b in found] == [2, 1]
        commit(store, store.undoable().undo[-1].edit.inverse())
        store.write_back(wait=True)
        assert store.image(image_id).boxes == boxes
        assert text.read_bytes() == ours
        assert store.file_errors() == {}


def test_a_coco_file_that_is_gone_can_only_be_written_anew(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        commit(store, move(store, 1))
        store.write_back(wait=True)
        ours = path.read_bytes()
        path.unlink()
        store.check_external([path])
        with pytest.raises(ProjectError, match="is gone, with the labels of 3 images"):
            store.resolve_conflict(path, "theirs")
        store.resolve_conflict(path, "mine")
        assert path.read_bytes() == ours


def test_a_second_look_reads_no_file_that_looks_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with voc_project(tmp_path) as store:
        wait_for_a_look(store)
        read: list[Path] = []
        from rcnn_studio.store import linked

        real = linked.current_hash
        monkeypatch.setattr(linked, "current_hash", lambda file: (read.append(file.path), real(file))[1])
        xml = tmp_path / XML / "img_1.xml"
        overwrite(xml, xml.read_bytes() + b"\n")
        store._writeback._watcher.finished.clear()
        store.check_external()
        wait_for_a_look(store)
        assert read == [xml]
        assert [c.path for c in store.conflicts()] == [str(xml)]


def test_an_image_that_is_away_keeps_its_boxes_and_its_file(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        image_id = id_of(store, "img_0.png")
        store.image_path(image_id).unlink()
        before = contents(tmp_path / "voc" / "Annotations")
        assert len(store.image(image_id).boxes) == 2
        commit(store, draw(store, image_id))
        store.write_back(wait=True)
        assert len(store.image(image_id).boxes) == 3
        assert contents(tmp_path / "voc" / "Annotations").keys() == before.keys()
        assert store.file_errors() == {}


def test_their_labelme_file_is_taken_over_and_comes_back(tmp_path: Path) -> None:
    with labelme_project(tmp_path) as store:
        path = tmp_path / "labelme" / "a.json"
        image_id = id_of(store, "a.png")
        ours, boxes, rows = path.read_bytes(), store.image(image_id).boxes, label_rows(store)
        wait_for_a_look(store)
        data = json.loads(ours)
        data["shapes"].reverse()
        data["shapes"].append({"label": "washer", "points": [[40, 30], [50, 40]], "shape_type": "rectangle"})
        theirs = json.dumps(data).encode()
        overwrite(path, theirs)
        store.check_external([path])
        assert store.resolve_conflict(path, "theirs") == (image_id,)
        assert path.read_bytes() == theirs
        found = store.image(image_id).boxes
        assert found[:2] == boxes
        assert {c.id: c.name for c in store.categories()}[found[2].category_id] == "washer"
        commit(store, move(store, image_id, index=0))
        store.write_back(wait=True)
        assert json.loads(path.read_bytes())["shapes"][1]["odd"] == [1, 2.5]
        assert json.loads(path.read_bytes())["shapes"][0] == data["shapes"][0]
        for past in reversed(store.undoable().undo):
            commit(store, past.edit.inverse())
        store.write_back(wait=True)
        assert label_rows(store) == rows
        assert path.read_bytes() == ours
        assert (store.file_errors(), store.conflicts(), store.verify()) == ({}, [], ())


def test_a_labelme_file_that_is_gone_can_be_accepted_as_gone(tmp_path: Path) -> None:
    with labelme_project(tmp_path) as store:
        path = tmp_path / "labelme" / "a.json"
        ours = path.read_bytes()
        wait_for_a_look(store)
        path.unlink()
        store.check_external([path])
        store.resolve_conflict(path, "theirs")
        assert store.image(id_of(store, "a.png")).boxes == ()
        assert not path.exists()
        commit(store, store.undoable().undo[-1].edit.inverse())
        store.write_back(wait=True)
        assert path.read_bytes() == ours


def test_their_yolo_lines_of_a_category_added_after_the_import_are_boxes_that_can_be_deleted(tmp_path: Path) -> None:
    with yolo_project(tmp_path) as store:
        text = tmp_path / "yolo" / "labels" / "a.txt"
        image_id = id_of(store, "a.png")
        before = store.categories()
        commit(store, Edit(text="Add", categories=(before, (*before, Category(id=3, name="washer")))))
        store.write_back(wait=True)
        wait_for_a_look(store)
        theirs = b"2 0.5 0.5 0.25 0.25\n7 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.125 0.125\n"
        overwrite(text, theirs)
        store.check_external([text])
        store.resolve_conflict(text, "theirs")
        assert [b.category_id for b in store.image(image_id).boxes] == [2, 3]
        assert text.read_bytes() == theirs
        assert [(p.where, p.kind) for p in store.problems() if p.file == str(text)] == [("line 2", "bad-class")]
        record = store.image(image_id)
        washer = next(b for b in record.boxes if b.category_id == 3)
        commit(store, Edit(text="Delete", images=(change(record, removed=(washer,)),)))
        store.write_back(wait=True)
        assert text.read_bytes() == b"7 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.125 0.125\n"
        assert store.file_errors() == {}


def test_their_list_of_names_cannot_be_taken_over_alone(tmp_path: Path) -> None:
    with yolo_project(tmp_path) as store:
        path = tmp_path / "yolo" / "data.yaml"
        ours = path.read_bytes()
        wait_for_a_look(store)
        overwrite(path, b"train: images\nnames: [nut, bolt]\n")
        store.check_external([path])
        with pytest.raises(ProjectError, match=r"holds the names of the categories and no labels.*Keep your version"):
            store.resolve_conflict(path, "theirs")
        store.resolve_conflict(path, "mine")
        assert path.read_bytes() == ours


def test_images_that_only_their_coco_file_has_become_problems_and_stay_in_it(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        wait_for_a_look(store)
        draw_images(path.parent, ["new.png"])
        data = json.loads(path.read_bytes())
        data["images"].append({"id": 900, "file_name": "new.png", "width": 64, "height": 48})
        data["annotations"].append({"id": 901, "image_id": 900, "category_id": 7, "bbox": [1, 1, 5, 5], "area": 25})
        data["annotations"].append({"id": 902, "image_id": 100, "category_id": 7, "bbox": [1, 1, -5, 5], "area": 25})
        overwrite(path, json.dumps(data).encode())
        store.check_external([path])
        assert store.resolve_conflict(path, "theirs") == ()
        found = {(p.where, p.kind): p for p in store.problems() if p.file == str(path)}
        assert "new.png" in found["images[3]", "new-image"].message
        assert any(where.startswith("annotations[4]") for where, _ in found)
        commit(store, move(store, 1))
        store.write_back(wait=True)
        after = json.loads(path.read_bytes())
        assert (after["images"][3], after["annotations"][3:]) == (data["images"][3], data["annotations"][3:])


@pytest.mark.parametrize("kind", ["voc", "labelme", "yolo"])
def test_mine_is_a_patch_of_the_imported_bytes_also_where_we_had_never_written_the_file(
    tmp_path: Path, kind: str
) -> None:
    make = {"voc": voc_project, "labelme": labelme_project, "yolo": yolo_project}[kind]
    name = {"voc": "voc/Annotations/img_0.xml", "labelme": "labelme/a.json", "yolo": "yolo/labels/a.txt"}[kind]
    with make(tmp_path) as store:
        path = tmp_path / name
        imported = path.read_bytes()
        wait_for_a_look(store)
        overwrite(path, b"theirs")
        edit = move(store, 1)
        commit(store, edit)
        store.write_back(wait=True)
        assert path.read_bytes() == b"theirs"
        store.resolve_conflict(path, "mine")
        ours = path.read_bytes()
        assert ours not in (imported, b"theirs")
        secret = {"voc": b"a field nobody knows", "labelme": b'"secret"', "yolo": b"0.500000"}[kind]
        assert secret in ours
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert path.read_bytes() == imported
        assert [b.path.read_bytes() for b in store.backups(path) if b.kind == "theirs"] == [b"theirs"]


def test_a_file_with_more_than_labels_in_it_is_kept_at_its_first_write_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_BYTES_KEPT", 100)
    with labelme_project(tmp_path) as store:
        wait_for_a_look(store)
        assert origins(store) == {"a.json": "disk", "b.json": "none"}
        commit(store, move(store, id_of(store, "a.png")))
        store.write_back(wait=True)
        assert origins(store)["a.json"] == "stored"


def test_copies_that_a_short_session_left_undone_are_made_in_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short:
        short.setattr(watching.Watcher, "_keep_documents", lambda *_: None)
        with voc_project(tmp_path) as store:
            wait_for_a_look(store)
            assert set(origins(store).values()) == {"disk", "none"}
    with ProjectStore.open(tmp_path / "project") as store:
        wait_for_a_look(store)
        assert set(origins(store).values()) == {"stored", "none"}


def origins(store: ProjectStore) -> dict[str, str]:
    with store._readers.transaction() as db:
        return {Path(path).name: origin for path, origin in db.execute("SELECT path, origin FROM files")}
