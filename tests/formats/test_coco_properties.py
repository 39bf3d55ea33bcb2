"""What holds for every COCO file and every series of edits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Imported, codec, json_text
from tests.formats.files import draw_image, patch, read

FLAGS = [BoxFlag.NONE, BoxFlag.CROWD, BoxFlag.DIFFICULT, BoxFlag.TRUNCATED | BoxFlag.OCCLUDED]
hundredths = st.integers(0, 4000).map(lambda n: n / 100)
sizes = st.integers(1, 2000).map(lambda n: n / 100)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
extras = st.dictionaries(
    st.sampled_from(["score", "track_id", "licence", 'a "b"', "größe", "x:{[,"]), values, max_size=3
)
ids = st.one_of(
    st.integers(0, 50), st.text("abc01", min_size=1, max_size=4), st.integers(10**18, 10**22), st.integers(-5, 0)
)


@st.composite
def corners(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x, y, w, h = draw(hundredths), draw(hundredths), draw(sizes), draw(sizes)
    return x, y, round(x + w, 2), round(y + h, 2)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Sound files of two images, with ids of any kind, keys that nobody knows, and keys in any order."""
    image_ids = draw(st.lists(ids, min_size=2, max_size=2, unique_by=str))
    category_ids = draw(st.lists(ids, min_size=1, max_size=3, unique_by=str))
    images = [
        {"id": key, "file_name": f"{i}.png", "width": 64, "height": 48, **draw(extras)}
        for i, key in enumerate(image_ids)
    ]
    annotations = []
    for number in range(draw(st.integers(0, 6))):
        x1, y1, x2, y2 = draw(corners())
        record = {
            "id": draw(st.just(number) | ids),
            "image_id": draw(st.sampled_from(image_ids)),
            "category_id": draw(st.sampled_from(category_ids)),
            "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
            **draw(extras),
        }
        record.update(draw(st.sampled_from([{}, {"iscrowd": 0}, {"iscrowd": 1}, {"area": 3.5}, {"segmentation": []}])))
        annotations.append(dict(draw(st.permutations(list(record.items())))))
    categories = [{"id": key, "name": f"name {i}", **draw(extras)} for i, key in enumerate(category_ids)]
    top = {"images": images, "annotations": annotations, "categories": categories, "info": draw(values)}
    return dict(draw(st.permutations(list(top.items()))))


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t"), (",", ": ")]))
    return {
        "indent": draw(st.sampled_from([None, 0, 1, 4, "\t"])),
        "separators": separators,
        "ensure_ascii": draw(st.booleans()),
    }


@contextmanager
def pieces(size: int) -> Iterator[None]:
    """Lists are parsed in pieces of this many characters."""
    with pytest.MonkeyPatch.context() as change:
        change.setattr(json_text, "_BATCH_CHARS", size)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("coco")
    for number in range(2):
        draw_image(place / f"{number}.png")
    return place


@settings(max_examples=150, deadline=None)
@given(document=documents(), layout=layouts(), size=st.sampled_from([40, 200, 1 << 20]))
def test_any_file_is_read_and_comes_back_as_it_was(
    folder: Path, document: dict[str, Any], layout: dict[str, Any], size: int
) -> None:
    data = json.dumps(document, **layout).encode()
    (folder / "c.json").write_bytes(data)
    with pieces(size):
        imported = read(folder / "c.json", "coco")
        assert imported.box_count == len(document["annotations"])
        assert patch(imported, *imported.records(), original=data) is data
    names = {category["id"]: category["name"] for category in document["categories"]}
    here = {category.id: category.name for category in imported.categories}
    boxes = {box.place: box for record in imported.records() for box in record.boxes}
    for place, record in enumerate(document["annotations"]):
        x, y, w, h = record["bbox"]
        assert boxes[place].xyxy == (x, y, x + w, y + h)
        assert here[boxes[place].category_id] == names[record["category_id"]]
        assert boxes[place].crowd == bool(record.get("iscrowd"))


