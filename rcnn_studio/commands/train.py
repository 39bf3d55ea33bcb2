"""The command `train`: its options, and what it answers. Trains nothing itself."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rcnn_studio.commands.common import (
    Answer,
    Options,
    devices,
    key_and_value,
    opened,
    project_option,
    usage_error,
)
from rcnn_studio.commands.terminal import StopSignal, Terminal, clock, number, table
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import RunEnded, TrainConfig
from rcnn_studio.tasks import dry_running, presets, running, training


def options(parser: argparse.ArgumentParser) -> None:
    project_option(parser)
    parser.add_argument("--preset", metavar="NAME", help=f"where the settings start from ({presets.DEFAULT_PRESET})")
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="settings on top of the preset")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="key=value", help="single settings")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that ended early: its id, or last")
    parser.add_argument("--devices", type=devices, default="1", metavar="N|all|cpu", help="cpu, or one GPU")
    parser.add_argument("--profile", action="store_true", help="measure where the time goes")
    parser.add_argument("--dry-run", action="store_true", help="only measure: memory, time of a step and of an epoch")


def train(options: Options, terminal: Terminal, should_stop: StopSignal) -> Answer:
    if options.resume is not None and (options.preset or options.config or options.dry_run):
        usage_error("--resume goes on with the run's own settings. Leave out --preset, --config and --dry-run.")
    with opened(options.project) as store:
        if options.dry_run:
            return _dry_run(dry_running.dry_run(store, train_config(options), terminal.report, should_stop))
        run_dir = None
        if options.resume is not None:
            run_dir = Path(running.find_run(store.runs_folder, options.resume, with_model=False).path)
            config = presets.with_overrides(training.config_to_resume(run_dir), overrides(options))
        else:
            config = train_config(options)
        ended = training.run_training(
            store, config, terminal.report, should_stop, resume=run_dir, profile=options.profile
        )
        profile = _read_profile(store.runs_folder / ended.run_id / "profile.json") if options.profile else None
    device = terminal.started.device if terminal.started is not None else ""
    document: dict[str, Any] = {
        "run": ended.run_id,
        "status": ended.status,
        "seconds": round(ended.seconds, 2),
        "best": {"epoch": ended.best_epoch, "AP": ended.best_AP, "AP50": ended.best_AP50},
        "device": device,
    }
    best = f"best epoch {ended.best_epoch}: AP {number(ended.best_AP)}, AP50 {number(ended.best_AP50)}"
    text = f"{ended.run_id}: {ended.status} after {ended.epochs} epochs in {clock(ended.seconds)} on {device}; {best}"
    if profile is not None:
        document["profile"] = profile
        text = f"{text}\n\n{_profile_text(profile)}"
    return Answer(document=document, text=text, code=int(ended.status != "finished"), message=why_ended(ended))


def train_config(options: Options) -> TrainConfig:
    """Preset, then the file, then --set, then --devices. Raises EngineError or FormatError naming the setting."""
    changes = overrides(options)
    if options.config is not None:
        return presets.with_overrides(presets.load_config(options.config, preset=options.preset), changes)
    return presets.load_preset(options.preset or presets.DEFAULT_PRESET, changes)


def overrides(options: Options) -> dict[str, str]:
    """What --set and --devices say. Raises EngineError for more devices than can be used."""
    found = dict(key_and_value(text) for text in options.set)
    if options.devices == "cpu":
        found["device"] = "cpu"
    elif options.devices.isdecimal() and int(options.devices) > 1:
        raise EngineError("--devices: training on several devices is not there yet. Use --devices 1, or cpu.")
    return found


def why_ended(ended: RunEnded) -> str:
    if ended.status == "stopped":
        kept = "The best checkpoint" if ended.best_epoch else "What was learned, not scored yet,"
        return f"Cancelled. {kept} is kept in the run {ended.run_id}; --resume {ended.run_id} goes on with it."
    return ended.message if ended.status == "failed" else ""


def _dry_run(found: dry_running.DryRun) -> Answer:
    rows = [
        ("", "measured"),
        ("device", found.device),
        ("largest batch", f"{found.images} images of {found.width} x {found.height}"),
        ("parts of a batch", str(found.parts)),
        ("seconds a step", f"{found.step_s:.2f}"),
        ("memory", f"{found.memory_bytes / 1024**3:.2f} GiB"),
        ("steps an epoch", str(found.steps_per_epoch)),
        ("time of an epoch", clock(found.epoch_s)),
        ("time of an evaluation", clock(found.evaluation_s)),
        ("time of the run", clock(found.run_s)),
    ]
    return Answer(document=asdict(found), text=table(rows))


def _read_profile(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _profile_text(profile: dict[str, Any]) -> str:
    rows = [("", "seconds", "share")]
    rows += [(part["name"], f"{part['seconds']:.1f}", f"{part['share']:.0%}") for part in profile["parts"]]
    return table(rows)
