"""Where a detector's first weights come from: nowhere, torchvision's published files, a local file, an earlier run.

Downloads only through torchvision's own loader, with its hash check; reads pickles only with weights_only=True.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model_weights
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights
from torchvision.ops import FrozenBatchNorm2d

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import SLIM, Detector
from rcnn_studio.engine.training.checkpoints import find_checkpoint, load_checkpoint

RUN_PREFIX = "run:"
PREDICTOR = "roi_heads.box_predictor."
_OF_THE_RUN = (
    "backbone",
    "norm",
    "fpn_channels",
    "head_channels",
    "anchor_sizes",
    "anchor_ratios",
    "image_size",
    "image_max_size",
)


def resolve_config(config: TrainConfig, runs_dir: Path, *, exclude: str = "") -> TrainConfig:
    """The config with `run:last` replaced by the run's id, and the architecture taken over from the run it starts from.

    Raises EngineError if there is no such run.
    """
    if not config.weights.startswith(RUN_PREFIX):
        return config
    run_id = config.weights.removeprefix(RUN_PREFIX)
    if run_id == "last":
        run_id = _last_run(runs_dir, exclude)
    source = _run_checkpoint(runs_dir, run_id)
    architecture = {name: getattr(load_checkpoint(source)[1].config, name) for name in _OF_THE_RUN}
    return replace(config, weights=RUN_PREFIX + run_id, **architecture)


def load_weights(detector: Detector, config: TrainConfig, table: CategoryTable, runs_dir: Path) -> str:
    """Puts the weights of config.weights into the detector, fitting the box predictor to the categories.

    -> one sentence on what was loaded. Raises EngineError with file and remedy.
    """
    kind = config.weights
    if kind in ("", "none"):
        return "Weights: random."
    if kind == "imagenet":
        return _load_imagenet(detector, config)
    if kind == "coco":
        return _load_coco(detector, config)
    if kind.startswith(RUN_PREFIX):
        folder = _run_checkpoint(runs_dir, kind.removeprefix(RUN_PREFIX))
        weights, manifest = load_checkpoint(folder)
        fitted = _fit_predictor(weights, detector.state_dict(), manifest.table, table)
        _load_matching(detector, fitted, f"run {folder.parent.parent.name}")
        return f"Weights: run {folder.parent.parent.name}, epoch {manifest.epoch}."
    return _load_local(detector, Path(kind))


def _load_imagenet(detector: Detector, config: TrainConfig) -> str:
    if config.norm != "frozen_batch":
        raise EngineError("weights: imagenet needs norm = frozen_batch: it was trained with batch norm.")
    if config.backbone == SLIM:
        raise EngineError(f"weights: there are no ImageNet weights of {SLIM}. Use the backbone resnet18, or none.")
    weights = get_model_weights(config.backbone)["IMAGENET1K_V1"]
    state = {key: value for key, value in _download(weights).items() if not key.startswith("fc.")}
    _load_matching(detector.backbone.get_submodule("body"), state, "the ImageNet weights")
    return f"Weights: ImageNet backbone {config.backbone}."


def _load_coco(detector: Detector, config: TrainConfig) -> str:
    fits = (config.backbone, config.norm, config.fpn_channels, config.head_channels, len(config.anchor_sizes))
    if fits != ("resnet50", "frozen_batch", 256, 1024, 5) or len(config.anchor_ratios) != 3:
        raise EngineError(
            "weights: coco is a resnet50 with norm frozen_batch, fpn_channels 256, head_channels 1024, 5 anchor_sizes "
            "and 3 anchor_ratios. Set those, or use the preset standard."
        )
    state = _download(FasterRCNN_ResNet50_FPN_Weights.COCO_V1)
    _load_matching(detector, _without_predictor(state), "the COCO weights")
    for module in detector.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = 0.0  # as these weights were trained (torchvision issue 2599)
    return "Weights: COCO detector, new box predictor."


def _load_local(detector: Detector, path: Path) -> str:
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        elif path.suffix in (".pth", ".pt"):
            state = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(state, dict):
                state = state.get("model", state.get("state_dict", state))
        else:
            raise EngineError(
                f"weights: {str(path)!r} is no .safetensors or .pth file, nor none, coco, imagenet or run:<id>."
            )
    except (OSError, SafetensorError, RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise EngineError(f"{path}: cannot be read as weights ({reason}). Choose another file.") from error
    except pickle.UnpicklingError as error:
        raise EngineError(
            f"{path}: holds more than plain weights, and nothing in it was run. Save its state_dict as .safetensors "
            "and choose that."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise EngineError(f"{path}: holds no table of named weights. Save a state_dict as .safetensors, choose that.")
    own = detector.state_dict()
    if not any(key.startswith("rpn.") for key in state):
        body = {key: value for key, value in state.items() if not key.startswith("fc.")}
        _load_matching(detector.backbone.get_submodule("body"), body, str(path))
        return f"Weights: backbone of {path.name}."
    same = all(state[k].shape == own[k].shape for k in own if k.startswith(PREDICTOR) and k in state)
    _load_matching(detector, state if same else _without_predictor(state), str(path))
    return f"Weights: {path.name}{'' if same else ', new box predictor'}."


def _download(weights: WeightsEnum) -> dict[str, Tensor]:
    """The published state dict, from the cache or the net. Raises EngineError that says how to do it offline."""
    try:
        state: dict[str, Tensor] = dict(weights.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        name = weights.url.rsplit("/", 1)[-1]
        place = Path(torch.hub.get_dir()) / "checkpoints" / name
        raise EngineError(
            f"{name} could not be fetched ({error}). Download {weights.url} on a computer with a connection and put "
            f"it at {place}, or use the preset from-scratch, which needs no weights."
        ) from error
    return state


def _load_matching(module: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Loads all that `state` has; only the box predictor may be missing. Raises EngineError for what does not fit."""
    own = module.state_dict()
    counters = [key for key in state if key.endswith("num_batches_tracked")]
    state = {key: value for key, value in state.items() if key not in counters}
    wrong = next((k for k, v in state.items() if k not in own or own[k].shape != v.shape), None)
    missing = next((k for k in own if k not in state and not k.startswith(PREDICTOR)), None)
    if wrong is not None or missing is not None:
        what = f"has {wrong}, which does not fit here" if wrong is not None else f"lacks {missing}"
        raise EngineError(f"weights: {source} {what}. Use the backbone, norm and sizes they were trained with.")
    module.load_state_dict(state, strict=False)


