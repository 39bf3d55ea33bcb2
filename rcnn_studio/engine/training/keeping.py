"""Which checkpoints of a run are kept, and which one a training goes on from. Writes and reads through checkpoints.py.

A training does not end because the disk is full: what cannot be saved is said, and the one before stays.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.training.checkpoints import (
    FOLDER,
    POINTER_FILE,
    Manifest,
    load_state,
    point_to,
    save_checkpoint,
    set_aside,
    step_name,
    steps_of,
    verify,
)

KEPT = 3  # checkpoints to go on from
COST_SHARE = 0.01  # of the time may go into saving at the end of an epoch


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a training goes on from: averaged weights, tensors of its state, and what was noted."""

    folder: Path
    average: dict[str, Tensor]
    tensors: dict[str, Tensor]
    manifest: Manifest

    @property
    def scored_epoch(self) -> int:
        """The last epoch that had ended when it was saved."""
        return self.manifest.epoch - bool(self.manifest.training["in_epoch"])


class Keeper:
    """Saves for one run. seconds: how long the last full save took; warn: told what could not be saved."""

    def __init__(self, run_dir: Path, warn: Callable[[str], None]) -> None:
        self._run_dir, self._warn = run_dir, warn
        self.seconds = 0.0

    def due(self, since_s: float, *, epoch_ends: bool, every_s: float) -> bool:
        """Whether to save after since_s seconds without: every every_s, and at the end of an epoch if that is cheap."""
        if since_s >= every_s:
            return True
        return epoch_ends and since_s >= self.seconds / COST_SHARE

    def save_step(
        self, average: Mapping[str, Tensor], tensors: Mapping[str, Tensor], manifest: Manifest
    ) -> Path | None:
        """A checkpoint to go on from, read back and pointed to; older ones go. -> None where it cannot be saved."""
        start = time.perf_counter()
        try:
            folder = save_checkpoint(self._run_dir, step_name(manifest.step), average, manifest, tensors)
            verify(folder)
            point_to(folder)
        except EngineError as error:
            self._warn(f"{error} The training goes on, and the checkpoint before is kept.")
            return None
        for old in steps_of(self._run_dir)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        self.seconds = time.perf_counter() - start
        return folder

    def save(self, name: str, average: Mapping[str, Tensor], manifest: Manifest) -> Path | None:
        """Weights alone. -> None where they cannot be saved."""
        try:
            return save_checkpoint(self._run_dir, name, average, manifest)
        except EngineError as error:
            self._warn(f"{error} The training goes on, and what was saved before is kept.")
            return None

    def drop_steps(self) -> None:
        """Of a run that is done, nothing needs to go on."""
        with contextlib.suppress(OSError):
            (self._run_dir / FOLDER / POINTER_FILE).unlink(missing_ok=True)
        for folder in steps_of(self._run_dir):
            shutil.rmtree(folder, ignore_errors=True)


def load_last(run_dir: Path, warn: Callable[[str], None]) -> Saved:
    """The newest checkpoint to go on from; damaged ones are set aside as .corrupt-<name> and named.

    Raises EngineError where none is left.
    """
    for torn in (run_dir / FOLDER).glob(".tmp-*"):
        shutil.rmtree(torn, ignore_errors=True)
    for folder in steps_of(run_dir):
        try:
            average, tensors, manifest = load_state(folder)
        except EngineError as error:
            place = set_aside(folder)
            warn(f"{error} It was set aside as {place.name}, and the checkpoint before it is used.")
            continue
        return Saved(folder, average, tensors, manifest)
    raise nothing_left(run_dir)


def nothing_left(run_dir: Path) -> EngineError:
    """The error where a run has no checkpoint to go on from."""
    return EngineError(
        f"{run_dir}: there is no checkpoint to go on from. A run that is finished has none; start a new one from its "
        f"weights with the preset refine, or weights=run:{run_dir.name}."
    )
