"""Where a detector's first weights come from: nowhere, torchvision's published files, a local file, an earlier run.

Downloads only through torchvision's own loader, with its hash check; reads pickles only with weights_only=True.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model_weights
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)
from torchvision.ops import FrozenBatchNorm2d

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.backbones import C4, MOBILE, SLIM, VGG
from rcnn_studio.engine.models.detector import Detector
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
    "box_head",
    "roi_pooling",
    "rpn_convs",
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
    before = load_checkpoint(source)[1].config
    architecture = {name: getattr(before, name) for name in _OF_THE_RUN}
    if before.method == "fast-rcnn":
        architecture["method"] = before.method  # it has no RPN to go on with
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
        return _load_coco(detector, config, table)
    if kind.startswith(RUN_PREFIX):
        folder = _run_checkpoint(runs_dir, kind.removeprefix(RUN_PREFIX))
        weights, manifest = load_checkpoint(folder)
        known = {category.id: label for label, category in enumerate(manifest.table.categories, start=1)}
        same = {i: known[c.id] for i, c in enumerate(table.categories, start=1) if c.id in known}
        fitted = _fit_predictor(weights, detector.state_dict(), same)
        _load_matching(detector, fitted, f"run {folder.parent.parent.name}")
        return f"Weights: run {folder.parent.parent.name}, epoch {manifest.epoch}."
    return _load_local(detector, Path(kind))


def _load_imagenet(detector: Detector, config: TrainConfig) -> str:
    if config.norm not in ("frozen_batch", "batch", "none"):
        raise EngineError("weights: imagenet needs norm = frozen_batch (vgg16: none): it was trained with batch norm.")
    if config.backbone == SLIM:
        raise EngineError(f"weights: there are no ImageNet weights of {SLIM}. Use the backbone resnet18, or none.")
    name = config.backbone.removesuffix(C4)
    published = get_model_weights("vgg16_bn" if name == VGG and config.norm != "none" else name)["IMAGENET1K_V1"]
    body, head = split_classifier(_download(published), name, detector)
    _load_matching(detector.backbone.get_submodule("body"), body, "the ImageNet weights")
    if head:
        _load_matching(detector.roi_heads.get_submodule("box_head"), head, "the ImageNet weights")
    return f"Weights: ImageNet backbone {config.backbone}."


def split_classifier(
    state: dict[str, Tensor], name: str, detector: Detector
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A published classifier's state dict -> what the body takes of it, and what the box head takes."""
    if name == VGG:
        moved = {"classifier.0.": "fc6.", "classifier.3.": "fc7."}
        head = {new + k.removeprefix(old): v for old, new in moved.items() for k, v in state.items() if old in k}
        own = detector.roi_heads.get_submodule("box_head").state_dict()
        fits = own.keys() == head.keys() and all(own[k].shape == v.shape for k, v in head.items())
        return _below(state, "features."), head if fits else {}
    if name == MOBILE:
        return _below(state, "features."), {}
    body = {key: value for key, value in state.items() if not key.startswith("fc.")}
    known = detector.backbone.get_submodule("body").state_dict()
    if any(key.startswith("layer4.") for key in known):
        return body, {}
    late = {key: value for key, value in body.items() if key.startswith("layer4.")}
    takes_it = "layer4.0.conv1.weight" in detector.roi_heads.get_submodule("box_head").state_dict()
    return {k: v for k, v in body.items() if k not in late}, late if takes_it else {}


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _load_coco(detector: Detector, config: TrainConfig, table: CategoryTable) -> str:
    shape = (config.backbone, config.norm, config.box_head, config.rpn_convs)
    published: dict[tuple[str, str, str, int], WeightsEnum] = {
        ("resnet50", "frozen_batch", "mlp", 1): FasterRCNN_ResNet50_FPN_Weights.COCO_V1,
        ("resnet50", "batch", "conv", 2): FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1,
        (MOBILE, "frozen_batch", "mlp", 1): FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1,
    }
    fits = (config.fpn_channels, config.head_channels, len(config.anchor_sizes), len(config.anchor_ratios))
    if shape not in published or fits != (256, 1024, 5, 3):
        raise EngineError(
            "weights: coco is a resnet50 with norm frozen_batch (or norm batch, box_head conv, rpn_convs 2), or a "
            "mobilenet_v3_large with norm frozen_batch; each with fpn_channels 256, head_channels 1024, 5 anchor_sizes "
            "and 3 anchor_ratios. Set those, or use the preset standard."
        )
    weights = published[shape]
    state = _download(weights)
    names = {str(name).casefold(): label for label, name in enumerate(weights.meta["categories"])}
    same = {i: names[c.name.casefold()] for i, c in enumerate(table.categories, start=1) if c.name.casefold() in names}
    fitted = _fit_predictor(state, detector.state_dict(), same) if same else _without_predictor(state)
    _load_matching(detector, fitted, "the COCO weights")
    if weights is FasterRCNN_ResNet50_FPN_Weights.COCO_V1:
        _without_epsilon(detector)
    words = f", {len(same)} of its categories kept" if same else ", new box predictor"
    return f"Weights: COCO detector{words}."


def _without_epsilon(detector: nn.Module) -> None:
    """These weights were trained with an epsilon of 0 (torchvision issue 2599): taken off the variances, to which it
    is added again, so that a checkpoint of the detector needs no such knowledge."""
    for module in detector.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.running_var -= module.eps


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
        body = _backbone_of(state)
        _load_matching(detector.backbone.get_submodule("body"), body, str(path))
        return f"Weights: backbone of {path.name}."
    same = all(state[k].shape == own[k].shape for k in own if k.startswith(PREDICTOR) and k in state)
    _load_matching(detector, state if same else _without_predictor(state), str(path))
    return f"Weights: {path.name}{'' if same else ', new box predictor'}."


def _backbone_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A file of a body alone, or of a classifier (torchvision's names)."""
    if any(key.startswith("features.") for key in state):
        return _below(state, "features.")
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


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
    state = {_new_name(key): value for key, value in state.items()}
    spare = [key for key in state if key not in own and key.endswith("num_batches_tracked")]
    if isinstance(module, Detector) and module.rpn is None:
        spare += [key for key in state if key.startswith("rpn.")]
    state = {key: value for key, value in state.items() if key not in spare}
    wrong = next((k for k, v in state.items() if k not in own or own[k].shape != v.shape), None)
    missing = next((k for k in own if k not in state and not k.startswith(PREDICTOR)), None)
    if wrong is not None or missing is not None:
        what = f"has {wrong}, which does not fit here" if wrong is not None else f"lacks {missing}"
        raise EngineError(f"weights: {source} {what}. Use the backbone, norm and sizes they were trained with.")
    module.load_state_dict(state, strict=False)


def _new_name(key: str) -> str:
    """torchvision's names before 0.13, which its first published detectors still bear, as they are now."""
    key = re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", key)
    return re.sub(r"(fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", key)


def _without_predictor(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not key.startswith(PREDICTOR)}


def _fit_predictor(weights: dict[str, Tensor], own: dict[str, Tensor], same: Mapping[int, int]) -> dict[str, Tensor]:
    """The weights with the predictor's rows as `own` wants them: background and the labels `same` (new label: old
    one) keep theirs, the others start fresh."""
    fitted = dict(weights)
    for key in (k for k in weights if k.startswith(PREDICTOR)):
        rows = 4 if "bbox_pred" in key else 1
        fresh = own[key].clone().view(len(own[key]) // rows, rows, -1)
        old = weights[key].view(len(weights[key]) // rows, rows, -1)
        for new_label, old_label in {0: 0, **same}.items():
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
