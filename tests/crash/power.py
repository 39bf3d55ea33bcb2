"""Records what the real storage code does to the disk, and opens every state a power cut may have left of it.

`python -m tests.crash.power --format voc`. Modelled power loss: the models of disk, not a real drive.
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
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.formats.codec import Imported
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from tests.crash import files, mutants, workspaces
from tests.crash.disk import Disk, Tree, fingerprint, materialise
from tests.crash.editor import Editor, dump, open_and_close
from tests.crash.forking import Child, Tell, start
from tests.crash.labels import NO_LABELS, Expected, Fault, brief
from tests.crash.recorder import Call, record, why_not
from tests.crash.witness import Tally, Witness
from tests.crash.workspaces import Workspace

MODELS = ("ordered", "weak")
_FAST = Path("/dev/shm")
_IDLE_S = 0.8  # longer than the pause after which the store moves its log into the database


@dataclass(frozen=True, slots=True)
class Cut:
    """A state the power cut may have left. edits, acknowledged: what had been announced and called saved by then."""

    tree: Tree
    expected: Expected
    number: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A scenario as it happened: the workspace before it, then its calls with what was said in between."""

    workspace: Workspace
    before: Path
    calls: list[Call]


def scenario(project: Path, seed: int, tell: Tell, *, grid: float, edits: int) -> None:
    """Edits, files written, a pause, a close, and a second session that ends without one."""
    rng = random.Random(seed)
    with ProjectStore.open(project) as store:
        tell({"dump": dump(store)})
        editor = Editor(store, rng, tell, grid=grid)
        for _ in range(2):
            _edit(store, editor, edits)
            store.write_back(wait=True)
            _edit(store, editor, edits)
            time.sleep(_IDLE_S)
    store = ProjectStore.open(project)
    tell({"dump": dump(store)})
    editor = Editor(store, rng, tell, grid=grid)
    _edit(store, editor, edits)
    store.write_back(wait=True)
    _edit(store, editor, edits)


def make_creation(folder: Path, seed: int, *, mutant: str = "") -> Recording:
    """A project is made on a VOC dataset. The one edit that is announced is that there are labels at all."""
    made = workspaces.make(folder / "model", "voc", images=3, unlabelled=2)
    home = folder / f"new-{seed}"
    files.make_dataset("voc", home / "data", images=3, unlabelled=2)
    before = folder / f"new-{seed}-before"
    shutil.copytree(home, before)
    labels = made.expected.states[0]
    plan = {"plan": 1, "images": [[i, *rest] for i, rest in labels.images.items()], "categories": labels.categories}
    workspace = workspaces.moved(made, home, Expected([NO_LABELS]))
    imported: list[Imported] = []

    def ready() -> None:
        mutants.plant(mutant)
        imported.append(codec("voc").read(Source(path=home / "data"), ignore, never))

    def work(tell: Tell) -> None:
        tell(plan)
        ProjectStore.create(workspace.project, imported[0]).close()
        tell({"ack": 1})

    messages, calls, complaints = record(work, home, ready)
    if complaints or messages[-1:] != [{"ack": 1}]:
        raise Fault("crash", f"the project was not made: {complaints[-2000:]}")
    return Recording(workspace=workspace, before=before, calls=calls)


def _edit(store: ProjectStore, editor: Editor, edits: int) -> None:
    for number in range(edits):
        editor.step()
        if number % 2:
            store.flush()
    store.flush()


def make_recording(name: str, folder: Path, seed: int, *, edits: int, mutant: str = "") -> Recording:
    """Runs the scenario on a new workspace under strace. Raises Fault if it does not go through."""
    home = folder / f"{name}-{seed}"
    home.mkdir(parents=True)
    workspaces.use_home(folder / "studio")
    workspace = workspaces.make(home, name, images=3, unlabelled=2)
    before = folder / f"{name}-{seed}-before"
    shutil.copytree(home, before)

    def work(tell: Tell) -> None:
        mutants.plant(mutant)
        scenario(workspace.project, seed, tell, grid=workspace.grid, edits=edits)

    messages, calls, complaints = record(work, home)
    if complaints or not any("ack" in message for message in messages):
        raise Fault("crash", f"the scenario failed: {complaints[-2000:]}")
    return Recording(workspace=workspace, before=before, calls=calls)


