"""Detections of single images, computed by themselves off the GUI thread and kept in memory ("ghosts").

Knows no threshold and no decisions; review.py does. Predictions for many images are a job: predictions.py.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.tasks.predicting import LivePredictor
from rcnn_studio.workspace.background import NewestFirst

DELAY_MS = 120
"""Whoever pages through images does not wait for each of them."""

KEPT = 500


class Ghosts(QObject):
    """One image at a time, the one that is open first; of those that were left only the one in work is finished.

    ready(run id, image id, Detections or the reason why there are none): also of images looked at ahead.
    """

    ready = Signal(str, int, object)
    _done = Signal(str, int, object)

    def __init__(self, image_path: Callable[[int], Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image_path = image_path
        self._run_id = ""
        self._live: LivePredictor | None = None
        self._kept: OrderedDict[tuple[str, int], Detections] = OrderedDict()
        self._wanted: int | None = None
        self._ahead: Callable[[], None] | None = None
        self._answers = False
        self._closed = False
        self._pool = NewestFirst(name="ghosts", threads=1, limit=2)
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self._compute)
        self._done.connect(self._on_done, Qt.ConnectionType.QueuedConnection)

    def set_run(self, run: RunInfo | None) -> None:
        """Whose model answers from now on."""
        self._run_id = run.id if run is not None else ""
        self._live = LivePredictor(Path(run.path)) if run is not None else None
        self._ahead, self._answers = None, False

    def get(self, run_id: str, image_id: int) -> Detections | None:
        return self._kept.get((run_id, image_id))

    def ask(self, image_id: int) -> None:
        """Compute this image's detections, unless another one is asked for within a moment."""
        self._wanted = image_id
        self._delay.start()

    def leave(self) -> None:
        """Nobody waits any more for what was asked for last."""
        self._wanted = None
        self._delay.stop()

    def look_ahead(self, image_id: int) -> None:
        """Compute an image that will probably be opened next, once nothing else waits; silent where it cannot be.

        Only once the model has answered: that nobody asks for detections is no reason to load it.
        """
        if self._live is None or not self._answers or self.get(self._run_id, image_id) is not None:
            return
        try:
            path = self._image_path(image_id)
        except StudioError:
            return
        self._ahead = partial(self._detect, self._run_id, self._live, image_id, path)
        self._pool.put("ahead", self._detect_ahead, urgent=False)

    def forget(self) -> None:
        """Better ones are on the disk."""
        self._kept.clear()

    def close(self) -> None:
        self._closed = True
        self._delay.stop()
        self._pool.close()

    def _compute(self) -> None:
        image_id, live = self._wanted, self._live
        if image_id is None or live is None:
            return
        try:
            path = self._image_path(image_id)
        except StudioError as error:
            self._on_done(self._run_id, image_id, str(error))
            return
        self._pool.put("now", partial(self._detect, self._run_id, live, image_id, path))

    def _detect_ahead(self) -> None:
        """On the pool's thread: whatever is wanted ahead by now."""
        work, self._ahead = self._ahead, None
        if work is not None:
            work()

    def _detect(self, run_id: str, live: LivePredictor, image_id: int, path: Path) -> None:
        try:
            result: Detections | str = live.detect(path)
        except StudioError as error:
            result = str(error)
        self._done.emit(run_id, image_id, result)

    def _on_done(self, run_id: str, image_id: int, result: object) -> None:
        if self._closed:
            return
        if isinstance(result, Detections):
            self._answers = self._answers or run_id == self._run_id
            self._kept[(run_id, image_id)] = result
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self.ready.emit(run_id, image_id, result)
