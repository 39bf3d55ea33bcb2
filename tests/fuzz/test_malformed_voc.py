"""Every malformed VOC and image file is named with its field, nothing vanishes, and the rest of the dataset opens."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.formats import Imported, voc_file
from tests.formats.files import draw_image, make_voc, patch, read, voc_object, voc_text, with_box
from tests.fuzz.malformed_voc import SOUND, Malformed, malformed_images, malformed_xml, png

XML_CASES = list(malformed_xml())
IMAGE_CASES = list(malformed_images())
AT_ONCE_SECONDS = 20.0  # none takes two on an idle machine; without its limit each takes minutes or all memory


def index_of(imported: Imported, path: str) -> int:
    return next(i for i, image in enumerate(imported.images) if image.record.path == path)


def test_there_are_more_than_two_hundred_of_them_and_all_differ() -> None:
    assert len(XML_CASES) >= 150
    assert len(IMAGE_CASES) >= 50
    assert len({case.data for case in XML_CASES}) == len(XML_CASES)


@pytest.mark.parametrize("case", XML_CASES, ids=lambda case: case.name)
def test_a_malformed_file_is_named_with_its_field_and_the_rest_opens(tmp_path: Path, case: Malformed) -> None:
    folder = make_voc(tmp_path, {"a": case.data, "b": voc_text(SOUND, filename="b.png")})
    imported = read(folder)
    named = [p for p in imported.problems if p.file == str(folder / "Annotations" / "a.xml") and case.where in p.where]
    assert [p for p in named if p.kind in case.kinds], imported.problems
    assert all(p.message and p.action for p in imported.problems)
    assert all(len(str(p)) < 1_000 for p in imported.problems)
    assert {p.file for p in imported.problems} == {str(folder / "Annotations" / "a.xml")}
    assert [image.record.path for image in imported.images] == ["a.png", "b.png"]
    assert [b.xyxy for b in imported.record(1).boxes] == [(5, 6, 20, 30)]
    assert_no_object_vanished(case, imported)


def assert_no_object_vanished(case: Malformed, imported: Imported) -> None:
    record = imported.record(0)
    assert len(record.boxes) == case.boxes
    listed = {match[1] for p in imported.problems if (match := re.match(r"object\[(\d+)\]", p.where))}
    places = {str(box.place) for box in record.boxes}
    assert len(listed | places) == case.objects
    if case.objects == 0:
        assert (record.state, bool(imported.files[0].refused)) == (ImageState.NEEDS_FIX, True)


@pytest.mark.parametrize("case", [case for case in XML_CASES if case.kept], ids=lambda case: case.name)
def test_what_is_bad_stays_in_the_file_word_for_word_when_the_sound_box_is_moved(
    tmp_path: Path, case: Malformed
) -> None:
    imported = read(make_voc(tmp_path, {"a": case.data}))
    record = imported.record(0)
    after = patch(imported, with_box(record, 0, x1=7.0))
    assert after == case.data.replace(b"<xmin>5<", b"<xmin>7<", 1)
    assert case.kept.encode() in after


@pytest.mark.parametrize(("name", "suffix", "data"), IMAGE_CASES, ids=[case[0] for case in IMAGE_CASES])
def test_a_malformed_image_is_named_and_the_rest_opens(tmp_path: Path, name: str, suffix: str, data: bytes) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(SOUND), "b": voc_text(SOUND, filename="b.png")})
    (folder / "JPEGImages" / "a.png").unlink()
    bad = folder / "JPEGImages" / f"a.{suffix}"
    bad.write_bytes(data)
    imported = read(folder)
    assert [(p.file, p.kind) for p in imported.problems] in (
        [(str(bad), "unreadable-image")],
        [(str(bad), "truncated-image")],
    )
    assert len(imported.record(index_of(imported, "b.png")).boxes) == 1
    kept = [image.record for image in imported.images if image.record.path != "b.png"]
    assert all(record.state == ImageState.NEEDS_FIX for record in kept)
    assert (folder / "Annotations" / "a.xml").read_text() == voc_text(SOUND)


BOMBS = {
    "billion laughs": b'<!DOCTYPE lolz [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in range(ord("b"), ord("k")))
    + b"]><annotation>&j;</annotation>",
    "quadratic blow-up": b'<!DOCTYPE a [<!ENTITY a "'
    + b"x" * 100_000
    + b'">]><annotation>'
    + b"&a;" * 9_999
    + b"</annotation>",
    "external entity": b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///dev/zero">]><annotation>&a;</annotation>',
    "200,000 levels": b"<annotation>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</annotation>",
    "200,000 levels never closed": b"<annotation>" + b"<a>" * 200_000,
    "two million elements": b"<annotation>" + b"<a/>" * 2_000_000 + b"</annotation>",
    "a million attributes": b"<annotation " + b" ".join(b"a%d=''" % i for i in range(300_000)) + b"/>",
    "65 MiB": b"<annotation>" + b" " * (65 << 20) + b"</annotation>",
    "5,000,000 digits": voc_text(voc_object("bolt", ("9" * 5_000_000, 1, 2, 3))).encode(),
    "5,000,000 digits and a letter": voc_text(voc_object("bolt", ("9" * 5_000_000 + "x", 1, 2, 3))).encode(),
    "5,000,000 spaces in a name": voc_text(voc_object("a" + " " * 5_000_000 + "b", (5, 5, 5, 5))).encode(),
    "quotes without end": b"<annotation a='" + b"'\"" * 200_000,
    "a tag without end": b"<annotation><object" + b" x" * 500_000,
    "many small declarations": b"<?xml version='1.0' " + b" " * 1_000_000 + b"?><annotation/>",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_answered_at_once(tmp_path: Path, name: str) -> None:
    folder = make_voc(tmp_path, {"a": BOMBS[name], "b": voc_text(SOUND, filename="b.png")})
    started = time.perf_counter()
    imported = read(folder)
    assert time.perf_counter() - started < AT_ONCE_SECONDS
    harmless = {"a million attributes", "many small declarations"}
    assert harmless & {name} or {Path(p.file).name for p in imported.problems} == {"a.xml"}
    assert imported.record(0).boxes == ()
    assert len(imported.record(1).boxes) == 1


def test_a_split_list_of_one_endless_line_is_answered_at_once(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(SOUND)})
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("a" + " " * 2_000_000 + "x\na 1\n")
    started = time.perf_counter()
    imported = read(folder)
    assert time.perf_counter() - started < AT_ONCE_SECONDS
    assert [p.kind for p in imported.problems] == ["unknown-id"]
    assert imported.record(0).split == "train"


@pytest.mark.parametrize(("width", "height"), [(15_000, 15_000), (50_000, 50_000), (99_999, 99_999)])
def test_a_decompression_bomb_is_refused_before_memory_is_taken(tmp_path: Path, width: int, height: int) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(SOUND)})
    draw_image(folder / "JPEGImages" / "b.png")
    (folder / "JPEGImages" / "a.png").write_bytes(png(width, height))
    started = time.perf_counter()
    imported = read(folder)
    assert time.perf_counter() - started < AT_ONCE_SECONDS
    assert [(Path(p.file).name, p.kind) for p in imported.problems] == [("a.png", "unreadable-image")]


def test_an_object_of_many_fields_with_many_faults_lists_each_of_them() -> None:
    second = voc_object("", ("abc", "NaN", "", 30))
    file = voc_file.read_file(voc_text(SOUND + second).encode(), "a.xml")
    assert [fault.where for fault in file.objects[1].faults] == [
        "object[1]/bndbox/xmin",
        "object[1]/bndbox/ymin",
        "object[1]/bndbox/xmax",
        "object[1]/name",
    ]
