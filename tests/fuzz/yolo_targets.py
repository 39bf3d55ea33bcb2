"""What is fuzzed of YOLO: `python -m tests.fuzz.run yolo`.

Every target holds the code to more than not crashing: an edit is read back, undo gives the bytes, names keep their
order.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

from rcnn_studio.domain.dataset import Box, ImageRecord, make_categories
from rcnn_studio.formats import LinkedFile, codec, yolo_patch
from rcnn_studio.formats.yolo_names import category_names, read_list, read_yaml
from rcnn_studio.formats.yolo_record import BLANKS, read_row, read_text
from tests.fuzz.run import Target

CLASSES = 3
TEXT_SEEDS = (
    b"0 0.5 0.5 0.25 0.5\n1 0.250000 0.250000 0.500000 0.500000\n",
    b"\xef\xbb\xbf2\t.5\t0.5 5e-1 +0.25 0.87\r\n\r\n0 0.1 0.1 0.9 0.1 0.5 0.9",
    b"0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n0 0.5 0.5 1.5 0.5\nbad line\n",
    b"",
)
TEXT_TOKENS = (b"0.5", b" ", b"\t", b"\n", b"\r", b"\r\n", b"0 0.5 0.5 0.1 0.1\n", b".5", b"5e-1", b"-0", b"2", b"9")
YAML_SEEDS = (
    b"train: ../train/images\nval: [images/val, more/val]\n\nnc: 2\nnames: ['bolt', 'nut']\n",
    b'path: /data # here\r\ntrain: images\r\nnames:\r\n  0: bolt\r\n  1: "nut"  # two\r\nkpt_shape: [17, 3]\r\n',
    b"names:\n- a\n- b c\ntrain: .\n",
    b"names: {0: a, 1: 'b'}\nval: x",
    b"names: []\ntrain: x\n",
)
YAML_TOKENS = (
    *(b"names:", b"- ", b"\n  ", b": ", b"[", b"]", b"{", b"}", b"'", b'"', b"#", b"|", b">", b"&a ", b"*a", b"!!str "),
    *(b"<<: ", b"? ", b"---\n", b"...\n", b"%YAML 1.1\n", b"\\U0001F4A3", b"\xe2\x80\xa8", b"~", b"2: c\n", b", c"),
)


def text_file(data: bytes) -> None:
    """Edits drawn from the input itself are read back as made; all of them undone give the bytes."""
    draw = zlib.crc32(data)
    width, height = 1 + draw % 5000, 1 + (draw >> 12) % 5000
    keypoints = (0, 0, 0, 6)[draw & 3]
    options = {"classes": CLASSES, "keypoints": keypoints, "keypoint_step": 3}
    linked = LinkedFile(path="a.txt", format="yolo", options=options)
    categories = make_categories([str(index) for index in range(CLASSES)])
    record = ImageRecord(id=1, root=0, path="a.png", width=width, height=height)
    record = replace(record, boxes=_boxes(data, record, keypoints))
    assert yolo_patch.patch(data, linked, record, categories) is data
    edited = replace(record, boxes=_edited(record, draw))
    after = yolo_patch.patch(data, linked, edited, categories)
    assert after is not None
    found = _boxes(after, record, keypoints)
    assert [box.category_id for box in found] == [box.category_id for box in edited.boxes]
    for a, b in zip(found, edited.boxes, strict=True):
        assert all(abs(p - q) < 0.011 for p, q in zip(a.xyxy, b.xyxy, strict=True))
    assert _bad_lines(after, record, keypoints) == _bad_lines(data, record, keypoints)


def _boxes(data: bytes, record: ImageRecord, keypoints: int) -> tuple[Box, ...]:
    boxes: list[Box] = []
    for index, line in enumerate(read_text(data, "a.txt").lines):
        row, faults = read_row(line.text, index, classes=CLASSES, keypoints=keypoints)
        assert row is not None or faults or not line.text.strip(BLANKS)
        corners = None if row is None else row.corners(record.width, record.height)
        if row is not None and corners is not None:
            x1, y1, x2, y2 = corners
            boxes.append(Box(id=index + 1, x1=x1, y1=y1, x2=x2, y2=y2, category_id=row.category + 1, place=index))
    return tuple(boxes)


def _bad_lines(data: bytes, record: ImageRecord, keypoints: int) -> list[str]:
    sound = {box.place for box in _boxes(data, record, keypoints)}
    lines = enumerate(read_text(data, "a.txt").lines)
    texts = (line.text.lstrip("\ufeff") for index, line in lines if index not in sound)
    return [text for text in texts if text]  # a line that has become the first may begin with what is now the mark


def _edited(record: ImageRecord, draw: int) -> tuple[Box, ...]:
    """Some boxes deleted, moved or renamed, and one added, as the bits of `draw` say."""
    kept: list[Box] = []
    width, height = record.width, record.height
    for number, box in enumerate(record.boxes):
        action = (draw >> (3 * (number % 9))) & 7
        if action == 1:
            continue
        if action in (2, 3):
            box = replace(box, x1=width * 0.1, y1=height * 0.2, x2=width * 0.55, y2=height * 0.85)
        if action in (3, 4):
            box = replace(box, category_id=1 + (box.category_id % CLASSES))
        kept.append(box)
    if draw & 6:
        kept.append(Box(id=90_001, x1=0.0, y1=0.0, x2=width * 0.5, y2=height * 0.25, category_id=2))
    return tuple(kept)


def yaml_names(data: bytes) -> None:
    """A name added and one changed are read back, the others stay, and nothing changed gives the bytes."""
    _patch_names(data, "yaml", read_yaml(data, "data.yaml").names)


def list_names(data: bytes) -> None:
    """As for YAML."""
    _patch_names(data, "lines", read_list(data, "classes.txt"))


def _patch_names(data: bytes, kind: str, names: tuple[str, ...]) -> None:
    linked = LinkedFile(path="names", format="yolo-names", options={"kind": kind})
    patcher = codec("yolo-names")
    now = category_names(names)
    assert patcher.patch(data, linked, (), make_categories(now), {}) is data
    wanted = [*now, "new: one", "it's"]
    if now:
        wanted[zlib.crc32(data) % len(now)] = "other #1"
    after = patcher.patch(data, linked, (), make_categories(category_names(wanted)), {})
    assert after is not None
    found = read_list(after, "") if kind == "lines" else read_yaml(after, "").names
    assert category_names(found) == category_names(wanted)


TARGETS = (
    Target(name="yolo text file", call=text_file, seeds=TEXT_SEEDS, tokens=TEXT_TOKENS),
    Target(name="yolo names in yaml", call=yaml_names, seeds=YAML_SEEDS, tokens=YAML_TOKENS),
    Target(
        name="yolo list of names", call=list_names, seeds=(b"bolt\nnut\n", b"a\r\n b \r\n\r\n", b""), tokens=(b"\n",)
    ),
)
