"""The detector as a graph of one resized image, and how it is written. Resizing stays outside.

Written by tracing: torch's newer exporter does not take torchvision's detection code.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torchvision.models.detection.image_list import ImageList

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.models.detector import Detector

OPSET = 17
INPUT, OUTPUTS = "image", ("boxes", "labels", "scores")


class Graph(nn.Module):
    """image: (3, H, W) float32 RGB 0..255, resized -> boxes (D, 4) xyxy in its pixels, labels (D,), scores (D,)."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        detector = self.detector
        height, width = image.shape[-2], image.shape[-1]
        mean, std = detector.get_buffer("_mean"), detector.get_buffer("_std")
        padded = pad((image[None] - mean) / std, (0, -width % detector.pad_to, 0, -height % detector.pad_to))
        features = detector.backbone(padded)
        if isinstance(features, Tensor):
            features = {"0": features}
        batch = ImageList(padded, [(height, width)])
        proposals, _ = detector.rpn(batch, features)
        (found,), _ = detector.roi_heads(features, proposals, batch.image_sizes)
        return found["boxes"], found["labels"], found["scores"]


def write_onnx(detector: Detector, example: Tensor, path: Path) -> None:
    """Raises EngineError where torch cannot write this detector."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of every shape it follows
            torch.onnx.export(
                Graph(detector).eval(),
                (example,),
                str(path),
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_axes={INPUT: {1: "height", 2: "width"}, **{name: {0: "detections"} for name in OUTPUTS}},
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise EngineError(f"{path}: torch cannot write this model as ONNX ({_first_line(error)}).") from error


def write_torchscript(detector: Detector, example: Tensor, path: Path) -> None:
    """Raises EngineError where torch cannot write this detector."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(Graph(detector).eval(), (example,), check_trace=False)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, str(path))
    except RuntimeError as error:
        raise EngineError(f"{path}: torch cannot write this model as TorchScript ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
