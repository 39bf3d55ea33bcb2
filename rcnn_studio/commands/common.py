"""What the subcommands share: the Answer, options that several take, values as JSON. No command of its own."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rcnn_studio.commands.terminal import SCORE_NAMES, print_error
from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import Scores

if TYPE_CHECKING:  # loaded where a command opens a project: the window shows a sign of its start before that
    from rcnn_studio.store.project import ProjectStore

Options = argparse.Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command says: the JSON document, the text for people, the exit code, a message for stderr."""

    document: Any
    text: str
    code: int = 0
    message: str = ""


def project_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help="folder of a project")


def sentence(text: str | None) -> str:
    """A help text as the first sentence of a description."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def run_option(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--run", required=required, metavar="RUN", help="id of a run, or last, or best")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ProjectStore]:
    """The project for reading, whoever else has it open; a folder of images whose project lies inside will do."""
    from rcnn_studio.store.project import ProjectStore
    from rcnn_studio.tasks import importing

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
