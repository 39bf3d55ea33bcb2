"""What is fuzzed of zip archives: `python -m tests.fuzz.run zip`."""

from __future__ import annotations

import io
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats.archive import Limits, extract
from tests.fuzz.run import Target

_MEMORY = Path("/dev/shm")  # a disk would be most of the time
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-zip-", dir=_MEMORY if _MEMORY.is_dir() else None)
LIMITS = Limits(members=50, one_file=1 << 20, total=2 << 20, free_bytes=1 << 16)


def _packed(method: int, names: tuple[str, ...]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name in names:
            archive.writestr(name, f"{name}\n" * 9)
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFREG | 0o644) << 16
        archive.writestr(link, "/etc/passwd")
    return made.getvalue()


SEEDS = (
    _packed(zipfile.ZIP_DEFLATED, ("a.txt", "b/c.txt", "ä/d.txt")),
    _packed(zipfile.ZIP_STORED, ("a.txt",)),
    _packed(zipfile.ZIP_STORED, ()),
)
TOKENS = (
    *(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"../", b"/", b"\\"),
    *(b"\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x08\x00", b"\x0e\x00", b"\x63\x00", b"a.txt", b"A.TXT"),
    *(b"\xed\xa1", b"\xff\xa1", b"\x01\x00\x18\x00", b"\x01\x99\x07\x00"),
)


def unpack(data: bytes) -> None:
    """What comes out are regular files in their folder, within the limits; a refusal leaves nothing."""
    place = Path(_FOLDER.name)
    (place / "x.zip").write_bytes(data)
    try:
        extract(place / "x.zip", place / "out", ignore, never, LIMITS)
    except BaseException:
        assert [path.name for path in place.iterdir()] == ["x.zip"]
        raise
    found = [path for path in (place / "out").rglob("*") if not path.is_dir()]
    assert sorted(path.name for path in place.iterdir()) == ["out", "x.zip"]
    assert 0 < len(found) <= LIMITS.members
    assert all(stat.S_ISREG(path.lstat().st_mode) for path in found)
    assert sum(path.stat().st_size for path in found) <= LIMITS.total
    shutil.rmtree(place / "out")


TARGETS = (Target(name="zip unpack", call=unpack, seeds=SEEDS, tokens=TOKENS),)
