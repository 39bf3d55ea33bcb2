"""What each subcommand takes and does: options in, a task, an Answer out. Prints nothing of it; cli.py has the table.

Imports neither Qt nor torch; the window is imported only when it is asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from rcnn_studio.domain.analysis import Analysis
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.domain.runs import RunInfo, Scores
from rcnn_studio.formats import CODECS, archive
from rcnn_studio.formats.codec import LABEL_FORMATS, SPLIT_NAMES, Source
from rcnn_studio.formats.run_folder import list_runs
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks import (
    doctor,
    evaluating,
    exporting,
    importing,
    predicting,
    results,
    running,
)
from rcnn_studio.terminal import (
    SCORE_NAMES,
    StopSignal,
    Terminal,
    clock,
    number,
    print_error,
    problems_text,
    runs_text,
    scores_text,
    table,
)

Options = argparse.Namespace

FORMATS = tuple(codec.name for codec in CODECS)
SOURCES = ("voc", "coco", "yolo", "labelme", "csv", "zip", "format")
"""Options of `new` that name a labelled dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command says: the JSON document, the text for people, the exit code, a message for stderr."""

    document: Any
    text: str
    code: int = 0
    message: str = ""


# --- new ----------------------------------------------------------------------------------------------


def new_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of the new project")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--voc", type=Path, metavar="DIR", help="a VOC dataset: Annotations, JPEGImages, ImageSets")
    kind.add_argument(
        "--coco", nargs="+", metavar="[split=]FILE", help="COCO files, such as train=a.json val=b.json, or their folder"
    )
    kind.add_argument("--yolo", type=Path, metavar="DIR", help="a YOLO dataset: images, labels, data.yaml; or its yaml")
    kind.add_argument("--labelme", type=Path, metavar="DIR", help="images with labelme's JSON beside them")
    kind.add_argument(
        "--csv", nargs="+", metavar="[split=]FILE", help="tables as TensorFlow's or keras-retinanet's, or their folder"
    )
    kind.add_argument("--zip", type=Path, metavar="FILE", help="any of these in a zip archive; unpacked into PROJECT")
    kind.add_argument("--format", nargs=2, metavar=("NAME", "PATH"), help=f"one of {', '.join(FORMATS)}, by its name")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of the images; alone: plain images")
    parser.add_argument(
        "--labels", choices=LABEL_FORMATS, help="what to write beside plain images (voc unless told otherwise)"
    )
    parser.add_argument(
        "--split", type=fraction, default=importing.DEFAULT_SPLIT, metavar="SHARE", help="share of val (0.2)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="draws the same split again (0)")


def new(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    source, format_name = source_of(options)
    made = importing.create_project(
        options.project,
        source,
        format_name=format_name,
        split_fraction=options.split,
        seed=options.seed,
        report=terminal.report,
        should_stop=should_stop,
    )
    names = [category.name for category in made.categories]
    head = f"{made.project}: {made.images} images, {made.boxes} boxes, categories: {', '.join(names) or 'none yet'}"
    problems = f"\n{len(made.problems)} problems, kept in their files as they are:\n{problems_text(made.problems)}"
    document = {
        "project": str(made.project),
        "images": made.images,
        "boxes": made.boxes,
        "categories": names,
        "problems": [problem_json(problem) for problem in made.problems],
    }
    return Answer(document=document, text=head + (problems if made.problems else ""))


def source_of(options: Options) -> tuple[Source, str | None]:
    """What the options point at, and the codec's name (None: to be found out). Ends with wrong usage where they do not
    fit."""
    images = absolute(options.images)
    name = next((name for name in SOURCES if getattr(options, name)), None)
    if options.labels is not None and name is not None:
        usage_error("--labels is for plain images: a labelled dataset is written back to its own files.")
    if name is None:
        if images is None:
            usage_error("name the dataset: --voc DIR, --coco FILE ..., --yolo DIR, --zip FILE, --images DIR, ...")
        return Source(path=images, label_format=options.labels or "voc"), "images"
    given = getattr(options, name)
    if name in ("coco", "csv"):
        return source_of_files(given, images), name
    if name == "format":
        if given[0] not in FORMATS:
            usage_error(f"--format {given[0]}: there is no such format. Choose one of {', '.join(FORMATS)}.")
        return Source(path=Path(given[1]).absolute(), images=images), given[0]
    if name == "zip":
        if images is not None:
            usage_error("--images does not go with --zip: the images are in the archive.")
        if not archive.is_zip(given):
            raise FormatError(given, "", "is no zip file. Name the archive.")
    return Source(path=given.absolute(), images=images), None if name == "zip" else name


def source_of_files(texts: Sequence[str], images: Path | None) -> Source:
    """One folder, or several files with their splits."""
    files = tuple(split_and_file(text) for text in texts)
    split, first = files[0]
    if len(files) == 1 and first.is_dir():
        return Source(path=first, images=images, split=split)
    return Source(path=first, images=images, files=files)


# --- evaluate -----------------------------------------------------------------------------------------


def evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, nargs="?", metavar="PROJECT")
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


# --- predict ------------------------------------------------------------------------------------------


def predict_options(parser: argparse.ArgumentParser) -> None:
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


# --- export, runs, doctor -------------------------------------------------------------------------------


def export_options(parser: argparse.ArgumentParser) -> None:
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


def runs(options: Options, _terminal: Terminal, _should_stop: StopSignal) -> Answer:
    with opened(options.project) as store:
        found = list_runs(store.runs_folder)
    return Answer(document=[run_json(run) for run in found], text=runs_text(found))


def examine(_options: Options, _terminal: Terminal, _should_stop: StopSignal) -> Answer:
    report = doctor.examine()
    rows = [("", "item", "found"), *(("ok" if i.ok else "NO", i.name, i.value) for i in report.items)]
    remedies = [f"{item.name}: {item.remedy}" for item in report.items if item.remedy]
    text = "\n".join([table(rows), "", *remedies]) if remedies else table(rows)
    missing = ", ".join(item.name for item in report.items if not item.ok)
    message = "" if report.ok else f"Not everything is there: {missing}. The remedies stand in the report."
    return Answer(document=asdict(report), text=text, code=int(not report.ok), message=message)


# --- demo and the window ----------------------------------------------------------------------------------


def demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("rcnn-studio-demo"), metavar="DIR", help="screenshots, report")
    parser.add_argument("--offscreen", action="store_true", help="without showing the window")


def demo(options: Options, _terminal: Terminal, _should_stop: StopSignal) -> Answer:
    with needing_window():
        from rcnn_studio.app import run_demo
    report = run_demo(options.out.absolute(), offscreen=options.offscreen)
    steps = report["steps"]
    failed = [step["name"] for step in steps if not step["ok"]]
    text = f"{len(steps) - len(failed)} of {len(steps)} steps went well; screenshots and report.json in {options.out}"
    message = f"These steps of the demo failed: {', '.join(failed)}." if failed else ""
    return Answer(document=report, text=text, code=int(bool(failed)), message=message)


def open_window(path: Path | None) -> int:
    """Show the window on a project or a folder of images; without either on what was open last."""
    if path is not None and not path.exists():
        raise StudioError(f"{path}: no such folder. Name a project or a folder of images, or see --help.")
    with needing_window():
        from rcnn_studio.app import run_window
    return run_window(None if path is None else path.absolute())


# --- small pieces ---------------------------------------------------------------------------------------


def project_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of a project")


def no_options(_parser: argparse.ArgumentParser) -> None:
    """For a command that takes nothing."""


def run_option(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--run", required=required, metavar="RUN", help="id of a run, or last, or best")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ProjectStore]:
    """The project for reading, whoever else has it open; a folder of images whose project lies inside will do."""
    store = ProjectStore.open(importing.find_project(path) or path, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def needing_window() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise StudioError(f"The window cannot be loaded ({error}). Run `rcnn-studio doctor` for the remedy.") from error


def usage_error(message: str) -> NoReturn:
    print_error(message)
    raise SystemExit(2)


def fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: use a number from 0 to 0.9")
    return value


def devices(text: str) -> str:
    if text not in ("cpu", "all") and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is neither cpu, all nor a number from 1")
    return text


def key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        usage_error(f"--set {text}: write key=value, for example --set epochs=5.")
    return key.strip(), value


def split_and_file(text: str) -> tuple[str, Path]:
    """ "train=a.json" -> ("train", a.json); a plain path has no split."""
    split, equals, name = text.partition("=")
    if equals and split.replace("_", "").replace("-", "").isalnum() and not Path(text).exists():
        return split, Path(name).absolute()
    return "", Path(text).absolute()


def absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def problem_json(problem: Problem) -> dict[str, str]:
    return {name: getattr(problem, name) for name in ("file", "where", "kind", "message", "action")}


def scores_json(scores: Scores) -> dict[str, Any]:
    rows = [{"name": r.name, "boxes": r.boxes, "AP": r.AP, "AP50": r.AP50} for r in scores.per_category]
    return {**{name: getattr(scores, name) for name in SCORE_NAMES}, "per_category": rows}


def run_json(run: RunInfo) -> dict[str, Any]:
    best = None if run.best is None else {"epoch": run.best_epoch, "AP": run.best.AP, "AP50": run.best.AP50}
    return {"id": run.id, "status": run.status, "preset": run.preset, "epochs": run.epochs, "best": best}
