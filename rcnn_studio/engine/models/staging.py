"""Sets a detector up for one stage of a training: what it takes over, what learns and which losses are computed.

Trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from rcnn_studio.domain.stages import STAGE, Stage
from rcnn_studio.engine.models.detector import Detector, freeze

PREFIXES = {"backbone": "backbone.", "rpn": "rpn.", "heads": "roi_heads."}


def take_parts(detector: Detector, stage: Stage, results: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Puts the parts that the stage starts from into the detector. results: state dicts by stage number, from 1.

    Raises KeyError if an earlier stage's result is missing.
    """
    for part, source in stage.init:
        prefix = PREFIXES[part]
        state = results[int(source.removeprefix(STAGE))]
        taken = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        detector.get_submodule(prefix[:-1]).load_state_dict(taken)


def enter_stage(detector: Detector, stage: Stage, trainable_layers: int) -> None:
    """Train mode for what the stage trains, all else frozen: without gradients and in eval mode, so that buffers
    stay too. Call it again after every evaluation."""
    detector.train()
    detector.losses = stage.losses
    for part, prefix in PREFIXES.items():
        if prefix == "rpn." and detector.rpn is None:
            continue
        module = detector.get_submodule(prefix[:-1])
        learns = part in stage.trainable
        module.requires_grad_(learns)
        if not learns:
            module.eval()
    if "backbone" in stage.trainable:
        freeze(detector, trainable_layers)
