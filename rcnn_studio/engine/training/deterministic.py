"""The same numbers again from the same run: torch's deterministic mode, for as long as a training lasts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic(wanted: bool, warn: Callable[[str], None]) -> Iterator[None]:
    """Changes nothing unless wanted: a CPU is deterministic anyway, and a GPU pays with time and memory."""
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    if torch.cuda.is_available():
        warn(
            "Deterministic mode: the regions are pooled in Python then, several times slower and with more memory. "
            "Use it to hunt a fault, not to train."
        )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
