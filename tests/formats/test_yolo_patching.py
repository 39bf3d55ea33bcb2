"""YOLO text files and lists of names are changed only where a label differs, and come back byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Category, ImageRecord, ImageState, make_categories
from rcnn_studio.formats import Imported, LinkedFile, codec
from rcnn_studio.formats.yolo_names import category_names, read_list, read_yaml
from rcnn_studio.formats.yolo_record import read_row, read_text
from tests.formats.files import patch, plus_box, read, with_box, without_box
from tests.formats.yolo_files import LINE, make_yolo


def one(tmp_path: Path, text: str | bytes | None, *, data: str = "names: [bolt, nut]\ntrain: images\n") -> Imported:
    return read(make_yolo(tmp_path, {"a": text}, data=data), "yolo")


def names_after(
    original: str | None, categories: list[Category], *, kind: str = "yaml", path: str = "data.yaml"
) -> str | None:
    linked = LinkedFile(path=path, format="yolo-names", options={"kind": kind})
    data = None if original is None else original.encode()
    result = codec("yolo-names").patch(data, linked, (), categories, {})
    return None if result is None else result.decode()


def test_nothing_changed_gives_the_very_bytes(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf0  0.5\t0.5 0.25 0.5 \r\n\r\nnonsense \xff line\r\n1 .5 5e-1 0.2500000 +0.5 0.9"
    imported = one(tmp_path, text)
    assert patch(imported, imported.record(0)) == text


def test_a_moved_box_changes_its_own_numbers_only(tmp_path: Path) -> None:
    text = "0 0.500000 0.500000 0.250000 0.500000\r\n1  0.250000\t0.250000 0.500000 0.500000  \r\nbad line\r\n"
    imported = one(tmp_path, text)
    box = imported.record(0).boxes[1]
    moved = with_box(imported.record(0), 1, x1=box.x1 + 6.4, x2=box.x2 + 6.4)
    assert patch(imported, moved) == text.replace("0.250000\t", "0.350000\t").encode()


def test_a_changed_side_keeps_the_file_s_decimals_and_never_too_few(tmp_path: Path) -> None:
    imported = one(tmp_path, "0 0.5 0.5 0.25 0.5\n")
    moved = with_box(imported.record(0), 0, x2=41.0)
    assert patch(imported, moved) == b"0 0.5078 0.5 0.2656 0.5\n"
    back = read_row("0 0.5078 0.5 0.2656 0.5", 0, classes=2, keypoints=0)[0]
    assert back is not None
    assert back.corners(64, 48) == pytest.approx((24, 12, 41, 36), abs=0.01)


def test_another_category_changes_the_index_only(tmp_path: Path) -> None:
    imported = one(tmp_path, LINE)
    assert patch(imported, with_box(imported.record(0), 0, category_id=2)) == LINE.replace("0 ", "1 ", 1).encode()


def test_a_removed_box_takes_its_line_with_it_and_bad_lines_stay(tmp_path: Path) -> None:
    imported = one(tmp_path, f"# mine\n{LINE}7 0.5 0.5 0.1 0.1\n{LINE}")
    assert patch(imported, without_box(imported.record(0), 0)) == f"# mine\n7 0.5 0.5 0.1 0.1\n{LINE}".encode()


def test_a_new_box_is_written_as_the_other_lines_are(tmp_path: Path) -> None:
    imported = one(tmp_path, "0\t0.50000000\t0.5\t0.25\t0.5")
    added = plus_box(imported.record(0), (0, 0, 32, 24), category_id=2)
    assert patch(imported, added) == (
        b"0\t0.50000000\t0.5\t0.25\t0.5\n1\t0.25000000\t0.25000000\t0.50000000\t0.50000000"
    )


def test_a_mark_inside_joined_files_changes_no_line_s_meaning(tmp_path: Path) -> None:
    imported = one(tmp_path, f"{LINE}\ufeff1 0.25 0.25 0.5 0.5\n")
    assert [box.category_id for box in imported.record(0).boxes] == [1, 2]
    assert patch(imported, without_box(imported.record(0), 0)) == "\ufeff1 0.25 0.25 0.5 0.5\n".encode()


def test_the_first_box_makes_the_file_and_undo_removes_it(tmp_path: Path) -> None:
    imported = one(tmp_path, None)
    record = imported.record(0)
    assert patch(imported, record) is None
    assert patch(imported, plus_box(record, (0, 0, 32, 24))) == b"0 0.250000 0.250000 0.500000 0.500000\n"
    assert patch(imported, replace(record, state=ImageState.CONFIRMED_EMPTY)) == b""


def test_flags_have_no_place_and_change_nothing(tmp_path: Path) -> None:
    imported = one(tmp_path, LINE)
    assert patch(imported, with_box(imported.record(0), 0, flags=BoxFlag.DIFFICULT)) == LINE.encode()


def test_a_polygon_moves_with_its_box_and_new_boxes_among_polygons_are_polygons(tmp_path: Path) -> None:
    imported = one(tmp_path, "0 0.25 0.25 0.75 0.25 0.5 0.75\n")
    moved = with_box(imported.record(0), 0, x1=32.0, x2=64.0)
    assert patch(imported, moved) == b"0 0.5000 0.25 1.0000 0.25 0.7500 0.75\n"
    added = plus_box(imported.record(0), (0, 0, 32, 24))
    assert (patch(imported, added) or b"").splitlines()[1] == (
        b"0 0.0000 0.0000 0.5000 0.0000 0.5000 0.5000 0.0000 0.5000"
    )


def test_key_points_move_with_their_box_and_unmarked_ones_stay(tmp_path: Path) -> None:
    data = "names: [man]\ntrain: images\nkpt_shape: [2, 3]\n"
    imported = one(tmp_path, "0 0.5 0.5 0.5 0.5 0.5 0.5 2 0 0 0\n", data=data)
    moved = with_box(imported.record(0), 0, x1=32.0, x2=64.0)
    assert patch(imported, moved) == b"0 0.7500 0.5 0.5 0.5 0.7500 0.5 2 0 0 0\n"
    assert (patch(imported, plus_box(imported.record(0), (0, 0, 32, 24))) or b"").splitlines()[1].endswith(b" 0" * 6)


def test_a_new_box_among_confidences_gets_one(tmp_path: Path) -> None:
    imported = one(tmp_path, "0 0.5 0.5 0.25 0.5 0.87\n")
    assert (patch(imported, plus_box(imported.record(0), (0, 0, 32, 24))) or b"").splitlines()[1].split()[5] == b"1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("names: [a, b]  # two\nnc: 2\n", "names: [a, b, new one]  # two\nnc: 3\n"),
        ("names:\n  - a\n  - 'b'\ntrain: x\n", "names:\n  - a\n  - 'b'\n  - 'new one'\ntrain: x\n"),
        (
            "names:\r\n  0: a\r\n  1: b # c\r\ntrain: x\r\n",
            "names:\r\n  0: a\r\n  1: b # c\r\n  2: new one\r\ntrain: x\r\n",
        ),
        ('names: {0: a, 1: "b"}', 'names: {0: a, 1: "b", 2: "new one"}'),
        ("names:\n- a\n- b", "names:\n- a\n- b\n- new one"),
        ("nc: 7\nnames: ['a', 'b']\n", "nc: 7\nnames: ['a', 'b', 'new one']\n"),
    ],
)
def test_a_new_category_is_appended_to_the_yaml_as_it_is_written(before: str, after: str) -> None:
    assert names_after(before, list(make_categories(["a", "b"]))) == before
    assert names_after(before, list(make_categories(["a", "b", "new one"]))) == after


def test_renaming_rewrites_that_name_and_no_text_file(tmp_path: Path) -> None:
    yaml = "# mine\nnames:\n  0: bolt   # M8\n  1: nut\n"
    renamed = list(make_categories(["screw: M8", "nut"]))
    assert names_after(yaml, renamed) == "# mine\nnames:\n  0: 'screw: M8'   # M8\n  1: nut\n"
    imported = one(tmp_path, LINE)
    file, record = imported.files[0], imported.record(0)
    assert codec("yolo").patch(LINE.encode(), file, [record], renamed, {}) == LINE.encode()


def test_the_name_of_a_removed_category_keeps_its_place() -> None:
    left = [c for c in make_categories(["a", "b", "c"]) if c.name != "b"]
    assert names_after("names: [a, b, c]\n", left) == "names: [a, b, c]\n"
    gap = [*make_categories(["a", "b"]), Category(id=5, name="e")]
    assert names_after("a\nb", gap, kind="lines", path="classes.txt") == "a\nb\n2\n3\ne"


def test_a_list_of_names_is_patched_by_lines() -> None:
    before = "bolt\r\n nut \r\n\r\n"
    assert names_after(before, list(make_categories(["bolt", "nut"])), kind="lines") == before
    after = names_after(before, list(make_categories(["bolt", "wing nut", "pin"])), kind="lines")
    assert after == "bolt\r\n wing nut \r\npin\r\n\r\n"


def test_classes_txt_is_made_once_a_category_has_a_name() -> None:
    assert names_after(None, list(make_categories(["0", "1"])), kind="lines") is None
    assert names_after(None, list(make_categories(["0", "nut"])), kind="lines") == "0\nnut\n"


NAMES = (
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"), exclude_characters="\ufeff"),
        min_size=1,
        max_size=12,
    )
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=300, deadline=None)
@given(
    before=st.lists(NAMES, max_size=4, unique=True),
    after=st.lists(NAMES, max_size=6, unique=True),
    layout=st.sampled_from(["flow", "block", "mapping", "quoted", "lines"]),
)
def test_written_names_are_read_back(before: list[str], after: list[str], layout: str) -> None:
    after = after + [name for name in before[len(after) :] if name not in after]
    after = after[: max(len(after), len(before))]
    quoted = ["'" + name.replace("'", "''") + "'" for name in before]
    texts = {
        "flow": f"names: [{', '.join(quoted)}]\ntrain: x\n",
        "block": "names:\n" + "".join(f"  - {name}\n" for name in quoted) + "train: x\n",
        "mapping": "names:\n" + "".join(f"  {i}: {name}\n" for i, name in enumerate(quoted)) + "train: x\n",
        "quoted": f"names: {{{', '.join(f'{i}: {name}' for i, name in enumerate(quoted))}}}\n",
        "lines": "".join(f"{name}\n" for name in before),
    }
    text = texts[layout] if before or layout in ("flow", "quoted", "lines") else "names: []\n"
    kind = "lines" if layout == "lines" else "yaml"
    result = names_after(text, list(make_categories(after)), kind=kind)
    assert result is not None
    found = read_list(result.encode(), "") if kind == "lines" else read_yaml(result.encode(), "").names
    wanted = [*after, *category_names(before)[len(after) :]]
    assert list(category_names(found)) == wanted
    assert names_after(text, list(make_categories(category_names(before))), kind=kind) == text


NUMBERS = st.floats(0, 1).map(lambda v: f"{v:.{int(v * 1000) % 9}f}")
SPACES = st.sampled_from([" ", "  ", "\t"])
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def sound_lines(draw: st.DrawFn) -> str:
    space = draw(SPACES)
    index = draw(st.integers(0, 2))
    if draw(st.booleans()):
        count = draw(st.integers(3, 6))
        return space.join((str(index), *(draw(NUMBERS) for _ in range(2 * count))))
    return space.join((str(index), *(draw(NUMBERS) for _ in range(4)), *(["0.5"] if draw(st.booleans()) else [])))


@st.composite
def text_files(draw: st.DrawFn) -> bytes:
    """Files of sound, bad and empty lines with any line ends, BOM and last line."""
    lines = draw(st.lists(st.one_of(sound_lines(), st.just(""), st.text(max_size=8), sound_lines()), max_size=8))
    end = draw(ENDS)
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode("utf-8", "surrogatepass")


def record_of(data: bytes, size: tuple[int, int], classes: int = 3) -> ImageRecord:
    """The boxes of such a file, as the codec's own reader finds them."""
    boxes = []
    for index, line in enumerate(read_text(data, "").lines):
        row = read_row(line.text, index, classes=classes, keypoints=0)[0]
        corners = None if row is None else row.corners(*size)
        if row is None or corners is None:
            continue
        x1, y1, x2, y2 = corners
        number = len(boxes) + 1
        boxes.append(
            Box(
                id=number,
                x1=x1,
                y1=y1,
                x2=x2,
                y2=y2,
                category_id=row.category + 1,
                source=BoxSource.IMPORTED,
                place=index,
            )
        )
    return ImageRecord(id=1, root=0, path="a.png", width=size[0], height=size[1], boxes=tuple(boxes))


