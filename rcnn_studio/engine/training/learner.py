"""What learns: a detector with its average and its optimiser, one step at a time, in as little memory as it must.

Knows no epochs, no files and no schedule.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.loader import Batch
from rcnn_studio.engine.models.detector import Detector
from rcnn_studio.engine.training.ema import Ema
from rcnn_studio.engine.training.optim import build_optimizer, set_rate
from rcnn_studio.engine.training.precision import Precision
from rcnn_studio.engine.training.profile import Profile

_MODEL, _OPTIMIZER, _RNG = "model.", "optimizer.", "rng."


class Learner:
    """Takes a detector that is in train mode, frozen where it is to be. parts: a batch is computed in so many."""

    def __init__(
        self,
        detector: Detector,
        config: TrainConfig,
        precision: Precision,
        profile: Profile,
        warn: Callable[[str], None],
    ) -> None:
        self.detector, self.precision = detector, precision
        self.ema = Ema(detector, config.ema_decay)
        self.parts = config.accumulate
        self._parameters = list(detector.parameters())
        self._device = self._parameters[0].device
        self._optimizer = build_optimizer(detector, config)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=precision.name == "fp16")
        self._clip_norm = config.clip_norm or float("inf")
        self._profile, self._warn = profile, warn

    def step(self, batch: Batch, rate: float) -> Tensor:
        """One optimiser step. -> the losses (4,) on the device, in the order of LOSS_NAMES.

        Where memory runs out the batch is computed again in twice as many parts, and every batch from then on.
        Raises EngineError where a single image is too much.
        """
        set_rate(self._optimizer, rate)
        while True:
            problem = ""
            try:
                losses = self._gradients(batch)
            except RuntimeError as error:  # torch.OutOfMemoryError is one
                if not devices.is_out_of_memory(error):
                    raise
                problem = str(error).splitlines()[0]
            if not problem:  # the memory is freed here, where no traceback holds the tensors any more
                break
            self._give_way(len(batch.images), problem)
        with self._profile.part("optimizer"):
            self._apply()
        return losses

    def tensors(self) -> dict[str, Tensor]:
        """All a training goes on from, but the average: weights, optimiser, random state."""
        found = {_MODEL + key: value for key, value in self.detector.state_dict().items()}
        for number, values in self._optimizer.state_dict()["state"].items():
            found.update({f"{_OPTIMIZER}{number}.{key}": value for key, value in values.items() if value is not None})
        found[_RNG + "cpu"] = torch.get_rng_state()
        if self._device.type == "cuda":
            found[_RNG + "cuda"] = torch.cuda.get_rng_state(self._device)
        return found

    def notes(self) -> dict[str, Any]:
        """The numbers that belong to tensors()."""
        return {"parts": self.parts, "ema_steps": self.ema.steps, "scaler": self._scaler.state_dict()}

    def restore(self, average: Mapping[str, Tensor], tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
        """Back to where tensors() and notes() were taken. Raises EngineError where they are of another detector."""
        try:
            self.detector.load_state_dict(_below(_MODEL, tensors))
            self.ema.model.load_state_dict(average)
            self._restore_optimizer(_below(_OPTIMIZER, tensors))
            self.ema.steps, self.parts = int(notes["ema_steps"]), int(notes["parts"])
            if self._scaler.is_enabled():
                self._scaler.load_state_dict(notes["scaler"])
            torch.set_rng_state(tensors[_RNG + "cpu"])
            if self._device.type == "cuda" and _RNG + "cuda" in tensors:
                torch.cuda.set_rng_state(tensors[_RNG + "cuda"], self._device)
        except (KeyError, ValueError, RuntimeError) as error:
            raise EngineError(f"The checkpoint does not fit this training ({error}). Start a new run.") from error

    def _gradients(self, batch: Batch) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        total = torch.zeros(len(LOSS_NAMES), device=self._device)
        for part in split(batch, self.parts):
            with self._profile.part("forward"):
                with self.precision.autocast():
                    by_name, _ = self.detector(part.images, part.targets, part.proposals)
                losses = torch.stack([by_name[name].float() for name in LOSS_NAMES])
                losses = losses * (len(part.images) / len(batch.images))
            with self._profile.part("backward"):
                self._scaler.scale(losses.sum()).backward()  # type: ignore[no-untyped-call]
            total += losses.detach()
        return total

    def _apply(self) -> None:
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        if self._device.type != "cpu" or bool(norm.isfinite()):
            self._scaler.step(self._optimizer)
            self.ema.update()
        self._scaler.update()

    def _give_way(self, images: int, problem: str) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        gc.collect()
        devices.free_memory(self._device)
        if self.parts >= images:
            raise EngineError(
                f"The memory is not enough for one image ({problem}). Lower image_size and image_max_size, choose a "
                "smaller backbone, or close other programs that use the GPU."
            )
        self.parts = min(images, 2 * self.parts)
        self._warn(
            f"Out of memory: from here on each batch of {images} is computed in {self.parts} parts. The result stays "
            "comparable, the training gets slower. A smaller batch_size or image_size avoids it."
        )

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            number, name = key.split(".", 1)
            like = parameters[int(number)]
            # in the parameter's own memory format: a fused step reads both in step
            fits = value.shape == like.shape
            state.setdefault(int(number), {})[name] = torch.empty_like(like).copy_(value) if fits else value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


def split(batch: Batch, parts: int) -> Iterator[Batch]:
    """The batch in at most so many parts of nearly equal size, in its order."""
    count = min(parts, len(batch.images))
    if count <= 1:
        yield batch
        return
    bounds = [len(batch.images) * i // count for i in range(count + 1)]
    for start, end in pairwise(bounds):
        yield Batch(
            batch.indices[start:end],
            batch.images[start:end],
            batch.targets[start:end],
            batch.proposals[start:end] if batch.proposals is not None else None,
            batch.place,
        )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
