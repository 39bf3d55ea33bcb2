"""What is fuzzed of COCO: `python -m tests.fuzz.run coco`.

Every target holds the code to more than not crashing: the fast parser and the slow one agree, every record is a box or
a problem, an edit is read back, undo gives the bytes.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Imported, Source, coco_document, codec, json_text
from tests.formats.coco_writers import WRITERS, samples
from tests.fuzz.malformed_coco import DAMAGES, document
from tests.fuzz.run import Target

NAME = "fuzz.json"
TOKENS: tuple[bytes, ...] = (
    *(
        b'"images"',
        b'"annotations"',
        b'"categories"',
        b'"id"',
        b'"image_id"',
        b'"category_id"',
        b'"bbox"',
        b'"iscrowd"',
    ),
    *(b'"file_name"', b'"coco_url"', b'"width"', b'"height"', b'"name"', b'"area"', b'"segmentation"', b'"keypoints"'),
    *(b'"attributes"', b'"counts"', b'"size"', b'"0.png"', b'"1.png"', b'"./0.png"', b'"a\\\\0.png"', b'"/0.png"'),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"\\u0022",
        b"\\ud83d\\ude00",
        b"\\ud800",
        b"{}",
        b"[]",
        b"[[]]",
    ),
    *(b"10", b"11", b"3", b"7", b"18446744073709551616", b"12345678901234567890123", b"1.0", b"-0", b"1E2", b"605.0"),
    *(b', "bbox": [1, 2, 3, 4]', b'{"a": 1, "a": 2}', b"}, {", b"},{", b" : ", b"[5, 6, 15, 24]", b"null", b"false"),
    *(text.encode("utf-8", "surrogatepass") for text in DAMAGES.values() if len(text) < 400),
)


def seeds() -> tuple[bytes, ...]:
    """A file of every writer in each variant, and a small one about images that are there."""
    small = json.dumps(document()).encode()
    return (small, json.dumps(document(), indent=1).encode(), *(s.data for w in WRITERS for s in samples(w)))


@cache
def folder() -> Path:
    """Two images, and the place of the file."""
    place = Path(tempfile.mkdtemp(prefix="fuzz-coco-"))
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "PNG")
    for number in range(2):
        (place / f"{number}.png").write_bytes(out.getvalue())
    return place


@contextmanager
def pieces(size: int) -> Iterator[None]:
    """Lists are parsed in pieces of this many characters."""
    before = json_text._BATCH_CHARS
    json_text._BATCH_CHARS = size
    try:
        yield
    finally:
        json_text._BATCH_CHARS = before


def parse_both_ways(data: bytes) -> None:
    """What the fast parser accepts is what the slow one does, with the same values at the same places."""
    slow = _parsed(data, 1 << 30)
    fast = _parsed(data, 60)
    assert slow[:1] == fast[:1], "one refuses, the other does not"
    assert slow == fast
    if slow[0] == "refused":
        raise FormatError(NAME, slow[1], "is refused both ways.")


def _parsed(data: bytes, size: int) -> tuple[Any, ...]:
    values: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": []}

    def keep(key: str) -> json_text.OnBatch:
        return lambda first, records: values[key].extend(records) if first == len(values[key]) else values.clear()

    try:
        with pieces(size):
            text = json_text.parse(
                data, NAME, {key: keep(key) for key in values}, exact=("id", "image_id", "category_id")
            )
            spans = {key: [array.span(i) for i in range(len(array))] for key, array in text.arrays.items()}
    except FormatError as error:
        return "refused", error.where.partition("[")[0]
    assert all(len(values[key]) == len(array) for key, array in text.arrays.items())
    return "read", repr(_without_long(values)), spans


def _without_long(value: Any) -> Any:
    """Whole numbers too long for 64 bits may come as floats where exactness is not asked for."""
    if isinstance(value, dict):
        return {key: _without_long(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_without_long(v) for v in value]
    return float(value) if type(value) is int and abs(value) >= 1 << 63 and abs(value) < 10**300 else value


def read_and_account(data: bytes) -> None:
    """An import: every annotation is a box, a problem, or speaks of an image that is one."""
    imported = _imported(data)
    text = json_text.parse(data, NAME, {"images": _nothing, "annotations": _nothing})
    boxes = {box.place for record in imported.records() for box in record.boxes}
    named = {p.where.partition("].")[0].rstrip("]") for p in imported.problems}
    lost_images = any(name.startswith("images[") for name in named)
    count = len(text.arrays["annotations"]) if "annotations" in text.arrays else 0
    for index in range(count):
        assert index in boxes or f"annotations[{index}" in named or lost_images, f"annotations[{index}] vanished"
    used = {image.place for image in imported.images}
    for index in range(len(text.arrays["images"])):
        assert index in used or f"images[{index}" in named, f"images[{index}] vanished"
    assert all(p.file and p.message and p.action for p in imported.problems)


def edit_and_undo(data: bytes) -> None:
    """Moving, deleting and adding boxes changes these alone, is read back, and undo gives the very bytes."""
    imported = _imported(data)
    records = list(imported.records())
    assert _patch(imported, data, records) is data
    edited = [_edited(record, imported.categories) for record in records]
    after = _patch(imported, data, edited)
    assert after is not None
    again = _imported(after)
    wanted = sorted(len(record.boxes) for record in edited if record.boxes)
    assert sorted(len(record.boxes) for record in again.records() if record.boxes) == wanted
    before, now = (coco_document.parse(d, NAME) for d in (data, after))
    assert before.images == now.images
    assert _patch(imported, data, records) is data


def _edited(record: ImageRecord, categories: tuple[Category, ...]) -> ImageRecord:
    boxes = list(record.boxes[1:])
    if boxes:
        x1, y1, x2, y2 = boxes[-1].xyxy
        boxes[-1] = boxes[-1].moved_to(x1 + 1, y1 - 1, x2 + 2, y2 + 1)
    if categories:
        boxes.append(Box(id=10_000 + record.id, x1=1, y1=2, x2=30.5, y2=40, category_id=categories[0].id))
    return replace(record, boxes=tuple(boxes), state=ImageState.LABELLED)


def _imported(data: bytes) -> Imported:
    path = folder() / NAME
    path.write_bytes(data)
    with pieces(200):
        return codec("coco").read(Source(path=path, images=folder()), ignore, never)


def _patch(imported: Imported, data: bytes, records: list[ImageRecord]) -> bytes | None:
    places = {image.record.id: image.place for image in imported.images}
    return codec("coco").patch(data, imported.files[0], records, imported.categories, places)


def _nothing(_first: int, _records: list[Any]) -> None:
    """Batches that are only counted."""


SMALL = seeds()[:2]
TARGETS = (
    Target(name="coco parse", call=parse_both_ways, seeds=seeds(), tokens=TOKENS),
    Target(name="coco read", call=read_and_account, seeds=SMALL, tokens=TOKENS),
    Target(name="coco edit", call=edit_and_undo, seeds=SMALL, tokens=TOKENS),
)
