"""Files of a dataset by the names that its lists, tables and labels give them. Never touches the disk.

A name is only ever compared with those of the files that are there, so no text in a file can lead out of its folder.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable


class KnownFiles:
    """The files below one root, by relative path, by unique base name and by unique stem."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._known = set(self.names)
        self._by_base: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            self._by_base[name.rpartition("/")[2]].append(name)
            self._by_stem[stem_of(name)].append(name)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def at(self, name: str, folder: str = "") -> str | None:
        """The file of exactly this path, read from `folder` (relative to the root); None for none, or outside."""
        path = normal(name, folder)
        return path if path is not None and path in self._known else None

    def below(self, name: str, folder: str = "") -> str | None:
        """As `at`, or else by the longest end of the path that is known, as in a path of another machine.

        A bare base name counts only if a single file has it.
        """
        exact = self.at(name, folder)
        if exact is not None:
            return exact
        parts = [part for part in split(name) if part not in ("", ".")]
        while parts and parts[0] == "..":
            del parts[0]
        if ".." in parts:
            return None
        for start in range(len(parts) - 1):
            tail = "/".join(parts[start:])
            for candidate in (tail, f"{folder}/{tail}"):
                if candidate in self._known:
                    return candidate
        return self.unique(parts[-1]) if parts else None

    def unique(self, base: str) -> str | None:
        """The one file of this base name; None if there is none or there are several."""
        found = self._by_base.get(base, ())
        return found[0] if len(found) == 1 else None

    def of_stem(self, stem: str) -> list[str]:
        """Files whose path without suffix is this one."""
        return list(self._by_stem.get(stem, ()))


def split(name: str) -> list[str]:
    """The parts of a path, backslashes counting as separators, as Windows tools write them."""
    return name.replace("\\", "/").split("/")


def normal(name: str, folder: str = "") -> str | None:
    """The path relative to the root, "." and ".." worked out, "" for the root itself; None if it is absolute, leads
    out of the root, or is no name."""
    text = name.replace("\\", "/").strip()
    if not text or text.startswith("/") or "\0" in text:
        return None
    path = posixpath.normpath(posixpath.join(folder, text))
    if path == ".":
        return ""
    return None if path == ".." or path.startswith(("../", "/")) else path


def stem_of(name: str) -> str:
    """The path without its suffix."""
    folder, slash, base = name.rpartition("/")
    stem, dot, _ = base.rpartition(".")
    return f"{folder}{slash}{stem if dot else base}"
