"""Writes a run's best detector as ONNX or TorchScript, runs both on the same images, and says how far they differ."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rcnn_studio.domain.errors import EngineError, FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.engine.data.loader import RGB, fit_size, resize, to_tensor
from rcnn_studio.engine.export.example import example_script
from rcnn_studio.engine.export.graph import INPUT, write_onnx, write_torchscript
from rcnn_studio.engine.models.detector import Detector, build_detector
from rcnn_studio.engine.training.checkpoints import Manifest, find_checkpoint, load_checkpoint
from rcnn_studio.formats import images
from rcnn_studio.formats.atomic import write_atomic

FORMATS = ("onnx", "torchscript")
SHOWN = 0.05  # score from which a difference counts
Found = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]  # boxes, labels, scores
Run = Callable[[Tensor], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """files: the model, its description, the example. images: so many were run through both; box_px, score: the largest
    differences there, of detections with score >= 0.05; unmatched: detections that only one of them has."""

    files: tuple[Path, ...]
    images: int
    detections: int
    box_px: float
    score: float
    unmatched: int


def export_model(
    run_dir: Path, kind: str, out: Path, check_paths: Sequence[Path], report: Report, should_stop: ShouldStop
) -> ExportedModel:
    """Writes `out`, <stem>.json with categories and sizes, and <stem>_example.py beside it.

    check_paths: images to compare on. Raises EngineError where a library is missing, the method needs boxes given, or
    the written model cannot be run.
    """
    require(kind)
    weights, manifest = load_checkpoint(find_checkpoint(run_dir))
    detector = build_detector(manifest.config, len(manifest.table))
    detector.load_state_dict(weights)
    detector.eval().requires_grad_(False)
    detector.memory_format = torch.contiguous_format
    detector.to(memory_format=torch.contiguous_format)
    if detector.rpn is None:
        raise EngineError(
            f"{run_dir.name}: this model (fast-rcnn) needs boxes from Selective Search, which no exported file can "
            "make. Export a run of the method faster-rcnn."
        )
    check(should_stop)
    report(Progress("Writing the model", 0, len(check_paths)))
    pixels = [read for path in check_paths if (read := _read(path, manifest)) is not None]
    example = pixels[0] if pixels else _plain(manifest)
    fresh = out.with_name(f".tmp-{out.name}")
    try:
        (write_onnx if kind == "onnx" else write_torchscript)(detector, _floats(example), fresh)
        run = _runner(kind, fresh)
        differences = []
        for number, image in enumerate(pixels or [example], start=1):
            check(should_stop)
            differences.append(_difference(_by_torch(detector, image), run(_floats(image))))
            report(Progress("Comparing", number, len(pixels) or 1))
        os.replace(fresh, out)
    except OSError as error:
        raise EngineError(f"{out}: cannot be written ({error.strerror or error}). Check folder and disk.") from error
    finally:
        fresh.unlink(missing_ok=True)
    return ExportedModel(
        files=(out, *_beside(kind, out, manifest)),
        images=len(differences),
        detections=sum(d[0] for d in differences),
        box_px=max(d[1] for d in differences),
        score=max(d[2] for d in differences),
        unmatched=sum(d[3] for d in differences),
    )


def require(kind: str) -> None:
    """Raises EngineError where something is missing to write and check this format."""
    if kind not in FORMATS:
        raise EngineError(f"format: {kind!r} is not known. Use {' or '.join(FORMATS)}.")
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if kind == "onnx" and missing:
        raise EngineError(
            f"ONNX needs {' and '.join(missing)}, not installed here: `pip install 'rcnn-studio[export]'`. "
            "TorchScript needs nothing more."
        )


def _read(path: Path, manifest: Manifest) -> RGB | None:
    """Resized as the detector wants it; None for an image that cannot be read."""
    try:
        image = images.decode(path)
    except FormatError:
        return None
    config = manifest.config
    size = fit_size(image.shape[1], image.shape[0], short=config.image_size, longest=config.image_max_size)
    return resize(image, size)


def _plain(manifest: Manifest) -> RGB:
    """A grey picture, where there is no image to look at."""
    return np.full((manifest.config.image_size, manifest.config.image_max_size, 3), 128, dtype=np.uint8)


def _floats(image: RGB) -> Tensor:
    return to_tensor(image).float().contiguous()


@torch.no_grad()
def _by_torch(detector: Detector, image: RGB) -> Found:
    _, (found,) = detector([to_tensor(image)])
    return found["boxes"].numpy(), found["labels"].numpy(), found["scores"].numpy()


def _runner(kind: str, path: Path) -> Run:
    """What runs the written file. Raises EngineError where it cannot be loaded."""
    try:
        if kind == "torchscript":
            script = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
            return lambda image: tuple(t.detach().numpy() for t in script(image))
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # what a foreign runtime raises is not known beforehand
        raise EngineError(f"{path}: was written but cannot be loaded ({str(error).splitlines()[0]}).") from error
    return lambda image: tuple(session.run(None, {INPUT: image.numpy()}))


def _difference(mine: Found, theirs: Found) -> tuple[int, float, float, int]:
    """(detections of mine with score >= SHOWN, largest corner distance, largest score distance, without a partner)."""
    boxes, labels, scores = (values[mine[2] >= SHOWN] for values in mine)
    box_px = score = 0.0
    unmatched = 0
    free = np.ones(len(theirs[2]), dtype=np.bool_)
    for box, label, value in zip(boxes, labels, scores, strict=True):
        rows = np.flatnonzero(free & (theirs[1] == label))
        distances = np.abs(theirs[0][rows] - box).max(axis=1) if len(rows) else np.array([np.inf])
        best = int(distances.argmin())
        if distances[best] > 2.0:
            unmatched += 1
            continue
        free[rows[best]] = False
        box_px = max(box_px, float(distances[best]))
        score = max(score, abs(float(theirs[2][rows[best]] - value)))
    return len(scores), box_px, score, unmatched


def _beside(kind: str, out: Path, manifest: Manifest) -> tuple[Path, Path]:
    """The description and the example; -> their paths."""
    described = out.with_name(f"{out.stem}.json")
    about = {
        "format": kind,
        "input": {"name": INPUT, "shape": [3, "height", "width"], "type": "float32", "range": [0, 255], "order": "RGB"},
        "resize": {"short": manifest.config.image_size, "longest": manifest.config.image_max_size},
        "outputs": {"boxes": "x1 y1 x2 y2 in pixels of the resized image", "labels": "1..K", "scores": "0..1"},
        "categories": [{"label": n, "id": c.id, "name": c.name} for n, c in enumerate(manifest.table.categories, 1)],
    }
    write_atomic(described, json.dumps(about, indent=1, ensure_ascii=False).encode())
    script = out.with_name(f"{out.stem}_example.py")
    write_atomic(script, example_script(kind, out.name, described.name).encode())
    return described, script
