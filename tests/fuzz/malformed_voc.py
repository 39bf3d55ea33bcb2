"""Malformed VOC and image files, made field by field: each is one fault in an otherwise sound file.

Deterministic: the same list every time. Reads and writes nothing.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from tests.formats.files import voc_object, voc_text

SOUND = voc_object("bolt", (5, 6, 20, 30))
NUMBER_FAULTS = {
    "empty": "",
    "a word": "abc",
    "not a number": "NaN",
    "infinite": "Infinity",
    "minus infinite": "-inf",
    "overflowing": "1e999",
    "enormous": "1e30",
    "5000 digits": "9" * 5000,
    "a comma": "1,5",
    "hexadecimal": "0x10",
    "two numbers": "1 2",
    "digits of another script": "\u0661\u0662",
    "underscores": "1_0",
    "two signs": "--3",
    "a unit": "12px",
    "a formula": "=1+1",
    "a child": "<v>3</v>",
}
CORNERS = {"xmin": 5, "ymin": 6, "xmax": 20, "ymax": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """data: the file. where: the place that has to be named (empty: the file itself). kinds: of the problem.

    objects, boxes: how many <object> the file holds and how many of them are sound. kept: text that has to be there
    still after the sound boxes were edited (empty for a file that is refused).
    """

    name: str
    data: bytes
    where: str
    kinds: tuple[str, ...]
    objects: int = 2
    boxes: int = 1
    kept: str = ""


def malformed_xml() -> Iterator[Malformed]:
    """One bad field each, in the second object or around it; then files that are bad as a whole."""
    yield from _bad_corners()
    yield from _bad_boxes()
    yield from _bad_names()
    yield from _bad_sizes()
    yield from _bad_filenames()
    yield from _misplaced_objects()
    yield from _refused_files()


def _with_second(text: str) -> bytes:
    return voc_text(SOUND + text).encode("utf-8")


def _bad_corners() -> Iterator[Malformed]:
    for tag in CORNERS:
        for fault, written in NUMBER_FAULTS.items():
            second = voc_object("nut", tuple(written if t == tag else v for t, v in CORNERS.items()))  # type: ignore[arg-type]
            yield Malformed(
                name=f"{tag}: {fault}",
                data=_with_second(second),
                where=f"object[1]/bndbox/{tag}",
                kinds=("not-a-number", "out-of-range"),
                kept=second.strip(),
            )
        for fault, cut in (("missing", ""), ("self-closed", f"<{tag}/>"), ("misspelt", f"<{tag}s>3</{tag}s>")):
            second = voc_object("nut", (5, 6, 20, 30)).replace(f"<{tag}>{CORNERS[tag]}</{tag}>", cut)
            yield Malformed(
                name=f"{tag}: {fault}",
                data=_with_second(second),
                where=f"object[1]/bndbox/{tag}",
                kinds=("not-a-number",),
                kept=second.strip(),
            )
        second = voc_object("nut", (5, 6, 20, 30)).replace(f"<{tag}>", f"<{tag}>7</{tag}><{tag}>", 1)
        yield Malformed(
            name=f"{tag}: twice",
            data=_with_second(second),
            where=f"object[1]/bndbox/{tag}",
            kinds=("repeated-field",),
            boxes=2,
        )


def _bad_boxes() -> Iterator[Malformed]:
    for name, corners, kind, boxes in (
        ("no area", (5, 5, 5, 5), "zero-area", 1),
        ("no width", (5, 6, 5, 30), "zero-area", 1),
        ("no height", (5, 6, 20, 6), "zero-area", 1),
        ("no area, negative", (-5, -5, -5, -5), "zero-area", 1),
        ("swapped x", (20, 6, 5, 30), "swapped-corners", 2),
        ("swapped y", (5, 30, 20, 6), "swapped-corners", 2),
        ("swapped both", (20, 30, 5, 6), "swapped-corners", 2),
    ):
        second = voc_object("nut", corners)
        yield Malformed(
            name=f"bndbox: {name}",
            data=_with_second(second),
            where="object[1]/bndbox",
            kinds=(kind,),
            boxes=boxes,
            kept=second.strip() if boxes == 1 else "",
        )
    whole = voc_object("nut", (5, 6, 20, 30))
    start, end = whole.index("<bndbox>"), whole.index("</bndbox>") + len("</bndbox>")
    for name, box, where in (
        ("missing", "", "object[1]/bndbox"),
        ("empty", "<bndbox></bndbox>", "object[1]/bndbox/xmin"),
        ("self-closed", "<bndbox/>", "object[1]/bndbox/xmin"),
        ("text", "<bndbox>5 6 20 30</bndbox>", "object[1]/bndbox/xmin"),
        ("misspelt", whole[start:end].replace("bndbox", "BndBox"), "object[1]/bndbox"),
        ("a point", "<point><x>3</x><y>4</y></point>", "object[1]/bndbox"),
        ("a polygon", "<polygon><x1>3</x1><y1>4</y1></polygon>", "object[1]/bndbox"),
        ("centre and size", "<bndbox><x>3</x><y>4</y><w>5</w><h>6</h></bndbox>", "object[1]/bndbox/xmin"),
    ):
        second = whole[:start] + box + whole[end:]
        yield Malformed(
            name=f"bndbox: {name}",
            data=_with_second(second),
            where=where,
            kinds=("missing-box", "not-a-number"),
            kept=second.strip(),
        )
    twice = whole[:end] + whole[start:end].replace("5", "6") + whole[end:]
    yield Malformed(
        name="bndbox: twice", data=_with_second(twice), where="object[1]/bndbox", kinds=("repeated-field",), boxes=2
    )


def _bad_names() -> Iterator[Malformed]:
    for name, written in (
        ("missing", ""),
        ("empty", "<name></name>"),
        ("self-closed", "<name/>"),
        ("blank", "<name> \n </name>"),
        ("misspelt", "<Name>nut</Name>"),
        ("only a comment", "<name><!-- nut --></name>"),
        ("only a child", "<name><b>nut</b></name>"),
    ):
        second = voc_object("nut", (5, 6, 20, 30)).replace("<name>nut</name>", written)
        yield Malformed(
            name=f"name: {name}",
            data=_with_second(second),
            where="object[1]/name",
            kinds=("missing-name",),
            kept=second.strip(),
        )
    for name, written, kind in (
        ("twice", "<name>nut</name><name>bolt</name>", "repeated-field"),
        ("a tab inside", "<name>n\tut</name>", "odd-name"),
        ("a line end inside", "<name>n\nut</name>", "odd-name"),
        ("a line end by reference", "<name>n&#10;ut</name>", "odd-name"),
    ):
        second = voc_object("nut", (5, 6, 20, 30)).replace("<name>nut</name>", written)
        yield Malformed(name=f"name: {name}", data=_with_second(second), where="object[1]/name", kinds=(kind,), boxes=2)


def _bad_sizes() -> Iterator[Malformed]:
    text = voc_text(SOUND)
    for tag, right in (("width", "64"), ("height", "48"), ("depth", "3")):
        for fault, written in NUMBER_FAULTS.items():
            if written in ("", "<v>3</v>"):
                continue
            data = text.replace(f"<{tag}>{right}<", f"<{tag}>{written}<").encode("utf-8")
            yield Malformed(name=f"size/{tag}: {fault}", data=data, where=f"size/{tag}", kinds=("bad-size",), objects=1)
        data = text.replace(f"<{tag}>{right}<", f"<{tag}>-{right}<").encode("utf-8")
        yield Malformed(name=f"size/{tag}: negative", data=data, where=f"size/{tag}", kinds=("bad-size",), objects=1)
    for name, old, new in (
        ("another width", "<width>64<", "<width>640<"),
        ("another height", "<height>48<", "<height>480<"),
        ("turned", "<width>64</width>\n\t\t<height>48<", "<width>48</width>\n\t\t<height>64<"),
        ("zero", "<width>64</width>\n\t\t<height>48<", "<width>0</width>\n\t\t<height>0<"),
    ):
        data = text.replace(old, new).encode("utf-8")
        yield Malformed(name=f"size: {name}", data=data, where="size", kinds=("size-mismatch",), objects=1)


def _bad_filenames() -> Iterator[Malformed]:
    for written in (
        "/etc/passwd",
        "../../a.png",
        "..\\..\\a.png",
        "C:\\me\\a.png",
        "C:a.png",
        "\\\\host\\share\\a.png",
        "//host/a.png",
        "a\nb.png",
        "..",
        "sub/../../a.png",
        "file:///etc/passwd",
    ):
        data = voc_text(SOUND, filename=written).encode("utf-8")
        yield Malformed(name=f"filename: {written!r}", data=data, where="filename", kinds=("bad-filename",), objects=1)


def _misplaced_objects() -> Iterator[Malformed]:
    nut = voc_object("nut", (5, 6, 20, 30))
    for name, second in (
        ("inside another element", f"<objects>{nut}</objects>"),
        ("inside another object", nut.replace("<pose>", f"{nut}<pose>")),
        ("in capitals", nut.replace("object>", "Object>")),
        ("in all capitals", nut.replace("object>", "OBJECT>")),
    ):
        inner = name == "inside another object"
        yield Malformed(
            name=f"object: {name}",
            data=_with_second(second),
            where="/object" if name.startswith("inside") else "annotation/O",
            kinds=("misplaced-object",),
            objects=2 if inner else 1,
            boxes=2 if inner else 1,
            kept="" if inner else second.strip(),
        )


def _refused_files() -> Iterator[Malformed]:
    text = voc_text(SOUND)
    sound = text.encode("utf-8")
    cases = {f"cut at {share} %": sound[: len(sound) * share // 100] for share in range(0, 100, 9)}
    cases |= {
        "no XML": b"not xml at all",
        "another root": b"<svg/>",
        "annotations": text.replace("annotation>", "annotations>").encode(),
        "two roots": sound + sound,
        "text behind the root": sound + b"x",
        "text before the root": b"x" + sound,
        "an end tag missing": text.replace("</bndbox>", "").encode(),
        "end tags crossed": text.replace("</bndbox>\n\t</object>", "</object>\n\t</bndbox>").encode(),
        "an attribute twice": text.replace("<object>", "<object a='1' a='2'>").encode(),
        "an attribute without quotes": text.replace("<object>", "<object a=1>").encode(),
        "a bare ampersand": text.replace("bolt", "bolt & nut").encode(),
        "a bare less-than": text.replace("bolt", "a < b").encode(),
        "a control character": text.replace("bolt", "bo\x0blt").encode(),
        "a control character by reference": text.replace("bolt", "bo&#11;lt").encode(),
        "a zero byte": text.replace("bolt", "bo\x00lt").encode(),
        "a zero byte by reference": text.replace("bolt", "bo&#0;lt").encode(),
        "zero bytes at the end": sound + b"\x00" * 4096,
        "zero bytes only": b"\x00" * 4096,
        "a surrogate by reference": text.replace("bolt", "bo&#xD800;lt").encode(),
        "an unknown entity": text.replace("bolt", "&nbsp;").encode(),
        "an external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + text.replace("bolt", "&x;").encode(),
        "an entity of its own": b'<!DOCTYPE a [<!ENTITY x "bolt">]>' + text.replace("bolt", "&x;").encode(),
        "a DOCTYPE": b"<!DOCTYPE annotation>" + sound,
        "an external DTD": b'<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/x.dtd">' + sound,
        "a parameter entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>' + sound,
        "latin-1 without saying so": text.replace("bolt", "gr\xfcn").encode("latin-1"),
        "utf-8 said to be ascii": b"<?xml version='1.0' encoding='ascii'?>" + text.replace("bolt", "gr\xfcn").encode(),
        "an unknown encoding": b"<?xml version='1.0' encoding='x-unknown'?>" + sound,
        "a codec that is no character set": b"<?xml version='1.0' encoding='rot13'?>" + sound,
        "half a utf-16 character": b"\xff\xfe" + text.encode("utf-16-le")[:-1],
        "a lone surrogate in utf-16": b"\xff\xfe"
        + text.replace("bolt", "bXlt").encode("utf-16-le").replace(b"X\x00", b"\x00\xd8"),
        "an overlong character": sound.replace(b"bolt", b"bo\xc0\xaflt"),
        "a surrogate in utf-8": sound.replace(b"bolt", b"bo\xed\xa0\x80lt"),
        "a bad declaration": b"<?xml vers='1.0'?>" + sound,
        "a declaration inside": sound.replace(b"<object>", b"<?xml version='1.0'?><object>"),
        "an open comment": sound.replace(b"<object>", b"<!-- <object>"),
        "two hyphens in a comment": sound.replace(b"<object>", b"<!-- a -- b --><object>"),
        "open character data": sound.replace(b"bolt", b"<![CDATA[bolt"),
        "too deep": b"<annotation>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</annotation>",
        "a tag of digits": sound.replace(b"<size>", b"<1/><size>"),
        "an empty tag": sound.replace(b"<size>", b"<><size>"),
        "a page": b"<html><body>404 Not Found</body></html>",
        "JSON": b'{"shapes": []}',
        "an image": b"\x89PNG\r\n\x1a\n",
        "a pointer of a large-file store": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "conflict marks": sound.replace(b"<object>", b"<<<<<<< HEAD\n<object>"),
        "a prefix that is not bound, twice closed": sound.replace(b"<object>", b"<x:object></object>"),
    }  # fmt: skip
    for name, data in cases.items():
        yield Malformed(name=f"file: {name}", data=data, where="", kinds=("unreadable-annotation",), objects=0, boxes=0)


def malformed_images() -> Iterator[tuple[str, str, bytes]]:
    """(what is wrong, suffix, bytes) of images that cannot be shown, or not whole."""
    picture = Image.effect_noise((64, 48), 60).convert("RGB")
    for kind, suffix in (
        ("JPEG", "jpg"),
        ("PNG", "png"),
        ("BMP", "bmp"),
        ("TIFF", "tif"),
        ("WEBP", "webp"),
        ("GIF", "gif"),
        ("PPM", "ppm"),
    ):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        data = buffer.getvalue()
        for share in (0, 5, 25, 50, 80, 95):
            yield f"{kind} cut at {share} %", suffix, data[: len(data) * share // 100]
        yield f"{kind} with a zeroed head", suffix, b"\x00" * 16 + data[16:]
        yield f"{kind} as text", suffix, b"This is no image.\n" * 40
    yield "PNG of no width", "png", png(0, 48)
    yield "PNG of no height", "png", png(64, 0)
    yield "PNG bomb", "png", png(30_000, 30_000)
    yield "PNG of 200,000 columns", "png", png(200_000, 10)
    yield "PNG of the largest size", "png", png(0x7FFFFFFF, 0x7FFFFFFF)
    yield "PNG with a wrong check sum", "png", png(64, 48)[:29] + b"\x00\x00\x00\x00" + png(64, 48)[33:]
    yield "PNG of an unknown colour type", "png", png(64, 48, color=5)
    yield "PNG without pixels", "png", png(64, 48, pixels=b"")
    yield "an EPS, which a decoder would run", "png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    yield "an SVG", "png", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    yield "an ICO, which is not on the list", "png", b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00" * 9
    yield "a PDF", "jpg", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


def png(width: int, height: int, *, color: int = 2, pixels: bytes = b"\x00" * 100) -> bytes:
    """A PNG that says so of itself, whatever its pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(pixels)) if pixels else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")
