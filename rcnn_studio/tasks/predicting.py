"""Run a trained model over images: those of a project, any files, or the one that is open now.

Keeps detections in the run's folder; never turns one into a box.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import EngineError, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, ignore, never
from rcnn_studio.domain.runs import Warned
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.formats.images import IMAGE_SUFFIXES, decode, list_images
from rcnn_studio.formats.run_folder import DETECTIONS_FOLDER
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.torch_border import loading_torch, make_way

if TYPE_CHECKING:
    from rcnn_studio.engine.inference import Predictor

KEEP_EVERY_S = 10.0


class LivePredictor:
    """A run's model for single images; loads PyTorch and the model at the first use. Any thread may call it."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._lock = threading.Lock()
        self._predictor: Predictor | None = None

    def detect(self, path: Path) -> Detections:
        """Detections of one image, score >= 0.01. Raises FormatError for the image, EngineError for the model."""
        image = decode(path)
        with self._lock:
            if self._predictor is None:
                self._predictor = load_predictor(self._run_dir)
            return self._predictor.detect(image)


def load_predictor(run_dir: Path) -> Predictor:
    """The run's best model, for the calling thread. Raises EngineError with the remedy."""
    make_way()
    with loading_torch("Prediction"):
        from rcnn_studio.engine.inference import Predictor
    return Predictor.load(run_dir)


def predict_images(
    store: ProjectStore, run_dir: Path, image_ids: Sequence[int], report: Report, should_stop: ShouldStop
) -> dict[int, Detections]:
    """Detections of these project images by image id, kept in the run's folder as they come.

    Images that cannot be read are left out, each named in a Warned event. Raises Cancelled when stopped (what was done
    is kept), EngineError where the model does not load or none of the images can be read.
    """
    paths = [store.image_path(image_id) for image_id in image_ids]
    found: dict[int, Detections] = {}
    last_write = time.monotonic()
    try:
        for index, detections in _detect(run_dir, paths, report, should_stop):
            found[image_ids[index]] = detections
            if time.monotonic() - last_write > KEEP_EVERY_S:
                write_detections(run_dir / DETECTIONS_FOLDER, found, merge=True)
                last_write = time.monotonic()
    finally:
        if found:
            write_detections(run_dir / DETECTIONS_FOLDER, found, merge=True)
    return found


def predict_files(
    run_dir: Path, paths: Sequence[Path], report: Report = ignore, should_stop: ShouldStop = never
) -> dict[Path, Detections]:
    """Detections of any image files by path; nothing is kept on disk. Otherwise as predict_images."""
    return {paths[index]: detections for index, detections in _detect(run_dir, paths, report, should_stop)}


def expand_images(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as the images in them. Raises EngineError naming what does not exist or is empty."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [path / name for name in list_images(path)]
            if not inside:
                kinds = ", ".join(sorted(IMAGE_SUFFIXES))
                raise EngineError(f"{path}: no images in this folder. Images end in {kinds}.")
            files.extend(inside)
        elif path.is_file():
            files.append(path)
        else:
            raise EngineError(f"{path}: no such file or folder. Check the path.")
    return list(dict.fromkeys(files))


def _detect(
    run_dir: Path, paths: Sequence[Path], report: Report, should_stop: ShouldStop
) -> Iterator[tuple[int, Detections]]:
    """(position in paths, detections) of every readable file, in order."""
    report(Progress("Loading the model", 0, len(paths)))
    predictor = load_predictor(run_dir)
    unreadable: list[StudioError] = []
    for position, result in predictor.detect_files(paths, report, should_stop):
        if isinstance(result, StudioError):
            unreadable.append(result)
            report(Warned(message=str(result)))
        else:
            yield position, result
    if unreadable and len(unreadable) == len(paths):
        many = "The image" if len(paths) == 1 else f"None of the {len(paths)} images"
        raise EngineError(f"{many} can be read, so there is nothing to find: {unreadable[0]}")
