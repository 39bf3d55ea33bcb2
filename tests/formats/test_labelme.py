"""labelme files are read, patched in their own text, written, and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import Imported, LinkedFile, codec, sniff
from rcnn_studio.formats.labelme_patch import parse
from rcnn_studio.formats.labelme_record import Shape, read_shape
from tests.formats.files import changed_parts, draw_image, of_kind, patch, plus_box, read, with_box, without_box

PICTURE = "iVBORw0KGgo" * 20


def shape(label: str, points: Any, kind: str = "rectangle", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def document(*shapes: Any, image_path: Any = "a.png", **more: Any) -> dict[str, Any]:
    return {
        "version": "5.4.1",
        "flags": {"reviewed": True},
        "shapes": list(shapes),
        "imagePath": image_path,
        "imageData": PICTURE,
        "imageHeight": 48,
        "imageWidth": 64,
        **more,
    }


def make(folder: Path, files: dict[str, Any]) -> Path:
    """An image for each stem, and its JSON unless that is None."""
    for stem, content in files.items():
        draw_image(folder / f"{stem}.png")
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            (folder / f"{stem}.json").write_text(text, encoding="utf-8")
    return folder


def one(tmp_path: Path, content: Any) -> Imported:
    return read(make(tmp_path, {"a": content}), "labelme")


def names(imported: Imported) -> list[str]:
    return [category.name for category in imported.categories]


def test_rectangles_arrive_with_their_corners_in_any_order(tmp_path: Path) -> None:
    imported = one(tmp_path, document(shape("nut", [[40.5, 10], [8, 30.25]]), shape("bolt", [[1, 2], [3, 4]])))
    assert sniff(tmp_path).name == "labelme"
    assert [b.xyxy for b in imported.record(0).boxes] == [(8, 10, 40.5, 30.25), (1, 2, 3, 4)]
    assert names(imported) == ["bolt", "nut"]
    assert [b.category_id for b in imported.record(0).boxes] == [2, 1]
    assert not imported.problems


def test_no_json_is_unlabelled_and_one_without_shapes_says_nothing_is_there(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "a": document(image_path="a.png"),
            "b": None,
            "c": document(shape("x", [[1, 1]]), image_path="c.png"),
            "d": document(shape("x", [[1, 1], [2, 2]], "line"), image_path="d.png"),
        },
    )
    imported = read(tmp_path, "labelme")
    assert [image.record.state for image in imported.images] == [
        ImageState.CONFIRMED_EMPTY,
        ImageState.UNLABELLED,
        ImageState.NEEDS_FIX,
        ImageState.NEEDS_FIX,
    ]


def test_polygons_give_their_box_and_other_shapes_are_spoken_of_once(tmp_path: Path) -> None:
    polygon = shape("bolt", [[10, 10], [30, 12], [20, 40]], "polygon")
    imported = one(tmp_path, document(polygon, polygon, shape("scratch", [[1, 1], [5, 5]], "line")))
    assert [b.xyxy for b in imported.record(0).boxes] == [(10, 10, 30, 40)] * 2
    assert [(p.where, p.kind, p.level) for p in imported.problems] == [
        ("shapes[0]", "more-than-a-box", "note"),
        ("shapes[2]", "no-box", "note"),
    ]


def test_flags_of_shapes_are_read_as_marks(tmp_path: Path) -> None:
    flagged = shape("bolt", [[1, 1], [9, 9]], flags={"difficult": True, "occluded": True, "mine": True})
    imported = one(tmp_path, document(flagged, shape("bolt", [[1, 1], [9, 9]], difficult=True)))
    assert [b.flags for b in imported.record(0).boxes] == [
        BoxFlag.DIFFICULT | BoxFlag.OCCLUDED,
        BoxFlag.DIFFICULT,
    ]


def test_an_image_is_found_by_its_relative_path(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.png")
    draw_image(tmp_path / "images" / "b.png")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "x.json").write_text(
        json.dumps(document(shape("s", [[1, 1], [9, 9]]), image_path="..\\images\\b.png"))
    )
    imported = read(tmp_path, "labelme")
    assert [image.record.state for image in imported.images] == [ImageState.UNLABELLED, ImageState.LABELLED]
    assert not imported.problems


def test_a_new_json_is_planned_where_its_neighbours_are(tmp_path: Path) -> None:
    draw_image(tmp_path / "images" / "a.png")
    draw_image(tmp_path / "images" / "b.png")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "a.json").write_text(json.dumps(document(image_path="../images/a.png")))
    planned = read(tmp_path, "labelme").files[1]
    assert (planned.exists, Path(planned.path)) == (False, tmp_path / "json" / "b.json")
    assert planned.options["image_path"] == "../images/b.png"


@pytest.mark.parametrize("path", ["C:\\Users\\me\\pictures\\a.png", "/home/me/a.png", "../../../a.png", "b.jpg", ""])
def test_a_path_of_another_machine_is_noted_and_the_image_of_the_name_is_used(tmp_path: Path, path: str) -> None:
    imported = one(tmp_path, document(shape("s", [[1, 1], [9, 9]]), image_path=path))
    assert imported.box_count == 1
    assert [(p.where, p.level) for p in of_kind(imported, "other-path")] == [("imagePath", "warning")]


def test_folders_called_train_and_valid_are_splits(tmp_path: Path) -> None:
    make(tmp_path / "train", {"a": document()})
    make(tmp_path / "valid", {"a": document()})
    assert [i.record.split for i in read(tmp_path, "labelme").images] == ["train", "val"]


def test_a_broken_file_is_refused_named_and_never_written(tmp_path: Path) -> None:
    make(tmp_path, {"a": '{"shapes": [{"label": "a", ', "b": document(image_path="b.png")})
    imported = read(tmp_path, "labelme")
    assert [(Path(p.file).name, p.kind) for p in imported.problems] == [("a.json", "unreadable-annotation")]
    assert imported.files[0].refused
    assert codec("labelme").patch(b"{", imported.files[0], [imported.record(0)], (), {}) == b"{"


def test_two_files_for_one_image_are_named(tmp_path: Path) -> None:
    make(tmp_path, {"a": document()})
    (tmp_path / "z.json").write_text(json.dumps(document()))
    assert [Path(p.file).name for p in of_kind(read(tmp_path, "labelme"), "second-annotation")] == ["z.json"]


def test_a_json_without_image_is_named(tmp_path: Path) -> None:
    make(tmp_path, {"a": document()})
    (tmp_path / "gone.json").write_text(json.dumps(document(image_path="gone.jpg")))
    assert [Path(p.file).name for p in of_kind(read(tmp_path, "labelme"), "missing-image")] == ["gone.json"]


def test_a_wrong_size_is_noted(tmp_path: Path) -> None:
    imported = one(tmp_path, document(imageWidth=640))
    assert [(p.where, p.kind) for p in imported.problems] == [("imageWidth", "size-mismatch")]


def test_nothing_changed_gives_the_very_bytes(tmp_path: Path) -> None:
    text = json.dumps(document(shape("bolt", [[1.50, 2], [30, 40.125]], mine=[1, 2.50])), indent=1)
    imported = one(tmp_path, text)
    original = (tmp_path / "a.json").read_bytes()
    assert patch(imported, imported.record(0)) == original


def test_a_moved_box_changes_its_own_numbers_only(tmp_path: Path) -> None:
    imported = one(tmp_path, document(shape("bolt", [[40, 10], [8, 30]]), shape("nut", [[1, 1], [9, 9]])))
    original = (tmp_path / "a.json").read_bytes()
    after = patch(imported, with_box(imported.record(0), 0, x1=9.25, x2=41.25))
    assert changed_parts(original, after or b"") == [("40,", "41.25,"), ("8,", "9.25,")]


def test_a_polygon_moves_and_stretches_with_its_box(tmp_path: Path) -> None:
    imported = one(tmp_path, document(shape("bolt", [[10, 10], [30, 10], [20, 40]], "polygon")))
    moved = patch(imported, with_box(imported.record(0), 0, x1=10.0, x2=50.0))
    assert json.loads(moved or b"")["shapes"][0]["points"] == [[10, 10], [50, 10], [30, 40]]


def test_a_removed_box_takes_its_shape_and_what_has_no_box_stays(tmp_path: Path) -> None:
    line = shape("scratch", [[1, 1], [5, 5]], "line")
    imported = one(tmp_path, document(shape("bolt", [[1, 1], [9, 9]]), line, shape("nut", [[2, 2], [9, 9]])))
    after = json.loads(patch(imported, without_box(imported.record(0), 0)) or b"")
    assert [s["label"] for s in after["shapes"]] == ["scratch", "nut"]
    assert after["imageData"] == PICTURE


def test_a_new_box_becomes_a_rectangle_in_the_file_s_style(tmp_path: Path) -> None:
    imported = one(tmp_path, document(shape("ボルト", [[1, 1], [9, 9]])))
    after = patch(imported, plus_box(imported.record(0), (3, 4, 20.5, 30))) or b""
    made = json.loads(after)["shapes"][1]
    assert (made["label"], made["points"], made["shape_type"]) == ("ボルト", [[3, 4], [20.5, 30]], "rectangle")
    assert after.startswith((tmp_path / "a.json").read_bytes().rpartition(b"\n    }\n  ],")[0])


def test_flags_and_category_are_set_where_they_stand(tmp_path: Path) -> None:
    imported = one(
        tmp_path,
        document(
            shape("bolt", [[1, 1], [9, 9]], flags={"difficult": False, "mine": True}), shape("nut", [[2, 2], [9, 9]])
        ),
    )
    after = patch(imported, with_box(imported.record(0), 0, flags=BoxFlag.DIFFICULT | BoxFlag.CROWD, category_id=2))
    made = json.loads(after or b"")["shapes"][0]
    assert made["flags"] == {"difficult": True, "mine": True, "crowd": True}
    assert made["label"] == "nut"


def test_the_first_box_makes_the_file_as_labelme_would(tmp_path: Path) -> None:
    make(tmp_path, {"a": None, "b": document(image_path="b.png")})
    imported = read(tmp_path, "labelme")
    record = replace(imported.record(0), boxes=())
    assert patch(imported, record) is None
    categories = make_categories(["bolt"])
    file = imported.files[0]
    made = codec("labelme").patch(None, file, [plus_box(record, (1, 2, 30, 40))], categories, {})
    read_again = json.loads(made or b"")
    assert (read_again["imagePath"], read_again["imageData"]) == ("a.png", None)
    assert (read_again["imageWidth"], read_again["imageHeight"]) == (64, 48)
    assert read_again["shapes"][0]["points"] == [[1, 2], [30, 40]]


def test_bytes_are_read_again_as_one_image(tmp_path: Path) -> None:
    imported = one(tmp_path, document(shape("bolt", [[1, 1], [9, 9]])))
    theirs = json.dumps(document(shape("nut", [[2, 3], [4, 5]]), shape("bolt", [[1, 1], [9, 9]]))).encode()
    again = codec("labelme").reread(theirs, imported.files[0], imported.record(0), imported.categories)
    assert [(b.xyxy, b.category_id, b.place) for b in again.record(0).boxes] == [
        ((2, 3, 4, 5), 2, 0),
        ((1, 1, 9, 9), 1, 1),
    ]
    assert names(again) == ["bolt", "nut"]
    with pytest.raises(FormatError, match="shapes"):
        codec("labelme").reread(b"{}", imported.files[0], imported.record(0), imported.categories)


# --- any file ------------------------------------------------------------------------------------------

NUMBER = st.one_of(st.integers(-50, 500), st.floats(-50, 500).map(lambda v: round(v, 3)))
POINT = st.tuples(NUMBER, NUMBER).map(list)
LABEL = st.text(max_size=6)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
SHAPES = st.one_of(
    st.builds(
        lambda label, points, kind, flags, more: {
            "label": label,
            "points": points,
            "shape_type": kind,
            "flags": flags,
            **({"mine": more} if more is not None else {}),
        },
        LABEL,
        st.lists(POINT, max_size=5),
        st.sampled_from(["rectangle", "polygon", "line", "mask", "other"]),
        st.one_of(st.none(), st.dictionaries(st.sampled_from(["difficult", "crowd", "x"]), st.booleans())),
        JSON,
    ),
    JSON,
)
FILE = LinkedFile(path="a.json", format="labelme")


def record_of(data: bytes) -> tuple[ImageRecord, tuple[str, ...]]:
    """The boxes of such a file as the codec reads them, and the names of its categories."""
    shapes = [s for index, value in enumerate(parse(data, "")[1]) if isinstance(s := read_shape(value, index), Shape)]
    labels = sorted({s.label for s in shapes} | {"extra"})
    boxes = tuple(
        Box(
            id=number,
            x1=s.xyxy[0],
            y1=s.xyxy[1],
            x2=s.xyxy[2],
            y2=s.xyxy[3],
            category_id=labels.index(s.label) + 1,
            flags=s.flags,
            source=BoxSource.IMPORTED,
            place=s.index,
        )
        for number, s in enumerate(shapes, start=1)
    )
    return ImageRecord(id=1, root=0, path="a.png", width=64, height=48, boxes=boxes), tuple(labels)


@settings(max_examples=300, deadline=None)
@given(
    shapes=st.lists(SHAPES, max_size=5),
    indent=st.sampled_from([None, 1, 2, "\t"]),
    ascii_only=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_any_file_comes_back_and_what_is_written_is_read_back(shapes, indent, ascii_only: bool, random) -> None:
    text = json.dumps({"a": 1, "shapes": shapes, "imagePath": "a.png"}, indent=indent, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass" if ascii_only else "replace")
    record, labels = record_of(data)
    categories = make_categories(labels)
    assert codec("labelme").patch(data, FILE, [record], categories, {}) == data
    boxes = []
    for box in record.boxes:
        choice = random.random()
        if choice < 0.25:
            continue
        if choice < 0.75:
            x, y = random.uniform(0, 40), random.uniform(0, 30)
            x2, y2 = x + random.uniform(1, 20), y + random.uniform(1, 15)
            flags = random.choice([BoxFlag.NONE, BoxFlag.DIFFICULT, BoxFlag.CROWD | BoxFlag.OCCLUDED, box.flags])
            box = replace(box, x1=x, y1=y, x2=x2, y2=y2, category_id=random.randint(1, len(labels)), flags=flags)
        boxes.append(box)
    if random.random() < 0.5:
        boxes.append(Box(id=99, x1=1.25, y1=2, x2=30, y2=40, category_id=len(labels), flags=BoxFlag.TRUNCATED))
    now = replace(record, boxes=tuple(boxes))
    written = codec("labelme").patch(data, FILE, [now], categories, {})
    assert written is not None
    found, found_labels = record_of(written)
    assert [found_labels[b.category_id - 1] for b in found.boxes] == [labels[b.category_id - 1] for b in boxes]
    assert [b.flags for b in found.boxes] == [b.flags for b in boxes]
    for a, b in zip(found.boxes, boxes, strict=True):
        assert a.xyxy == pytest.approx(b.xyxy, abs=0.011)
    kept = [v for i, v in enumerate(shapes) if not isinstance(read_shape(json.loads(json.dumps(v)), i), Shape)]
    after = [v for i, v in enumerate(json.loads(written)["shapes"]) if not isinstance(read_shape(v, i), Shape)]
    assert len(kept) == len(after)
