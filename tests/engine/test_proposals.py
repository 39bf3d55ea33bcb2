"""Selective Search's boxes: the same each time, kept between runs, and never more than they were."""

from __future__ import annotations

import builtins
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
from PIL import Image

from rcnn_studio.domain import geometry
from rcnn_studio.domain.dataset import BoxFlag, Dataset
from rcnn_studio.domain.errors import Cancelled, EngineError
from rcnn_studio.domain.progress import Progress, ignore, never
from rcnn_studio.engine.proposals import ProposalTable, prepare, proposer, recall
from rcnn_studio.engine.proposals.cache import ProposalCache, key_of
from rcnn_studio.engine.proposals.selective_search import SearchSettings, selective_search

pytest.importorskip("cv2", reason="Selective Search needs OpenCV")

FAST = replace(drawings.SMALL, method="fast-rcnn", proposals_side=128)


@pytest.fixture
def drawn(tmp_path: Path) -> Dataset:
    folder = tmp_path / "images"
    records = [r for r in drawings.drawn_records(folder, 6) if r.split == "train"]
    return drawings.dataset(records, folder)


def searches(events: list[Any]) -> int:
    """How many images were searched, as a person reads it off the progress."""
    return max((e.done for e in events if isinstance(e, Progress) and e.text == "Selective Search"), default=0)


def test_selective_search_finds_the_drawn_objects_and_the_same_ones_again(drawn: Dataset) -> None:
    image = np.asarray(Image.open(Path(drawn.roots[0]) / "1.png").convert("RGB"))
    settings = SearchSettings(side=128)
    found = selective_search(image, settings)
    assert np.array_equal(found, selective_search(image, settings))
    assert found.dtype == np.float32
    assert geometry.iou_matrix(drawn.xyxy[drawn.rows(0)], found).max(axis=1).min() > 0.7


def test_boxes_of_a_shrunk_image_are_in_the_originals_pixels(drawn: Dataset) -> None:
    small = Image.open(Path(drawn.roots[0]) / "2.png").convert("RGB")
    large = np.asarray(small.resize((small.width * 4, small.height * 4), Image.Resampling.BILINEAR))
    found = selective_search(large, SearchSettings(side=128))
    assert geometry.iou_matrix(drawn.xyxy[drawn.rows(1)] * 4, found).max(axis=1).min() > 0.7
    assert (found[:, 2:] <= (large.shape[1], large.shape[0])).all()


def test_the_second_time_nothing_is_searched_and_the_boxes_are_mapped(drawn: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    first = prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, never)
    assert searches(events) == 6
    events.clear()
    second = prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, never)
    assert searches(events) == 0
    for index in range(6):
        assert len(first.boxes(index)) > 3
        assert np.array_equal(first.boxes(index), second.boxes(index))
        assert isinstance(second.boxes(index).base, np.memmap) or isinstance(second.columns[0].base, np.memmap)
    assert len(second.at_most(3).boxes(0)) == 3
    assert np.array_equal(second.at_most(3).boxes(0), second.boxes(0)[:3])


def test_other_parameters_and_other_pixels_are_searched_anew(drawn: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    prepare(drawn, range(6), FAST, tmp_path / "cache", ignore, never)
    prepare(drawn, range(6), replace(FAST, proposals_side=96), tmp_path / "cache", events.append, never)
    assert searches(events) == 6
    events.clear()
    drawings.draw_image(Path(drawn.roots[0]) / "3.png", seed=77)
    os.rename(Path(drawn.roots[0]) / "3.png", Path(drawn.roots[0]) / "4.png")
    prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, never)
    assert searches(events) == 1  # the new picture; the one that is gone has no proposals


def test_stopping_keeps_what_was_found_and_the_next_time_goes_on(drawn: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    with pytest.raises(Cancelled):
        prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, lambda: searches(events) >= 2)
    done = searches(events)
    assert 2 <= done < 6
    events.clear()
    table = prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, never)
    assert searches(events) == 6 - done
    assert all(len(table.boxes(i)) for i in range(6))


@pytest.mark.parametrize("damage", ["cut", "gone", "swapped", "empty"])
def test_a_damaged_segment_is_searched_again_and_never_believed(drawn: Dataset, tmp_path: Path, damage: str) -> None:
    whole = prepare(drawn, range(6), FAST, tmp_path / "cache", ignore, never)
    expected = [whole.boxes(i).copy() for i in range(6)]
    segment = next((tmp_path / "cache").glob("*/segment-*"))
    boxes, offsets = segment / "boxes.npy", segment / "offsets.npy"
    if damage == "cut":
        os.truncate(boxes, boxes.stat().st_size - 9)
    elif damage == "gone":
        offsets.unlink()
    elif damage == "swapped":
        offsets.write_bytes(boxes.read_bytes())
    else:
        boxes.write_bytes(b"")
    events: list[Any] = []
    again = prepare(drawn, range(6), FAST, tmp_path / "cache", events.append, never)
    assert searches(events) == 6
    assert all(np.array_equal(again.boxes(i), expected[i]) for i in range(6))


