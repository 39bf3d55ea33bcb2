"""Files of every well-known VOC writer, in every variant: nothing is lost, and an edit changes itself alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, Category, ImageRecord, ImageState, make_categories
from rcnn_studio.formats import Imported, LinkedFile, voc_file, voc_patch
from tests.formats.files import draw_image, patch, read, with_box
from tests.formats.voc_writers import HEIGHT, NAMES, VARIANTS, WIDTH, WRITERS, Sample, Thing, Writer, samples

SEED = 20
FLAGS = {"truncated": BoxFlag.TRUNCATED, "difficult": BoxFlag.DIFFICULT, "occluded": BoxFlag.OCCLUDED}
by_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


def all_samples(writer: Writer) -> list[Sample]:
    return list(samples(writer, seed=SEED))


def pixels(thing: Thing, *, one_based: bool) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = thing.corners
    return (x1 - 1, y1 - 1, x2, y2) if one_based else thing.corners


def record_of(sample: Sample) -> tuple[ImageRecord, LinkedFile, tuple[Category, ...]]:
    """The sample as an import gives it, read without a disk."""
    file = voc_file.read_file(sample.data, f"{sample.stem}.xml")
    categories = make_categories(sorted({o.name for o in file.objects} | {"spare"}))
    ids = {category.name: category.id for category in categories}
    boxes = []
    for o in file.objects:
        corners = o.corners(one_based=sample.one_based)
        assert corners is not None
        x1, y1, x2, y2 = corners
        number = o.index + 1
        boxes.append(Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=ids[o.name], flags=o.flags, place=o.index))
    state = ImageState.VERIFIED if file.verified else ImageState.LABELLED
    record = ImageRecord(id=1, root=0, path="a.jpg", width=WIDTH, height=HEIGHT, state=state, boxes=tuple(boxes))
    return record, LinkedFile(path="a.xml", format="voc", options={"one_based": sample.one_based}), categories


def patched(sample: Sample, change: Callable[[ImageRecord], ImageRecord]) -> bytes:
    record, file, categories = record_of(sample)
    after = voc_patch.patch(sample.data, file, change(record), categories)
    assert after is not None
    return after


def differences(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    """The stretches of bytes that differ, as (before, after)."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [(before[a:b], after[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]


