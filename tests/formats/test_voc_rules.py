"""The rules for VOC files, plain folders and their images, one test each, as a user would notice them broken."""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import BoxFlag, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import codec, images, voc_rows
from rcnn_studio.formats.voc_record import VocObject
from rcnn_studio.formats.voc_turning import Turn
from tests.formats.files import (
    changed_parts,
    draw_image,
    make_voc,
    of_kind,
    patch,
    plus_box,
    read,
    voc_object,
    voc_text,
    with_box,
)

BOX = voc_object("bolt", (5, 6, 20, 30))


def kinds(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.kind for problem in problems]


def test_boxes_outside_the_image_stay_as_they_are(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (-5, -3, 900, 700)) + BOX)
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.record(0).boxes[0].xyxy == (-5, -3, 900, 700)
    assert patch(imported, imported.record(0)) == text.encode()


def test_truncated_is_never_computed_from_where_the_box_lies(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (5, 6, 64, 48)))
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.record(0).boxes[0].truncated is False
    after = patch(imported, with_box(imported.record(0), 0, x1=0.0, y1=0.0))
    assert b"<truncated>0</truncated>" in (after or b"")


@pytest.mark.parametrize("where", [0, 1, 2])
def test_one_object_with_odd_flags_does_not_hide_the_others(tmp_path: Path, where: int) -> None:
    objects = [voc_object(name, (5, 6, 20, 30)) for name in "abc"]
    objects[where] = objects[where].replace("<difficult>0</difficult>", "<difficult/>")
    objects[where] = objects[where].replace("<truncated>0<", "<truncated>many<")
    imported = read(make_voc(tmp_path, {"a": voc_text("".join(objects))}))
    assert [imported.categories[b.category_id - 1].name for b in imported.record(0).boxes] == ["a", "b", "c"]


def test_a_file_without_filename_belongs_to_the_image_of_its_name(tmp_path: Path) -> None:
    text = voc_text(BOX).replace("\t<filename>a.png</filename>\n", "")
    imported = read(make_voc(tmp_path, {"a": text}))
    assert len(imported.record(0).boxes) == 1
    assert not imported.problems


@pytest.mark.parametrize("filename", ["a", "a.jpg", "a.JPG", "sub/a.png", "sub\\a.jpeg"])
def test_a_filename_without_suffix_or_with_a_wrong_one_still_names_its_image(tmp_path: Path, filename: str) -> None:
    folder = make_voc(tmp_path, {"a": None})
    (folder / "Annotations" / "other.xml").write_text(voc_text(BOX, filename=filename), encoding="utf-8")
    imported = read(folder)
    assert len(imported.record(0).boxes) == 1
    assert not imported.problems


def test_the_path_in_a_file_is_never_followed(tmp_path: Path) -> None:
    elsewhere = draw_image(tmp_path / "elsewhere" / "b.png")
    text = voc_text(BOX, filename="nothing.png", head=f"\t<path>{elsewhere}</path>\n")
    folder = make_voc(tmp_path / "voc", {"a": None})
    (folder / "Annotations" / "other.xml").write_text(text, encoding="utf-8")
    imported = read(folder)
    assert [image.record.path for image in imported.images] == ["a.png"]
    assert kinds(imported.problems) == ["missing-image"]


