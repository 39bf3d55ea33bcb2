"""Pictures for the screen come off the GUI thread, and a file that cannot be shown is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.workspace import images as images_module
from rcnn_studio.workspace import pictures as pictures_module
from rcnn_studio.workspace.images import THUMBNAIL_SIDE, ImageCache, Thumbnails
from rcnn_studio.workspace.pictures import to_qimage
from tests.workspace.hearing import Heard

GOOD, TRUNCATED, MISSING, OUTSIDE, TURNED = range(1, 6)


@pytest.fixture
def paths(tmp_path: Path) -> dict[int, Path]:
    """A good photograph, a truncated one, one that is not there, and one that stands on its side by its EXIF."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (120, 200, 3), dtype=np.uint8))
    picture.save(tmp_path / "good.jpg")
    data = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "truncated.jpg").write_bytes(data[: len(data) // 2])
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    return {
        GOOD: tmp_path / "good.jpg",
        TRUNCATED: tmp_path / "truncated.jpg",
        MISSING: tmp_path / "missing.jpg",
        TURNED: tmp_path / "turned.jpg",
    }


@pytest.fixture
def path_of(paths: dict[int, Path]):
    def find(image_id: int) -> Path:
        if image_id == OUTSIDE:
            raise FormatError("/pictures", "", "'out.jpg' is a link that leads out of the folder.")
        return paths[image_id]

    return find


@pytest.fixture
def cache(qapp, path_of) -> Iterator[ImageCache]:
    made = ImageCache(path_of)
    yield made
    made.close()


@pytest.fixture
def thumbnails(qapp, path_of) -> Iterator[Thumbnails]:
    made = Thumbnails(path_of)
    yield made
    made.close()


def test_pixels_arrive_as_they_are() -> None:
    rgb = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)  # a width that Qt pads
    image = to_qimage(rgb)
    assert (image.width(), image.height()) == (7, 5)
    seen = [[image.pixelColor(x, y).getRgb()[:3] for x in range(7)] for y in range(5)]
    assert np.array_equal(np.array(seen), rgb)
    rgb[:] = 0
    assert image.pixelColor(6, 4).getRgb()[:3] == (102, 103, 104), "the picture keeps pixels of its own"


def test_a_picture_comes_by_signal_and_at_once_the_second_time(qtbot, cache: ImageCache) -> None:
    with qtbot.waitSignal(cache.image_ready, timeout=10_000) as ready:
        cache.request(GOOD)
    assert ready.args[0] == GOOD
    assert (ready.args[1].width, ready.args[1].height) == (200, 120)
    again = Heard(ready=cache.image_ready)
    cache.request(GOOD)
    assert [image_id for image_id, _image in again.of("ready")] == [GOOD]
    assert cache.get(GOOD) is not None


def test_a_photograph_on_its_side_is_shown_upright(qtbot, cache: ImageCache) -> None:
    with qtbot.waitSignal(cache.image_ready, timeout=10_000) as ready:
        cache.request(TURNED)
    assert (ready.args[1].width, ready.args[1].height) == (120, 200)


@pytest.mark.parametrize(
    ("image_id", "named"), [(TRUNCATED, "truncated.jpg"), (MISSING, "missing.jpg"), (OUTSIDE, "out.jpg")]
)
def test_a_picture_that_cannot_be_shown_is_named(qtbot, cache: ImageCache, image_id: int, named: str) -> None:
    for _time in range(2):
        with qtbot.waitSignal(cache.image_failed, timeout=10_000) as failed:
            cache.request(image_id)
        assert failed.args[0] == image_id
        assert named in failed.args[1]
    assert cache.get(image_id) is None


def test_a_bad_neighbour_does_not_disturb_the_picture_at_hand(qtbot, cache: ImageCache) -> None:
    heard = Heard(ready=cache.image_ready, failed=cache.image_failed)
    cache.request(GOOD)
    cache.prefetch([OUTSIDE, TRUNCATED, MISSING])
    qtbot.waitUntil(lambda: len(cache._failed) == 3, timeout=10_000)
    assert heard.names == ["ready"]
    with qtbot.waitSignal(cache.image_failed, timeout=10_000) as failed:
        cache.request(TRUNCATED)
    assert "truncated.jpg" in failed.args[1]


def test_a_neighbour_fetched_beforehand_is_shown_at_once(qtbot, cache: ImageCache) -> None:
    heard = Heard(ready=cache.image_ready)
    cache.prefetch([GOOD])
    qtbot.waitUntil(lambda: cache.get(GOOD) is not None, timeout=10_000)
    assert heard.all == [], "nobody asked to see it yet"
    cache.request(GOOD)
    assert heard.names == ["ready"]


def test_only_the_picture_asked_for_last_is_announced(qtbot, monkeypatch, cache: ImageCache) -> None:
    go, decode = threading.Event(), pictures_module.decode

    def slow(path: Path, **options: int) -> np.ndarray:
        assert go.wait(20)
        return decode(path, **options)

    monkeypatch.setattr(pictures_module, "decode", slow)
    heard = Heard(ready=cache.image_ready)
    cache.request(GOOD)
    cache.request(TURNED)
    go.set()
    qtbot.waitUntil(lambda: cache.get(GOOD) is not None and cache.get(TURNED) is not None, timeout=10_000)
    assert [image_id for image_id, _image in heard.of("ready")] == [TURNED]


def test_pictures_beyond_the_memory_limit_are_dropped_but_never_the_one_shown(qtbot, monkeypatch, cache) -> None:
    monkeypatch.setattr(images_module, "CACHE_BYTES", 200 * 120 * 4)
    for image_id in (GOOD, TURNED):
        with qtbot.waitSignal(cache.image_ready, timeout=10_000):
            cache.request(image_id)
    assert cache.get(GOOD) is None
    assert cache.get(TURNED) is not None


def test_a_thumbnail_is_small_and_keeps_the_shape(qtbot, thumbnails: Thumbnails) -> None:
    assert thumbnails.request(GOOD) is None
    with qtbot.waitSignal(thumbnails.thumbnail_ready, timeout=10_000) as ready:
        thumbnails.request(GOOD)
    assert ready.args == [GOOD]
    image = thumbnails.request(GOOD)
    assert image.width() == THUMBNAIL_SIDE
    assert image.height() == pytest.approx(THUMBNAIL_SIDE * 120 / 200, abs=1)


@pytest.mark.parametrize("image_id", [TRUNCATED, MISSING, OUTSIDE])
def test_an_unreadable_file_has_an_empty_thumbnail_and_is_not_tried_for_ever(qtbot, thumbnails, image_id: int) -> None:
    with qtbot.waitSignal(thumbnails.thumbnail_ready, timeout=10_000):
        assert thumbnails.request(image_id) is None
    assert thumbnails.request(image_id).isNull()


def test_closing_ends_the_threads(qapp, path_of) -> None:
    before = set(threading.enumerate())
    cache, small = ImageCache(path_of), Thumbnails(path_of)
    assert len(set(threading.enumerate()) - before) == 3
    for image_id in (GOOD, TURNED):
        cache.request(image_id)
        small.request(image_id)
    cache.close()
    small.close()
    assert set(threading.enumerate()) <= before
    cache.request(TRUNCATED)
    assert small.request(TRUNCATED) is None
