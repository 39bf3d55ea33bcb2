"""The subcommand `split`, and the options by which `new` draws splits. The drawing is in tasks."""

from __future__ import annotations

import argparse

from rcnn_studio.commands.common import Answer, Options, project_option, sentence, usage_error
from rcnn_studio.commands.terminal import StopSignal, Terminal
from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.splits import SPLIT_BY, SplitRules
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import find_project
from rcnn_studio.tasks.splitting import Drawn, apply_splits


def options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        f"{sentence(parser.description)} Images keep the split they have unless --anew is given; one edit, which the "
        "window can undo."
    )
    project_option(parser)
    rule_options(parser)
    parser.add_argument("--anew", action="store_true", help="draw the splits of all labelled images again")


def rule_options(parser: argparse.ArgumentParser) -> None:
    rules = SplitRules()
    parser.add_argument(
        "--split-by",
        choices=SPLIT_BY,
        default=rules.by,
        help="random; stratified: every class has its share in each split; folder, near-duplicates: that, and images "
        "of one folder, or such as look alike, stay together (random)",
    )
    parser.add_argument("--split", type=fraction, default=rules.val, metavar="SHARE", help="share of val (0.2)")
    parser.add_argument("--test", type=fraction, default=rules.test, metavar="SHARE", help="share of test (0)")
    parser.add_argument("--seed", type=int, default=rules.seed, metavar="N", help="one number, one drawing (0)")


def rules_of(options: Options) -> SplitRules:
    """Ends with wrong usage where the shares leave nothing to train on."""
    try:
        return SplitRules(by=options.split_by, val=options.split, test=options.test, seed=options.seed)
    except ValueError as error:
        usage_error(f"--split, --test: {error}.")


def split(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    rules = rules_of(options)
    store = ProjectStore.open(find_project(options.project) or options.project)
    try:
        if store.read_only:
            raise ProjectError(f"{store.folder}: {store.owner or 'another program'} has it open. Close it there first.")
        drawn = apply_splits(store, rules, anew=options.anew, report=terminal.report, should_stop=should_stop)
        categories = store.categories()
    finally:
        store.close()
    document = {
        "project": str(store.folder),
        "changed": drawn.changed,
        "images": drawn.images,
        "boxes": {category.name: drawn.boxes[category.id] for category in categories},
        "torn": drawn.torn,
    }
    return Answer(document=document, text=_text(drawn, categories))


def _text(drawn: Drawn, categories: tuple[Category, ...]) -> str:
    names = [name for name, count in drawn.images.items() if count]
    width = max([len("images"), *(len(category.name) for category in categories)])
    rows = [("", names), ("images", [str(drawn.images[name]) for name in names])]
    rows += [(c.name, [str(drawn.boxes[c.id][name]) for name in names]) for c in categories]
    lines = [f"{head:<{width}}" + "".join(f"{cell:>10}" for cell in cells) for head, cells in rows]
    if drawn.torn:
        lines.append(f"{drawn.torn} groups of images that look alike lie in more than one split: draw them --anew.")
    return "\n".join([*lines, f"{drawn.changed} images have another split than before."])


def fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: use a number from 0 to below 1, for example 0.2")
    return value
