"""One training as values: its config, its events, its scores. Nothing here knows torch or files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from rcnn_studio.domain.balance import Balance

LOSS_NAMES = ("loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides a run besides its data. Presets are TOML files with the same keys.

    weights: "none", "imagenet" (backbone), "coco" (whole detector), "run:<id>" or a path of a .safetensors or .pth
    file. norm: "group", "frozen_batch", "batch" (large batches only) or "none" (vgg16). image_size: short side in
    pixels; image_max_size: long side at most.
    jittered_boxes: so many moved copies of each box join the proposals; from random weights that makes a start.
    anchor_sizes: one per pyramid level, pixels of the resized image; on single-level and mobilenet backbones all of
    them on every level. lr is the peak rate after warm-up.
    max_minutes: 0 for none; the schedule then fits itself into that time. amp: "auto" (measured), "bf16", "fp16" or
    "off". device: "auto", "cpu", "cuda", "cuda:0", "mps". augmentation: "none", "light", "standard", "strong" or
    "aerial-microscopy".
    any_direction: pictures without an up and down (microscope, aerial, things on a table) are also flipped and turned.
    epochs: passes over the training images; small datasets get more, until there were min_steps steps.
    evaluate_every: in epochs; with max_minutes seldom enough that scoring takes a few percent of the time.
    patience: evaluations without a better score before the run stops (0: never).
    method: "faster-rcnn", "fast-rcnn" (boxes given by Selective Search) or "alternating" (the paper's four stages).
    box_head: "mlp" (two layers), "conv" (torchvision's v2) or "body" (the last stage of a -c4 backbone); head_dropout:
    of mlp. roi_pooling: "align", or "pool" (single-level backbones). rpn_convs: 3 x 3 layers of the RPN's head.
    rpn_score: proposals below this are dropped. positive_fraction: of the regions sampled in an image, that may be
    objects; background_iou: regions that overlap all boxes less than this are not background either (Fast R-CNN: 0.1).
    loss_weights: of the classifier, its boxes, objectness and the RPN's boxes.
    proposals_train, proposals_test: given boxes an image, at most; proposals_side: Selective Search looks at the image
    with its long side at this; proposals_mode: "fast" or "quality" (four times as slow, a little more found).
    repeat_threshold: images of categories rarer than this share of the images come up more often (LVIS; 0: never).
    accumulate: in so many parts a batch is computed, one after another, so that it needs less memory.
    heads_first_steps: so many steps at the start leave the backbone as it is. deterministic: the same numbers again on
    the same GPU, slower. save_minutes: what a crash may cost at most; a run can be resumed from there.
    """

    preset: str = "from-scratch"
    backbone: str = "resnet18-slim"
    weights: str = "none"
    norm: str = "group"
    fpn_channels: int = 64
    head_channels: int = 256
    anchor_sizes: tuple[float, ...] = (16.0, 32.0, 64.0, 128.0, 256.0)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_proposals_train: int = 256
    rpn_proposals_test: int = 256
    rois_per_image: int = 64
    jittered_boxes: int = 8
    image_size: int = 240
    image_max_size: int = 400
    trainable_layers: int = 5
    epochs: int = 20
    min_steps: int = 0
    max_minutes: float = 0.0
    batch_size: int = 2
    optimizer: str = "adamw"
    lr: float = 7e-4
    weight_decay: float = 0.05
    momentum: float = 0.9
    warmup_steps: int = 100
    schedule: str = "cosine"
    clip_norm: float = 10.0
    ema_decay: float = 0.99
    amp: str = "auto"
    channels_last: bool = False
    augmentation: str = "standard"
    any_direction: bool = False
    multi_scale: float = 0.0
    train_split: str = "train"
    val_split: str = "val"
    train_on_difficult: bool = True
    evaluate_every: int = 1
    patience: int = 0
    seed: int = 1
    device: str = "auto"
    extra: dict[str, Any] = field(default_factory=dict)
    # of the model and its data
    method: str = "faster-rcnn"
    box_head: str = "mlp"
    head_dropout: float = 0.0
    roi_pooling: str = "align"
    rpn_convs: int = 1
    rpn_score: float = 0.0
    positive_fraction: float = 0.25
    background_iou: float = 0.0
    loss_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    proposals_train: int = 2000
    proposals_test: int = 2000
    proposals_side: int = 500
    proposals_mode: str = "fast"
    repeat_threshold: float = 0.0
    # of the trainer
    accumulate: int = 1
    validation_loss: bool = False
    heads_first_steps: int = 0
    deterministic: bool = False
    save_minutes: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryScore:
    """boxes: ground-truth boxes scored against; AP, AP50 in 0..1, -1 where there are none.

    found: those of them with a detection of IoU >= 0.5, from Scores.found_from on; -1 where nobody has counted.
    """

    name: str
    boxes: int
    AP: float
    AP50: float
    found: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """COCO's twelve numbers and VOC's two, 0..1; -1 where there is nothing to score (pycocotools' convention).

    balance: how right the detections are from each score on; None in the runs of earlier versions. found_from: the
    score from which on a detection counts as having found a box, that of the best balance where there is one.
    """

    AP: float
    AP50: float
    AP75: float
    APs: float
    APm: float
    APl: float
    AR1: float
    AR10: float
    AR100: float
    ARs: float
    ARm: float
    ARl: float
    VOC07: float = -1.0
    VOC10: float = -1.0
    per_category: tuple[CategoryScore, ...] = ()
    balance: Balance | None = None
    found_from: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """epochs: planned. limit_s: seconds of the run at which the time limit ends it, perhaps before; 0 for none."""

    run_id: str
    device: str
    train_images: int
    val_images: int
    epochs: int
    steps_per_epoch: int
    boxes: int
    limit_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """One optimiser step. losses: the four of LOSS_NAMES, in that order; left_s: honest estimate of what remains."""

    step: int
    epoch: int
    loss: float
    losses: tuple[float, float, float, float]
    lr: float
    images_per_s: float
    data_wait: float
    elapsed_s: float
    left_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEvaluated:
    """Scores of the validation split after an epoch (1-based). val_loss: -1 where it was not asked for.

    cost_s: how long scoring took. next_s: seconds of the run at which the next scoring is about due; 0: not known.
    """

    epoch: int
    step: int
    scores: Scores
    best: bool
    elapsed_s: float
    val_loss: float = -1.0
    cost_s: float = 0.0
    next_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    name: str
    epoch: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a person should know while the run goes on."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """status: "finished", "stopped" (by the person, best kept) or "failed" (message says why)."""

    run_id: str
    status: str
    seconds: float
    epochs: int
    best_epoch: int
    best_AP: float
    best_AP50: float
    message: str = ""


TrainEvent = RunStarted | StepDone | EpochEvaluated | CheckpointSaved | Warned | RunEnded

_EVENTS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (RunStarted, StepDone, EpochEvaluated, CheckpointSaved, Warned, RunEnded)
}


def event_to_json(event: TrainEvent) -> dict[str, Any]:
    """A plain dict with the event's name under "event", for events.jsonl."""
    return {"event": type(event).__name__, **asdict(event)}


