"""Every architecture: torchvision's builders bit for bit where there are some, the papers' single levels, odd data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import drawings
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import detection, resnet50, vgg16
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models import weights
from rcnn_studio.engine.models.detector import Detector, build_detector, freeze
from rcnn_studio.engine.models.parts import RoIPool

PUBLISHED = TrainConfig(
    backbone="resnet50",
    norm="frozen_batch",
    fpn_channels=256,
    head_channels=1024,
    anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0),
    rpn_proposals_train=2000,
    rpn_proposals_test=1000,
    rois_per_image=512,
    jittered_boxes=0,
)
V2 = replace(PUBLISHED, norm="batch", box_head="conv", rpn_convs=2)
MOBILE = replace(PUBLISHED, backbone="mobilenet_v3_large", rpn_score=0.05)
MOBILE_320 = replace(MOBILE, rpn_proposals_test=150, rpn_proposals_train=150)
VGG = replace(
    drawings.SMALL,
    backbone="vgg16",
    norm="none",
    roi_pooling="pool",
    box_head="mlp",
    anchor_sizes=(16.0, 32.0, 64.0),
)
C4 = replace(drawings.SMALL, backbone="resnet18-c4", box_head="body", anchor_sizes=(16.0, 32.0, 64.0))


class OurTransform(nn.Module):
    """Hands torchvision's model the very tensors ours computes on, so that results can be equal to the bit."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.make_batch = detector.batch

    def forward(self, images: list[Tensor], targets: Any = None) -> tuple[Any, Any]:
        return self.make_batch(images), targets

    def postprocess(self, result: Any, *_: Any) -> Any:
        return result


