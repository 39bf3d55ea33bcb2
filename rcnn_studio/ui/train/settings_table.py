"""The table of settings that the Train form shows: labels, hints, editors. Holds no value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from rcnn_studio.ui.train.fields import (
    Choice,
    ChoiceEditor,
    Editor,
    RealEditor,
    SwitchEditor,
    WeightsEditor,
    WholeEditor,
)


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainForm", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the form: the TrainConfig key, its label, a hint, and how its editor is made."""

    key: str
    label: str
    hint: str
    make: Callable[[], Editor]
    advanced: bool = False


def _choice(*choices: Choice) -> Callable[[], Editor]:
    return lambda: ChoiceEditor(choices)


def all_settings() -> tuple[Setting, ...]:
    """Every row, in the order shown. A function, because labels are translated when the form is made."""
    return (
        Setting(
            key="backbone",
            label=_tr("Backbone"),
            hint=_tr("The network that reads the image. Larger ones see more and take longer."),
            make=_choice(
                ("resnet18-slim", _tr("ResNet-18 slim (fastest)")),
                ("resnet18", _tr("ResNet-18 (small)")),
                ("resnet34", "ResNet-34"),
                ("resnet50", "ResNet-50"),
                ("resnet101", _tr("ResNet-101 (large)")),
            ),
        ),
        Setting(
            key="weights",
            label=_tr("Start from"),
            hint=_tr("First weights: random, ImageNet's backbone, a whole COCO detector, an earlier run, or a file."),
            make=WeightsEditor,
        ),
        Setting(
            key="image_size",
            label=_tr("Image size"),
            hint=_tr("Short side of the images, in pixels. Raise it for small objects; time grows with its square."),
            make=lambda: WholeEditor(32, 4096, unit="px", step=16),
        ),
        Setting(
            key="epochs",
            label=_tr("Epochs"),
            hint=_tr("How often every image is seen. Changing it also switches off the least number of steps."),
            make=lambda: WholeEditor(1, 100_000),
        ),
        Setting(
            key="max_minutes",
            label=_tr("Minutes at most"),
            hint=_tr("In minutes, 0 for none. The learning-rate schedule fits itself into that time."),
            make=lambda: RealEditor(hint=_tr("minutes"), zero=_tr("none")),
        ),
        Setting(
            key="batch_size",
            label=_tr("Batch size"),
            hint=_tr("Images a step. Halve it if memory does not do."),
            make=lambda: WholeEditor(1, 256, unit=_tr("images")),
        ),
        Setting(
            key="lr",
            label=_tr("Learning rate"),
            hint=_tr("Largest step size, after the warm-up. A loss that explodes wants a tenth of it."),
            make=lambda: RealEditor(hint="0.0007"),
        ),
        Setting(
            key="augmentation",
            label=_tr("Augmentation"),
            hint=_tr("Random changes of the images, so that few of them go further."),
            make=_choice(
                ("none", _tr("None")), ("light", _tr("Light")), ("standard", _tr("Standard")), ("strong", _tr("Strong"))
            ),
        ),
        Setting(
            key="any_direction",
            label=_tr("Directions"),
            hint=_tr("For pictures without an up and down: microscope, aerial, things on a table."),
            make=lambda: SwitchEditor(_tr("also turn and flip")),
        ),
        Setting(
            key="device",
            label=_tr("Device"),
            hint=_tr("What computes. Automatic takes a GPU where there is one."),
            make=_choice(
                ("auto", _tr("Automatic")),
                ("cuda", _tr("NVIDIA GPU (CUDA)")),
                ("mps", _tr("Apple GPU (MPS)")),
                ("cpu", "CPU"),
            ),
        ),
        *_advanced_settings(),
    )


def _advanced_settings() -> tuple[Setting, ...]:
    def row(key: str, label: str, hint: str, make: Callable[[], Editor]) -> Setting:
        return Setting(key=key, label=label, hint=hint, make=make, advanced=True)

    return (
        row(
            "min_steps",
            _tr("Least steps"),
            _tr("Small datasets get more epochs, until there were that many steps. 0: none."),
            lambda: WholeEditor(0, 1_000_000, step=100, zero=_tr("none")),
        ),
        row(
            "image_max_size",
            _tr("Longest side"),
            _tr("No image gets longer than this, in pixels."),
            lambda: WholeEditor(32, 8192, unit="px", step=16),
        ),
        row(
            "multi_scale",
            _tr("Size jitter"),
            _tr("Image sizes vary by this share, 0 to 0.9."),
            lambda: RealEditor(zero=_tr("none")),
        ),
        row(
            "optimizer",
            _tr("Optimiser"),
            _tr("AdamW from scratch, SGD from good weights."),
            _choice(("adamw", "AdamW"), ("sgd", "SGD"), ("adam", "Adam")),
        ),
        row(
            "weight_decay",
            _tr("Weight decay"),
            _tr("Pull of the weights towards zero."),
            lambda: RealEditor(zero=_tr("none")),
        ),
        row(
            "schedule",
            _tr("Schedule"),
            _tr("How the learning rate falls."),
            _choice(("cosine", _tr("Cosine")), ("multistep", _tr("In two steps (70 %, 90 %)"))),
        ),
        row(
            "warmup_steps",
            _tr("Warm-up"),
            _tr("Steps until the full learning rate."),
            lambda: WholeEditor(0, 100_000, unit=_tr("steps")),
        ),
        row(
            "trainable_layers",
            _tr("Trained stages"),
            _tr("Stages of the backbone that learn; the others stay as loaded."),
            lambda: WholeEditor(0, 5, unit=_tr("of 5")),
        ),
        row(
            "ema_decay",
            _tr("Averaging"),
            _tr("Weights are averaged over time with this decay; 0 switches it off."),
            lambda: RealEditor(zero=_tr("off")),
        ),
        row(
            "patience",
            _tr("Patience"),
            _tr("Evaluations without a better score before the run stops. 0: never."),
            lambda: WholeEditor(0, 10_000, zero=_tr("never stop early")),
        ),
        row(
            "evaluate_every",
            _tr("Evaluate every"),
            _tr("Epochs between evaluations."),
            lambda: WholeEditor(1, 1000, unit=_tr("epochs")),
        ),
        row(
            "amp",
            _tr("Precision"),
            _tr("Half precision is faster on most hardware; automatic measures it."),
            _choice(("auto", _tr("Automatic")), ("bf16", "bfloat16"), ("fp16", "float16"), ("off", "float32")),
        ),
        row(
            "train_on_difficult",
            _tr("Difficult boxes"),
            _tr("Whether boxes marked difficult are trained on."),
            lambda: SwitchEditor(_tr("train on them")),
        ),
        row("seed", _tr("Seed"), _tr("Same seed, same run (on a CPU)."), lambda: WholeEditor(0, 2_147_483_647)),
    )
