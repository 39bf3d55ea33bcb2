"""Sources for the rooms about files that answer from memory: bytes, versions, conflicts."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.workspace.files import ChangedFile, Changes, Scope, Version
from rcnn_studio.workspace.files_conflicts import Dispute, Keep

VOC = """<annotation verified="yes">
\t<folder>JPEGImages</folder>
\t<filename>{name}.jpg</filename>
\t<source>
\t\t<database>The plant's own</database>
\t</source>
\t<size>
\t\t<width>640</width>
\t\t<height>480</height>
\t\t<depth>3</depth>
\t</size>
{objects}</annotation>
"""
OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Left</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>{box[0]}</xmin>
\t\t\t<ymin>{box[1]}</ymin>
\t\t\t<xmax>{box[2]}</xmax>
\t\t\t<ymax>{box[3]}</ymax>
\t\t</bndbox>
\t</object>
"""


def voc(name: str, *objects: tuple[str, tuple[int, int, int, int]]) -> bytes:
    """A VOC file with these objects."""
    return VOC.format(name=name, objects="".join(OBJECT.format(name=n, box=b) for n, b in objects)).encode()


class FakeFiles:
    """A FileSource. pairs: path -> (before, after); written: those that are on disk already."""

    def __init__(self, pairs: dict[str, tuple[bytes | None, bytes | None]]) -> None:
        self.read_only = False
        self.pairs = pairs
        self.written: set[str] = set()
        self.failed: dict[str, str] = {}
        self.boxes: dict[str, int] = {}
        self.kept: dict[str, list[tuple[Version, bytes]]] = {}
        self.restored: list[tuple[str, int]] = []
        self.edits: dict[str, Edit] = {}
        self.refuse = ""
        self.more = 0
        self.looked: list[str] = []
        self.looked_on: set[str] = set()
        self.earlier: set[str] = set()
        self.new: set[str] = set()

    def changes(self, scope: Scope) -> Changes:
        files = []
        for path in self.pairs:
            if scope == "session" and path in self.earlier:
                continue
            kind = "failed" if path in self.failed else "written" if path in self.written else "waiting"
            files.append(ChangedFile(path=path, kind=kind, message=self.failed.get(path, ""), new=path in self.new))
        return Changes(files=tuple(files), more=self.more, scope=scope)

    def counted(self, changes: Changes, _should_stop: ShouldStop) -> Changes:
        if not self.boxes:
            return changes
        files = tuple(replace(file, boxes=self.boxes.get(file.path)) for file in changes.files)
        return replace(changes, files=files, boxes=sum(file.boxes or 0 for file in files))

    def both(self, path: str, _scope: Scope) -> tuple[bytes | None, bytes | None]:
        self.looked.append(path)
        self.looked_on.add(threading.current_thread().name)
        if path not in self.pairs:
            raise ProjectError(f"{path}: is not linked.")
        return self.pairs[path]

    def versions(self, path: str) -> tuple[Version, ...]:
        return tuple(version for version, _data in self.kept.get(path, []))

    def version(self, version: Version) -> bytes | None:
        return next(data for kept, data in self.kept[version.path] if kept == version)

    def on_disk(self, path: str) -> bytes | None:
        return self.pairs[path][1 if path in self.written else 0]

    def write_now(self, report: Report, _should_stop: ShouldStop) -> int:
        before = len(self.written)
        for number, path in enumerate(self.pairs):
            report(Progress("Writing files", number, len(self.pairs)))
            self.written.add(path)
        return len(self.written) - before

    def edit_back(self, path: str, _scope: Scope) -> Edit | None:
        return self.edits.get(path)

    def restore(self, version: Version) -> Collection[int]:
        if self.refuse:
            raise ProjectError(self.refuse)
        self.restored.append((version.path, version.id))
        return (7,)


class FakeConflicts:
    """A ConflictSource. pairs: path -> (theirs, mine)."""

    def __init__(self, pairs: dict[str, tuple[bytes | None, bytes | None]]) -> None:
        self.backups_folder = Path("/data/plant/project/backups")
        self.pairs = pairs
        self.refused: dict[str, str] = {}
        self.settled: list[tuple[str, Keep]] = []

    def disputes(self) -> tuple[Dispute, ...]:
        return tuple(
            Dispute(path=path, message=f"{path}: was changed by another program since it was imported.")
            for path in tuple(self.pairs)  # a job may settle one meanwhile
        )

    def theirs_and_mine(self, path: str) -> tuple[bytes | None, bytes | None]:
        pair = self.pairs.get(path)
        if pair is None:
            raise ProjectError(f"{path}: is not in conflict.")
        return pair

    def settle(self, path: str, keep: Keep) -> tuple[int, ...]:
        if path in self.refused:
            raise ProjectError(self.refused[path])
        self.settled.append((path, keep))
        del self.pairs[path]
        return (3,) if keep == "theirs" else ()
