"""The subcommand `new`: a project from a dataset or from plain images. Reads no format itself."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, absolute, problem_json, split_and_file, usage_error
from rcnn_studio.commands.split import rule_options, rules_of
from rcnn_studio.commands.terminal import StopSignal, Terminal, problems_text
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import CODECS, archive
from rcnn_studio.formats.codec import LABEL_FORMATS, Source
from rcnn_studio.tasks import importing

FORMATS = tuple(codec.name for codec in CODECS)
SOURCES = ("voc", "coco", "yolo", "labelme", "csv", "zip", "format")
"""Options of `new` that name a labelled dataset."""


def options(parser: argparse.ArgumentParser) -> None:
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
    rule_options(parser)


def new(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    source, format_name = source_of(options)
    made = importing.create_project(
        options.project,
        source,
        format_name=format_name,
        splits=rules_of(options),
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
