"""Run a trained model over images: those of a project, any files, or the one that is open now.

Keeps detections in the run's folder; never turns one into a box.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import EngineError, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, ignore, never
from rcnn_studio.domain.runs import Warned
from rcnn_studio.engine.threads import preload, quiet_worker
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.formats.images import IMAGE_SUFFIXES, decode, list_images
from rcnn_studio.formats.run_folder import DETECTIONS_FOLDER
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.torch_border import loading_torch

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesResult:
    """Detections by path, in the order of the paths; failed: the message for each file that could not be read."""

    found: dict[Path, Detections]
    failed: dict[Path, str]
    seconds: float


def load_predictor(run_dir: Path, *, device: str = "auto") -> Predictor:
    """The run's best model, on the calling thread, whose priority is lowered. Raises EngineError with the remedy."""
    quiet_worker()
    preload()
    with loading_torch("Prediction"):
        from rcnn_studio.engine.inference import Predictor
    return Predictor.load(run_dir, device=device)


def predict_images(
    store: ProjectStore, run_dir: Path, image_ids: Sequence[int], report: Report, should_stop: ShouldStop
) -> dict[int, Detections]:
    """Detections of these project images, kept in the run's folder as they come. -> by image id

    Images that cannot be read are left out and named in a Warned event. Raises Cancelled when stopped (what was done
    is kept), EngineError where the model does not load or no image at all could be read.
    """
    report(Progress("Loading the model", 0, len(image_ids)))
    predictor = load_predictor(run_dir)
    paths = [store.image_path(image_id) for image_id in image_ids]
    found: dict[int, Detections] = {}
    failed: list[str] = []
    last_write = time.monotonic()
    try:
        for index, result in predictor.detect_files(paths, report, should_stop):
            if isinstance(result, StudioError):
                failed.append(str(result))
                continue
            found[image_ids[index]] = result
            if time.monotonic() - last_write > KEEP_EVERY_S:
                write_detections(run_dir / DETECTIONS_FOLDER, found, merge=True)
                last_write = time.monotonic()
    finally:
        if found:
            write_detections(run_dir / DETECTIONS_FOLDER, found, merge=True)
    for message in failed:
        report(Warned(message=message))
    if failed and not found:
        raise EngineError(f"None of the {len(failed)} images can be read. The first: {failed[0]}")
    return found


def predict_files(
    run_dir: Path,
    paths: Sequence[Path],
    report: Report = ignore,
    should_stop: ShouldStop = never,
    *,
    device: str = "auto",
) -> FilesResult:
    """Detections of any image files; nothing is kept. Raises Cancelled; EngineError where the model does not load."""
    started = time.monotonic()
    predictor = load_predictor(run_dir, device=device)
    found: dict[Path, Detections] = {}
    failed: dict[Path, str] = {}
    for index, result in predictor.detect_files(paths, report, should_stop):
        if isinstance(result, StudioError):
            failed[paths[index]] = str(result)
        else:
            found[paths[index]] = result
    return FilesResult(found=found, failed=failed, seconds=time.monotonic() - started)


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
    return files


def coco_results(
    found: Iterable[tuple[int, Detections]], *, file_names: dict[int, str] | None = None
) -> list[dict[str, Any]]:
    """Detections in COCO's results format: bbox is x, y, width, height in pixels, 0-based.

    found: (image id, detections). file_names: by image id, written where the reader does not know the ids.
    """
    rows: list[dict[str, Any]] = []
    for image_id, detections in found:
        head: dict[str, Any] = {"image_id": image_id}
        if file_names is not None:
            head["file_name"] = file_names[image_id]
        for box, category_id, score in zip(
            detections.xyxy.tolist(), detections.category_ids.tolist(), detections.scores.tolist(), strict=True
        ):
            x1, y1, x2, y2 = box
            bbox = [round(x1, 3), round(y1, 3), round(x2 - x1, 3), round(y2 - y1, 3)]
            rows.append({**head, "category_id": category_id, "bbox": bbox, "score": round(score, 5)})
    return rows