def common_ends(before: bytes, after: bytes) -> tuple[int, int]:
    """How many bytes are the same at the start and, behind that, at the end."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    return start, end


def as_lists(things: Sequence[Thing]) -> list[tuple[float, ...]]:
    return [thing.corners for thing in things]


@by_writer
def test_every_object_arrives_with_its_name_corners_and_flags(writer: Writer) -> None:
    for sample in all_samples(writer):
        file = voc_file.read_file(sample.data, "a.xml")
        assert [fault for o in file.objects for fault in o.faults] == [], sample.variant
        assert file.faults == [], sample.variant
        assert len(file.objects) == len(sample.things)
        text = sample.data.decode(sample.encoding)
        for found, thing in zip(file.objects, sample.things, strict=True):
            wanted = pixels(thing, one_based=sample.one_based)
            assert found.corners(one_based=sample.one_based) == pytest.approx(wanted, abs=0.051)
            for flag, bit in FLAGS.items():
                assert bool(found.flags & bit) is getattr(thing, flag), (sample.variant, flag)
            assert found.name in NAMES or found.name.replace("&", "&amp;").replace("<", "&lt;") in text


@by_writer
def test_import_open_and_close_change_no_file(writer: Writer, tmp_path: Path) -> None:
    written = all_samples(writer)
    imported = on_disk(tmp_path, written)
    assert not [p for p in imported.problems if p.level == "error"]
    assert imported.box_count == sum(len(sample.things) for sample in written)
    for index, image in enumerate(imported.images):
        file = imported.files[image.file or 0]
        original = Path(file.path).read_bytes()
        assert patch(imported, imported.record(index)) == original
    for sample in written:
        assert (tmp_path / "Annotations" / f"{sample.stem}.xml").read_bytes() == sample.data


def on_disk(folder: Path, written: Sequence[Sample]) -> Imported:
    (folder / "Annotations").mkdir()
    picture = draw_image(folder / "JPEGImages" / f"{written[0].stem}.jpg", size=(WIDTH, HEIGHT)).read_bytes()
    for sample in written:
        (folder / "JPEGImages" / f"{sample.stem}.jpg").write_bytes(picture)
        (folder / "Annotations" / f"{sample.stem}.xml").write_bytes(sample.data)
    return read(folder)


@by_writer
def test_the_import_counts_corners_as_the_writer_does(writer: Writer, tmp_path: Path) -> None:
    imported = on_disk(tmp_path, all_samples(writer))
    assert imported.files[0].options["one_based"] is writer.one_based
    assert imported.files[0].options["evidence"]


@by_writer
def test_a_box_moved_by_one_pixel_changes_its_four_numbers_and_no_other_byte(writer: Writer) -> None:
    for sample in all_samples(writer):
        after = patched(sample, moved_by_one)
        wide = sample.encoding.startswith("utf-16")
        before_text, after_text = (data.decode("utf-16" if wide else sample.encoding) for data in (sample.data, after))
        spans = number_spans(before_text)[-1]
        position, expected = 0, ""
        for (start, end), value in sorted(zip(spans, moved_numbers(before_text, spans), strict=True)):
            expected += before_text[position:start] + value
            position = end
        assert after_text == expected + before_text[position:], (sample.writer, sample.variant)
        head = {"byte order mark": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}.get(sample.variant, b"<")
        assert after.startswith(head)


def moved_by_one(record: ImageRecord) -> ImageRecord:
    box = record.boxes[-1]
    return with_box(record, -1, x1=box.x1 + 1, y1=box.y1 + 1, x2=box.x2 + 1, y2=box.y2 + 1)


def number_spans(text: str) -> list[list[tuple[int, int]]]:
    """Of every object's own box, where its four numbers stand in the text."""
    found = []
    for match in re.finditer(r"<object[ >].*?</object>", re.sub(r"<!--.*?-->", lambda m: "~" * len(m[0]), text), re.S):
        body = re.sub(r"<part>.*?</part>", lambda m: "~" * len(m[0]), match[0], flags=re.S)
        spans = []
        for tag in ("xmin", "ymin", "xmax", "ymax"):
            number = re.search(rf"<{tag}[^>]*>\s*([0-9.]+)", body)
            assert number is not None
            spans.append((match.start() + number.start(1), match.start() + number.end(1)))
        found.append(spans)
    return found


