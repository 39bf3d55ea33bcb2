"""What a training needs beyond the studio itself, and whether it is on this computer. Loads and fetches nothing."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from rcnn_studio.domain.runs import TrainConfig

OPENCV = "rcnn-studio[proposals]"
_WEIGHTS = {
    ("coco", "resnet50"): "fasterrcnn_resnet50_fpn*_coco-*.pth",
    ("coco", "mobilenet_v3_large"): "fasterrcnn_mobilenet_v3_large_fpn-*.pth",
    ("imagenet", "vgg16"): "vgg16*.pth",
}


def needs_opencv(config: TrainConfig) -> bool:
    """Whether boxes of Selective Search are asked for."""
    return config.method == "fast-rcnn"


def has_opencv() -> bool:
    return find_spec("cv2") is not None


def weights_fetched(config: TrainConfig) -> bool:
    """Whether the published weights that the config starts from lie in PyTorch's cache; also where it wants none."""
    if config.weights not in ("coco", "imagenet"):
        return True
    body = config.backbone.removesuffix("-c4")
    pattern = _WEIGHTS.get((config.weights, config.backbone), f"{body}-*.pth")
    return any(_hub_folder().glob(pattern))


def _hub_folder() -> Path:
    """Where PyTorch keeps what it has fetched, found as it finds it."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TORCH_HOME") or Path(caches) / "torch") / "hub" / "checkpoints"
