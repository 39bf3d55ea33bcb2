"""The rules of the two papers, each held against numbers worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import drawings
import numpy as np
import pytest
import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import fastrcnn_loss

from rcnn_studio.engine.models.detector import build_detector
from rcnn_studio.engine.models.parts import Fp32AnchorGenerator, RoIPool

HAND = {0.5: (-23.0, -11.0, 23.0, 11.0), 1.0: (-16.0, -16.0, 16.0, 16.0), 2.0: (-11.0, -23.0, 11.0, 23.0)}
"""Anchors of size 32 about the origin: area 32^2, height / width the ratio, corners rounded."""


def test_anchors_against_a_hand_table_and_the_shift_of_each_level() -> None:
    strides = (4, 8, 16, 32, 64)
    generator = Fp32AnchorGenerator(((32.0,),) * 5, (0.5, 1.0, 2.0), strides)
    grids = [(64 // s or 1, 128 // s) for s in strides]
    features = [torch.zeros((1, 1, h, w), dtype=torch.bfloat16) for h, w in grids]
    anchors = generator(ImageList(torch.zeros((1, 3, 64, 128)), [(64, 128)]), features)[0]
    expected = [
        [x * stride + box[0], y * stride + box[1], x * stride + box[2], y * stride + box[3]]
        for stride, (height, width) in zip(strides, grids, strict=True)
        for y in range(height)
        for x in range(width)
        for box in HAND.values()
    ]
    assert anchors.dtype == torch.float32
    assert torch.equal(anchors, torch.tensor(expected))


def test_a_single_level_has_all_sizes_at_every_place() -> None:
    config = replace(drawings.SMALL, backbone="resnet18-c4", box_head="body", anchor_sizes=(128.0, 256.0, 512.0))
    rpn = build_detector(config, 2).rpn
    assert rpn.anchor_generator.num_anchors_per_location() == [9]
    anchors = rpn.anchor_generator(ImageList(torch.zeros((1, 3, 64, 64)), [(64, 64)]), [torch.zeros((1, 1, 4, 4))])[0]
    assert len(anchors) == 4 * 4 * 9
    assert torch.equal(anchors[9:18] - anchors[:9], torch.tensor([16.0, 0, 16, 0]).expand(9, 4))


def test_encode_then_decode_is_the_identity() -> None:
    torch.manual_seed(0)
    detector = build_detector(drawings.SMALL, 2)
    for coder in (detector.rpn.box_coder, detector.roi_heads.box_coder):
        corners = torch.rand(200, 2) * 300
        truth = torch.cat([corners, corners + 1 + torch.rand(200, 2) * 200], dim=1)
        near = truth + (torch.rand(200, 4) - 0.5) * (truth[:, 2:] - truth[:, :2]).repeat(1, 2)
        back = coder.decode(coder.encode([truth], [near])[0], [near]).view(-1, 4)
        assert torch.allclose(back, truth, atol=1e-3)


def test_encoding_is_the_papers_parametrisation() -> None:
    box, anchor = torch.tensor([[20.0, 30, 60, 110]]), torch.tensor([[10.0, 10, 30, 50]])
    detector = build_detector(drawings.SMALL, 2)
    expected = torch.tensor([(40 - 20) / 20, (70 - 30) / 40, math.log(40 / 20), math.log(80 / 40)])
    assert torch.allclose(detector.rpn.box_coder.encode([box], [anchor])[0][0], expected)
    weighted = detector.roi_heads.box_coder.encode([box], [anchor])[0][0]
    assert torch.allclose(weighted, expected * torch.tensor([10.0, 10, 5, 5]))


def test_rpn_labels_on_a_hand_grid_against_the_published_rule() -> None:
    truth = torch.tensor([[0.0, 0, 10, 10], [100, 100, 110, 120]])
    table = [
        ([0.0, 0, 10, 10], 1),  # IoU 1
        ([0.0, 0, 10, 14], 1),  # 0.71: at least 0.7
        ([0.0, 0, 10, 20], -1),  # 0.5: between
        ([0.0, 0, 10, 40], 0),  # 0.25: under 0.3
        ([100.0, 100, 110, 110], 1),  # 0.5, but the best that its box has
        ([100.0, 110, 110, 120], 1),  # as good as that one
        ([100.0, 100, 110, 109], -1),  # 0.45 and second best
        ([105.0, 100, 115, 110], 0),  # 0.2
        ([300.0, 300, 310, 310], 0),  # 0
    ]
    rpn = build_detector(drawings.SMALL, 2).rpn
    anchors = torch.tensor([box for box, _ in table])
    labels, matched = rpn.assign_targets_to_anchors([anchors], [{"boxes": truth}])
    assert labels[0].tolist() == [label for _, label in table]
    assert torch.equal(matched[0][[0, 1, 4, 5]], truth[[0, 0, 1, 1]])
    labels, _ = rpn.assign_targets_to_anchors([anchors], [{"boxes": torch.zeros((0, 4))}])
    assert labels[0].tolist() == [0] * len(table)


@pytest.mark.parametrize(
    ("positives", "negatives", "taken"),
    [(300, 700, (16, 48)), (5, 995, (5, 59)), (0, 900, (0, 64)), (90, 10, (16, 10))],
)
def test_sampler_counts_and_fractions(positives: int, negatives: int, taken: tuple[int, int]) -> None:
    heads = build_detector(replace(drawings.SMALL, rois_per_image=64, positive_fraction=0.25), 2).roi_heads
    labels = torch.cat([torch.full((positives,), 2), torch.zeros(negatives), torch.full((50,), -1)]).long()
    labels = labels[torch.randperm(len(labels))]
    chosen = labels[heads.subsample([labels])[0]]
    assert (int((chosen > 0).sum()), int((chosen == 0).sum()), int((chosen < 0).sum())) == (*taken, 0)


def test_the_rpn_samples_256_anchors_half_of_them_objects_where_there_are_so_many() -> None:
    sampler = build_detector(drawings.SMALL, 2).rpn.fg_bg_sampler
    labels = torch.cat([torch.ones(500), torch.zeros(4000)])
    positive, negative = sampler([labels])
    assert (int(positive[0].sum()), int(negative[0].sum())) == (128, 128)


def test_fast_rcnns_background_overlaps_a_box_by_a_tenth_at_least() -> None:
    heads = build_detector(replace(drawings.SMALL, background_iou=0.1), 2).roi_heads
    regions = torch.tensor([[0.0, 0, 10, 6], [0, 0, 10, 20], [0, 0, 10, 50], [0, 0, 10, 200], [50, 50, 60, 60]])
    truth, kind = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([2])
    _, labels = heads.assign_targets_to_proposals([regions], [truth], [kind])
    assert labels[0].tolist() == [2, 2, 0, -1, -1]  # IoU 0.6, 0.5, 0.2, 0.05, 0
    _, labels = heads.assign_targets_to_proposals([regions], [torch.zeros((0, 4))], [torch.zeros(0).long()])
    assert labels[0].tolist() == [0] * 5


def test_smooth_l1_against_its_closed_form() -> None:
    beta = 1 / 9
    off = torch.tensor([0.05, -0.1, 0.5, -2.0])
    closed = sum(0.5 * d * d / beta if abs(d) < beta else abs(d) - 0.5 * beta for d in off.tolist())
    deltas = torch.zeros((2, 12))
    deltas[0, 8:12] = off  # the numbers of label 2
    labels, targets = torch.tensor([2, 0]), torch.zeros((2, 4))
    classified, boxes = fastrcnn_loss(torch.zeros((2, 3)), deltas, [labels], [targets])
    assert float(boxes) == pytest.approx(closed / 2, rel=1e-6)  # over all regions; background teaches no box
    assert float(classified) == pytest.approx(math.log(3), rel=1e-6)
    rpn = build_detector(drawings.SMALL, 2).rpn
    rpn.fg_bg_sampler.batch_size_per_image = 2
    objectness, boxes = rpn.compute_loss(
        torch.zeros((2, 1)), torch.stack([off, off]), [torch.tensor([1.0, 0.0])], [torch.zeros((2, 4))]
    )
    assert float(boxes) == pytest.approx(closed / 2, rel=1e-6)
    assert float(objectness) == pytest.approx(math.log(2), rel=1e-6)


def naive_roi_pool(level: np.ndarray, box: list[float], size: int, scale: float) -> np.ndarray:
    """Girshick's max pooling, cell by cell: corners rounded, both ends counted, empty cells zero."""
    x1, y1, x2, y2 = (math.floor(v * scale + 0.5) for v in box)
    channels, height, width = level.shape
    w, h = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    pooled = np.zeros((channels, size, size), dtype=np.float32)
    for row in range(size):
        for column in range(size):
            top, bottom = y1 + math.floor(row * h / size), y1 + math.ceil((row + 1) * h / size)
            left, right = x1 + math.floor(column * w / size), x1 + math.ceil((column + 1) * w / size)
            cell = level[:, max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
            if cell.size:
                pooled[:, row, column] = cell.reshape(channels, -1).max(axis=1)
    return pooled


def test_roi_pool_against_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 3, 12, 17)).astype(np.float32)
    corners = rng.uniform(0, 180, (8, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 90, (8, 2))], axis=1).astype(np.float32)
    given = [torch.from_numpy(boxes[:5]), torch.from_numpy(boxes[5:])]
    pooled = RoIPool(16)({"0": torch.from_numpy(maps)}, given, None)
    expected = [naive_roi_pool(maps[0 if i < 5 else 1], box.tolist(), 7, 1 / 16) for i, box in enumerate(boxes)]
    assert np.array_equal(pooled.numpy(), np.stack(expected))
