"""The small program that is written beside an exported model and runs it without RCNN Studio."""

from __future__ import annotations

_HEAD = '''"""Finds objects in an image with the model beside this file. Needs {needs}.

    python {script} IMAGE [LEAST_SCORE]
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
{imports}
HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "{about}").read_text(encoding="utf-8"))
{load}

def detect(image):
    """image: PIL, RGB -> list of (name, score, (x1, y1, x2, y2)) in its pixels, the best first."""
    short, longest = ABOUT["resize"]["short"], ABOUT["resize"]["longest"]
    scale = min(short / min(image.size), longest / max(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    resized = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0) if size != image.size else image
    pixels = np.ascontiguousarray(np.asarray(resized, dtype=np.float32).transpose(2, 0, 1))
    boxes, labels, scores = {call}
    names = {{row["label"]: row["name"] for row in ABOUT["categories"]}}
    ratio = np.array([image.width / size[0], image.height / size[1]] * 2)
    rows = zip(boxes * ratio, labels, scores)
    return [(names[int(label)], float(score), tuple(map(float, box))) for box, label, score in rows]


if __name__ == "__main__":
    least = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    picture = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
    for name, score, box in detect(picture):
        if score >= least:
            print(f"{{name}} {{score:.3f}} " + " ".join(f"{{value:.1f}}" for value in box))
'''


def example_script(kind: str, model: str, about: str) -> str:
    """Source of the program for a model file of that name and its description."""
    script = f"{model.rsplit('.', 1)[0]}_example.py"
    if kind == "onnx":
        return _HEAD.format(
            script=script,
            about=about,
            needs="numpy, pillow and onnxruntime",
            imports="import onnxruntime\n",
            load=f'MODEL = onnxruntime.InferenceSession(str(HERE / "{model}"), providers=["CPUExecutionProvider"])\n',
            call='MODEL.run(None, {"image": pixels})',
        )
    return _HEAD.format(
        script=script,
        about=about,
        needs="numpy, pillow, torch and torchvision",
        imports="import torch\nimport torchvision  # noqa: F401 - brings the operators the model uses\n",
        load=f'MODEL = torch.jit.load(str(HERE / "{model}"))\n',
        call="(t.detach().numpy() for t in MODEL(torch.from_numpy(pixels)))",
    )