def test_no_path_of_this_machine_is_written(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": None, "b": voc_text(BOX)}))
    data = patch(imported, plus_box(imported.record(0), (3, 4, 10, 11)))
    assert data is not None
    assert str(tmp_path).encode() not in data


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width></width><height></height></size>"])
def test_a_size_that_is_missing_or_empty_is_read_from_the_image(tmp_path: Path, size: str) -> None:
    text = voc_text(BOX)
    start, end = text.index("\t<size>"), text.index("\t<segmented>")
    imported = read(make_voc(tmp_path, {"a": text[:start] + size + text[end:]}))
    assert (imported.record(0).width, imported.record(0).height) == (64, 48)
    assert not imported.problems


def test_boxes_are_not_rescaled_where_the_image_was_replaced_by_one_of_another_size(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    draw_image(folder / "JPEGImages" / "a.png", size=(128, 96))
    imported = read(folder)
    assert imported.record(0).boxes[0].xyxy == (5, 6, 20, 30)
    assert [(p.kind, p.level) for p in imported.problems] == [("size-mismatch", "warning")]


def test_images_of_one_name_in_two_folders_have_files_of_their_own(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None})
    for name in ("left", "right"):
        draw_image(folder / "JPEGImages" / name / "x.png")
        (folder / "Annotations" / name).mkdir()
    (folder / "Annotations" / "left" / "x.xml").write_text(voc_text(BOX), encoding="utf-8")
    imported = read(folder)
    found = {image.record.path: Path(imported.files[image.file or 0].path) for image in imported.images}
    assert found["left/x.png"] == folder / "Annotations" / "left" / "x.xml"
    assert found["right/x.png"] == folder / "Annotations" / "right" / "x.xml"
    counts = {image.record.path: len(imported.record(i).boxes) for i, image in enumerate(imported.images)}
    assert counts == {"a.png": 0, "left/x.png": 1, "right/x.png": 0}


def test_an_xml_that_two_images_of_one_name_could_own_is_asked_about(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX, filename="")})
    draw_image(folder / "JPEGImages" / "a.jpg")
    imported = read(folder)
    (asked,) = of_kind(imported, "ambiguous-image")
    assert asked.where == "filename"
    assert "a.jpg" in asked.message
    assert "a.png" in asked.message
    assert len({file.path for file in imported.files}) == 2


def test_files_that_differ_in_case_alone_are_never_planned(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None})
    draw_image(folder / "JPEGImages" / "A.jpg")
    planned = [Path(file.path).name.casefold() for file in read(folder).files]
    assert len(set(planned)) == 2


def test_every_image_has_a_file_of_its_own_whatever_the_names(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX, filename="a.png")})
    for name in ("a.jpg", "a.bmp", "a.jpg.png", "a.bmp.xml.png", "a.png.gif", "A.PNG"):
        draw_image(folder / "JPEGImages" / name)
    imported = read(folder)
    assert len({file.path.casefold() for file in imported.files}) == len(imported.files) == 7
    for index, image in enumerate(imported.images):
        if not imported.files[image.file or 0].exists:
            Path(imported.files[image.file or 0].path).write_bytes(
                patch(imported, plus_box(imported.record(index), (index, 1, 40, 40))) or b""
            )
    again = read(folder)
    corners = {image.record.path: [b.x1 for b in again.record(i).boxes] for i, image in enumerate(again.images)}
    assert corners == {
        image.record.path: [5.0 if image.record.path == "a.png" else float(i)]
        for i, image in enumerate(imported.images)
    }


def test_a_file_named_like_the_xml_that_is_something_else_is_not_written(tmp_path: Path) -> None:
    draw_image(tmp_path / "a.png")
    (tmp_path / "a.xml").write_text("<project/>", encoding="utf-8")
    imported = read(tmp_path, "images")
    assert [Path(file.path).name for file in imported.files] == ["a.png.xml"]
    assert kinds(imported.problems) == ["shared-stem"]


def test_an_image_named_like_an_xml_is_refused_and_never_written(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None, "b": voc_text(BOX)})
    (folder / "JPEGImages" / "a.png").rename(folder / "Annotations" / "a.xml")
    draw_image(folder / "JPEGImages" / "a.png")
    imported = read(folder)
    assert imported.files[0].refused
    original = (folder / "Annotations" / "a.xml").read_bytes()
    edited = plus_box(imported.record(0), (3, 4, 10, 11))
    assert codec("voc").patch(original, imported.files[0], [edited], imported.categories, {}) is original


def test_a_linked_annotation_inside_the_dataset_is_written_at_its_target(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None, "b": None})
    (folder / "store").mkdir()
    (folder / "Annotations" / "store").mkdir()
    target = folder / "Annotations" / "store" / "real.xml"
    target.write_text(voc_text(BOX, filename="none.png"), encoding="utf-8")
    (folder / "Annotations" / "a.xml").symlink_to(target)
    imported = read(folder)
    assert imported.files[0].path == str(target)
    assert len(imported.record(0).boxes) == 1


def test_two_images_whose_files_are_one_through_a_link_do_not_overwrite_each_other(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX), "b": None})
    (folder / "Annotations" / "b.xml").symlink_to(folder / "Annotations" / "a.xml")
    imported = read(folder)
    assert [bool(file.refused) for file in imported.files] == [False, True]
    assert [len(imported.record(i).boxes) for i in (0, 1)] == [1, 0]
    (problem,) = of_kind(imported, "unreadable-annotation")
    assert "another image" in problem.message


