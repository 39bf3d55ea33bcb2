"""Hears what the children of a campaign say, looks at what they left, and raises a Fault where the promise is broken.

Starts and kills nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.crash import files, workspaces
from tests.crash.files import Shown
from tests.crash.labels import Fault, from_dump
from tests.crash.workspaces import Workspace


@dataclass(slots=True)
class Tally:
    """What a campaign has done and found."""

    kills: int = 0
    kills_while_opening: int = 0
    edits: int = 0
    acknowledged: int = 0
    reopened: int = 0
    closed: int = 0
    files_parsed: int = 0
    databases_checked: int = 0
    lost: int = 0
    unreadable: int = 0
    file: int = 0
    conflict: int = 0
    crash: int = 0
    stuck: int = 0

    def add(self, other: Tally) -> None:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    def count(self, fault: Fault) -> None:
        setattr(self, fault.kind, getattr(self, fault.kind) + 1)

    @property
    def faults(self) -> int:
        return self.lost + self.unreadable + self.file + self.conflict + self.crash + self.stuck


class Witness:
    """What is known of one workspace. Every method raises Fault."""

    def __init__(self, workspace: Workspace, tally: Tally) -> None:
        self._w, self._tally = workspace, tally
        self._seen: dict[int, Shown | None] = {}

    def hear(self, message: dict[str, Any]) -> None:
        """One message of a child (see editor)."""
        expected = self._w.expected
        if "plan" in message:
            expected.announce(message)
            self._tally.edits += 1
        elif "ack" in message:
            expected.acknowledge(message["ack"])
            self._tally.acknowledged += 1
        elif "dump" in message:
            self._reopened(message["dump"])
        elif "failed" in message:
            raise Fault("crash", f"an edit was refused: {message['error']}")
        elif "written" in message:
            self._written(message["written"])
        elif "closed" in message:
            self._tally.closed += 1
            expected.files_are_current()
            self.look_at_files()
            self._look_for_temps()

    def look_at_files(self) -> None:
        """Every file is whole and shows a version that it may show."""
        self._seen = dict(files.look(self._w.layout))
        self._tally.files_parsed += sum(shown is not None for shown in self._seen.values())
        files.check_versions(self._w.layout, self._seen, self._w.expected.versions())

    def check_database(self) -> None:
        """The database as plain SQL sees it, without being opened by the store."""
        self._w.expected.match(workspaces.read_raw(self._w.project))
        self._tally.databases_checked += 1

    def _reopened(self, dump: dict[str, Any]) -> None:
        expected = self._w.expected
        if dump["read_only"]:
            raise Fault("stuck", "the project came up read-only")
        if dump["conflicts"]:
            raise Fault("conflict", "; ".join(dump["conflicts"]))
        number = expected.match(from_dump(dump))
        if self._seen:  # a file must not be ahead of the database
            files.check_versions(self._w.layout, self._seen, expected.versions(upto=number))
            self._seen = {}
        expected.settle(number)
        self._tally.reopened += 1

    def _written(self, written: dict[str, Any]) -> None:
        if written["conflicts"]:
            raise Fault("conflict", "; ".join(written["conflicts"]))
        if written["errors"] or written["pending"]:
            raise Fault("stuck", f"files stay unwritten: {written}")

    def _look_for_temps(self) -> None:
        names = sorted(path.name for path in self._w.layout.data.rglob("*.tmp"))
        left = [name for name in names if not _is_alive(int(name.split("-")[1]))]
        if left:
            raise Fault("file", f"temporary files are left: {left}")


def _is_alive(pid: int) -> bool:
    """A dead child's number may have been given to another process: then its files have to stay."""
    return Path(f"/proc/{pid}").exists()
