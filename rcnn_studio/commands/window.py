"""What opens the window: the subcommand `demo`, and the program without a subcommand.

The window is imported only when it is asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rcnn_studio.commands.common import Answer, Options, needing_window
from rcnn_studio.commands.terminal import StopSignal, Terminal
from rcnn_studio.domain.errors import StudioError


def options(parser: argparse.ArgumentParser) -> None:
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
