"""How long reading a large VOC dataset takes and what it costs in memory, beside a plain lxml read of the same files.

`python tests/benchmarks/bench_import_voc.py [--files 100000] [--objects 10] [--limit 2.0] [--keep DIR]`

Makes the files in a temporary folder, then measures each way in a process of its own, its peak memory with all that is
loaded into it: lxml (parse, and findtext of every field of every object, nothing kept), ours for the annotations, ours
for the image headers too, and a whole project made of them (its files hashed, its database written). Seconds are also
given as the processor's, for a machine that has other things to do. Exits 1 if ours takes more than `limit` times as
long as lxml or, from 100,000 files on (below, the interpreter outweighs the data), as much memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("bolt", "nut", "washer", "screw", "nail")


def make_dataset(folder: Path, *, files: int, objects: int) -> None:
    """A devkit-like folder: small JPEGs of one content, and XML files like labelImg's."""
    from PIL import Image

    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    picture = folder / "picture.jpg"
    Image.effect_noise((320, 240), 40).convert("RGB").save(picture, quality=60)
    data = picture.read_bytes()
    picture.unlink()
    draw = random.Random(7)
    for number in range(files):
        (folder / "JPEGImages" / f"image_{number:06}.jpg").write_bytes(data)
        (folder / "Annotations" / f"image_{number:06}.xml").write_text(xml(number, objects, draw), encoding="utf-8")


def xml(number: int, objects: int, draw: random.Random) -> str:
    parts = [
        f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>image_{number:06}.jpg</filename>\n"
        f"\t<path>/home/me/data/JPEGImages/image_{number:06}.jpg</path>\n"
        "\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n\t\t<width>320</width>\n"
        "\t\t<height>240</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n"
    ]
    for _ in range(objects):
        x, y, w, h = draw.randrange(1, 250), draw.randrange(1, 180), draw.randrange(8, 60), draw.randrange(8, 50)
        parts.append(
            f"\t<object>\n\t\t<name>{draw.choice(NAMES)}</name>\n\t\t<pose>Unspecified</pose>\n"
            "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
            f"\t\t\t<xmin>{x}</xmin>\n\t\t\t<ymin>{y}</ymin>\n\t\t\t<xmax>{x + w}</xmax>\n\t\t\t<ymax>{y + h}</ymax>\n"
            "\t\t</bndbox>\n\t</object>\n"
        )
    return "".join((*parts, "</annotation>\n"))


def read_with_lxml(folder: Path) -> int:
    """What a script would do: every file parsed, every field of every object asked for."""
    from lxml import etree

    boxes = 0
    for path in sorted((folder / "Annotations").glob("*.xml")):
        root = etree.parse(str(path)).getroot()
        root.findtext("filename"), root.findtext("size/width"), root.findtext("size/height")
        for element in root.iter("object"):
            element.findtext("name"), element.findtext("truncated"), element.findtext("difficult")
            for tag in ("xmin", "ymin", "xmax", "ymax"):
                float(element.findtext(f"bndbox/{tag}") or "nan")
            boxes += 1
    return boxes


def read_with_ours(folder: Path) -> int:
    """The import as the application does it: annotations, image headers, pairing, problems."""
    from rcnn_studio.domain.progress import ignore, never
    from rcnn_studio.formats import Source, codec

    return codec("voc").read(Source(path=folder), ignore, never).box_count


def read_annotations_only(folder: Path) -> int:
    """Ours, with the image headers taken as known (they may be read in the background)."""
    from rcnn_studio.formats import images

    known = images.inspect(folder / "JPEGImages" / "image_000000.jpg")
    images.inspect = lambda _path: known
    return read_with_ours(folder)


def make_project(folder: Path) -> int:
    """What `new PROJECT --voc DIR` does, from the first file to the closed database."""
    from rcnn_studio.formats import Source
    from rcnn_studio.tasks.importing import create_project

    with tempfile.TemporaryDirectory() as temporary:
        return create_project(Path(temporary) / "project", Source(path=folder), format_name="voc").boxes


WAYS: dict[str, Callable[[Path], int]] = {
    "lxml": read_with_lxml,
    "ours, annotations": read_annotations_only,
    "ours, with image headers": read_with_ours,
    "ours, a whole project": make_project,
}
HELD_FROM_FILES = 100_000


def measure(way: str, folder: Path) -> dict[str, float]:
    """One way in a fresh process. -> {seconds, cpu, mib, boxes}"""
    command = [sys.executable, __file__, "--way", way, "--keep", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--limit", type=float, default=2.0)
    parser.add_argument("--keep", type=Path, help="make the files here, or use those that are here already")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY))
    if options.way:
        started = time.perf_counter()
        boxes = WAYS[options.way](options.keep)
        seconds = time.perf_counter() - started
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "cpu": cpu, "mib": peak, "boxes": boxes}))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)) / f"voc-{options.files}-{options.objects}"
        if not folder.exists():
            make_dataset(folder, files=options.files, objects=options.objects)
        measure("ours, with image headers", folder)  # so that every way finds all files in the page cache
        return compare(folder, options.limit, hold_memory=options.files >= HELD_FROM_FILES)


def compare(folder: Path, limit: float, *, hold_memory: bool) -> int:
    found = {way: measure(way, folder) for way in WAYS}
    base = found["lxml"]
    for way, figures in found.items():
        seconds, cpu, memory = (figures[what] / base[what] for what in ("seconds", "cpu", "mib"))
        print(
            f"{way:26} {figures['seconds']:6.1f} s ({seconds:.2f} x) {figures['cpu']:6.1f} s of processor ({cpu:.2f} x)"
            f" {figures['mib']:4.0f} MiB ({memory:.2f} x) {figures['boxes']:8.0f} boxes"
        )
    held = ("seconds", "mib") if hold_memory else ("seconds",)
    worst = max(figures[what] / base[what] for figures in found.values() for what in held)
    return 1 if worst > limit or len({figures["boxes"] for figures in found.values()}) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
