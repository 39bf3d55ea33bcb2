"""Pictures that show the same are found whatever was done to them, and others are left alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from rcnn_studio.domain import near_duplicates
from rcnn_studio.domain.near_duplicates import MAX_DISTANCE, Signatures


def drawn(seed: int, *, side: int = 128) -> np.ndarray:
    """A picture of a dozen shapes on a slope of light."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(60, 190, side)[:, None, None] * np.ones((1, side, 3))
    image = Image.fromarray(slope.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, size = rng.integers(0, side - 20), rng.integers(0, side - 20), rng.integers(12, side // 2)
        pen.ellipse((x, y, x + size, y + size), fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
    return np.asarray(image)


def signatures(*pictures: np.ndarray) -> Signatures:
    return near_duplicates.collect([near_duplicates.signature(picture) for picture in pictures])


def test_copies_made_smaller_brighter_and_noisier_are_grouped_with_their_original():
    original = drawn(1)
    smaller = np.asarray(Image.fromarray(original).resize((61, 61)))
    brighter = np.clip(original.astype(float) * 1.15 + 4, 0, 255).astype(np.uint8)
    noisy = np.clip(original + np.random.default_rng(0).normal(0, 6, original.shape), 0, 255).astype(np.uint8)
    labels = near_duplicates.groups(signatures(drawn(2), original, smaller, drawn(3), brighter, noisy))
    assert labels.tolist() == [0, 1, 1, 3, 1, 1]


def test_other_pictures_and_mirrored_ones_stay_alone():
    pictures = [drawn(seed) for seed in range(60)]
    labels = near_duplicates.groups(signatures(*pictures, pictures[0][:, ::-1]))
    assert labels.tolist() == list(range(61))


def test_plain_colours_are_alike_only_where_they_are_equally_bright():
    plain = [np.full((20, 30, 3), value, dtype=np.uint8) for value in (0, 3, 120, 255)]
    assert near_duplicates.groups(signatures(*plain)).tolist() == [0, 0, 2, 3]


def test_a_plain_picture_is_not_like_one_with_something_on_it():
    blank = np.full((128, 128, 3), 120, dtype=np.uint8)
    assert near_duplicates.groups(signatures(blank, drawn(4))).tolist() == [0, 1]


def test_a_picture_of_one_pixel_has_a_signature():
    value, thumb = near_duplicates.signature(np.full((1, 1, 3), 200, dtype=np.uint8))
    assert value == 0
    assert thumb.tolist() == [200] * 256


def test_no_pictures_give_no_groups():
    assert near_duplicates.groups(near_duplicates.collect([])).tolist() == []


@given(st.lists(st.integers(0, 11), max_size=40), st.integers(0, 2**32))
@settings(deadline=None, max_examples=120)
def test_groups_are_those_of_comparing_everything_with_everything(kinds, seed):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**63, 4).astype(np.uint64)
    flips = np.array([0, 1, 0b1111, (1 << 40) | (1 << 3)], dtype=np.uint64)
    hashes = np.array([base[k % 4] ^ flips[rng.integers(0, 4)] for k in kinds], dtype=np.uint64)
    looks = rng.integers(0, 256, (3, 256), dtype=np.uint8)
    found = Signatures(hashes=hashes, thumbs=looks[[k // 4 for k in kinds]].reshape(-1, 256))
    labels = list(range(len(kinds)))
    for a in range(len(kinds)):
        for b in range(a):
            near = (int(hashes[a]) ^ int(hashes[b])).bit_count() <= MAX_DISTANCE
            if near and kinds[a] // 4 == kinds[b] // 4:
                low, high = sorted((labels[a], labels[b]))
                labels = [low if label == high else label for label in labels]
    assert near_duplicates.groups(found).tolist() == labels


def test_the_search_in_bands_misses_no_pair_that_comparing_all_finds():
    rng = np.random.default_rng(7)
    hashes = np.unique(rng.integers(0, 2**63, 3000).astype(np.uint64))
    flips = np.zeros(len(hashes), dtype=np.uint64)
    for _ in range(MAX_DISTANCE):
        flips |= np.uint64(1) << rng.integers(0, 64, len(hashes)).astype(np.uint64)
    both = np.unique(np.concatenate([hashes, hashes ^ flips]))
    banded = {
        (int(a), int(b)) for one, two in near_duplicates._close_pairs(both) for a, b in zip(one, two, strict=True)
    }
    near = np.bitwise_count(both[:, None] ^ both[None]) <= MAX_DISTANCE
    expected = {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True)}
    assert {tuple(sorted(pair)) for pair in banded} == expected
    assert len(expected) >= len(hashes) - 5
