"""Names that a hostile dataset gives its files, and a watch over what is opened while they are read.

`hostile_names(secret)` are texts for a field of a file (COCO file_name, VOC filename, a line of a list, a zip member);
`HOSTILE_ON_DISK` are names that files can really bear. `opens_outside(root)` collects every file that is opened,
listed, made, moved or removed outside the folders it is given.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

_FIXED = (
    # absolute, POSIX
    "/etc/passwd",
    "/etc/shadow",
    "//etc/passwd",
    "///etc/passwd",
    "/",
    "//",
    "/dev/zero",
    "/dev/stdin",
    "/dev/fd/0",
    "/proc/self/environ",
    "/proc/self/mem",
    "/proc/self/root/etc/passwd",
    "/tmp/../etc/passwd",
    " /etc/passwd",
    "/etc/passwd ",
    # absolute, Windows
    "C:\\Windows\\win.ini",
    "C:/Windows/win.ini",
    "c:x",
    "C:",
    "C:\\",
    "Z:..\\x.png",
    "\\\\host\\share\\x.png",
    "//host/share/x.png",
    "\\\\?\\C:\\x.png",
    "\\\\.\\PhysicalDrive0",
    "\\\\?\\UNC\\host\\share\\x",
    "\\??\\C:\\x",
    "\\Windows\\win.ini",
    "\\",
    # climbing
    "..",
    "../",
    "../x.png",
    "../../x.png",
    "../../../../../../../../etc/passwd",
    "../" * 200 + "etc/passwd",
    "a/../../x.png",
    "a/b/../../../x.png",
    "./../x.png",
    "sub/../../x.png",
    "..\\x.png",
    "..\\..\\..\\Windows\\win.ini",
    "a\\..\\..\\x.png",
    "..\\../x.png",
    "../..\\x.png",
    ".../../x.png",
    "..//x.png",
    "..///..//x.png",
    "/../x.png",
    "././../x.png",
    "a/./../../x.png",
    "a/..",
    "a/../..",
    "x.png/..",
    "x.png/../../x.png",
    ". ./x.png",
    ".. /x.png",
    " ../x.png",
    "..\t/x.png",
    "..;/x.png",
    # escapes that somebody might decode
    "%2e%2e/x.png",
    "%2e%2e%2fx.png",
    "..%2fx.png",
    "..%5cx.png",
    "%252e%252e%252fx.png",
    "..%c0%afx.png",
    "%00../x.png",
    "&#46;&#46;/x.png",
    "\\u002e\\u002e/x.png",
    "&quot;/etc/passwd&quot;",
    # look-alikes
    "\uff0e\uff0e/x.png",
    "\u2025/x.png",
    "\u2024\u2024/x.png",
    "..\u2215x.png",
    "..\u2044x.png",
    "..\uff0fx.png",
    "..\uff3cx.png",
    "..\u29f8x.png",
    # control characters, zero bytes, direction marks
    "a\x00.png",
    "\x00/etc/passwd",
    "../x.png\x00.png",
    "a\n../x.png",
    "a\r\n/etc/passwd",
    "a\t.png",
    "\x1b[2Ja.png",
    "\x07a.png",
    "a\x7f.png",
    "\u202egnp.a",
    "\u200b../x.png",
    "\ufeff../x.png",
    "\ufeff/etc/passwd",
    "a\u2028../x.png",
    # addresses, shells and home folders
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "http://127.0.0.1:9/x.png",
    "https://example.invalid/x.png",
    "ftp://example.invalid/x.png",
    "data:image/png;base64,AAAA",
    "~/.ssh/id_rsa",
    "~root/.profile",
    "~",
    "$HOME/.profile",
    "${HOME}/.profile",
    "%USERPROFILE%\\x.png",
    "`id`.png",
    "$(id).png",
    "|id",
    "a.png|id",
    "; rm -rf x",
    "-rf",
    "--output=/tmp/x",
    # devices of Windows, streams and trailing marks
    "CON",
    "NUL.png",
    "aux.xml",
    "COM1",
    "lpt1.txt",
    "a.png::$DATA",
    "a.png:hidden",
    "a.png.",
    "a.png ",
    "CONIN$",
    # nothing, and too much
    "",
    " ",
    ".",
    "./",
    "./.",
    "a" * 300 + ".png",
    "a/" * 2000 + "x.png",
    "\U0001f4a3" * 200,
    "*",
    "?",
    "[a-z].png",
    "**/*.png",
    "{a,b}.png",
    "project.rcnn",
    ".git/config",
    ".rcnn-1-00000000-00000000.tmp",
)


def hostile_names(secret: Path) -> tuple[str, ...]:
    """More than a hundred names, some of which lead to `secret`, a file that exists outside the dataset.

    A dataset in a folder beside the secret's, or one or two levels below it, is reached by the climbing ones.
    """
    plain = secret.as_posix()
    name, parent = secret.name, secret.parent.name
    climbing = tuple(f"{'../' * depth}{tail}" for depth in range(1, 5) for tail in (name, f"{parent}/{name}"))
    return (
        *_FIXED,
        plain,
        f"/{plain}",
        f"/./{plain}",
        f"file://{plain}",
        f"/proc/self/root{plain}",
        f"x/../..{plain}",
        *climbing,
        *(text.replace("/", "\\") for text in climbing),
    )


HOSTILE_ON_DISK: tuple[bytes, ...] = (
    b"-rf.png",
    b" .png",
    b"a\nb.png",
    b"a\x1b[2J.png",
    b"a\x07.png",
    b"a\tb.png",
    b"..png",
    b"...png",
    b"..\\x.png",
    b"C:\\x.png",
    b"\\\\host\\x.png",
    b"gr\xfcn.png",
    b"\xff\xfe.png",
    b"\xed\xa0\x80.png",
    b"cafe\xcc\x81.png",
    b"caf\xc3\xa9.png",
    b"\xe2\x80\xaegnp.png",
    b"\xf0\x9f\x92\xa3.png",
    b"%2e%2e%2fx.png",
    b"file:x.png",
    b"`id`.png",
    b"$(id).png",
    b"|id.png",
    b"CON.png",
    b"a.png.png",
    b"<b>.png",
    b"&amp;.png",
    b"'\".png",
    b"a" * 251 + b".png",
    b"*.png",
)
"""Names of files, as bytes, that a Linux folder can hold; other systems refuse some of them."""


class Opens:
    """What was touched outside: (event, path) pairs."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        self.outside: list[tuple[str, str]] = []


