"""How long a large COCO file takes to become a project, against pycocotools reading the same file in the same run.

    python -m tests.benchmarks.bench_import_coco [--scale 1.0] [--repeat 3]

At scale 1 the file has 100,000 images and 1,000,000 boxes with polygons (211 MB). Each reading is a process of its
own; printed are medians of seconds and of peak memory, and the ratio of ours (read and create) to pycocotools', which
must be at most LIMIT. Also timed: one edit written back into the file. Needs some 700 MB of temporary space.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from PIL import Image

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore

LIMIT = 2.0
IMAGES = 100_000
BOXES_AN_IMAGE = 10
CATEGORIES = 80


def make_dataset(folder: Path, images: int) -> Path:
    """A COCO file with polygons, and an image file for each of its images. -> the file"""
    draw = random.Random(1)
    picture = io.BytesIO()
    Image.new("RGB", (640, 480)).save(picture, "JPEG", quality=20)
    (folder / "images").mkdir()
    for number in range(images):
        (folder / "images" / f"{number:06d}.jpg").write_bytes(picture.getvalue())
    annotations = []
    for number in range(images * BOXES_AN_IMAGE):
        w, h = draw.randint(5, 200), draw.randint(5, 200)
        x, y = round(draw.random() * 400, 2), round(draw.random() * 250, 2)
        annotations.append(
            {
                "id": number + 1,
                "image_id": number % images + 1,
                "category_id": number % CATEGORIES + 1,
                "bbox": [x, y, w, h],
                "area": w * h,
                "iscrowd": 0,
                "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
            }
        )
    document = {
        "images": [{"id": i + 1, "file_name": f"{i:06d}.jpg", "width": 640, "height": 480} for i in range(images)],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": f"c{i}"} for i in range(CATEGORIES)],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document))
    return path


def run_ours(path: Path) -> dict[str, float]:
    """Reading, creating the project, and writing one edit back into a copy of the bytes."""
    started = time.perf_counter()
    imported = codec("coco").read(Source(path=path, images=path.parent / "images"), ignore, never)
    read = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        store = ProjectStore.create(Path(name) / "p", imported)
        created = time.perf_counter()
        cpu, peak = time.process_time(), _peak_mb()
        store.close()
    return {"seconds": created - started, "read": read - started, "create": created - read, "cpu": cpu, "mb": peak}


def run_patch(path: Path) -> dict[str, float]:
    """One box moved, in a process that has read the dataset as well."""
    imported = codec("coco").read(Source(path=path, images=path.parent / "images"), ignore, never)
    record, place = imported.record(5), imported.images[5].place
    box = record.boxes[3]
    edited = (*record.boxes[:3], box.moved_to(box.x1 + 1, box.y1, box.x2 + 1, box.y2), *record.boxes[4:])
    original = path.read_bytes()
    file, categories = imported.files[0], imported.categories
    started = time.perf_counter()
    changed = replace(record, boxes=edited)
    after = codec("coco").patch(original, file, [changed], categories, {record.id: place})
    seconds = time.perf_counter() - started
    assert after is not None
    assert after != original
    return {"seconds": seconds, "mb": _peak_mb()}


def run_pycocotools(path: Path) -> dict[str, float]:
    started = time.perf_counter()
    from pycocotools.coco import COCO

    COCO(str(path))
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time(), "mb": _peak_mb()}


RUNS = {"pycocotools": run_pycocotools, "ours": run_ours, "one edit written": run_patch}


def _peak_mb() -> float:
    """Peak resident memory of this process, in 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # rusage would count the parent's memory as well, which is there until exec
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _measure(name: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_import_coco", "--child", name, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_import_coco", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 100,000 images and 1,000,000 boxes")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--file", type=Path, help="a file that is there already, with its images in images/ beside it")
    parser.add_argument("--child", choices=RUNS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(RUNS[options.child](options.file)))
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-coco-") as name:
        path = options.file or make_dataset(Path(name), max(1, round(IMAGES * options.scale)))
        print(f"{path.stat().st_size / 1e6:.0f} MB")
        every: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
        for _ in range(options.repeat):
            for run, found in every.items():
                found.append(_measure(run, path))
    medians = {run: {key: median(f[key] for f in found) for key in found[0]} for run, found in every.items()}
    for run, values in medians.items():
        print(f"{run:18}" + "".join(f"{key} {value:9.2f}   " for key, value in values.items()))
    ratios = {key: medians["ours"][key] / medians["pycocotools"][key] for key in ("seconds", "mb")}
    print(f"ours / pycocotools: seconds {ratios['seconds']:.2f}, peak memory {ratios['mb']:.2f} (limit {LIMIT})")
    return 0 if max(ratios.values()) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