def event_from_json(data: dict[str, Any]) -> TrainEvent | None:
    """The event back from event_to_json; None for one of a later version. Raises TypeError or KeyError if damaged."""
    cls = _EVENTS.get(str(data.get("event")))
    if cls is None:
        return None
    values = _known(cls, data)
    if cls is StepDone:
        values["losses"] = tuple(values["losses"])
    if cls is EpochEvaluated:
        values["scores"] = scores_from_json(values["scores"])
    event: TrainEvent = cls(**values)
    return event


def config_from_json(data: dict[str, Any]) -> TrainConfig:
    """The config back from asdict; what a later version added is left out. Raises TypeError if damaged."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in _known(TrainConfig, data).items()}
    return TrainConfig(**values)


def scores_from_json(data: dict[str, Any]) -> Scores:
    """Scores back from asdict; what a later version added is left out. Raises TypeError if damaged."""
    values = _known(Scores, data)
    rows = values.get("per_category", ())
    values["per_category"] = tuple(CategoryScore(**_known(CategoryScore, row)) for row in rows)
    counted = values.get("balance")
    values["balance"] = _balance(counted) if counted else None
    return Scores(**values)


def _balance(data: dict[str, Any]) -> Balance:
    shown, right = (tuple(int(n) for n in data[name]) for name in ("shown", "right"))
    if len(shown) != 101 or len(right) != 101:
        raise TypeError("balance: 101 counts each")
    return Balance(boxes=int(data["boxes"]), shown=shown, right=right)


def _known(cls: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(cls)}
    return {key: value for key, value in data.items() if key in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A run as the runs table shows it. status: running, finished, stopped, failed or interrupted."""

    id: str
    path: str
    status: str
    preset: str
    epochs: int
    seconds: float
    best_epoch: int
    best: Scores | None
    started: str = ""
    message: str = ""
