"""One decoder for the window, training and prediction: what it makes of every kind of file."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images
from tests.formats.files import draw_image

# The same picture, dark with a light corner, as each EXIF orientation stores it.
UPRIGHT = np.zeros((4, 6), np.uint8)
UPRIGHT[0, 0] = 255
STORED = {
    1: UPRIGHT,
    2: np.fliplr(UPRIGHT),
    3: np.rot90(UPRIGHT, 2),
    4: np.flipud(UPRIGHT),
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png_with_size(path: Path, width: int, height: int) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(np.ascontiguousarray(STORED[orientation])).save(path, exif=turned(orientation), **options)
    pixels = images.decode(path)
    assert np.array_equal(pixels[:, :, 0], UPRIGHT)
    assert images.read_size(path) == (6, 4)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I", "F") else "a.png")
    ramp = np.tile(np.linspace(0, 255, 40), (30, 1))
    if mode == "I;16":
        image = Image.fromarray((ramp * 200).astype(np.uint16))
    elif mode in ("I", "F"):
        image = Image.fromarray((ramp * 1000).astype(np.int32 if mode == "I" else np.float32))
    else:
        image = Image.fromarray(ramp.astype(np.uint8)).convert(mode)
    image.save(path)
    pixels = images.decode(path)
    assert (pixels.shape, pixels.dtype) == ((30, 40, 3), np.uint8)
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert int(pixels[0, -1, 0]) - int(pixels[0, 0, 0]) > 200


def test_a_float_image_with_nan_is_shown_with_nan_as_the_lowest(tmp_path: Path) -> None:
    values = np.tile(np.linspace(-5, 5, 40, dtype=np.float32), (30, 1))
    values[0, 39] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    pixels = images.decode(tmp_path / "a.tif")
    assert (pixels[0, 39, 0], pixels[1, 39, 0]) == (0, 255)


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert images.decode(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_an_error_at_every_size(tmp_path: Path, suffix: str, share: float) -> None:
    path = draw_image(tmp_path / f"a.{suffix}", size=(200, 150))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    for max_side in (None, 32):
        with pytest.raises(FormatError) as caught:
            images.decode(path, max_side=max_side)
        assert caught.value.path == path
    assert not images.is_complete(path)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_sound_images_are_complete_and_trash_behind_the_end_does_no_harm(tmp_path: Path) -> None:
    for suffix in ("jpg", "png"):
        path = draw_image(tmp_path / f"a.{suffix}")
        assert images.is_complete(path)
        path.write_bytes(path.read_bytes() + b"x" * 1000)
        assert images.is_complete(path)
    assert not images.is_complete(tmp_path / "gone.png")


@pytest.mark.parametrize(
    "data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_what_is_no_allowed_image_is_an_error_that_names_the_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for call in (images.read_size, images.decode):
        with pytest.raises(FormatError, match=r"a\.png"):
            call(path)


def test_a_missing_image_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.png: the image file is gone"):
        images.decode(tmp_path / "a.png")


@pytest.mark.parametrize(("width", "height"), [(15_000, 15_000), (200_000, 10), (0, 10)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, width: int, height: int) -> None:
    path = png_with_size(tmp_path / "a.png", width, height)
    for call in (images.read_size, images.decode):
        with pytest.raises(FormatError, match=r"a\.png"):
            call(path)


def test_an_image_above_the_memory_budget_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = draw_image(tmp_path / "a.png", size=(200, 200))
    monkeypatch.setattr(images, "memory_budget", lambda: 100_000)
    with pytest.raises(FormatError, match="200 x 200 pixels"):
        images.decode(path)


def test_a_wrong_suffix_does_not_matter(tmp_path: Path) -> None:
    draw_image(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert images.decode(tmp_path / "a.jpg").shape == (48, 64, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_thumbnail_is_no_larger_than_asked_and_keeps_its_shape(tmp_path: Path, suffix: str) -> None:
    path = draw_image(tmp_path / f"a.{suffix}", size=(400, 300))
    assert images.decode(path, max_side=100).shape == (75, 100, 3)
    assert images.decode(path, max_side=1000).shape == (300, 400, 3)


def test_images_are_listed_in_natural_order_without_hidden_ones_and_links_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("a10.png", "a2.PNG", "sub/b.jpg", ".hidden.png", ".cache/c.png", "a1.png"):
        draw_image(root / name)
    (root / "notes.txt").write_text("x")
    draw_image(tmp_path / "outside.png")
    (root / "out.png").symlink_to(tmp_path / "outside.png")
    (root / "in.png").symlink_to(root / "a1.png")
    (root / "loop").symlink_to(root)
    assert images.list_images(root) == ["a1.png", "a2.PNG", "a10.png", "in.png", "sub/b.jpg"]


def test_the_pictures_of_a_project_inside_the_folder_are_not_listed(tmp_path: Path) -> None:
    draw_image(tmp_path / "a.png")
    draw_image(tmp_path / "rcnn-project" / "runs" / "1" / "preview.png")
    (tmp_path / "rcnn-project" / "project.rcnn").write_bytes(b"")
    assert images.list_images(tmp_path) == ["a.png"]


def test_listing_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is not a folder"):
        images.list_images(tmp_path / "gone")


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_what_is_transparent_is_seen_over_grey(tmp_path: Path, suffix: str) -> None:
    image = Image.new("RGBA", (40, 30), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (20, 0, 40, 30))
    path = tmp_path / f"a.{suffix}"
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    pixels = images.decode(path)
    assert pixels[10, 5].tolist() == pytest.approx([255, 0, 0], abs=2)
    assert pixels[10, 30].tolist() == [128, 128, 128]


def test_half_transparent_pixels_are_half_grey(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 255, 255, 128)).save(tmp_path / "a.png")
    assert images.decode(tmp_path / "a.png")[0, 0].tolist() == pytest.approx([192] * 3, abs=1)


def test_a_palette_with_a_transparent_colour_is_seen_over_grey(tmp_path: Path) -> None:
    image = Image.new("P", (10, 10), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (5, 0, 10, 10))
    image.save(tmp_path / "a.png", transparency=0)
    pixels = images.decode(tmp_path / "a.png")
    assert pixels[0, 0].tolist() == [128] * 3
    assert pixels[0, 9].tolist() == [255, 0, 0]


def test_a_jpeg_too_large_as_a_whole_can_be_seen_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = draw_image(tmp_path / "a.jpg", size=(800, 600))
    monkeypatch.setattr(images, "memory_budget", lambda: 200_000)
    with pytest.raises(FormatError, match="800 x 600 pixels"):
        images.decode(path)
    assert images.decode(path, max_side=100).shape == (75, 100, 3)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_reduced_jpeg_is_exactly_as_large_as_its_share(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (1600, 1200), "green").save(path, exif=turned(orientation))
    expected = (300, 400, 3) if orientation == 1 else (400, 300, 3)
    assert images.decode(path, max_side=400).shape == expected
