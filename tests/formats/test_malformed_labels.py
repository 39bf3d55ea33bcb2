"""Every field of a YOLO, labelme or CSV dataset made wrong in turn: file and place are named, and nothing vanishes.

Each case is one fault in an otherwise sound dataset of two boxes; the other box must arrive, unless the file cannot be
read at all, and the file's bytes must come back as they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import Imported, codec
from tests.formats.files import draw_image, read
from tests.formats.yolo_files import make_yolo

GOOD_LINE = "0 0.5 0.5 0.25 0.5"
YOLO_FIELDS = ("class", "x_center", "y_center", "width", "height")
BAD_NUMBERS = ("abc", "nan", "inf", "-Infinity", "1e999", "0x1", "1_0", "1,5", "٣", "9" * 400, "1e99999", "None")
DEEP = 200_000


def yolo_lines() -> Iterator[tuple[str, str]]:
    """(a bad line, what its message must name)"""
    words = GOOD_LINE.split()
    for place, field in enumerate(YOLO_FIELDS):
        for bad in BAD_NUMBERS:
            yield " ".join((*words[:place], bad, *words[place + 1 :])), field
    for bad in ("-1", "2", "1.5", "99", "1e9"):
        yield " ".join((bad, *words[1:])), "class"
    for place in (3, 4):
        for bad in ("0", "-0.1", "1e-400"):
            yield " ".join((*words[:place], bad, *words[place + 1 :])), YOLO_FIELDS[place]
    for place in (1, 2, 3, 4):
        yield " ".join((*words[:place], "640", *words[place + 1 :])), YOLO_FIELDS[place]
    for count in (1, 2, 3, 4, 8, 10):
        yield " ".join(["0.5"] * count) if count > 1 else "0", f"{count} value"
    for place in range(1, 7):
        polygon = ["0", "0.1", "0.1", "0.5", "0.1", "0.5", "0.5"]
        polygon[place] = "x"
        yield " ".join(polygon), f"{'xy'[(place - 1) % 2]} of point {(place + 1) // 2}"
    yield "0 0.1 0.1 0.1 0.2 0.1 0.3", "no area"
    yield "\x00\x01 0.5 0.5 0.1 0.1", "class"
    yield "0 0.5 0.5 0.1 0.1 conf", "confidence"
    yield "0:0.5:0.5:0.1:0.1", "1 value"


@pytest.mark.parametrize(("line", "named"), list(yolo_lines()))
def test_a_bad_line_is_named_with_its_number_and_field_and_stays(tmp_path: Path, line: str, named: str) -> None:
    text = f"{GOOD_LINE}\n\n{line}\n"
    make_yolo(tmp_path, {"a": text}, data="names: [bolt, nut]\n")
    imported = read(tmp_path, "yolo")
    assert imported.box_count == 1
    (problem,) = [p for p in imported.problems if p.level == "error"]
    assert (Path(problem.file).name, problem.where) == ("a.txt", "line 3")
    assert named in problem.message
    assert "left out" in problem.action
    file, record = imported.files[0], imported.record(0)
    assert codec("yolo").patch(text.encode(), file, [record], imported.categories, {}) == text.encode()


def yaml_files() -> Iterator[tuple[str | bytes, str]]:
    """(a bad data.yaml, what the refusal must name)"""
    yield "train: images\nval: images\n", "names"
    yield "names:\ntrain: x\n", "names"
    yield "names: bolt\ntrain: x\n", "names"
    yield "names: 3\ntrain: x\n", "names"
    yield "names: [bolt, [nut]]\ntrain: x\n", "names[1]"
    yield "names: [bolt, {a: b}]\ntrain: x\n", "names[1]"
    yield "names: {0: bolt, 2: nut}\ntrain: x\n", "the index 1 is missing"
    yield "names: {1: bolt}\ntrain: x\n", "the index 0 is missing"
    yield "names: {0: bolt, 0: nut}\ntrain: x\n", "the index 0 occurs twice"
    yield "names: {a: bolt}\ntrain: x\n", "names.a"
    yield "names: {-1: bolt}\ntrain: x\n", "names.-1"
    yield "names: {0.0: bolt}\ntrain: x\n", "names.0.0"
    yield "names: {? [1] : bolt}\ntrain: x\n", "names."
    yield f"names: {{{'9' * 500}: bolt}}\ntrain: x\n", "names.999"
    yield "names: [a]\nnames: [b]\ntrain: x\n", "names: occurs twice (line 2)"
    yield "names: [a\ntrain: x\n", "line 2"
    yield "names: [a]]\ntrain: x\n", "line 1"
    yield "names: 'a\ntrain: x\n", "line"
    yield "\tnames: [a]\ntrain: x\n", "line 1"
    yield "names: *nobody\ntrain: x\n", "line 1"
    yield 'names: [a]\ntrain: "\\UFFFFFFFF"\n', "YAML"
    yield 'names: [a]\ntrain: "\\q"\n', "line 2"
    yield b"names: [caf\xe9]\ntrain: x\n", "byte"
    yield b"names: [a]\x00\ntrain: x\n", "YAML"
    yield "names: " + "[" * 20_000 + "\ntrain: x\n", "nested"
    yield "names: " + "{a: " * 20_000 + "\ntrain: x\n", "nested"
    yield "- names: [a]\n- train: x\nnames: x\ntrain: y", "line"
    yield "names: [" + "a, " * 70_000 + "a]\ntrain: x\n", "names"
    yield "names: [a]\n# " + "x" * (1 << 20) + "\ntrain: x\n", "MiB"
    yield "names: !!python/object/apply:os.system [echo]\ntrain: x\n--- 2\n", "line"


@pytest.mark.parametrize(("data", "named"), list(yaml_files()))
def test_a_data_yaml_that_cannot_be_understood_is_refused_with_the_place(tmp_path: Path, data: Any, named: str) -> None:
    make_yolo(tmp_path, {"a": GOOD_LINE}, data=data)
    with pytest.raises(FormatError) as caught:
        read(tmp_path / "data.yaml" if "names" not in str(data)[:400] else tmp_path, "yolo")
    assert caught.value.path == tmp_path / "data.yaml"
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ("names: [bolt, nut]\nnc: 3\ntrain: images\n", "nc"),
        ("names: [bolt, nut]\nnc: [2]\ntrain: images\n", "nc"),
        ("names: [bolt, nut]\nnc: two\ntrain: images\n", "nc"),
        ("names: [bolt, bolt]\ntrain: images\n", "names[1]"),
        ("names: [bolt, '']\ntrain: images\n", "names[1]"),
        ("names: [bolt, nut]\ntrain: nowhere\n", "train"),
        ("names: [bolt, nut]\ntrain: [images, nowhere]\n", "train[1]"),
        ("names: [bolt, nut]\ntrain: {a: b}\n", "train"),
        ("names: [bolt, nut]\ntrain: [[images]]\n", "train[0]"),
        ("names: [bolt, nut]\ntrain: images\npath: [1]\n", "path"),
        ("names: [bolt, nut]\ntrain: ../../../etc\n", "train"),
        ("names: [bolt, nut]\ntrain: images\nval: /etc/passwd\n", "val"),
        ("names: [bolt, nut]\ntrain: images\nkpt_shape: [17]\n", "kpt_shape"),
        ("names: [bolt, nut]\ntrain: images\nkpt_shape: [17, 9]\n", "kpt_shape"),
        ("names: [bolt, nut]\ntrain: images\nkpt_shape: [a, 2]\n", "kpt_shape"),
        ("names: [bolt, nut]\ntrain: list.txt\n", "line 2"),
    ],
)
def test_an_odd_data_yaml_is_used_and_the_odd_field_named(tmp_path: Path, data: str, where: str) -> None:
    make_yolo(tmp_path, {"a": GOOD_LINE}, data=data)
    (tmp_path / "list.txt").write_text("images/a.png\n../../etc/passwd\n")
    imported = read(tmp_path, "yolo")
    assert imported.box_count == 1
    assert [p.where for p in imported.problems if p.level == "warning"] == [where]


@pytest.mark.parametrize(("data", "named"), [(b"\xff\xfe0\x00 \x00", "UTF-16"), (b"0 " * (33 << 20), "MiB")])
def test_a_text_file_that_is_none_is_refused_and_never_written(tmp_path: Path, data: bytes, named: str) -> None:
    make_yolo(tmp_path, {"a": data, "b": GOOD_LINE}, data="names: [bolt, nut]\n")
    imported = read(tmp_path, "yolo")
    (problem,) = [p for p in imported.problems if p.level == "error"]
    assert (Path(problem.file).name, problem.kind) == ("a.txt", "unreadable-annotation")
    assert named in problem.message
    assert imported.files[0].refused
    assert imported.box_count == 1


# --- labelme -------------------------------------------------------------------------------------------


def sound_shape() -> dict[str, Any]:
    return {"label": "bolt", "points": [[1, 2], [30, 40]], "group_id": None, "shape_type": "rectangle", "flags": {}}


def labelme_shapes() -> Iterator[tuple[Any, str]]:
    """(a bad shape, where the problem must be)"""
    for key, values in {
        "label": (None, 3, "", "  ", ["a"], {}, True),
        "shape_type": ("cuboid", None, 3, [], {}),
        "points": (None, "x", 3, [], [[1, 2]], {}, [[1, 2], [1, 2]], [[1, 2], [1, 40]]),
    }.items():
        for value in values:
            yield {**sound_shape(), key: value}, f"shapes[1].{key}"
        if key != "shape_type":
            yield {k: v for k, v in sound_shape().items() if k != key}, f"shapes[1].{key}"
    for bad in (None, "1", True, [1], {}):
        for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
            points: list[Any] = [[1, 2], [30, 40]]
            points[place[0]][place[1]] = bad
            yield {**sound_shape(), "points": points}, f"shapes[1].points[{place[0]}][{place[1]}]"
    for bad in (1e30, -1e30, 10**400):
        yield {**sound_shape(), "points": [[1, 2], [bad, 40]]}, "shapes[1].points[1][0]"
    for point in (None, 3, "ab", [1], [1, 2, 3], {}):
        yield {**sound_shape(), "points": [[1, 2], point]}, "shapes[1].points[1]"
    yield {**sound_shape(), "shape_type": "polygon"}, "shapes[1].points"
    for value in (None, 3, "x", [], True):
        yield value, "shapes[1]"


@pytest.mark.parametrize(("value", "where"), list(labelme_shapes()))
def test_a_bad_shape_is_named_with_its_field_and_stays(tmp_path: Path, value: Any, where: str) -> None:
    draw_image(tmp_path / "a.png")
    text = json.dumps({"shapes": [sound_shape(), value], "imagePath": "a.png"})
    (tmp_path / "a.json").write_text(text)
    imported = read(tmp_path, "labelme")
    assert imported.box_count == 1
    (problem,) = imported.problems
    assert (Path(problem.file).name, problem.where) == ("a.json", where)
    assert "left out" in problem.action
    kept = codec("labelme").patch(text.encode(), imported.files[0], [imported.record(0)], imported.categories, {})
    assert kept == text.encode()


def labelme_files() -> Iterator[tuple[str | bytes, str]]:
    """(a file that cannot be read, what the problem must name)"""
    good = json.dumps({"shapes": [sound_shape()], "imagePath": "a.png"})
    yield good[:40], "shapes[0]"
    yield good + "x", "more text"
    yield good.replace("30", "NaN"), "NaN"
    yield good.replace("30", "Infinity"), "Infinity"
    yield good.replace("30", "9" * 5000), "shapes[0]"
    yield good.replace('"shapes"', '"shape"'), "shapes"
    yield good.replace('"imagePath"', '"shapes"'), "shapes"
    yield '{"shapes": 3}', "shapes"
    yield '{"shapes": null}', "shapes"
    yield '{"shapes": {}}', "shapes"
    yield '{"shapes": ' + "[" * DEEP, "nested too deeply"
    yield '{"a": ' + "[" * DEEP, "nested too deeply"
    yield "[]", "list"
    yield "", "JSON"
    yield '"shapes"', "JSON"
    yield b'{"shapes": [], "a": "\xff"}', "utf-8"
    yield b"\xff\xfe{", "utf-16"


@pytest.mark.parametrize(("data", "named"), list(labelme_files()))
def test_a_labelme_file_that_cannot_be_read_is_named_and_never_written(tmp_path: Path, data: Any, named: str) -> None:
    draw_image(tmp_path / "a.png")
    draw_image(tmp_path / "b.png")
    (tmp_path / "a.json").write_bytes(data if isinstance(data, bytes) else data.encode())
    (tmp_path / "b.json").write_text(json.dumps({"shapes": [sound_shape()], "imagePath": "b.png"}))
    imported = read(tmp_path, "labelme")
    assert imported.box_count == 1
    (problem,) = imported.problems
    assert (Path(problem.file).name, problem.kind) == ("a.json", "unreadable-annotation")
    assert named in str(problem)
    assert imported.files[0].refused


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("imagePath", 3, "imagePath"),
        ("imagePath", ["a.png"], "imagePath"),
        ("imageWidth", "wide", "imageWidth"),
        ("imageHeight", -1, "imageWidth"),
        ("imageHeight", [48], "imageWidth"),
        ("imageWidth", 1e400, "imageWidth"),
    ],
)
def test_an_odd_head_is_noted_and_the_boxes_are_used(tmp_path: Path, key: str, value: Any, where: str) -> None:
    draw_image(tmp_path / "a.png")
    head = {"imagePath": "a.png", "imageWidth": 64, "imageHeight": 48, key: value}
    text = json.dumps({"shapes": [sound_shape()], **head}).replace("Infinity", "1e400")
    (tmp_path / "a.json").write_text(text)
    imported: Imported = read(tmp_path, "labelme")
    assert {p.where for p in imported.problems} == {where}
    assert {p.level for p in imported.problems} == {"warning"} or imported.files[0].refused
    assert imported.box_count == 1 or imported.files[0].refused


# --- CSV -----------------------------------------------------------------------------------------------

COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
GOOD_ROW = ("a.png", "64", "48", "bolt", "1", "2", "30", "40")


def csv_rows() -> Iterator[tuple[str, str]]:
    """(a bad row, where the problem must be)"""
    for place in range(4, 8):
        for bad in (*(b for b in BAD_NUMBERS if "," not in b), "", "'30'"):
            yield ",".join((*GOOD_ROW[:place], bad, *GOOD_ROW[place + 1 :])), f"line 3: {COLUMNS[place]}"
    for place, where in ((0, "line 3: filename"), (3, "line 3: class")):
        yield ",".join((*GOOD_ROW[:place], " ", *GOOD_ROW[place + 1 :])), where
    for name in ("gone.png", "../a.jpg", "/etc/passwd", "C:\\x.png", "a.png/..", "\\\\host\\x"):
        yield ",".join((name, *GOOD_ROW[1:])), "line 3: filename"
    for count in (1, 2, 4, 7):
        yield ",".join(GOOD_ROW[:count]), "line 3"
    yield ",".join((*GOOD_ROW[:4], "5", "5", "5", "9")), "line 3"
    yield ",".join((*GOOD_ROW[:4], "5", "5", "9", "5")), "line 3"


@pytest.mark.parametrize(("row", "where"), list(csv_rows()))
def test_a_bad_row_is_named_with_its_line_and_field(tmp_path: Path, row: str, where: str) -> None:
    draw_image(tmp_path / "a.png")
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join((",".join(COLUMNS), ",".join(GOOD_ROW), row)) + "\n", encoding="utf-8")
    imported = read(path, "csv")
    assert imported.box_count == 1
    (problem,) = [p for p in imported.problems if p.level == "error"]
    assert (Path(problem.file), problem.where) == (path, where)


@pytest.mark.parametrize("column", ["filename", "class", "xmin", "ymin", "xmax", "ymax"])
def test_a_missing_column_is_refused_with_those_that_are_needed(tmp_path: Path, column: str) -> None:
    draw_image(tmp_path / "a.png")
    path = tmp_path / "boxes.csv"
    kept = [index for index, name in enumerate(COLUMNS) if name != column]
    lines = [",".join(row[index] for index in kept) for row in (COLUMNS, GOOD_ROW)]
    path.write_text("\n".join(lines))
    with pytest.raises(FormatError, match=rf"line 1: names no columns \(.*{column}") as caught:
        read(path, "csv")
    assert caught.value.path == path


@pytest.mark.parametrize("text", ['a.png,1,2,3,4,"nut', 'a.png,1,2,3,4,"nut"x\n', "a" * 200_000 + ",1,2,3,4,nut\n"])
def test_quotes_that_do_not_close_and_fields_without_end_are_refused_with_their_line(tmp_path: Path, text: str) -> None:
    draw_image(tmp_path / "a.png")
    path = tmp_path / "boxes.csv"
    path.write_text("a.png,1,2,30,40,nut\n" + text)
    with pytest.raises(FormatError, match=r"boxes\.csv: line 2: is no sound CSV"):
        read(path, "csv")
