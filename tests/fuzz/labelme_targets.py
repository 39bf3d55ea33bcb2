"""What is fuzzed of labelme: `python -m tests.fuzz.run labelme`.

Every target holds the code to more than not crashing: an edit is read back, undo gives the bytes.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

from rcnn_studio.domain.dataset import Box, BoxFlag, ImageRecord, make_categories
from rcnn_studio.formats import LinkedFile, labelme_patch
from rcnn_studio.formats.labelme_record import Shape, read_shape
from tests.fuzz import edits
from tests.fuzz.run import Target

_RECTANGLE = {
    "label": "bolt",
    "points": [[10.5, 12], [40, 30.25]],
    "group_id": None,
    "description": "",
    "shape_type": "rectangle",
    "flags": {"difficult": False, "mine": True},
}
_POLYGON = {"label": "nüt", "points": [[1, 2], [30, 2], [15, 40]], "shape_type": "polygon", "flags": {}}
_HEAD = {"version": "5.4.1", "flags": {}, "imagePath": "a.png", "imageData": "iVBORw0KGgo=", "imageHeight": 48}
SEEDS = (
    json.dumps({**_HEAD, "shapes": [_RECTANGLE, _POLYGON]}, indent=2, ensure_ascii=False).encode(),
    json.dumps({"shapes": [_RECTANGLE, {"shape_type": "line", "points": []}, 3], **_HEAD}).encode(),
    json.dumps({"shapes": [{**_RECTANGLE, "difficult": True, "flags": None}]}, separators=(",", ":")).encode(),
    b'\xef\xbb\xbf{"shapes": []}',
)
TOKENS = (
    *(b'"shapes":', b'"points":', b'"label":', b'"shape_type":', b'"flags":', b'"rectangle"', b'"polygon"', b"[[1, 2]"),
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\u0000", b"\\ud83d", b'"difficult": true', b"[1, 2], [3, 4]", b"\n"),
)


def patch(data: bytes) -> None:
    """Edits drawn from the input itself are read back as made; all of them undone give the bytes."""
    draw = zlib.crc32(data)
    shapes = _shapes(data)
    labels = sorted({shape.label for shape in shapes} | {"spare"})
    categories = make_categories(labels)
    ids = {category.name: category.id for category in categories}
    boxes = tuple(
        Box(
            id=shape.index + 1,
            x1=shape.xyxy[0],
            y1=shape.xyxy[1],
            x2=shape.xyxy[2],
            y2=shape.xyxy[3],
            category_id=ids[shape.label],
            flags=shape.flags,
            place=shape.index,
        )
        for shape in shapes
    )
    record = ImageRecord(id=1, root=0, path="a.png", width=64, height=48, boxes=boxes)
    linked = LinkedFile(path="a.json", format="labelme")
    assert labelme_patch.patch(data, linked, record, categories) is data
    boxes = edits.edited(boxes, draw, ids["spare"], flags=BoxFlag.DIFFICULT | BoxFlag.CROWD)
    edited = replace(record, boxes=boxes)
    after = labelme_patch.patch(data, linked, edited, categories)
    assert after is not None
    found = _shapes(after)
    wanted = [(labels[box.category_id - 1], box.flags) for box in edited.boxes]
    assert [(shape.label, shape.flags) for shape in found] == wanted
    for shape, box in zip(found, edited.boxes, strict=True):
        assert all(abs(p - q) < 0.011 for p, q in zip(shape.xyxy, box.xyxy, strict=True))


def _shapes(data: bytes) -> list[Shape]:
    values = labelme_patch.parse(data, "a.json")[1]
    read = [read_shape(value, index) for index, value in enumerate(values)]
    return [shape for shape in read if isinstance(shape, Shape)]


TARGETS = (Target(name="labelme patch", call=patch, seeds=SEEDS, tokens=TOKENS),)
