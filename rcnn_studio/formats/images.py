"""Image files as pixels: the one decoder of the window, of training and of prediction.

Rules: only the formats of IMAGE_FORMATS, whatever the suffix says; the first frame of several; EXIF orientation
applied; what is transparent lies over a neutral grey; palette, grey, CMYK and the like become RGB as Pillow converts
them; 16-bit and float images are stretched from their 1st to their 99th percentile, NaN counting as the lowest. Never
writes an image.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import image_header, paths

IMAGE_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"}
)

# Pillow's own limit only warns below twice its value and knows nothing of this machine; _check_budget replaces it.
Image.MAX_IMAGE_PIXELS = None
# Said of odd but readable files (corrupt EXIF, palettes with alpha); catch_warnings would not do among threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_ORIENTATION_TAG = 0x0112
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_BEHIND_ALPHA = (128, 128, 128)
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_MAX_SIDE = 100_000
_BOMB_PIXELS = 16_000_000
_BOMB_PIXELS_PER_BYTE = 20_000
_BUDGET_CAP = 4 << 30
_TAIL_BYTES = 64
CUT_OFF = "the file is cut off before the image ends. Replace it with a sound copy."
_ANIMATED = frozenset({"GIF", "TIFF", "WEBP", "PNG"})


def list_images(folder: Path) -> list[str]:
    """Relative paths, with forward slashes, of the image files in the folder and below, in natural order.

    Known by their suffix; hidden files and folders are left out; links are not followed out of the folder.
    Raises FormatError if the folder is missing or cannot be read.
    """
    return paths.list_files(folder, IMAGE_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What a file's header says. width, height: of the upright image; stored_*: before its EXIF orientation is applied.

    complete: False if the file is cut off, so that its pixels cannot be decoded. frames: True if there are several,
    of which the first is used.
    """

    width: int
    height: int
    stored_width: int
    stored_height: int
    orientation: int
    complete: bool
    frames: bool = False


def inspect(path: Path | str) -> ImageInfo:
    """Everything an import wants to know, from one look at the file. Raises FormatError if it is no image we open."""
    header = None
    with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
        head = file.read(image_header.HEAD_BYTES)
        length = os.fstat(file.fileno()).st_size
        header = image_header.read_header(head)
        if header is not None:
            complete = _has_end(head, head if len(head) >= length else _tail(file, length))
    if header is None:
        return _inspect_slowly(Path(path))
    _check_budget(path, (header.width, header.height), header.deep, length)
    info = _info(header.width, header.height, header.orientation, complete=complete)
    return info if complete else replace(info, complete=_is_decodable(Path(path)))


def read_size(path: Path) -> tuple[int, int]:
    """Upright (width, height) in pixels from the header alone. Raises FormatError if it is no image we open."""
    with opened(path) as image:
        width, height = image.size
        return (height, width) if orientation_of(image) >= 5 else (width, height)


def stored_size(path: Path) -> tuple[int, int]:
    """(width, height) as stored, before the EXIF orientation is applied. Raises FormatError as read_size does."""
    with opened(path) as image:
        return image.size


def decode(path: Path, *, max_side: int | None = None) -> NDArray[np.uint8]:
    """Pixels of the upright image: (H, W, 3) uint8 RGB, contiguous and writable.

    max_side: the longer side is at most this many pixels (thumbnails; JPEG then decodes at reduced size).
    Raises FormatError for what is truncated, damaged, no allowed format, or too large for this machine.
    """
    with opened(path, max_side=max_side) as image:
        return np.array(upright_rgb(image, max_side=max_side), dtype=np.uint8, order="C")