_watching: list[Opens] = []
_hooked: list[bool] = []
_EVENTS = {
    "open": (0,),
    "os.listdir": (0,),
    "os.scandir": (0,),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.utime": (0,),
    "shutil.copyfile": (0, 1),
    "shutil.move": (0, 1),
    "shutil.rmtree": (0,),
    "sqlite3.connect": (0,),
}
_NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddrinfo")


@contextmanager
def opens_outside(*roots: Path) -> Iterator[list[tuple[str, str]]]:
    """Fills the list with what is opened outside `roots` (links followed) while the block runs, in any thread.

    Python's own files and this repository's code are left out of it; processes started and sockets opened are in.
    """
    if not _hooked:
        sys.addaudithook(_on_event)
        _hooked.append(True)
    own = {sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), str(REPOSITORY / "rcnn_studio")}
    own |= {str(REPOSITORY / "tests"), str(REPOSITORY / "resources"), os.devnull}
    allowed = {os.path.realpath(path) for path in own} | {os.path.realpath(root) for root in roots}
    watch = Opens(tuple(sorted(allowed)))
    _watching.append(watch)
    try:
        yield watch.outside
    finally:
        _watching.remove(watch)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in _NEVER:
        for watch in _watching:
            watch.outside.append((event, repr(arguments)[:200]))
        return
    for position in _EVENTS.get(event, ()):
        path = arguments[position]
        if isinstance(path, int) or path is None or path == ":memory:":
            continue
        real = os.path.realpath(os.fsdecode(path))
        for watch in _watching:
            if not any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in watch.allowed):
                watch.outside.append((event, real))