edits = st.lists(
    st.tuples(
        st.sampled_from(["move", "delete", "add", "category", "crowd", "undo"]),
        st.integers(0, 20),
        corners(),
        st.integers(0, 2),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(document=documents(), layout=layouts(), size=st.sampled_from([40, 1 << 20]), series=edits)
def test_any_series_of_edits_is_in_the_file_and_can_be_undone(
    folder: Path, document: dict[str, Any], layout: dict[str, Any], size: int, series: list[tuple[Any, ...]]
) -> None:
    data = json.dumps(document, **layout).encode()
    (folder / "c.json").write_bytes(data)
    with pieces(size):
        imported = read(folder / "c.json", "coco")
        steps = [list(imported.records())]
        for number, step in enumerate(series):
            if step[0] == "undo" and len(steps) > 1:
                steps.pop()
            else:
                steps.append(edited(steps[-1], step, 100 + number, imported))
            check_file(data, document, patch(imported, *steps[-1], original=data), steps[-1], imported)
        assert patch(imported, *steps[0], original=data) is data


def edited(records: list[ImageRecord], step: tuple[Any, ...], number: int, imported: Imported) -> list[ImageRecord]:
    kind, choice, xyxy, category = step
    category_id = imported.categories[category % len(imported.categories)].id
    if kind == "add":
        x1, y1, x2, y2 = xyxy
        new = Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=category_id)
        at = choice % 2
        return [replace(r, boxes=(*r.boxes, new)) if i == at else r for i, r in enumerate(records)]
    every = [(i, box) for i, record in enumerate(records) for box in record.boxes]
    if not every:
        return records
    at, old = every[choice % len(every)]
    changed = {
        "move": (old.moved_to(*xyxy),),
        "delete": (),
        "category": (replace(old, category_id=category_id),),
        "crowd": (replace(old, flags=old.flags ^ BoxFlag.CROWD),),
        "undo": (old,),
    }[kind]
    record = records[at]
    boxes = tuple(b for box in record.boxes for b in (changed if box is old else (box,)))
    return [replace(record, boxes=boxes) if i == at else r for i, r in enumerate(records)]


def check_file(
    data: bytes, document: dict[str, Any], after: bytes | None, records: list[ImageRecord], imported: Imported
) -> None:
    """The file says what the records say; what no edit touched is as it was; unknown keys are all there."""
    assert after is not None
    found = json.loads(after)
    assert {key: found[key] for key in document if key != "annotations"} == {
        key: document[key] for key in document if key != "annotations"
    }
    names = {category["id"]: category["name"] for category in document["categories"]}
    here = {category.id: category.name for category in imported.categories}
    image_ids = [image["id"] for image in document["images"]]
    wanted = sorted(
        (str(image_ids[i]), here[b.category_id], b.crowd, *hundredths_of(b.xyxy))
        for i, r in enumerate(records)
        for b in r.boxes
    )
    got = sorted(
        (str(a["image_id"]), names[a["category_id"]], bool(a.get("iscrowd")), *hundredths_of(from_bbox(a["bbox"])))
        for a in found["annotations"]
    )
    assert got == wanted
    kept = sorted(box.place for record in records for box in record.boxes if box.place is not None)
    for place, record in zip(kept, found["annotations"], strict=False):
        before = document["annotations"][place]
        own = {"bbox", "area", "category_id", "iscrowd"}
        assert {k: v for k, v in record.items() if k not in own} == {k: v for k, v in before.items() if k not in own}
    assert (after == data) == (after is data)


def hundredths_of(xyxy: tuple[float, float, float, float]) -> list[float]:
    """Corners as files hold them, without the noise of adding floats."""
    return [round(v, 2) for v in xyxy]


def from_bbox(bbox: list[float]) -> tuple[float, float, float, float]:
    x, y, w, h = bbox
    return x, y, x + w, y + h


@settings(max_examples=40, deadline=None)
@given(
    boxes=st.lists(st.tuples(st.integers(0, 1), corners(), st.integers(1, 3), st.sampled_from(FLAGS)), max_size=8),
    splits=st.lists(st.sampled_from(["train", "val", ""]), min_size=2, max_size=2),
)
def test_what_is_exported_is_read_back(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[Any, ...]], splits: list[str]
) -> None:
    categories = make_categories(["bolt", "hex nut", "große Mutter"])
    records = []
    for number in range(2):
        own = tuple(
            Box(id=i + 1, x1=x1, y1=y1, x2=x2, y2=y2, category_id=category, flags=flags)
            for i, (image, (x1, y1, x2, y2), category, flags) in enumerate(boxes)
            if image == number
        )
        state = ImageState.LABELLED if own else ImageState.CONFIRMED_EMPTY
        records.append(
            ImageRecord(
                id=number + 1,
                root=0,
                path=f"{number}.png",
                width=64,
                height=48,
                state=state,
                split=splits[number],
                boxes=own,
            )
        )
    dataset = Dataset.from_records(records, categories=categories, roots=[str(folder)])
    out = tmp_path_factory.mktemp("out") / "coco"
    codec("coco").write(dataset, out, ignore, never)
    again = read(out, "coco", empty="confirmed")
    assert not again.problems
    names = {category.id: category.name for category in again.categories}
    found = {record.path.rpartition("/")[2]: record for record in again.records()}
    for record in records:
        copy = found[record.path]
        assert (copy.width, copy.height, copy.state, copy.split) == (64, 48, record.state, record.split or copy.split)
        wanted = [(categories[b.category_id - 1].name, b.flags, b.xyxy) for b in record.boxes]
        assert [(names[b.category_id], b.flags) for b in copy.boxes] == [w[:2] for w in wanted]
        for box, (*_, xyxy) in zip(copy.boxes, wanted, strict=True):
            assert box.xyxy == pytest.approx(xyxy, abs=0.011)
