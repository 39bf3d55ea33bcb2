"""Faster and Fast R-CNN as the config wants them, glued from torchvision's own modules and named like them.

Does no resizing (the loader resizes uint8 images) and reads no weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import clip_boxes_to_image

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig
from rcnn_studio.domain.stages import ROI_LOSSES, RPN_LOSSES
from rcnn_studio.engine.models.backbones import (
    BACKBONES,
    PYRAMIDS,
    SLIM,
    STRIDES,
    Backbone,
    build_backbone,
    fresh_norm_layer,
    norm_layer,
)
from rcnn_studio.engine.models.parts import (
    BodyHead,
    DroppingMLPHead,
    FixedRoIAlign,
    Fp32AnchorGenerator,
    Fp32Predictor,
    Fp32RPNHead,
    JitteredRoIHeads,
    RoIPool,
)

__all__ = ["BACKBONES", "SLIM", "STRIDES", "Detector", "JitteredRoIHeads", "build_detector", "freeze", "norm_layer"]

Target = dict[str, Tensor]

IMAGE_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, as all torchvision weights expect
IMAGE_STD = (0.229, 0.224, 0.225)
PAD_TO = 16  # torchvision's 32 is for grids it divides the image by; with true strides 240 x 320 needs no padding
SCORE_FLOOR = 0.01
DETECTIONS_PER_IMAGE = 100
METHODS = ("faster-rcnn", "fast-rcnn", "alternating")


class Detector(nn.Module):
    """Faster R-CNN over resized images; its parameters are named and shaped like torchvision's FasterRCNN.

    rpn is None in a Fast R-CNN, whose boxes are always given. losses: those that are computed in training; a stage of
    an alternating training leaves some out.
    """

    def __init__(
        self,
        backbone: nn.Module,
        rpn: Any,
        roi_heads: JitteredRoIHeads,
        *,
        freezable: tuple[tuple[str, ...], ...] = (),
        loss_weights: Sequence[float] = (1.0,) * len(LOSS_NAMES),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads
        self.freezable = freezable
        self.loss_weights = dict(zip(LOSS_NAMES, loss_weights, strict=True))
        self.losses: tuple[str, ...] = LOSS_NAMES
        self.memory_format = torch.contiguous_format
        self.pad_to = PAD_TO
        self.register_buffer("_mean", torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("_std", torch.tensor(IMAGE_STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(
        self,
        images: Sequence[Tensor],
        targets: list[Target] | None = None,
        proposals: Sequence[Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], list[Target]]:
        """images: N uint8 (3, h, w) RGB, already resized. targets (training): boxes (B, 4) float32 xyxy in those
        pixels, labels (B,) int64 in 1..K. proposals: N (P, 4) float32 xyxy in those pixels, instead of the RPN's own.

        -> (all of LOSS_NAMES in training, those not computed zero, else {}; detections else []): per image boxes
        (D, 4) xyxy, labels (D,), scores (D,) by falling score.
        """
        batch = self.batch(images)
        features = self.backbone(batch.tensors)
        losses: dict[str, Tensor] = {}
        if proposals is None:
            boxes, losses = self._propose(batch, features, targets)
        else:
            boxes = [_usable(p.to(batch.tensors.device), s) for p, s in zip(proposals, batch.image_sizes, strict=True)]
        found: list[Target] = []
        if not self.training or set(self.losses) & set(ROI_LOSSES):
            found, roi_losses = self.roi_heads(features, boxes, batch.image_sizes, targets)
            losses = {**losses, **roi_losses}
        return (self._weighted(losses) if self.training else {}), found

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

    def _propose(
        self, batch: ImageList, features: dict[str, Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        if self.rpn is None:
            raise EngineError("A Fast R-CNN finds no boxes itself: proposals must be given for every image.")
        boxes, losses = self.rpn(batch, features, targets)
        return boxes, losses if set(self.losses) & set(RPN_LOSSES) else {}

    def _weighted(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        zero = torch.zeros((), device=self.get_buffer("_mean").device)
        weights = self.loss_weights
        return {name: losses[name] * weights[name] if name in losses else zero for name in LOSS_NAMES}


def build_detector(config: TrainConfig, category_count: int) -> Detector:
    """A detector for K categories with fresh weights (seed torch first). Raises EngineError for an unknown value."""
    if config.method not in METHODS:
        raise EngineError(f"method: {config.method!r} is not known. Use one of {', '.join(METHODS)}.")
    backbone = build_backbone(config)
    rpn = None if config.method == "fast-rcnn" else _rpn(config, backbone)
    heads = _roi_heads(config, backbone, category_count + 1)
    detector = Detector(backbone.module, rpn, heads, freezable=backbone.freezable, loss_weights=config.loss_weights)
    if config.weights == "none" and config.norm == "group":
        _init_predictors(detector)
    if config.channels_last:
        detector.memory_format = torch.channels_last
        detector.to(memory_format=torch.channels_last)
    return detector


def freeze(detector: Detector, trainable_layers: int) -> None:
    """Keeps the first 5 - trainable_layers stages of the body as they are. Call after every .train():
    frozen batch statistics would move else."""
    body = detector.backbone.get_submodule("body")
    stages = detector.freezable[: max(0, 5 - trainable_layers)]
    for name in (name for stage in stages for name in stage):
        module = body.get_submodule(name)
        module.requires_grad_(False)
        module.eval()


def _anchor_sizes(config: TrainConfig, backbone: Backbone) -> tuple[tuple[float, ...], ...]:
    """One size a level in a ResNet pyramid (as in the pyramid paper), all of them on every level elsewhere."""
    sizes = tuple(float(size) for size in config.anchor_sizes)
    if config.backbone in PYRAMIDS:
        return tuple((size,) for size in sizes)
    return (sizes,) * len(backbone.strides)


def _rpn(config: TrainConfig, backbone: Backbone) -> RegionProposalNetwork:
    anchors = Fp32AnchorGenerator(_anchor_sizes(config, backbone), tuple(config.anchor_ratios), backbone.strides)
    train, test = config.rpn_proposals_train, config.rpn_proposals_test
    return RegionProposalNetwork(
        anchors,
        Fp32RPNHead(backbone.channels, anchors.num_anchors_per_location()[0], conv_depth=config.rpn_convs),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": train, "testing": test},
        post_nms_top_n={"training": train, "testing": test},
        nms_thresh=0.7,
        score_thresh=config.rpn_score,
    )


def _roi_heads(config: TrainConfig, backbone: Backbone, class_count: int) -> JitteredRoIHeads:
    head, channels = _box_head(config, backbone)
    heads = JitteredRoIHeads(
        _pooling(config, backbone),
        head,
        Fp32Predictor(channels, class_count),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=config.rois_per_image,
        positive_fraction=config.positive_fraction,
        bbox_reg_weights=None,
        score_thresh=SCORE_FLOOR,
        nms_thresh=0.5,
        detections_per_img=DETECTIONS_PER_IMAGE,
    )
    heads.fraction, heads.background_iou = config.positive_fraction, config.background_iou
    heads.start_jitter(config.jittered_boxes)
    return heads


def _pooling(config: TrainConfig, backbone: Backbone) -> nn.Module:
    size = 14 if config.box_head == "body" else 7
    if config.roi_pooling == "pool":
        if not backbone.single_level:
            raise EngineError("roi_pooling: pool is for single-level backbones (vgg16 and those in -c4). Use align.")
        return RoIPool(backbone.strides[0], size=size)
    if config.roi_pooling != "align":
        raise EngineError(f"roi_pooling: {config.roi_pooling!r} is not known. Use align or pool.")
    return FixedRoIAlign(backbone.strides[: backbone.roi_levels], size=size)


def _box_head(config: TrainConfig, backbone: Backbone) -> tuple[nn.Module, int]:
    """-> the head and how many numbers it gives for a region."""
    channels, wide = backbone.channels, config.head_channels
    if config.box_head == "mlp":
        return DroppingMLPHead(channels * 49, wide, config.head_dropout), wide
    if config.box_head == "conv":
        norm = fresh_norm_layer(config.norm)
        return FastRCNNConvFCHead((channels, 7, 7), [channels] * 4, [wide], norm_layer=norm), wide
    if config.box_head != "body":
        raise EngineError(f"box_head: {config.box_head!r} is not known. Use mlp, conv or body.")
    if backbone.tail is None:
        raise EngineError(f"box_head: body needs a backbone in -c4, {config.backbone} has no stage left. Use mlp.")
    return BodyHead(backbone.tail), backbone.tail_channels


def _usable(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Inside the image and at least 1e-3 px wide, as torchvision's RPN gives them; the whole image where none is."""
    clipped: Tensor = clip_boxes_to_image(boxes.float(), size)
    kept = clipped[((clipped[:, 2:] - clipped[:, :2]) >= 1e-3).all(dim=1)]
    return kept if len(kept) else boxes.new_tensor([[0.0, 0.0, size[1], size[0]]], dtype=torch.float32)


def _init_predictors(detector: Detector) -> None:
    """Small numbers in the two last layers, for training without weights."""
    predictor = detector.roi_heads.box_predictor
    assert isinstance(predictor, Fp32Predictor)
    nn.init.normal_(predictor.cls_score.weight, std=0.01)
    nn.init.normal_(predictor.bbox_pred.weight, std=0.001)
    for layer in (predictor.cls_score, predictor.bbox_pred):
        nn.init.zeros_(layer.bias)
