"""Fast R-CNN on given boxes, and the four stages of alternating training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
import torch
from PIL import Image

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.domain.runs import LOSS_NAMES
from rcnn_studio.domain.stages import ALTERNATING, PARTS, stages_of
from rcnn_studio.engine.data.augment import recipe
from rcnn_studio.engine.data.loader import ImageSource, TrainLoader, to_tensor
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import build_detector
from rcnn_studio.engine.models.staging import PREFIXES, enter_stage, take_parts
from rcnn_studio.engine.proposals import ProposalTable, dump
from rcnn_studio.engine.training.checkpoints import find_checkpoint, load_checkpoint
from rcnn_studio.engine.training.precision import Precision


@pytest.fixture
def enlarged(trained: Any, tmp_path: Path) -> Dataset:
    """The drawings half as large again, so that original pixels are not the network's."""
    records = []
    for number in range(1, 5):
        size = (drawings.WIDTH * 3 // 2, drawings.HEIGHT * 3 // 2)
        Image.open(trained.images / f"{number}.png").resize(size).save(tmp_path / f"{number}.png")
        records.append(replace(drawings.record(number, f"{number}.png"), width=size[0], height=size[1]))
    return drawings.dataset(records, tmp_path)


def test_fast_rcnn_on_dumped_rpn_proposals_equals_faster_rcnn(trained: Any, enlarged: Dataset) -> None:
    state, manifest = load_checkpoint(find_checkpoint(trained.run_dir))
    faster = build_detector(manifest.config, len(manifest.table)).eval()
    faster.load_state_dict(state)
    fast = build_detector(replace(manifest.config, method="fast-rcnn"), len(manifest.table)).eval()
    fast.load_state_dict({k: v for k, v in state.items() if not k.startswith("rpn.")})
    source = ImageSource(enlarged, short=96, longest=128)
    table = dump(faster, source, enlarged, range(4), Precision("off", "cpu"), ignore, never)
    for index in range(4):
        image = source.resized(index)
        given = torch.from_numpy(table.boxes(index) * np.float32(image.shape[0] / enlarged.sizes[index][1]))
        with torch.inference_mode():
            expected = faster([to_tensor(image)])[1][0]
            found = fast([to_tensor(image)], None, [given])[1][0]
        assert len(expected["labels"]) > 0
        assert torch.equal(found["labels"], expected["labels"])
        assert float((found["boxes"] - expected["boxes"]).abs().max()) < 1e-4


def test_a_fast_rcnn_without_boxes_says_what_it_lacks() -> None:
    detector = build_detector(replace(drawings.SMALL, method="fast-rcnn"), 2).eval()
    assert not [key for key in detector.state_dict() if key.startswith("rpn.")]
    with pytest.raises(EngineError, match="proposals"):
        detector([torch.zeros((3, 64, 64), dtype=torch.uint8)])


def test_given_boxes_move_with_the_image(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path, 4), tmp_path)
    indices = data.indices(split="train")
    truth = {int(i): data.xyxy[data.rows(int(i))].astype(np.float32) for i in indices}
    loader = TrainLoader(
        ImageSource(data, short=48, longest=64),
        data,
        indices,
        CategoryTable(data.categories),
        batch_size=2,
        seed=1,
        multi_scale=0.2,
        proposals=ProposalTable.of(truth),
        on_skipped=print,
    )
    turning = recipe("light", any_direction=True)
    for batch in loader.epoch(1, lambda _: turning):
        assert batch.proposals is not None
        for given, target in zip(batch.proposals, batch.targets, strict=True):
            assert torch.allclose(given, target["boxes"])
    loader.close()


def test_the_four_stages_are_the_papers() -> None:
    assert [stage.name for stage in stages_of(replace(drawings.SMALL, method="alternating"))] == [
        "RPN",
        "Fast R-CNN",
        "RPN on shared layers",
        "Heads",
    ]
    scratch = stages_of(replace(drawings.SMALL, method="alternating", weights="none"))
    for stages in (ALTERNATING, scratch):
        assert sum(stage.iterations for stage in stages) == pytest.approx(1.0)
    assert [stage.trainable for stage in ALTERNATING[2:]] == [("rpn",), ("heads",)]
    assert ALTERNATING[1].init == ()  # the second network starts afresh, as the first did
    assert [stage.scored for stage in ALTERNATING] == [False, False, False, True]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_steps_3_and_4_leave_backbone_and_rpn_bit_equal_buffers_too(number: int) -> None:
    stage = ALTERNATING[number - 1]
    config = replace(drawings.SMALL, method="alternating", norm="batch", box_head="conv")
    torch.manual_seed(number)
    detector = build_detector(config, 2)
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-2, weight_decay=0.1)
    target = {"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([1])}
    given = [torch.tensor([[6.0, 6, 42, 42], [50, 50, 70, 70]])] * 2 if stage.proposals != "rpn" else None
    images = [torch.randint(0, 255, (3, 96, 128), dtype=torch.uint8) for _ in range(2)]
    for _ in range(2):
        detector.eval()  # as after a look at the validation images
        enter_stage(detector, stage, 5)
        losses, _ = detector(images, [target, target], given)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    assert [name for name in LOSS_NAMES if losses[name].requires_grad] == [n for n in LOSS_NAMES if n in stage.losses]
    after = detector.state_dict()
    for part in PARTS:
        keys = [key for key in before if key.startswith(PREFIXES[part])]
        moved = [key for key in keys if not torch.equal(before[key], after[key])]
        if part in stage.trainable:
            assert moved
        else:
            assert keys
            assert not moved
    if "backbone" in stage.trainable:
        assert any(key.endswith("running_mean") for key in before if not torch.equal(before[key], after[key]))


def test_a_stage_takes_over_the_parts_it_names() -> None:
    config = replace(drawings.SMALL, method="alternating")
    results = {}
    for number in (2, 3):
        torch.manual_seed(number)
        results[number] = build_detector(config, 2).state_dict()
    detector = build_detector(config, 2)
    take_parts(detector, ALTERNATING[3], results)
    state = detector.state_dict()
    for part, number in (("backbone", 2), ("rpn", 3), ("heads", 2)):
        keys = [key for key in state if key.startswith(PREFIXES[part])]
        assert keys
        assert all(torch.equal(state[key], results[number][key]) for key in keys)
