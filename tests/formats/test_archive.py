"""Zip archives are unpacked whole, or refused with the member named and nothing left behind."""

from __future__ import annotations

import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import Cancelled, FormatError
from rcnn_studio.domain.progress import Progress, ignore, never
from rcnn_studio.formats.archive import Limits, extract

Fill = Callable[[zipfile.ZipFile], None]


def pack(path: Path, fill: Fill, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        fill(archive)
    return path


def refused(tmp_path: Path, fill: Fill | Path, limits: Limits = Limits(), **options: int) -> str:  # noqa: B008
    """The message with which the archive is refused; nothing but the archive is there afterwards."""
    path = fill if isinstance(fill, Path) else pack(tmp_path / "x.zip", fill, **options)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FormatError) as caught:
        extract(path, tmp_path / "out", ignore, never, limits)
    assert sorted(tmp_path.iterdir()) == before
    assert caught.value.path == path
    return str(caught.value)


def test_files_and_folders_come_out_as_they_went_in(tmp_path: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("set/images/ä b.jpg", b"\x00\x01" * 1000)
        archive.writestr("set\\labels\\a.txt", "0 0.5 0.5 1 1\n")
        archive.writestr("set/empty/", "")
        archive.writestr("__MACOSX/set/._a.jpg", "junk")
        archive.writestr("set/.DS_Store", "junk")
        archive.writestr("set/zero.txt", "")

    said: list[Progress] = []
    extract(pack(tmp_path / "x.zip", fill), tmp_path / "out", said.append, never)
    found = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert found == {
        "set/images/ä b.jpg": b"\x00\x01" * 1000,
        "set/labels/a.txt": b"0 0.5 0.5 1 1\n",
        "set/zero.txt": b"",
    }
    assert said[-1].done == said[-1].total == 3
    assert not (tmp_path / "out" / "set" / "zero.txt").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "C:\\x",
        "C:x",
        "\\\\host\\share\\x",
        "..\\x",
        "a/\x07b",
        "x" * 1200,
        "a/" * 80 + "b",
    ],
)
def test_a_name_that_leads_out_or_is_none_is_refused(tmp_path: Path, name: str) -> None:
    message = refused(tmp_path, lambda z: z.writestr(name, "x"))
    assert "x.zip" in message
    assert "Unpack it yourself" in message
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (("a.txt", "a.txt"), "occurs twice"),
        (("a.txt", "A.TXT"), "one file on other systems"),
        (("é.txt", "e\u0301.txt"), "one file on other systems"),
        (("a", "a/b"), "a file and the folder"),
        (("A/b", "a/c", "a"), "a file and the folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_collide_are_refused(tmp_path: Path, names: tuple[str, ...], match: str) -> None:
    assert match in refused(tmp_path, lambda z: [z.writestr(name, "x") for name in names] and None)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("images")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc")
        archive.writestr("images/passwd", "x")

    assert "x.zip: images: is " in refused(tmp_path, fill)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", lambda z: z.writestr("a.txt", "x"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "a.txt: is encrypted" in refused(tmp_path, path)


def test_other_ways_of_packing_are_refused(tmp_path: Path) -> None:
    assert "deflate" in refused(tmp_path, lambda z: z.writestr("a.txt", "x" * 99), method=zipfile.ZIP_LZMA)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = b"\0" * (40 << 20)
    small = Limits(free_bytes=1 << 20)
    assert "from next to nothing" in refused(tmp_path, lambda z: z.writestr("a.bmp", bomb), small)

    def many(archive: zipfile.ZipFile) -> None:
        for number in range(40):
            archive.writestr(f"{number}.bmp", bomb[: 1 << 20])

    assert "from next to nothing" in refused(tmp_path, many, small)
    assert "MiB" in refused(tmp_path, lambda z: z.writestr("a.bmp", bomb), Limits(one_file=1 << 20))
    assert "unpacks to" in refused(tmp_path, lambda z: z.writestr("a.bmp", bomb), Limits(total=1 << 20, ratio=10**6))


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", lambda z: z.writestr("a.bin", bytes(range(256)) * 200), method=zipfile.ZIP_STORED)
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[start:end]
    directory = b"".join(entry.replace(b"a.bin", f"{n}.bin".encode()) for n in range(9))
    tail = data[end : end + 8] + struct.pack("<HHLLH", 9, 9, len(directory), start, 0)
    path.write_bytes(data[:start] + directory + tail)
    assert "share their bytes" in refused(tmp_path, path)


def test_a_size_that_lies_is_found_while_unpacking(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", lambda z: z.writestr("a.bin", bytes(range(256)) * 20))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 100)
    path.write_bytes(data)
    assert "a.bin: cannot be unpacked" in refused(tmp_path, path)


@pytest.mark.parametrize("count", [1_000_000])
def test_a_million_members_are_refused_at_once(tmp_path: Path, count: int) -> None:
    path = tmp_path / "x.zip"
    entry = b"PK\x01\x02" + struct.pack("<HHHHHHLLLHHHHHLL", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * count
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, len(directory), 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, len(directory), 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(directory + record + locator + end)
    started = time.perf_counter()
    assert "more than 500000 members" in refused(tmp_path, path)
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("cut", [0, 1, 10, 21, 60, 100])
def test_what_is_no_whole_archive_is_refused(tmp_path: Path, cut: int) -> None:
    path = pack(tmp_path / "x.zip", lambda z: z.writestr("a.txt", "x" * 100))
    path.write_bytes(path.read_bytes()[:cut])
    assert "Download it again" in refused(tmp_path, path)


def test_every_flipped_byte_gives_the_files_or_a_clear_refusal(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", lambda z: [z.writestr(f"{n}/a.txt", f"{n}" * 30) for n in range(2)] and None)
    data = path.read_bytes()
    refusals: list[FormatError] = []
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        try:
            extract(path, tmp_path / f"out{place}", ignore, never)
        except FormatError as error:
            refusals.append(error)
    assert all(error.path in (path, tmp_path) or "x.zip" in str(error) for error in refusals)
    assert len(list(tmp_path.glob("out*"))) == len(data) - len(refusals)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_an_archive_without_files_and_a_folder_that_is_there_are_refused(tmp_path: Path) -> None:
    assert "holds no file" in refused(tmp_path, lambda z: z.writestr("a/", ""))
    (tmp_path / "out").mkdir()
    path = pack(tmp_path / "y.zip", lambda z: z.writestr("a", ""))
    with pytest.raises(FormatError, match="is there already"):
        extract(path, tmp_path / "out", ignore, never)


def test_cancelled_halfway_nothing_is_left(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", lambda z: [z.writestr(f"{n}.txt", "x") for n in range(50)] and None)
    asked = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) > 30

    with pytest.raises(Cancelled):
        extract(path, tmp_path / "out", ignore, should_stop)
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]
