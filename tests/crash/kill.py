"""Kills a process that edits a project at random moments, again and again, and looks whether anything was lost.

`python -m tests.crash.kill --kills 1000 --format voc`. A process crash, not a power cut: the page cache survives it.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.crash import mutants, workspaces
from tests.crash.editor import edit_until_killed, open_and_close
from tests.crash.forking import Child, Tell, start
from tests.crash.labels import Fault, brief
from tests.crash.witness import Tally, Witness
from tests.crash.workspaces import Workspace

_KILLS_A_WORKSPACE = 250
_OPEN_S = 30.0


class Victim:
    """One workspace under fire."""

    def __init__(self, workspace: Workspace, tally: Tally, mutant: str) -> None:
        self._w, self._tally, self._mutant = workspace, tally, mutant
        self._witness = Witness(workspace, tally)

    def kill_once(self, rng: random.Random) -> None:
        """Lets a child edit for a random while, kills it, and looks at what it left. Raises Fault."""
        seed = rng.randrange(1 << 30)
        early = rng.random() < 0.2
        delay = rng.uniform(0.0, 0.01) if early else rng.expovariate(1 / 0.03)

        def work(tell: Tell) -> None:
            mutants.plant(self._mutant)
            edit_until_killed(self._w.project, seed, tell, grid=self._w.grid)

        child = start(work, self._w.folder / "stderr")
        opened = self._run(child, delay, from_start=early)
        self._tally.kills += 1
        self._tally.kills_while_opening += not opened
        self._witness.look_at_files()

    def _run(self, child: Child, delay: float, *, from_start: bool) -> bool:
        """Listens until the delay is over (counted from the start, or from the first edit), kills, hears the rest."""
        opened = False
        deadline = time.monotonic() + (delay if from_start else _OPEN_S)
        try:
            while (message := child.next(deadline)) is not None:
                self._witness.hear(message)
                if "dump" in message and not opened:
                    opened = True
                    deadline = deadline if from_start else time.monotonic() + min(delay, 0.4)
        finally:
            child.kill()
        for message in child.rest():
            self._witness.hear(message)
            opened = opened or "dump" in message
        self._ended(child)
        if child.status != -9:
            raise Fault("crash", f"the program ended by itself ({child.status}): {child.complaints()[-2000:]}")
        return opened

    def close_normally(self) -> None:
        """Opens, writes and closes without a kill: now the files must say what the database says. Raises Fault."""
        child = start(lambda tell: open_and_close(self._w.project, tell), self._w.folder / "stderr")
        closed = False
        try:
            for message in child.rest(time.monotonic() + _OPEN_S):
                self._witness.hear(message)
                closed = closed or "closed" in message
        finally:
            if not closed:
                child.kill()
            child.wait()
        if not closed:
            raise Fault("stuck", f"the project did not open and close: {child.complaints()[-2000:]}")
        self._ended(child)

    def check_database(self) -> None:
        """The database as plain SQL sees it after the kill. Raises Fault."""
        self._witness.check_database()

    def _ended(self, child: Child) -> None:
        child.wait()
        if "Traceback" in child.complaints():
            raise Fault("crash", child.complaints()[-2000:])


def campaign(
    name: str,
    kills: int,
    seed: int,
    folder: Path,
    *,
    mutant: str = "",
    seconds: float = float("inf"),
    enough: int = 10,
) -> tuple[Tally, list[str]]:
    """So many kills, or as many as the seconds allow. -> (tally, what was found wrong); a workspace in which a fault
    was found is kept and left, and a new one begun."""
    rng = random.Random(seed)
    tally, found = Tally(), []
    deadline = time.monotonic() + seconds
    number = 0
    while tally.kills < kills and time.monotonic() < deadline and len(found) < enough:
        home = folder / f"{name}-{seed}-{number}"
        home.mkdir(parents=True)
        number += 1
        workspaces.use_home(home / "studio")
        try:
            victim = Victim(workspaces.make(home, name), tally, mutant)
            _use(victim, rng, tally, min(kills, tally.kills + _KILLS_A_WORKSPACE), deadline)
        except Fault as fault:
            tally.count(fault)
            found.append(f"{home}: {fault}")
        else:
            shutil.rmtree(home)
    return tally, found


def _use(victim: Victim, rng: random.Random, tally: Tally, kills: int, deadline: float) -> None:
    while tally.kills < kills and time.monotonic() < deadline:
        victim.kill_once(rng)
        if rng.random() < 0.1:
            victim.check_database()
        if rng.random() < 0.25:
            victim.close_normally()
    victim.close_normally()


def _in_parallel(args: argparse.Namespace, folder: Path) -> tuple[Tally, list[str]]:
    """One process for each worker, each with its own seed."""
    share = -(-args.kills // args.workers)

    def worker(seed: int) -> Child:
        def work(tell: Tell) -> None:
            seconds = args.seconds or float("inf")
            tally, found = campaign(
                args.format, share, seed, folder, mutant=args.mutant, seconds=seconds, enough=1 if args.first else 10
            )
            tell({"tally": asdict(tally), "found": found})

        return start(work, folder / f"stderr-{seed}")

    total, found = Tally(), []
    workers = [worker(args.seed + i) for i in range(args.workers)]
    for child in workers:
        messages = list(child.rest())
        if child.wait() or not messages:
            total.crash += 1
            found.append(f"the campaign itself failed: {child.complaints()}")
            continue
        total.add(Tally(**messages[-1]["tally"]))
        found += messages[-1]["found"]
    return total, found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--format", choices=tuple(workspaces.GRID), default="voc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.0, help="stop after so long (0: never)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mutant", choices=("", *mutants.MUTANTS), default="")
    parser.add_argument("--first", action="store_true", help="stop at the first fault")
    parser.add_argument("--folder", type=Path, help="where the workspaces are made (kept there if a fault is found)")
    args = parser.parse_args(arguments)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="rcnn-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    gc.freeze()
    began = time.monotonic()
    tally, found = _in_parallel(args, folder)
    seconds = time.monotonic() - began
    print(
        f"process crash, {args.format}: {tally.kills} kills in {seconds:.0f} s ({tally.kills / seconds:.1f}/s), "
        f"{tally.acknowledged} edits acknowledged, {tally.lost} lost, {tally.unreadable} files unreadable, "
        f"{tally.conflict} false conflicts, {tally.faults} faults in all",
        file=sys.stderr,
    )
    report = {"format": args.format, "seed": args.seed, "workers": args.workers, "seconds": round(seconds, 1)}
    print(json.dumps({**report, **asdict(tally), "found": [brief(text) for text in found]}))
    if args.folder is None and (not found or args.mutant):
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
