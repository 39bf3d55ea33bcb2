"""Size and EXIF orientation out of the first bytes of an ordinary JPEG or PNG, several times as fast as Pillow.

Strict: whatever is not quite ordinary (other formats, XMP, odd markers, damage) gives None, and Pillow is to be asked.
Where there is an answer it is Pillow's. Opens nothing.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

HEAD_BYTES = 16_384
"""How much of a file is enough for nearly all of them."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Chunks that stand before the pixels and say nothing about size or orientation, with their length (None: a palette).
_PNG_PLAIN = {b"PLTE": None, b"pHYs": 9, b"gAMA": 4, b"sRGB": 1, b"cHRM": 32, b"tIME": 7}
_ORIENTATION_TAG = 0x0112
_SHORT = 3
_EXIF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


class Header(NamedTuple):
    """width, height: as stored. orientation: EXIF's, 1 to 8. deep: more than eight bits a sample in one channel."""

    width: int
    height: int
    orientation: int
    deep: bool


def read_header(head: bytes) -> Header | None:
    """head: the first bytes of a file. None: ask Pillow."""
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(head)
    if head.startswith(_PNG):
        return _png(head)
    return None


def _png(head: bytes) -> Header | None:
    if len(head) < 33 or head[8:16] != b"\x00\x00\x00\rIHDR":
        return None
    width, height, depth, color, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", head, 16)
    if depth not in _PNG_DEPTHS.get(color, ()) or compression or filtering or interlace > 1 or not width or not height:
        return None
    if zlib.crc32(head[12:29]) != int.from_bytes(head[29:33], "big") or not _png_is_plain(head, 33):
        return None
    return Header(width, height, 1, depth == 16 and color == 0)


def _png_is_plain(head: bytes, position: int) -> bool:
    """True if nothing but harmless chunks stands before the pixels."""
    while position + 8 <= len(head):
        length, kind = int.from_bytes(head[position : position + 4], "big"), head[position + 4 : position + 8]
        if kind == b"IDAT":
            return True
        expected = _PNG_PLAIN.get(kind, -1)
        if expected is None:
            expected = length if 0 < length <= 768 and length % 3 == 0 else -1
        end = position + 8 + length
        if length != expected or end + 4 > len(head):
            return False
        if zlib.crc32(head[position + 4 : end]) != int.from_bytes(head[end : end + 4], "big"):
            return False
        position = end + 4
    return False


def _jpeg(head: bytes) -> Header | None:
    """Walks the markers up to the first scan; only those that every camera and program writes are known here."""
    position, size, orientation, seen_exif = 2, None, 1, False
    while position + 4 <= len(head):
        if head[position] != 0xFF:
            return None
        marker, length = head[position + 1], int.from_bytes(head[position + 2 : position + 4], "big")
        body = head[position + 4 : position + 2 + length]
        if length < 2 or len(body) != length - 2:
            return None
        position += 2 + length
        if marker == 0xDA:
            return Header(*size, orientation, False) if size else None
        if marker in (0xC0, 0xC1, 0xC2):
            size = None if size else _jpeg_frame(body)
            if size is None:
                return None
        elif marker == 0xE1:
            found = None if seen_exif else _exif_orientation(body)
            if found is None:
                return None
            orientation, seen_exif = found, True
        elif not _is_plain_segment(marker, body):
            return None
    return None


def _jpeg_frame(body: bytes) -> tuple[int, int] | None:
    if len(body) < 6 or body[0] != 8 or body[5] not in (1, 3, 4) or len(body) != 6 + 3 * body[5]:
        return None
    width, height = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
    return (width, height) if width and height else None


def _is_plain_segment(marker: int, body: bytes) -> bool:
    """True for a segment that says nothing about size and orientation, and in which nothing is odd."""
    if marker == 0xDB:  # quantization tables of eight bits
        return bool(body) and len(body) % 65 == 0 and all(body[i] < 4 for i in range(0, len(body), 65))
    if marker in (0xC4, 0xDD, 0xFE):
        return True
    if marker == 0xE0:
        return (body.startswith(b"JFIF\x00") and len(body) >= 12) or body.startswith(b"JFXX\x00")
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\x00") and len(body) >= 16
    return marker == 0xEE and body.startswith(b"Adobe") and len(body) == 12


def _exif_orientation(body: bytes) -> int | None:
    """1 where the EXIF data have none; None for data that are no EXIF or not whole."""
    tiff = body[6:]
    if not body.startswith(b"Exif\x00\x00") or tiff[:4] not in (b"II*\x00", b"MM\x00*"):
        return None
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        if start + 2 + 12 * count + 4 > len(tiff):
            return None
        found: list[int] = []
        elsewhere = 0
        for number in range(count):
            place = start + 2 + 12 * number
            tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, place)
            size = values * _EXIF_SIZES.get(kind, len(tiff))
            if size > 4:  # it lies elsewhere; what counts of values that are not there is Pillow's to say
                elsewhere += size
                (offset,) = struct.unpack_from(f"{order}I", tiff, place + 8)
                if elsewhere > len(tiff) or offset + size > len(tiff):
                    return None
            if tag == _ORIENTATION_TAG:
                if kind != _SHORT or values != 1:
                    return None
                found += struct.unpack_from(f"{order}H", tiff, place + 8)
    except struct.error:
        return None
    if len(found) > 1 or (found and not 1 <= found[0] <= 8):
        return None
    return found[0] if found else 1
