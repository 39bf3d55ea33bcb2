"""A small pool for short work such as decoding one picture: newest request first, each key once.

For work that takes longer than a moment, shows progress and can be cancelled, see job.py.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

log = logging.getLogger(__name__)


class NewestFirst:
    """Runs queued callables on daemon threads. The newest key goes first; the oldest beyond `limit` are forgotten."""

    def __init__(self, *, name: str, threads: int = 1, limit: int = 200) -> None:
        self._pending: OrderedDict[Hashable, Callable[[], None]] = OrderedDict()
        self._limit = limit
        self._closed = False
        self._running = 0
        self._wake = threading.Condition()
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, key: Hashable, work: Callable[[], None], *, urgent: bool = True) -> None:
        """Queue work under a key; a key that waits already is moved to the front (urgent) or left alone."""
        with self._wake:
            if self._closed or (key in self._pending and not urgent):
                return
            self._pending[key] = work
            self._pending.move_to_end(key, last=urgent)
            while len(self._pending) > self._limit:
                self._pending.popitem(last=False)
            self._wake.notify_all()  # not notify: that might wake one who waits for a pause

    def wait_idle(self, *, timeout_s: float) -> bool:
        """Wait on another thread until nothing waits or runs. -> whether that came in time"""
        with self._wake:
            return self._wake.wait_for(lambda: self._closed or not (self._pending or self._running), timeout_s)

    def close(self) -> None:
        """Forget what waits and wait for what runs."""
        with self._wake:
            self._closed = True
            self._pending.clear()
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                _key, work = self._pending.popitem(last=True)
                self._running += 1
            try:
                work()
            except Exception:
                log.error("background work failed", exc_info=True)
            finally:
                # the callable holds QObjects through its closure: let go of it before waiting again
                del work
                with self._wake:
                    self._running -= 1
                    self._wake.notify_all()