def test_nothing_in_the_cache_is_a_pickle(tmp_path: Path) -> None:
    cache = ProposalCache(tmp_path, "recipe")
    cache.add({key_of(b"a"): np.ones((2, 4), dtype=np.float32)})
    segment = next(cache.folder.glob("segment-*"))
    np.save(segment / "boxes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert key_of(b"a") not in ProposalCache(tmp_path, "recipe")


def test_many_segments_become_one_and_an_image_without_boxes_stays_known(tmp_path: Path) -> None:
    cache = ProposalCache(tmp_path, "recipe")
    made = {key_of(bytes([n])): np.full((n, 4), n, dtype=np.float32) for n in range(12)}
    for key, boxes in made.items():
        cache.add({key: boxes})
    for name, age_s in ((".tmp-of-a-crash", 7200), (".tmp-of-another", 0)):
        (cache.folder / name).mkdir()
        os.utime(cache.folder / name, (time.time() - age_s,) * 2)
    cache.compact()
    again = ProposalCache(tmp_path, "recipe")
    assert sorted(p.name[:15] for p in cache.folder.iterdir())[0] == ".tmp-of-another"
    assert len(list(cache.folder.glob("segment-*"))) == 1
    assert len(list(cache.folder.iterdir())) == 2
    for key, boxes in made.items():
        column, start, stop = again.row(key)
        assert np.array_equal(again.columns[column][start:stop], boxes)


def test_recall_is_the_share_of_labelled_boxes_with_a_proposal_near_them() -> None:
    boxes = (
        drawings.box(1, (0, 0, 10, 10)),
        drawings.box(2, (50, 50, 60, 60)),
        drawings.box(3, (0, 0, 90, 90), flags=BoxFlag.CROWD),
        drawings.box(4, (5, 5, 5, 9)),
    )
    records = [drawings.record(1, "a.png", boxes), drawings.record(2, "b.png", (drawings.box(5, (20, 20, 40, 40)),))]
    data = drawings.dataset(records, Path("/"))
    near = np.array([[0, 0, 10, 10], [50, 50, 60, 56]], dtype=np.float32)  # IoU 1 and 0.6
    report = recall(data, [0, 1], ProposalTable.of({0: near}))
    assert (report.images, report.boxes, report.mean_count) == (2, 3, 1.0)
    assert report.rows == ((2, (pytest.approx(2 / 3), pytest.approx(1 / 3))),)
    assert "66.7 % of 3 labelled boxes" in report.text()
    first = recall(data, [0, 1], ProposalTable.of({0: near}).at_most(1))
    assert first.at_best == pytest.approx(1 / 3)
    many = ProposalTable.of({0: np.concatenate([np.zeros((150, 4)), near]).astype(np.float32)})
    assert [(count, shares[0]) for count, shares in recall(data, [0], many).rows] == [(100, 0.0), (152, 1.0)]


def test_a_missing_opencv_says_what_to_install(drawn: Dataset, tmp_path: Path, monkeypatch: Any) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "cv2":
            raise ImportError("No module named 'cv2'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EngineError, match="pip install opencv-contrib-python-headless"):
        prepare(drawn, range(6), FAST, tmp_path / "cache", ignore, never)
    with pytest.raises(EngineError, match="faster-rcnn"):
        proposer(FAST)
    assert proposer(drawings.SMALL) is None


def test_the_image_at_hand_gets_the_boxes_of_the_training(drawn: Dataset, tmp_path: Path) -> None:
    table = prepare(drawn, range(6), FAST, tmp_path / "cache", ignore, never)
    propose = proposer(replace(FAST, proposals_test=20))
    assert propose is not None
    image = np.asarray(Image.open(Path(drawn.roots[0]) / "5.png").convert("RGB"))
    assert np.array_equal(propose(image), table.at_most(20).boxes(4))


def test_an_image_that_cannot_be_read_has_no_proposals(drawn: Dataset, tmp_path: Path) -> None:
    (Path(drawn.roots[0]) / "2.png").write_bytes(b"torn")
    table = prepare(drawn, range(6), FAST, tmp_path / "cache", ignore, never)
    assert [bool(len(table.boxes(i))) for i in range(6)] == [True, False, True, True, True, True]
