"""The subcommand `evaluate`: a run on a split, or a COCO results file. Scoring is in tasks and engine."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, opened, run_option, scores_json, usage_error
from rcnn_studio.commands.terminal import StopSignal, Terminal, number, scores_text, table
from rcnn_studio.domain.analysis import Analysis
from rcnn_studio.formats.codec import SPLIT_NAMES
from rcnn_studio.tasks import evaluating, running


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, nargs="?", metavar="PROJECT", help="folder of a project")
    run_option(parser, required=False)
    parser.add_argument("--split", metavar="NAME", help=f"one of the project's splits: {', '.join(SPLIT_NAMES)} (val)")
    parser.add_argument("--gt", type=Path, metavar="GT.json", help="COCO file with the truth, instead of a project")
    parser.add_argument("--dt", type=Path, metavar="DETECTIONS.json", help="COCO results file")
    parser.add_argument("--errors", action="store_true", help="with --run: errors by kind, confusion, curves, sizes")


def evaluate(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    of_files = options.gt is not None and options.dt is not None and not (options.project or options.run)
    of_run = options.project is not None and options.run is not None and not (options.gt or options.dt)
    if options.errors and not of_run:
        usage_error("--errors needs PROJECT --run RUN.")
    if of_files:
        scores = evaluating.evaluate_files(options.gt, options.dt)
        return Answer(document=scores_json(scores), text=scores_text(scores))
    if not of_run:
        usage_error("evaluate needs either PROJECT --run RUN, or --gt GT.json --dt DETECTIONS.json.")
    split = options.split or "val"
    with opened(options.project) as store:
        run = running.find_run(store.runs_folder, options.run)
        found = evaluating.evaluate_run(
            store, Path(run.path), split, terminal.report, should_stop, with_analysis=options.errors
        )
    head = f"{run.id} on {found.images} images of {split}:\n"
    document, text = scores_json(found.scores), head + scores_text(found.scores)
    if found.analysis is not None:
        document = {**document, **asdict(found.analysis), "AP50": document["AP50"]}
        text = f"{text}\n\n{analysis_text(found.analysis)}"
    return Answer(document=document, text=text)


def analysis_text(analysis: Analysis) -> str:
    """Errors and confusion as two tables."""
    rows = [("error", "count", "costs AP50"), *((e.name, str(e.count), number(e.dAP)) for e in analysis.errors)]
    names, counts = analysis.confusion.names, analysis.confusion.counts
    matrix = [("is \\ found as", *names), *((n, *map(str, row)) for n, row in zip(names, counts, strict=True))]
    return f"{table(rows)}\n\n{table(matrix)}"
