"""CSV: one table of boxes for many images, as TensorFlow's tutorials or keras-retinanet have it. Reading and exporting.

The table is read only: labels of a project that begins with it are kept in the project, and export writes a new table.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import csv_export, losses, paths
from rcnn_studio.formats import images as image_files
from rcnn_studio.formats.codec import Imported, LinkedFile, Source
from rcnn_studio.formats.csv_record import BoxRow, looks_like_table, read_classes, read_row, read_table
from rcnn_studio.formats.gathering import FOLDER_SPLITS, Fault, Gatherer, read_bytes, shown, split_of_folders
from rcnn_studio.formats.known_files import KnownFiles

CSV_SUFFIXES = frozenset({".csv", ".tsv"})
_LIMIT = 1 << 30
_REPORT_EVERY = 200
_HEAD_BYTES = 1 << 16
_WORDS = re.compile(r"[^a-z]+")


@dataclass(slots=True)
class _ImageRows:
    """What the tables say of one image. bad: rows that could not be used."""

    file: Path
    split: str
    boxes: list[BoxRow] = field(default_factory=list)
    bad: bool = False
    said: tuple[int, tuple[int, int]] | None = None


class CsvCodec:
    """The codecs "csv" and "csv-retinanet": both read either table, and write their own."""

    def __init__(self, name: str, style: str) -> None:
        self.name = name
        self._style = style
        self.holds = losses.RETINANET if style == csv_export.RETINANET else losses.CSV

    def sniff(self, path: Path) -> bool:
        """True for such a table, or a folder that holds one at its top or one level below."""
        try:
            return any(_is_table(file) for file in _first_tables(path))
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read. No file is linked."""
        return _Reader(source).read(report, should_stop)

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """Never called: no table is linked."""
        raise FormatError(file.path, "", "a CSV file is not written back to. Export the project as csv.")

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: one table a split, and copies of the images in images/."""
        return csv_export.write(dataset, out, report, should_stop, style=self._style)


class _Reader:
    """Reads the tables, then the images, of one source."""

    def __init__(self, source: Source) -> None:
        tables = _tables_of(source)
        self._classes: tuple[str, ...] = ()
        self._tables: list[tuple[str, Path, bytes]] = []
        for split, path in tables:
            data = read_bytes(path, _LIMIT)
            classes = read_classes(data, path)
            if classes is None:
                self._tables.append((split or source.split or _split_of(path), path, data))
            else:
                self._classes = classes
        if not self._tables:
            raise FormatError(source.path, "", "holds names only. Name the table of boxes.")
        root = _root_of([path for _, path, _ in self._tables], source.images)
        listing = paths.scan(root, image_files.IMAGE_SUFFIXES)
        if not listing.names:
            suffixes = ", ".join(sorted(image_files.IMAGE_SUFFIXES))
            raise FormatError(root, "", f"holds no image ({suffixes}). Name the images' folder (--images DIR).")
        self._hint = "" if source.images is None else _relative(source.images.resolve(), root)
        self._gatherer = Gatherer(root)
        self._gatherer.list_links(listing.skipped)
        self._images = KnownFiles(self._gatherer.storable(listing.names))
        self._rows: dict[str, _ImageRows] = {}

    def read(self, report: Report, should_stop: ShouldStop) -> Imported:
        for number, (split, path, data) in enumerate(self._tables):
            check(should_stop)
            report(Progress(f"Reading {path.name}", number, len(self._tables)))
            self._read_table(split, path, data, should_stop)
        if not self._rows:
            path = self._tables[0][1]
            raise FormatError(
                path, "", f"none of its images is in {self._gatherer.root}. Name their folder (--images)."
            )
        categories = self._categories()
        ids = {category.name: category.id for category in categories}
        names = self._images.names
        for number, image in enumerate(names):
            if number % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress("Reading image headers", number, len(names)))
            self._add(image, ids)
        message = "labels of this project are not written back to this file."
        action = "They are kept in the project; export it as csv to get a new table."
        self._list(self._tables[0][1], Fault("", "not-linked", message, action, "note"))
        report(Progress("Reading image headers", len(names), len(names)))
        return self._gatherer.result(categories)

    def _read_table(self, split: str, path: Path, data: bytes, should_stop: ShouldStop) -> None:
        table = read_table(data, path)
        folder = _relative(path.parent, self._gatherer.root)
        unknown: dict[str, list[int]] = defaultdict(list)
        found: dict[str, str | None] = {}
        for count, (line, fields) in enumerate(table.rows):
            if count % 10_000 == 0:
                check(should_stop)
            row, faults = read_row(table, line, fields)
            self._gatherer.list_faults(path, faults)
            place = table.columns["filename"]
            name = row.image if row is not None else fields[place].strip() if place < len(fields) else ""
            if name and name not in found:
                found[name] = self._image_of(name, folder)
            image = found.get(name)
            if row is not None and image is None:
                unknown[name].append(line)
            elif image is not None:
                self._take(image, path, split, row)
        for name, lines in unknown.items():
            message = f"no image of the dataset is {shown(name)} ({len(lines)} rows)."
            action = "Its rows are left out; put the image back, or name the images' folder (--images DIR)."
            self._list(path, Fault(f"line {lines[0]}: filename", "missing-image", message, action))

    def _image_of(self, name: str, folder: str) -> str | None:
        """As named from the images' folder, from the table's, or from `images` beside it; else by its longest end."""
        for start in dict.fromkeys((self._hint, folder, posixpath.join(folder, "images"))):
            image = self._images.at(name, start)
            if image is not None:
                return image
        return self._images.below(name, folder)

    def _take(self, image: str, path: Path, split: str, row: BoxRow | None) -> None:
        rows = self._rows.get(image)
        if rows is None:
            rows = self._rows[image] = _ImageRows(path, split)
        elif rows.file != path and rows.split != split:
            message = f"{image} is in {rows.file.name} too, which is of the split {rows.split or 'none'!r}."
            where = "" if row is None else f"line {row.line}"
            fault = Fault(where, "double-split", message, "It stays in that split.", "warning")
            self._list(path, fault)
        if row is None:
            rows.bad = True
        elif row.xyxy is not None:
            rows.boxes.append(row)
        if row is not None and row.size is not None and rows.said is None:
            rows.said = (row.line, row.size)

    def _categories(self) -> tuple[Category, ...]:
        """In the order of the classes file, those it lacks behind; without one in the order of their names."""
        used = {row.name for rows in self._rows.values() for row in rows.boxes if row.name is not None}
        lacking = sorted(used - set(self._classes), key=paths.natural_key)
        if self._classes and lacking:
            message = f"{', '.join(map(shown, lacking[:3]))} is not in the list of classes."
            fault = Fault("", "unknown-class", message, "It is added to the project.", "warning")
            self._list(self._tables[0][1], fault)
        return make_categories([*dict.fromkeys(self._classes), *lacking])

    def _add(self, image: str, ids: Mapping[str, int]) -> None:
        info = self._gatherer.inspect(image)
        if info is None:
            return
        rows = self._rows.get(image)
        if rows is None:
            self._gatherer.add(image, info, ImageState.UNLABELLED, split_of_folders(image), (), None)
            return
        if rows.said is not None:
            line, said = rows.said
            self._gatherer.check_size(rows.file, f"line {line}: width", said, info)
        boxes = [
            self._gatherer.box(row.xyxy, ids[row.name], place=None)
            for row in rows.boxes
            if row.xyxy is not None and row.name is not None
        ]
        empty = ImageState.NEEDS_FIX if rows.bad else ImageState.CONFIRMED_EMPTY
        state = ImageState.LABELLED if boxes else empty
        self._gatherer.add(image, info, state, rows.split or split_of_folders(image), boxes, None)

    def _list(self, path: Path, fault: Fault) -> None:
        self._gatherer.problems.append(fault.in_file(path))


def _tables_of(source: Source) -> list[tuple[str, Path]]:
    """(split, absolute path) of each table, classes files included. Raises FormatError if there is none."""
    listed = list(source.files)
    if not listed and source.path.is_dir():
        try:
            listed = [("", path) for path in _first_tables(source.path)]
            listed = [(split, path) for split, path in listed if _is_table(path) or _is_classes(path)]
        except OSError as error:
            raise FormatError(source.path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
        if not listed:
            raise FormatError(source.path, "", "holds no CSV file with boxes. Name the file.")
    listed = listed or [("", source.path)]
    for _, path in listed:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise FormatError(path, "", f"{reason}. Name the CSV file that holds the boxes.")
    named = [(split, path.resolve()) for split, path in listed]
    known = {path for _, path in named}
    beside = [path for folder in dict.fromkeys(path.parent for path in known) for path in sorted(folder.glob("*.csv"))]
    return [*named, *(("", path) for path in beside if path not in known and _is_plain(path) and _is_classes(path))]


def _is_plain(path: Path) -> bool:
    """True for a file that lies where it is said to, and is no link to elsewhere."""
    return path.is_file() and not paths.is_link_out(path, path.parent)


def _first_tables(path: Path) -> list[Path]:
    """The CSV files of a folder and of the folders in it; the file itself."""
    if not path.is_dir():
        return [path] if path.suffix.lower() in CSV_SUFFIXES and path.is_file() else []
    children = sorted(path.iterdir())
    found = [child for child in children if child.suffix.lower() in CSV_SUFFIXES]
    for folder in [child for child in children if child.is_dir() and not child.is_symlink()][:100]:
        found += [child for child in sorted(folder.iterdir()) if child.suffix.lower() in CSV_SUFFIXES]
    root = path.resolve()
    return [file for file in found if file.is_file() and not paths.is_link_out(file, root)]


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        return looks_like_table(_whole_lines(file.read(_HEAD_BYTES)))


def _is_classes(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return read_classes(_whole_lines(file.read(_HEAD_BYTES)), path) is not None
    except (OSError, FormatError):
        return False


def _whole_lines(head: bytes) -> bytes:
    """Without the line, and the character, that the end of the head may have cut."""
    return head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1]


def _split_of(path: Path) -> str:
    """The split that a table's name, or else its folder's, speaks of; empty for none."""
    words = (*_WORDS.split(path.stem.casefold()), *_WORDS.split(path.parent.name.casefold()))
    return next((FOLDER_SPLITS[word] for word in words if word in FOLDER_SPLITS), "")


def _root_of(tables: Sequence[Path], images: Path | None) -> Path:
    """The folder named for the images, or the one that holds all tables."""
    if images is None:
        return Path(posixpath.commonpath([table.parent.as_posix() for table in tables]))
    if not images.is_dir():
        raise FormatError(images, "", "is not a folder. Name the folder that holds the images.")
    return images.resolve()


def _relative(folder: Path, root: Path) -> str:
    """The folder as a path below the root; "" for the root and for one outside it."""
    if not folder.is_relative_to(root):
        return ""
    text = folder.relative_to(root).as_posix()
    return "" if text == "." else text
