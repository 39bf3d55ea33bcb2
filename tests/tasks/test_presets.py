"""Presets and single settings: what is read, what is refused, and that the message says what may stand there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import EngineError, FormatError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.tasks.presets import check_config, list_presets, load_config, load_preset, with_overrides


def toml(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_bundled_presets_are_sound_and_described():
    presets = list_presets()
    assert {"quick-look", "from-scratch", "standard", "thorough"} <= {preset.name for preset in presets}
    assert {"fast-rcnn", "fast-rcnn-light", "alternating"} <= {preset.name for preset in presets}
    for preset in presets:
        check_config(preset.config)
        assert preset.title
        assert preset.description
        assert preset.config.preset == preset.name
    assert [p.order for p in presets] == sorted(p.order for p in presets)


def test_single_settings_are_read_as_their_type():
    config = load_preset(
        "from-scratch",
        {"epochs": "3", "lr": "1e-4", "channels_last": "no", "anchor_sizes": "8, 16,32", "weights": "run:x"},
    )
    assert (config.epochs, config.lr, config.channels_last, config.weights) == (3, 1e-4, False, "run:x")
    assert config.anchor_sizes == (8.0, 16.0, 32.0)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("epoch", "3", ("epoch", "Did you mean epochs")),
        ("preset", "x", ("preset",)),
        ("extra", "{}", ("extra",)),
        ("epochs", "3.5", ("epochs", "whole number")),
        ("epochs", "-1", ("epochs", "1 to")),
        ("lr", "nan", ("lr", "finite")),
        ("channels_last", "maybe", ("channels_last", "true nor false")),
        ("anchor_sizes", "", ("anchor_sizes", "positive")),
        ("anchor_sizes", "8,big", ("anchor_sizes", "number")),
        ("norm", "groups", ("norm", "Did you mean group")),
        ("image_size", "900", ("image_max_size", "image_size")),
        ("method", "fast", ("method", "Did you mean fast-rcnn")),
        ("augmentation", "aerial", ("augmentation", "aerial-microscopy")),
        ("roi_pooling", "max", ("roi_pooling", "align, pool")),
        ("loss_weights", "1,1,10", ("loss_weights", "4 numbers")),
        ("loss_weights", "1,1,1,-1", ("loss_weights", "below 0")),
    ],
)
def test_a_bad_setting_is_named_with_what_it_may_be(key, text, words):
    with pytest.raises(EngineError) as caught:
        with_overrides(TrainConfig(), {key: text})
    for word in words:
        assert word in str(caught.value)


def test_a_missing_preset_is_named_with_those_there_are():
    with pytest.raises(EngineError, match=r"'standart'.*Did you mean standard.*quick-look"):
        load_preset("standart")


def test_a_file_goes_on_top_of_its_preset_and_the_named_preset_wins(tmp_path):
    path = toml(tmp_path, 'preset = "standard"\nepochs = 2\nlr = 1\nanchor_ratios = [0.5, 1]\n')
    config = load_config(path)
    assert (config.preset, config.backbone, config.epochs, config.lr) == ("standard", "resnet50", 2, 1.0)
    assert config.anchor_ratios == (0.5, 1.0)
    assert load_config(path, preset="quick-look").backbone == "resnet18-slim"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("epochs = ", ""),
        ('epochs = "3"', "epochs"),
        ("epochs = true", "epochs"),
        ("epochs = 2.5", "epochs"),
        ("epochz = 3", "epochz"),
        ("channels_last = 1", "channels_last"),
        ("weights = 1", "weights"),
        ("anchor_sizes = 8", "anchor_sizes"),
        ("anchor_sizes = [8, 'x']", "anchor_sizes"),
        ("lr = inf", "lr"),
        ("batch_size = 0", "batch_size"),
    ],
)
def test_a_bad_file_is_named_with_the_place(tmp_path, text, where):
    path = toml(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        load_config(path)
    assert caught.value.path == path
    assert caught.value.where == where
    assert path.read_text() == text


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="UTF-8"):
        load_config(tmp_path / "x.toml")
    with pytest.raises(FormatError, match=r"no\.toml"):
        load_config(tmp_path / "no.toml")


def test_fast_rcnns_preset_samples_as_the_paper_does():
    config = load_preset("fast-rcnn")
    assert (config.method, config.backbone, config.roi_pooling) == ("fast-rcnn", "vgg16", "pool")
    assert (config.batch_size, config.rois_per_image) == (2, 64)  # 128 regions from two images
    assert (config.positive_fraction, config.background_iou) == (0.25, 0.1)
    assert (config.optimizer, config.lr, config.momentum, config.weight_decay) == ("sgd", 0.001, 0.9, 5e-4)
    assert (config.image_size, config.image_max_size, config.proposals_train) == (600, 1000, 2000)


def test_the_default_config_can_train():
    check_config(TrainConfig())
    with pytest.raises(EngineError, match="batch_size"):
        check_config(replace(TrainConfig(), batch_size=0))