FILE = LinkedFile(path="a.txt", format="yolo", options={"classes": 3})
CATEGORIES = make_categories(["a", "b", "c"])
SIZES = st.tuples(st.integers(1, 6000), st.integers(1, 6000))


@settings(max_examples=400, deadline=None)
@given(data=text_files(), size=SIZES)
def test_any_file_comes_back_byte_for_byte(data: bytes, size: tuple[int, int]) -> None:
    assert codec("yolo").patch(data, FILE, [record_of(data, size)], CATEGORIES, {}) == data


@settings(max_examples=400, deadline=None)
@given(data=text_files(), size=SIZES, random=st.randoms(use_true_random=False))
def test_what_is_written_is_read_back(data: bytes, size: tuple[int, int], random) -> None:
    record = record_of(data, size)
    boxes = []
    for box in record.boxes:
        choice = random.random()
        if choice < 0.2:
            continue
        if choice < 0.7:
            x1, y1 = random.uniform(0, size[0] * 0.8), random.uniform(0, size[1] * 0.8)
            x2, y2 = x1 + 0.1 + random.random() * size[0] * 0.2, y1 + 0.1 + random.random() * size[1] * 0.2
            box = replace(box, x1=x1, y1=y1, x2=x2, y2=y2, category_id=random.randint(1, 3))
        boxes.append(box)
    if random.random() < 0.5:
        boxes.append(Box(id=99, x1=0.0, y1=0.0, x2=size[0] / 2, y2=size[1] / 3, category_id=2))
    now = replace(record, boxes=tuple(boxes))
    written = codec("yolo").patch(data, FILE, [now], CATEGORIES, {})
    assert written is not None
    found = record_of(written, size)
    assert [b.category_id for b in found.boxes] == [b.category_id for b in boxes]
    for a, b in zip(found.boxes, boxes, strict=True):
        assert a.xyxy == pytest.approx(b.xyxy, abs=0.01)
    assert codec("yolo").patch(data, FILE, [record], CATEGORIES, {}) == data
