"""What is exported as CSV is read back, and a table that is read and written again has the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Imported, codec
from tests.formats.files import draw_image, read

NAMES = ("bolt", 'Ö, "quoted" & <nut>', "two words", "1")
STYLES = ("csv", "csv-retinanet")
whole = st.integers(-2_000, 9_000)
fine = st.floats(-50, 90, allow_nan=False).map(lambda n: round(n, 4))
extents = st.integers(2, 6_000).map(lambda n: n / 100)


@st.composite
def records(draw: st.DrawFn) -> list[ImageRecord]:
    """Images with boxes on and outside them; unlabelled and empty ones among them."""
    made: list[ImageRecord] = []
    number = 0
    for index, stem in enumerate(sorted(draw(st.sets(st.sampled_from("abcdefg"), min_size=1, max_size=5)))):
        boxes = []
        for _ in range(draw(st.integers(0, 4))):
            number += 1
            x, y = draw(st.one_of(whole, fine)), draw(st.one_of(whole, fine))
            corners = {"x1": x, "y1": y, "x2": x + draw(extents), "y2": y + draw(extents)}
            boxes.append(Box(id=number, category_id=draw(st.integers(1, len(NAMES))), **corners))
        empty = draw(st.sampled_from([ImageState.UNLABELLED, ImageState.CONFIRMED_EMPTY]))
        made.append(
            ImageRecord(
                id=index + 1,
                root=0,
                path=f"{stem}.png",
                width=64,
                height=48,
                state=ImageState.LABELLED if boxes else empty,
                boxes=tuple(boxes),
            )
        )
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for stem in "abcdefg":
        draw_image(folder / f"{stem}.png")
    return folder


def has_boxes(made: list[ImageRecord]) -> bool:
    return any(record.boxes for record in made)


def named_boxes(imported: Imported) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    names = {category.id: category.name for category in imported.categories}
    return {r.path.split("/")[-1]: [(names[b.category_id], b.xyxy) for b in r.boxes] for r in imported.records()}


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=records().filter(has_boxes))
def test_what_is_written_is_read(
    style: str, made: list[ImageRecord], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("out") / "csv"
    dataset = Dataset.from_records(made, categories=make_categories(NAMES), roots=(str(pictures),))
    codec(style).write(dataset, out, ignore, never)
    imported = read(out, "csv")
    assert [p for p in imported.problems if p.level == "error"] == []
    found = named_boxes(imported)
    assert set(found) == {record.path for record in made}
    for record in made:
        wanted = [(NAMES[box.category_id - 1], box.xyxy) for box in record.boxes]
        assert [name for name, _ in found[record.path]] == [name for name, _ in wanted]
        for (_, xyxy), (_, corners) in zip(found[record.path], wanted, strict=True):
            assert xyxy == pytest.approx(corners, abs=0.0051)
    if style == "csv-retinanet":
        states = {image.record.path.split("/")[-1]: image.record.state for image in imported.images}
        assert states == {record.path: record.state for record in made}


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=records().filter(has_boxes))
def test_what_is_read_and_written_again_has_the_same_bytes(
    style: str, made: list[ImageRecord], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("out")
    dataset = Dataset.from_records(made, categories=make_categories(NAMES), roots=(str(pictures),))
    codec(style).write(dataset, folder / "1", ignore, never)
    imported = read(folder / "1", "csv")
    again = Dataset.from_records(imported.records(), categories=imported.categories, roots=imported.roots)
    codec(style).write(again, folder / "2", ignore, never)
    first, second = ({p.name: p.read_bytes() for p in (folder / n).glob("*.csv")} for n in "12")
    assert {n: rows_of(d) for n, d in second.items()} == {n: rows_of(d) for n, d in first.items()}


def rows_of(data: bytes) -> list[bytes]:
    """The lines without the images' folder: an exported folder that is read again has its images in images/."""
    return [line.replace(b"images/", b"") for line in data.splitlines(keepends=True)]