def test_links_out_and_loops_are_listed_and_not_followed(tmp_path: Path) -> None:
    folder = make_voc(tmp_path / "voc", {"a": voc_text(BOX)})
    outside = draw_image(tmp_path / "outside" / "secret.png")
    (folder / "JPEGImages" / "file.png").symlink_to(outside)
    (folder / "JPEGImages" / "folder").symlink_to(outside.parent)
    (folder / "JPEGImages" / "loop").symlink_to(folder / "JPEGImages")
    (folder / "JPEGImages" / "broken.png").symlink_to(folder / "nowhere.png")
    (folder / "Annotations" / "root").symlink_to("/")
    imported = read(folder)
    assert [image.record.path for image in imported.images] == ["a.png"]
    listed = sorted(Path(p.file).name for p in of_kind(imported, "link-out"))
    assert listed == ["broken.png", "file.png", "folder", "loop", "root"]


@pytest.mark.skipif(sys.platform != "linux", reason="pipes and such names are made on Linux only")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    os.mkfifo(folder / "JPEGImages" / "b.png")
    os.mkfifo(folder / "Annotations" / "b.xml")
    imported = read(folder)
    assert [image.record.path for image in imported.images] == ["a.png"]
    assert len(of_kind(imported, "link-out")) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="pipes and such names are made on Linux only")
@pytest.mark.parametrize("plain", [False, True])
def test_files_whose_names_are_no_utf8_are_listed_and_left_alone(tmp_path: Path, plain: bool) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    image_folder = os.fsencode(folder / "JPEGImages")
    data = (folder / "JPEGImages" / "a.png").read_bytes()
    Path(os.fsdecode(image_folder + b"/gr\xfcn.png")).write_bytes(data)
    Path(os.fsdecode(image_folder + b"/d\xff")).mkdir()
    Path(os.fsdecode(image_folder + b"/d\xff/x.png")).write_bytes(data)
    (folder / "Annotations" / os.fsdecode(b"gr\xfcn.xml")).write_text(voc_text(BOX, filename="a.png"))
    imported = read(folder / "JPEGImages", "images") if plain else read(folder)
    assert [image.record.path for image in imported.images] == ["a.png"]
    bad = of_kind(imported, "bad-name")
    assert len(bad) == (2 if plain else 3)
    for problem in bad:
        str(problem).encode("utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "ä ö",
        "@#%&+=,;",
        "日本語",
        "\U0001f4a3",
        "\u202etxt",
        "מבחן",
        "a" * 200,
        "%2e%2e%2f",
        "x.y.z",
        "-rf",
        "'quotes\"",
        "&amp;",
        "<tag>",
        " leading",
        unicodedata.normalize("NFD", "été"),
    ],
)
def test_a_name_of_any_kind_makes_the_round_trip(tmp_path: Path, name: str) -> None:
    folder = make_voc(tmp_path, {name: None, "zz": voc_text(BOX)})
    imported = read(folder)
    index = next(i for i, image in enumerate(imported.images) if image.record.path == f"{name}.png")
    data = patch(imported, plus_box(imported.record(index), (3, 4, 10, 11)))
    Path(imported.files[imported.images[index].file or 0].path).write_bytes(data or b"")
    again = read(folder)
    assert again.images[index].record.path == f"{name}.png"
    assert [b.xyxy for b in again.record(index).boxes] == [(3, 4, 10, 11)]
    assert not again.problems


def test_accents_composed_in_one_place_and_decomposed_in_another_are_one_name(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {unicodedata.normalize("NFC", "été"): None})
    decomposed = unicodedata.normalize("NFD", "été")
    (folder / "Annotations" / f"{decomposed}.xml").write_text(voc_text(BOX, filename=f"{decomposed}.png"))
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "val.txt").write_text(f"{decomposed}\n")
    imported = read(folder)
    assert (len(imported.record(0).boxes), imported.record(0).split) == (1, "val")
    assert not imported.problems


