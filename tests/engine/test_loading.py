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
        batches = [(b.indices, b.images[0], b.targets[0]["boxes"]) for b in loader.epoch(number, lambda: strong)]
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
