"""The subcommand `doctor`: what is there, what is missing, what to do. The examination is in tasks."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from rcnn_studio.commands.common import Answer, Options
from rcnn_studio.commands.terminal import StopSignal, Terminal, table
from rcnn_studio.tasks import doctor


def options(_parser: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def examine(_options: Options, _terminal: Terminal, _should_stop: StopSignal) -> Answer:
    report = doctor.examine()
    rows = [("", "item", "found"), *(("ok" if i.ok else "NO", i.name, i.value) for i in report.items)]
    remedies = [f"{item.name}: {item.remedy}" for item in report.items if item.remedy]
    text = "\n".join([table(rows), "", *remedies]) if remedies else table(rows)
    missing = ", ".join(item.name for item in report.items if not item.ok)
    message = "" if report.ok else f"Not everything is there: {missing}. The remedies stand in the report."
    return Answer(document=asdict(report), text=text, code=int(not report.ok), message=message)
