"""Zip archives of datasets, unpacked by an extractor of our own that trusts nothing in them.

Only regular files are written, each inside the target folder, and only as much as the archive's size makes credible; an
archive with anything else in it is refused as a whole, and nothing of it stays behind. Knows no dataset format.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import paths

ZIP_SUFFIX = ".zip"

_CHUNK = 1 << 20
_MAX_NAME = 1000
_MAX_PART_BYTES = 255
_MAX_DEPTH = 64
_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_JUNK_FOLDER = "__macosx"
_JUNK_FILES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _LOCATOR_SIZE, _ENTRY_SIZE = 22, 56, 20, 46
_MAX_COMMENT = 1 << 16
_BY_ITSELF = "Unpack it yourself, look at what is in it, and open the folder."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """members: how many; one_file, total: bytes unpacked; ratio: unpacked to packed, beyond `free_bytes` unpacked."""

    members: int = 500_000
    one_file: int = 8 << 30
    total: int = 200 << 30
    ratio: int = 250
    free_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class _Member:
    info: zipfile.ZipInfo
    name: str


def is_zip(path: Path) -> bool:
    """True for a file that is called .zip."""
    return path.suffix.lower() == ZIP_SUFFIX and path.is_file()


def extract(archive: Path, folder: Path, report: Report, should_stop: ShouldStop, limits: Limits = Limits()) -> None:
    """Unpacks the archive into `folder`, which must not exist; it appears whole or not at all.

    Raises FormatError naming the archive and the member that is refused, Cancelled.
    """
    if folder.exists() or folder.is_symlink():
        raise FormatError(folder, "", f"is there already. Remove it, or unpack {archive.name} elsewhere.")
    temp = folder.with_name(f".rcnn-{secrets.token_hex(4)}")
    try:
        with archive.open("rb") as file:
            _check_directory(file, archive, limits)
            with zipfile.ZipFile(file) as opened:
                members = _checked(opened.infolist(), archive, limits)
                _check_space(archive, folder.parent, members)
                temp.mkdir()
                _write_all(opened, members, archive, temp, report, should_stop)
        os.rename(temp, folder)
    except FormatError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError) as error:
        raise FormatError(archive, "", f"is no sound zip archive ({error}). Download it again.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(archive, "", f"cannot be unpacked ({reason}). Check free space and permissions.") from error
    finally:
        shutil.rmtree(temp, ignore_errors=True)


# --- before anything is written -------------------------------------------------------------------------


def _check_directory(file: BinaryIO, archive: Path, limits: Limits) -> None:
    """Counts the members in the raw directory, because reading it properly takes memory for each of them."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_SIZE - _MAX_COMMENT)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise FormatError(archive, "", "is no zip archive, or its end is missing. Download it again.")
    end = start + at
    length = struct.unpack_from("<L", tail, at + 12)[0]
    locator = tail[at - _LOCATOR_SIZE : at] if at >= _LOCATOR_SIZE else b""
    if locator.startswith(_LOCATOR64):
        end -= _LOCATOR_SIZE + _END64_SIZE
        file.seek(max(0, end))
        record = file.read(_END64_SIZE)
        if not record.startswith(_END64) or len(record) < _END64_SIZE:
            raise FormatError(archive, "", "has a damaged directory. Download it again.")
        length = struct.unpack_from("<Q", record, 40)[0]
    if length > end:
        raise FormatError(archive, "", "has a damaged directory. Download it again.")
    if length > limits.members * (_ENTRY_SIZE + _MAX_NAME):
        raise FormatError(archive, "", f"has a directory of {length >> 20} MiB, which no dataset has. {_BY_ITSELF}")
    if _count_members(file, end - length, length, limits.members) > limits.members:
        raise FormatError(archive, "", f"has more than {limits.members} members. {_BY_ITSELF}")
    file.seek(0)


def _count_members(file: BinaryIO, start: int, length: int, limit: int) -> int:
    """Entries in the directory, as far as the limit."""
    file.seek(start)
    directory = file.read(length)
    count = position = 0
    while position + _ENTRY_SIZE <= len(directory) and count <= limit:
        name, extra, comment = struct.unpack_from("<HHH", directory, position + 28)
        position += _ENTRY_SIZE + name + extra + comment
        count += 1
    return count


def _checked(infos: Sequence[zipfile.ZipInfo], archive: Path, limits: Limits) -> list[_Member]:
    """The members to be written. Raises FormatError for the first that is not to be trusted."""
    if len(infos) > limits.members:
        raise FormatError(archive, "", f"has more than {limits.members} members. {_BY_ITSELF}")
    members: list[_Member] = []
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for info in infos:
        name = _clean_name(info, archive)
        if info.is_dir() or _is_junk(name):
            continue
        _check_member(info, archive, limits)
        key = _key(name)
        if key in taken:
            other = taken[key]
            said = "occurs twice" if other == name else f"and {other!r} are one file on other systems"
            raise FormatError(archive, name, f"{said}. {_BY_ITSELF}")
        taken[key] = name
        while "/" in key:
            key = key.rpartition("/")[0]
            if folders.setdefault(key, name) != name:
                break
        members.append(_Member(info, name))
    for key, name in taken.items():
        if key in folders:
            raise FormatError(archive, name, f"is a file and the folder of {folders[key]!r}. {_BY_ITSELF}")
    _check_sizes(members, archive, limits)
    return members


