"""Very large pictures: a reduced copy first, then what is looked at in full, with the very pixels of the decoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QImage

from rcnn_studio.formats.images import decode
from rcnn_studio.workspace import image_tiles, pictures
from rcnn_studio.workspace.image_tiles import ImageTiles, factor_for, places, read_tiles
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.pictures import Picture, read_pictures

WIDTH, HEIGHT = 901, 703
SEEN = (300.0, 200.0, 640.0, 600.0)


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done for hundreds of megapixels, done for half of one."""
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(pictures, "OVERVIEW_PIXELS", 40_000)
    monkeypatch.setattr(image_tiles, "TILE", 128)


def draw_photo(path: Path, *, orientation: int = 1, mode: str = "RGB") -> Path:
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 255, (70, 90, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).convert(mode)
    picture.save(path, **({"exif": exif, "quality": 92} if path.suffix == ".jpg" else {}))
    return path


def rgb(image: QImage) -> NDArray[np.uint8]:
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., 2::-1]


def last(path: Path) -> Picture:
    return list(read_pictures(path))[-1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiles_of_a_jpeg_have_the_pixels_of_the_whole_in_every_orientation(tmp_path: Path, orientation: int) -> None:
    path = draw_photo(tmp_path / "a.jpg", orientation=orientation)
    whole, picture = decode(path), last(path)
    assert picture.tiled
    assert (picture.height, picture.width) == whole.shape[:2]
    tiles = read_tiles(picture, places(picture, SEEN, 1))
    covered = np.zeros(whole.shape[:2], bool)
    for tile in tiles.values():
        x, y, wide, high = (int(v) for v in tile.area.getRect())
        assert np.array_equal(rgb(tile.image), whole[y : y + high, x : x + wide])
        covered[y : y + high, x : x + wide] = True
    assert covered[200:600, 300:640].all()


NAMES = ["a.jpg", "grey.jpg", "cmyk.jpg", "a.png", "a.tif", "a.bmp", "a.webp", "a.gif", "a.ppm"]


@pytest.mark.parametrize("name", NAMES)
def test_half_size_tiles_are_cut_from_the_image_at_half_size(tmp_path: Path, name: str) -> None:
    mode = {"grey.jpg": "L", "cmyk.jpg": "CMYK"}.get(name, "RGB")
    path = draw_photo(tmp_path / name, mode=mode)
    picture = last(path)
    assert picture.factor > 2
    if name in ("a.jpg", "grey.jpg"):
        half = decode(path, max_side=(WIDTH + 1) // 2)
    else:
        half = np.asarray(Image.fromarray(decode(path)).reduce(2))
    tiles = read_tiles(picture, places(picture, SEEN, 2))
    assert len(tiles) == 6
    for tile in tiles.values():
        x, y, wide, high = (int(v) // 2 for v in tile.area.getRect())
        assert np.array_equal(rgb(tile.image), half[y : y + high, x : x + wide])


def test_the_reduced_copy_comes_alone_and_is_much_smaller(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png"):
        shown = list(read_pictures(draw_photo(tmp_path / name)))
        assert [picture.final for picture in shown] == [True]
        first = shown[0].levels[0]
        assert first.width() * first.height() <= 60_000
        assert (shown[0].width, shown[0].height) == (WIDTH, HEIGHT)


def test_nobody_decodes_ahead_what_must_be_decoded_as_a_whole(tmp_path: Path) -> None:
    assert list(read_pictures(draw_photo(tmp_path / "a.png"), ahead=True)) == []
    assert len(list(read_pictures(draw_photo(tmp_path / "a.jpg"), ahead=True))) == 1


@pytest.fixture
def tiles(qapp) -> Iterator[ImageTiles]:
    made = ImageTiles()
    yield made
    made.close()


def test_tiles_come_by_signal_for_what_is_seen_and_once(qtbot, tmp_path: Path, tiles: ImageTiles) -> None:
    picture = last(draw_photo(tmp_path / "a.jpg"))
    with qtbot.waitSignal(tiles.tiles_changed, timeout=10_000) as changed:
        tiles.look(7, picture, SEEN, 1.0)
    assert changed.args == [7]
    got = tiles.at(7)
    assert {tile.factor for tile in got} == {1}
    assert any(tile.area.contains(400.5, 400.5) for tile in got)
    assert tiles.at(8) == ()
    with qtbot.assertNotEmitted(tiles.tiles_changed, wait=100):
        tiles.look(7, picture, SEEN, 1.0)


def test_a_view_that_the_copy_serves_asks_for_nothing(qtbot, tmp_path: Path, tiles: ImageTiles) -> None:
    picture = last(draw_photo(tmp_path / "a.jpg"))
    with qtbot.assertNotEmitted(tiles.tiles_changed, wait=100):
        tiles.look(7, picture, (0, 0, WIDTH, HEIGHT), 1 / picture.factor)
    assert tiles.at(7) == ()


def test_tiles_beyond_the_memory_limit_go(qtbot, monkeypatch, tmp_path: Path, tiles: ImageTiles) -> None:
    monkeypatch.setattr(image_tiles, "TILE_BYTES", 6 * 128 * 128 * 4)
    picture = last(draw_photo(tmp_path / "a.jpg"))
    for x in (0.0, 500.0):
        with qtbot.waitSignal(tiles.tiles_changed, timeout=10_000):
            tiles.look(7, picture, (x, 0.0, x + 200, 200.0), 1.0)
    assert 1 <= len(tiles.at(7)) <= 6
    assert all(tile.area.right() > 300 for tile in tiles.at(7)), "the latest stay"


def test_another_picture_drops_the_tiles_before(qtbot, tmp_path: Path, tiles: ImageTiles) -> None:
    first, second = last(draw_photo(tmp_path / "a.jpg")), last(draw_photo(tmp_path / "b.jpg"))
    with qtbot.waitSignal(tiles.tiles_changed, timeout=10_000):
        tiles.look(1, first, SEEN, 1.0)
    tiles.look(2, second, (0, 0, WIDTH, HEIGHT), 0.01)
    assert tiles.at(1) == ()
    assert tiles.at(2) == ()


def test_a_file_that_goes_away_leaves_the_copy(tmp_path: Path) -> None:
    picture = last(draw_photo(tmp_path / "a.jpg"))
    (tmp_path / "a.jpg").unlink()
    assert read_tiles(picture, places(picture, SEEN, 1)) == {}


@pytest.mark.parametrize(("scale", "factor"), [(2.0, 1), (1.0, 1), (0.6, 1), (0.5, 2), (0.3, 2), (0.25, 4), (0.01, 8)])
def test_no_detail_is_lost_and_none_is_decoded_in_vain(scale: float, factor: int) -> None:
    assert factor_for(scale) == factor


def test_a_photograph_is_shown_reduced_first_and_then_in_full(qtbot, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "WHOLE_PIXELS", 10_000_000)
    monkeypatch.setattr(pictures, "QUICK_PIXELS", 100_000)
    path = draw_photo(tmp_path / "a.jpg", orientation=6)
    cache = ImageCache(lambda _id: path)
    seen: list[Picture] = []
    cache.image_ready.connect(lambda _id, picture: seen.append(picture))
    cache.request(1)
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=10_000)
    cache.close()
    assert [picture.final for picture in seen] == [False, True]
    assert [(picture.width, picture.height) for picture in seen] == [(HEIGHT, WIDTH)] * 2
    assert seen[0].levels[0].width() < seen[1].levels[0].width() == HEIGHT
    assert np.array_equal(rgb(seen[1].levels[0]), decode(path))
