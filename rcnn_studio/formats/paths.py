"""Paths below a root: listed, compared, and held inside it where they come out of dataset files.

Reads no file content.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from rcnn_studio.domain.errors import FormatError

PROJECT_MARK = "project.rcnn"

_DRIVE = re.compile(r"[A-Za-z]:")
_DIGITS = re.compile(r"(\d+)")


def clean_relative(root: Path, name: str) -> str:
    """The name as a relative path with forward slashes, without "." parts. Touches no disk.

    Backslashes count as separators, as Windows tools write them. Raises FormatError for a name that is empty,
    absolute, has a drive, a "..", or a character no path can hold.
    """
    parts = name.replace("\\", "/").split("/")
    if not name.strip() or any(ord(c) < 32 for c in name):
        raise FormatError(root, "", f"{name!r} is not a usable file name. Correct it in the dataset file.")
    if parts[0] == "" or _DRIVE.match(name):
        raise FormatError(root, "", f"{name!r} is absolute. Write it relative to the images' folder.")
    if ".." in parts:
        raise FormatError(root, "", f"{name!r} points out of its folder. Write it without '..'.")
    kept = [part for part in parts if part not in ("", ".")]
    if not kept:
        raise FormatError(root, "", f"{name!r} is not a usable file name. Correct it in the dataset file.")
    return "/".join(kept)


def resolve_inside(root: Path, name: str) -> Path:
    """The absolute path of `name` below root, links followed; it need not exist.

    Raises FormatError for what clean_relative refuses and for a link that leads out of root.
    """
    base = root.resolve()
    try:
        path = (base / clean_relative(root, name)).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise FormatError(root, "", f"{name!r} cannot be followed ({error}). Remove the link or rename it.") from error
    if not path.is_relative_to(base):
        raise FormatError(root, "", f"{name!r} is a link that leads out of the folder. Copy the file into it.")
    return path


def natural_key(text: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """Sort key under which "a2" comes before "a10"; ties are broken by the text itself."""
    parts = _DIGITS.split(text.casefold())
    return tuple((int(part), part) if i % 2 else part for i, part in enumerate(parts)), text


def is_storable(name: str) -> bool:
    """False for a file name that is not valid UTF-8 on disk: no database and no JSON can hold it."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def list_files(folder: Path, suffixes: Collection[str]) -> list[str]:
    """Relative paths, with forward slashes, of the folder's files with these suffixes, in natural order.

    Suffixes in lower case, with dot. Hidden files and folders are left out, and so are projects of this program
    (their runs hold pictures); links are not followed out of the folder. Raises FormatError if the folder is missing
    or cannot be read.
    """
    if not folder.is_dir():
        raise FormatError(folder, "", "is not a folder. Check the path.")
    root = folder.resolve()
    found: list[str] = []
    for parent, folders, names in os.walk(root, onerror=_raise_unreadable):
        if PROJECT_MARK in names and Path(parent) != root:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        prefix = Path(parent).relative_to(root).as_posix()
        for name in names:
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in suffixes:
                continue
            if is_link_out(Path(parent, name), root):
                continue
            found.append(name if prefix == "." else f"{prefix}/{name}")
    return sorted(found, key=natural_key)


def is_link_out(path: Path, root: Path) -> bool:
    """True for a link whose target is not inside root (a resolved folder)."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return True


def _raise_unreadable(error: OSError) -> None:
    raise FormatError(error.filename, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
