"""Hostile names in every place of a VOC dataset or a plain folder: nothing outside is opened, nothing is lost."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from rcnn_studio.domain.dataset import make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import paths
from tests.formats.files import draw_image, make_voc, patch, plus_box, read, voc_object, voc_text
from tests.fuzz.hostile_names import HOSTILE_ON_DISK, hostile_names, opens_outside

BOX = voc_object("bolt", (5, 6, 20, 30))
PLACE = Path("/tmp/some-secret-folder/secret.png")
NAMES = hostile_names(PLACE)


def legal(name: str) -> str:
    """The name as XML text can hold it."""
    return escape("".join(c for c in name if ord(c) >= 32 or c in "\t\n"))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside the dataset that the names lead to, and a sound XML beside it."""
    draw_image(tmp_path / "secret.png")
    (tmp_path / "secret.xml").write_text(voc_text(BOX), encoding="utf-8")
    return tmp_path / "secret.png"


def test_the_watch_sees_an_open_outside(tmp_path: Path, secret: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(secret)
    with opens_outside(root) as outside:
        (root / "link").read_bytes()
        os.listdir(tmp_path)
    assert outside == [("open", str(secret)), ("os.listdir", str(tmp_path))]


def test_there_are_more_than_a_hundred_names() -> None:
    assert len(set(NAMES)) == len(NAMES) > 100


@pytest.mark.parametrize("field", ["filename", "folder", "path", "name", "database"])
def test_names_in_fields_of_an_xml_open_nothing_outside(tmp_path: Path, secret: Path, field: str) -> None:
    names = hostile_names(secret)
    folder = make_voc(tmp_path / "voc", {"good": voc_text(BOX, filename="good.png")})
    for number, name in enumerate(names):
        text = voc_text(BOX, filename="x.png", head="\t<path>p</path>\n\t<source><database>d</database></source>\n")
        tag = {"filename": "x.png", "folder": "JPEGImages", "path": "p", "name": "bolt", "database": "d"}[field]
        text = text.replace(f"<{field}>{tag}</{field}>", f"<{field}>{legal(name)}</{field}>")
        (folder / "Annotations" / f"hostile{number}.xml").write_text(text, encoding="utf-8")
    with opens_outside(tmp_path / "voc") as outside:
        imported = read(folder)
        data = patch(imported, plus_box(imported.record(0), (1, 2, 30, 40)))
    assert outside == []
    assert data is not None
    assert [image.record.path for image in imported.images] == ["good.png"]
    listed = {Path(p.file).stem for p in imported.problems}
    assert {f"hostile{number}" for number in range(len(names))} <= listed


def test_lines_of_a_split_list_open_nothing_outside(tmp_path: Path, secret: Path) -> None:
    names = [name for name in hostile_names(secret) if name.strip()]
    folder = make_voc(tmp_path / "voc", {"good": voc_text(BOX, filename="good.png")})
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    text = "\n".join(name.replace("\n", " ").replace("\r", " ") for name in names)
    (folder / "ImageSets" / "Main" / "train.txt").write_text(f"{text}\ngood\n", encoding="utf-8")
    with opens_outside(tmp_path / "voc") as outside:
        imported = read(folder)
    assert outside == []
    assert imported.record(0).split == "train"
    (problem,) = imported.problems
    assert (problem.kind, problem.message.split()[0]) == ("unknown-id", str(len(names)))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("format_name", ["voc", "images"])
def test_files_of_hostile_names_are_listed_or_opened_and_nothing_else_is(tmp_path: Path, format_name: str) -> None:
    folder = make_voc(tmp_path / "voc", {"good": voc_text(BOX, filename="good.png")})
    images, annotations = folder / "JPEGImages", folder / "Annotations"
    data = (images / "good.png").read_bytes()
    for name in HOSTILE_ON_DISK:
        (images / os.fsdecode(name)).write_bytes(data)
        (annotations / os.fsdecode(name[:-4] + b".xml")).write_text(voc_text(BOX), encoding="utf-8")
    with opens_outside(tmp_path / "voc") as outside:
        imported = read(folder if format_name == "voc" else images, format_name)
        known = replace(imported, categories=make_categories(["bolt"]))
        data_of = [patch(known, plus_box(imported.record(i), (1, 2, 3, 4))) for i in range(len(imported.images))]
    assert outside == []
    assert all(data_of)
    shown = {image.record.path for image in imported.images}
    storable = {os.fsdecode(name) for name in HOSTILE_ON_DISK if paths.is_storable(os.fsdecode(name))}
    hidden = {name for name in storable if name.startswith(".")}
    assert shown == (storable - hidden) | {"good.png"}
    unstorable = len(HOSTILE_ON_DISK) - len(storable)
    assert sum(p.kind == "bad-name" for p in imported.problems) == unstorable * (2 if format_name == "voc" else 1)


@pytest.mark.parametrize("format_name", ["voc", "images"])
def test_links_of_every_kind_open_nothing_outside(tmp_path: Path, secret: Path, format_name: str) -> None:
    folder = make_voc(tmp_path / "voc", {"good": voc_text(BOX, filename="good.png")})
    targets = [secret, secret.with_suffix(".xml"), Path("/"), Path("/etc/passwd"), tmp_path, Path("../../secret.png")]
    for number, target in enumerate(
        (*targets, *(Path(name) for name in NAMES if 0 < len(name) < 90 and "\0" not in name))
    ):
        for place, suffix in (("JPEGImages", ".png"), ("Annotations", ".xml"), ("JPEGImages", ""), ("Annotations", "")):
            (folder / place / f"link{number}{suffix}").symlink_to(target)
    with opens_outside(tmp_path / "voc") as outside:
        imported = read(folder if format_name == "voc" else folder / "JPEGImages", format_name)
    assert outside == []
    assert [image.record.path for image in imported.images] == ["good.png"]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_resolved_inside_the_root_or_refused(tmp_path: Path, secret: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with opens_outside(root) as outside:
        try:
            found = paths.resolve_inside(root, name)
        except FormatError as error:
            answer = error.reason
        else:
            answer = "inside" if found.is_relative_to(root) and found != root else "outside"
    assert outside == []
    assert answer == "inside" or any(remedy in answer for remedy in ("Correct it", "Write it", "Remove", "Copy"))