def _without_predictor(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not key.startswith(PREDICTOR)}


def _fit_predictor(
    weights: dict[str, Tensor], own: dict[str, Tensor], before: CategoryTable, now: CategoryTable
) -> dict[str, Tensor]:
    """The predictor's rows for the categories of today: those the run knew keep theirs, new ones start fresh."""
    fitted = dict(weights)
    known = {category.id: label for label, category in enumerate(before.categories, start=1)}
    pairs = [(0, 0)] + [(i, known[c.id]) for i, c in enumerate(now.categories, start=1) if c.id in known]
    for key in (k for k in weights if k.startswith(PREDICTOR)):
        rows = 4 if "bbox_pred" in key else 1
        fresh = own[key].clone().view(len(now) + 1, rows, -1)
        old = weights[key].view(len(before) + 1, rows, -1)
        for new_label, old_label in pairs:
            fresh[new_label] = old[old_label]
        fitted[key] = fresh.view(own[key].shape)
    return fitted


def _run_checkpoint(runs_dir: Path, run_id: str) -> Path:
    if not run_id or Path(run_id).name != run_id or not (runs_dir / run_id).is_dir():
        raise EngineError(f"weights: there is no run {run_id!r} in {runs_dir}. Choose one of its runs, or none.")
    return find_checkpoint(runs_dir / run_id)


def _last_run(runs_dir: Path, exclude: str) -> str:
    """The newest run with a checkpoint: run ids begin with their time, so the last by name."""
    names = sorted((p.name for p in runs_dir.glob("*") if p.is_dir() and p.name != exclude), reverse=True)
    for name in names:
        if any((runs_dir / name / "checkpoints").glob("*/state.json")):
            return name
    raise EngineError(
        f"weights: there is no earlier run with a checkpoint in {runs_dir}. Train with another preset first."
    )
