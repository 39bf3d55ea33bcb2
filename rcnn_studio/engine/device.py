"""Which device computes, in torch's words and in a person's. Moves nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcnn_studio.domain.errors import EngineError

if TYPE_CHECKING:
    import torch


def pick(device: str = "auto") -> torch.device:
    """ "auto" (CUDA, then Apple's mps, then the CPU), "cpu", "cuda", "cuda:1" or "mps" -> torch device.

    Raises EngineError when the device asked for is not there.
    """
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise EngineError(f"device: {device!r} is no device. Use auto, cpu, cuda, cuda:0 or mps.") from error
    missing = {
        "cuda": not torch.cuda.is_available() or (wanted.index or 0) >= torch.cuda.device_count(),
        "mps": not torch.backends.mps.is_available(),
    }.get(wanted.type, wanted.type != "cpu")
    if missing:
        raise EngineError(f"device: {device!r} is not available on this computer. Use auto or cpu.")
    return wanted


def describe(device: str = "auto") -> str:
    """The device in words: "NVIDIA GeForce RTX 4070", "Apple GPU", "CPU, 2 threads"."""
    import torch

    chosen = pick(device)
    if chosen.type == "cuda":
        return torch.cuda.get_device_name(chosen)
    if chosen.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says with this error that the device's (or the computer's) memory is used up."""
    import torch

    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text


def free_memory(device: torch.device) -> None:
    """Gives cached memory back to the device; call it where no exception holds tensors any more."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
