"""What each setting of a fixed choice may be, in plain words. Which values exist is the engine's matter."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from rcnn_studio.ui.train.fields import Choice

Choices = tuple[Choice, ...]


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainForm", text)


def backbones() -> Choices:
    return (
        ("resnet18-slim", _tr("ResNet-18 slim (fastest)")),
        ("resnet18", _tr("ResNet-18 (small)")),
        ("resnet34", _tr("ResNet-34 (middle)")),
        ("resnet50", _tr("ResNet-50 (usual on a GPU)")),
        ("resnet101", _tr("ResNet-101 (large, slow)")),
        ("mobilenet_v3_large", _tr("MobileNetV3 (light, with loaded weights)")),
        ("vgg16", _tr("VGG-16 (the papers', one level)")),
        ("resnet18-c4", _tr("ResNet-18 C4 (one level)")),
        ("resnet50-c4", _tr("ResNet-50 C4 (one level)")),
        ("resnet101-c4", _tr("ResNet-101 C4 (one level)")),
    )


def augmentations() -> Choices:
    return (
        ("none", _tr("None")),
        ("light", _tr("Light: mirror, a little colour")),
        ("standard", _tr("Standard: mirror, colour, zoom")),
        ("strong", _tr("Strong: also crops and wide zoom")),
        ("aerial-microscopy", _tr("Aerial, microscopy: turns and flips too")),
    )


def devices() -> Choices:
    return (
        ("auto", _tr("Automatic")),
        ("cuda", _tr("NVIDIA GPU (CUDA)")),
        ("mps", _tr("Apple GPU (MPS)")),
        ("cpu", "CPU"),
    )


def methods() -> Choices:
    return (
        ("faster-rcnn", _tr("Faster R-CNN (finds its boxes itself)")),
        ("fast-rcnn", _tr("Fast R-CNN (boxes from Selective Search)")),
        ("alternating", _tr("Faster R-CNN in 4 alternating steps")),
    )


def box_heads() -> Choices:
    return (
        ("mlp", _tr("Two layers (usual)")),
        ("conv", _tr("Four convolutions, one layer (v2)")),
        ("body", _tr("Last stage of the backbone (C4 only)")),
    )


def poolings() -> Choices:
    return (
        ("align", _tr("Align (RoIAlign)")),
        ("pool", _tr("Pool (RoIPool, one level only)")),
    )


def norms() -> Choices:
    return (
        ("group", _tr("Group (random weights)")),
        ("frozen_batch", _tr("Frozen batch (loaded weights)")),
        ("batch", _tr("Batch (large batches only)")),
        ("none", _tr("None (VGG-16)")),
    )


def search_modes() -> Choices:
    return (
        ("fast", _tr("Fast")),
        ("quality", _tr("Quality (four times as slow)")),
    )


def optimizers() -> Choices:
    return (("adamw", "AdamW"), ("sgd", "SGD"), ("adam", "Adam"))


def schedules() -> Choices:
    return (
        ("cosine", _tr("Cosine")),
        ("multistep", _tr("In two steps (70 %, 90 %)")),
        ("constant", _tr("Constant")),
    )


def precisions() -> Choices:
    return (
        ("auto", _tr("Automatic")),
        ("bf16", "bfloat16"),
        ("fp16", "float16"),
        ("off", "float32"),
    )
