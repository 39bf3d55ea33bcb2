"""The table of settings that the Train form shows, a function for each section. Holds no value."""

from __future__ import annotations

from rcnn_studio.ui.train import settings_choices as choices
from rcnn_studio.ui.train.fields import NumbersEditor, WeightsEditor
from rcnn_studio.ui.train.settings_model import images, model, proposals
from rcnn_studio.ui.train.settings_rows import Setting, choice, real, row, switch, tr, whole


def all_settings() -> tuple[Setting, ...]:
    """Every row, in the order shown. A function, because labels are translated when the form is made."""
    return (
        *_first(),
        *model(),
        *proposals(),
        *images(),
        *_learning(),
        *_scoring(),
        *_computing(),
    )


def _first() -> tuple[Setting, ...]:
    return (
        row(
            "backbone",
            tr("Backbone"),
            tr("The network that reads the image. Larger ones see more and take longer."),
            choice(choices.backbones()),
        ),
        row(
            "weights",
            tr("Start from"),
            tr("First weights: random, ImageNet's backbone, a whole COCO detector, an earlier run, or a file."),
            WeightsEditor,
        ),
        row(
            "image_size",
            tr("Image size"),
            tr("Short side of the images, in pixels. Raise it for small objects; time grows with its square."),
            whole(32, 4096, "px", 16),
        ),
        row(
            "epochs",
            tr("Epochs"),
            tr(
                "Passes over the training images. Changing it also switches off the least number of steps; "
                "a time limit may end the training before."
            ),
            whole(1, 100_000),
        ),
        row(
            "max_minutes",
            tr("Minutes at most"),
            tr("In minutes, 0 for none. The learning-rate schedule fits itself into that time."),
            real(tr("minutes"), tr("none")),
        ),
        row(
            "batch_size",
            tr("Batch size"),
            tr("Images a step. Halve it if memory does not do."),
            whole(1, 256, tr("images")),
        ),
        row(
            "lr",
            tr("Learning rate"),
            tr("Largest step size, after the warm-up. A loss that explodes wants a tenth of it."),
            real("0.0007"),
        ),
        row(
            "augmentation",
            tr("Augmentation"),
            tr("Random changes of the images, so that few of them go further."),
            choice(choices.augmentations()),
        ),
        row(
            "any_direction",
            tr("Directions"),
            tr("For pictures without an up and down: microscope, aerial, things on a table."),
            switch(tr("also turn and flip")),
        ),
        row(
            "device",
            tr("Device"),
            tr("What computes. Automatic takes a GPU where there is one."),
            choice(choices.devices()),
        ),
    )


def _learning() -> tuple[Setting, ...]:
    section, off = tr("Learning"), tr("none")
    return (
        row(
            "min_steps",
            tr("Least steps"),
            tr("Small datasets get more epochs, until there were that many steps. 0: none."),
            whole(0, 1_000_000, step=100, zero=off),
            section,
        ),
        row(
            "optimizer",
            tr("Optimiser"),
            tr("AdamW from scratch, SGD from good weights."),
            choice(choices.optimizers()),
            section,
        ),
        row("momentum", tr("Momentum"), tr("Of SGD."), real("0.9"), section),
        row("weight_decay", tr("Weight decay"), tr("Pull of the weights towards zero."), real(zero=off), section),
        row("schedule", tr("Schedule"), tr("How the learning rate falls."), choice(choices.schedules()), section),
        row(
            "warmup_steps",
            tr("Warm-up"),
            tr("Steps until the full learning rate."),
            whole(0, 100_000, tr("steps")),
            section,
        ),
        row(
            "heads_first_steps",
            tr("Heads first"),
            tr("Steps at the start that leave the backbone as it is."),
            whole(0, 100_000, tr("steps"), 50, zero=off),
            section,
        ),
        row(
            "clip_norm",
            tr("Gradient clip"),
            tr("Longest gradient a step may have."),
            real(zero=off),
            section,
        ),
        row(
            "ema_decay",
            tr("Averaging"),
            tr("Weights are averaged over time with this decay; 0 switches it off."),
            real(zero=tr("off")),
            section,
        ),
        row(
            "loss_weights",
            tr("Loss weights"),
            tr("Of the classifier, its boxes, objectness and the RPN's boxes."),
            NumbersEditor,
            section,
        ),
    )


def _scoring() -> tuple[Setting, ...]:
    section = tr("Scoring and saving")
    return (
        row(
            "evaluate_every",
            tr("Score every"),
            tr("Epochs between scorings of the validation images; with a time limit seldom enough to take 6 % of it."),
            whole(1, 1000, tr("epochs")),
            section,
        ),
        row(
            "patience",
            tr("Patience"),
            tr("Scorings without a better result before the run stops. 0: never."),
            whole(0, 10_000, zero=tr("never stop early")),
            section,
        ),
        row(
            "validation_loss",
            tr("Validation loss"),
            tr("Also compute the losses of the validation images at each scoring."),
            switch(tr("compute it")),
            section,
        ),
        row(
            "save_minutes",
            tr("Save every"),
            tr("Minutes of training that a crash may cost at most; the run goes on from there."),
            real("5"),
            section,
        ),
    )


def _computing() -> tuple[Setting, ...]:
    section = tr("Computing")
    return (
        row(
            "amp",
            tr("Precision"),
            tr("Half precision is faster on most hardware; automatic measures it."),
            choice(choices.precisions()),
            section,
        ),
        row(
            "accumulate",
            tr("Parts of a batch"),
            tr("A batch is computed in so many parts, one after another, so that it needs less memory."),
            whole(1, 4096),
            section,
        ),
        row(
            "channels_last",
            tr("Memory layout"),
            tr("Often faster on GPUs, seldom on CPUs."),
            switch(tr("channels last")),
            section,
        ),
        row(
            "deterministic",
            tr("Repeatable"),
            tr("The same numbers again on the same GPU; slower. On a CPU they are anyway."),
            switch(tr("also on a GPU")),
            section,
        ),
    )
