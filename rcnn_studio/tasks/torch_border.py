"""Turns a PyTorch that is missing or broken into one message. Imports no torch itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rcnn_studio.domain.errors import EngineError

# What importing torch, torchvision and the scorers raises where they are missing (ImportError), where a library does
# not load (OSError) and where torchvision was built for another torch (RuntimeError: operator torchvision::nms does
# not exist; AttributeError: partially initialized module).
_LOADING_ERRORS = (ImportError, OSError, RuntimeError, AttributeError)


@contextmanager
def loading_torch(verb: str) -> Iterator[None]:
    """Around `import rcnn_studio.engine...` only; raises EngineError with the remedy. verb: "Training"."""
    try:
        yield
    except _LOADING_ERRORS as error:
        raise EngineError(
            f"{verb} needs PyTorch and torchvision, and something of them does not load here ({first_line(error)}). "
            "Labelling works without. Run `rcnn-studio doctor` to see what is missing and how to install it."
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type's name where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
