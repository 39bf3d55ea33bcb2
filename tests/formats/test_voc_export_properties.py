"""What is exported as VOC is read back: boxes, categories, flags, states and splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import codec
from tests.formats.files import draw_image, read

NAMES = ("bolt", "Ö & <nut>", "x" * 300)
STATES = (ImageState.UNLABELLED, ImageState.LABELLED, ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED)
hundredths = st.integers(-2_000, 9_000).map(lambda n: n / 100)
extents = st.integers(1, 6_000).map(lambda n: n / 100)


@st.composite
def records(draw: st.DrawFn) -> list[ImageRecord]:
    made: list[ImageRecord] = []
    number = 0
    for index, stem in enumerate(sorted(draw(st.sets(st.sampled_from("abcdefg"), max_size=5)))):
        boxes = []
        state = draw(st.sampled_from(STATES))
        for _ in range(draw(st.integers(0, 4)) if state in (ImageState.LABELLED, ImageState.VERIFIED) else 0):
            number += 1
            x, y = draw(hundredths), draw(hundredths)
            corners = {"x1": x, "y1": y, "x2": x + draw(extents), "y2": y + draw(extents)}
            flags = BoxFlag(draw(st.integers(0, 7)))
            boxes.append(Box(id=number, category_id=draw(st.integers(1, 3)), flags=flags, **corners))
        if state == ImageState.LABELLED and not boxes:
            state = ImageState.CONFIRMED_EMPTY
        split = draw(st.sampled_from(["", "train", "val", "test"]))
        name = f"{stem}.png"
        made.append(
            ImageRecord(
                id=index + 1, root=0, path=name, width=64, height=48, state=state, split=split, boxes=tuple(boxes)
            )
        )
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for stem in "abcdefg":
        draw_image(folder / f"{stem}.png")
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=records().filter(bool))
def test_what_is_written_is_read(
    made: list[ImageRecord], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("out") / "voc"
    dataset = Dataset.from_records(made, categories=make_categories(NAMES), roots=(str(pictures),))
    codec("voc").write(dataset, out, ignore, never)
    imported = read(out)
    assert [p for p in imported.problems if p.level == "error"] == []
    found = {record.path: record for record in imported.records()}
    assert set(found) == {record.path for record in made}
    has_xml = [record for record in made if record.state != ImageState.UNLABELLED]
    for record in made:
        again = found[record.path]
        assert (again.state, again.split) == (record.state, record.split)
        names = [imported.categories[b.category_id - 1].name for b in again.boxes]
        assert names == [NAMES[b.category_id - 1] for b in record.boxes]
        assert [b.flags for b in again.boxes] == [b.flags for b in record.boxes]
        for box, wanted in zip(again.boxes, record.boxes, strict=True):
            assert box.xyxy == pytest.approx(wanted.xyxy, abs=0.0051)
    if has_xml:
        assert all(file.options["one_based"] is True for file in imported.files)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=records().filter(bool))
def test_what_is_read_and_written_again_has_the_same_bytes(
    made: list[ImageRecord], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("out")
    dataset = Dataset.from_records(made, categories=make_categories(NAMES), roots=(str(pictures),))
    codec("voc").write(dataset, folder / "1", ignore, never)
    imported = read(folder / "1")
    again = Dataset.from_records(imported.records(), categories=imported.categories, roots=imported.roots)
    codec("voc").write(again, folder / "2", ignore, never)
    first, second = (
        {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (folder / "1", folder / "2")
    )
    assert first == second
