"""A disk that forgets: replays recorded calls, and says what may be on it if the power fails at any moment.

Two models. "ordered": changes of names reach the disk in their order, any fsync brings all earlier ones with it, and
of a file's bytes that were not synced all, none, the first half or zeros are there. "weak": only fsync of a file
makes its bytes durable, in blocks of 4 KiB each of which may be lost alone; only fsync of a folder makes its names
durable; everything else may be there or not, in any combination. In both a rename happens wholly or not at all.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.recorder import Call

BLOCK = 4096
_ROOT = 0
_VOLATILE = ("-shm",)  # shared memory of running processes: no crash recovery reads it
_NEGLIGIBLE = ("project.lock",)


@dataclass(frozen=True, slots=True)
class DataOp:
    """Bytes of one block (size None), or a new size of a file. number: position among all changes."""

    number: int
    began: int
    ended: int
    inode: int
    offset: int
    data: bytes
    size: int | None = None


@dataclass(frozen=True, slots=True)
class NameOp:
    """Names that come and go at once. changes: ((folder, name), inode or None)."""

    number: int
    ended: int
    changes: tuple[tuple[tuple[int, str], int | None], ...]
    unsynced: frozenset[int]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pending changes have reached the disk. zeros: lost bytes at a file's end are there as zeros."""

    applied: frozenset[int]
    zeros: frozenset[int] = frozenset()


Tree = dict[str, bytes | None]
"""What is on the disk: path -> bytes, None for a folder."""


