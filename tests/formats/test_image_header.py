"""The fast look at an image's header says what Pillow says, or nothing."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import image_header, images
from tests.formats.files import draw_image

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PICTURE = Image.effect_noise((31, 17), 60).convert("RGB")


def exif(orientation: object, *, more: bool = False) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    if more:
        made[0x010F] = "A camera of some name"
        made[0x8769] = {0x9003: "2020:01:01 00:00:00"}
    return made


def png_text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 300)
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    return info


def saved(kind: str, *, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = PICTURE.convert("L").point(lambda v: v * 200, "I").convert("I;16") if mode == "I;16" else PICTURE
    picture = picture if picture.mode == mode else picture.convert(mode)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="8"/></x:xmpmeta>'
CORPUS: dict[str, bytes] = {
    **{f"JPEG {mode}": saved("JPEG", mode=mode) for mode in ("RGB", "L", "CMYK", "1", "YCbCr")},
    **{f"JPEG turned {n}": saved("JPEG", exif=exif(n)) for n in range(1, 9)},
    **{f"JPEG turned {n}, much EXIF": saved("JPEG", exif=exif(n, more=True)) for n in (3, 6)},
    **{f"JPEG turned by {n!r}": saved("JPEG", exif=exif(n)) for n in (0, 9, 65535)},
    "JPEG progressive": saved("JPEG", progressive=True),
    "JPEG optimized": saved("JPEG", optimize=True),
    "JPEG of other sampling": saved("JPEG", subsampling=2, quality=95),
    "JPEG with a comment": saved("JPEG", comment=b"hello \xff\xd9 there"),
    "JPEG with dpi": saved("JPEG", dpi=(300, 300)),
    "JPEG with a profile": saved("JPEG", icc_profile=PROFILE),
    "JPEG with a large profile": saved("JPEG", icc_profile=b"p" * 150_000),
    "JPEG turned by XMP": saved("JPEG", xmp=XMP),
    "JPEG turned by EXIF and XMP": saved("JPEG", exif=exif(6), xmp=XMP),
    "JPEG with restart marks": saved("JPEG", restart_marker_blocks=1),
    "MPO": saved("MPO", save_all=True, append_images=[PICTURE]),
    **{f"PNG {mode}": saved("PNG", mode=mode) for mode in ("RGB", "L", "P", "RGBA", "LA", "1", "I;16")},
    **{f"PNG turned {n}": saved("PNG", exif=exif(n)) for n in range(1, 9)},
    "PNG with dpi": saved("PNG", dpi=(300, 300)),
    "PNG with text and XMP": saved("PNG", pnginfo=png_text()),
    "PNG with a profile": saved("PNG", icc_profile=b"p" * 100),
    "PNG with a transparent colour": saved("PNG", mode="P", transparency=3),
    "APNG": saved("PNG", save_all=True, append_images=[PICTURE.transpose(Image.Transpose.ROTATE_180)]),
    **{kind: saved(kind) for kind in ("BMP", "TIFF", "WEBP", "GIF", "PPM")},
    "TIFF turned": saved("TIFF", exif=exif(6)),
    "WEBP turned": saved("WEBP", exif=exif(6)),
}  # fmt: skip
FAST = (
    "JPEG RGB",
    "JPEG L",
    "JPEG progressive",
    "JPEG turned 6",
    "JPEG with a profile",
    "PNG RGB",
    "PNG P",
    "PNG I;16",
)


def pillows(data: bytes) -> tuple[tuple[int, int], int]:
    with Image.open(io.BytesIO(data)) as image:
        if image.format == "TIFF":
            return image.size, 1
        value = Image.Image.getexif(image).get(0x0112, 1)
        return image.size, value if isinstance(value, int) and 1 <= value <= 8 else 1


@pytest.mark.parametrize("name", CORPUS)
def test_the_fast_look_agrees_with_pillow(name: str) -> None:
    found = image_header.read_header(CORPUS[name][: image_header.HEAD_BYTES])
    assert found is None or ((found.width, found.height), found.orientation) == pillows(CORPUS[name])
    assert found is not None or name not in FAST


@pytest.mark.parametrize("name", CORPUS)
def test_inspection_tells_the_size_of_what_is_decoded(tmp_path: Path, name: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(CORPUS[name])
    info = images.inspect(path)
    assert images.decode(path).shape == (info.height, info.width, 3)
    assert images.read_size(path) == (info.width, info.height)
    assert images.stored_size(path) == (info.stored_width, info.stored_height)
    assert info.complete


@pytest.mark.parametrize("name", FAST)
def test_every_cut_of_a_header_is_left_to_pillow_or_right(name: str) -> None:
    data = CORPUS[name]
    whole = image_header.read_header(data)
    for length in range(0, min(len(data), 900)):
        assert image_header.read_header(data[:length]) in (None, whole)


@given(st.sampled_from(sorted(CORPUS)), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=3))
def test_a_damaged_header_is_left_to_pillow_or_read_as_pillow_reads_it(
    name: str, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(CORPUS[name])
    for place, value in damage:
        if place < len(data):
            data[place] = value
    found = image_header.read_header(bytes(data))
    assert found is None or ((found.width, found.height), found.orientation) == pillows(bytes(data))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_an_image_called_complete_can_be_decoded_and_one_cut_off_is_not_called_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "image"
    data = saved(kind)
    path.write_bytes(data)
    assert images.inspect(path).complete
    for length in range(1, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        try:
            complete = images.inspect(path).complete
        except FormatError:
            continue
        if complete:
            images.decode(path)


def test_the_fast_look_is_used_and_opens_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = draw_image(tmp_path / "a.jpg", size=(640, 480))
    monkeypatch.setattr(images, "opened", None)
    assert (images.inspect(path).width, images.inspect(path).complete) == (640, True)


def test_an_orientation_behind_broken_offsets_is_left_to_pillow() -> None:
    data = saved("JPEG", exif=exif(6))
    place = data.index(b"Exif\x00\x00") + 6
    order = "<" if data[place : place + 2] == b"II" else ">"
    broken = data[: place + 4] + struct.pack(f"{order}I", 60_000) + data[place + 8 :]
    assert image_header.read_header(broken) is None
