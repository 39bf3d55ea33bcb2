"""Edits reach the linked files: only what changed, byte for byte back by undo, never over a foreign version."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore, StoreStatus
from tests.store.projects import (
    change,
    coco_project,
    commit,
    contents,
    draw,
    id_of,
    move,
    rename,
    set_state,
    voc_project,
)


def changed_lines(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    old, new = before.split(b"\n"), after.split(b"\n")
    assert len(old) == len(new)
    return [(a, b) for a, b in zip(old, new, strict=True) if a != b]


def test_opening_and_closing_leaves_every_file_byte_identical(tmp_path: Path) -> None:
    store = voc_project(tmp_path)
    before = contents(tmp_path / "voc")
    store.write_back(wait=True)
    store.close()
    ProjectStore.open(tmp_path / "project").close()
    assert contents(tmp_path / "voc") == before


def test_a_moved_box_touches_its_numbers_and_nothing_else(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = contents(tmp_path / "voc")
        commit(store, move(store, id_of(store, "img_1.png"), index=1))
        assert store.pending_files() == 1
        store.write_back(wait=True)
        assert store.pending_files() == 0
        after = contents(tmp_path / "voc")
    assert [name for name in before if before[name] != after[name]] == ["Annotations/img_1.xml"]
    name = "Annotations/img_1.xml"
    ((old, new),) = changed_lines(before[name], after[name])
    assert re.sub(rb"\d+", b"", old) == re.sub(rb"\d+", b"", new)
    assert [int(b) - int(a) for a, b in zip(numbers(old), numbers(new), strict=True)] == [4, 4, 0, 0]


def numbers(line: bytes) -> list[bytes]:
    return re.findall(rb"\d+", line)


def test_undoing_everything_restores_every_byte(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = contents(tmp_path / "voc")
        done: list[Edit] = []
        first, fresh = id_of(store, "img_0.png"), id_of(store, "img_3.png")
        record = store.image(first)
        edits = [
            lambda: move(store, first),
            lambda: draw(store, first),
            lambda: Edit(text="Delete box", images=(change(store.image(first), removed=record.boxes[1:]),)),
            lambda: draw(store, fresh),
            lambda: draw(store, fresh, category_id=2),
            lambda: rename(store.categories(), "nut", "hex nut"),
            lambda: set_state(store, first, ImageState.VERIFIED),
        ]
        for make in edits:
            done.append(make())
            commit(store, done[-1])
            store.write_back(wait=True)
        edited = contents(tmp_path / "voc")
        assert set(edited) - set(before) == {"Annotations/img_3.xml"}
        assert sum(before[name] != edited[name] for name in before) == 3
        for edit in reversed(done):
            commit(store, edit.inverse())
            store.write_back(wait=True)
        assert store.file_errors() == {}
    assert contents(tmp_path / "voc") == before


def test_undo_in_a_later_session_restores_every_byte(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = contents(tmp_path / "voc")
        edit = Edit(text="Delete boxes", images=(change(store.image(1), removed=store.image(1).boxes, added=()),))
        commit(store, edit)
    assert contents(tmp_path / "voc") != before
    with ProjectStore.open(tmp_path / "project") as store:
        commit(store, edit.inverse())
    assert contents(tmp_path / "voc") == before


def test_an_xml_we_made_goes_when_undo_takes_its_box_away(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_3.xml"
        edit = draw(store, id_of(store, "img_3.png"))
        commit(store, edit)
        store.write_back(wait=True)
        assert b"<xmin>5</xmin>" in xml.read_bytes() or b"<xmin>6</xmin>" in xml.read_bytes()
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert not xml.exists()
        commit(store, edit)
    assert xml.exists()


def test_nothing_here_makes_an_xml_without_objects(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        commit(store, set_state(store, id_of(store, "img_3.png"), ImageState.CONFIRMED_EMPTY))
    data = (tmp_path / "voc" / "Annotations" / "img_3.xml").read_bytes()
    assert b"<annotation" in data
    assert b"<object" not in data


def test_a_voc_file_follows_within_a_second_or_so_by_itself(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        before = xml.read_bytes()
        written = threading.Event()
        seen: list[int] = []

        def listen(status: StoreStatus) -> None:
            seen.append(status.pending_files)
            if len(seen) > 1 and seen[-1] == 0 and seen[-2] == 1:
                written.set()

        store.add_listener(listen)
        commit(store, move(store, id_of(store, "img_0.png")))
        assert written.wait(10)
        assert xml.read_bytes() != before


def test_renaming_a_category_reaches_every_file_that_names_it(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        commit(store, rename(store.categories(), "bolt", "screw & co"))
        assert store.pending_files() == 3
    for number in range(3):
        data = (tmp_path / "voc" / "Annotations" / f"img_{number}.xml").read_bytes()
        assert b"<name>screw &amp; co</name>" in data
        assert b"<name>nut</name>" in data
        assert b"bolt" not in data


def test_recolouring_a_category_writes_no_file(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        before = store.categories()
        commit(store, Edit(text="Colour", categories=(before, (replace(before[0], color="#ff0000"), *before[1:]))))
        assert store.pending_files() == 0


def test_a_file_changed_by_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    store = voc_project(tmp_path)
    xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
    foreign = xml.read_bytes().replace(b"Left", b"Right")
    xml.write_bytes(foreign)
    image_id = id_of(store, "img_0.png")
    commit(store, move(store, image_id))
    moved = store.image(image_id)
    store.write_back(wait=True)
    assert xml.read_bytes() == foreign
    status = store.status()
    assert status.kind == "error"
    assert str(xml) in status.message
    assert "safe in the project" in status.message
    assert [c.path for c in store.conflicts()] == [str(xml)]
    store.close()
    assert xml.read_bytes() == foreign
    with ProjectStore.open(tmp_path / "project") as store:
        assert store.image(image_id) == moved
        assert str(xml) in store.status().message


def test_keeping_mine_backs_theirs_up_and_writes_ours(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        commit(store, move(store, image_id))
        store.write_back(wait=True)
        ours = xml.read_bytes()
        edit = move(store, image_id)
        xml.write_bytes(b"<annotation>theirs</annotation>")
        commit(store, edit)
        store.write_back(wait=True)
        store.resolve_conflict(xml, "mine")
        assert store.conflicts() == []
        assert store.status().kind == "saved"
        backup = next(b for b in store.backups(xml) if b.kind == "theirs")
        assert backup.path.read_bytes() == b"<annotation>theirs</annotation>"
        assert b"<!-- a field nobody knows -->" in xml.read_bytes()
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert xml.read_bytes() == ours


def test_keeping_mine_works_when_the_import_itself_was_overwritten(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        xml.write_bytes(b"<annotation>theirs</annotation>")
        commit(store, move(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        store.resolve_conflict(str(xml), "mine")
        expected = [(b.xyxy, b.category_id) for b in store.image(id_of(store, "img_0.png")).boxes]
    assert read_voc(tmp_path / "voc")["img_0.png"] == expected


def test_keeping_theirs_takes_their_labels_over_and_an_old_undo_does_no_harm(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        record = store.image(image_id)
        deletion = Edit(text="Delete box", images=(change(record, removed=record.boxes[:1]),))
        commit(store, deletion)
        theirs = xml.read_bytes().replace(b">bolt<", b">washer<").replace(b"<xmax>20<", b"<xmax>21<")
        xml.write_bytes(theirs)
        store.write_back(wait=True)
        assert store.resolve_conflict(xml, "theirs") == (image_id,)
        assert store.conflicts() == []
        assert (store.status().kind, store.pending_files()) == ("saved", 0)
        names = {c.id: c.name for c in store.categories()}
        taken = store.image(image_id).boxes
        assert [(names[box.category_id], box.x2) for box in taken] == [("nut", record.boxes[1].x2), ("washer", 21.0)]
        assert taken[0] == record.boxes[1]  # left alone by them: the same box as before
        assert xml.read_bytes() == theirs
        commit(store, deletion.inverse())  # an undo from before: its box is appended, never patched into their record
        edit = move(store, image_id, index=1)
        commit(store, edit)
        store.write_back(wait=True)
        after = xml.read_bytes()
        assert after.count(b"<object>") == 3
        assert b">washer<" in after
        assert b">bolt<" in after


def test_their_deletion_can_be_kept(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        image_id = id_of(store, "img_0.png")
        xml.unlink()
        commit(store, move(store, image_id))
        store.write_back(wait=True)
        store.resolve_conflict(xml, "theirs")
        assert store.image(image_id).boxes == ()
        assert store.image(image_id).state == ImageState.UNLABELLED
        assert not xml.exists()


def test_their_unreadable_file_is_not_taken_over(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        xml.write_bytes(b"<annotation><object>")
        commit(store, move(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        moved = store.image(id_of(store, "img_0.png"))
        with pytest.raises(FormatError, match="keep your version"):
            store.resolve_conflict(xml, "theirs")
        assert store.image(moved.id) == moved
        assert xml.read_bytes() == b"<annotation><object>"


def read_voc(folder: Path) -> dict[str, list[tuple[tuple[float, float, float, float], int]]]:
    found = codec("voc").read(Source(path=folder), ignore, never)
    return {r.path: [(b.xyxy, b.category_id) for b in r.boxes] for r in found.records()}


def test_a_conflict_goes_away_when_the_file_is_put_back(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
        imported = xml.read_bytes()
        xml.unlink()
        commit(store, move(store, id_of(store, "img_0.png")))
        store.write_back(wait=True)
        assert "is gone" in store.status().message
        xml.write_bytes(imported)
        store.write_back(wait=True)
        assert store.status().kind == "saved"
        assert xml.read_bytes() != imported


def test_a_file_somebody_made_in_our_place_is_not_overwritten(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        xml = tmp_path / "voc" / "Annotations" / "img_3.xml"
        xml.write_bytes(b"<annotation/>")
        commit(store, draw(store, id_of(store, "img_3.png")))
        store.write_back(wait=True)
        assert xml.read_bytes() == b"<annotation/>"
        assert [c.path for c in store.conflicts()] == [str(xml)]


def test_a_file_that_could_not_be_read_is_never_written(tmp_path: Path) -> None:
    with voc_project(tmp_path):
        pass
    broken = tmp_path / "voc" / "Annotations" / "img_1.xml"
    broken.write_bytes(b"<annotation><object>")
    imported = codec("voc").read(Source(path=tmp_path / "voc"), ignore, never)
    with ProjectStore.create(tmp_path / "again", imported) as store:
        commit(store, draw(store, id_of(store, "img_1.png")))
        commit(store, rename(store.categories(), "bolt", "screw"))
    assert broken.read_bytes() == b"<annotation><object>"


def test_a_write_protected_file_stays_pending_and_is_written_later(tmp_path: Path) -> None:
    store = voc_project(tmp_path)
    xml = tmp_path / "voc" / "Annotations" / "img_0.xml"
    xml.chmod(0o444)
    before = xml.read_bytes()
    commit(store, move(store, id_of(store, "img_0.png")))
    store.write_back(wait=True)
    assert xml.read_bytes() == before
    assert (store.status().kind, store.status().pending_files) == ("error", 1)
    assert "write-protected" in store.status().message
    store.close()
    xml.chmod(0o644)
    with ProjectStore.open(tmp_path / "project") as store:
        store.write_back(wait=True)
        assert store.status().kind == "saved"
    assert xml.read_bytes() != before


def test_coco_is_patched_only_where_a_box_changed_and_undone_to_the_byte(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        path = tmp_path / "coco" / "instances.json"
        before = path.read_bytes()
        image_id = id_of(store, "img_1.png")
        edit = move(store, image_id)
        commit(store, edit)
        store.write_back(wait=True)
        after = path.read_bytes()
        old, new = json.loads(before), json.loads(after)
        assert new["annotations"][1].pop("bbox") == [6.5, 3, 20, 30.25]
        old["annotations"][1].pop("bbox")
        assert new == old
        touched = [old.strip() for old, _ in changed_lines(before, after)]
        assert touched[0] == b"2.5,"
        assert all(line.startswith(b'"area"') for line in touched[1:])  # the area follows the corners
        drawn = draw(store, image_id, category_id=store.categories()[1].id)
        commit(store, drawn)
        store.write_back(wait=True)
        assert json.loads(path.read_bytes())["annotations"][-1]["image_id"] == 101
        commit(store, drawn.inverse())
        commit(store, edit.inverse())
    assert path.read_bytes() == before


def test_a_renamed_category_reaches_the_coco_file(tmp_path: Path) -> None:
    with coco_project(tmp_path) as store:
        edit = rename(store.categories(), "nut", "hex nut")
        before = (tmp_path / "coco" / "instances.json").read_bytes()
        commit(store, edit)
        store.write_back(wait=True)
        names = [c["name"] for c in json.loads((tmp_path / "coco" / "instances.json").read_bytes())["categories"]]
        assert names == ["bolt", "hex nut"]
        commit(store, edit.inverse())
    assert (tmp_path / "coco" / "instances.json").read_bytes() == before
