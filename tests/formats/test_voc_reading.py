"""What an import of VOC files gives, with sound files and with bad ones."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rcnn_studio.domain.dataset import BoxFlag, BoxSource, ImageState
from rcnn_studio.domain.errors import Cancelled, FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from tests.formats.files import draw_image, make_voc, of_kind, read, voc_object, voc_text

BOX = voc_object("bolt", (5, 6, 20, 30))
NO_PATH = ""


def database(name: str) -> str:
    return f"\t<source>\n\t\t<database>{name}</database>\n\t</source>\n"


def test_a_box_arrives_with_its_corners_category_flags_and_place(tmp_path: Path) -> None:
    more = "\n\t\t<occluded>1</occluded>"
    text = voc_text(BOX + voc_object("nut", (1.5, 2, 9.25, 12), more=more))
    imported = read(make_voc(tmp_path, {"a": text}))
    record = imported.record(0)
    assert [c.name for c in imported.categories] == ["bolt", "nut"]
    assert (record.path, record.width, record.height, record.state) == ("a.png", 64, 48, ImageState.LABELLED)
    assert [b.xyxy for b in record.boxes] == [(5, 6, 20, 30), (1.5, 2, 9.25, 12)]
    assert [b.flags for b in record.boxes] == [BoxFlag.NONE, BoxFlag.OCCLUDED]
    assert [(b.id, b.place, b.source) for b in record.boxes] == [(1, 0, BoxSource.IMPORTED), (2, 1, BoxSource.IMPORTED)]


def test_devkit_files_count_from_one_and_lose_it_on_the_way_in(tmp_path: Path) -> None:
    text = voc_text(voc_object("dog", (1, 1, 64, 48)), head=database("The VOC2007 Database"))
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.record(0).boxes[0].xyxy == (0, 0, 64, 48)
    assert imported.files[0].options["one_based"] is True
    assert "VOC2007" in imported.files[0].options["evidence"]


def test_one_corner_at_zero_proves_that_the_whole_dataset_counts_from_zero(tmp_path: Path) -> None:
    texts = {
        "a": voc_text(BOX, head=database("The VOC2007 Database")),
        "b": voc_text(voc_object("dog", (0, 3, 9, 9))),
    }
    imported = read(make_voc(tmp_path, texts))
    assert imported.record(0).boxes[0].xyxy == (5, 6, 20, 30)
    assert "b.xml: object[0] has a corner at 0" in imported.files[0].options["evidence"]


def test_files_of_labelimg_count_from_zero(tmp_path: Path) -> None:
    text = voc_text(voc_object("dog", (1, 1, 64, 48)), head="\t<path>C:\\me\\a.png</path>\n")
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.files[0].options["one_based"] is False
    assert "labelImg" in imported.files[0].options["evidence"]


def test_the_convention_can_be_chosen(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(BOX)}), one_based=True)
    assert imported.record(0).boxes[0].xyxy == (4, 5, 20, 30)


def test_corners_are_found_by_their_tag_in_any_order(tmp_path: Path) -> None:
    text = voc_text(
        "<object><bndbox><ymax>30</ymax><xmax>20</xmax><ymin>6</ymin><xmin>5</xmin></bndbox><name>bolt</name></object>"
    )
    assert read(make_voc(tmp_path, {"a": text})).record(0).boxes[0].xyxy == (5, 6, 20, 30)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("1", True), ("yes", True), ("True", True), ("0", False), ("", False), ("Unspecified", False), ("no", False)],
)
def test_flags_are_read_leniently(tmp_path: Path, written: str, read_as: bool) -> None:
    text = voc_text(BOX).replace("<difficult>0<", f"<difficult>{written}<")
    imported = read(make_voc(tmp_path, {"a": text}))
    assert imported.record(0).boxes[0].difficult is read_as
    assert not imported.problems


def test_the_states_of_images_come_from_their_files(tmp_path: Path) -> None:
    texts = {
        "empty": voc_text(""),
        "labelled": voc_text(BOX),
        "unlabelled": None,
        "verified": voc_text(BOX, attributes=' verified="yes"'),
    }
    imported = read(make_voc(tmp_path, texts))
    states = {image.record.path: image.record.state for image in imported.images}
    assert states == {
        "empty.png": ImageState.CONFIRMED_EMPTY,
        "labelled.png": ImageState.LABELLED,
        "unlabelled.png": ImageState.UNLABELLED,
        "verified.png": ImageState.VERIFIED,
    }


def test_an_image_without_xml_may_get_one_beside_the_others(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(BOX), "b": None}))
    file = imported.files[imported.images[1].file or 0]
    assert (file.exists, Path(file.path)) == (False, tmp_path / "Annotations" / "b.xml")


def test_an_unknown_field_is_no_problem(tmp_path: Path) -> None:
    text = voc_text(
        BOX.replace("<pose>", "<colour deep='1'>red<b/></colour>\n\t\t<pose>"), head="\t<mood>good</mood>\n"
    )
    imported = read(make_voc(tmp_path, {"a": text}))
    assert not imported.problems
    assert len(imported.record(0).boxes) == 1


def test_an_image_is_found_by_filename_when_no_image_has_the_stem(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": None})
    text = voc_text(BOX, filename="a.png", head="\t<path>/elsewhere/c.png</path>\n")
    (folder / "Annotations" / "other name.xml").write_text(text, encoding="utf-8")
    imported = read(folder)
    assert [b.xyxy for b in imported.record(0).boxes] == [(5, 6, 20, 30)]
    assert imported.files[0].path.endswith("other name.xml")


def test_an_xml_without_its_image_is_named_and_left_alone(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    (folder / "Annotations" / "gone.xml").write_text(voc_text(BOX, filename="gone.png"), encoding="utf-8")
    (problem,) = of_kind(read(folder), "missing-image")
    assert problem.file.endswith("gone.xml")


def test_images_may_lie_beside_their_xml(tmp_path: Path) -> None:
    draw_image(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "a.xml").write_text(voc_text(BOX), encoding="utf-8")
    imported = read(tmp_path)
    assert imported.images[0].record.path == "set/a.png"
    assert len(imported.record(0).boxes) == 1


def test_images_may_lie_in_a_named_folder(tmp_path: Path) -> None:
    folder = make_voc(tmp_path / "voc", {"a": voc_text(BOX)})
    (folder / "JPEGImages").rename(tmp_path / "pictures")
    imported = read(folder, images=tmp_path / "pictures")
    assert imported.roots == (str(tmp_path / "pictures"),)
    assert len(imported.record(0).boxes) == 1


def test_splits_come_from_the_lists_and_per_category_lists_are_ignored(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, dict.fromkeys(("a", "b c", "d", "e"), voc_text(BOX)))
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a\nb c  1\n")
    (sets / "val.txt").write_text("d -1\n")
    (sets / "trainval.txt").write_text("a\nd\ne\n")
    (sets / "bolt_train.txt").write_text("e 1\n")
    imported = read(folder)
    splits = {image.record.path: image.record.split for image in imported.images}
    assert splits == {"a.png": "train", "b c.png": "train", "d.png": "val", "e.png": "train"}
    assert imported.split_names == ("train", "val")


def test_an_id_that_names_no_image_is_listed(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("a\nnobody\n")
    (problem,) = of_kind(read(folder), "unknown-id")
    assert "nobody" in problem.message


@pytest.mark.parametrize(
    ("corners", "kind", "where"),
    [
        ((5, 6, 5, 6), "zero-area", "object[1]/bndbox"),
        ((5, 6, 5, 30), "zero-area", "object[1]/bndbox"),
        (("abc", 6, 20, 30), "not-a-number", "object[1]/bndbox/xmin"),
        ((5, "", 20, 30), "not-a-number", "object[1]/bndbox/ymin"),
        ((5, 6, "nan", 30), "out-of-range", "object[1]/bndbox/xmax"),
        ((5, 6, "-Infinity", 30), "out-of-range", "object[1]/bndbox/xmax"),
        ((5, 6, 20, "1e30"), "out-of-range", "object[1]/bndbox/ymax"),
        ((5, 6, 20, "9" * 5000), "out-of-range", "object[1]/bndbox/ymax"),
    ],
)
def test_a_bad_box_is_named_by_its_place_and_left_out(
    tmp_path: Path, corners: tuple[object, object, object, object], kind: str, where: str
) -> None:
    text = voc_text(BOX + voc_object("nut", corners) + voc_object("nut", (1, 2, 3, 4)))
    imported = read(make_voc(tmp_path, {"a": text}))
    (problem,) = imported.problems
    assert (problem.kind, problem.where, problem.level) == (kind, where, "error")
    assert problem.file.endswith("a.xml")
    assert [b.place for b in imported.record(0).boxes] == [0, 2]


def test_swapped_corners_are_put_in_order_with_a_warning(tmp_path: Path) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(voc_object("bolt", (20, 30, 5, 6)))}))
    assert imported.record(0).boxes[0].xyxy == (5, 6, 20, 30)
    assert [(p.kind, p.level) for p in imported.problems] == [("swapped-corners", "warning")]


@pytest.mark.parametrize("wrong", ["<object><name>bolt</name></object>", "<object><bndbox/></object>"])
def test_an_image_with_bad_objects_only_needs_a_fix_and_is_never_a_negative(tmp_path: Path, wrong: str) -> None:
    imported = read(make_voc(tmp_path, {"a": voc_text(wrong), "b": voc_text(BOX)}))
    assert imported.images[0].record.state == ImageState.NEEDS_FIX
    assert imported.problems


@pytest.mark.parametrize(
    "damaged",
    [
        voc_text(BOX)[:-40],
        "",
        "not xml at all",
        "<svg/>",
        '<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + voc_text(BOX.replace("bolt", "&x;")),
        "<annotation>" + "<a>" * 5000 + "</a>" * 5000 + "</annotation>",
        b"<?xml version='1.0' encoding='rot13'?><annotation/>",
        b"\xff\xfe\x00\xd8<annotation/>",
        voc_text(BOX).replace("bolt", "&nbsp;"),
        voc_text(BOX).encode("utf-8") + b"\x00",
        voc_text(BOX).replace("bolt", "gr\xfcn").encode("latin-1"),
    ],
)
def test_an_unreadable_xml_is_refused_named_and_never_written(tmp_path: Path, damaged: str | bytes) -> None:
    folder = make_voc(tmp_path, {"a": damaged, "b": voc_text(BOX)})
    imported = read(folder)
    (problem,) = of_kind(imported, "unreadable-annotation")
    assert problem.file.endswith("a.xml")
    assert imported.images[0].record.state == ImageState.NEEDS_FIX
    assert imported.files[0].refused
    assert len(imported.record(1).boxes) == 1
    original = (folder / "Annotations" / "a.xml").read_bytes()
    record = imported.record(1)
    assert codec("voc").patch(original, imported.files[0], [record], imported.categories, {}) is original


def test_a_truncated_jpeg_is_named_and_the_rest_opens(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX), "b": voc_text(BOX)}, suffix=".jpg")
    image = folder / "JPEGImages" / "a.jpg"
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    imported = read(folder)
    (problem,) = imported.problems
    assert (problem.kind, problem.file) == ("truncated-image", str(image))
    assert [i.record.state for i in imported.images] == [ImageState.NEEDS_FIX, ImageState.LABELLED]


def test_an_unreadable_image_is_named_and_the_rest_opens(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX), "b": voc_text(BOX)})
    (folder / "JPEGImages" / "a.png").write_bytes(b"no image")
    imported = read(folder)
    (problem,) = imported.problems
    assert (problem.kind, problem.file) == ("unreadable-image", str(folder / "JPEGImages" / "a.png"))
    assert [i.record.path for i in imported.images] == ["b.png"]


def test_two_images_of_one_stem_do_not_share_an_xml(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX, filename="a.png")})
    draw_image(folder / "JPEGImages" / "a.jpg")
    imported = read(folder)
    files = {image.record.path: Path(imported.files[image.file or 0].path).name for image in imported.images}
    assert files == {"a.jpg": "a.jpg.xml", "a.png": "a.xml"}
    assert [p.kind for p in imported.problems] == ["shared-stem"]


def test_a_size_that_differs_from_the_image_is_a_warning(tmp_path: Path) -> None:
    text = voc_text(BOX).replace("<width>64<", "<width>640<")
    imported = read(make_voc(tmp_path, {"a": text}))
    assert [(p.kind, p.level, p.where) for p in imported.problems] == [("size-mismatch", "warning", "size")]
    assert imported.images[0].record.width == 64


def test_boxes_drawn_before_exif_turning_are_warned_of(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)}, suffix=".jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(folder / "JPEGImages" / "a.jpg", exif=exif)
    imported = read(folder)
    assert (imported.images[0].record.width, imported.images[0].record.height) == (48, 64)
    assert [p.kind for p in imported.problems] == ["rotated-image"]


def test_an_xml_that_is_a_link_out_of_the_dataset_is_not_read_and_not_written(tmp_path: Path) -> None:
    folder = make_voc(tmp_path / "voc", {"a": None, "b": voc_text(BOX)})
    (tmp_path / "secret.xml").write_text(voc_text(BOX), encoding="utf-8")
    (folder / "Annotations" / "a.xml").symlink_to(tmp_path / "secret.xml")
    imported = read(folder)
    assert imported.record(0).boxes == ()
    assert imported.files[0].refused
    assert [p.kind for p in imported.problems] == ["link-out"]


@pytest.mark.parametrize("what", ["missing", "empty", "file", "only images"])
def test_a_folder_without_a_dataset_is_refused_with_a_remedy(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "voc"
    if what == "file":
        folder.write_text("x")
    elif what != "missing":
        folder.mkdir()
    if what == "only images":
        draw_image(folder / "a.png")
    with pytest.raises(FormatError, match=r"voc.*: .+\. \w+") as caught:
        read(folder)
    assert caught.value.path == folder


def test_an_import_can_be_stopped(tmp_path: Path) -> None:
    folder = make_voc(tmp_path, {"a": voc_text(BOX)})
    with pytest.raises(Cancelled):
        codec("voc").read(Source(path=folder), ignore, lambda: True)


def test_a_folder_that_cannot_be_listed_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_voc(tmp_path / "voc", {"a": voc_text(BOX)})

    def refused(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(FormatError) as error:
        codec("voc").read(Source(path=folder), ignore, never)
    assert error.value.path == folder
    assert "cannot be listed (Permission denied). Allow reading it" in error.value.reason


def test_categories_without_a_sound_box_are_left_out_and_the_others_keep_their_boxes(tmp_path: Path) -> None:
    objects = "".join(
        voc_object(name, box)
        for name, box in [
            ("nut", (9, 9, 20, 20)),
            ("flat", (5, 5, 5, 30)),
            ("bolt", (1, 2, 30, 40)),
            ("nut", (2, 2, 8, 8)),
        ]
    )
    imported = read(make_voc(tmp_path, {"a": voc_text(objects)}))
    names = {category.id: category.name for category in imported.categories}
    assert sorted(names.values()) == ["bolt", "nut"]
    assert [names[box.category_id] for box in imported.record(0).boxes] == ["nut", "bolt", "nut"]
