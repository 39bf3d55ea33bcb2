"""Every field of a COCO file damaged in every way: file and field are named, nothing vanishes, nothing is written."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import Imported, Source, codec, json_text
from tests.formats.files import draw_image, patch, read
from tests.fuzz.hostile_names import hostile_names, opens_outside
from tests.fuzz.malformed_coco import UNREAD, Case, cases, document

CASES = list(cases())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(2):
        draw_image(folder / f"{number}.png")
    return folder


@pytest.fixture(params=["in one piece", "in many pieces"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in many pieces":
        monkeypatch.setattr(json_text, "_BATCH_CHARS", 100)


def names_the_place(where: str, case: Case) -> bool:
    """The damaged field or something in it. A key that is there twice is named in its record, a corner that is missing
    in its box, and a bracket that is never closed where that shows, later in the same list."""
    record = case.where.rpartition(".")[0]
    if case.damage == "twice":
        return where.startswith(record or case.where)
    if case.damage == "missing" and case.where.endswith("]"):
        return where.startswith(case.where.rpartition("[")[0])
    if case.damage == "unclosed":
        return where.startswith(case.where.partition("[")[0])
    return where.startswith(case.where)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_file_and_field_are_named_and_nothing_vanishes(tmp_path: Path, pictures: Path, case: Case) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(case.text.encode())
    started = time.perf_counter()
    imported, error = attempt(path, pictures)
    assert time.perf_counter() - started < 1.0
    assert path.read_bytes() == case.text.encode()
    if error is not None:
        assert error.path == path
        assert names_the_place(error.where, case)
        assert str(error).endswith(".")
    if imported is not None:
        assert not case.broken
        assert all(p.file == str(path) and p.message.endswith(".") and p.action for p in imported.problems)
        check_named(imported, case)
        check_complete(imported, path)
        assert patch(imported, *imported.records()) == path.read_bytes()


def attempt(path: Path, images: Path) -> tuple[Imported | None, FormatError | None]:
    try:
        return read(path, "coco", images=images), None
    except FormatError as error:
        return None, error


def check_named(imported: Imported, case: Case) -> None:
    """The damage is named, unless it is in what is not read, or makes another sound value."""
    if case.where in UNREAD or is_sound(case):
        return
    assert [p for p in imported.problems if names_the_place(p.where, case)], case.name


def is_sound(case: Case) -> bool:
    """Damages that are none: another number where any will do, an optional key that is not there."""
    field = case.where.partition("].")[2]
    numbers, texts = (
        ("negative", "fraction", "long number", "longer number"),
        ("text", "empty text", "blank text", "number as text", "half a surrogate"),
    )
    if case.where in ("annotations", "categories"):
        return case.damage in ("missing", "empty list")
    if not field:
        return case.damage == "missing"
    if case.where == "annotations[1].id":
        return case.damage in ("missing", "null", "negative", "long number", "longer number", "huge", *texts)
    if field == "id":
        return case.damage in ("negative", "long number", "longer number", "huge", *texts)
    if field in ("width", "height"):
        return case.damage in ("missing", "null")
    if field == "name":
        return case.damage in ("text", "number as text", "half a surrogate")
    if field.startswith("bbox["):
        position = field[5] in "01"
        return case.damage == "fraction" or (case.damage == "negative" and position)
    return case.damage in numbers and field == ""


def check_complete(imported: Imported, path: Path) -> None:
    """Every annotation is a box or a problem, or its image or its category is one; every image is there or named."""
    data = json_text.parse(path.read_bytes(), path, {"images": ignore, "annotations": ignore}).arrays
    boxes = {box.place for record in imported.records() for box in record.boxes}
    named = {p.where.partition(".")[0].partition("]")[0] for p in imported.problems}
    named |= {p.where.split(".")[0].rstrip("]") for p in imported.problems}
    for index in range(len(data["annotations"]) if "annotations" in data else 0):
        assert index in boxes or f"annotations[{index}" in named or any(n.startswith("images[") for n in named)
    used = {image.place for image in imported.images}
    for index in range(len(data["images"])):
        assert index in used or f"images[{index}" in named


def ignore(_first: int, _records: list[object]) -> None:
    """Batches that are only counted."""


def test_there_are_many_of_them() -> None:
    assert len(CASES) >= 500


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"images": ' + "[" * 200_000,
        '{"info": ' + '{"a":' * 200_000,
        '{"images": [], "annotations": [' + '{"a":[' * 100_000,
        '{"images": [' + "1" * 1_000_000,
        '{"images": [{"id": NaN}]}',
        '{"x": Infinity, "images": []}',
    ],
    ids=["list", "images", "object", "annotations", "digits", "nan", "infinity"],
)
def test_bombs_are_refused_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    started = time.perf_counter()
    with pytest.raises(FormatError) as caught:
        read(path, "coco", images=tmp_path)
    assert time.perf_counter() - started < 1.0
    assert caught.value.path == path


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with path.open("wb") as file:
        file.truncate(json_text.MAX_BYTES + 1)
    started = time.perf_counter()
    with pytest.raises(FormatError, match="larger than 2 GiB"):
        read(path, "coco", images=tmp_path)
    assert time.perf_counter() - started < 0.5


def test_hostile_file_names_open_nothing_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret" / "0.png"
    draw_image(secret)
    data = tmp_path / "data"
    draw_image(data / "images" / "ok.png")
    (data / "images" / "linked.png").symlink_to(secret)
    names = [*hostile_names(secret), "linked.png"]
    assert len(names) >= 100
    value = document()
    value["images"] = [{"id": 10, "file_name": "ok.png"}]
    value["images"] += [{"id": 100 + i, "file_name": name} for i, name in enumerate(names)]
    value["annotations"] += [
        {"id": 100 + i, "image_id": 100 + i, "category_id": 3, "bbox": [1, 1, 5, 5]} for i in range(len(names))
    ]
    path = data / "c.json"

    path.write_text(json.dumps(value))
    with opens_outside(data) as opened:
        imported = codec("coco").read(Source(path=path, images=data / "images"), lambda _: None, lambda: False)
    assert opened == []
    assert [image.record.path for image in imported.images] == ["ok.png"]
    assert {f"images[{i + 1}].file_name" for i in range(len(names))} <= {p.where for p in imported.problems}
