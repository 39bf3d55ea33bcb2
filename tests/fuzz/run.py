"""A fuzz campaign by command: `python -m tests.fuzz.run CODEC --executions N --seed S`.

CODEC names a module `tests/fuzz/CODEC_targets.py` with `TARGETS`, a tuple of Target. Inputs are mutated from the
targets' seeds; one in SAMPLE is run under a tracer, and those that reach a new line join the seeds, so the campaign
works its way in. Only FormatError may come out of a target. Prints the lines covered over time (the plateau), the
slowest input and every unexpected exception, whose input is saved; exits 1 if there was one. Writes nothing else.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from rcnn_studio.domain.errors import FormatError

SAMPLE = 20
SLOW_SECONDS = 5.0
MAX_INPUT = 16_384
MAX_CORPUS = 2_000
TRACED = str(Path(__file__).resolve().parents[2] / "rcnn_studio")

COMMON_TOKENS: tuple[bytes, ...] = (
    *(b"0", b"-1", b"1e999", b"NaN", b"Infinity", b"-Infinity", b"1e-400", b"9" * 400, b"0x10", b"1_000", b"1e5"),
    *(b"true", b"null", b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r\n", b"\t"),
    *(b"../", b"..\\", b"/etc/passwd", b"C:\\", b" ", b"\xc2\xa0", b"\xe2\x80\xae", b"\xf0\x9f\x92\xa3", b"\xd9\xa3"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to fuzz. call: gets the input, may raise FormatError and nothing else. seeds: sound inputs.

    tokens: what mutations put in now and then, besides COMMON_TOKENS (tags, keys, markers of the format).
    """

    name: str
    call: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception that a target must not raise (or an input that took too long), with the input that did it."""

    target: str
    text: str
    data: bytes


@dataclass(slots=True, kw_only=True)
class Outcome:
    """plateau: (executions, lines covered) at even steps. refused: inputs that ended in a FormatError."""

    executions: int = 0
    refused: int = 0
    lines: int = 0
    corpus: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    plateau: list[tuple[int, int]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Mutator:
    """Makes inputs out of others, by a seeded generator. It knows bytes and tokens, no format."""

    def __init__(self, seed: int, tokens: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._tokens = tuple(tokens)

    def pick(self, corpus: Sequence[bytes]) -> bytes:
        return corpus[int(self._random.random() * len(corpus))]

    def mutate(self, data: bytes, corpus: Sequence[bytes]) -> bytes:
        """One to four changes, each at a place of its own."""
        out = bytearray(data)
        for _ in range(1 + int(self._random.random() ** 3 * 4)):
            self._change(out, corpus)
        return bytes(out[:MAX_INPUT])

    def _change(self, out: bytearray, corpus: Sequence[bytes]) -> None:
        draw = self._random.random
        at = int(draw() * (len(out) + 1))
        length = 1 + int(draw() ** 4 * 64)
        kind = int(draw() * 9)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << int(draw() * 8)
        elif kind == 1 and at < len(out):
            out[at] = int(draw() * 256)
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[max(0, at - length) : at] * (1 + int(draw() ** 6 * 40))
        elif kind in (4, 5):
            out[at : at + (length if kind == 5 else 0)] = self._tokens[int(draw() * len(self._tokens))]
        elif kind == 6:
            other = self.pick(corpus)
            start = int(draw() * (len(other) + 1))
            out[at : at + length] = other[start : start + int(draw() ** 2 * 300)]
        elif kind == 7:
            del out[at if draw() < 0.2 else len(out) :]
        else:
            self._change_number(out, at)

    def _change_number(self, out: bytearray, at: int) -> None:
        """The next run of digits from here becomes a token, as numbers are what formats trip over."""
        while at < len(out) and not 48 <= out[at] <= 57:
            at += 1
        end = at
        while end < len(out) and 48 <= out[end] <= 57:
            end += 1
        if at < end:
            out[at:end] = self._tokens[int(self._random.random() * len(self._tokens))]


class Tracer:
    """Collects the lines of this project's code that run."""

    def __init__(self) -> None:
        self.lines: set[tuple[CodeType, int]] = set()
        self._ours: dict[CodeType, bool] = {}

    def run(self, call: Callable[[], Any]) -> bool:
        """Calls it; True if a line ran that never ran before. Whatever the call raises goes on."""
        before = len(self.lines)
        previous = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            call()
        finally:
            sys.settrace(previous)
            self.is_new = len(self.lines) > before
        return self.is_new

    is_new = False

    def _on_call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.startswith(TRACED)
        return self._on_line if ours else None

    def _on_line(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        self.lines.add((frame.f_code, frame.f_lineno))
        return self._on_line


def fuzz(
    targets: Sequence[Target], *, executions: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Runs the campaign, the executions shared evenly among the targets in turn. Same seed, same inputs."""
    outcome = Outcome()
    tracer = Tracer()
    started = time.perf_counter()
    for number, target in enumerate(targets):
        share = executions // len(targets) + (number < executions % len(targets))
        _fuzz_one(target, share, seed * 1_000 + number, tracer, outcome, say)
    outcome.lines = len(tracer.lines)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _fuzz_one(
    target: Target, share: int, seed: int, tracer: Tracer, outcome: Outcome, say: Callable[[str], None]
) -> None:
    corpus = list(target.seeds)
    mutator = Mutator(seed, (*COMMON_TOKENS, *target.tokens))
    step = max(1, share // 10)
    for number in range(share):
        data = target.seeds[number] if number < len(target.seeds) else mutator.mutate(mutator.pick(corpus), corpus)
        traced = number % SAMPLE == 0 or number < len(target.seeds)
        _execute(target, data, tracer if traced else None, outcome)
        if traced and tracer.is_new and number >= len(target.seeds) and len(corpus) < MAX_CORPUS:
            corpus.append(data)
        if (number + 1) % step == 0:
            outcome.plateau.append((outcome.executions, len(tracer.lines)))
            say(
                f"{target.name:24} {number + 1:>9} executions {len(tracer.lines):>6} lines {len(corpus):>5} inputs kept"
            )
    outcome.corpus += len(corpus)


def _execute(target: Target, data: bytes, tracer: Tracer | None, outcome: Outcome) -> None:
    outcome.executions += 1
    started = time.perf_counter()
    try:
        if tracer is None:
            target.call(data)
        else:
            tracer.run(lambda: target.call(data))
    except FormatError:
        outcome.refused += 1
    except Exception:
        outcome.failures.append(Failure(target=target.name, text=traceback.format_exc(limit=-6), data=data))
    taken = time.perf_counter() - started
    outcome.slowest = max(outcome.slowest, taken)
    if taken > SLOW_SECONDS:
        outcome.failures.append(Failure(target=target.name, text=f"took {taken:.1f} s", data=data))


def targets_of(codec: str) -> tuple[Target, ...]:
    """The TARGETS of tests/fuzz/CODEC_targets.py. Raises SystemExit naming those there are."""
    known = sorted(path.name[: -len("_targets.py")] for path in Path(__file__).parent.glob("*_targets.py"))
    if codec not in known:
        raise SystemExit(f"no targets for {codec!r}; there are {', '.join(known)}")
    found: tuple[Target, ...] = importlib.import_module(f"tests.fuzz.{codec}_targets").TARGETS
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("codec")
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="", help="only the targets whose name has this in it")
    parser.add_argument("--out", type=Path, help="where inputs that fail are saved (else a temporary folder)")
    options = parser.parse_args(arguments)
    targets = [target for target in targets_of(options.codec) if options.target in target.name]
    outcome = fuzz(targets, executions=options.executions, seed=options.seed, say=lambda line: print(line, flush=True))
    speed = outcome.executions / max(outcome.seconds, 1e-9)
    print(
        f"{outcome.executions} executions in {outcome.seconds:.0f} s ({speed:.0f} a second), {outcome.refused} refused"
    )
    print(f"{outcome.lines} lines covered, {outcome.corpus} inputs kept, slowest input {outcome.slowest:.3f} s")
    print(f"{len(outcome.failures)} unexpected exceptions")
    if outcome.failures:
        _save(outcome.failures, options.out or Path(tempfile.mkdtemp(prefix="fuzz-")))
    return 1 if outcome.failures else 0


def _save(failures: Sequence[Failure], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shown: set[str] = set()
    for number, failure in enumerate(failures[:200]):
        path = folder / f"{failure.target.replace(' ', '-')}-{number}.bin"
        path.write_bytes(failure.data)
        last = failure.text.strip().splitlines()[-1]
        if last not in shown:
            shown.add(last)
            print(f"--- {failure.target}: {path}\n{failure.text}")


if __name__ == "__main__":
    sys.exit(main())
