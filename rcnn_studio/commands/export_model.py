"""The command `export-model`: its options, and what it answers. Writes no model itself."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, opened, project_option, run_option
from rcnn_studio.commands.terminal import StopSignal, Terminal
from rcnn_studio.tasks import exporting_model, running


def options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    run_option(parser)
    parser.add_argument("--format", required=True, choices=exporting_model.MODEL_FORMATS)
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write")


def export_model(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    with opened(options.project) as store:
        run = running.find_run(store.runs_folder, options.run)
        done = exporting_model.export_model(store, run, options.format, options.out, terminal.report, should_stop)
    text = (
        f"{options.out}: {run.id} as {options.format}; in {done.images} images with {done.detections} detections the "
        f"largest difference is {done.largest_box_difference:.2g} pixels and {done.largest_score_difference:.2g} in "
        f"score. Beside it: {', '.join(Path(name).name for name in done.files[1:])}"
    )
    lost = f"{done.unmatched} of {done.detections} detections are not found by the file." if done.unmatched else ""
    return Answer(document=asdict(done), text=text, code=int(done.unmatched > 0), message=lost)
