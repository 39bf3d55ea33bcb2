"""A project begun from plain images, and formats told apart by what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import codec, sniff
from tests.formats.files import (
    coco_document,
    draw_image,
    make_coco,
    make_voc,
    patch,
    plus_box,
    read,
    voc_object,
    voc_text,
)


def plain_folder(folder: Path) -> Path:
    draw_image(folder / "b.jpg")
    draw_image(folder / "sub" / "a.png")
    return folder


def test_images_are_unlabelled_and_their_labels_go_into_voc_files_beside_them(tmp_path: Path) -> None:
    imported = read(plain_folder(tmp_path), "images")
    assert [(i.record.path, i.record.state) for i in imported.images] == [
        ("b.jpg", ImageState.UNLABELLED),
        ("sub/a.png", ImageState.UNLABELLED),
    ]
    assert [(Path(f.path), f.format, f.exists) for f in imported.files] == [
        (tmp_path / "b.xml", "voc", False),
        (tmp_path / "sub" / "a.xml", "voc", False),
    ]
    assert imported.files[0].options["one_based"] is True


def test_voc_files_beside_the_images_are_read(tmp_path: Path) -> None:
    (plain_folder(tmp_path) / "b.xml").write_text(voc_text(voc_object("bolt", (1, 2, 9, 9))), encoding="utf-8")
    (tmp_path / "pom.xml").write_text("<project/>", encoding="utf-8")
    imported = read(tmp_path, "images")
    assert len(imported.record(0).boxes) == 1
    assert not imported.problems


def test_labels_can_go_into_one_coco_file(tmp_path: Path) -> None:
    imported = read(plain_folder(tmp_path), "images", label_format="coco")
    assert [(f.format, f.exists) for f in imported.files] == [("coco", False)]
    assert {image.file for image in imported.images} == {0}
    assert patch(imported, imported.record(0)) is None


def test_labels_can_stay_in_the_project(tmp_path: Path) -> None:
    imported = read(plain_folder(tmp_path), "images", label_format="none")
    assert imported.files == ()
    assert {image.file for image in imported.images} == {None}


def test_a_first_box_in_a_plain_folder_is_read_back(tmp_path: Path) -> None:
    imported = read(plain_folder(tmp_path), "images")
    wider = replace(imported, categories=make_categories(["bolt"]))
    Path(imported.files[0].path).write_bytes(patch(wider, plus_box(imported.record(0), (0, 0, 64, 48))) or b"")
    again = read(tmp_path, "images")
    assert [b.xyxy for b in again.record(0).boxes] == [(0, 0, 64, 48)]
    assert again.files[0].options["one_based"] is True


@pytest.mark.parametrize(
    ("what", "match"), [("missing", "does not exist"), ("empty", "holds no image"), ("file", "is not a folder")]
)
def test_a_folder_without_images_is_refused_with_a_remedy(tmp_path: Path, what: str, match: str) -> None:
    path = tmp_path / "x"
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("x")
    with pytest.raises(FormatError, match=match):
        read(path, "images")
    with pytest.raises(FormatError):
        sniff(path)


def test_an_unknown_label_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no label format"):
        read(plain_folder(tmp_path), "images", label_format="paper")


def test_formats_are_told_apart(tmp_path: Path) -> None:
    box = voc_text(voc_object("bolt", (1, 2, 9, 9)))
    assert sniff(make_voc(tmp_path / "voc", {"a": box})).name == "voc"
    coco = make_coco(tmp_path / "coco", coco_document([]))
    assert sniff(coco).name == "coco"
    assert sniff(coco.parent).name == "coco"
    assert sniff(plain_folder(tmp_path / "plain")).name == "images"
    with pytest.raises(KeyError, match="coco"):
        codec("tarot")