def test_two_images_whose_names_differ_in_the_coding_of_accents_alone_are_two(tmp_path: Path) -> None:
    texts = {
        unicodedata.normalize(form, "été"): voc_text(voc_object("bolt", (x, 6, 20, 30)), filename="")
        for x, form in ((1, "NFC"), (2, "NFD"))
    }
    imported = read(make_voc(tmp_path, texts))
    found = {image.record.path: imported.record(i).boxes[0].x1 for i, image in enumerate(imported.images)}
    assert found == {f"{unicodedata.normalize(form, 'été')}.png": x for x, form in ((1, "NFC"), (2, "NFD"))}


@pytest.mark.parametrize("bad", ["ca\x0bt", "ca\x00t", "ca\nt", "ca\tt", "\ud800", "ca\uffff"])
def test_a_category_whose_name_no_file_can_hold_is_refused_at_writing(tmp_path: Path, bad: str) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(BOX)}))
    renamed = replace(imported, categories=(replace(imported.categories[0], name=bad),))
    with pytest.raises(FormatError, match="Rename the category"):
        patch(renamed, imported.record(0))
    with pytest.raises(FormatError, match="Rename the category"):
        patch(renamed, plus_box(imported.record(0), (1, 2, 3, 4)))


def test_names_of_thousands_of_digits_are_sorted_and_kept(tmp_path: Path) -> None:
    objects = voc_object("9" * 5000, (1, 2, 3, 4)) + voc_object("8" * 5001, (1, 2, 3, 4)) + BOX
    imported = read(make_voc(tmp_path, {"a": voc_text(objects)}))
    assert [c.name for c in imported.categories] == ["9" * 5000, "8" * 5001, "bolt"]


def test_an_annotation_stays_where_its_image_is_gone(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX), "b": voc_text(BOX, filename="b.png")})
    (folder / "JPEGImages" / "b.png").unlink()
    imported = read(folder)
    assert kinds(imported.problems) == ["missing-image"]
    assert (folder / "Annotations" / "b.xml").read_text() == voc_text(BOX, filename="b.png")


def test_a_verified_image_with_nothing_but_bad_boxes_is_no_negative(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (5, 5, 5, 5)), attributes=' verified="yes"')
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.record(0).state == ImageState.NEEDS_FIX
    assert patch(imported, imported.record(0)) == text.encode()


