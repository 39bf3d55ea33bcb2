"""The subcommand `check`: what it takes, and what it says to people and to programs. The checks are in tasks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rcnn_studio.commands.common import Answer, Options, absolute, opened, sentence, split_and_file, usage_error
from rcnn_studio.commands.terminal import MAX_PROBLEMS_A_KIND, StopSignal, Terminal, problems_text
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.statistics import TrainingSize
from rcnn_studio.formats import CODECS
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.checking import Checked, Depth, check_dataset, check_project
from rcnn_studio.tasks.importing import find_project

LEVELS = ("error", "warning", "note")


def options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        f"{sentence(parser.description)} Nothing is written into either. "
        "error: left out of training and scoring; warning: used, but look; note: good to know."
    )
    parser.epilog = (
        "Exit status: 0 when everything could be looked at, whatever was found; with --strict 1 when there are "
        "errors; 1 with one message when the dataset or project cannot be read or was cancelled; 2 on wrong usage."
    )
    parser.add_argument(
        "path", type=Path, nargs="+", metavar="PROJECT|DATASET", help="a project, a dataset's folder, or COCO files"
    )
    parser.add_argument(
        "--format",
        choices=[codec.name for codec in CODECS],
        help="read it as a dataset of this format, even where a project lies inside (found out unless told)",
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="a dataset's images, where they lie elsewhere")
    parser.add_argument("--statistics", action="store_true", help="boxes by category, split, size and shape as well")
    parser.add_argument("--all", action="store_true", help="every single problem instead of the first of each kind")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when there are problems of level error")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--quick", action="store_true", help="only the headers of images: no look-alikes, no damage")
    depth.add_argument("--decode", action="store_true", help="decode every image at its full size (slow)")
    parser.add_argument(
        "--size",
        type=training_size,
        default=TrainingSize(),
        metavar="MIN[xMAX]",
        help="sides of the training image in pixels, for boxes too small to find (800x1333)",
    )


def check(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    checked = checked_of(options, terminal, should_stop)
    document: dict[str, Any] = {
        "images": checked.images,
        "boxes": checked.boxes,
        "problems": [problem_json(problem) for problem in checked.problems],
    }
    if checked.statistics is not None:
        from rcnn_studio.commands.statistics_text import statistics_json

        document["statistics"] = statistics_json(checked.statistics)
    failed = options.strict and checked.errors > 0
    message = f"{checked.of}: {checked.errors} errors; see above for each." if failed else ""
    return Answer(document=document, text=checked_text(checked, whole=options.all), code=int(failed), message=message)


def checked_of(options: Options, terminal: Terminal, should_stop: StopSignal) -> Checked:
    depth = Depth(pixels=not options.quick, whole=options.decode)
    shared: dict[str, Any] = {
        "depth": depth,
        "training_size": options.size,
        "with_statistics": options.statistics,
        "report": terminal.report,
        "should_stop": should_stop,
    }
    files = tuple(split_and_file(str(path)) for path in options.path)
    first = files[0][1]
    if len(files) == 1 and options.format is None and options.images is None and find_project(first) is not None:
        with opened(first) as store:
            return check_project(store, **shared)
    if len(files) > 1 and options.format not in (None, "coco"):
        usage_error("several files are for COCO, one for each split; name one folder of any other format.")
    images = absolute(options.images)
    if len(files) > 1 or files[0][0]:
        return check_dataset(Source(path=first, images=images, files=files), format_name="coco", **shared)
    return check_dataset(Source(path=first, images=images), format_name=options.format, **shared)


def checked_text(checked: Checked, *, whole: bool) -> str:
    """Head line, statistics where there are some, problems by kind with their places, and the sum at the end."""
    parts = [f"{checked.of} ({checked.kind}): {checked.images} images, {checked.boxes} boxes"]
    if checked.statistics is not None:
        from rcnn_studio.commands.statistics_text import statistics_text

        parts.append(statistics_text(checked.statistics))
    if checked.problems:
        parts.append(problems_text(checked.problems, limit=None if whole else MAX_PROBLEMS_A_KIND))
    parts.append(summary(checked.problems))
    return "\n\n".join(parts)


def summary(problems: tuple[Problem, ...]) -> str:
    """ "2 errors, 1 note." """
    if not problems:
        return "No problems."
    counts = {level: sum(1 for problem in problems if problem.level == level) for level in LEVELS}
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in counts.items() if n) + "."


def problem_json(problem: Problem) -> dict[str, str]:
    return {name: getattr(problem, name) for name in ("file", "where", "kind", "message", "action", "level")}


def training_size(text: str) -> TrainingSize:
    """ "800x1333" or "800": sides from 1 to 10,000, the first not above the second."""
    shorter, _, longer = text.partition("x")
    if not shorter.isdecimal() or (longer and not longer.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 800x1333, or 800")
    low = int(shorter[:6])
    high = int(longer[:6]) if longer else max(low, round(low * 1333 / 800))
    if not 1 <= low <= high <= 10_000:
        raise argparse.ArgumentTypeError(f"{text}: sides go from 1 to 10000, the smaller one first")
    return TrainingSize(min_side=low, max_side=high)