def cuts(recording: Recording, model: str, rng: random.Random, limit: int) -> Iterator[Cut]:
    """The states after every step; each different one once, with all that had been acknowledged by then."""
    disk = Disk.holding(recording.before)
    disk.root = str(recording.workspace.folder)
    expected = _copied(recording.workspace.expected)
    seen: dict[bytes, tuple[int, int]] = {}
    for number, call in enumerate([*recording.calls, None]):
        said = _said(call)
        changes = _changes_disk(disk, call)
        if changes or said or call is None:
            yield from (
                Cut(tree, _copied(expected), number) for tree in _fresh_trees(disk, expected, seen, model, rng, limit)
            )
        for message in said:
            _follow(expected, message)
        if call is not None and disk.apply(call) and model == "ordered" and call.name in ("fsync", "fdatasync"):
            disk.sync_names(call)


def _changes_disk(disk: Disk, call: Call | None) -> bool:
    """Whether the state before this call is worth a look: before a write or a sync, not before a close."""
    return call is not None and call.result >= 0 and call.name not in ("close", "lseek", "mmap", "sendto")


def _fresh_trees(
    disk: Disk, expected: Expected, seen: dict[bytes, tuple[int, int]], model: str, rng: random.Random, limit: int
) -> Iterator[Tree]:
    """Trees that were not looked at yet, or not with so much acknowledged."""
    choices = disk.ordered_choices(rng, limit) if model == "ordered" else disk.weak_choices(rng, limit)
    promised = (len(expected.older), expected.acknowledged)
    chosen = set()
    for choice in choices:
        if choice in chosen:
            continue
        chosen.add(choice)
        tree = disk.tree(choice)
        key = fingerprint(tree)
        if key not in seen or seen[key] < promised:
            seen[key] = promised
            yield tree


def _said(call: Call | None) -> list[dict[str, Any]]:
    """The messages to the parent that this call carried."""
    if call is None or call.name != "sendto":
        return []
    return [json.loads(line) for line in call.data(1).splitlines()]


def _follow(expected: Expected, message: dict[str, Any]) -> None:
    if "plan" in message:
        expected.announce(message)
    elif "ack" in message:
        expected.acknowledge(message["ack"])
    elif "dump" in message:  # a new session counts its edits from 1
        expected.settle(len(expected.states) - 1)


def _copied(expected: Expected) -> Expected:
    return Expected(list(expected.states), expected.acknowledged, list(expected.older))


