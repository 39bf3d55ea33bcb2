"""What the system beneath a folder can promise: local or network drive, writable or not, what its calls make durable.

Decides nothing about a project; the parsers are pure and take the system's tables as text.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from rcnn_studio.formats.atomic import temp_name

_log = logging.getLogger(__name__)

Durability = Literal["full", "weaker"]

# What Linux, macOS and FUSE call file systems whose other end is another computer, or that are known to
# have neither reliable locks nor shared memory. autofs is left out: it is what stands there before the mount.
NETWORK_TYPES = frozenset(
    {
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fuse.ceph", "fuse.davfs2",
        "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "orangefs", "prl_fs", "smb2", "smb3", "smbfs",
        "vboxsf", "vmhgfs", "webdav",
    }
)  # fmt: skip
_DRIVE_REMOTE = 4
_MAY_NOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)
_OCTAL = re.compile(r"\\([0-7]{3})")
_MAC_LINE = re.compile(r"^.+? on (?P<point>.+) \((?P<type>[^,)]+)[^)]*\)$")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, and of which type."""

    point: str
    kind: str


def parse_proc_mounts(text: str) -> list[Mount]:
    """The lines of Linux's /proc/mounts; blanks and the like stand there as octal numbers (proc(5), fstab(5))."""
    rows = (line.split(" ") for line in text.splitlines())
    return [Mount(_unescaped(row[1]), row[2]) for row in rows if len(row) >= 3]


def parse_mac_mounts(text: str) -> list[Mount]:
    """What macOS's `mount` prints: `//u@host/share on /Volumes/share (smbfs, nodev, ...)`."""
    found = (_MAC_LINE.match(line) for line in text.splitlines())
    return [Mount(match["point"], match["type"].strip()) for match in found if match]


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The file system that an absolute path lies on: the deepest mount point above it, the last of equal ones."""
    best: Mount | None = None
    for mount in mounts:
        point = mount.point.rstrip("/")
        if (path == point or path.startswith(point + "/")) and (
            best is None or len(point) >= len(best.point.rstrip("/"))
        ):
            best = mount
    return best


def is_network_type(kind: str) -> bool:
    """True for the name of a network file system."""
    return kind.casefold() in NETWORK_TYPES


def is_network(folder: Path) -> bool:
    """True if the folder is known to lie on a network drive; False where the system does not tell."""
    try:
        resolved = folder.resolve()
    except (OSError, RuntimeError):
        return False
    if sys.platform == "win32":
        return _is_network_on_windows(str(resolved))
    mount = mount_of(str(resolved), _mounts())
    return mount is not None and is_network_type(mount.kind)


def _is_network_on_windows(path: str) -> bool:
    if path.startswith("\\\\") and not path.startswith(("\\\\?\\", "\\\\.\\")):
        return True
    import ctypes

    drive = os.path.splitdrive(path)[0] + "\\"
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent from the stubs elsewhere
    return int(kernel.GetDriveTypeW(drive)) == _DRIVE_REMOTE


def _mounts() -> list[Mount]:
    if sys.platform == "darwin":
        return parse_mac_mounts(_mac_mount_output())
    try:
        return parse_proc_mounts(Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return []


@functools.lru_cache(maxsize=1)
def _mac_mount_output() -> str:
    try:
        return subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def is_writable(folder: Path) -> bool:
    """False if no file can be made in the folder: tried, because permission bits know nothing of read-only mounts.

    Any other trouble (a full disk, too many open files, a drive that fails for a moment) says nothing about that:
    whoever writes there will name it.
    """
    probe = folder / temp_name()
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return error.errno not in _MAY_NOT_WRITE
    os.close(descriptor)
    try:
        probe.unlink()
    except OSError as error:
        _log.info("%s: could not be removed: %s", probe, error)
    return True


def state_folders() -> Path:
    """Where the databases of all projects live whose own folder is on a network drive or cannot be written: in the
    user's state folder; the variable RCNN_STUDIO_HOME overrides the system's choice."""
    override = os.environ.get("RCNN_STUDIO_HOME")
    base = Path(override) / "state" if override else Path(platformdirs.user_state_dir("rcnn-studio", appauthor=False))
    return base / "projects"


def state_folder(project_id: str) -> Path:
    """That of one project. Raises ValueError for an id that is no plain name."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", project_id):
        raise ValueError(f"{project_id!r} is no project id")
    return state_folders() / project_id


def promise(platform: str = sys.platform) -> str:
    """What a finished save means on this system, in words for the window and the doctor."""
    if platform == "win32":
        return (
            "Every edit is flushed to the drive before it is called saved. Windows has no way to flush a folder; NTFS "
            "keeps renames in its own journal. Files that a virus scanner or indexer holds are tried again for a while."
        )
    if platform == "darwin":
        return (
            "Every edit is flushed to the drive before it is called saved, with F_FULLFSYNC, which also empties the "
            "drive's own cache. Network volumes and some external drives refuse that; there a plain flush is used."
        )
    return (
        "Every edit is flushed to the drive before it is called saved, and so is the folder of each file that is "
        "replaced. A drive that reports a flush it has not done can still lose the last moments at a power cut."
    )


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
