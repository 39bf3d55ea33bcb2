"""Hostile names in every place of a YOLO, labelme or CSV dataset and of a zip: nothing outside is opened or made."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats.archive import extract
from tests.formats.files import draw_image, of_kind, patch, plus_box, read
from tests.formats.yolo_files import LINE, make_yolo
from tests.fuzz.hostile_names import hostile_names, opens_outside

NAMES = hostile_names(Path("/tmp/some-secret-folder/secret.png"))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Files outside the dataset that the names lead to, sound ones of each format."""
    draw_image(tmp_path / "secret.png")
    (tmp_path / "secret.txt").write_text(LINE)
    (tmp_path / "secret.yaml").write_text("names: [secret]\n")
    return tmp_path / "secret.png"


@pytest.mark.parametrize("key", ["train", "val", "path", "names", "download"])
def test_entries_of_a_data_yaml_open_nothing_outside(tmp_path: Path, secret: Path, key: str) -> None:
    for name in hostile_names(secret):
        text = json.dumps(name)  # JSON's quoted text is YAML's, but for pairs of surrogates
        value = f"[{text}]" if key == "names" else text
        lines = [f"{key}: {value}"] + [line for line in ("names: [bolt]", "train: images") if line[:5] != key[:5]]
        make_yolo(tmp_path / "set", {"a": LINE}, data="\n".join(lines) + "\n")
        with opens_outside(tmp_path / "set") as outside:
            refused = None
            try:
                imported = read(tmp_path / "set", "yolo")
                assert patch(imported, plus_box(imported.record(0), (1, 2, 30, 40)))
                assert [image.record.path for image in imported.images] == ["images/a.png"]
            except FormatError as error:
                refused = error.path
        assert refused in (None, tmp_path / "set" / "data.yaml")
        assert outside == [], name


@pytest.mark.parametrize("listed", ["train.txt", "obj.data"])
def test_lines_of_a_list_of_images_open_nothing_outside(tmp_path: Path, secret: Path, listed: str) -> None:
    names = [name.replace("\n", " ").replace("\r", " ") for name in hostile_names(secret) if name.strip()]
    make_yolo(tmp_path / "set", {"a": LINE}, data=None if listed == "obj.data" else "names: [bolt]\ntrain: train.txt\n")
    (tmp_path / "set" / "obj.names").write_text("bolt\n")
    prefix = "train = " if listed == "obj.data" else ""
    (tmp_path / "set" / listed).write_text("".join(f"{prefix}{name}\n" for name in names), encoding="utf-8")
    with opens_outside(tmp_path / "set") as outside:
        imported = read(tmp_path / "set", "yolo")
    assert outside == []
    assert imported.box_count == 1
    assert [p for p in imported.problems if p.kind in ("unknown-path", "unknown-image")]


def test_names_of_classes_and_image_paths_of_labelme_open_nothing_outside(tmp_path: Path, secret: Path) -> None:
    names = hostile_names(secret)
    folder = tmp_path / "set"
    draw_image(folder / "good.png")
    shape = {"points": [[1, 2], [30, 40]], "shape_type": "rectangle", "flags": {}}
    for number, name in enumerate(names):
        document = {"shapes": [{**shape, "label": name}], "imagePath": name}
        (folder / f"hostile{number}.json").write_text(json.dumps(document))
    good = {"shapes": [{**shape, "label": "bolt"}], "imagePath": "good.png"}
    (folder / "good.json").write_text(json.dumps(good))
    with opens_outside(folder) as outside:
        imported = read(folder, "labelme")
        assert patch(imported, plus_box(imported.record(0), (1, 2, 30, 40)))
    assert outside == []
    assert [image.record.path for image in imported.images] == ["good.png"]
    listed = {Path(p.file).stem for p in of_kind(imported, "missing-image")}
    assert listed == {f"hostile{number}" for number in range(len(names))}


def test_file_names_of_a_table_open_nothing_outside(tmp_path: Path, secret: Path) -> None:
    names = hostile_names(secret)
    folder = tmp_path / "set"
    draw_image(folder / "good.png")
    text = io.StringIO()
    rows = [(name, 1, 2, 30, 40, "bolt") for name in ("good.png", *names)]
    csv.writer(text).writerows(rows)
    (folder / "t.csv").write_bytes(text.getvalue().encode("utf-8", "replace"))
    with opens_outside(folder) as outside:
        imported = read(folder / "t.csv", "csv")
    assert outside == []
    assert [(record.path, len(record.boxes)) for record in imported.records()] == [("good.png", 1)]
    missing = [p for p in imported.problems if p.kind in ("missing-image", "missing-name")]
    empty = [name for name in names if not name.strip()]
    assert len(missing) == len({name.strip() for name in names} - {""}) + len(empty)


@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_a_zip_stays_in_its_folder_or_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("good.txt", "good")
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, "hostile")
    with opens_outside(tmp_path) as outside:
        refused = None
        try:
            extract(tmp_path / "x.zip", tmp_path / "out", ignore, never)
        except FormatError as error:
            refused = error.path
    assert refused is None or (refused == tmp_path / "x.zip" and not (tmp_path / "out").exists())
    assert outside == []
    assert {path.name for path in tmp_path.iterdir()} <= {"x.zip", "out"}


@pytest.mark.parametrize("format_name", ["yolo", "labelme", "csv"])
def test_links_of_every_kind_open_nothing_outside(tmp_path: Path, secret: Path, format_name: str) -> None:
    folder = make_yolo(tmp_path / "set", {"good": LINE}, data="names: [bolt]\n")
    (folder / "images" / "good.json").write_text(json.dumps({"shapes": [], "imagePath": "good.png"}))
    (folder / "t.csv").write_text("images/good.png,1,2,30,40,bolt\n")
    targets = [secret, secret.with_suffix(".txt"), secret.with_suffix(".yaml"), Path("/"), Path("/etc"), tmp_path]
    for number, target in enumerate(targets):
        for place in ("", "images/", "labels/"):
            for suffix in (".png", ".txt", ".json", ".yaml", ".csv", ""):
                (folder / f"{place}link{number}{suffix}").symlink_to(target)
        draw_image(folder / "images" / f"own{number}.png")
        (folder / "labels" / f"own{number}.txt").symlink_to(target)
        (folder / "images" / f"own{number}.json").symlink_to(target)
    with opens_outside(folder) as outside:
        imported = read(folder, format_name)
        written = [
            patch(imported, plus_box(imported.record(index), (1, 2, 30, 40)))
            for index, image in enumerate(imported.images)
            if image.file is not None and not imported.files[image.file].refused and imported.categories
        ]
    assert outside == []
    assert all(written)
    assert len(imported.images) == 1 + len(targets)
    assert of_kind(imported, "link-out")
