"""Linked files that another program has changed: listed, and settled by the person's choice.

Never overwrites a foreign version without a copy of it in the backups folder.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rcnn_studio.domain.dataset import Category, ImageRecord, next_color, next_hotkey
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import FormatError, ProjectError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.formats.codec import Imported
from rcnn_studio.formats.paths import resolve_inside
from rcnn_studio.store import linked
from rcnn_studio.store.applying import WITH_CATEGORY_TABLE, apply_edit
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.reading import Readers, read_categories, read_images_of_file
from rcnn_studio.store.writer import Writer

Keep = Literal["mine", "theirs"]
BACKUPS = "backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A linked file that is not as we left it. message: what happened and what can be done."""

    path: str
    message: str


def list_conflicts(db: sqlite3.Connection, project: Path) -> list[Conflict]:
    return [Conflict(path=str(file.path), message=message) for file, message in linked.conflicts(db, project)]


class Settler:
    """Settles conflicts of one project."""

    def __init__(
        self, project: Path, roots: tuple[Path, ...], readers: Readers, writer: Writer, next_box_id: Callable[[], int]
    ) -> None:
        self._project = project
        self._roots = roots
        self._readers = readers
        self._writer = writer
        self._next_box_id = next_box_id

    def settle(self, path: Path, keep: Keep) -> tuple[int, ...]:
        """-> ids of the images whose labels are others now. With "mine" the file is due for writing afterwards.

        Raises ProjectError if there is no such conflict or the choice is not possible, FormatError if a file
        cannot be read or written.
        """
        with self._readers.transaction() as db:
            found = [file for file, _ in linked.conflicts(db, self._project) if file.path == path]
        if not found:
            raise ProjectError(f"{path}: is not in conflict.")
        theirs = _read(found[0].path)
        if keep == "mine":
            self._keep_mine(found[0], theirs)
            return ()
        return self._keep_theirs(found[0], theirs)

    def _keep_mine(self, file: FileRow, theirs: bytes | None) -> None:
        imported_is_lost = file.origin == "disk"  # changed before our first write: there is nothing left to patch
        if imported_is_lost and file.linked.format in WITH_CATEGORY_TABLE:
            raise ProjectError(
                f"{file.path}: was changed before this program first wrote it, so it cannot be rebuilt. "
                "Put the imported version back, or export the project and import it anew."
            )
        if theirs is not None:
            self._back_up(file.path, theirs)
        origin = "none" if imported_is_lost else file.origin
        places_from = self._next_box_id() if imported_is_lost else file.places_from

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE files SET status = 'ok', message = '', hash = ?, origin = ?, places_from = ? WHERE id = ?",
                (linked.digest(theirs), origin, places_from, file.id),
            )

        self._writer.call(work)

    def _keep_theirs(self, file: FileRow, theirs: bytes | None) -> tuple[int, ...]:
        """Their file becomes the original from now on; all its boxes get new ids, because the places of the old
        ones, in undo stacks as well, speak of the document before."""
        if file.linked.format in WITH_CATEGORY_TABLE:
            raise ProjectError(
                f"{file.path}: one file of many images cannot be read into an open project. Import the dataset anew."
            )
        with self._readers.transaction() as db:
            images, _ = read_images_of_file(db, file.id, touched_only=False)
            categories = read_categories(db)
        if len(images) != 1:
            raise ProjectError(f"{file.path}: belongs to {len(images)} images. Import the dataset anew.")
        image_path = resolve_inside(self._roots[images[0].root], images[0].path)
        places_from = self._next_box_id()
        edit = self._edit_to(images[0], categories, _import_one(file, theirs, image_path))

        def work(db: sqlite3.Connection) -> None:
            sequence = apply_edit(db, edit)
            if theirs is not None:
                db.execute("INSERT OR REPLACE INTO originals VALUES (?, ?)", (file.id, zlib.compress(theirs)))
            db.execute(
                "UPDATE files SET status = 'ok', message = '', hash = ?, origin = ?, places_from = ?,"
                " revision = ?, written = ? WHERE id = ?",
                (
                    linked.digest(theirs),
                    "none" if theirs is None else "stored",
                    places_from,
                    sequence,
                    sequence,
                    file.id,
                ),
            )

        self._writer.call(work)
        return (images[0].id,)

    def _edit_to(self, image: ImageRecord, before: tuple[Category, ...], theirs: Imported) -> Edit:
        """The edit that makes the project say what their file says."""
        categories = list(before)
        ids = {category.name: category.id for category in before}
        for name in (c.name for c in theirs.categories if c.name not in ids):
            number = max((c.id for c in categories), default=0) + 1
            color, hotkey = next_color(categories), next_hotkey(categories)
            categories.append(Category(id=number, name=name, color=color, hotkey=hotkey))
            ids[name] = number
        names = {category.id: category.name for category in theirs.categories}
        record = theirs.images[0].record
        added = tuple(
            replace(box, id=self._next_box_id(), category_id=ids[names[box.category_id]]) for box in record.boxes
        )
        change = ImageChange(image_id=image.id, removed=image.boxes, added=added, state=(image.state, record.state))
        changed = None if len(categories) == len(before) else (before, tuple(categories))
        return Edit(text=f"Take over {image.path} as changed by another program", images=(change,), categories=changed)

    def _back_up(self, path: Path, data: bytes) -> None:
        folder = self._project / BACKUPS
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise ProjectError(f"{folder}: cannot be made ({error.strerror}). Nothing was overwritten.") from error
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        write_atomic(folder / f"{stamp}-{path.name}", data, expected_hash="")


def _import_one(file: FileRow, theirs: bytes | None, image: Path) -> Imported:
    """Reads these bytes as the annotation of this one image, through a dataset of one image in a temporary folder."""
    try:
        with tempfile.TemporaryDirectory(prefix="rcnn-studio-") as name:
            folder = Path(name)
            for child in ("Annotations", "JPEGImages"):
                (folder / child).mkdir()
            shutil.copyfile(image, folder / "JPEGImages" / image.name)
            if theirs is not None:
                (folder / "Annotations" / f"{image.stem}.xml").write_bytes(theirs)
            source = Source(path=folder, one_based=bool(file.linked.options.get("one_based", True)))
            imported = codec(file.linked.format).read(source, ignore, never)
    except OSError as error:
        raise ProjectError(f"{image}: cannot be read ({error.strerror}). Keep your version instead.") from error
    refused = next((f.refused for f in imported.files if f.refused), "")
    if refused or len(imported.images) != 1:
        raise FormatError(file.path, "", "cannot be read as an annotation. Mend it, or keep your version instead.")
    return imported


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from error
