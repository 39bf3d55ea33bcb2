"""Lets every system call of every kind of save fail once, and for good, in every way, and looks what becomes of it.

`python -m tests.crash.faults --case voc-existing`. Needs strace, which puts the faults in. After each run the labels
that were called saved must be there, every file must be whole, and a retry without the fault must succeed.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy.ma  # noqa: F401 - NumPy loads it late, and a fault in that is none of a save

from tests.crash import mutants, other_saves, saves, workspaces
from tests.crash.forking import Child, Tell, start
from tests.crash.labels import Fault, brief
from tests.crash.power import scratch
from tests.crash.recorder import traced, why_not
from tests.crash.saves import Attempt, Case

CASES = {**saves.CASES, **other_saves.CASES}
CALLS = (
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "link",
    "unlink",
    "unlinkat",
    "mkdir",
    "rmdir",
    "fchmod",
    "read",
    "pread64",
    "getdents64",
    "newfstatat",
    "fcntl",
)
ERRORS = ("ENOSPC", "EIO", "EACCES", "EROFS", "EINTR")
LASTING = ("ENOSPC", "EIO", "EROFS")
_LOOKS = ("read", "pread64", "getdents64", "newfstatat", "fcntl")  # they change nothing on the drive: EIO alone
_PATIENCE_S = 40.0
_MOST = 200


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault: at the number-th such call of every thread, or from it on (lasting)."""

    call: str
    fault: str
    number: int
    lasting: bool = False

    def option(self) -> str:
        what = "signal=KILL" if self.fault == "KILL" else f"error={self.fault}"
        if self.fault == "SHORT":
            what = "retval=7"
        return f"inject={self.call}:{what}:when={self.number}{'+' if self.lasting else ''}"

    def __str__(self) -> str:
        return f"{self.call} number {self.number}{' and all after it' if self.lasting else ''}: {self.fault}"


