"""Images and boxes on their way to the network stay together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import drawings
import numpy as np
import pytest
import torch
from PIL import Image

from rcnn_studio.engine.data.augment import RECIPES, Recipe, Sample, augment, recipe
from rcnn_studio.engine.data.loader import ImageSource, TrainLoader, batches_of_like_shape, fit_size
from rcnn_studio.engine.data.repeats import repeat_factors
from rcnn_studio.engine.data.sheet import sample_sheet
from rcnn_studio.engine.data.targets import CategoryTable


def marked() -> Sample:
    """A black picture with one white rectangle that its box surrounds."""
    pixels = np.zeros((60, 100, 3), dtype=np.uint8)
    pixels[20:35, 40:70] = 255
    return Sample(Image.fromarray(pixels), np.array([[40.0, 20, 70, 35]]), np.array([1]))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["flips", "zoom", "strong"])
def test_boxes_move_with_the_pixels(name: str, seed: int) -> None:
    recipes = {
        "flips": Recipe(flip_h=0.5, flip_v=0.5, quarter_turn=0.5),
        "zoom": Recipe(zoom=(0.6, 1.3)),
        "strong": replace(recipe("strong", any_direction=True), color=0.0),
    }
    sample = augment(marked(), recipes[name], np.random.default_rng(seed))
    white = np.argwhere(np.asarray(sample.image)[:, :, 0] > 190)
    if len(sample.xyxy) and len(white):
        y1, x1 = white.min(axis=0)
        y2, x2 = white.max(axis=0) + 1
        assert np.abs(sample.xyxy[0] - [x1, y1, x2, y2]).max() <= 1.5


def test_the_closing_recipe_leaves_the_pixels_values_alone() -> None:
    closed = RECIPES["strong"].closed()
    assert (closed.color, closed.zoom, closed.flip_h) == (0.0, (1.0, 1.0), 0.5)


def test_the_short_side_is_fitted_unless_the_long_one_grows_too_long() -> None:
    assert fit_size(640, 480, short=240, longest=400) == (320, 240)
    assert fit_size(1000, 200, short=240, longest=400) == (400, 80)


def test_an_epoch_shows_each_image_once_and_is_the_same_again(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path, 6), tmp_path)
    table = CategoryTable(data.categories)

    def epoch(number: int) -> list[tuple[tuple[int, ...], torch.Tensor, torch.Tensor]]:
        source = ImageSource(data, short=48, longest=64)
        loader = TrainLoader(
            source, data, data.indices(split="train"), table, batch_size=2, seed=5, multi_scale=0.2, on_skipped=print
        )
        strong = recipe("strong", any_direction=True)
        batches = [(b.indices, b.images[0], b.targets[0]["boxes"]) for b in loader.epoch(number, lambda _place: strong)]
        loader.close()
        return batches

    first, again, other = epoch(1), epoch(1), epoch(2)
    assert sorted(i for indices, _, _ in first for i in indices) == data.indices(split="train").tolist()
    assert all(torch.equal(a[1], b[1]) and torch.equal(a[2], b[2]) for a, b in zip(first, again, strict=True))
    assert any(a[0] != b[0] for a, b in zip(first, other, strict=True))


def test_the_cache_never_holds_more_than_its_bytes(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path, 4), tmp_path)
    source = ImageSource(data, short=48, longest=64, cache_bytes=2 * 48 * 64 * 3)
    for index in range(len(data)):
        source.resized(index)
    assert len(source._cache) == 2
    assert source.resized(7).shape == (48, 64, 3)


def test_portraits_and_landscapes_are_not_mixed_more_than_needed() -> None:
    aspects = np.array([1.5, 0.66] * 16)
    groups = batches_of_like_shape(aspects, 4, np.random.default_rng(0))
    assert sorted(np.concatenate(groups).tolist()) == list(range(32))
    assert all(len(set(aspects[group])) == 1 for group in groups)


def test_every_preset_leaves_usable_boxes_inside_the_image() -> None:
    crowded = np.random.default_rng(0).uniform(0, 60, (40, 2))
    sides = np.random.default_rng(1).uniform(1, 40, (40, 2))
    sample = Sample(
        Image.new("RGB", (100, 60)),
        np.concatenate([crowded, crowded + sides], axis=1),
        np.arange(1, 41),
        np.concatenate([crowded, crowded + sides], axis=1),
    )
    assert set(RECIPES) == {"none", "light", "standard", "strong", "aerial-microscopy"}
    for name in RECIPES:
        for seed in range(8):
            varied = augment(sample, recipe(name), np.random.default_rng(seed))
            limits = (varied.image.width, varied.image.height) * 2
            for boxes in (varied.xyxy, varied.proposals):
                assert (boxes >= 0).all()
                assert (boxes <= limits).all()
                assert (boxes[:, 2:] - boxes[:, :2] >= 0.5).all()
            assert len(varied.xyxy) == len(varied.labels) > 0


def test_a_box_outside_the_image_is_dropped_with_its_label() -> None:
    boxes = np.array([[-50.0, 10, -5, 20], [90, 10, 130, 20], [10, 10, 10.2, 40]])
    kept = augment(Sample(Image.new("RGB", (100, 60)), boxes, np.array([1, 2, 3])), Recipe(), np.random.default_rng(0))
    assert kept.xyxy.tolist() == [[90, 10, 100, 20]]
    assert kept.labels.tolist() == [2]


@pytest.mark.parametrize("seed", range(10))
def test_a_cut_out_keeps_boxes_on_their_objects_and_fits_the_canvas(seed: int) -> None:
    sample = augment(marked(), Recipe(iou_crop=1.0), np.random.default_rng(seed))
    assert sample.image.width <= 100
    assert sample.image.height <= 60
    assert len(sample.xyxy) == 1  # its centre stays in sight
    white = np.argwhere(np.asarray(sample.image)[:, :, 0] > 127)
    assert np.abs(sample.xyxy[0] - [*white.min(axis=0)[::-1], *(white.max(axis=0) + 1)[::-1]]).max() <= 2.5


def test_the_last_tenth_is_closed_to_all_that_changes_values_or_sizes() -> None:
    closed = recipe("strong", any_direction=True).closed()
    assert (closed.color, closed.zoom, closed.iou_crop) == (0.0, (1.0, 1.0), 0.0)
    assert (closed.flip_h, closed.flip_v, closed.quarter_turn) == (0.5, 0.5, 0.5)


def test_repeat_factors_are_those_of_lvis() -> None:
    labels = [np.array([1, 1]), np.array([1]), np.array([1, 2]), np.array([], dtype=np.int64)]
    # category 1 in 3 of 4 images, category 2 in one: sqrt(0.9 / 0.75), sqrt(0.9 / 0.25)
    expected = [np.sqrt(1.2), np.sqrt(1.2), np.sqrt(3.6), 1.0]
    assert np.allclose(repeat_factors(labels, 0.9), expected)
    assert np.allclose(repeat_factors(labels, 0.1), 1.0)


def test_images_of_rare_categories_come_up_more_often_each_time_as_another_variant(tmp_path: Path) -> None:
    records = [r for r in drawings.drawn_records(tmp_path, 8) if r.split == "train"]
    common = [replace(r, boxes=tuple(b for b in r.boxes if b.category_id == drawings.DISC)) for r in records[1:]]
    data = drawings.dataset([records[0], *common], tmp_path)  # one image alone has a bar
    loader = TrainLoader(
        ImageSource(data, short=48, longest=64),
        data,
        data.indices(split="train"),
        CategoryTable(data.categories),
        batch_size=2,
        seed=5,
        repeat_threshold=1.0,
        on_skipped=print,
    )
    still = recipe("strong", any_direction=True)
    shown, variants = [], set()
    for number in range(1, 41):
        batches = list(loader.epoch(number, lambda _: still))
        assert len(batches) == loader.steps_per_epoch
        for batch in batches:
            shown += batch.indices
            if number == 1:
                variants |= {i.numpy().tobytes() for k, i in zip(batch.indices, batch.images, strict=True) if k == 0}
                first = batch.indices.count(0)
                assert first <= 2
    loader.close()
    often = shown.count(0) / 40
    assert often == pytest.approx(np.sqrt(8), rel=0.1)
    assert min(shown.count(k) for k in range(1, 8)) / 40 == pytest.approx(1.0, abs=0.15)
    assert len(variants) >= 2


def test_skipping_batches_gives_the_rest_as_it_would_have_been(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path, 8), tmp_path)
    loader = TrainLoader(
        ImageSource(data, short=48, longest=64),
        data,
        data.indices(split="train"),
        CategoryTable(data.categories),
        batch_size=2,
        seed=5,
        multi_scale=0.2,
        repeat_threshold=0.5,
        on_skipped=print,
    )
    strong = recipe("strong")
    whole = list(loader.epoch(3, lambda _: strong))
    rest = list(loader.epoch(3, lambda _: strong, skip=2))
    loader.close()
    assert [b.place for b in rest] == [b.place for b in whole[2:]]
    for a, b in zip(rest, whole[2:], strict=True):
        assert a.indices == b.indices
        assert all(torch.equal(x, y) for x, y in zip(a.images, b.images, strict=True))


def test_the_sheet_shows_images_as_the_network_gets_them_with_their_boxes(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path, 3), tmp_path)
    indices = data.indices(split="train")
    config = replace(drawings.SMALL, augmentation="aerial-microscopy")
    sheet = sample_sheet(data, indices, config, count=7, seed=2)
    assert [s.index for s in sheet] == np.resize(indices, 7).tolist()
    for sample in sheet:
        assert sample.image.dtype == np.uint8
        assert sorted(sample.image.shape[:2]) == [96, 128]
        assert set(sample.category_ids.tolist()) <= {drawings.DISC, drawings.BAR}
        for x, y in (sample.xyxy[:, :2] + sample.xyxy[:, 2:]) / 2:
            colour = sample.image[int(y), int(x)].astype(int)
            assert colour.max() - colour.min() > 40  # an object, not the pale ground
    again = sample_sheet(data, indices, config, count=7, seed=2)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(sheet, again, strict=True))
    assert not np.array_equal(sheet[0].image, sheet[3].image)
