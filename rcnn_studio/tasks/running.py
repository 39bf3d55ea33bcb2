"""The runs of a project: listing them and finding the one a person means. Reads run folders only."""

from __future__ import annotations

import difflib
from pathlib import Path

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.run_folder import CONFIG_FILE, list_runs

LAST, BEST = "last", "best"


def find_run(runs_folder: Path, name: str, *, with_model: bool = True) -> RunInfo:
    """The run called `name`; "last": the newest with a model, "best": the one with the highest AP.

    A beginning of an id that only one run has is enough. with_model=False: one that was never scored will do too.
    Raises EngineError that names the runs there are.
    """
    runs = list_runs(runs_folder)
    usable = [run for run in runs if run.best is not None or not with_model]
    if name in (LAST, BEST):
        if not usable:
            raise EngineError(f"{runs_folder}: no run has a model yet. Train one first: rcnn-studio train PROJECT.")
        return max(usable, key=_started if name == LAST or not with_model else _score)
    matching = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
    if len(matching) == 1:
        return _with_model(matching[0]) if with_model else matching[0]
    if matching:
        raise EngineError(f"{name!r} is the beginning of several runs: {', '.join(r.id for r in matching)}.")
    close = difflib.get_close_matches(name, [run.id for run in runs], n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    names = ", ".join(run.id for run in runs) or "none yet"
    raise EngineError(f"{runs_folder}: there is no run {name!r}.{hint} Runs: {names}. Also: last, best.")


def _started(run: RunInfo) -> tuple[str, float]:
    """The id says the minute; the config is written once, when the run begins."""
    config = Path(run.path) / CONFIG_FILE
    return run.started, config.stat().st_mtime if config.is_file() else 0.0


def _score(run: RunInfo) -> tuple[float, str]:
    assert run.best is not None
    return run.best.AP, run.id


def _with_model(run: RunInfo) -> RunInfo:
    if run.best is None:
        raise EngineError(f"{run.path}: this run ({run.status}) has no model. Choose another one, or train again.")
    return run