def moved_numbers(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    return [f"{float(text[start:end]) + 1:.2f}".rstrip("0").rstrip(".") for start, end in spans]


@by_writer
def test_a_flag_changes_its_own_element_alone(writer: Writer) -> None:
    for sample in all_samples(writer):
        record, _, _ = record_of(sample)
        flags = record.boxes[0].flags ^ BoxFlag.DIFFICULT
        after = patched(sample, lambda r, flags=flags: with_box(r, 0, flags=flags))
        found = voc_file.read_file(after, "a.xml").objects
        assert found[0].flags == flags
        assert [o.raw for o in found] == [o.raw for o in voc_file.read_file(sample.data, "a.xml").objects]
        start, end = common_ends(sample.data, after)
        assert len(sample.data) - start - end <= 40, (sample.variant, differences(sample.data, after))
        assert len(after) - start - end <= 80, (sample.variant, differences(sample.data, after))


@by_writer
def test_a_renamed_category_changes_the_names_of_its_objects_alone(writer: Writer) -> None:
    for sample in all_samples(writer):
        record, file, categories = record_of(sample)
        old = record.boxes[0].category_id
        renamed = [replace(c, name="Ö <new> & name") if c.id == old else c for c in categories]
        after = voc_patch.patch(sample.data, file, record, renamed)
        assert after is not None
        found, before = voc_file.read_file(after, "a.xml").objects, voc_file.read_file(sample.data, "a.xml").objects
        for box, now, was in zip(record.boxes, found, before, strict=True):
            assert now.name == ("Ö <new> & name" if box.category_id == old else was.name)
            assert (now.raw, now.flags) == (was.raw, was.flags)
        back = voc_patch.patch(sample.data, file, record, categories)
        assert back == sample.data


@by_writer
def test_a_box_deleted_and_another_added_leave_the_rest_as_it_was(writer: Writer) -> None:
    for sample in all_samples(writer):
        categories = record_of(sample)[2]
        spare = next(c.id for c in categories if c.name == "spare")
        new = Box(id=900, x1=1.0, y1=2.0, x2=30.5, y2=40.0, category_id=spare)
        after = patched(sample, lambda r, new=new: replace(r, boxes=(*r.boxes[1:], new)))
        found = voc_file.read_file(after, "a.xml").objects
        before = voc_file.read_file(sample.data, "a.xml").objects
        assert [(o.name, o.raw, o.flags) for o in found[:-1]] == [(o.name, o.raw, o.flags) for o in before[1:]]
        assert found[-1].corners(one_based=sample.one_based) == (1.0, 2.0, 30.5, 40.0)
        assert found[-1].name == "spare"


@by_writer
def test_a_new_box_is_laid_out_as_the_file_is(writer: Writer) -> None:
    sample = next(samples(writer, seed=SEED, count=1, variants=["as written"]))
    categories = record_of(sample)[2]
    spare = next(c.id for c in categories if c.name == "spare")
    new = Box(id=900, x1=1.0, y1=2.0, x2=30.0, y2=40.0, category_id=spare)
    objects = [
        re.sub(r"<(part|polygon)>.*?</\1>", "", text, flags=re.S)
        for text in re.findall(
            r"\s*<object>.*?</object>", patched(sample, lambda r: replace(r, boxes=(*r.boxes, new))).decode(), re.S
        )
    ]
    assert len(objects) == len(sample.things) + 1
    for tag in ("object", "name", "bndbox") if writer.name != "minimal" else ("object",):
        before = [re.search(rf"(\s*)<{tag}>", text) for text in objects]
        assert len({match[1] for match in before if match}) == 1, tag


@by_writer
def test_undoing_everything_gives_the_very_bytes_back(writer: Writer) -> None:
    for sample in all_samples(writer):
        record, file, categories = record_of(sample)
        assert voc_patch.patch(sample.data, file, replace(record, boxes=()), categories) != sample.data
        assert voc_patch.patch(sample.data, file, moved_by_one(record), categories) != sample.data
        assert voc_patch.patch(sample.data, file, record, categories) is sample.data


EDITS = ("move", "delete", "add", "flag", "category", "undo")


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    writer=st.sampled_from(WRITERS),
    variant=st.sampled_from(sorted(VARIANTS)),
    seed=st.integers(0, 10_000),
    edits=st.lists(st.sampled_from(EDITS), max_size=8),
)
def test_any_sequence_of_edits_is_read_back_and_undone_to_the_byte(
    data: st.DataObject, writer: Writer, variant: str, seed: int, edits: list[str]
) -> None:
    sample = next(samples(writer, seed=seed, count=1, variants=[variant]))
    original, file, categories = record_of(sample)
    history = [original]
    for edit in edits:
        if edit == "undo":
            if len(history) > 1:
                history.pop()
            continue
        history.append(edited(history[-1], edit, data, categories))
        now = history[-1]
        after = voc_patch.patch(sample.data, file, now, categories)
        assert after is not None
        assert_says(after, now, categories, one_based=sample.one_based)
    after = voc_patch.patch(sample.data, file, history[-1], categories)
    assert (after is sample.data) or len(history) > 1
    assert voc_patch.patch(sample.data, file, original, categories) is sample.data


