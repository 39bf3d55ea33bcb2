"""The command line: one table of subcommands, and how an answer or an error becomes output and exit code.

What a subcommand does is in commands/. Imports neither Qt nor torch.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio import __version__
from rcnn_studio.commands import (
    check,
    common,
    doctor,
    evaluate,
    export,
    export_model,
    new,
    predict,
    runs,
    split,
    train,
    window,
)
from rcnn_studio.commands.common import Answer, Options
from rcnn_studio.commands.terminal import StopSignal, Terminal, print_error, print_json, print_text
from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.tasks.crash_log import crash_log

DEBUG_VARIABLE = "RCNN_STUDIO_DEBUG"
log = logging.getLogger(__name__)

Run = Callable[[Options, Terminal, StopSignal], Answer]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of COMMANDS. options: adds its arguments; run: does it."""

    name: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Run
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("demo", window.options, window.demo, window.HELP),
    Command("new", new.options, new.new, new.HELP),
    Command("split", split.options, split.split, split.HELP),
    Command("check", check.options, check.check, check.HELP),
    Command("train", train.options, train.train, train.HELP),
    Command("evaluate", evaluate.options, evaluate.evaluate, evaluate.HELP),
    Command("predict", predict.options, predict.predict, predict.HELP),
    Command("export", export.options, export.export, export.HELP),
    Command("export-model", export_model.options, export_model.export_model, export_model.HELP),
    Command("runs", common.project_option, runs.runs, runs.HELP),
    Command("doctor", common.no_options, doctor.examine, doctor.HELP),
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
            return window.open_window(options.path) if options.command is None else run_command(options)
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
        command.options(sub)
        sub.add_argument("--json", action="store_true", help="one JSON document on stdout")
        sub.set_defaults(command=command.run)
    return parser.parse_args(arguments, Options(command=None, path=None))
