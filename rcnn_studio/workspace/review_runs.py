"""Which run speaks in Review, and from which score on its detections are shown. Knows no image.

The score is the run's own until a person moves the slider; another run has its own again.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import RunEnded, RunInfo
from rcnn_studio.formats.detections import DetectionFile
from rcnn_studio.formats.run_folder import DETECTIONS_FOLDER, list_runs

DEFAULT_THRESHOLD = 0.5
"""Where a run does not say which score balances best on its validation images."""


class ReviewRuns(QObject):
    """See the module. Heirs show what it decides: run_set and threshold_set are theirs to override."""

    threshold_changed = Signal(float)
    runs_changed = Signal()
    message = Signal(str)
    _message_later = Signal(str)

    def __init__(self, runs_folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs_folder = runs_folder
        self.runs: tuple[RunInfo, ...] = ()
        self.run: RunInfo | None = None
        self.chosen_threshold: float | None = None
        self.reviewing = True
        self._file: DetectionFile | None = None
        self._closed = False
        self._message_later.connect(self.message, Qt.ConnectionType.QueuedConnection)

    def run_set(self, *, changed: bool) -> None:
        """A run has been chosen; changed: it is another one than before, or has other scores now."""

    def threshold_set(self) -> None:
        """Detections are shown from another score on."""

    # --- runs -----------------------------------------------------------------------------------

    @property
    def run_id(self) -> str | None:
        return self.run.id if self.run is not None else None

    @property
    def run_folder(self) -> Path | None:
        return Path(self.run.path) if self.run is not None else None

    def refresh_runs(self, *, select_newest: bool = False) -> None:
        """Read the run folders again; keeps the chosen run unless asked for the newest usable one."""
        self.runs = self._read_runs()
        usable = [run for run in self.runs if run.best is not None]
        chosen = next((run for run in usable if run.id == self.run_id), None)
        if chosen is None or select_newest:
            chosen = usable[0] if usable else None
        self.runs_changed.emit()
        self.set_run(chosen)

    def set_run(self, run: RunInfo | None) -> None:
        """Show another run's detections (None: none), from its own best score on: scores of two models differ."""
        if run != self.run:
            before, other = self.threshold, run is None or run.id != self.run_id
            self.run = run
            self.chosen_threshold = None if other else self.chosen_threshold
            self._file = self._open_file(run)
            self.run_set(changed=True)
            self.runs_changed.emit()
            if self.threshold != before:
                self.threshold_set()
        else:
            self.run_set(changed=False)

    def on_run_ended(self, _ended: RunEnded) -> None:
        """A training has ended: its model is the one that speaks now."""
        if self._closed:
            return
        self.refresh_runs(select_newest=True)

    # --- from which score on ----------------------------------------------------------------------

    @property
    def balanced_threshold(self) -> float | None:
        """The score with the best balance of misses and false alarms on the run's validation images, if it knows."""
        best = self.run.best if self.run is not None else None
        return best.balance.best_score() if best is not None and best.balance is not None else None

    @property
    def default_threshold(self) -> float:
        balanced = self.balanced_threshold
        return DEFAULT_THRESHOLD if balanced is None else balanced

    @property
    def threshold(self) -> float:
        """The least score shown: the person's choice while it is in sight, the run's own elsewhere."""
        chosen = self.chosen_threshold if self.reviewing else None
        return self.default_threshold if chosen is None else chosen

    def set_threshold(self, value: float) -> None:
        value = min(1.0, max(0.01, value))
        if value != self.threshold:
            self.chosen_threshold = value
            self.threshold_set()

    def reset_threshold(self) -> None:
        """Back to the run's own."""
        if self.chosen_threshold is not None:
            self.chosen_threshold = None
            self.threshold_set()

    def set_reviewing(self, on: bool) -> None:
        """Whether the slider is in sight: where it is not, a choice made there must not change what is hinted at."""
        if on != self.reviewing and not self._closed:
            before, self.reviewing = self.threshold, on
            if self.threshold != before:
                self.threshold_set()

    # --- inside ---------------------------------------------------------------------------------------------

    def _read_runs(self) -> tuple[RunInfo, ...]:
        """The runs, the newest first; none where their folder cannot be read: one can label without them."""
        folder = self._runs_folder
        try:
            return tuple(list_runs(folder))
        except OSError as error:
            text = self.tr("{0}: the runs cannot be read ({1}). Check the folder's permissions.")
            self._message_later.emit(text.format(folder, error.strerror))
            return ()

    def _open_file(self, run: RunInfo | None) -> DetectionFile | None:
        """The detections kept with a run; None where no prediction was kept or it cannot be read (said once)."""
        folder = Path(run.path) / DETECTIONS_FOLDER if run is not None else None
        if folder is None or not folder.is_dir():
            return None
        try:
            return DetectionFile.open(folder)
        except FormatError as error:
            self._message_later.emit(str(error))  # the window connects after the first run is chosen
            return None
