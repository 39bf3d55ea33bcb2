"""Thumbnails on disk belong to a file as it is now, and never cost more room than the cap."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QColor, QImage

from rcnn_studio.workspace.thumbnail_files import BLOCK, ThumbnailFiles


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (200, 100), (10, 200, 10)).save(tmp_path / "green.png")
    return tmp_path / "green.png"


def small(color: str = "#0ac80a") -> QImage:
    made = QImage(96, 48, QImage.Format.Format_RGB32)
    made.fill(QColor(color))
    return made


@pytest.fixture
def files(qapp, tmp_path: Path) -> ThumbnailFiles:
    return ThumbnailFiles(tmp_path / "cache")


def test_what_was_put_is_there_again(files: ThumbnailFiles, picture: Path) -> None:
    assert files.get(picture) is None
    assert not files.has(picture)
    files.put(picture, small())
    assert files.has(picture)
    again = files.get(picture)
    assert again.size() == small().size()
    assert QColor(again.pixel(40, 20)).green() > 190


def test_a_file_that_has_changed_has_no_thumbnail_any_more(files: ThumbnailFiles, picture: Path) -> None:
    files.put(picture, small())
    stat = picture.stat()
    os.utime(picture, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    assert files.get(picture) is None
    assert not files.has(picture)


def test_an_unreadable_image_is_remembered_as_such(files: ThumbnailFiles, picture: Path) -> None:
    files.put(picture, QImage())
    assert files.has(picture)
    assert files.get(picture).isNull()


def test_a_missing_image_asks_for_nothing(files: ThumbnailFiles, tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    files.put(gone, small())
    assert files.has(gone)
    assert files.get(gone) is None
    assert not (tmp_path / "cache").exists()


def test_the_least_recently_used_go_first_when_the_cap_is_reached(qapp, tmp_path: Path) -> None:
    files = ThumbnailFiles(tmp_path / "cache", cap_bytes=5 * BLOCK)
    pictures = [tmp_path / f"{n}.png" for n in range(8)]
    for number, path in enumerate(pictures):
        path.write_bytes(bytes(number))
        files.put(path, small())
    kept = {file.stem: file for file in (tmp_path / "cache").rglob("*.jpg")}
    assert len(kept) == 8
    for age, path in enumerate(pictures):
        os.utime(files._place(path), (1000 + age, 1000 + age))
    assert files.get(pictures[0]) is not None, "used just now"
    assert files.trim() == 4
    assert [files.has(path) for path in pictures] == [True, False, False, False, False, True, True, True]
    assert files.trim() == 0


def test_a_folder_that_cannot_be_written_costs_only_the_cache(qapp, tmp_path: Path, picture: Path) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    files = ThumbnailFiles(tmp_path / "cache")
    files.put(picture, small())
    assert files.get(picture) is None
    assert files.trim() == 0
