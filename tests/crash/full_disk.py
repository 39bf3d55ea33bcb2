"""A disk that is full, then has room again: a small file system in memory, in a name space of its own.

`python -m tests.crash.full_disk`. Run by itself it makes the name space with `unshare -rm`; what is saved on it is
the whole project, or only the dataset while the database has room.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.project import ProjectStore
from tests.crash import workspaces
from tests.crash.editor import Editor, dump, open_and_close
from tests.crash.forking import Tell, start
from tests.crash.labels import Fault
from tests.crash.witness import Tally, Witness
from tests.crash.workspaces import Workspace

_SIZE = "4m"
_PATIENCE_S = 30.0
_UNSHARE = ("unshare", "--map-root-user", "--mount")


@dataclass(slots=True)
class Round:
    """One filling of the disk. refused: edits that were not called saved while it was full."""

    place: str
    refused: int = 0
    saved_afterwards: int = 0
    messages: list[str] = field(default_factory=list)


def why_not() -> str:
    """Why no small file system can be made here; "" where it can."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    with tempfile.TemporaryDirectory() as folder:
        command = [*_UNSHARE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no name space with a file system is permitted here: {done.stderr.strip()}"


class Ballast:
    """Takes all the room of a file system, but for some bytes, and gives it back."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self, leave: int) -> None:
        with self._path.open("ab", buffering=0) as file:
            for step in (1 << 16, 4096):
                try:
                    while True:
                        file.write(bytes(step))
                except OSError:
                    continue
            file.truncate(max(0, file.tell() - leave))

    def release(self) -> None:
        self._path.unlink(missing_ok=True)


def save_on_a_full_disk(project: Path, disk: Path, tell: Tell, *, seed: int, leave: int, grid: float) -> None:
    """Edits with room, edits without, then room again; says what the person is told in between."""
    ballast = Ballast(disk)
    with ProjectStore.open(project) as store:
        tell({"dump": dump(store)})
        editor = Editor(store, random.Random(seed), tell, grid=grid)
        for _ in range(5):
            editor.step()
        store.flush()
        store.write_back(wait=True)
        ballast.fill(leave)
        try:
            told = _edit_until_refused(store, editor)
        finally:
            ballast.release()
        tell({"told": told})
        _wait(lambda: _flushed(store), "the edits were not saved when there was room again")
        store.write_back(wait=True)
        if store.file_errors() or store.pending_files():
            raise AssertionError(f"files stay unwritten: {store.file_errors()}")
        tell({"status": store.status().kind})
    tell({"closed": True})


def _edit_until_refused(store: ProjectStore, editor: Editor) -> str:
    """-> what the status says once the disk is full. An edit waits in memory then, so no more than a few are made."""
    for _ in range(400):
        editor.step()
        _quietly(store.flush)
        _quietly(lambda: store.write_back(wait=True))
        status = store.status()
        if status.kind == "error":
            return status.message
    raise AssertionError("the disk never got full")


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except StudioError:
        return


def _flushed(store: ProjectStore) -> bool:
    try:
        store.flush()
    except StudioError:
        return False
    return store.status().kind != "error" or not store.status().message


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        threading.Event().wait(0.02)


def try_once(workspace: Workspace, disk: Path, place: str, seed: int, leave: int) -> Round:
    """Raises Fault."""
    result = Round(place)
    witness = Witness(workspace, Tally())

    def work(tell: Tell) -> None:
        save_on_a_full_disk(workspace.project, disk, tell, seed=seed, leave=leave, grid=workspace.grid)

    child = start(work, workspace.folder.parent / "stderr")
    for message in child.rest(time.monotonic() + 2 * _PATIENCE_S):
        if "told" in message:
            result.messages.append(message["told"])
            result.refused = len(workspace.expected.states) - 1 - workspace.expected.acknowledged
        elif "status" in message:
            result.saved_afterwards = workspace.expected.acknowledged
        else:
            witness.hear(message)
    if not child.wait_for(5.0):
        child.kill()
    if child.wait():
        raise Fault("crash", child.complaints()[-3000:])
    if workspace.expected.acknowledged != len(workspace.expected.states) - 1:
        raise Fault("lost", "an edit was given up although there was room again")
    again = start(lambda tell: open_and_close(workspace.project, tell), workspace.folder.parent / "stderr")
    for message in again.rest():
        witness.hear(message)
    if again.wait():
        raise Fault("crash", again.complaints()[-3000:])
    return result


def campaign(name: str, rounds: int, seed: int) -> tuple[list[Round], list[str]]:
    """Inside the name space. place "project": everything is on the small disk; "dataset": only the dataset is."""
    done: list[Round] = []
    found: list[str] = []
    for number in range(rounds):
        place = ("project", "dataset")[number % 2]
        folder = Path(tempfile.mkdtemp(prefix="rcnn-full-"))
        disk = folder / "disk"
        workspaces.use_home(folder / "studio")
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(disk)], check=True)
        try:
            workspace = workspaces.make(
                disk / "home" if place == "project" else folder / "home", name, on=disk / "data"
            )
            leave = random.Random(seed + number).choice((0, 4096, 8192, 12288, 40960)) if place == "project" else 0
            done.append(try_once(workspace, disk, place, seed + number, leave))
        except Fault as fault:
            found.append(f"{place}, seed {seed + number}: {fault}")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)
            shutil.rmtree(folder, ignore_errors=True)
    return done, found


def run_inside(name: str, rounds: int, seed: int) -> subprocess.CompletedProcess[str]:
    """The campaign in a name space of its own."""
    command = [*_UNSHARE, sys.executable, "-m", "tests.crash.full_disk", "--inside"]
    command += ["--format", name, "--rounds", str(rounds), "--seed", str(seed)]
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.full_disk", description=__doc__)
    parser.add_argument("--format", choices=tuple(workspaces.GRID), default="voc")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help="the name space is there already")
    args = parser.parse_args(arguments)
    if not args.inside:
        if reason := why_not():
            print(f"skipped: {reason}", file=sys.stderr)
            return 2
        done = run_inside(args.format, args.rounds, args.seed)
        print(done.stdout, end="")
        print(done.stderr, end="", file=sys.stderr)
        return done.returncode
    rounds, found = campaign(args.format, args.rounds, args.seed)
    refused = sum(item.refused for item in rounds)
    print(
        f"full disk, {args.format}: {len(rounds)} rounds, {refused} edits waited, {len(found)} faults", file=sys.stderr
    )
    print(json.dumps({"format": args.format, "rounds": [asdict(item) for item in rounds], "found": found}))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
