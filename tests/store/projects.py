"""Small datasets and edits for the tests of the store."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from PIL import Image

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.edits import Edit, ImageChange, state_after
from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, connect

OBJECT = """\t<object>\r
\t\t<name>{name}</name>\r
\t\t<pose>Left</pose>\r
\t\t<part><!-- a field nobody knows --><name>head</name></part>\r
\t\t<bndbox><xmax>{x2}</xmax><xmin>{x1}</xmin><ymin>{y1}</ymin><ymax>{y2}</ymax></bndbox>\r
\t</object>\r
"""


def draw_images(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (64, 48), (number * 20 % 256, 90, 90)).save(folder / name)


def make_voc(folder: Path, *, images: int = 3, unlabelled: int = 1) -> Path:
    """A VOC folder with Windows line ends and unknown fields; the last `unlabelled` images have no XML."""
    names = [f"img_{number}.png" for number in range(images + unlabelled)]
    draw_images(folder / "JPEGImages", names)
    (folder / "Annotations").mkdir()
    for number in range(images):
        objects = "".join(
            OBJECT.format(name=name, x1=2 + shift, y1=3, x2=20 + shift, y2=30)
            for shift, name in ((number, "bolt"), (10 + number, "nut"))
        )
        text = f'<annotation verified="no">\r\n\t<filename>img_{number}.png</filename>\r\n{objects}</annotation>\r\n'
        (folder / "Annotations" / f"img_{number}.xml").write_bytes(text.encode())
    return folder


def make_coco(folder: Path, *, images: int = 3) -> Path:
    """A COCO file beside its images, with keys that nobody knows. -> the file"""
    names = [f"img_{number}.png" for number in range(images)]
    draw_images(folder, names)
    data = {
        "info": {"year": 2020, "secret": [1, 2.50]},
        "images": [{"id": 100 + i, "file_name": n, "width": 64, "height": 48, "odd": i} for i, n in enumerate(names)],
        "categories": [{"id": 7, "name": "bolt", "supercategory": "metal"}, {"id": 9, "name": "nut"}],
        "annotations": [
            {
                "id": 50 + i,
                "image_id": 100 + i,
                "category_id": 7,
                "bbox": [2.5, 3, 20, 30.25],
                "area": 605.0,
                "iscrowd": 0,
                "x": {"y": 1},
            }
            for i in range(images)
        ],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(data, indent=1))
    return path


def voc_project(folder: Path, *, images: int = 3, unlabelled: int = 1) -> ProjectStore:
    """A project in folder/project on a fresh VOC dataset in folder/voc."""
    data = make_voc(folder / "voc", images=images, unlabelled=unlabelled)
    imported = codec("voc").read(Source(path=data), ignore, never)
    return ProjectStore.create(folder / "project", imported)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def id_of(store: ProjectStore, name: str) -> int:
    """The id of the image with this file name."""
    table = store.image_table()
    row = next(i for i, path in enumerate(table.paths) if path.endswith(name))
    return int(table.ids[row])


def change(
    record: ImageRecord, *, removed: tuple[Box, ...] = (), added: tuple[Box, ...] = (), state: ImageState | None = None
) -> ImageChange:
    gone = {box.id for box in removed}
    after = (*(box for box in record.boxes if box.id not in gone), *added)
    new_state = state_after(after, record.state) if state is None else state
    return ImageChange(image_id=record.id, removed=removed, added=added, state=(record.state, new_state))


def move(store: ProjectStore, image_id: int, *, index: int = 0, dx: float = 4.0) -> Edit:
    """Moves one box to the right."""
    record = store.image(image_id)
    box = record.boxes[index]
    moved = box.moved_to(box.x1 + dx, box.y1, box.x2 + dx, box.y2)
    return Edit(text="Move box", images=(change(record, removed=(box,), added=(moved,)),))


def draw(store: ProjectStore, image_id: int, category_id: int = 1) -> Edit:
    """Draws one new box."""
    box = Box(id=store.next_box_id(), x1=5.0, y1=6.0, x2=25.0, y2=36.0, category_id=category_id)
    return Edit(text="Draw box", images=(change(store.image(image_id), added=(box,)),))


def set_state(store: ProjectStore, image_id: int, state: ImageState) -> Edit:
    return Edit(text="Set state", images=(change(store.image(image_id), state=state),))


def rename(categories: tuple[Category, ...], old: str, new: str) -> Edit:
    after = tuple(replace(c, name=new) if c.name == old else c for c in categories)
    return Edit(text=f"Rename {old}", categories=(categories, after))


def commit(store: ProjectStore, edit: Edit) -> int:
    """Submits and waits for the commit. -> the sequence number; raises the edit's error."""
    settled = threading.Event()
    numbers: list[int] = []
    errors: list[StudioError] = []

    def done(sequence: int) -> None:
        numbers.append(sequence)
        settled.set()

    def failed(error: StudioError) -> None:
        errors.append(error)
        settled.set()

    store.submit(edit, on_done=done, on_error=failed)
    assert settled.wait(20), "the edit was never settled"
    if errors:
        raise errors[0]
    return numbers[0]


def coco_project(folder: Path) -> ProjectStore:
    """A project in folder/project on a fresh COCO file in folder/coco."""
    path = make_coco(folder / "coco")
    imported = codec("coco").read(Source(path=path, images=path.parent), ignore, never)
    return ProjectStore.create(folder / "project", imported)


def signatures(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Number, time and size of every file: they stay as long as nobody writes it."""
    found = ((p.relative_to(folder).as_posix(), p.stat()) for p in sorted(folder.rglob("*")) if p.is_file())
    return {name: (s.st_ino, s.st_mtime_ns, s.st_size) for name, s in found}


def label_rows(store: ProjectStore) -> dict[str, list[tuple[object, ...]]]:
    """All that is labelled, row by row, as it is stored; whether an image has ever been edited does not count."""
    store.flush()
    db = connect(store.database, mode="ro")
    try:
        return {
            "boxes": db.execute("SELECT * FROM boxes ORDER BY image_id, id").fetchall(),
            "categories": db.execute("SELECT * FROM categories ORDER BY position, id").fetchall(),
            "images": db.execute("SELECT id, state, split, box_count, file_id, place FROM images").fetchall(),
        }
    finally:
        db.close()


def schema_of(project: Path) -> dict[tuple[str, str], list[str]]:
    """Tables with their columns, and indexes with theirs."""
    db = sqlite3.connect(project / DATABASE_NAME)
    try:
        names = db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        pragma = {"table": "table_info", "index": "index_info"}
        return {
            (kind, name): sorted(
                f"{row[1:]}" if kind == "table" else f"{row[2]}" for row in db.execute(f"PRAGMA {pragma[kind]}({name})")
            )
            for kind, name in names
        }
    finally:
        db.close()


def refuse_once(store: ProjectStore) -> None:
    """An error of the drive: the next write opens the database anew."""

    def refused(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    assert store._writer is not None
    with contextlib.suppress(ProjectError):
        store._writer.call(refused)


def upset_the_drive(store: ProjectStore) -> None:
    """The same, and every reader opens it anew as well."""
    refuse_once(store)
    store._readers.drop()
