"""Export a run's model to a file other programs run, checked on images of its project. Writes no dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.progress import Progress, Report, ShouldStop, ignore, never
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.results import check_target
from rcnn_studio.tasks.torch_border import loading_torch, make_way

MODEL_FORMATS = ("onnx", "torchscript")
CHECKED = 8  # images


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """files: model, description, example. The largest differences between the model here and in the file, over
    `detections` detections in `images` images: boxes in pixels of the resized image, scores in 0..1."""

    files: tuple[str, ...]
    images: int
    detections: int
    largest_box_difference: float
    largest_score_difference: float
    unmatched: int


def export_model(
    store: ProjectStore,
    run: RunInfo,
    kind: str,
    out: Path,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> ModelFile:
    """Writes `out` and two files beside it. Raises EngineError or FormatError with the remedy, Cancelled."""
    check_target(out)
    report(Progress("Loading PyTorch"))
    make_way()
    with loading_torch("Export"):
        from rcnn_studio.engine.export.exporting import export_model as export
    snapshot = store.snapshot(trainable_only=True)
    indices = snapshot.indices(split="val")
    chosen = indices if len(indices) else snapshot.indices()
    paths = [store.image_path(int(snapshot.image_ids[i])) for i in chosen[:CHECKED]]
    done = export(Path(run.path), kind, out, paths, report, should_stop)
    return ModelFile(
        files=tuple(str(path) for path in done.files),
        images=done.images,
        detections=done.detections,
        largest_box_difference=done.box_px,
        largest_score_difference=done.score,
        unmatched=done.unmatched,
    )