def _clean_name(info: zipfile.ZipInfo, archive: Path) -> str:
    try:
        if info.filename.endswith(("/", "\\")) and info.filename.strip("/\\") == "":
            raise FormatError(archive, "", "is absolute.")
        name = paths.clean_relative(archive, info.filename)
    except FormatError as error:
        raise FormatError(
            archive, _shown(info), f"is no name inside the archive: {error.reason} {_BY_ITSELF}"
        ) from error
    parts = name.split("/")
    if (
        not paths.is_storable(name)
        or len(name) > _MAX_NAME
        or len(parts) > _MAX_DEPTH
        or any(len(part.encode()) > _MAX_PART_BYTES for part in parts)
    ):
        raise FormatError(archive, _shown(info), f"is too long a name, or no text. {_BY_ITSELF}")
    if os.name == "nt" and ":" in name:
        raise FormatError(archive, _shown(info), f"is no name that Windows can write. {_BY_ITSELF}")
    return name


def _check_member(info: zipfile.ZipInfo, archive: Path, limits: Limits) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    where = _shown(info)
    if kind not in (0, stat.S_IFREG):
        what = "a link" if kind == stat.S_IFLNK else "no regular file"
        raise FormatError(archive, where, f"is {what}. {_BY_ITSELF}")
    if info.flag_bits & _ENCRYPTED:
        raise FormatError(archive, where, f"is encrypted. {_BY_ITSELF}")
    if info.compress_type not in _METHODS:
        raise FormatError(archive, where, "is packed in a way that is not read here. Pack it as plain zip (deflate).")
    if info.file_size > limits.one_file:
        raise FormatError(archive, where, f"unpacks to {info.file_size >> 20} MiB. {_BY_ITSELF}")
    if info.file_size > limits.free_bytes and info.file_size > info.compress_size * limits.ratio:
        raise FormatError(archive, where, f"unpacks to {info.file_size >> 20} MiB from next to nothing. {_BY_ITSELF}")


def _check_sizes(members: Sequence[_Member], archive: Path, limits: Limits) -> None:
    size = archive.stat().st_size
    packed = sum(member.info.compress_size for member in members)
    total = sum(member.info.file_size for member in members)
    if packed > size:
        raise FormatError(archive, "", f"has members that share their bytes. {_BY_ITSELF}")
    if total > limits.total:
        raise FormatError(archive, "", f"unpacks to {total >> 30} GiB. {_BY_ITSELF}")
    if total > limits.free_bytes and total > size * limits.ratio:
        raise FormatError(archive, "", f"unpacks to {total >> 20} MiB from next to nothing. {_BY_ITSELF}")
    if not members:
        raise FormatError(archive, "", "holds no file. Choose another archive.")


def _check_space(archive: Path, folder: Path, members: Sequence[_Member]) -> None:
    needed, free = sum(member.info.file_size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        text = f"unpacks to {needed >> 20} MiB, but {folder} has {free >> 20} MiB free. Make room there."
        raise FormatError(archive, "", text)


# --- writing ---------------------------------------------------------------------------------------------


def _write_all(
    opened: zipfile.ZipFile,
    members: Sequence[_Member],
    archive: Path,
    temp: Path,
    report: Report,
    should_stop: ShouldStop,
) -> None:
    root = temp.resolve()
    made: set[Path] = set()
    for number, member in enumerate(members):
        check(should_stop)
        if number % 100 == 0:
            report(Progress(f"Unpacking {archive.name}", number, len(members)))
        target = root / member.name
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        try:
            with opened.open(member.info) as packed, target.open("xb") as file:
                _copy(packed, file, member, archive, should_stop)  # type: ignore[arg-type]
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise FormatError(archive, member.name, f"cannot be unpacked ({error}). Download it again.") from error
    report(Progress(f"Unpacking {archive.name}", len(members), len(members)))


def _copy(packed: BinaryIO, file: BinaryIO, member: _Member, archive: Path, should_stop: ShouldStop) -> None:
    left = member.info.file_size
    while chunk := packed.read(_CHUNK):
        check(should_stop)
        left -= len(chunk)
        if left < 0:
            raise FormatError(archive, member.name, f"is larger than the archive says. {_BY_ITSELF}")
        file.write(chunk)
    if left:
        raise FormatError(archive, member.name, "is cut off. Download the archive again.")


def _key(name: str) -> str:
    """Names with one key may be one file on a system that tells neither case nor accents' spelling apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_junk(name: str) -> bool:
    """What macOS and Windows put beside the files: never part of a dataset."""
    folded = name.casefold()
    return folded.startswith(f"{_JUNK_FOLDER}/") or folded.rpartition("/")[2] in _JUNK_FILES


def _shown(info: zipfile.ZipInfo) -> str:
    text = ascii(info.filename)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."
