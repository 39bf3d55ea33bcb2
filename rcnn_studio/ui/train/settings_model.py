"""The settings of the network, its regions and its images, in the order shown. Holds no value."""

from __future__ import annotations

from rcnn_studio.ui.train import settings_choices as choices
from rcnn_studio.ui.train.fields import NumbersEditor, TextEditor
from rcnn_studio.ui.train.settings_rows import Setting, choice, real, row, switch, tr, whole


def model() -> tuple[Setting, ...]:
    section = tr("Model")
    return (
        row(
            "method",
            tr("Method"),
            tr("How boxes are found: by the network itself, or given to it by Selective Search."),
            choice(choices.methods()),
            section,
        ),
        row(
            "box_head",
            tr("Box head"),
            tr("The part that names each region and fits its box."),
            choice(choices.box_heads()),
            section,
        ),
        row(
            "roi_pooling",
            tr("RoI pooling"),
            tr("How the features of a region are cut out. The papers pooled; aligning is more exact."),
            choice(choices.poolings()),
            section,
        ),
        row(
            "norm",
            tr("Normalisation"),
            tr("Frozen suits loaded weights, group suits random ones."),
            choice(choices.norms()),
            section,
        ),
        row(
            "trainable_layers",
            tr("Trained stages"),
            tr("Stages of the backbone that learn; the others stay as loaded."),
            whole(0, 5, tr("of 5")),
            section,
        ),
        row("fpn_channels", tr("FPN channels"), tr("Width of the feature pyramid."), whole(8, 1024, step=8), section),
        row(
            "head_channels",
            tr("Head width"),
            tr("Numbers in the box head's layers."),
            whole(8, 8192, step=64),
            section,
        ),
        row(
            "head_dropout",
            tr("Head dropout"),
            tr("Share of the two-layer head that is left out at random, 0 to 0.9."),
            real(zero=tr("none")),
            section,
        ),
    )


def proposals() -> tuple[Setting, ...]:
    section = tr("Regions")
    return (
        row(
            "anchor_sizes",
            tr("Anchor sizes"),
            tr("Sides of the boxes that the RPN starts from, in pixels of the resized image; 4 or 5 in a pyramid."),
            NumbersEditor,
            section,
        ),
        row("anchor_ratios", tr("Anchor ratios"), tr("Height by width of those boxes."), NumbersEditor, section),
        row(
            "rpn_convs",
            tr("RPN layers"),
            tr("Convolutions in the RPN; 2 in torchvision's v2."),
            whole(1, 8),
            section,
        ),
        row(
            "rpn_proposals_train",
            tr("Proposals, training"),
            tr("Boxes an image that the RPN passes on while training."),
            whole(1, 100_000, step=64),
            section,
        ),
        row(
            "rpn_proposals_test",
            tr("Proposals, finding"),
            tr("Boxes an image that the RPN passes on when the model is used."),
            whole(1, 100_000, step=64),
            section,
        ),
        row("rpn_score", tr("RPN score"), tr("Proposals below this are dropped, 0 to 0.99."), real(zero="0"), section),
        row(
            "rois_per_image",
            tr("Regions an image"),
            tr("Proposals that are learned from in each image."),
            whole(1, 100_000, step=32),
            section,
        ),
        row(
            "positive_fraction",
            tr("Share of objects"),
            tr("Of those regions, that may lie on objects: 0.01 to 1."),
            real("0.25"),
            section,
        ),
        row(
            "background_iou",
            tr("Background from"),
            tr("Regions that overlap every box less than this (IoU) are passed over; 0.1 in Fast R-CNN's paper."),
            real(zero="0"),
            section,
        ),
        row(
            "jittered_boxes",
            tr("Jittered boxes"),
            tr("Moved copies of each box that join the proposals in the first half; from random weights a good start."),
            whole(0, 64, zero=tr("none")),
            section,
        ),
        *_given(section),
    )


def _given(section: str) -> tuple[Setting, ...]:
    return (
        row(
            "proposals_train",
            tr("Given, training"),
            tr("Boxes of Selective Search an image, at most, while training."),
            whole(1, 100_000, step=100),
            section,
        ),
        row(
            "proposals_test",
            tr("Given, finding"),
            tr("Boxes of Selective Search an image, at most, when the model is used."),
            whole(1, 100_000, step=100),
            section,
        ),
        row(
            "proposals_side",
            tr("Search side"),
            tr("Long side of the image that Selective Search looks at, in pixels."),
            whole(32, 4096, "px", 20),
            section,
        ),
        row(
            "proposals_mode",
            tr("Search mode"),
            tr("How thoroughly Selective Search looks."),
            choice(choices.search_modes()),
            section,
        ),
    )


def images() -> tuple[Setting, ...]:
    section = tr("Images")
    return (
        row(
            "image_max_size",
            tr("Longest side"),
            tr("No image gets longer than this, in pixels."),
            whole(32, 8192, "px", 16),
            section,
        ),
        row(
            "multi_scale",
            tr("Size jitter"),
            tr("Image sizes vary by this share, 0 to 0.9."),
            real(zero=tr("none")),
            section,
        ),
        row(
            "repeat_threshold",
            tr("Repeat rare"),
            tr("Images of classes rarer than this share of the images come up more often, 0 to 1."),
            real(zero=tr("never")),
            section,
        ),
        row(
            "train_on_difficult",
            tr("Difficult boxes"),
            tr("Whether boxes marked difficult are trained on."),
            switch(tr("train on them")),
            section,
        ),
        row("train_split", tr("Train on"), tr("The split whose images are trained on."), TextEditor, section),
        row("val_split", tr("Score on"), tr("The split whose images are scored."), TextEditor, section),
        row("seed", tr("Seed"), tr("Same seed, same run (on a CPU)."), whole(0, 2_147_483_647), section),
    )
