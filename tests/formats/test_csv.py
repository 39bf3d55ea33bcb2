"""Tables of boxes, as TensorFlow's tutorials and keras-retinanet have them, arrive as datasets."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import Imported, sniff
from tests.formats.files import draw_image, of_kind, read

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def make(folder: Path, text: str | bytes, *, name: str = "boxes.csv", images: tuple[str, ...] = ("a.png",)) -> Path:
    for image in images:
        draw_image(folder / image)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def boxes(imported: Imported) -> dict[str, list[tuple[float, ...]]]:
    return {record.path: [box.xyxy for box in record.boxes] for record in imported.records()}


def names(imported: Imported) -> list[str]:
    return [category.name for category in imported.categories]


def test_tensorflows_table_arrives(tmp_path: Path) -> None:
    path = make(
        tmp_path,
        HEADER + "a.png,64,48,nut,1,2,30.5,40\na.png,64,48,bolt,3,4,5,6\nb.png,64,48,bolt,0,0,64,48\n",
        images=("a.png", "b.png", "c.png"),
    )
    imported = read(path, "csv")
    assert sniff(path).name == sniff(tmp_path).name == "csv"
    assert boxes(imported) == {"a.png": [(1, 2, 30.5, 40), (3, 4, 5, 6)], "b.png": [(0, 0, 64, 48)], "c.png": []}
    assert names(imported) == ["bolt", "nut"]
    assert imported.images[2].record.state == ImageState.UNLABELLED
    assert [(p.kind, p.level) for p in imported.problems] == [("not-linked", "note")]
    assert not imported.files


def test_retinanets_table_arrives_with_its_classes_and_empty_images(tmp_path: Path) -> None:
    path = make(
        tmp_path,
        "images/a.png,1,2,30,40,nut\nimages/b.png,,,,,\n",
        images=("images/a.png", "images/b.png"),
        name="annotations.csv",
    )
    (tmp_path / "classes.csv").write_text("nut,1\nbolt,0\n")
    imported = read(path, "csv")
    assert names(imported) == ["bolt", "nut"]
    assert imported.record(0).boxes[0].category_id == 2
    assert imported.images[1].record.state == ImageState.CONFIRMED_EMPTY
    assert sniff(path).name == "csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_quotes_and_encodings_are_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = ["image,label,x1,y1,x2,y2,note", '"a.png","nüt, small",1,2,30,40,"says ""x"""']
    text = "\r\n".join(delimiter.join(next(csv.reader([line]))) for line in lines[:1]) + "\r\n"
    fields = next(csv.reader(lines[1:]))
    text += delimiter.join('"' + field.replace('"', '""') + '"' for field in fields) + "\r\n"
    imported = read(make(tmp_path, text.encode(encoding)), "csv")
    assert boxes(imported) == {"a.png": [(1, 2, 30, 40)]}
    assert names(imported) == ["nüt, small"]


def test_a_table_a_split_and_roboflows_folders_give_the_splits(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        make(tmp_path / split, HEADER + "a.png,64,48,bolt,1,2,30,40\n", name="_annotations.csv")
    assert {i.record.path: i.record.split for i in read(tmp_path, "csv").images} == {
        "train/a.png": "train",
        "valid/a.png": "val",
    }
    one = make(
        tmp_path / "x", HEADER + "a.png,64,48,bolt,1,2,30,40\n", name="train_labels.csv", images=("images/a.png",)
    )
    two = make(tmp_path / "x", HEADER + "b.png,64,48,bolt,1,2,30,40\n", name="two.csv", images=("images/b.png",))
    imported = read(one, "csv", files=(("", one), ("test", two)))
    assert [i.record.split for i in imported.images] == ["train", "test"]


def test_paths_of_another_machine_are_known_by_their_ends(tmp_path: Path) -> None:
    path = make(
        tmp_path, "C:\\data\\pics\\a.png,1,2,30,40,nut\n/home/me/pics/b.png,1,2,30,40,nut\n", images=("a.png", "b.png")
    )
    assert sorted(boxes(read(path, "csv"))) == ["a.png", "b.png"]
    assert all(boxes(read(path, "csv")).values())


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    path = make(tmp_path / "tables", HEADER + "a.png,64,48,bolt,1,2,30,40\n", images=())
    draw_image(tmp_path / "pictures" / "a.png")
    assert boxes(read(path, "csv", images=tmp_path / "pictures")) == {"a.png": [(1, 2, 30, 40)]}


def test_swapped_corners_are_put_in_order_and_noted(tmp_path: Path) -> None:
    imported = read(make(tmp_path, "a.png,30,40,1,2,nut\n"), "csv")
    assert boxes(imported) == {"a.png": [(1, 2, 30, 40)]}
    assert [(p.where, p.level) for p in of_kind(imported, "swapped-corners")] == [("line 1", "warning")]


def test_a_missing_image_is_named_once_with_the_line_and_how_many_rows(tmp_path: Path) -> None:
    rows = "a.png,1,2,3,4,nut\n" + "gone.png,1,2,3,4,nut\n" * 3
    found = of_kind(read(make(tmp_path, rows), "csv"), "missing-image")
    assert [p.where for p in found] == ["line 2: filename"]
    assert "'gone.png' (3 rows)" in found[0].message


def test_a_bad_row_keeps_its_image_out_of_training(tmp_path: Path) -> None:
    imported = read(make(tmp_path, "a.png,1,2,x,4,nut\n"), "csv")
    assert imported.images[0].record.state == ImageState.NEEDS_FIX


def test_classes_that_the_list_lacks_are_added_and_named(tmp_path: Path) -> None:
    path = make(tmp_path, "a.png,1,2,3,4,nut\n")
    (tmp_path / "classes.csv").write_text("bolt,0\n")
    imported = read(path, "csv")
    assert names(imported) == ["bolt", "nut"]
    assert of_kind(imported, "unknown-class")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "holds no row"),
        ("a,b,c\n1,2,3\n", "names no columns"),
        ('a.png,1,2,3,4,"nut\n', "line 1: is no sound CSV"),
        (b"\xff\xfea", "utf-16"),
        (b"a.png,1,2,3,4,n\xfct\n", "not valid utf-8"),
        ("other.png,1,2,3,4,nut\n", "none of its images"),
        ("bolt,0\n", "holds names only"),
    ],
)
def test_what_is_no_table_of_boxes_is_refused_with_the_reason(tmp_path: Path, text: str | bytes, match: str) -> None:
    path = make(tmp_path, text)
    with pytest.raises(FormatError, match=match) as caught:
        read(path, "csv")
    assert caught.value.path == path
