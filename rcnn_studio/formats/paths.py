"""Paths below a root: listed, compared, and held inside it where they come out of dataset files.

Reads no file content.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rcnn_studio.domain.errors import FormatError

PROJECT_MARK = "project.rcnn"

_DRIVE = re.compile(r"[A-Za-z]:")
_DIGITS = re.compile(r"[0-9]+")


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


def natural_key(text: str) -> str:
    """Sort key under which "a2" comes before "a10"; ties are broken by the text itself.

    Digits are compared by the length of their number first: a name may have more of them than Python makes a number
    of. One string, because the parts of a hundred thousand keys would take more memory than all else of an import.
    """
    return f"{_DIGITS.sub(_sorted_by_length, text.casefold())}\0\0{text}"


def _sorted_by_length(match: re.Match[str]) -> str:
    digits = match.group()
    value = digits.lstrip("0")
    return f"\0{chr(min(1 + len(value), sys.maxunicode))}{value}{digits}\0"  # \0: before all that a name can hold


def is_storable(name: str) -> bool:
    """False for a file name that is not valid UTF-8 on disk: no database and no JSON can hold it."""
    if name.isascii():
        return True
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Listing:
    """names: relative paths in natural order. skipped: what is not opened: links out, linked folders, pipes."""

    names: list[str]
    skipped: list[str]


def list_files(folder: Path, suffixes: Collection[str]) -> list[str]:
    """The names of `scan`."""
    return scan(folder, suffixes).names


def scan(folder: Path, suffixes: Collection[str]) -> Listing:
    """Relative paths, with forward slashes, of the folder's files with these suffixes, in natural order.

    Suffixes in lower case, with dot. Hidden files and folders are left out, and so are projects of this program
    (their runs hold pictures). A link to a file inside the folder is followed; links out of it, broken ones and
    links to folders are not, and what is no plain file (a pipe) is not opened. Raises FormatError if the folder is
    missing or cannot be read.
    """
    if not folder.is_dir():
        raise FormatError(folder, "", "is not a folder. Check the path.")
    root = folder.resolve()
    listing = Listing([], [])
    waiting = [("", str(root))]
    while waiting:
        prefix, place = waiting.pop()
        waiting += _scan_folder(place, prefix, root, suffixes, listing)
    listing.names.sort(key=natural_key)
    listing.skipped.sort(key=natural_key)
    return listing


def _scan_folder(
    place: str, prefix: str, root: Path, suffixes: Collection[str], listing: Listing
) -> list[tuple[str, str]]:
    """Adds what one folder holds. -> its sub-folders, as (prefix, path)"""
    folders: list[tuple[str, str]] = []
    here = Listing([], [])
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if prefix and entry.name == PROJECT_MARK:
                    return []
                if not entry.name.startswith("."):
                    _sort_entry(entry, prefix, root, suffixes, here, folders)
    except OSError as error:
        _raise_unreadable(error)
    listing.names.extend(here.names)
    listing.skipped.extend(here.skipped)
    return folders


def _sort_entry(
    entry: os.DirEntry[str],
    prefix: str,
    root: Path,
    suffixes: Collection[str],
    listing: Listing,
    folders: list[tuple[str, str]],
) -> None:
    """Adds one entry of a folder to what it is."""
    name = entry.name
    dot = name.rfind(".")
    wanted = dot > 0 and name[dot:].lower() in suffixes
    if entry.is_symlink():
        if wanted and entry.is_file() and not is_link_out(Path(entry.path), root):
            listing.names.append(prefix + name)
        elif wanted or entry.is_dir():
            listing.skipped.append(prefix + name)
    elif entry.is_dir():
        folders.append((f"{prefix}{name}/", entry.path))
    elif wanted:
        (listing.names if entry.is_file() else listing.skipped).append(prefix + name)


def below(folder: str, name: str) -> str:
    """The path of a listed name, as this system writes it; quicker than pathlib, for a hundred thousand of them."""
    return f"{folder}{os.sep}{name if os.sep == '/' else name.replace('/', os.sep)}"


def is_link_out(path: Path, root: Path) -> bool:
    """True for a link whose target is not inside root (a resolved folder)."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return True


def _raise_unreadable(error: OSError) -> NoReturn:
    raise FormatError(error.filename, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
