"""Run folders as they lie on disk: what a run was, how it went, whether it still goes on.

Reads without torch; writes only the folder itself and the mark that says which process is training in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import (
    EpochEvaluated,
    RunEnded,
    RunInfo,
    RunStarted,
    Scores,
    StepDone,
    TrainEvent,
    event_from_json,
    scores_from_json,
)

CONFIG_FILE = "config.json"
EVENTS_FILE = "events.jsonl"
SCORES_FILE = "scores.json"
SNAPSHOT_FILE = "snapshot.npz"
RUNNING_FILE = "running.json"
DETECTIONS_FOLDER = "detections"

_ID = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d{2})(\d{2})")
_FRESH_S = 120.0


def new_run_dir(runs_dir: Path, preset: str = "", *, now: datetime | None = None) -> Path:
    """Makes an empty folder named like 2026-11-21_1432_from-scratch, or ..._2 where that is taken."""
    stamp = (now or datetime.now()).strftime("%Y-%m-%d_%H%M")
    slug = re.sub(r"[^a-z0-9]+", "-", preset.casefold()).strip("-")[:40]
    base = f"{stamp}_{slug}" if slug else stamp
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            path = runs_dir / (base if number == 1 else f"{base}_{number}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise FormatError(runs_dir, "", f"no run folder can be made ({error.strerror}). Check the disk.") from error
    raise FormatError(runs_dir, "", "has too many runs of this minute. Delete some.")


def mark_running(run_dir: Path) -> None:
    """Says that this process trains in the folder; a crash leaves the mark, and the dead pid tells."""
    text = json.dumps({"pid": os.getpid(), "host": platform.node()})
    (run_dir / RUNNING_FILE).write_text(text, encoding="utf-8")


def unmark_running(run_dir: Path) -> None:
    """Takes the mark of mark_running away."""
    (run_dir / RUNNING_FILE).unlink(missing_ok=True)


def read_events(run_dir: Path) -> list[TrainEvent]:
    """The run's events in order; lines torn by a crash or written by a later version are left out.

    Raises FormatError if the file is there and cannot be read.
    """
    path = run_dir / EVENTS_FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    return [event for line in lines if (event := _event(line)) is not None]


def read_run(run_dir: Path) -> RunInfo:
    """The run as the runs table shows it. Raises FormatError if the folder is no run."""
    if not (run_dir / CONFIG_FILE).is_file() and not (run_dir / EVENTS_FILE).is_file():
        raise FormatError(run_dir, "", f"is not a run: {CONFIG_FILE} and {EVENTS_FILE} are missing.")
    story = _tell(read_events(run_dir))
    ended = story.ended
    best = _final_scores(run_dir) or (story.best.scores if story.best else None)
    return RunInfo(
        id=run_dir.name,
        path=str(run_dir),
        status=ended.status if ended else ("running" if _is_running(run_dir) else "interrupted"),
        preset=str(_read_json(run_dir / CONFIG_FILE).get("preset", "")),
        epochs=ended.epochs if ended else story.epochs,
        seconds=ended.seconds if ended else story.seconds,
        best_epoch=ended.best_epoch if ended else (story.best.epoch if story.best else 0),
        best=best,
        started=_started(run_dir),
        message=ended.message if ended else "",
    )


def list_runs(runs_dir: Path) -> list[RunInfo]:
    """All runs of the folder, the newest first; folders that are no run are left out. An absent folder has none."""
    if not runs_dir.is_dir():
        return []
    runs: list[RunInfo] = []
    for path in sorted(runs_dir.iterdir(), key=lambda p: p.name, reverse=True):
        if path.is_dir() and not path.name.startswith("."):
            with contextlib.suppress(FormatError):
                runs.append(read_run(path))
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    epochs: int
    seconds: float
    best: EpochEvaluated | None
    ended: RunEnded | None


def _tell(events: list[TrainEvent]) -> _Story:
    """What the events say since the run was last started or resumed; the best score is of the whole run."""
    epochs, seconds = 0, 0.0
    best: EpochEvaluated | None = None
    ended: RunEnded | None = None
    for event in events:
        if isinstance(event, RunStarted):
            ended = None
        elif isinstance(event, StepDone):
            seconds = event.elapsed_s
        elif isinstance(event, EpochEvaluated):
            epochs, seconds = max(epochs, event.epoch), event.elapsed_s
            best = event if event.best or best is None else best
        elif isinstance(event, RunEnded):
            ended = event
    return _Story(epochs=epochs, seconds=seconds, best=best, ended=ended)


def _event(line: bytes) -> TrainEvent | None:
    try:
        data = json.loads(line)
        return event_from_json(data) if isinstance(data, dict) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _final_scores(run_dir: Path) -> Scores | None:
    data = _read_json(run_dir / SCORES_FILE)
    try:
        return scores_from_json(data) if data else None
    except (TypeError, KeyError, AttributeError):
        return None


def _read_json(path: Path) -> dict[str, Any]:
    """The file's object; empty if it is absent or damaged, because a runs table shows what there is."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _is_running(run_dir: Path) -> bool:
    mark = _read_json(run_dir / RUNNING_FILE)
    pid = mark.get("pid")
    if mark.get("host") == platform.node() and isinstance(pid, int) and pid > 0:
        return _is_alive(pid)
    try:
        age = time.time() - (run_dir / EVENTS_FILE).stat().st_mtime
    except OSError:
        return False
    return bool(mark) and age < _FRESH_S


def _is_alive(pid: int) -> bool:
    if pid == os.getpid() or os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _started(run_dir: Path) -> str:
    match = _ID.match(run_dir.name)
    if match:
        return f"{match.group(1)} {match.group(2)}:{match.group(3)}"
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(run_dir.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    return ""
