"""Small YOLO datasets for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.formats.files import draw_image

LINE = "0 0.5 0.5 0.25 0.5\n"  # of 64 x 48 pixels: 24, 12, 40, 36
DATA = "train: images/train\nval: images/val\nnames: [bolt, nut]\n"


def make_yolo(folder: Path, labels: Mapping[str, str | bytes | None], *, data: str | bytes | None = DATA) -> Path:
    """images/<key>.png for each key, labels/<key>.txt unless the text is None, and data.yaml."""
    for key, text in labels.items():
        draw_image(folder / "images" / f"{key}.png")
        if text is not None:
            path = folder / "labels" / f"{key}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    if data is not None:
        (folder / "data.yaml").write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return folder
