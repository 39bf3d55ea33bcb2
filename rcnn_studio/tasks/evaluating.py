"""Score a run on a split of its project, or two COCO files against each other. Computes no number itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rcnn_studio.domain.analysis import Analysis
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import EngineError, FormatError, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.domain.runs import Scores
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.predicting import load_predictor
from rcnn_studio.tasks.torch_border import loading_torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """scores of `images` images of the split, also kept in `file`. analysis: what they are made of, where asked for."""

    scores: Scores
    images: int
    file: Path
    analysis: Analysis | None = None


def evaluate_run(
    store: ProjectStore,
    run_dir: Path,
    split: str = "val",
    report: Report = ignore,
    should_stop: ShouldStop = never,
    *,
    with_analysis: bool = False,
) -> Evaluated:
    """Detect on every labelled image of the split and score against the labels of now.

    Raises EngineError where the split has no labelled image or one of them cannot be read (a score over the others
    could not be compared), Cancelled when stopped.
    """
    snapshot = store.snapshot(trainable_only=True)
    indices = snapshot.indices(split=split)
    if not len(indices):
        names = ", ".join(name for name in snapshot.split_names if name) or "none"
        raise EngineError(f"No labelled image is in the split {split!r}. Splits with labelled images: {names}.")
    # by shape, as a training scores them: how images are batched (padded) together shows in the last digits
    aspects = snapshot.sizes[indices, 0] / np.maximum(snapshot.sizes[indices, 1], 1)
    indices = indices[np.argsort(aspects, kind="stable")]
    report(Progress("Loading the model", 0, len(indices)))
    predictor = load_predictor(run_dir)
    paths = [store.image_path(int(snapshot.image_ids[i])) for i in indices]
    found: list[Detections] = [Detections.empty()] * len(indices)
    for place, result in predictor.detect_files(paths, report, should_stop):
        if isinstance(result, StudioError):
            raise EngineError(f"{result} Repair the file, or mark the image as needing a fix, then evaluate again.")
        found[place] = result
    check(should_stop)
    report(Progress("Scoring"))
    with loading_torch("Evaluation"):
        from rcnn_studio.engine.evaluation.analysis import analyse
        from rcnn_studio.engine.evaluation.coco import score
    scores = score(snapshot, indices, found)
    analysis = analyse(snapshot, indices, found) if with_analysis else None
    file = _keep(run_dir / f"scores_{split}.json", scores)
    return Evaluated(scores=scores, images=len(indices), file=file, analysis=analysis)


def evaluate_files(gt: Path, dt: Path) -> Scores:
    """COCO's numbers of a results file against an instances file. Raises FormatError naming file and place."""
    for path in (gt, dt):
        if not path.is_file():
            raise FormatError(path, "", "no such file. Check the path.")
    with loading_torch("Evaluation"):
        from rcnn_studio.engine.evaluation.coco import score_files
    return score_files(gt, dt)


def _keep(path: Path, scores: Scores) -> Path:
    write_atomic(path, json.dumps(asdict(scores), indent=2).encode())
    return path
