"""Faster R-CNN with a ResNet-FPN backbone, glued from torchvision's own modules; parameter names are torchvision's.

Does no resizing (the loader resizes uint8 images) and reads no weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign
from torchvision.ops.poolers import LevelMapper

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig

Target = dict[str, Tensor]
NormLayer = Callable[[int], nn.Module]

SLIM = "resnet18-slim"
BACKBONES = (SLIM, "resnet18", "resnet34", "resnet50", "resnet101")
IMAGE_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, as all torchvision weights expect
IMAGE_STD = (0.229, 0.224, 0.225)
STRIDES = (4, 8, 16, 32, 64)
PAD_TO = 16  # torchvision's 32 is for grids it divides the image by; with true strides 240 x 320 needs no padding
SCORE_FLOOR = 0.01
POSITIVE_FRACTION = 0.25  # of the regions sampled in an image
DETECTIONS_PER_IMAGE = 100


class Fp32RPNHead(RPNHead):  # type: ignore[misc]
    """torchvision's head with float32 outputs: boxes decoded from bf16 numbers lie pixels off."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        logits, deltas = super().forward(x)
        return [t.float() for t in logits], [t.float() for t in deltas]


class Fp32Predictor(FastRCNNPredictor):  # type: ignore[misc]
    """torchvision's predictor with float32 outputs, for the same reason."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scores, deltas = super().forward(x)
        return scores.float(), deltas.float()


class Fp32AnchorGenerator(AnchorGenerator):  # type: ignore[misc]
    """Anchors in float32 whatever the features are in, on the pyramid's true strides.

    torchvision makes anchors in the features' type (bf16: up to 7 px off) and divides image by grid size, which is
    the stride only if the padded image is a multiple of it.
    """

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        device = feature_maps[0].device
        self.set_cell_anchors(torch.float32, device)
        sizes = [list(f.shape[-2:]) for f in feature_maps]
        strides = [[torch.tensor(s, device=device)] * 2 for s in STRIDES[: len(sizes)]]
        anchors = torch.cat(self.grid_anchors(sizes, strides))
        return [anchors] * len(image_list.image_sizes)


class FixedRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """MultiScaleRoIAlign that knows its scales, instead of inferring them for ever from the first batch it meets."""

    def __init__(self, levels: int) -> None:
        super().__init__([str(i) for i in range(levels)], output_size=7, sampling_ratio=2)
        self.scales = [1.0 / stride for stride in STRIDES[:levels]]
        self.map_levels = LevelMapper(2, 1 + levels, canonical_scale=224, canonical_level=4)


class JitteredRoIHeads(RoIHeads):  # type: ignore[misc]
    """torchvision's heads that also learn from boxes near the true ones, while the RPN does not find any yet.

    Each true box joins the proposals (as in torchvision) with `copies` shifted and scaled by up to JITTER of its sides,
    and half of the sampled regions may be objects. Call settle() well before the end: scores learnt with so many
    objects about are too high (at 0.5, twice the false ones on blood cells for the same AP, measured).
    """

    JITTER = 0.15
    copies = 0

    def start_jitter(self, copies: int) -> None:
        self.copies = copies
        self.fg_bg_sampler.positive_fraction = 0.5 if copies else POSITIVE_FRACTION

    def settle(self) -> None:
        """From here on as in torchvision."""
        self.start_jitter(0)

    def add_gt_proposals(self, proposals: list[Tensor], gt_boxes: list[Tensor]) -> list[Tensor]:
        joined: list[Tensor] = super().add_gt_proposals(proposals, gt_boxes)
        if not self.copies:
            return joined
        return [torch.cat([p, self._near(boxes)]) for p, boxes in zip(joined, gt_boxes, strict=True)]

    def _near(self, boxes: Tensor) -> Tensor:
        copies = boxes.repeat(self.copies, 1)
        sides = (copies[:, 2:] - copies[:, :2]).repeat(1, 2)
        return copies + (2 * torch.rand_like(copies) - 1) * self.JITTER * sides


class SlimResNet(nn.Module):
    """ResNet-18 with half the channels, of torchvision's blocks under torchvision's names: a quarter of the work."""

    CHANNELS = (32, 64, 128, 256)

    def __init__(self, norm: NormLayer) -> None:
        super().__init__()
        first = self.CHANNELS[0]
        self.conv1 = nn.Conv2d(3, first, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        before = first
        for number, channels in enumerate(self.CHANNELS, start=1):
            self.add_module(f"layer{number}", _basic_blocks(before, channels, norm, stride=1 if number == 1 else 2))
            before = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Detector(nn.Module):
    """Faster R-CNN over resized images; its parameters are named and shaped like torchvision's FasterRCNN."""

    def __init__(self, backbone: nn.Module, rpn: RegionProposalNetwork, roi_heads: JitteredRoIHeads) -> None:
        super().__init__()
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads
        self.memory_format = torch.contiguous_format
        self.pad_to = PAD_TO
        self.register_buffer("_mean", torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("_std", torch.tensor(IMAGE_STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(
        self, images: Sequence[Tensor], targets: list[Target] | None = None
    ) -> tuple[dict[str, Tensor], list[Target]]:
        """images: N uint8 (3, h, w) RGB, already resized. targets (training): boxes (B, 4) float32 xyxy in those
        pixels, labels (B,) int64 in 1..K. -> (losses by LOSS_NAMES in training else {}, detections else []):
        per image boxes (D, 4) xyxy, labels (D,), scores (D,) by falling score.
        """
        batch = self.batch(images)
        features = self.backbone(batch.tensors)
        proposals, rpn_losses = self.rpn(batch, features, targets)
        found, roi_losses = self.roi_heads(features, proposals, batch.image_sizes, targets)
        losses = {**rpn_losses, **roi_losses}
        return {name: losses[name] for name in LOSS_NAMES if name in losses}, found

    def batch(self, images: Sequence[Tensor]) -> ImageList:
        """Normalised once, zero-padded to one size that the strides divide. -> tensors (N, 3, H, W) float32."""
        sizes = [(int(i.shape[-2]), int(i.shape[-1])) for i in images]
        height, width = (self.pad_to * math.ceil(max(side) / self.pad_to) for side in zip(*sizes, strict=True))
        mean, std = self.get_buffer("_mean"), self.get_buffer("_std")
        padded = torch.zeros((len(images), 3, height, width), device=mean.device)
        padded = padded.contiguous(memory_format=self.memory_format)
        for row, image, (h, w) in zip(padded, images, sizes, strict=True):
            row[:, :h, :w] = (image.to(mean.device, non_blocking=True).float() - mean[0]) / std[0]
        return ImageList(padded, sizes)


def build_detector(config: TrainConfig, category_count: int) -> Detector:
    """A detector for K categories with fresh weights (seed torch first). Raises EngineError for an unknown value."""
    if config.backbone not in BACKBONES:
        raise EngineError(f"backbone: {config.backbone!r} is not known. Use one of {', '.join(BACKBONES)}.")
    levels = len(config.anchor_sizes)
    if levels not in (4, 5):
        raise EngineError(f"anchor_sizes: {levels} given, but the pyramid has 4 or 5 levels: give one size for each.")
    backbone = _backbone(config, extra_level=levels == 5)
    detector = Detector(backbone, _rpn(config), _roi_heads(config, category_count + 1))
    if config.weights == "none" and config.norm == "group":
        _init_pyramid_predictors(detector)
    if config.channels_last:
        detector.memory_format = torch.channels_last
        detector.to(memory_format=torch.channels_last)
    return detector


def freeze(detector: Detector, trainable_layers: int) -> None:
    """Keeps the first 5 - trainable_layers of (stem, layer1..layer4) as they are. Call after every .train():
    frozen batch statistics would move else."""
    body = detector.backbone.body
    assert isinstance(body, nn.Module)
    stages = [["conv1", "bn1"], ["layer1"], ["layer2"], ["layer3"], ["layer4"]][: max(0, 5 - trainable_layers)]
    for name in (name for stage in stages for name in stage):
        module = body.get_submodule(name)
        module.requires_grad_(False)
        module.eval()


def norm_layer(name: str) -> NormLayer:
    """ "group": GroupNorm, for any batch size and from scratch; "frozen_batch": the constants of pretrained weights."""
    if name == "group":
        return _group_norm
    if name == "frozen_batch":
        return cast(NormLayer, FrozenBatchNorm2d)
    raise EngineError(f"norm: {name!r} is not known. Use group or frozen_batch.")


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(min(32, channels // 4), channels)


def _backbone(config: TrainConfig, *, extra_level: bool) -> BackboneWithFPN:
    norm = norm_layer(config.norm)
    if config.backbone == SLIM:
        body: nn.Module = SlimResNet(norm)
        channels = list(SlimResNet.CHANNELS)
    else:
        body = getattr(resnet, config.backbone)(weights=None, norm_layer=norm)
        widest = 2048 if config.backbone in ("resnet50", "resnet101") else 512
        channels = [widest // 8 * 2**i for i in range(4)]
    backbone = BackboneWithFPN(
        body,
        {f"layer{i + 1}": str(i) for i in range(4)},
        channels,
        config.fpn_channels,
        norm_layer=norm_layer("group") if config.norm == "group" else None,
    )
    if not extra_level:
        backbone.fpn.extra_blocks = None
    return backbone


def _basic_blocks(before: int, channels: int, norm: NormLayer, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != channels:
        shortcut = nn.Sequential(resnet.conv1x1(before, channels, stride), norm(channels))
    return nn.Sequential(
        resnet.BasicBlock(before, channels, stride, shortcut, norm_layer=norm),
        resnet.BasicBlock(channels, channels, norm_layer=norm),
    )


def _rpn(config: TrainConfig) -> RegionProposalNetwork:
    anchors = Fp32AnchorGenerator(
        tuple((float(size),) for size in config.anchor_sizes), (tuple(config.anchor_ratios),) * len(config.anchor_sizes)
    )
    train, test = config.rpn_proposals_train, config.rpn_proposals_test
    return RegionProposalNetwork(
        anchors,
        Fp32RPNHead(config.fpn_channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": train, "testing": test},
        post_nms_top_n={"training": train, "testing": test},
        nms_thresh=0.7,
    )


def _roi_heads(config: TrainConfig, class_count: int) -> JitteredRoIHeads:
    heads = JitteredRoIHeads(
        FixedRoIAlign(4),
        TwoMLPHead(config.fpn_channels * 49, config.head_channels),
        Fp32Predictor(config.head_channels, class_count),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=config.rois_per_image,
        positive_fraction=POSITIVE_FRACTION,
        bbox_reg_weights=None,
        score_thresh=SCORE_FLOOR,
        nms_thresh=0.5,
        detections_per_img=DETECTIONS_PER_IMAGE,
    )
    heads.start_jitter(config.jittered_boxes)
    return heads


def _init_pyramid_predictors(detector: Detector) -> None:
    """Fan-out initialisation of the pyramid, small numbers in the two last layers, for training without weights."""
    predictor = detector.roi_heads.box_predictor
    assert isinstance(predictor, Fp32Predictor)
    nn.init.normal_(predictor.cls_score.weight, std=0.01)
    nn.init.normal_(predictor.bbox_pred.weight, std=0.001)
    for layer in (predictor.cls_score, predictor.bbox_pred):
        nn.init.zeros_(layer.bias)
