"""The command line: one table of subcommands, and how an answer or an error becomes output and exit code.

What a subcommand does is in commands/, loaded when it is asked for. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcnn_studio import __version__
from rcnn_studio.commands.terminal import StopSignal, Terminal, print_error, print_json, print_text
from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.tasks.crash_log import crash_log

if TYPE_CHECKING:
    from rcnn_studio.commands.common import Answer

Options = argparse.Namespace
DEBUG_VARIABLE = "RCNN_STUDIO_DEBUG"
log = logging.getLogger(__name__)

Run = Callable[[Options, Terminal, StopSignal], "Answer"]


@dataclass(frozen=True, slots=True)
class Late:
    """A function of a module in commands/, which is loaded when it is called: the window needs none of them."""

    module: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        return getattr(importlib.import_module(f"rcnn_studio.commands.{self.module}"), self.name)(*arguments)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of COMMANDS. options: adds its arguments; run: does it."""

    name: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Run
    help: str


COMMANDS: tuple[Command, ...] = (
    Command(
        "demo",
        Late("window", "options"),
        Late("window", "demo"),
        "play the whole loop on a copy of a sample, with screenshots",
    ),
    Command("new", Late("new", "options"), Late("new", "new"), "make a project from a dataset or from images"),
    Command(
        "split",
        Late("split", "options"),
        Late("split", "split"),
        "divide a project's labelled images into train, val and test",
    ),
    Command(
        "check",
        Late("check", "options"),
        Late("check", "check"),
        "say what is wrong with a dataset or a project, box by box",
    ),
    Command("train", Late("train", "options"), Late("train", "train"), "train a model on what is labelled"),
    Command(
        "evaluate", Late("evaluate", "options"), Late("evaluate", "evaluate"), "score a run, or a COCO results file"
    ),
    Command("predict", Late("predict", "options"), Late("predict", "predict"), "find objects with a trained run"),
    Command(
        "export",
        Late("export", "options"),
        Late("export", "export"),
        "write the labels as VOC, COCO, YOLO, labelme or CSV",
    ),
    Command(
        "export-model",
        Late("export_model", "options"),
        Late("export_model", "export_model"),
        "write a run's model for other programs: ONNX or TorchScript",
    ),
    Command("runs", Late("runs", "options"), Late("runs", "runs"), "list a project's runs"),
    Command(
        "doctor", Late("doctor", "options"), Late("doctor", "examine"), "say what is there, what is missing, what to do"
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. -> 0 done, 1 failed or cancelled (one message on stderr), 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parse(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    with crash_log() as log_path:
        try:
            return open_window(options.path) if options.command is None else run_command(options)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 2
        except (Cancelled, KeyboardInterrupt):
            print_error("Cancelled.")
        except StudioError as error:
            print_error(str(error))
        except BrokenPipeError:  # the reader of a pipe has gone: nobody is there to tell
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - flushed at exit, by the interpreter
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE) == "1":
                raise
            log.error("%s failed", " ".join(arguments), exc_info=True)
            print_error(f"Unexpected: {type(error).__name__}: {error}. Details are in {log_path}; please report them.")
    return 1


open_window = Late("window", "open_window")


def run_command(options: Options) -> int:
    terminal, stop = Terminal(), StopSignal()
    # libraries print: what they say goes to stderr, so that stdout holds the answer and nothing else
    with stop.listening(), contextlib.redirect_stdout(sys.stderr), terminal.live():
        answer: Answer = options.command(options, terminal, stop)
    if options.json:
        print_json(answer.document)
    else:
        print_text(answer.text)
    if answer.message:
        print_error(answer.message)
    return answer.code


def parse(arguments: Sequence[str]) -> Options:
    """The options; `command` is None where the window is asked for. Raises SystemExit as argparse does."""
    names = [command.name for command in COMMANDS]
    if arguments and not arguments[0].startswith("-") and arguments[0] not in names:
        parser = argparse.ArgumentParser(prog="rcnn-studio", description="Open the window.", allow_abbrev=False)
        parser.add_argument("path", type=Path, metavar="PROJECT | FOLDER")
        return parser.parse_args(arguments, Options(command=None))
    parser = argparse.ArgumentParser(
        prog="rcnn-studio",
        usage="rcnn-studio [PROJECT | FOLDER]\n       rcnn-studio COMMAND ... (rcnn-studio COMMAND --help)",
        description="Label images, train Faster R-CNN, review what it finds. Without a command: open the window.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rcnn-studio {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.name,
            prog=f"rcnn-studio {command.name}",
            help=command.help,
            description=command.help,
            allow_abbrev=False,
        )
        if command.name in arguments:
            command.options(sub)
        sub.add_argument("--json", action="store_true", help="one JSON document on stdout")
        sub.set_defaults(command=command.run)
    return parser.parse_args(arguments, Options(command=None, path=None))