@dataclass(slots=True)
class Disk:
    """What is durable, and what is pending, in the order it happened."""

    root: str
    folders: set[int] = field(default_factory=lambda: {_ROOT})
    durable: dict[int, bytes] = field(default_factory=dict)
    names: dict[tuple[int, str], int] = field(default_factory=dict)
    now: dict[tuple[int, str], int] = field(default_factory=dict)
    data_ops: list[DataOp] = field(default_factory=list)
    name_ops: list[NameOp] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    _files: dict[int, tuple[int, int, bool]] = field(default_factory=dict)  # fd -> inode, position, appends
    _next: int = 1
    _count: int = 0

    @staticmethod
    def holding(folder: Path) -> Disk:
        """A disk on which everything in this folder is durable."""
        disk = Disk(root=os.path.abspath(folder))
        for path in sorted(folder.rglob("*")):
            key = disk._key(str(path))
            assert key is not None
            inode = disk._new()
            disk.names[key] = disk.now[key] = inode
            if path.is_dir():
                disk.folders.add(inode)
            else:
                disk.durable[inode] = path.read_bytes()
                disk.sizes[inode] = len(disk.durable[inode])
        return disk

    def _new(self) -> int:
        self._next += 1
        return self._next

    def _key(self, path: str) -> tuple[int, str] | None:
        """(folder, name) of a path; None for one outside the root or whose folder is not there."""
        relative = os.path.relpath(os.path.abspath(path), self.root)
        if relative.startswith("..") or relative == ".":
            return None
        *parents, name = relative.split(os.sep)
        folder = _ROOT
        for part in parents:
            found = self.now.get((folder, part))
            if found not in self.folders:
                return None
            assert found is not None
            folder = found
        return folder, name

    def apply(self, call: Call) -> bool:
        """Replays a call. -> True if the disk, or what may be on it, has changed"""
        handler = getattr(self, f"_do_{call.name}", None)
        if call.result < 0 or handler is None:
            if call.result >= 0 and call.name in _CANNOT:
                raise NotImplementedError(f"{call.name} is not modelled: {call.args}")
            return False
        before = self._count
        synced = handler(call)
        return bool(synced) or self._count != before

    # The calls

    def _do_openat(self, call: Call) -> None:
        path = call.text(1)
        if not os.path.isabs(path):
            path = os.path.join(call.fd_target(0), path)
        self._open(call, path, call.args[2])

    def _do_open(self, call: Call) -> None:
        self._open(call, call.text(0), call.args[1])

    def _open(self, call: Call, path: str, flags: str) -> None:
        if os.path.abspath(path) == self.root:
            self._files[call.result] = (_ROOT, 0, False)
            return
        key = self._key(path)
        if key is None:
            self._files.pop(call.result, None)
            return
        inode = self.now.get(key)
        if inode is None:
            inode = self._new()
            self.durable[inode], self.sizes[inode] = b"", 0
            self._name(call, {key: inode})
        elif "O_TRUNC" in flags and self.sizes[inode]:
            self._resize(call, inode, 0)
        self._files[call.result] = (inode, 0, "O_APPEND" in flags)

    def _do_close(self, call: Call) -> None:
        self._files.pop(call.fd(0), None)

    def _do_dup(self, call: Call) -> None:
        if call.fd(0) in self._files:
            raise NotImplementedError("dup of a file in the folder is not modelled")

    def _do_lseek(self, call: Call) -> None:
        if call.fd(0) in self._files:
            inode, _, appends = self._files[call.fd(0)]
            self._files[call.fd(0)] = (inode, call.result, appends)

    def _do_write(self, call: Call) -> None:
        if call.fd(0) in self._files:
            inode, position, appends = self._files[call.fd(0)]
            position = self.sizes[inode] if appends else position
            self._write(call, inode, position, call.data(1)[: call.result])
            self._files[call.fd(0)] = (inode, position + call.result, appends)

    def _do_pwrite64(self, call: Call) -> None:
        if call.fd(0) in self._files:
            self._write(call, self._files[call.fd(0)][0], int(call.args[3]), call.data(1)[: call.result])

    def _do_sendfile(self, call: Call) -> None:
        if call.fd(0) in self._files:
            source = self._files.get(call.fd(1))
            if source is None:
                raise NotImplementedError("a copy from outside of the folder is not modelled")
            inode, position, appends = self._files[call.fd(0)]
            first = source[1] if call.args[2] == "NULL" else int(call.args[2].strip("[]").split("=>")[0])
            data = self.content(source[0], None)[first : first + call.result]
            self._write(call, inode, position, data)
            self._files[call.fd(0)] = (inode, position + call.result, appends)

    def _do_ftruncate(self, call: Call) -> None:
        if call.fd(0) in self._files:
            self._resize(call, self._files[call.fd(0)][0], int(call.args[1]))

    def _do_fallocate(self, call: Call) -> None:
        if call.fd(0) in self._files:
            inode = self._files[call.fd(0)][0]
            self._resize(call, inode, max(self.sizes[inode], int(call.args[2]) + int(call.args[3])))

    def _do_fsync(self, call: Call) -> bool:
        if call.fd(0) in self._files:
            self._sync(self._files[call.fd(0)][0], call)
        return call.fd(0) in self._files

    _do_fdatasync = _do_fsync

    def _do_rename(self, call: Call) -> None:
        self._move(call, call.text(0), call.text(1))

    def _do_renameat2(self, call: Call) -> None:
        self._move(call, call.text(1), call.text(3))

    _do_renameat = _do_renameat2

    def _do_link(self, call: Call) -> None:
        self._link(call, call.text(0), call.text(1))

    def _do_linkat(self, call: Call) -> None:
        self._link(call, call.text(1), call.text(3))

    def _do_unlink(self, call: Call) -> None:
        self._remove(call, call.text(0))

    def _do_unlinkat(self, call: Call) -> None:
        self._remove(call, os.path.join(call.fd_target(0), call.text(1)))

    _do_rmdir = _do_unlink

    def _do_mkdir(self, call: Call) -> None:
        key = self._key(call.text(0))
        if key is not None:
            inode = self._new()
            self.folders.add(inode)
            self._name(call, {key: inode})

    def _do_mmap(self, call: Call) -> None:
        if "MAP_SHARED" in call.args[3] and "PROT_WRITE" in call.args[2] and "<" in call.args[4]:
            target = call.fd_target(4)
            if target.startswith(self.root + os.sep) and not target.endswith(_VOLATILE):
                raise NotImplementedError(f"{target} is written through memory: not modelled")

    # What they do

    def _name(self, call: Call, changes: Mapping[tuple[int, str], int | None]) -> None:
        for key, inode in changes.items():
            if inode is None:
                self.now.pop(key, None)
            else:
                self.now[key] = inode
        self._count += 1
        folders = frozenset(folder for folder, _ in changes)
        self.name_ops.append(NameOp(self._count, call.end, tuple(changes.items()), folders))

    def _move(self, call: Call, old: str, new: str) -> None:
        source, target = self._key(old), self._key(new)
        if source is None and target is None:
            return
        if source is None or target is None:
            raise NotImplementedError(f"a rename across the folder's border is not modelled: {old} {new}")
        inode = self.now[source]
        if source[0] == target[0]:
            self._name(call, {source: None, target: inode})
        else:  # each folder keeps its own half
            self._name(call, {target: inode})
            self._name(call, {source: None})

    def _link(self, call: Call, old: str, new: str) -> None:
        source, target = self._key(old), self._key(new)
        if target is not None:
            if source is None:
                raise NotImplementedError(f"a link from outside of the folder is not modelled: {old}")
            self._name(call, {target: self.now[source]})

    def _remove(self, call: Call, path: str) -> None:
        key = self._key(path)
        if key is not None and key in self.now:
            self._name(call, {key: None})

    def _write(self, call: Call, inode: int, offset: int, data: bytes) -> None:
        self.sizes[inode] = max(self.sizes[inode], offset + len(data))
        while data:
            piece = data[: BLOCK - offset % BLOCK]
            self._count += 1
            self.data_ops.append(DataOp(self._count, call.start, call.end, inode, offset, piece))
            offset, data = offset + len(piece), data[len(piece) :]

    def _resize(self, call: Call, inode: int, size: int) -> None:
        self.sizes[inode] = size
        self._count += 1
        self.data_ops.append(DataOp(self._count, call.start, call.end, inode, 0, b"", size))

    def _sync(self, inode: int, call: Call) -> None:
        """What ended before this fsync began is durable."""
        if inode in self.folders:
            ops = [
                NameOp(op.number, op.ended, op.changes, op.unsynced - {inode}) if op.ended < call.start else op
                for op in self.name_ops
            ]
            self._fold_names([op for op in ops if not op.unsynced])
            self.name_ops = [op for op in ops if op.unsynced]
            return
        covered = [op for op in self.data_ops if op.inode == inode and op.ended < call.start]
        self.durable[inode] = _written(self.durable[inode], covered)
        done = {op.number for op in covered}
        self.data_ops = [op for op in self.data_ops if op.number not in done]

    def sync_names(self, call: Call) -> None:
        """The ordered model: an fsync takes with it every change of names before."""
        self._fold_names([op for op in self.name_ops if op.ended < call.start])
        self.name_ops = [op for op in self.name_ops if op.ended >= call.start]

    def _fold_names(self, ops: Sequence[NameOp]) -> None:
        for op in ops:
            _rename(self.names, op)

    # What may be there

    def content(self, inode: int, applied: frozenset[int] | None) -> bytes:
        """The file's bytes with these pending changes (None: all)."""
        ops = [op for op in self.data_ops if op.inode == inode and (applied is None or op.number in applied)]
        return _written(self.durable[inode], ops)

    def tree(self, choice: Choice) -> Tree:
        """What is on the disk after this choice."""
        names = dict(self.names)
        for op in self.name_ops:
            if op.number in choice.applied:
                _rename(names, op)
        inside: dict[int, list[tuple[str, int]]] = {}
        for (folder, name), inode in names.items():
            inside.setdefault(folder, []).append((name, inode))
        tree: Tree = {}
        todo = [(_ROOT, "")]
        while todo:
            folder, prefix = todo.pop()
            for name, inode in inside.get(folder, ()):
                path = f"{prefix}{name}"
                if inode in self.folders:
                    tree[path] = None
                    todo.append((inode, f"{path}/"))
                elif not path.endswith(_VOLATILE):
                    tree[path] = self._lossy(inode, choice)
        return tree

    def _lossy(self, inode: int, choice: Choice) -> bytes:
        data = self.content(inode, choice.applied)
        if inode in choice.zeros and len(data) < self.sizes[inode]:
            data += bytes(self.sizes[inode] - len(data))
        return data

    def ordered_choices(self, rng: random.Random, limit: int) -> Iterator[Choice]:
        """Names up to some moment, and for each unsynced file all, none, half or zeros."""
        pending = self._pending_by_inode()
        for length in range(len(self.name_ops) + 1):
            names = [op.number for op in self.name_ops[:length]]
            for _ in range(max(1, min(4 ** len(pending), limit // (len(self.name_ops) + 1)))):
                applied, zeros = list(names), set()
                for inode, numbers in pending.items():
                    kind = rng.randrange(4)
                    applied += (numbers, [], numbers[: len(numbers) // 2], [])[kind]
                    if kind == 3:
                        zeros.add(inode)
                yield Choice(frozenset(applied), frozenset(zeros))
            yield Choice(frozenset([*names, *(n for numbers in pending.values() for n in numbers)]))
            yield Choice(frozenset(names))

    def weak_choices(self, rng: random.Random, limit: int) -> Iterator[Choice]:
        """Any subset of what is pending: all of them where there are few, else the likeliest to hurt and a sample."""
        pending = self._pending_by_inode()
        atoms = [op.number for op in self.name_ops] + [n for numbers in pending.values() for n in numbers]
        atoms.sort()
        every = frozenset(atoms)
        whole_zeros = frozenset(pending)
        if 2 ** len(atoms) <= limit:
            for bits in range(2 ** len(atoms)):
                chosen = frozenset(a for i, a in enumerate(atoms) if bits >> i & 1)
                yield Choice(chosen)
                yield Choice(chosen, whole_zeros)
            return
        yield from (Choice(every), Choice(frozenset()), Choice(frozenset(), whole_zeros))
        structured = [every - {a} for a in atoms] + [frozenset({a}) for a in atoms]
        structured += [frozenset(atoms[:n]) for n in range(len(atoms))]
        structured += [every - frozenset(numbers) for numbers in pending.values()]
        structured += [every - {op.number for op in self.name_ops}, frozenset(op.number for op in self.name_ops)]
        rng.shuffle(structured)
        for chosen in structured[: limit // 2]:
            yield Choice(frozenset(chosen), whole_zeros if rng.random() < 0.5 else frozenset())
        for _ in range(max(1, limit // 2)):
            share = rng.random()
            chosen = frozenset(a for a in atoms if rng.random() < share)
            yield Choice(chosen, frozenset(i for i in pending if rng.random() < 0.5))

    def _pending_by_inode(self) -> dict[int, list[int]]:
        """Changes of files that have a name now or may have one; the lock and shared memory do not matter."""
        hidden = {inode for (_, name), inode in self.now.items() if name.endswith((*_VOLATILE, *_NEGLIGIBLE))}
        pending: dict[int, list[int]] = {}
        for op in self.data_ops:
            if op.inode not in hidden:
                pending.setdefault(op.inode, []).append(op.number)
        return pending


_CANNOT = frozenset(
    {"writev", "pwritev", "pwritev2", "truncate", "sync_file_range", "msync", "symlink", "symlinkat", "copy_file_range"}
    | {"dup2", "dup3", "creat"}
)


def _rename(names: dict[tuple[int, str], int], op: NameOp) -> None:
    for key, inode in op.changes:
        if inode is None:
            names.pop(key, None)
        else:
            names[key] = inode


def _written(data: bytes, ops: Sequence[DataOp]) -> bytes:
    if not ops:
        return data
    buffer = bytearray(data)
    for op in ops:
        if op.size is not None:
            buffer = buffer[: op.size] + bytes(max(0, op.size - len(buffer)))
            continue
        if len(buffer) < op.offset:
            buffer += bytes(op.offset - len(buffer))
        buffer[op.offset : op.offset + len(op.data)] = op.data
    return bytes(buffer)


def fingerprint(tree: Tree) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(tree):
        data = tree[path]
        digest.update(f"{path}\0{'d' if data is None else len(data)}\0".encode(errors="surrogateescape"))
        digest.update(data or b"")
    return digest.digest()


def materialise(tree: Tree, folder: Path) -> None:
    """Writes the tree into an empty folder."""
    for path in sorted(tree):  # a folder comes before what is in it
        data = tree[path]
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)