def edited(record: ImageRecord, edit: str, data: st.DataObject, categories: Sequence[Category]) -> ImageRecord:
    quarter = st.integers(4, 2_000).map(lambda n: n / 4)
    if edit == "add" or not record.boxes:
        x, y, w, h = (data.draw(quarter) for _ in range(4))
        category = data.draw(st.sampled_from(categories)).id
        new = Box(id=1_000 + len(record.boxes), x1=x, y1=y, x2=x + w, y2=y + h, category_id=category)
        return replace(record, boxes=(*record.boxes, replace(new, id=max((b.id for b in record.boxes), default=0) + 1)))
    index = data.draw(st.integers(0, len(record.boxes) - 1))
    if edit == "delete":
        return replace(record, boxes=record.boxes[:index] + record.boxes[index + 1 :])
    if edit == "flag":
        flag = data.draw(st.sampled_from([BoxFlag.DIFFICULT, BoxFlag.TRUNCATED, BoxFlag.OCCLUDED]))
        return with_box(record, index, flags=record.boxes[index].flags ^ flag)
    if edit == "category":
        return with_box(record, index, category_id=data.draw(st.sampled_from(categories)).id)
    box, step = record.boxes[index], data.draw(quarter)
    return with_box(record, index, x1=box.x1 + step, x2=box.x2 + step)


def assert_says(data: bytes, record: ImageRecord, categories: Sequence[Category], *, one_based: bool) -> None:
    names = {category.id: category.name for category in categories}
    found = voc_file.read_file(data, "a.xml").objects
    boxes = sorted(record.boxes, key=lambda box: (box.place is None, box.place or 0))
    assert [(o.name, o.flags) for o in found] == [(names[b.category_id], b.flags) for b in boxes]
    for o, box in zip(found, boxes, strict=True):
        assert o.corners(one_based=one_based) == pytest.approx(box.xyxy, abs=0.011)


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1).map(
    str.strip
)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            names.filter(bool),
            *(st.integers(0, 60_000) for _ in range(2)),
            *(st.integers(1, 9_000) for _ in range(2)),
            st.integers(0, 7),
        ),
        max_size=5,
    ),
    one_based=st.booleans(),
    verified=st.booleans(),
)
def test_a_fresh_file_says_what_it_was_made_from(
    rows: list[tuple[str, int, int, int, int, int]], one_based: bool, verified: bool
) -> None:
    categories = make_categories(sorted({row[0] for row in rows}))
    ids = {category.name: category.id for category in categories}
    boxes = tuple(
        Box(id=i, x1=x / 100, y1=y / 100, x2=(x + w) / 100, y2=(y + h) / 100, category_id=ids[n], flags=BoxFlag(f))
        for i, (n, x, y, w, h, f) in enumerate(rows, 1)
    )
    state = ImageState.VERIFIED if verified else ImageState.CONFIRMED_EMPTY
    record = ImageRecord(id=1, root=0, path="sub/ä b.png", width=640, height=480, state=state, boxes=boxes)
    linked = LinkedFile(path="a.xml", format="voc", options={"one_based": one_based, "folder": "sub"}, exists=False)
    data = voc_patch.patch(None, linked, record, categories)
    assert data is not None
    file = voc_file.read_file(data, "a.xml")
    assert (file.filename, file.size, file.verified) == ("ä b.png", (640, 480), verified)
    assert [(o.name, o.flags) for o in file.objects] == [(row[0], BoxFlag(row[5])) for row in rows]
    for o, box in zip(file.objects, boxes, strict=True):
        assert o.corners(one_based=one_based) == pytest.approx(box.xyxy, abs=1e-6)
    read_back = replace(record, boxes=tuple(replace(box, place=i) for i, box in enumerate(boxes)))
    assert voc_patch.patch(data, linked, read_back, categories) is data
