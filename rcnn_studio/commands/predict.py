"""The subcommand `predict`: detections of a run, as COCO results. The work is in tasks."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, opened, project_option, run_option
from rcnn_studio.commands.terminal import StopSignal, Terminal, clock
from rcnn_studio.tasks import predicting, results, running


def options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    run_option(parser)
    parser.add_argument(
        "--images", type=Path, nargs="+", metavar="PATH", help="any images or folders of images (all of the project's)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the detections as COCO results")


def predict(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    started = time.monotonic()
    if options.out is not None:
        results.check_target(options.out)
    with opened(options.project) as store:
        run = running.find_run(store.runs_folder, options.run)
        if options.images is not None:
            paths = predicting.expand_images(options.images)
            of_files = predicting.predict_files(Path(run.path), paths, terminal.report, should_stop)
            rows, asked, read = results.of_files(of_files), len(paths), len(of_files)
        else:
            ids = [int(image_id) for image_id in store.image_table().ids]
            found = predicting.predict_images(store, Path(run.path), ids, terminal.report, should_stop)
            rows, asked, read = results.of_images(store, found), len(ids), len(found)
    if options.out is not None:
        results.write(options.out, rows)
    seconds = time.monotonic() - started
    where = f", in {options.out}" if options.out is not None else ""
    text = f"{run.id}: {len(rows)} detections in {read} images in {clock(seconds)}{where}"
    unread = f"{asked - read} of {asked} images cannot be read; they are named above." if read < asked else ""
    document = {"images": read, "detections": len(rows), "seconds": round(seconds, 3)}
    return Answer(document=document, text=text, code=int(read < asked), message=unread)
