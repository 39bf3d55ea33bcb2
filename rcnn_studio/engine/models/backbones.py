"""Networks that turn images into feature maps: pyramids over ResNet and MobileNetV3, single levels of VGG and ResNet.

All are torchvision's own modules under torchvision's names. Loads no weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, resnet, vgg
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig

NormLayer = Callable[[int], nn.Module]

SLIM = "resnet18-slim"
VGG = "vgg16"
MOBILE = "mobilenet_v3_large"
C4 = "-c4"
PYRAMIDS = (SLIM, "resnet18", "resnet34", "resnet50", "resnet101")
BACKBONES = (*PYRAMIDS, MOBILE, VGG, "resnet18-c4", "resnet50-c4", "resnet101-c4")
NORMS = ("group", "frozen_batch", "batch", "none")
STRIDES = (4, 8, 16, 32, 64)  # of a ResNet pyramid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backbone:
    """A network and what the rest of a detector must know of it.

    module: images (N, 3, H, W) -> feature maps by level "0", "1", ..., all of `channels`; it has a `body`.
    strides: of all levels; the first roi_levels are those that regions are pooled from. freezable: names in the body,
    shallowest stage first. tail: the body's last stage where that is left for the box head, with its channels.
    """

    module: nn.Module
    channels: int
    strides: tuple[int, ...]
    roi_levels: int
    freezable: tuple[tuple[str, ...], ...]
    tail: nn.Module | None = None
    tail_channels: int = 0

    @property
    def single_level(self) -> bool:
        return len(self.strides) == 1


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


class SingleLevel(nn.Module):
    """A body whose one feature map is level "0"."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = self.body(images)
        return features if isinstance(features, dict) else {"0": features}


def build_backbone(config: TrainConfig) -> Backbone:
    """The config's backbone with fresh weights. Raises EngineError for a name or combination that is not known."""
    if config.backbone not in BACKBONES:
        raise EngineError(f"backbone: {config.backbone!r} is not known. Use one of {', '.join(BACKBONES)}.")
    norm = norm_layer(config.norm)
    if config.backbone == VGG:
        return _vgg(config.norm)
    if norm is None:
        raise EngineError(f"norm: none is for {VGG} only. Use group, frozen_batch or batch.")
    if config.backbone == MOBILE:
        return _mobile_pyramid(config, norm)
    if config.backbone.endswith(C4):
        return _c4(config.backbone.removesuffix(C4), norm)
    return _pyramid(config, norm)


def norm_layer(name: str) -> NormLayer | None:
    """ "group": GroupNorm, for any batch size and from scratch; "frozen_batch": the constants of pretrained weights;
    "batch": of each batch, which must be large; "none": nothing. Raises EngineError for others."""
    if name not in NORMS:
        raise EngineError(f"norm: {name!r} is not known. Use {', '.join(NORMS)}.")
    layers = {"group": _group_norm, "frozen_batch": FrozenBatchNorm2d, "batch": nn.BatchNorm2d}
    return cast("NormLayer | None", layers.get(name))


def fresh_norm_layer(name: str) -> NormLayer | None:
    """What stands in pyramid and heads: as norm_layer, but nothing where the body's constants are pretrained."""
    return None if name == "frozen_batch" else norm_layer(name)


def _group_norm(channels: int) -> nn.Module:
    groups = min(32, channels // 4)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


def _resnet_body(name: str, norm: NormLayer) -> nn.Module:
    body: nn.Module = getattr(resnet, name)(weights=None, norm_layer=norm)
    return body


def _resnet_channels(name: str) -> list[int]:
    widest = 2048 if name in ("resnet50", "resnet101") else 512
    return [widest // 8 * 2**i for i in range(4)]


def _pyramid(config: TrainConfig, norm: NormLayer) -> Backbone:
    levels = len(config.anchor_sizes)
    if levels not in (4, 5):
        raise EngineError(f"anchor_sizes: {levels} given, but the pyramid has 4 or 5 levels: give one size for each.")
    slim = config.backbone == SLIM
    backbone = BackboneWithFPN(
        SlimResNet(norm) if slim else _resnet_body(config.backbone, norm),
        {f"layer{i + 1}": str(i) for i in range(4)},
        list(SlimResNet.CHANNELS) if slim else _resnet_channels(config.backbone),
        config.fpn_channels,
        norm_layer=fresh_norm_layer(config.norm),
    )
    if levels == 4:
        backbone.fpn.extra_blocks = None
    stages = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
    return Backbone(
        module=backbone, channels=config.fpn_channels, strides=STRIDES[:levels], roi_levels=4, freezable=stages
    )


def _mobile_pyramid(config: TrainConfig, norm: NormLayer) -> Backbone:
    """torchvision's choice of levels: the last two of stride 32, and one pooled from them."""
    features = mobilenet_v3_large(weights=None, norm_layer=norm).features
    starts = [0, *(i for i, block in enumerate(features) if getattr(block, "_is_cn", False)), len(features) - 1]
    returned = starts[-2:]
    backbone = BackboneWithFPN(
        features,
        {str(start): str(level) for level, start in enumerate(returned)},
        [features[start].out_channels for start in returned],
        config.fpn_channels,
        norm_layer=fresh_norm_layer(config.norm),
    )
    ends = [*starts[1:], len(features)]
    stages = tuple(tuple(str(i) for i in range(a, b)) for a, b in zip(starts, ends, strict=True))
    return Backbone(module=backbone, channels=config.fpn_channels, strides=(32, 32, 64), roi_levels=2, freezable=stages)


def _c4(name: str, norm: NormLayer) -> Backbone:
    whole = _resnet_body(name, norm)
    channels = _resnet_channels(name)
    tail = whole.get_submodule("layer4")
    body = IntermediateLayerGetter(whole, {"layer3": "0"})
    stages = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",))
    return Backbone(
        module=SingleLevel(body),
        channels=channels[2],
        strides=(16,),
        roi_levels=1,
        freezable=stages,
        tail=tail,
        tail_channels=channels[3],
    )


def _vgg(norm_name: str) -> Backbone:
    norm = norm_layer(norm_name)
    layers = list(vgg.make_layers(vgg.cfgs["D"], batch_norm=norm is not None))[
        :-1
    ]  # the last pooling is the RoI layer's
    if norm is not None:
        layers = [norm(x.num_features) if isinstance(x, nn.BatchNorm2d) else x for x in layers]
    body = nn.Sequential(*layers)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    pools = [place for place, layer in enumerate(body) if isinstance(layer, nn.MaxPool2d)]
    bounds = [0, *(p + 1 for p in pools), len(body)]
    stages = tuple(tuple(str(i) for i in range(a, b)) for a, b in pairwise(bounds))
    return Backbone(module=SingleLevel(body), channels=512, strides=(16,), roi_levels=1, freezable=stages)


def _basic_blocks(before: int, channels: int, norm: NormLayer, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != channels:
        shortcut = nn.Sequential(resnet.conv1x1(before, channels, stride), norm(channels))
    return nn.Sequential(
        resnet.BasicBlock(before, channels, stride, shortcut, norm_layer=norm),
        resnet.BasicBlock(channels, channels, norm_layer=norm),
    )
