"""Parts of a detector that differ from torchvision's in one point each; names and shapes are torchvision's.

Builds no detector and reads no config.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign, box_iou, roi_pool
from torchvision.ops.poolers import LevelMapper

POSITIVE_FRACTION = 0.25  # of the regions sampled in an image
CANONICAL_SIDE, CANONICAL_LEVEL = 224, 4  # of the pyramid paper's equation 1


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
    """Anchors in float32 whatever the features are in, on the levels' true strides.

    torchvision makes anchors in the features' type (bf16: up to 7 px off) and divides image by grid size, which is
    the stride only if the padded image is a multiple of it.
    """

    def __init__(
        self, sizes: tuple[tuple[float, ...], ...], ratios: tuple[float, ...], strides: tuple[int, ...]
    ) -> None:
        super().__init__(sizes, (ratios,) * len(sizes))
        self.strides = strides

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        device = feature_maps[0].device
        self.set_cell_anchors(torch.float32, device)
        sizes = [list(f.shape[-2:]) for f in feature_maps]
        strides = [[torch.tensor(s, device=device)] * 2 for s in self.strides]
        anchors = torch.cat(self.grid_anchors(sizes, strides))
        return [anchors] * len(image_list.image_sizes)


class FixedRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """MultiScaleRoIAlign that knows its scales, instead of inferring them for ever from the first batch it meets."""

    def __init__(self, strides: Sequence[int], *, size: int = 7) -> None:
        super().__init__([str(i) for i in range(len(strides))], output_size=size, sampling_ratio=2)
        self.scales = [1.0 / stride for stride in strides]
        least, most = (int(s).bit_length() - 1 for s in (strides[0], strides[-1]))
        self.map_levels = LevelMapper(least, most, canonical_scale=CANONICAL_SIDE, canonical_level=CANONICAL_LEVEL)


class RoIPool(nn.Module):
    """Fast R-CNN's max pooling of regions, for a single level; takes the place of MultiScaleRoIAlign."""

    def __init__(self, stride: int, *, size: int = 7) -> None:
        super().__init__()
        self.output_size = (size, size)
        self.scale = 1.0 / stride

    def forward(self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: object) -> Tensor:
        """features: {"0": (N, C, h, w)}; boxes: N of (R, 4) xyxy image pixels -> (sum of R, C, size, size)."""
        level = features["0"].float()  # roi_pool knows no bf16
        pooled: Tensor = roi_pool(level, boxes, self.output_size, self.scale)
        return pooled


class DroppingMLPHead(TwoMLPHead):  # type: ignore[misc]
    """torchvision's two layers with dropout behind each, as VGG-16's classifier has it."""

    def __init__(self, in_channels: int, channels: int, dropout: float) -> None:
        super().__init__(in_channels, channels)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        if not self.dropout:
            return super().forward(x)  # type: ignore[no-any-return]
        x = x.flatten(start_dim=1)
        for layer in (self.fc6, self.fc7):
            x = nn.functional.dropout(nn.functional.relu(layer(x)), self.dropout, self.training)
        return x


class BodyHead(nn.Module):
    """The body's last stage as box head (C4): (R, C, 14, 14) -> (R, channels), averaged over the grid."""

    def __init__(self, layer4: nn.Module) -> None:
        super().__init__()
        self.layer4 = layer4

    def forward(self, x: Tensor) -> Tensor:
        grid: Tensor = self.layer4(x)
        return grid.mean(dim=(2, 3))


class JitteredRoIHeads(RoIHeads):  # type: ignore[misc]
    """torchvision's heads that also learn from boxes near the true ones, while the RPN does not find any yet.

    Each true box joins the proposals (as in torchvision) with `copies` shifted and scaled by up to JITTER of its sides,
    and half of the sampled regions may be objects. Call settle() well before the end: scores learnt with so many
    objects about are too high (at 0.5, twice the false ones on blood cells for the same AP, measured).

    background_iou: Fast R-CNN's lower bound; a region that overlaps every box less teaches nothing.
    """

    JITTER = 0.15
    copies = 0
    fraction = POSITIVE_FRACTION
    background_iou = 0.0

    def start_jitter(self, copies: int) -> None:
        self.copies = copies
        self.fg_bg_sampler.positive_fraction = max(0.5, self.fraction) if copies else self.fraction

    def settle(self) -> None:
        """From here on as in torchvision."""
        self.start_jitter(0)

    def add_gt_proposals(self, proposals: list[Tensor], gt_boxes: list[Tensor]) -> list[Tensor]:
        joined: list[Tensor] = super().add_gt_proposals(proposals, gt_boxes)
        if not self.copies:
            return joined
        return [torch.cat([p, self._near(boxes)]) for p, boxes in zip(joined, gt_boxes, strict=True)]

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        if self.background_iou > 0:
            for mine, boxes, found in zip(proposals, gt_boxes, labels, strict=True):
                if len(boxes):  # without any box all regions are background, or the image would teach nothing
                    found[box_iou(boxes, mine).amax(dim=0) < self.background_iou] = -1
        return matched, labels

    def _near(self, boxes: Tensor) -> Tensor:
        copies = boxes.repeat(self.copies, 1)
        sides = (copies[:, 2:] - copies[:, :2]).repeat(1, 2)
        return copies + (2 * torch.rand_like(copies) - 1) * self.JITTER * sides
