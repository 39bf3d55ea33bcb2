"""What a person has written on a run: a star and a note, in a file of its own in the run's folder.

Also what two runs differ in. Changes nothing of the run itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.formats.run_folder import CONFIG_FILE

NOTES_FILE = "notes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNotes:
    star: bool = False
    note: str = ""


def read_notes(run: RunInfo) -> RunNotes:
    """Nothing where there is no file, or one that cannot be read."""
    data = _read(Path(run.path) / NOTES_FILE)
    return RunNotes(star=data.get("star") is True, note=str(data.get("note", "")))


def write_notes(run: RunInfo, notes: RunNotes) -> None:
    """Raises FormatError if the disk refuses."""
    write_atomic(Path(run.path) / NOTES_FILE, json.dumps(asdict(notes), ensure_ascii=False).encode())


def differing_settings(runs: Sequence[RunInfo]) -> list[tuple[str, tuple[str, ...]]]:
    """(setting, its value in each run) for every setting that is not the same in all of them."""
    configs = [_read(Path(run.path) / CONFIG_FILE) for run in runs]
    keys = list(dict.fromkeys(key for config in configs for key in config if key != "extra"))
    rows = [(key, tuple(_text(config.get(key)) for config in configs)) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
