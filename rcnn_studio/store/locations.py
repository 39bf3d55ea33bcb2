"""How folders and files are written down so that a project copied together with its data still opens.

Reads and writes no files.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from rcnn_studio.domain.errors import ProjectError


def to_stored(path: str | Path, project: Path) -> tuple[str, bool]:
    """(text, relative): relative to the project folder for what lies in it or below its parent, else absolute."""
    target = Path(os.path.abspath(path))
    for place, home in ((target, Path(os.path.abspath(project))), (target.resolve(), project.resolve())):
        if place.is_relative_to(home.parent) and home.parent != Path(home.anchor):
            return Path(os.path.relpath(place, home)).as_posix(), True
    return str(target), False


class StoredPaths:
    """to_stored for a hundred thousand files of a few folders: each folder is looked up once."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._folders: dict[str, tuple[str, bool]] = {}

    def of(self, path: str) -> tuple[str, bool]:
        """What to_stored says of this path of a file, which must be absolute and without dots."""
        if os.path.islink(path):
            return to_stored(path, self._project)
        folder, name = os.path.split(path)
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = to_stored(folder, self._project)
        text, relative = known
        if not relative:
            return os.path.join(text, name), False
        return name if text == "." else f"{text}/{name}", True


def from_stored(text: str, relative: bool, project: Path) -> Path:
    """The absolute path of what to_stored wrote. Raises ProjectError for a relative path that leaves the project's
    parent folder, which only a crafted project has."""
    if not relative:
        return Path(text)
    parts = PurePosixPath(text).parts
    if ".." in parts[1:] or PurePosixPath(text).is_absolute() or ("\\" in text and os.sep == "\\"):
        raise ProjectError(f"{project}: the linked path {text!r} leads out of the project's surroundings; refused.")
    home = Path(os.path.abspath(project))
    return home.parent.joinpath(*parts[1:]) if parts and parts[0] == ".." else home.joinpath(*parts)
