"""YOLO folders as Ultralytics, Roboflow, darknet, CVAT and labelImg lay them out arrive as datasets."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import Imported, sniff
from tests.formats.files import draw_image, of_kind, read
from tests.formats.yolo_files import LINE, make_yolo


def splits(imported: Imported) -> dict[str, str]:
    return {image.record.path: image.record.split for image in imported.images}


def states(imported: Imported) -> dict[str, ImageState]:
    return {image.record.path: image.record.state for image in imported.images}


def corners(imported: Imported, index: int = 0) -> list[tuple[float, ...]]:
    return [box.xyxy for box in imported.record(index).boxes]


def names(imported: Imported) -> list[str]:
    return [category.name for category in imported.categories]


def test_ultralytics_folders_arrive_with_boxes_splits_and_names(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"train/a": LINE + "1 0.25 0.25 0.5 0.5\n", "val/b": LINE, "c": None})
    imported = read(tmp_path, "yolo")
    assert sniff(tmp_path).name == "yolo"
    assert names(imported) == ["bolt", "nut"]
    assert splits(imported) == {"images/c.png": "", "images/train/a.png": "train", "images/val/b.png": "val"}
    assert corners(imported, 1) == [(24, 12, 40, 36), (0, 0, 32, 24)]
    assert [box.category_id for box in imported.record(1).boxes] == [1, 2]
    assert not imported.problems


def test_no_text_file_is_unlabelled_and_an_empty_one_says_nothing_is_there(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": None, "b": "", "c": "\n \n", "d": "zero\n", "e": LINE})
    found = states(read(tmp_path, "yolo"))
    assert list(found.values()) == [
        ImageState.UNLABELLED,
        ImageState.CONFIRMED_EMPTY,
        ImageState.CONFIRMED_EMPTY,
        ImageState.NEEDS_FIX,
        ImageState.LABELLED,
    ]


def test_roboflow_folders_are_found_though_their_paths_climb(tmp_path: Path) -> None:
    for split, name in (("train", "a"), ("valid", "b"), ("test", "c")):
        draw_image(tmp_path / split / "images" / f"{name}.png")
        (tmp_path / split / "labels").mkdir()
        (tmp_path / split / "labels" / f"{name}.txt").write_text(LINE)
    (tmp_path / "README.roboflow.txt").write_text("exported\n")
    (tmp_path / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 1\nnames: ['bolt']\n"
    )
    imported = read(tmp_path, "yolo")
    assert splits(imported) == {"test/images/c.png": "test", "train/images/a.png": "train", "valid/images/b.png": "val"}
    assert imported.box_count == 3
    assert not imported.problems


def test_darknet_labels_beside_the_images_are_read(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        draw_image(tmp_path / split / "a.png")
        (tmp_path / split / "a.txt").write_text(LINE)
        (tmp_path / split / "_darknet.labels").write_text("bolt\n")
    imported = read(tmp_path, "yolo")
    assert sniff(tmp_path).name == "yolo"
    assert names(imported) == ["bolt"]
    assert splits(imported) == {"train/a.png": "train", "valid/a.png": "val"}
    assert [file.format for file in imported.files].count("yolo-names") == 2


def test_darknet_labels_that_disagree_are_refused(tmp_path: Path) -> None:
    for split, name in (("train", "bolt"), ("valid", "nut")):
        draw_image(tmp_path / split / "a.png")
        (tmp_path / split / "_darknet.labels").write_text(name)
    with pytest.raises(FormatError, match=r"_darknet\.labels.*different names"):
        read(tmp_path, "yolo")


def test_cvats_obj_data_is_read_with_its_lists(tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw_image(tmp_path / f"obj_{name}_data" / f"{name}.png")
        (tmp_path / f"obj_{name}_data" / f"{name}.txt").write_text(LINE)
    (tmp_path / "obj.names").write_text("bolt\nnut\n")
    (tmp_path / "obj.data").write_text(
        "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    )
    (tmp_path / "train.txt").write_text("data/obj_a_data/a.png\n")
    (tmp_path / "valid.txt").write_text("/home/somebody/data/obj_b_data/b.png\n")
    imported = read(tmp_path, "yolo")
    assert splits(imported) == {"obj_a_data/a.png": "train", "obj_b_data/b.png": "val"}
    assert names(imported) == ["bolt", "nut"]
    assert not imported.problems


def test_labelimgs_classes_txt_lies_among_the_labels(tmp_path: Path) -> None:
    draw_image(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.25 0.5")
    (tmp_path / "classes.txt").write_text("bolt\r\nnut\r\n")
    imported = read(tmp_path, "yolo")
    assert names(imported) == ["bolt", "nut"]
    assert imported.record(0).boxes[0].category_id == 2


def test_a_yaml_file_may_be_named_itself_and_its_own_machines_path_does_not_matter(tmp_path: Path) -> None:
    data = "path: /content/datasets/bolts\ntrain: images/train # 128 images\nval: [images/val]\nnames:\n  0: bolt\n"
    make_yolo(tmp_path, {"train/a": LINE, "val/b": LINE}, data=data)
    imported = read(tmp_path / "data.yaml", "yolo")
    assert sniff(tmp_path / "data.yaml").name == "yolo"
    assert splits(imported) == {"images/train/a.png": "train", "images/val/b.png": "val"}
    assert names(imported) == ["bolt"]


def test_absolute_folders_of_another_machine_are_known_by_their_ends(tmp_path: Path) -> None:
    data = "train: C:\\\\data\\\\bolts\\\\images\\\\train\nval: /data/bolts/images/val\nnames: [bolt]\n".replace(
        "\\\\", "\\"
    )
    make_yolo(tmp_path, {"train/a": LINE, "val/b": LINE}, data=data)
    assert splits(read(tmp_path, "yolo")) == {"images/train/a.png": "train", "images/val/b.png": "val"}


def test_the_same_images_for_train_and_val_are_no_split(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": LINE, "b": LINE}, data="train: images\nval: images\nnames: [bolt]\n")
    imported = read(tmp_path, "yolo")
    assert set(splits(imported).values()) == {""}
    assert [p.where for p in of_kind(imported, "same-split")] == ["val"]


def test_without_a_list_of_names_classes_are_called_by_their_numbers(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": "3 0.5 0.5 0.25 0.5\n"}, data=None)
    imported = read(tmp_path, "yolo")
    assert sniff(tmp_path).name == "yolo"
    assert names(imported) == ["0", "1", "2", "3"]
    assert [problem.kind for problem in imported.problems] == ["no-names"]
    assert [(Path(f.path).name, f.exists) for f in imported.files if f.format == "yolo-names"] == [
        ("classes.txt", False)
    ]


def test_names_that_yaml_takes_for_other_things_stay_text(tmp_path: Path) -> None:
    make_yolo(
        tmp_path, {"a": LINE}, data="train: images\nnames: [no, 007, 1.50, ~, 'x: y', \"caf\\u00e9\", yes, null]\n"
    )
    assert names(read(tmp_path, "yolo")) == ["no", "007", "1.50", "~", "x: y", "café", "yes", "null"]


def test_polygons_give_their_box_and_are_spoken_of_once(tmp_path: Path) -> None:
    polygon = "0 0.25 0.25 0.75 0.25 0.5 0.75\n"
    make_yolo(tmp_path, {"a": polygon * 2, "b": polygon})
    imported = read(tmp_path, "yolo")
    assert corners(imported) == [(16, 12, 48, 36)] * 2
    assert [(p.where, p.level) for p in of_kind(imported, "more-than-a-box")] == [("line 1", "note")]
    assert "the first of 3 polygons" in str(imported.problems[-1])


def test_key_points_follow_the_box_where_the_yaml_says_so(tmp_path: Path) -> None:
    make_yolo(
        tmp_path,
        {"a": "0 0.5 0.5 0.25 0.5 0.1 0.1 2 0.9 0.9 1\n"},
        data="train: images\nkpt_shape: [2, 3]\nnames: [bolt]\n",
    )
    assert corners(read(tmp_path, "yolo")) == [(24, 12, 40, 36)]


def test_a_sixth_value_is_a_confidence(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": "0 0.5 0.5 0.25 0.5 0.9\n"})
    imported = read(tmp_path, "yolo")
    assert corners(imported) == [(24, 12, 40, 36)]
    assert "with a confidence" in str(imported.problems[-1])


def test_two_images_never_share_a_text_file(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": LINE})
    draw_image(tmp_path / "images" / "a.jpg")
    imported = read(tmp_path, "yolo")
    assert [image.file is None for image in imported.images] == [False, True]
    assert [Path(p.file).name for p in of_kind(imported, "shared-stem")] == ["a.png"]


def test_a_text_file_without_image_is_named(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": LINE})
    (tmp_path / "labels" / "gone.txt").write_text(LINE)
    assert [Path(p.file).name for p in of_kind(read(tmp_path, "yolo"), "missing-image")] == ["gone.txt"]


def test_a_link_out_of_the_dataset_is_not_read_and_never_written(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(LINE)
    make_yolo(tmp_path / "set", {"a": None, "b": LINE})
    (tmp_path / "set" / "labels" / "a.txt").symlink_to(tmp_path / "secret.txt")
    imported = read(tmp_path / "set", "yolo")
    assert imported.record(0).boxes == ()
    assert imported.files[0].refused
    assert of_kind(imported, "link-out")


def test_the_folder_of_images_alone_leads_to_the_labels_beside_it(tmp_path: Path) -> None:
    make_yolo(tmp_path, {"a": LINE})
    assert read(tmp_path / "images", "yolo").box_count == 1


def test_a_yaml_in_a_folder_of_its_own_finds_images_and_labels_by_its_path(tmp_path: Path) -> None:
    make_yolo(tmp_path / "bolts", {"train/a": LINE, "val/b": LINE}, data=None)
    (tmp_path / "cfg").mkdir()
    config = tmp_path / "cfg" / "bolts.yaml"
    config.write_text("path: ../bolts\ntrain: images/train\nval: images/val\nnames: [bolt]\n")
    imported = read(config, "yolo", images=tmp_path / "bolts" / "images")
    assert splits(imported) == {"bolts/images/train/a.png": "train", "bolts/images/val/b.png": "val"}
    assert imported.box_count == 2
    with pytest.raises(FormatError, match="--images DIR"):
        read(config, "yolo")


@pytest.mark.parametrize(("labels", "planned"), [("images", "images/b.txt"), ("labels", "labels/b.txt")])
def test_a_new_text_file_is_planned_where_its_neighbours_are(tmp_path: Path, labels: str, planned: str) -> None:
    make_yolo(tmp_path, {"a": None, "b": None})
    (tmp_path / labels).mkdir(exist_ok=True)
    (tmp_path / labels / "a.txt").write_text(LINE)
    imported = read(tmp_path, "yolo")
    assert [Path(f.path).relative_to(tmp_path).as_posix() for f in imported.files if not f.exists] == [planned]
