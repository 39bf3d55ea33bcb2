"""An exported model finds what the detector finds, also where nothing of this program is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import never
from rcnn_studio.engine.export.exporting import export_model, require
from rcnn_studio.engine.inference import Predictor
from rcnn_studio.formats import images

needs_onnx = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


@pytest.mark.parametrize("kind", [pytest.param("onnx", marks=needs_onnx), "torchscript"])
def test_the_written_model_and_its_example_find_the_same(kind: str, trained: Any, tmp_path: Path) -> None:
    tall = tmp_path / "tall.png"
    Image.open(trained.images / "2.png").resize((90, 150)).save(tall)
    paths = [trained.images / "1.png", tall, trained.images / "3.png"]
    out = tmp_path / "model.bin"
    done = export_model(trained.run_dir, kind, out, paths, lambda _: None, never)
    assert (done.images, done.unmatched) == (3, 0)
    assert done.detections > 5
    assert done.box_px < 1e-3
    assert done.score < 1e-4
    about = json.loads((tmp_path / "model.json").read_text())
    assert [row["name"] for row in about["categories"]] == ["disc", "bar"]

    program = [sys.executable, "-I", str(tmp_path / "model_example.py"), str(tall), "0.3"]
    said = subprocess.run(program, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.splitlines()
    expected = Predictor.load(trained.run_dir, device="cpu").detect(images.decode(tall)).above(0.3)
    names = {c.id: c.name for c in trained.dataset.categories}
    assert [line.split()[0] for line in said] == [names[int(i)] for i in expected.category_ids]
    assert np.allclose([[float(v) for v in line.split()[2:]] for line in said], expected.xyxy, atol=0.06)


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else find(name))
    with pytest.raises(EngineError, match=r"rcnn-studio\[export\]"):
        require("onnx")
    require("torchscript")
