"""The model of a disk that forgets: what an fsync promises, and what may be gone without one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.disk import Disk, Tree
from tests.crash.recorder import Call, parse


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def lines(root: Path, *calls: str) -> list[str]:
    """strace's lines; @name stands for a path in the folder, 'text' for bytes."""
    return ["77 " + _words(root, call) for call in calls]


def _words(root: Path, call: str) -> str:
    words = []
    for word in call.split(" "):
        text, comma = (word[:-1], ",") if word.endswith(",") else (word, "")
        if text.startswith("@"):
            text = f'"{hexed(str(root / text[1:]) if text[1:] else str(root))}"'
        elif text.startswith("'"):
            text = f'"{hexed(text[1:-1])}"'
        words.append(text + comma)
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def replay(root: Path, *calls: str) -> Disk:
    disk = Disk.holding(root)
    for call in parse(lines(root, *calls)):
        disk.apply(call)
    return disk


def weak_trees(disk: Disk) -> list[Tree]:
    return [disk.tree(choice) for choice in disk.weak_choices(random.Random(1), 4096)]


OPEN_NEW = "openat( AT_FDCWD, @t, O_WRONLY|O_CREAT|O_EXCL, 0666 ) = 5"
OPEN_FOLDER = "openat( AT_FDCWD, @, O_RDONLY ) = 6"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.xml").write_bytes(b"old")
    return tmp_path


def test_without_any_sync_the_old_file_the_new_one_and_an_empty_one_may_be_there(root: Path) -> None:
    disk = replay(root, OPEN_NEW, "write( 5, 'new', 3 ) = 3", "close( 5 ) = 0", "rename( @t, @a.xml ) = 0")
    assert {tree["a.xml"] for tree in weak_trees(disk)} >= {b"old", b"new", b""}


def test_a_synced_file_is_old_or_new_after_its_rename(root: Path) -> None:
    disk = replay(root, OPEN_NEW, "write( 5, 'new', 3 ) = 3", "fsync( 5 ) = 0", "rename( @t, @a.xml ) = 0")
    assert {tree["a.xml"] for tree in weak_trees(disk)} == {b"old", b"new"}


def test_a_synced_folder_makes_the_rename_durable(root: Path) -> None:
    steps = (OPEN_NEW, "write( 5, 'new', 3 ) = 3", "fsync( 5 ) = 0", "rename( @t, @a.xml ) = 0", OPEN_FOLDER)
    disk = replay(root, *steps, "fsync( 6 ) = 0")
    assert weak_trees(disk) == [{"a.xml": b"new"}] * len(weak_trees(disk))


def test_a_failed_sync_makes_nothing_durable(root: Path) -> None:
    disk = replay(root, OPEN_NEW, "write( 5, 'new', 3 ) = 3", "fsync( 5 ) = -1 EIO (Input/output error)")
    assert any(tree.get("t") == b"" for tree in weak_trees(disk))


def test_a_sync_that_began_before_a_write_ended_does_not_cover_it(root: Path) -> None:
    text = lines(root, OPEN_NEW, "fsync( 5 ) = 0", "write( 5, 'new', 3 ) = 3")
    fsync, write = text[1], text[2]
    text[1:] = [
        f"{fsync.split(')')[0]} <unfinished ...>",
        write.replace("77 ", "78 "),
        "77 <... fsync resumed>) = 0",
    ]
    disk = Disk.holding(root)
    for call in parse(text):
        disk.apply(call)
    assert len(disk.data_ops) == 1


def test_in_the_ordered_model_names_come_in_their_order(root: Path) -> None:
    disk = replay(root, "mkdir( @d, 0777 ) = 0", "link( @a.xml, @d/b ) = 0", "unlink( @a.xml ) = 0")
    trees = [disk.tree(choice) for choice in disk.ordered_choices(random.Random(1), 8)]
    assert {frozenset(tree) for tree in trees} == {
        frozenset({"a.xml"}),
        frozenset({"a.xml", "d"}),
        frozenset({"a.xml", "d", "d/b"}),
        frozenset({"d", "d/b"}),
    }
    assert all(tree["d/b"] == b"old" for tree in trees if "d/b" in tree)


def test_blocks_of_an_unsynced_file_are_lost_one_by_one(root: Path) -> None:
    data = "x" * 4096 + "y" * 10
    disk = replay(root, "openat( AT_FDCWD, @a.xml, O_RDWR ) = 5", f"pwrite64( 5, '{data}', 4106, 0 ) = 4106")
    found = {tree["a.xml"] for tree in weak_trees(disk)}
    assert bytes(4096) + b"y" * 10 != b"old"
    assert b"x" * 4096 in found
    assert b"old" + bytes(4093) + b"y" * 10 in found


def test_a_write_through_memory_is_refused_and_not_overlooked(root: Path) -> None:
    target = hexed(str(root / "a.xml"))
    call = Call("mmap", ("NULL", "4096", "PROT_READ|PROT_WRITE", "MAP_SHARED", f"5<{target}>", "0"), 1, 0, 0)
    with pytest.raises(NotImplementedError, match="not modelled"):
        Disk.holding(root).apply(call)