@pytest.mark.parametrize(
    ("builder", "config"),
    [
        (detection.fasterrcnn_resnet50_fpn, PUBLISHED),
        (detection.fasterrcnn_resnet50_fpn_v2, V2),
        (detection.fasterrcnn_mobilenet_v3_large_fpn, MOBILE),
        (detection.fasterrcnn_mobilenet_v3_large_320_fpn, MOBILE_320),
    ],
)
def test_builder_equality_in_names_shapes_and_every_bit_of_the_outputs(
    builder: Callable[..., nn.Module], config: TrainConfig
) -> None:
    torch.manual_seed(0)
    theirs = builder(weights=None, weights_backbone=None, num_classes=5, box_score_thresh=0.01).eval()
    ours = build_detector(config, 4).eval()
    if config.norm == "frozen_batch":  # torchvision's builder freezes only over downloaded weights
        for module in list(theirs.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, FrozenBatchNorm2d(child.num_features))
    state = theirs.state_dict()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in state.items()}
    ours.load_state_dict(state)
    theirs.transform = OurTransform(ours)
    images = [torch.randint(0, 255, size, dtype=torch.uint8) for size in ((3, 128, 192), (3, 120, 160))]
    with torch.inference_mode():
        _, mine = ours(images)
        expected = theirs(images)
    assert all(len(found["boxes"]) for found in mine)
    for a, b in zip(mine, expected, strict=True):
        assert all(torch.equal(a[key], b[key]) for key in ("boxes", "labels", "scores"))


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet101"])
def test_the_other_resnets_have_the_names_and_shapes_of_torchvisions_pyramid(name: str) -> None:
    theirs = resnet_fpn_backbone(backbone_name=name, weights=None, norm_layer=FrozenBatchNorm2d).state_dict()
    ours = build_detector(replace(PUBLISHED, backbone=name), 3).backbone.state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize(
    "config",
    [
        VGG,
        replace(VGG, roi_pooling="align", norm="group"),
        C4,
        replace(C4, roi_pooling="pool", method="fast-rcnn"),
        replace(C4, box_head="mlp"),
        replace(C4, backbone="resnet50-c4"),
        replace(drawings.SMALL, backbone="mobilenet_v3_large"),
        replace(drawings.SMALL, box_head="conv", rpn_convs=2),
    ],
    ids=lambda c: f"{c.backbone}-{c.roi_pooling}-{c.box_head}",
)
def test_every_shape_learns_from_images_with_and_without_boxes(config: TrainConfig) -> None:
    torch.manual_seed(3)
    detector = build_detector(config, 2).train()
    images = [torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8) for _ in range(2)]
    targets = [
        {"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([1])},
        {"boxes": torch.zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    given = [torch.tensor([[6.0, 6, 42, 38], [50, 10, 90, 60]]), torch.zeros((0, 4))]
    losses, _ = detector(images, targets, given if config.method == "fast-rcnn" else None)
    assert tuple(losses) == LOSS_NAMES
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert bool(total.isfinite())
    assert detector.roi_heads.box_predictor.cls_score.weight.grad.abs().sum() > 0
    shallowest = next(p for p in detector.backbone.parameters())
    assert shallowest.grad is not None
    detector.eval()
    with torch.inference_mode():
        _, found = detector(images, proposals=given if config.method == "fast-rcnn" else None)
    assert len(found) == 2
    assert all(set(f) == {"boxes", "labels", "scores"} for f in found)


@pytest.mark.parametrize("config", [VGG, replace(VGG, roi_pooling="align"), replace(C4, roi_pooling="pool")])
def test_single_levels_also_compute_in_bf16(config: TrainConfig) -> None:
    detector = build_detector(config, 2).train()
    target = {"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([1])}
    with torch.autocast("cpu", torch.bfloat16):
        losses, _ = detector([torch.zeros((3, 64, 96), dtype=torch.uint8)], [target])
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert total.dtype == torch.float32
    assert bool(total.isfinite())


def test_an_image_without_boxes_or_proposals_teaches_a_fast_rcnn_background() -> None:
    detector = build_detector(replace(C4, method="fast-rcnn"), 2).train()
    nothing = {"boxes": torch.zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.int64)}
    losses, _ = detector([torch.zeros((3, 64, 64), dtype=torch.uint8)], [nothing], [torch.zeros((0, 4))])
    assert losses["loss_classifier"].item() > 0
    assert bool(losses["loss_box_reg"].isfinite())


@pytest.mark.parametrize("count", [1, 300])
def test_one_category_and_hundreds_of_them(count: int) -> None:
    detector = build_detector(drawings.SMALL, count).train()
    target = {"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([count])}
    losses, _ = detector([torch.zeros((3, 96, 128), dtype=torch.uint8)], [target])
    assert all(bool(loss.isfinite()) for loss in losses.values())
    assert detector.roi_heads.box_predictor.cls_score.out_features == count + 1


def test_single_levels_have_stride_16() -> None:
    image = torch.zeros((1, 3, 64, 96))
    for config, channels in ((VGG, 512), (C4, 256)):
        features = build_detector(config, 2).backbone(image)
        assert {k: tuple(v.shape) for k, v in features.items()} == {"0": (1, channels, 4, 6)}


def test_pooling_is_a_choice_of_single_levels_only() -> None:
    assert isinstance(build_detector(VGG, 2).roi_heads.box_roi_pool, RoIPool)
    with pytest.raises(EngineError, match=r"roi_pooling.*vgg16"):
        build_detector(replace(drawings.SMALL, roi_pooling="pool"), 2)
    with pytest.raises(EngineError, match=r"box_head.*-c4"):
        build_detector(replace(drawings.SMALL, box_head="body"), 2)
    with pytest.raises(EngineError, match=r"norm.*vgg16"):
        build_detector(replace(drawings.SMALL, norm="none"), 2)


def test_frozen_stages_are_the_shallow_ones() -> None:
    detector = build_detector(VGG, 2)
    freeze(detector, 3)
    body = detector.backbone.get_submodule("body")
    learns = [bool(layer.weight.requires_grad) for layer in body.modules() if isinstance(layer, nn.Conv2d)]
    assert learns == [False] * 4 + [True] * 9  # conv1 and conv2, as in the paper


def test_classifier_weights_reach_the_body_and_the_box_head() -> None:
    detector = build_detector(replace(VGG, head_channels=4096), 2)
    published = vgg16(weights=None).state_dict()
    body, head = weights.split_classifier(published, "vgg16", detector)
    weights._load_matching(detector.backbone.get_submodule("body"), body, "vgg16")
    weights._load_matching(detector.roi_heads.get_submodule("box_head"), head, "vgg16")
    state = detector.state_dict()
    assert torch.equal(state["backbone.body.28.weight"], published["features.28.weight"])
    assert torch.equal(state["roi_heads.box_head.fc7.weight"], published["classifier.3.weight"])

    detector = build_detector(replace(C4, backbone="resnet50-c4", norm="frozen_batch"), 2)
    published = resnet50(weights=None).state_dict()
    body, head = weights.split_classifier(published, "resnet50", detector)
    weights._load_matching(detector.backbone.get_submodule("body"), body, "resnet50")
    weights._load_matching(detector.roi_heads.get_submodule("box_head"), head, "resnet50")
    state = detector.state_dict()
    assert torch.equal(state["roi_heads.box_head.layer4.2.conv3.weight"], published["layer4.2.conv3.weight"])
    assert torch.equal(state["backbone.body.layer3.0.conv1.weight"], published["layer3.0.conv1.weight"])


def test_published_detectors_load_under_their_old_names_and_keep_known_categories(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    donor = build_detector(replace(PUBLISHED, weights="coco"), 90)
    published = {k: torch.rand_like(v) if v.is_floating_point() else v for k, v in donor.state_dict().items()}
    old = {k.replace("rpn.head.conv.0.0.", "rpn.head.conv."): v for k, v in published.items()}
    for block in range(4):
        for kind in ("inner", "layer"):
            for name in ("weight", "bias"):
                place = f"backbone.fpn.{kind}_blocks.{block}."
                old[place + name] = old.pop(f"{place}0.{name}")
    monkeypatch.setattr(weights, "_download", lambda _: old)
    config = replace(PUBLISHED, weights="coco")
    table = CategoryTable((Category(id=1, name="widget"), Category(id=2, name="Person")))
    taker = build_detector(config, 2)
    weights.load_weights(taker, config, table, drawings.Path("runs"))
    state = taker.state_dict()
    assert torch.equal(state["rpn.head.conv.0.0.weight"], published["rpn.head.conv.0.0.weight"])
    rows = published["roi_heads.box_predictor.cls_score.weight"]
    assert torch.equal(state["roi_heads.box_predictor.cls_score.weight"][[0, 2]], rows[[0, 1]])
    assert not torch.equal(state["roi_heads.box_predictor.cls_score.weight"][1], rows[1])
