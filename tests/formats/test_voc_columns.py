"""A large VOC dataset is read into columns, block by block: what comes out is the same wherever the blocks end."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.domain.progress import Progress, never
from rcnn_studio.formats import Imported, Source, codec, images, voc_rows
from rcnn_studio.formats.voc_record import VocObject
from tests.formats.files import draw_image, make_voc, of_kind, read, voc_object, voc_text

BROKEN = b"<annotation><object>"
CORNERS = [(5, 6, 20, 30), (0.5, 1, 9.25, 12), (10.1, 2, 30.3, 40), (30, 40, 3, 2), (7, 7, 7, 20), (4, 4, 4, 4)]


def dataset(folder: Path) -> Path:
    """Files with whole, half and odd numbers, a file that is no XML in the middle, one without objects, and an image
    without a file."""
    texts: dict[str, str | bytes | None] = {
        f"img{number}": voc_text("".join(voc_object(f"name{c}", CORNERS[(number + c) % 6]) for c in range(3)))
        for number in range(9)
    }
    return make_voc(folder, texts | {"img4": BROKEN, "img5": voc_text(""), "img6": None})


def everything(imported: Imported) -> list[object]:
    files = [(file.path, dict(file.options), file.exists, file.hash) for file in imported.files]
    return [list(imported.records()), files, imported.problems, imported.categories, imported.splits()]


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("one_based", [False, True])
def test_an_import_is_the_same_wherever_its_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, one_based: bool
) -> None:
    folder = dataset(tmp_path)
    at_once = read(folder, one_based=one_based)
    monkeypatch.setattr(voc_rows, "_ROWS_A_BLOCK", rows)
    monkeypatch.setattr(voc_rows, "_NUMBERS_A_BLOCK", 4 * rows)
    assert everything(read(folder, one_based=one_based)) == everything(at_once)
    assert {box.xyxy[2] for record in at_once.records() for box in record.boxes} >= {20, 9.25, 30.3}


def test_one_bad_file_in_the_middle_leaves_the_others_their_boxes(tmp_path: Path) -> None:
    imported = read(dataset(tmp_path))
    states = {Path(i.record.path).stem: i.record.state for i in imported.images}
    assert [name for name, state in states.items() if state == ImageState.NEEDS_FIX] == ["img4"]
    assert (states["img5"], states["img6"]) == (ImageState.CONFIRMED_EMPTY, ImageState.UNLABELLED)
    assert imported.boxes.counts()[4:7].tolist() == [0, 0, 0]
    assert [b.place for b in imported.record(7).boxes] == [0, 1, 2]
    assert [b.place for b in imported.record(8).boxes] == [0, 1]  # its third object, 7, 7, 7, 20, has no area
    assert [b.xyxy for b in imported.record(8).boxes] == [(10.1, 2, 30.3, 40), (3, 2, 30, 40)]
    refused = of_kind(imported, "unreadable-annotation")
    assert [Path(p.file).name for p in refused] == ["img4.xml"]
    assert [file.refused != "" for file in imported.files] == [number == 4 for number in range(9)]


def test_boxes_follow_their_images_where_the_files_are_in_another_order(tmp_path: Path) -> None:
    texts = {
        "1": voc_text(voc_object("bolt", (1, 1, 11, 11)), filename="z.png"),
        "2": voc_text(voc_object("bolt", (2, 2, 22, 22)), filename="gone.png"),
        "3": voc_text(voc_object("nut", (3, 3, 33, 33)), filename="a.png"),
    }
    folder = make_voc(tmp_path, dict.fromkeys(["a", "m", "z"]))
    for name, text in texts.items():
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    imported = read(folder)
    found = [(record.path, [box.xyxy[0] for box in record.boxes]) for record in imported.records()]
    assert found == [("a.png", [3]), ("m.png", []), ("z.png", [1])]
    assert [Path(file.path).name for file in imported.files] == ["3.xml", "m.xml", "1.xml"]
    assert [b.id for record in imported.records() for b in record.boxes] == [1, 2]
    assert [Path(p.file).name for p in of_kind(imported, "missing-image")] == ["2.xml"]


def test_two_claims_on_one_image_far_apart_are_noticed(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(120)]
    folder = make_voc(tmp_path, {name: voc_text("", filename=f"{name}.png") for name in names})
    (folder / "Annotations" / "zzz.xml").write_text(voc_text("", filename="000.png"))
    draw_image(folder / "JPEGImages" / "119.jpg")
    imported = read(folder)
    assert [Path(p.file).name for p in of_kind(imported, "second-annotation")] == ["zzz.xml"]
    assert [Path(p.file).name for p in of_kind(imported, "shared-stem")] == ["119.jpg"]
    paths = [Path(file.path).name for file in imported.files]
    assert len(set(paths)) == len(paths) == 121
    assert sorted(paths)[-2:] == ["119.jpg.xml", "119.xml"]


@pytest.mark.parametrize("step", ["Reading annotations", "Reading image headers"])
def test_reading_can_be_stopped_in_the_middle(tmp_path: Path, step: str) -> None:
    folder = make_voc(tmp_path, {f"{number:03}": voc_text("") for number in range(120)})
    seen: list[Progress] = []

    def in_the_middle() -> bool:
        return bool(seen) and seen[-1].text == step and seen[-1].done == 50

    with pytest.raises(Cancelled):
        codec("voc").read(Source(path=folder), seen.append, in_the_middle)
    assert seen[-1] == Progress(step, 50, 120)


corner = st.one_of(st.integers(0, 10**6).map(float), st.floats(-(10**6), 10**6))
rows_of_corners = st.lists(st.tuples(corner, corner, corner, corner), max_size=12)


@given(st.lists(rows_of_corners, max_size=4), st.integers(1, 9))
def test_numbers_come_out_as_they_went_in_however_few_bits_they_take(
    files: list[list[tuple[float, float, float, float]]], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voc_rows, "_NUMBERS_A_BLOCK", block)
        patch.setattr(voc_rows, "_ROWS_A_BLOCK", block)
        collector = voc_rows.RowCollector()
        for raws in files:
            collector.add(VocObject(i, "bolt", BoxFlag.NONE, raw, ()) for i, raw in enumerate(raws))
        rows = collector.finish(one_based=True)
    wanted = [raw for raws in files for raw in raws]
    assert [tuple(row) for row in rows.raw.tolist()] == wanted
    assert rows.places.tolist() == [place for raws in files for place in range(len(raws))]
    eighths = all(number * 8 == round(number * 8) for row in wanted for number in row)
    assert rows.raw.dtype == (np.float32 if eighths else np.float64)


def peak_of_an_import(folder: Path) -> int:
    """Most bytes that reading the folder takes beyond what was there before."""
    gc.collect()
    tracemalloc.start()
    try:
        imported = codec("voc").read(Source(path=folder), lambda _: None, never)
        assert imported.box_count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_image_with_ten_boxes_takes_less_than_a_kilobyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = "".join(voc_object("bolt", (1 + n, 2, 20 + n, 30)) for n in range(10))
    known = images.inspect(draw_image(tmp_path / "picture.png"))
    monkeypatch.setattr(images, "inspect", lambda _path: known)
    sizes: Sequence[int] = (200, 1200)
    for size in sizes:
        for part in ("Annotations", "JPEGImages"):
            (tmp_path / str(size) / part).mkdir(parents=True)
        for number in range(size):
            (tmp_path / str(size) / "JPEGImages" / f"image_{number:06}.png").touch()
            (tmp_path / str(size) / "Annotations" / f"image_{number:06}.xml").write_text(voc_text(objects))
    peak_of_an_import(tmp_path / "200")  # what is loaded and cached at the first time does not count
    small, large = (peak_of_an_import(tmp_path / str(size)) for size in sizes)
    assert (large - small) / (sizes[1] - sizes[0]) < 1024
