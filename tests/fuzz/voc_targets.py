"""What is fuzzed of VOC and of images: `python -m tests.fuzz.run voc`.

Every target holds the code to more than not crashing: two readers agree, an edit is read back, undo gives the bytes.
"""

from __future__ import annotations

import io
import os
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

from PIL import Image

from rcnn_studio.domain.dataset import Box, BoxFlag, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import LinkedFile, image_header, images, voc_file, voc_patch, xml_text
from tests.formats.files import voc_object, voc_text
from tests.formats.voc_writers import WRITERS, samples
from tests.fuzz import edits
from tests.fuzz.run import Target

NAME = "fuzz.xml"
TOKENS: tuple[bytes, ...] = (
    *(b"<object>", b"</object>", b"<bndbox>", b"</bndbox>", b"<name>", b"</name>", b"<xmin>", b"</xmin>", b"<ymax>"),
    *(b"<annotation>", b"</annotation>", b"<difficult/>", b"<size/>", b"<part>", b"</part>", b' verified="yes"'),
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?xml version='1.0' encoding='latin-1'?>", b"<?pi ?>", b"&#11;"),
    *(b"<!DOCTYPE a>", b"&amp;", b"&#0;", b"&x;", b' xmlns="u"', b' x:y="1"', b"xml:", b"<", b">", b"/>", b'"', b"'"),
    *(b"0.5", b"1,5", b"yes", b"Unspecified", b"1000001", b"-3", b"5.0e2", b"\xc2\x85", b"\xe2\x80\xa8", b"</", b"<a>"),
)
IMAGE_TOKENS: tuple[bytes, ...] = (
    *(b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xe1", b"\xff\xe0", b"\xff\xff"),
    *(
        b"Exif\x00\x00",
        b"II*\x00",
        b"MM\x00*",
        b"\x01\x12\x00\x03\x00\x00\x00\x01",
        b"\x12\x01\x03\x00\x01\x00\x00\x00",
    ),
    *(b"IHDR", b"IDAT", b"IEND", b"PLTE", b"acTL", b"eXIf", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff"),
    *(b"\x00\x0d", b"http://ns.adobe.com/xap/1.0/\x00", b"MPF\x00", b"ICC_PROFILE\x00", b"GIF89a", b"RIFF", b"BM"),
)


def xml_seeds() -> tuple[bytes, ...]:
    """A file of every writer in each of its encodings, and a few odd ones."""
    return (
        *(sample.data for writer in WRITERS for sample in samples(writer, seed=1, count=1)),
        voc_text(voc_object("bolt", (5, 6, 20, 30)) + voc_object("nut", (1.5, 2, 9.25, 12))).encode(),
        voc_text("").encode(),
        b"<annotation/>",
        b"<annotation><object><name>a</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox>"
        b"</object></annotation>",
    )


def image_seeds() -> tuple[bytes, ...]:
    """Small images of every format, some with EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.effect_noise((24, 16), 60).convert("RGB")
    options = ((f, {}) for f in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM"))
    more = (
        ("JPEG", {"exif": exif}),
        ("JPEG", {"progressive": True}),
        ("PNG", {"exif": exif}),
        ("JPEG", {"dpi": (9, 9)}),
    )
    found: list[bytes] = []
    for kind, settings in (*options, *more):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **settings)
        found.append(buffer.getvalue())
    return tuple(found)


def read(data: bytes) -> None:
    """Every object of the tree is an object of the result, and is a box or has a fault."""
    file = voc_file.read_file(data, NAME)
    root = xml_text.read(data, NAME)
    assert len(file.objects) == len(root.findall("object"))
    for one_based in (False, True):
        for found in file.objects:
            assert found.corners(one_based=one_based) or found.all_faults(one_based=one_based)
    named = [child for child in root.iter() if child is not root and child.tag.lower() == "object"]
    misplaced = [fault for fault in file.faults if fault.kind == "misplaced-object"]
    assert len(named) == len(file.objects) + len(misplaced)


def read_both_ways(data: bytes) -> None:
    """The fast reader and the one that knows places see the same document, or refuse it with the same words."""
    verdicts: list[object] = []
    for call in (lambda: _of_fast(xml_text.read(data, NAME)), lambda: _of_placed(xml_text.parse(data, NAME).root)):
        try:
            verdicts.append(call())
        except FormatError as error:
            verdicts.append(str(error))
    assert verdicts[0] == verdicts[1]


def _of_fast(element: Element) -> object:
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    return element.tag, element.get("verified"), text, [_of_fast(child) for child in element]


def _of_placed(element: xml_text.Element) -> object:
    children = [_of_placed(child) for child in element.children]
    return element.name, element.attributes.get("verified"), element.text, children


def patch(data: bytes) -> None:
    """Edits drawn from the input itself are read back as made; all of them undone give the bytes."""
    file = voc_file.read_file(data, NAME)
    draw = zlib.crc32(data)
    one_based = bool(draw & 1)
    names = sorted({o.name for o in file.objects if o.corners(one_based=one_based)} | {"spare"})
    categories = make_categories(names)
    ids = {category.name: category.id for category in categories}
    state = ImageState.VERIFIED if file.verified else ImageState.LABELLED
    boxes = tuple(
        Box(id=o.index + 1, x1=c[0], y1=c[1], x2=c[2], y2=c[3], category_id=ids[o.name], flags=o.flags, place=o.index)
        for o in file.objects
        if (c := o.corners(one_based=one_based))
    )
    record = ImageRecord(id=1, root=0, path="a.png", width=64, height=48, state=state, boxes=boxes)
    linked = LinkedFile(path=NAME, format="voc", options={"one_based": one_based})
    assert voc_patch.patch(data, linked, record, categories) is data
    boxes = edits.edited(boxes, draw, ids["spare"], flags=BoxFlag.DIFFICULT | BoxFlag.OCCLUDED)
    edited = replace(record, boxes=boxes)
    after = voc_patch.patch(data, linked, edited, categories)
    assert after is not None
    again = voc_file.read_file(after, NAME)
    found = [(o.name, c, o.flags) for o in again.objects if (c := o.corners(one_based=one_based))]
    wanted = [(names[b.category_id - 1], b.xyxy, b.flags) for b in edited.boxes]
    assert len(found) == len(wanted)
    for (name, corners, flags), (wanted_name, wanted_corners, wanted_flags) in zip(found, wanted, strict=True):
        assert (name, flags) == (wanted_name, wanted_flags)
        assert all(abs(a - b) < 0.011 for a, b in zip(corners, wanted_corners, strict=True))
    bad = [o for o in file.objects if not o.corners(one_based=one_based)]
    assert len([o for o in again.objects if not o.corners(one_based=one_based)]) == len(bad)


def header(data: bytes) -> None:
    """Where the fast reader of headers has an answer, it is Pillow's."""
    fast = image_header.read_header(data)
    if fast is None:
        return
    with Image.open(io.BytesIO(data), formats=images.IMAGE_FORMATS) as image:
        assert image.size == (fast.width, fast.height)
        assert (image.getexif().get(0x0112, 1) if image.format != "PNG" else 1) == fast.orientation
        assert (image.mode in ("I", "F", "I;16")) == fast.deep


_MEMORY = Path("/dev/shm")  # a disk would be most of the time
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-images-", dir=_MEMORY if _MEMORY.is_dir() else None)
_FILE = Path(_FOLDER.name) / "image"


def image_file(data: bytes) -> None:
    """What inspection calls complete has the size that it tells; what is decoded too."""
    with open(_FILE, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(data)
    info = images.inspect(_FILE)
    pixels = images.decode(_FILE)
    assert pixels.shape == (info.height, info.width, 3)


TARGETS = (
    Target(name="voc read", call=read, seeds=xml_seeds(), tokens=TOKENS),
    Target(name="voc read both ways", call=read_both_ways, seeds=xml_seeds(), tokens=TOKENS),
    Target(name="voc patch", call=patch, seeds=xml_seeds(), tokens=TOKENS),
    Target(name="image header", call=header, seeds=image_seeds(), tokens=IMAGE_TOKENS),
    Target(name="image file", call=image_file, seeds=image_seeds(), tokens=IMAGE_TOKENS),
)
