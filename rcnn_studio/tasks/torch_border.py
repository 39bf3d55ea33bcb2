"""The way to PyTorch: a thread made ready for it, and one message where it is missing or broken. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.threads import preload, quiet_worker

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


def make_way() -> None:
    """Readies the calling thread for PyTorch: lower priority than the window's, libraries loaded without its lock.

    The main thread keeps its priority: there it is a command line, and no window waits for it.
    """
    if threading.current_thread() is not threading.main_thread():
        quiet_worker()
    preload()


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type's name where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
