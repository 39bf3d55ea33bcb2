"""Detections of a run on disk: what was written is read, and damage is an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.detections import DetectionFile, write_detections

ONE = Detections.make([[0, 0, 5, 5], [1, 2, 3, 4]], [3, 7], [0.5, 0.9])
TWO = Detections.make([[9, 9, 10, 10]], [3], [0.25])


def rows(detections: Detections | None) -> list[tuple[list[float], int, float]]:
    assert detections is not None
    columns = (detections.xyxy.tolist(), detections.category_ids.tolist(), detections.scores.tolist())
    return list(zip(*columns, strict=True))


def test_what_is_written_is_read_back_by_image(tmp_path: Path) -> None:
    write_detections(tmp_path / "d", {30: TWO, 7: ONE, 12: Detections.empty()})
    file = DetectionFile.open(tmp_path / "d")
    assert file.image_ids.tolist() == [7, 12, 30]
    assert rows(file.get(7)) == rows(ONE)
    assert rows(file.get(30)) == rows(TWO)
    assert rows(file.get(12)) == []
    assert file.get(8) is None
    assert file.get(99) is None
    assert (7 in file, 8 in file, len(file)) == (True, False, 3)


def test_merging_keeps_the_other_images(tmp_path: Path) -> None:
    write_detections(tmp_path / "d", {1: ONE, 2: ONE})
    write_detections(tmp_path / "d", {2: TWO, 3: TWO}, merge=True)
    found = DetectionFile.open(tmp_path / "d").all()
    assert {image: rows(d) for image, d in found.items()} == {1: rows(ONE), 2: rows(TWO), 3: rows(TWO)}


def test_an_open_file_keeps_its_content_while_a_new_one_is_written(tmp_path: Path) -> None:
    write_detections(tmp_path / "d", {1: ONE})
    before = DetectionFile.open(tmp_path / "d")
    write_detections(tmp_path / "d", {1: TWO})
    assert rows(before.get(1)) == rows(ONE)
    assert rows(DetectionFile.open(tmp_path / "d").get(1)) == rows(TWO)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_nothing_found_anywhere_can_be_written(tmp_path: Path) -> None:
    write_detections(tmp_path / "d", {})
    assert len(DetectionFile.open(tmp_path / "d")) == 0


@pytest.mark.parametrize("name", ["offsets", "scores", "xyxy", "image_ids", "category_ids"])
@pytest.mark.parametrize("damage", ["missing", "cut", "trash", "other type", "too long"])
def test_damage_is_an_error_that_names_the_place(tmp_path: Path, name: str, damage: str) -> None:
    write_detections(tmp_path / "d", {1: ONE, 2: TWO})
    path = tmp_path / "d" / f"{name}.npy"
    array = np.load(path)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-8])
    elif damage == "trash":
        path.write_bytes(b"\x80\x04trash")
    elif damage == "other type":
        np.save(path, array.astype(np.complex64))
    else:
        np.save(path, np.concatenate([array, array]))
    with pytest.raises(FormatError, match="Run the prediction again"):
        DetectionFile.open(tmp_path / "d")