@dataclass(slots=True)
class Sweep:
    """What a sweep has done. matrix: {call: {fault: how many places}}."""

    case: str
    runs: int = 0
    reported: int = 0
    elsewhere: int = 0
    matrix: dict[str, dict[str, int]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    tally: dict[str, int] = field(default_factory=dict)

    def count(self, call: str, fault: str) -> None:
        row = self.matrix.setdefault(call, {})
        row[fault] = row.get(fault, 0) + 1


def plans(calls: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    """(call, fault, lasting) of everything that is tried."""
    for call in calls:
        if call in _LOOKS:
            yield from ((call, "EIO", lasting) for lasting in (False, True))
            continue
        yield from ((call, fault, False) for fault in (*ERRORS, "KILL"))
        yield from ((call, fault, True) for fault in LASTING)
        if call == "write":
            yield call, "SHORT", False


def sweep(
    case: Case, folder: Path, *, calls: Iterable[str] = CALLS, mutant: str = "", every: int = 1, enough: int = 20
) -> Sweep:
    """Everything at every place (every: only each so-manieth place), until the call no longer happens that often."""
    result = Sweep(case.name)
    workspaces.use_home(folder / "studio")
    base = case.prepare(folder / "base")
    for call, fault, lasting in plans(calls):
        for number in range(1, _MOST, every):
            if not _one(case, base, folder, Injection(call, fault, number, lasting), result, mutant):
                break
            if len(result.found) >= enough:
                return result
    return result


def _one(case: Case, base: object, folder: Path, injection: Injection, result: Sweep, mutant: str) -> bool:
    """-> False if the call does not happen so often"""
    home = folder / "run"
    workspaces.use_home(home / "studio")
    attempt = case.fresh(base, home)
    options = ("-y", "-e", f"trace={injection.call}", "-e", injection.option(), "-e", "signal=none")

    def ready() -> None:
        mutants.plant(mutant)
        attempt.ready()

    try:
        child, tracer = traced(attempt.save, folder, options, ready)
        try:
            _listen(child, attempt.hear)
        finally:
            child.kill()
            child.wait()
            tracer.wait()
        hit = _was_hit(folder / "strace.log", injection, child)
        if hit is None:
            return False
        result.runs += 1
        if hit and str(home) not in hit:
            result.elsewhere += 1  # not a file of the project: a module, a time zone
            return True
        result.count(injection.call, injection.fault + ("..." if injection.lasting else ""))
        _judge(child, attempt, injection)
        result.reported += bool(attempt.reported)
        _retry(attempt, folder)
    except Fault as fault:
        result.found.append(f"{case.name}, {injection}: {fault}")
        result.tally[fault.kind] = result.tally.get(fault.kind, 0) + 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return True


def _listen(child: Child, hear: Callable[[dict[str, object]], None]) -> None:
    for message in child.rest(time.monotonic() + _PATIENCE_S):
        hear(message)
    if not child.wait_for(2.0):
        raise Fault("stuck", f"the program did not end within {_PATIENCE_S:.0f} s")


def _was_hit(log: Path, injection: Injection, child: Child) -> str | None:
    """The first call that was made to fail (empty for a kill); None if none was."""
    if injection.fault == "KILL":
        return "" if child.status == -9 else None
    with log.open(errors="replace") as lines:
        return next((line for line in lines if "(INJECTED)" in line), None)


def _judge(child: Child, attempt: Attempt, injection: Injection) -> None:
    if "Traceback" in child.complaints():
        raise Fault("crash", child.complaints()[-3000:])
    if injection.fault != "KILL" and child.status != 0:
        raise Fault("crash", f"ended with {child.status}: {child.complaints()[-2000:]}")
    attempt.judge(killed=injection.fault == "KILL", lasting=injection.lasting)


def _retry(attempt: Attempt, folder: Path) -> None:
    """Without the fault, in a new process."""
    child = start(attempt.again, folder / "stderr-again")
    try:
        _listen(child, attempt.hear_again)
    finally:
        child.kill()
        child.wait()
    if child.status or "Traceback" in child.complaints():
        raise Fault("crash", f"afterwards: {child.complaints()[-2000:]}")
    attempt.judge_again()


def short_writes(case: Case, folder: Path, limits: Iterable[int], *, mutant: str = "") -> Sweep:
    """Writes that end short, because no file may grow beyond a limit; then the limit is lifted."""
    result = Sweep(case.name)
    workspaces.use_home(folder / "studio")
    base = case.prepare(folder / "base-short")
    for limit in limits:
        home = folder / "run"
        workspaces.use_home(home / "studio")
        attempt = case.fresh(base, home)

        def work(tell: Tell, limit: int = limit, attempt: Attempt = attempt) -> None:
            mutants.plant(mutant)
            attempt.ready()
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            attempt.save(tell, relent=_lift_limit)

        child = start(work, folder / "stderr")
        try:
            _listen(child, attempt.hear)
            result.runs += 1
            result.count("write at a size limit", "SHORT")
            _judge(child, attempt, Injection("write", "EFBIG", limit))
            result.reported += bool(attempt.reported)
            _retry(attempt, folder)
        except Fault as fault:
            result.found.append(f"{case.name}, no file beyond {limit} bytes: {fault}")
            result.tally[fault.kind] = result.tally.get(fault.kind, 0) + 1
        finally:
            child.kill()
            child.wait()
            shutil.rmtree(home, ignore_errors=True)
    return result


def merge(result: Sweep, other: Sweep) -> None:
    result.runs += other.runs
    result.reported += other.reported
    result.matrix.update(other.matrix)
    result.found += other.found


def _limits(folder: Path) -> Iterator[int]:
    """Sizes at which a write may end: in the middle of every file's bytes, and all along a growing log."""
    largest = max(path.stat().st_size for path in (folder / "base").rglob("*") if path.is_file())
    yield from range(50, 2000, 250)
    yield from range(2000, largest + 90_000, 3571)


def _lift_limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.faults", description=__doc__)
    parser.add_argument("--case", choices=("all", *CASES), default="all")
    parser.add_argument("--calls", default=",".join(CALLS))
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth place of a call")
    parser.add_argument("--first", action="store_true", help="stop at the first fault")
    parser.add_argument("--enough", type=int, default=20, help="stop a case after so many faults")
    parser.add_argument("--short-writes", action="store_true", help="also: no file may grow beyond a size")
    parser.add_argument("--mutant", choices=("", *mutants.MUTANTS), default="")
    args = parser.parse_args(arguments)
    if reason := why_not():
        print(f"skipped: {reason}", file=sys.stderr)
        return 2
    gc.freeze()
    faults = 0
    for name in CASES if args.case == "all" else (args.case,):
        folder = scratch("rcnn-faults-")
        began = time.monotonic()
        try:
            enough = 1 if args.first else args.enough
            calls = args.calls.split(",")
            result = sweep(CASES[name](), folder, calls=calls, mutant=args.mutant, every=args.every, enough=enough)
            if args.short_writes:
                merge(result, short_writes(CASES[name](), folder, _limits(folder), mutant=args.mutant))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        faults += len(result.found)
        seconds = time.monotonic() - began
        print(
            f"faults in system calls, {name}: {result.runs} runs in {seconds:.0f} s, {result.reported} reported, "
            f"{result.elsewhere} outside of the project, {len(result.found)} faults",
            file=sys.stderr,
        )
        result.found = [brief(text) for text in result.found]
        print(json.dumps({"seconds": round(seconds, 1), "mutant": args.mutant, **asdict(result)}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