def test_an_animation_is_used_by_its_first_frame_with_a_warning(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    imported = read(tmp_path, "images")
    assert [(p.kind, p.level) for p in imported.problems] == [("several-frames", "warning")]
    assert images.decode(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("width", "height"), [(2, 5000), (5000, 2), (1, 1)])
def test_images_of_odd_shape_open(tmp_path: Path, width: int, height: int) -> None:
    path = draw_image(tmp_path / "a.png", size=(width, height))
    assert images.decode(path).shape == (height, width, 3)
    assert read(tmp_path, "images").record(0).width == width


def test_splits_are_kept_where_ids_have_spaces_folders_or_suffixes(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a b": voc_text(BOX), "c 1": voc_text(BOX), "d": voc_text(BOX)})
    draw_image(folder / "JPEGImages" / "sub" / "e.png")
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_bytes(b"\xef\xbb\xbfa b\r\nc 1\r\nsub/e\r\n")
    (sets / "test.txt").write_text("d.png  -1\n")
    imported = read(folder)
    splits = {image.record.path: image.record.split for image in imported.images}
    assert splits == {"a b.png": "train", "c 1.png": "train", "d.png": "test", "sub/e.png": "train"}
    assert not imported.problems


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\xed\xa0\x80", b"gr\xfcn\n"])
def test_a_list_that_cannot_be_read_is_named_and_the_rest_opens(tmp_path: Path, data: bytes) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_bytes(data)
    imported = read(folder)
    assert [(Path(p.file).name, p.kind) for p in imported.problems] == [("train.txt", "unreadable-split")]
    assert len(imported.record(0).boxes) == 1


def test_a_list_that_is_a_link_out_is_not_read(tmp_path: Path) -> None:
    folder = make_voc(tmp_path / "voc", {"a": voc_text(BOX)})
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("a\n")
    (folder / "ImageSets" / "Main" / "train.txt").symlink_to(tmp_path / "secret.txt")
    imported = read(folder)
    assert imported.record(0).split == ""
    assert kinds(imported.problems) == ["link-out"]


# --- boxes drawn on an image before its EXIF data turned it


def stored_as(folder: Path, orientation: int) -> Path:
    """A stored image of 64 x 48, grey, with one white pixel block at x 8..20, y 4..30, and its XML."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.full((48, 64, 3), 90, np.uint8)
    pixels[4:30, 8:20] = 255
    make_voc(folder, {"a": voc_text(voc_object("bolt", (8, 4, 20, 30)))})
    Image.fromarray(pixels).save(folder / "JPEGImages" / "a.png", exif=exif)
    return folder


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_drawn_before_turning_are_offered_to_be_turned(tmp_path: Path, orientation: int) -> None:
    folder = stored_as(tmp_path, orientation)
    plain = read(folder)
    assert [(p.kind, p.level) for p in plain.problems] == [("rotated-image", "warning")]
    assert plain.record(0).boxes[0].xyxy == (8, 4, 20, 30)
    turned = read(folder, turn_boxes=True)
    assert kinds(turned.problems) == ["turned-boxes"]
    x1, y1, x2, y2 = (int(v) for v in turned.record(0).boxes[0].xyxy)
    pixels = images.decode(folder / "JPEGImages" / "a.png")
    assert pixels[y1:y2, x1:x2].min() == 255
    assert (pixels == 255).all(axis=2).sum() == (y2 - y1) * (x2 - x1)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("one_based", [False, True])
def test_turned_boxes_are_written_back_as_the_file_has_them(tmp_path: Path, orientation: int, one_based: bool) -> None:
    folder = stored_as(tmp_path, orientation)
    imported = read(folder, turn_boxes=True, one_based=one_based)
    original = Path(imported.files[0].path).read_bytes()
    record = imported.record(0)
    assert patch(imported, record) == original
    box = record.boxes[0]
    after = patch(imported, with_box(record, 0, x1=box.x1 + 2))
    assert len(changed_parts(original, after or b"")) == 1
    Path(imported.files[0].path).write_bytes(after or b"")
    again = read(folder, turn_boxes=True, one_based=one_based).record(0).boxes[0]
    assert again.xyxy == (box.x1 + 2, box.y1, box.x2, box.y2)
    new = patch(imported, plus_box(record, (1, 2, 30, 40)))
    Path(imported.files[0].path).write_bytes(new or b"")
    assert read(folder, turn_boxes=True, one_based=one_based).record(0).boxes[1].xyxy == (1, 2, 30, 40)


def test_boxes_of_images_that_need_no_turning_stay_where_the_offer_is_taken(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(BOX)}), turn_boxes=True)
    assert imported.record(0).boxes[0].xyxy == (5, 6, 20, 30)
    assert not imported.problems


whole = st.integers(-50, 50)


@given(st.integers(1, 8), st.tuples(whole, whole, whole, whole))
def test_turning_there_and_back_changes_nothing(orientation: int, corners: tuple[int, int, int, int]) -> None:
    turn = Turn(orientation, 64, 48)
    x1, y1, x2, y2 = (float(v) for v in corners)
    box = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    assert turn.stored(turn.upright(box)) == box


numbers = st.integers(-20, 20).map(lambda n: n / 2)


@given(st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=5), st.booleans())
def test_corners_as_columns_are_those_of_the_objects(
    raws: list[tuple[float, float, float, float]], one_based: bool
) -> None:
    objects = [VocObject(i, "bolt", BoxFlag.NONE, raw, ()) for i, raw in enumerate(raws)]
    collector = voc_rows.RowCollector()
    collector.add(objects)
    rows = collector.finish(one_based=one_based)
    wanted = [o.corners(one_based=one_based) for o in objects]
    sound = rows.has_area().tolist()
    assert sound == [c is not None for c in wanted]
    faulty = [i for i, o in enumerate(objects) if o.all_faults(one_based=one_based)]
    assert set(faulty) <= set(rows.odd().tolist())
    for row in faulty:
        assert rows.faults(row) == objects[row].all_faults(one_based=one_based)
    assert [tuple(c) if ok else None for c, ok in zip(rows.become_corners().tolist(), sound, strict=True)] == wanted


def test_categories_in_the_order_of_their_names_have_the_same_ids_at_every_import(tmp_path: Path) -> None:
    texts = {"a": voc_text(voc_object("b10", (1, 2, 3, 4)) + voc_object("b9", (1, 2, 3, 4))), "b": voc_text(BOX)}
    imported = read(make_voc(tmp_path, texts))
    assert [c.name for c in imported.categories] == [c.name for c in make_categories(["b9", "b10", "bolt"])]
