"""The subcommand `runs`: what was trained in a project."""

from __future__ import annotations

import argparse
from typing import Any

from rcnn_studio.commands.common import Answer, Options, opened, project_option
from rcnn_studio.commands.terminal import StopSignal, Terminal, runs_text
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.run_folder import list_runs


def options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)


def runs(options: Options, _terminal: Terminal, _should_stop: StopSignal) -> Answer:
    with opened(options.project) as store:
        found = list_runs(store.runs_folder)
    return Answer(document=[run_json(run) for run in found], text=runs_text(found))


def run_json(run: RunInfo) -> dict[str, Any]:
    best = None if run.best is None else {"epoch": run.best_epoch, "AP": run.best.AP, "AP50": run.best.AP50}
    return {"id": run.id, "status": run.status, "preset": run.preset, "epochs": run.epochs, "best": best}
