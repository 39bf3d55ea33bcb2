"""Which number format to compute in: asked for, or measured. Casts nothing itself; autocast does."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.data.loader import Batch
from rcnn_studio.engine.models.detector import Detector

_TYPES = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}

ROUNDS = 3  # of measuring; the first warms up


@dataclass(frozen=True, slots=True)
class Precision:
    """name: "off", "bf16" or "fp16"; fp16 needs a gradient scaler."""

    name: str
    device_type: str

    def autocast(self) -> AbstractContextManager[object]:
        dtype = _TYPES[self.name]
        if dtype is None:
            return nullcontext()
        return torch.autocast(self.device_type, dtype)


def choose_precision(amp: str, device: torch.device, detector: Detector, batch: Batch) -> Precision:
    """For "auto": on CUDA bf16 where the GPU has it, else fp16; on a CPU what is faster on this batch; else float32.

    Raises EngineError for a format this device cannot compute in.
    """
    if amp in _TYPES:
        if amp == "fp16" and device.type != "cuda":
            raise EngineError("amp: fp16 needs a CUDA GPU. Use auto, bf16 or off.")
        return Precision(amp, device.type)
    if amp != "auto":
        raise EngineError(f"amp: {amp!r} is not known. Use auto, bf16, fp16 or off.")
    if device.type == "cuda":
        return Precision("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16", "cuda")
    if device.type != "cpu":
        return Precision("off", device.type)
    plain, short = Precision("off", "cpu"), Precision("bf16", "cpu")
    plain_s, short_s = _step_seconds(detector, batch, (plain, short))
    return short if short_s < 0.95 * plain_s else plain


def _step_seconds(detector: Detector, batch: Batch, precisions: tuple[Precision, ...]) -> list[float]:
    """Of each, its best forward and backward pass, in seconds of computing; weights, buffers, random state stay.

    In turns and by the time that this program computes, so that other programs do not decide what is faster.
    """
    best = [float("inf")] * len(precisions)
    buffers = [(buffer, buffer.clone()) for buffer in detector.buffers()]
    with torch.random.fork_rng(devices=[]):
        for _ in range(ROUNDS):
            for number, precision in enumerate(precisions):
                start = time.process_time()
                with precision.autocast():
                    losses, _ = detector(batch.images, batch.targets, batch.proposals)
                    total = torch.stack(list(losses.values())).sum()
                total.backward()  # type: ignore[no-untyped-call]
                detector.zero_grad(set_to_none=True)
                best[number] = min(best[number], time.process_time() - start)
    for buffer, before in buffers:
        buffer.copy_(before)
    return best