def upright_rgb(image: ImageFile.ImageFile, *, max_side: int | None = None) -> Image.Image:
    """The pixels of an image opened with `opened`, as decode gives them."""
    orientation = orientation_of(image)
    if max_side is not None and is_reducible(image):
        shares = (share for share in (8, 4, 2) if -(-max(image.size) // share) >= max_side)
        share = next(shares, 1)
        image.draft(image.mode, (max(1, image.width // share), max(1, image.height // share)))
    image.load()
    picture = to_rgb(image)
    if max_side is not None and max(picture.size) > max_side:
        picture = _reduced(picture, max_side)
    return picture.transpose(_TRANSPOSES[orientation]) if orientation in _TRANSPOSES else picture


def is_reducible(image: ImageFile.ImageFile) -> bool:
    """Whether a smaller copy of it can be decoded in a fraction of the time and memory: grey and colour JPEG."""
    return image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")


def is_complete(path: Path) -> bool:
    """False if the file's pixels cannot be decoded. Cheap for a sound file, whose end mark is looked at first.

    Raises nothing: a file that cannot be read at all is not complete.
    """
    try:
        return inspect(path).complete
    except FormatError:
        return False


def memory_budget() -> int:
    """Bytes that one decoded image may take: a quarter of this machine's memory, at most 4 GiB."""
    return min(_total_memory() // 4, _BUDGET_CAP)


@cache
def _total_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30


@contextmanager
def opened(path: Path, *, max_side: int | None = None) -> Iterator[ImageFile.ImageFile]:
    """The image with its header read and its size found bearable; every failure inside becomes a FormatError.

    max_side: no more than that is wanted of it, which lets a JPEG pass that would be too large as a whole.
    """
    try:
        with path.open("rb") as file, Image.open(file, formats=IMAGE_FORMATS) as image:
            share = 1.0
            if max_side is not None and is_reducible(image):
                share = max(1 / 8, min(1.0, 2 * max_side / max(image.size)))
            _check_budget(path, image.size, image.mode in _DEEP_MODES, os.fstat(file.fileno()).st_size, share=share)
            yield image
    except FormatError:
        raise
    except FileNotFoundError as error:
        raise FormatError(path, "", "the image file is gone. Put it back, or remove the image.") from error
    except UnidentifiedImageError as error:
        known = ", ".join(IMAGE_FORMATS)
        raise FormatError(path, "", f"is not an image of a known format ({known}). Convert or remove it.") from error
    except MemoryError as error:
        raise FormatError(path, "", "does not fit into memory. Make it smaller.") from error
    except EOFError as error:
        raise FormatError(path, "", CUT_OFF) from error
    except Exception as error:  # a decoder may raise nearly anything on damaged bytes; this is the codec's border
        reason = f"the image cannot be decoded ({error}). Replace it with a sound copy."
        raise FormatError(path, "", CUT_OFF if "truncated" in str(error).lower() else reason) from error


def _check_budget(path: Path | str, size: tuple[int, int], deep: bool, file_size: int, *, share: float = 1.0) -> None:
    """share: how much of each side is decoded at most."""
    width, height = size
    if width < 1 or height < 1 or max(width, height) > _MAX_SIDE:
        raise FormatError(path, "", f"has {width} x {height} pixels; a side may have 1 to {_MAX_SIDE}. Resize it.")
    pixels = width * height
    if pixels > _BOMB_PIXELS and pixels > file_size * _BOMB_PIXELS_PER_BYTE:
        raise FormatError(path, "", f"claims {width} x {height} pixels in {file_size} bytes. Replace the file.")
    needed = int(pixels * (12 if deep else 4) * share * share)
    if needed > memory_budget():
        reason = (
            f"{width} x {height} pixels need {needed >> 20} MiB, more than the {memory_budget() >> 20} MiB allowed."
        )
        raise FormatError(path, "", f"{reason} Cut it into tiles or make it smaller.")


def _info(width: int, height: int, orientation: int, *, complete: bool, frames: bool = False) -> ImageInfo:
    turned = orientation >= 5
    return ImageInfo(
        width=height if turned else width,
        height=width if turned else height,
        stored_width=width,
        stored_height=height,
        orientation=orientation,
        complete=complete,
        frames=frames,
    )


def _inspect_slowly(path: Path) -> ImageInfo:
    with opened(path) as image:
        frames = image.format in _ANIMATED and int(getattr(image, "n_frames", 1)) > 1
        info = _info(*image.size, orientation_of(image), complete=_looks_whole(path, image), frames=frames)
    return info if info.complete else replace(info, complete=_is_decodable(path))


def _looks_whole(path: Path, image: ImageFile.ImageFile) -> bool:
    """True if the file is as long as its format says, or bears its end mark: cheap, and right for sound files."""
    with path.open("rb") as file:
        head = file.read(64)
        length = os.fstat(file.fileno()).st_size
        tail = _tail(file, length)
    if not image.tile:
        return False  # a header without pixels
    if image.format in ("JPEG", "MPO", "PNG"):
        return _has_end(head, tail)
    if image.format == "GIF":
        return b";" in tail[-8:]
    if image.format == "WEBP":
        return int.from_bytes(head[4:8], "little") + 8 <= length
    if image.format == "TIFF":
        return _tiff_end(image) <= length
    return False  # the rest has no mark: it is decoded


def _tiff_end(image: ImageFile.ImageFile) -> int:
    """Offset behind the last strip or tile; beyond every file where the tags do not say."""
    tags = getattr(image, "tag_v2", {})
    for offsets, counts in ((273, 279), (324, 325)):
        if offsets in tags and counts in tags and len(tags[offsets]) == len(tags[counts]):
            return max(int(o) + int(c) for o, c in zip(tags[offsets], tags[counts], strict=True))
    return sys.maxsize


def _tail(file: BinaryIO | io.FileIO, length: int) -> bytes:
    file.seek(max(0, length - _TAIL_BYTES))
    return file.read()


def _has_end(head: bytes, tail: bytes) -> bool:
    return (b"\xff\xd9" if head.startswith(b"\xff\xd8") else b"IEND") in tail[-_TAIL_BYTES:]


def _is_decodable(path: Path) -> bool:
    try:
        decode(path)
    except FormatError:
        return False
    return True


def orientation_of(image: ImageFile.ImageFile) -> int:
    """EXIF orientation 1..8 as far as the header tells; Pillow turns TIFF upright by itself.

    PNG's own getexif would decode the pixels to look behind them, so the base class's is asked.
    """
    if image.format == "TIFF":
        return 1
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF says nothing about the pixels: the image counts as upright
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP_MODES:
        return Image.fromarray(_stretched(np.asarray(image, dtype=np.float32))).convert("RGB")
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        return _over_grey(image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_grey(image: Image.Image) -> Image.Image:
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    behind = Image.new("RGB", image.size, _BEHIND_ALPHA)
    behind.paste(image.convert("RGB"), mask=alpha)
    return behind


def _stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Percentiles 1 to 99 of the finite values onto 0..255. (H, W) -> (H, W) uint8"""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = (float(v) for v in np.percentile(finite, (1, 99)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    clean = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.asarray(np.clip((clean - low) * scale, 0, 255).round(), dtype=np.uint8)


def _reduced(image: Image.Image, max_side: int) -> Image.Image:
    """Smaller, keeping its proportions, so that the longer side is max_side."""
    factor = max_side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
