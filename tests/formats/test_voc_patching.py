"""Writing labels back into VOC files: only what changed changes, and undoing gives the very bytes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from rcnn_studio.domain.dataset import Box, BoxFlag, ImageRecord, ImageState
from rcnn_studio.formats import LinkedFile, codec
from tests.formats.files import (
    changed_parts,
    make_voc,
    patch,
    plus_box,
    read,
    voc_object,
    voc_text,
    with_box,
    without_box,
)

TWO = voc_object("bolt", (5, 6, 20, 30)) + voc_object("nut", (1.5, 2, 9.25, 12))
ODD_FILES = {
    "windows line ends": voc_text(TWO).replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + voc_text(TWO).encode(),
    "utf-16": b"\xff\xfe" + voc_text(TWO).encode("utf-16-le"),
    "latin-1": b'<?xml version="1.0" encoding="iso-8859-1"?>\n'
    + voc_text(TWO.replace("nut", "Schr\xe4ubchen")).encode("latin-1"),
    "one line": voc_text(TWO).replace("\n", "").replace("\t", "").encode(),
    "spaces and comments": voc_text(TWO).replace("\t", "  ").replace("<size>", "<!-- a > b --><size>").encode(),
    "no line end at the end": voc_text(TWO).rstrip().encode(),
    "odd attributes": voc_text(TWO, attributes=' note="a &gt; b > c" verified = "no"').encode(),
    "number with spaces": voc_text(TWO).replace("<xmin>5<", "<xmin> 5\n <").encode(),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_without_a_change_the_very_same_bytes_come_back(tmp_path: Path, name: str) -> None:
    imported = read(make_voc(tmp_path, {"a": ODD_FILES[name]}))
    assert len(imported.record(0).boxes) == 2
    assert patch(imported, imported.record(0)) == ODD_FILES[name]


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_moved_box_changes_nothing_but_its_numbers(tmp_path: Path, name: str) -> None:
    folder = make_voc(tmp_path, {"a": ODD_FILES[name]})
    imported = read(folder)
    moved = with_box(imported.record(0), 0, x1=7.0, y2=31.0)
    after = patch(imported, moved)
    assert after is not None
    encoding = {"utf-16": "utf-16", "latin-1": "latin-1"}.get(name, "utf-8")
    before_text, after_text = ODD_FILES[name].decode(encoding), after.decode(encoding)
    expected = before_text.replace("<xmin>5<", "<xmin>7<").replace("<xmin> 5\n <", "<xmin> 7\n <")
    assert after_text == expected.replace("<ymax>30<", "<ymax>31<")
    (folder / "Annotations" / "a.xml").write_bytes(after)
    assert [b.xyxy for b in read(folder).record(0).boxes] == [b.xyxy for b in moved.boxes]


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_new_box_is_read_back_and_undoing_it_restores_the_file(tmp_path: Path, name: str) -> None:
    folder = make_voc(tmp_path, {"a": ODD_FILES[name]})
    imported = read(folder)
    more = plus_box(imported.record(0), (3, 4, 10, 11.5), category_id=2)
    after = patch(imported, more)
    assert after is not None
    (folder / "Annotations" / "a.xml").write_bytes(after)
    assert [(b.xyxy, b.category_id) for b in read(folder).record(0).boxes] == [
        (b.xyxy, b.category_id) for b in more.boxes
    ]
    assert patch(imported, imported.record(0), original=ODD_FILES[name]) is ODD_FILES[name]


def test_a_new_box_is_appended_in_the_files_own_style(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO).replace("\t", "  ").replace("\n", "\r\n")}))
    before = Path(imported.files[0].path).read_bytes()
    after = patch(imported, plus_box(imported.record(0), (3, 4, 10, 11)))
    added = voc_object("bolt", (3, 4, 10, 11)).replace("\t", "  ").replace("\n", "\r\n").encode()
    assert after == before.replace(b"</annotation>", added + b"</annotation>")


def test_a_deleted_box_is_cut_out_whole(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    after = patch(imported, without_box(imported.record(0), 0))
    assert after == voc_text(voc_object("nut", (1.5, 2, 9.25, 12))).encode()


def test_all_boxes_deleted_and_one_drawn_leaves_one_object(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    record = replace(imported.record(0), boxes=())
    assert patch(imported, record) == voc_text("").encode()
    after = patch(imported, plus_box(record, (3, 4, 10, 11)))
    assert after == voc_text(voc_object("bolt", (3, 4, 10, 11))).encode()


def test_another_category_changes_the_name_alone(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    after = patch(imported, with_box(imported.record(0), 0, category_id=2))
    assert changed_parts(voc_text(TWO).encode(), after or b"") == [("<name>bolt</name>", "<name>nut</name>")]


def test_a_renamed_category_is_renamed_in_the_file_with_its_marks_escaped(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    categories = (replace(imported.categories[0], name="nuts & <bolts>"), imported.categories[1])
    renamed = replace(imported, categories=categories)
    after = patch(renamed, imported.record(0))
    parts = changed_parts(voc_text(TWO).encode(), after or b"")
    assert parts == [("<name>bolt</name>", "<name>nuts &amp; &lt;bolts&gt;</name>")]


def test_a_name_that_the_encoding_lacks_becomes_character_references(tmp_path: Path) -> None:
    data = b'<?xml version="1.0" encoding="ascii"?>\n' + voc_text(TWO).encode()
    folder = make_voc(tmp_path, {"a": data})
    imported = read(folder)
    renamed = replace(
        imported, categories=(replace(imported.categories[0], name="Schräubchen"), imported.categories[1])
    )
    after = patch(renamed, imported.record(0))
    assert after == data.replace(b"bolt", b"Schr&#228;ubchen")
    (folder / "Annotations" / "a.xml").write_bytes(after)
    assert [c.name for c in read(folder).categories] == ["nut", "Schräubchen"]


def test_a_flag_changes_its_own_element_or_adds_it(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    flags = BoxFlag.DIFFICULT | BoxFlag.OCCLUDED
    after = patch(imported, with_box(imported.record(0), 0, flags=flags))
    expected = voc_text(TWO).replace(
        "<difficult>0</difficult>\n\t\t<bndbox>",
        "<difficult>1</difficult>\n\t\t<occluded>1</occluded>\n\t\t<bndbox>",
        1,
    )
    assert after == expected.encode()


def test_an_empty_flag_element_is_filled(tmp_path: Path) -> None:
    text = voc_text(TWO).replace("<difficult>0</difficult>", "<difficult/>")
    imported = read(make_voc(tmp_path, {"a": text}))
    after = patch(imported, with_box(imported.record(0), 1, flags=BoxFlag.DIFFICULT))
    parts = changed_parts(text.encode(), after or b"")
    assert parts == [("<difficult/>", "<difficult>1</difficult>")]


def test_whole_numbers_are_written_without_decimals_and_others_with_two(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO)}))
    after = patch(imported, with_box(imported.record(0), 0, x1=7.001, y1=7.126, x2=21.5))
    parts = changed_parts(voc_text(TWO).encode(), after or b"")
    assert [b for _, b in parts] == ["<xmin>7</xmin>", "<ymin>7.13</ymin>", "<xmax>21.5</xmax>"]


def test_long_floats_stay_as_they_are_until_they_are_moved(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (5, "45.70000076293945", 20, 60)))
    imported = read(make_voc(tmp_path, {"a": text}))
    after = patch(imported, with_box(imported.record(0), 0, x2=21.0))
    assert after == text.replace("<xmax>20<", "<xmax>21<").encode()


def test_one_based_files_are_written_one_based(tmp_path: Path) -> None:
    text = voc_text(
        voc_object("dog", (1, 1, 64, 48)), head="\t<source><database>The VOC2012 Database</database></source>\n"
    )
    imported = read(make_voc(tmp_path, {"a": text}))
    record = with_box(imported.record(0), 0, x1=4.0)
    assert changed_parts(text.encode(), patch(imported, record) or b"") == [("<xmin>1</xmin>", "<xmin>5</xmin>")]
    after = patch(imported, plus_box(record, (0, 0, 64, 48))) or b""
    assert after.count(b"<xmin>1</xmin>\n\t\t\t<ymin>1</ymin>\n\t\t\t<xmax>64</xmax>\n\t\t\t<ymax>48</ymax>") == 1


def test_bad_objects_are_kept_whatever_is_done_to_the_others(tmp_path: Path) -> None:
    bad = voc_object("nut", ("abc", 6, 20, 30)) + voc_object("nut", (5, 5, 5, 5))
    imported = read(make_voc(tmp_path, {"a": voc_text(bad + TWO)}))
    after = patch(imported, replace(imported.record(0), boxes=()))
    assert after == voc_text(bad).encode()


def test_swapped_corners_stay_until_moved_and_are_then_written_in_order(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (20, 6, 5, 30)))
    imported = read(make_voc(tmp_path, {"a": text}))
    record = imported.record(0)
    assert patch(imported, record) == text.encode()
    after = patch(imported, with_box(record, 0, x2=22.0))
    assert changed_parts(text.encode(), after or b"") == [
        ("<xmin>20</xmin>", "<xmin>5</xmin>"),
        ("<xmax>5</xmax>", "<xmax>22</xmax>"),
    ]


def test_verified_is_written_and_taken_back(tmp_path: Path) -> None:
    yes = voc_text(TWO, attributes=' verified="yes"')
    imported = read(make_voc(tmp_path, {"a": voc_text(TWO), "b": yes}))
    plain, verified = imported.records()
    assert (
        patch(imported, replace(plain, state=ImageState.VERIFIED))
        == voc_text(TWO, attributes=' verified="yes"').encode()
    )
    assert patch(imported, replace(verified, state=ImageState.LABELLED)) == voc_text(TWO).encode()
    kept = patch(imported, replace(verified, state=ImageState.NEEDS_FIX))
    assert kept == yes.encode()


def test_a_self_closed_root_can_be_filled(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": "<annotation x='1'/>\n", "b": voc_text(TWO)})
    imported = read(folder)
    record = replace(plus_box(imported.record(0), (3, 4, 10, 11)), state=ImageState.VERIFIED)
    after = patch(imported, record)
    (folder / "Annotations" / "a.xml").write_bytes(after or b"")
    again = read(folder).record(0)
    assert (again.boxes[0].xyxy, again.state) == ((3, 4, 10, 11), ImageState.VERIFIED)


def test_a_first_box_makes_an_xml_and_undoing_it_removes_that(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None, "b": voc_text(voc_object("bolt", (0, 0, 5, 5)))})
    imported = read(folder)
    empty = imported.record(0)
    record = replace(plus_box(empty, (3, 4, 10.5, 11)), state=ImageState.LABELLED)
    data = patch(imported, record)
    assert data is not None
    assert b"<path>" not in data
    Path(imported.files[0].path).write_bytes(data)
    again = read(folder).record(0)
    assert [b.xyxy for b in again.boxes] == [(3, 4, 10.5, 11)]
    assert codec("voc").patch(None, imported.files[0], [empty], imported.categories, {}) is None


@pytest.mark.parametrize(
    ("state", "made"),
    [(ImageState.UNLABELLED, False), (ImageState.CONFIRMED_EMPTY, True), (ImageState.VERIFIED, True)],
)
def test_an_image_without_boxes_gets_an_xml_only_if_that_says_something(state: ImageState, made: bool) -> None:
    file = LinkedFile(path="/nowhere/a.xml", format="voc", options={"one_based": True}, exists=False)
    record = ImageRecord(id=1, root=0, path="a.png", width=64, height=48, state=state)
    data = codec("voc").patch(None, file, [record], (), {})
    assert (data is not None) is made
    if data is not None:
        assert (etree.fromstring(data).get("verified") == "yes") is (state == ImageState.VERIFIED)


hundredths = st.integers(0, 6000).map(lambda n: n / 100)
spans = st.tuples(hundredths, st.integers(1, 3000).map(lambda n: n / 100)).map(lambda t: (t[0], round(t[0] + t[1], 2)))


@st.composite
def any_box(draw: st.DrawFn, place: int | None = None) -> Box:
    (x1, x2), (y1, y2) = draw(spans), draw(spans)
    flags = draw(st.sampled_from([BoxFlag.NONE, BoxFlag.DIFFICULT, BoxFlag.TRUNCATED | BoxFlag.OCCLUDED]))
    number = draw(st.integers(10, 10_000)) if place is None else place + 1
    return Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=draw(st.integers(1, 2)), flags=flags, place=place)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    name=st.sampled_from(sorted(ODD_FILES)),
    state=st.sampled_from([ImageState.LABELLED, ImageState.VERIFIED]),
    one_based=st.booleans(),
)
def test_whatever_is_edited_is_read_back_and_can_be_undone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str, state: ImageState, one_based: bool
) -> None:
    folder = make_voc(tmp_path_factory.mktemp("voc") / "voc", {"a": ODD_FILES[name]})
    imported = read(folder, one_based=one_based)
    record = imported.record(0)
    kept = [data.draw(any_box(place)) for place in (0, 1) if data.draw(st.booleans())]
    new = data.draw(st.lists(any_box(), max_size=3, unique_by=lambda b: b.id))
    edited = replace(record, boxes=tuple(kept + new), state=state)
    after = patch(imported, edited)
    assert after is not None
    (folder / "Annotations" / "a.xml").write_bytes(after)
    again = read(folder, one_based=one_based).record(0)
    names = {c.id: c.name for c in imported.categories}
    names_again = {c.id: c.name for c in read(folder, one_based=one_based).categories}
    assert [names_again[b.category_id] for b in again.boxes] == [names[b.category_id] for b in edited.boxes]
    assert [b.flags for b in again.boxes] == [b.flags for b in edited.boxes]
    assert [b.xyxy for b in again.boxes] == [pytest.approx(b.xyxy, abs=0.006) for b in edited.boxes]
    assert again.state == (state if edited.boxes or state == ImageState.VERIFIED else ImageState.CONFIRMED_EMPTY)
    assert patch(imported, record, original=ODD_FILES[name]) is ODD_FILES[name]
