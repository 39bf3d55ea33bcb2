"""A training as data: which stages it has, and what each takes over, trains and keeps as it is. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig

PARTS = ("backbone", "rpn", "heads")
"""A detector's parts; the backbone is what the paper calls the conv layers: body and feature pyramid."""
RPN_LOSSES = ("loss_objectness", "loss_rpn_box_reg")
ROI_LOSSES = ("loss_classifier", "loss_box_reg")
OWN = "rpn"
SELECTIVE_SEARCH = "selective-search"
STAGE = "stage:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a training.

    init: (part, "stage:N") pairs: the parts that begin as stage N (1-based) left them; all else begins as the config's
    weights say. trainable: parts that learn; the others stay bit for bit. losses: those of LOSS_NAMES that are summed.
    proposals: "rpn" (the detector's own, as it stands), "selective-search", or "stage:N" (found once for every image
    by the detector that stage N ended with). iterations: share of the run's steps. lr: times the config's lr.
    scored: whether the stage ends in a detector worth scoring.
    """

    name: str
    init: tuple[tuple[str, str], ...] = ()
    trainable: tuple[str, ...] = PARTS
    losses: tuple[str, ...] = LOSS_NAMES
    proposals: str = OWN
    iterations: float = 1.0
    lr: float = 1.0
    scored: bool = True


JOINT = (Stage(name="Faster R-CNN"),)
FAST = (Stage(name="Fast R-CNN", trainable=("backbone", "heads"), losses=ROI_LOSSES, proposals=SELECTIVE_SEARCH),)
# Ren et al., Faster R-CNN, section 3.2; the iterations are those of the paper (80k and 40k, twice).
ALTERNATING = (
    Stage(name="RPN", trainable=("backbone", "rpn"), losses=RPN_LOSSES, iterations=1 / 3, scored=False),
    Stage(
        name="Fast R-CNN",
        trainable=("backbone", "heads"),
        losses=ROI_LOSSES,
        proposals=STAGE + "1",
        iterations=1 / 6,
        scored=False,
    ),
    Stage(
        name="RPN on shared layers",
        init=(("backbone", STAGE + "2"),),
        trainable=("rpn",),
        losses=RPN_LOSSES,
        iterations=1 / 3,
        scored=False,
    ),
    Stage(
        name="Heads",
        init=(("backbone", STAGE + "2"), ("rpn", STAGE + "3"), ("heads", STAGE + "2")),
        trainable=("heads",),
        losses=ROI_LOSSES,
        iterations=1 / 6,
    ),
)


FROM_SCRATCH = (0.15, 0.5, 0.15, 0.2)
"""Shares of the four stages without weights: the second one then makes the features that all later ones keep."""


def stages_of(config: TrainConfig) -> tuple[Stage, ...]:
    """The stages of the config's method, in order. Raises KeyError for a method that is not known."""
    stages = {"faster-rcnn": JOINT, "fast-rcnn": FAST, "alternating": ALTERNATING}[config.method]
    if config.method == "alternating" and config.weights == "none":
        return tuple(replace(stage, iterations=share) for stage, share in zip(stages, FROM_SCRATCH, strict=True))
    return stages