def check(cut: Cut, recording: Recording, folder: Path, tally: Tally) -> None:
    """Puts the state into a folder, looks at it, opens it with the real store, closes it, looks again. Raises Fault."""
    folder.mkdir()
    workspaces.use_home(folder / "studio")
    try:
        materialise(cut.tree, folder)
        workspace = workspaces.moved(recording.workspace, folder, cut.expected)
        witness = Witness(workspace, tally)
        if not (workspace.project / DATABASE_NAME).exists():
            cut.expected.match(NO_LABELS)
            return
        if cut.expected.states[0] == NO_LABELS:  # being made: whole, if it is there
            cut.expected.acknowledged = max(cut.expected.acknowledged, 1)
            cut.expected.older = [cut.expected.states[1]]
        witness.look_at_files()
        witness.check_database()
        open_and_close(workspace.project, witness.hear)
    except Fault:
        raise
    except Exception as error:
        raise Fault("crash", f"{type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Result:
    """states: how many different ones were opened. cuts: how many moments."""

    states: int
    cuts: int
    tally: Tally
    found: list[str]


def campaign(
    recording: Recording,
    model: str,
    seed: int,
    limit: int,
    folder: Path,
    *,
    share: tuple[int, int] = (0, 1),
    enough: int = 10,
) -> Result:
    """Opens every state of the model (share: number i of n equal parts), until enough is found wrong."""
    result = Result(0, 0, Tally(), [])
    last = -1
    for number, cut in enumerate(cuts(recording, model, random.Random(seed), limit)):
        result.cuts += cut.number != last
        last = cut.number
        if number % share[1] != share[0]:
            continue
        result.states += 1
        try:
            check(cut, recording, folder / f"state-{share[0]}-{number}", result.tally)
        except Fault as fault:
            result.tally.count(fault)
            result.found.append(f"{model}, before call {cut.number} {_named(recording, cut.number)}: {fault}")
            if len(result.found) >= enough:
                break
    return result


def _named(recording: Recording, number: int) -> str:
    if number >= len(recording.calls):
        return "(the end)"
    call = recording.calls[number]
    return call.name


def in_children(
    recording: Recording,
    model: str,
    seed: int,
    limit: int,
    folder: Path,
    *,
    workers: int = 1,
    enough: int = 10,
    one_of: int = 1,
) -> Result:
    """The campaign, shared among forked children, because opening a project starts threads. one_of: only each
    so-manieth state is opened."""

    def worker(part: int) -> Child:
        def work(tell: Tell) -> None:
            share = (part * one_of, workers * one_of)
            tell(asdict(campaign(recording, model, seed, limit, folder, share=share, enough=enough)))

        return start(work, folder / f"stderr-{model}-{part}")

    total = Result(0, 0, Tally(), [])
    for child in [worker(part) for part in range(workers)]:
        messages = list(child.rest())
        if child.wait() or not messages:
            raise Fault("crash", f"the enumerator itself failed: {child.complaints()[-3000:]}")
        done = messages[-1]
        total.states += done["states"]
        total.cuts = max(total.cuts, done["cuts"])
        total.tally.add(Tally(**done["tally"]))
        total.found += done["found"]
    return total


def scratch(prefix: str) -> Path:
    """A fresh folder, in memory where that is possible: thousands of states are written."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_FAST if _FAST.is_dir() else None))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.power", description=__doc__)
    parser.add_argument("--format", choices=("new", *workspaces.GRID), default="voc", help="new: making a project")
    parser.add_argument("--model", choices=("both", *MODELS), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", type=int, default=3, help="edits between two events of the scenario")
    parser.add_argument("--limit", type=int, default=32, help="states looked at for each moment (all, where fewer)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--one-of", type=int, default=1, help="open only each so-manieth state")
    parser.add_argument("--first", action="store_true", help="stop at the first fault")
    parser.add_argument("--mutant", choices=("", *mutants.MUTANTS), default="")
    args = parser.parse_args(arguments)
    if reason := why_not():
        print(f"skipped: {reason}", file=sys.stderr)
        return 2
    folder = scratch("rcnn-power-")
    gc.freeze()
    try:
        if args.format == "new":
            recording = make_creation(folder, args.seed, mutant=args.mutant)
        else:
            recording = make_recording(args.format, folder, args.seed, edits=args.edits, mutant=args.mutant)
        faults = 0
        for model in MODELS if args.model == "both" else (args.model,):
            began = time.monotonic()
            enough = 1 if args.first else 10
            result = in_children(
                recording,
                model,
                args.seed,
                args.limit,
                folder,
                workers=args.workers,
                enough=enough,
                one_of=args.one_of,
            )
            faults += result.tally.faults
            print(
                f"modelled power loss, {args.format}, {model}: {len(recording.calls)} calls, {result.cuts} moments, "
                f"{result.states} states, {result.tally.lost} lost edits, {result.tally.faults} faults in all",
                file=sys.stderr,
            )
            head = {"format": args.format, "model": model, "seed": args.seed, "mutant": args.mutant}
            result.found = [brief(text) for text in result.found]
            print(json.dumps({**head, "seconds": round(time.monotonic() - began, 1), **asdict(result)}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
