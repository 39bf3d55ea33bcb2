"""Selective Search on one image, through OpenCV's contrib modules. Keeps nothing and reads no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.loader import RGB, resize

VERSION = 1  # of the boxes' making: a higher one makes every cached box anew
SMALLEST_SIDE = 3  # pixels of the shrunk image
_MODES = {"fast": "switchToSelectiveSearchFast", "quality": "switchToSelectiveSearchQuality"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """mode: "fast" or "quality". side: the image's long side while it is searched, at most; memory and time go with
    its square."""

    mode: str = "fast"
    side: int = 500

    @property
    def key(self) -> str:
        """All that the boxes depend on besides the image."""
        return f"selective-search version={VERSION} mode={self.mode} side={self.side}"


def settings_of(config: TrainConfig) -> SearchSettings:
    """Raises EngineError for a mode that is not known."""
    if config.proposals_mode not in _MODES:
        raise EngineError(f"proposals_mode: {config.proposals_mode!r} is not known. Use {' or '.join(_MODES)}.")
    return SearchSettings(mode=config.proposals_mode, side=config.proposals_side)


def require_opencv() -> Any:
    """The module cv2 with its contrib parts. Raises EngineError that says what to install."""
    try:
        import cv2

        cv2.ximgproc.segmentation.createSelectiveSearchSegmentation  # noqa: B018 - is it there?
    except (ImportError, AttributeError) as error:
        raise EngineError(
            "Selective Search needs OpenCV with its contrib modules. Install it with "
            "`pip install opencv-contrib-python-headless` (or rcnn-studio[proposals]), or choose the method "
            "faster-rcnn, which finds its boxes itself."
        ) from error
    return cv2


def selective_search(image: RGB, settings: SearchSettings) -> NDArray[np.float32]:
    """image: (H, W, 3) uint8 RGB -> (P, 4) float32 xyxy in its pixels, larger regions first with some chance.

    The same boxes in the same order for the same image, whatever thread asks. Raises EngineError without OpenCV.
    """
    cv2 = require_opencv()
    height, width = image.shape[:2]
    scale = min(1.0, settings.side / max(width, height))
    small = resize(image, (max(1, round(width * scale)), max(1, round(height * scale))))
    if min(small.shape[:2]) < 2 * SMALLEST_SIDE:
        return np.array([[0, 0, width, height]], dtype=np.float32)
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(small[:, :, ::-1]))
    getattr(search, _MODES[settings.mode])()
    xywh = np.asarray(search.process(), dtype=np.int64).reshape(-1, 4)
    boxes = _ordered(xywh[(xywh[:, 2:] >= SMALLEST_SIDE).all(axis=1)])
    ratio = np.array([width / small.shape[1], height / small.shape[0]] * 2)
    scaled: NDArray[np.float32] = (boxes * ratio).astype(np.float32)
    return scaled


def _ordered(xywh: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distinct boxes as xyxy in the paper's order (Uijlings et al. 2013, 3.3: position in the hierarchy times a random
    number). OpenCV's own order comes from the C library's random numbers, which differ from call to call."""
    xywh = np.unique(xywh, axis=0)
    rank = np.empty(len(xywh))
    rank[np.argsort(-xywh[:, 2] * xywh[:, 3], kind="stable")] = np.arange(1, len(xywh) + 1)
    order = np.argsort(rank * np.random.default_rng(0).random(len(xywh)), kind="stable")
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)[order].astype(np.float64)
