"""The subcommand `export`: the labels in another format. The writing is in tasks and formats."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, opened, project_option
from rcnn_studio.commands.terminal import StopSignal, Terminal
from rcnn_studio.tasks import exporting


def options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    parser.add_argument("--format", required=True, choices=exporting.EXPORT_FORMATS)
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")


def export(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    with opened(options.project) as store:
        done = exporting.export_dataset(store, options.format, options.out, terminal.report, should_stop)
    text = f"{options.out}: {done.images} images, {done.boxes} boxes, {done.files} files"
    if done.lost:
        text += "\n" + "\n".join((f"What {options.format} has no place for:", *(f"  {loss}" for loss in done.lost)))
    return Answer(document=asdict(done), text=text)
