"""Keeps heavy threads out of the way of the thread that draws the window. Starts no threads itself."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
import threading
from pathlib import Path

QUIET_NICENESS = 10
_LIBRARIES = ("libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch_python.so")
_SPIN_COUNT = "1000"
_RTLD_NOW = 2
_RTLD_GLOBAL = 0x100


def quiet_worker() -> None:
    """Lowers the calling thread's scheduling priority, once and for the thread's life.

    Call it before torch's first parallel operation on this thread: the OpenMP pool that is made then inherits
    the priority. On Linux a niceness belongs to a thread; elsewhere nothing is done (it would slow the window too).
    The main thread keeps its priority: there is no window to make way for where a training runs on it.
    """
    if not sys.platform.startswith("linux") or threading.current_thread() is threading.main_thread():
        return
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):  # a sandbox may forbid it: the work is the same, the window a little less smooth
        if os.getpriority(os.PRIO_PROCESS, thread) < QUIET_NICENESS:
            os.setpriority(os.PRIO_PROCESS, thread, QUIET_NICENESS)


def preload() -> None:
    """Loads torch's shared libraries without holding the interpreter's lock, so that `import torch` is short.

    `import` holds the lock through dlopen (seconds for a CUDA build, in which no window repaints); a foreign call
    does not. Does nothing where torch is missing, already imported, or the platform is not Linux.

    Also keeps OpenMP's idle threads from spinning for milliseconds at each of a step's thousand barriers: as soon as
    another program wants a core too, that spinning stops the training almost dead (2 steps in 5 minutes beside a
    second training on 2 cores, measured). A thousand turns cost nothing measurable on a quiet machine.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
    if "torch" in sys.modules or not sys.platform.startswith("linux"):
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
    for name in _LIBRARIES:
        if (folder / name).exists():
            # A library that does not load is reported by `import torch` itself, with its reason.
            dlopen(os.fsencode(folder / name), _RTLD_NOW | (_RTLD_GLOBAL if name == _LIBRARIES[0] else 0))
