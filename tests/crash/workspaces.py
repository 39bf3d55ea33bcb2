"""A project on a small dataset for one campaign: makes it, and reads its database without the store."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from rcnn_studio.tasks.places import HOME_VARIABLE
from tests.crash import files
from tests.crash.editor import dump
from tests.crash.files import Layout
from tests.crash.forking import Tell, start
from tests.crash.labels import Expected, Fault, Labels, from_dump, named, rows_of

GRID = {"voc": 1.0, "coco": 0.25, "yolo": 1.0}


@dataclass(slots=True)
class Workspace:
    """folder/project on folder/data. expected: what it must say."""

    folder: Path
    layout: Layout
    expected: Expected

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def grid(self) -> float:
        return GRID[self.layout.format]


def use_home(folder: Path) -> None:
    """Settings and the like of this process and its children are kept there and not in the user's own folders."""
    os.environ[HOME_VARIABLE] = str(folder)


def make(folder: Path, name: str, *, images: int = 4, unlabelled: int = 2, on: Path | None = None) -> Workspace:
    """A new project, made by a child, because this process must not start a thread. on: another folder for the data."""
    folder.mkdir(parents=True, exist_ok=True)
    data = on or folder / "data"
    source = files.make_dataset(name, data, images=images, unlabelled=unlabelled)

    def work(tell: Tell) -> None:
        imported = codec(name).read(Source(path=source), ignore, never)
        with ProjectStore.create(folder / "project", imported) as store:
            table = store.image_table()
            paths = {int(i): path for i, path in zip(table.ids, table.paths, strict=True)}
            tell({"paths": paths, "dump": dump(store)})

    child = start(work, folder / "stderr")
    messages = list(child.rest())
    if child.wait() or not messages:
        raise Fault("crash", f"the project could not be made: {child.complaints()}")
    paths = {int(i): Path(path).name for i, path in messages[0]["paths"].items()}
    layout = Layout(format=name, data=data, images=paths)
    return Workspace(folder=folder, layout=layout, expected=Expected([from_dump(messages[0]["dump"])]))


def moved(workspace: Workspace, folder: Path, expected: Expected) -> Workspace:
    """The same workspace as it stands in another folder."""
    layout = Layout(format=workspace.layout.format, data=folder / "data", images=workspace.layout.images)
    return Workspace(folder=folder, layout=layout, expected=expected)


def read_raw(project: Path) -> Labels:
    """The labels by plain SQL from a copy of the database and its log. Raises Fault("unreadable")."""
    with tempfile.TemporaryDirectory(prefix="rcnn-crash-") as copy:
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-journal"):
            if (project / name).exists():
                shutil.copyfile(project / name, Path(copy) / name)
        db = sqlite3.connect(Path(copy) / DATABASE_NAME)
        try:
            db.execute("PRAGMA synchronous = OFF")  # a copy to look at
            return _read_tables(db)
        except sqlite3.Error as error:
            raise Fault("unreadable", f"{project}: {error}") from None
        finally:
            db.close()


def _read_tables(db: sqlite3.Connection) -> Labels:
    found = db.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise Fault("unreadable", f"the database is damaged: {found[:3]}")
    images = {}
    for image_id, state in db.execute("SELECT id, state FROM images").fetchall():
        rows = db.execute("SELECT id, x1, y1, x2, y2, category_id FROM boxes WHERE image_id = ?", (image_id,))
        images[image_id] = (state, rows_of(rows))
    return Labels(images=images, categories=named(db.execute("SELECT id, name FROM categories")))
