"""What dropped files mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.tasks.dropped import count_images, look_at


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return [folder / name for name in names]


def test_a_folder_or_dataset_file_says_more_than_the_images_beside_it(tmp_path: Path) -> None:
    image, table = made(tmp_path, "a.png", "instances.json")
    assert look_at([image, table]).path == table
    assert look_at([image, table, tmp_path]).path == table, "in the order in which they were dropped"
    assert look_at([image, tmp_path]).path == tmp_path


def test_of_images_of_several_folders_the_larger_part_is_opened(tmp_path: Path) -> None:
    images = made(tmp_path, "one/a.png", "two/b.JPG", "two/c.png")
    found = look_at(images)
    assert (found.path, found.image, found.images, found.others) == (tmp_path / "two", images[1], 2, 1)


@pytest.mark.parametrize("folder", ["JPEGImages", "images", "Annotations"])
def test_a_label_file_leads_to_its_dataset_and_image(tmp_path: Path, folder: str) -> None:
    label, image = made(tmp_path, "Annotations/x.xml", f"{folder}/x.jpg")
    found = look_at([label])
    assert (found.path, found.image) == (tmp_path, image)


def test_a_label_file_elsewhere_opens_its_own_folder(tmp_path: Path) -> None:
    label = made(tmp_path, "loose/x.xml")[0]
    found = look_at([label])
    assert (found.path, found.image) == (tmp_path / "loose", None)


def test_what_is_no_data_is_not_opened(tmp_path: Path) -> None:
    assert look_at(made(tmp_path, "letter.pdf", "notes.txt")) is None
    assert look_at([]) is None


def test_images_of_a_folder_are_counted_and_a_missing_folder_holds_none(tmp_path: Path) -> None:
    made(tmp_path, "a.png", "b.JPEG", "c.txt", "sub/d.png")
    assert count_images(tmp_path) == 2
    assert count_images(tmp_path / "gone") == 0
