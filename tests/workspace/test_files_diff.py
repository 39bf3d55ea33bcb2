"""Two versions of a file as rows: what is marked, in what order, and that nothing is lost or slow."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.workspace import files_places
from rcnn_studio.workspace.files_diff import CONTEXT_LINES, MOST_ROWS, Difference, compare, unified
from rcnn_studio.workspace.files_places import changed_places
from tests.ui.files_fakes import voc

BOLT, NUT, PIN = ("bolt", (10, 20, 60, 90)), ("nut", (200, 120, 260, 190)), ("pin", (5, 6, 7, 8))


def marked(difference: Difference) -> list[tuple[list[str], list[str]]]:
    """The marked characters of the changed rows, before and after."""
    return [
        (
            [row.left.text[a:b] for a, b in row.left.spans] if row.left else [],
            [row.right.text[a:b] for a, b in row.right.spans] if row.right else [],
        )
        for row in difference.rows
        if row.kind == "changed"
    ]


def texts(difference: Difference, kind: str) -> list[str]:
    rows = [row for row in difference.rows if row.kind == kind]
    return [(row.left or row.right).text.strip() for row in rows]


def coco(records: list[dict]) -> bytes:
    return json.dumps({"images": [], "annotations": records}).encode()


def record(number: int) -> dict:
    return {"id": number, "image_id": number // 8, "category_id": 1, "bbox": [number % 600, 7, 40.25, 30], "iscrowd": 0}


def test_equal_versions_have_no_rows() -> None:
    assert compare(voc("a", BOLT), voc("a", BOLT)) == Difference()


def test_the_changed_numbers_are_marked_inside_their_lines() -> None:
    found = compare(voc("a", BOLT, NUT), voc("a", ("bolt", (14, 20, 66, 90)), NUT))
    assert marked(found) == [(["10"], ["14"]), (["60"], ["66"])]
    assert found.places == 2


def test_rows_carry_the_line_numbers_of_both_versions() -> None:
    before, after = b"one\ntwo\nthree\n", b"zero\none\ntwo\nthree 3\n"
    rows = [(r.kind, r.left and r.left.number, r.right and r.right.number) for r in compare(before, after).rows]
    assert rows == [("added", None, 1), ("same", 1, 2), ("same", 2, 3), ("changed", 3, 4)]


@pytest.mark.parametrize("order", [(BOLT, NUT), (NUT, BOLT)])
def test_a_removed_object_is_marked_as_a_whole(order) -> None:
    before, after = voc("a", PIN, *order), voc("a", PIN, order[0])
    gone = texts(compare(before, after), "removed")
    assert (gone[0], gone[-1]) == ("<object>", "</object>")
    assert f"<name>{order[1][0]}</name>" in gone


def test_only_lines_near_a_change_are_shown_and_the_others_counted() -> None:
    lines = [f"line {n}" for n in range(100)]
    after = [*lines]
    after[50] = "line fifty"
    rows = compare("\n".join(lines).encode(), "\n".join(after).encode()).rows
    assert [row.hidden for row in rows if row.kind == "gap"] == [50 - CONTEXT_LINES, 49 - CONTEXT_LINES]
    assert len(rows) == 2 * CONTEXT_LINES + 1 + 2


def test_a_new_file_is_added_and_a_gone_one_removed_line_by_line() -> None:
    assert {row.kind for row in compare(None, voc("a", BOLT)).rows} == {"added"}
    assert {row.kind for row in compare(voc("a", BOLT), None).rows} == {"removed"}


def test_lines_that_are_nothing_alike_do_not_stand_beside_each_other() -> None:
    found = compare(b"<pose>Left</pose>\n", b"completely different words 12345\n")
    assert [row.kind for row in found.rows] == ["removed", "added"]


def test_other_encodings_are_read_as_their_declaration_says() -> None:
    before = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<name>Müller</name>\n'.encode("latin-1")
    after = before.replace("ü".encode("latin-1"), "ö".encode("latin-1"))
    assert marked(compare(before, after)) == [(["Müller"], ["Möller"])]


def test_a_file_that_is_no_text_is_not_shown() -> None:
    assert compare(b"\x89PNG\0\0\1", b"\x89PNG\0\0\2").binary


def test_unified_rows_show_what_was_above_what_is() -> None:
    rows = unified(compare(b"a 1\nb 2\nc\n", b"a 8\nb 9\nc\n").rows)
    assert [(r.kind, (r.left or r.right).text) for r in rows] == [
        ("removed", "a 1"),
        ("removed", "b 2"),
        ("added", "a 8"),
        ("added", "b 9"),
        ("same", "c"),
    ]


def test_a_json_file_of_one_line_shows_the_records_that_changed_and_no_others() -> None:
    records = [record(n) for n in range(5000)]
    after = [dict(r) for r in records]
    after[40]["bbox"] = [40, 7, 41.75, 30]
    after.insert(3000, record(77777))
    del after[4000]
    found = compare(coco(records), coco(after))
    assert marked(found) == [(["40.25"], ["41.75"])]
    assert [json.loads(text.rstrip(","))["id"] for text in texts(found, "added")] == [77777]
    assert [json.loads(text.rstrip(","))["id"] for text in texts(found, "removed")] == [3999]
    assert found.places == 3


def test_a_pretty_printed_large_file_keeps_its_line_numbers() -> None:
    records = [record(n) for n in range(9000)]
    before = json.dumps({"annotations": records}, indent=1)
    after = before.replace('"id": 8000,', '"id": 8000000,')
    rows = compare(before.encode(), after.encode()).rows
    changed = next(row for row in rows if row.kind == "changed")
    wanted = after.splitlines().index('   "id": 8000000,') + 1
    assert (changed.left.number, changed.right.number) == (wanted, wanted)
    assert changed.right.text == '   "id": 8000000,'


def test_a_large_file_is_compared_in_a_moment() -> None:
    text = coco([record(n) for n in range(200_000)])
    assert len(text) > 16_000_000
    began = time.perf_counter()
    found = compare(text, text.replace(b'"id": 199000,', b'"id": 5,').replace(b'"id": 3,', b'"id": 33,'))
    assert time.perf_counter() - began < 3
    assert found.places == 2


def test_what_nobody_would_read_is_cut_off_and_said_so(monkeypatch) -> None:
    lines = "".join(f"{n} old\n" for n in range(MOST_ROWS * 3))
    found = compare(None, lines.encode())
    assert len(found.rows) == MOST_ROWS
    assert found.capped
    monkeypatch.setattr(files_places, "MOST_PLACES", 3)
    records = [record(n) for n in range(5000)]
    after = [{**r, "iscrowd": int(n % 500 == 0)} for n, r in enumerate(records)]
    many = compare(coco(records), coco(after))
    assert many.places == 3
    assert many.capped


def test_a_comparison_that_is_not_wanted_any_more_ends() -> None:
    with pytest.raises(Cancelled):
        compare(
            coco([record(n) for n in range(9000)]), coco([record(n + 1) for n in range(9000)]), should_stop=lambda: True
        )


def rebuilt(old: bytes, new: bytes) -> bytes:
    """The new version from the old one and the places that differ."""
    made, at = b"", 0
    for i1, i2, j1, j2 in changed_places(old, new)[0]:
        made += old[at:i1] + new[j1:j2]
        at = i2
    return made + old[at:]


PART = st.sampled_from(
    [b"abc", b'{"id": 1, "bbox": [1, 2, 3, 4]}, ', b"x" * 300, b"\n", bytes(range(200)), b"1", b"22"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PART, max_size=12), st.lists(PART, max_size=12), st.lists(PART, max_size=8), st.lists(PART, max_size=8))
def test_the_places_are_exactly_what_differs(head, tail, before, after) -> None:
    old, new = b"".join([*head, *before, *tail]), b"".join([*head, *after, *tail])
    assert rebuilt(old, new) == new


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a 1", "b 22", "c", "", "  d", "</e>"]), max_size=12), st.data())
def test_the_rows_hold_every_line_of_both_versions_in_order(lines, data) -> None:
    other = data.draw(st.lists(st.sampled_from(["a 1", "a 2", "c", "", "  d", "</e>"]), max_size=12))
    old, new = "".join(f"{line}\n" for line in lines), "".join(f"{line}\n" for line in other)
    rows = compare(old.encode(), new.encode()).rows
    for text, lefts in ((lines, True), (other, False)):
        shown = [line for row in rows if (line := row.left if lefts else row.right) is not None]
        assert [line.text for line in shown] == [text[line.number - 1] for line in shown]
        changed = {line.number for row in rows if row.kind != "same" and (line := row.left if lefts else row.right)}
        hidden = set(range(1, len(text) + 1)) - {line.number for line in shown}
        assert not hidden & changed
