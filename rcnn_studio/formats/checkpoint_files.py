"""Whether the files of a run's checkpoints are those that were saved, by their SHA-256. Loads no weights, no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.atomic import file_hash

FOLDER = "checkpoints"
MANIFEST_FILE = "state.json"

_DAMAGED = "Use another checkpoint or another run, or train again."


def verify_checkpoints(run_dir: Path) -> Iterator[Problem]:
    """What is wrong with the checkpoints of one run folder, file by file; a sound run gives nothing. Raises nothing."""
    folder = run_dir / FOLDER
    try:
        children = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        yield _problem(folder, "", "unreadable-checkpoint", f"cannot be read ({error.strerror}).", "Check the disk.")
        return
    for child in children:
        if child.name.startswith(".corrupt-"):
            action = "It was set aside and is not used. Delete it when it is of no interest."
            yield _problem(child, "", "damaged-checkpoint", "was found damaged.", action, level="note")
        elif child.is_dir() and not child.name.startswith("."):
            yield from _verify(child)


def _verify(checkpoint: Path) -> Iterator[Problem]:
    manifest = checkpoint / MANIFEST_FILE
    try:
        hashes = _read_hashes(manifest)
    except FormatError as error:
        yield _problem(manifest, error.where, "damaged-checkpoint", error.reason, _DAMAGED)
        return
    for name, expected in hashes.items():
        path = checkpoint / name
        try:
            found = file_hash(path)
        except FormatError as error:
            yield _problem(path, "", "unreadable-checkpoint", error.reason, _DAMAGED)
            continue
        if not found:
            yield _problem(path, "", "damaged-checkpoint", "is missing.", _DAMAGED)
        elif found != expected:
            message = f"is damaged: its SHA-256 is not the one in {MANIFEST_FILE}."
            yield _problem(path, "", "damaged-checkpoint", message, _DAMAGED)


def _read_hashes(manifest: Path) -> dict[str, str]:
    """File name -> SHA-256, as the manifest says. Raises FormatError; names that lead elsewhere are refused."""
    try:
        state: Any = json.loads(manifest.read_bytes())
        files = {str(name): str(value) for name, value in state["files"].items()}
    except OSError as error:
        raise FormatError(manifest, "", f"cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(manifest, "files", f"is damaged ({error}).") from error
    for name in files:
        if Path(name).name != name or name in ("", ".", "..") or "\\" in name or "\x00" in name:
            raise FormatError(manifest, f"files/{name!a}", "names a file outside the checkpoint.")
    return files


def _problem(path: Path, where: str, kind: str, message: str, action: str, level: str = "error") -> Problem:
    return Problem(file=str(path), where=where, kind=kind, message=message, action=action, level=level)
