"""Detectors: torchvision's in names, shapes and results, and right in short number formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.ops import box_iou

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models import weights
from rcnn_studio.engine.models.detector import build_detector
from rcnn_studio.formats import images

COCO_SHAPED = TrainConfig(
    backbone="resnet50",
    norm="frozen_batch",
    fpn_channels=256,
    head_channels=1024,
    anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0),
    rpn_proposals_train=2000,
    rpn_proposals_test=1000,
    rois_per_image=512,
    jittered_boxes=0,
    channels_last=False,
)


def test_the_detector_is_torchvisions_in_names_shapes_and_results() -> None:
    torch.manual_seed(0)
    theirs = fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=5, min_size=128, max_size=160, box_score_thresh=0.01
    ).eval()
    ours = build_detector(COCO_SHAPED, 4).eval()
    state = {k: v for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in state.items()}
    ours.load_state_dict(state)
    image = torch.randint(0, 255, (3, 128, 160), dtype=torch.uint8)
    with torch.inference_mode():
        _, mine = ours([image])
        expected = theirs([image / 255])[0]
    assert len(mine[0]["boxes"]) == len(expected["boxes"])
    assert torch.allclose(mine[0]["boxes"], expected["boxes"], atol=0.05)
    assert torch.equal(mine[0]["labels"], expected["labels"])


def test_boxes_in_bf16_lie_where_they_lie_in_fp32(trained: Any) -> None:
    from rcnn_studio.engine.inference import Predictor
    from rcnn_studio.engine.training.precision import Precision

    image = images.decode(trained.images / "3.png")
    predictor = Predictor.load(trained.run_dir, device="cpu")
    exact = predictor.detect(image).above(0.5)
    predictor._precision = Precision("bf16", "cpu")
    short = predictor.detect(image).above(0.5)
    assert len(short) == len(exact) == 3
    iou = box_iou(torch.from_numpy(short.xyxy), torch.from_numpy(exact.xyxy)).max(dim=0).values
    assert float(iou.mean()) > 0.95


def test_anchors_stay_in_float32_under_autocast() -> None:
    detector = build_detector(drawings.SMALL, 2).eval()
    image = torch.zeros((3, 96, 128), dtype=torch.uint8)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        batch = detector.batch([image])
        features = list(detector.backbone(batch.tensors).values())
        anchors = detector.rpn.anchor_generator(batch, features)
    assert features[0].dtype == torch.bfloat16
    assert anchors[0].dtype == torch.float32
    centres = (anchors[0][:3, :2] + anchors[0][:3, 2:]) / 2
    assert torch.equal(centres, torch.zeros(3, 2))
    assert torch.equal((anchors[0][3, :2] + anchors[0][3, 2:]) / 2, torch.tensor([4.0, 0.0]))


def test_a_first_tiny_image_does_not_spoil_the_scales() -> None:
    torch.manual_seed(1)
    detector = build_detector(drawings.SMALL, 2).eval()
    image = torch.randint(0, 255, (3, 96, 128), dtype=torch.uint8)
    with torch.inference_mode():
        before = detector([image])[1][0]["boxes"]
        detector([torch.zeros((3, 17, 40), dtype=torch.uint8)])
        assert torch.equal(detector([image])[1][0]["boxes"], before)


def test_an_image_without_boxes_gives_finite_losses() -> None:
    torch.manual_seed(1)
    detector = build_detector(drawings.SMALL, 2).train()
    target = {"boxes": torch.zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.int64)}
    losses, _ = detector([torch.zeros((3, 96, 128), dtype=torch.uint8)], [target])
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert bool(total.isfinite())


def test_the_slim_network_is_torchvisions_resnet18_with_half_the_channels() -> None:
    slim = build_detector(drawings.SMALL, 2).state_dict()
    whole = build_detector(replace(drawings.SMALL, backbone="resnet18"), 2).state_dict()
    assert slim.keys() == whole.keys()
    assert slim["backbone.body.layer4.1.conv2.weight"].shape == (256, 256, 3, 3)
    with pytest.raises(EngineError, match="resnet18-slim"):
        weights.load_weights(
            build_detector(drawings.SMALL, 1),
            replace(drawings.SMALL, weights="imagenet", norm="frozen_batch"),
            CategoryTable(()),
            Path("runs"),
        )


def test_jittered_boxes_lie_near_the_true_ones() -> None:
    heads = build_detector(replace(drawings.SMALL, jittered_boxes=5), 2).roi_heads
    truth = torch.tensor([[10.0, 20, 50, 40], [60, 10, 90, 90]])
    joined = heads.add_gt_proposals([torch.zeros((3, 4))], [truth])[0]
    assert len(joined) == 3 + 2 + 10
    assert float(box_iou(joined[5:], truth.repeat(5, 1)).diagonal().min()) > 0.4


def test_a_category_table_survives_its_journey_and_one_category_is_enough() -> None:
    table = CategoryTable((Category(id=7, name="x"), Category(id=3, name="y"), Category(id=11, name="z")))
    ids = np.array([3, 11, 7, 3, 99])
    assert table.to_labels(ids).tolist() == [2, 3, 1, 2, 0]
    assert table.to_category_ids(table.to_labels(ids[:4])).tolist() == [3, 11, 7, 3]
    assert CategoryTable.from_json(table.to_json()).to_json() == table.to_json()
    single = CategoryTable((Category(id=5, name="only"),))
    assert single.to_labels(np.array([5, 5])).tolist() == [1, 1]
    assert build_detector(drawings.SMALL, 1).roi_heads.box_predictor.cls_score.out_features == 2


def test_published_weights_offline_name_the_file_its_place_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def unplugged(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", unplugged)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nowhere/hub")
    monkeypatch.setattr("torch.hub.os.makedirs", lambda *_, **__: None)
    with pytest.raises(EngineError) as raised:
        weights.load_weights(
            build_detector(COCO_SHAPED, 1), replace(COCO_SHAPED, weights="coco"), CategoryTable(()), Path("runs")
        )
    message = str(raised.value)
    assert "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth" in message
    assert str(Path("/nowhere/hub/checkpoints")) in message
    assert "from-scratch" in message


def test_a_local_backbone_file_is_loaded_and_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    donor, taker = build_detector(drawings.SMALL, 2), build_detector(drawings.SMALL, 2)
    body = donor.backbone.get_submodule("body").state_dict()
    save_file({k: v.contiguous() for k, v in body.items()}, tmp_path / "body.safetensors")
    config = replace(drawings.SMALL, weights=str(tmp_path / "body.safetensors"))
    weights.load_weights(taker, config, CategoryTable(()), tmp_path)
    assert torch.equal(taker.backbone.get_submodule("body").state_dict()["conv1.weight"], body["conv1.weight"])

    torch.save({"x": Path("/")}, tmp_path / "evil.pth")
    config = replace(drawings.SMALL, weights=str(tmp_path / "evil.pth"))
    with pytest.raises(EngineError, match=r"evil\.pth"):
        weights.load_weights(taker, config, CategoryTable(()), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"), [("backbone", "vgg99"), ("norm", "odd"), ("anchor_sizes", (8.0,)), ("optimizer", "lbfgs")]
)
def test_an_unknown_setting_is_named(field: str, value: object) -> None:
    from rcnn_studio.engine.training.optim import build_optimizer

    config = replace(drawings.SMALL, **{field: value})

    def build() -> None:
        build_optimizer(build_detector(config, 2), config)

    with pytest.raises(EngineError, match=field):
        build()
