"""What files dropped on the window mean: which folder or file is opened, and which image is shown. Opens nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.formats.archive import is_zip
from rcnn_studio.formats.images import IMAGE_SUFFIXES

FILES = frozenset({".json", ".yaml", ".yml", ".csv", ".rcnn"})
_SEEN_IN_FOLDER = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """path: what is opened. image: shown first. images: how many of them were dropped; others: paths left aside."""

    path: Path
    image: Path | None = None
    images: int = 0
    others: int = 0


def look_at(paths: Sequence[Path]) -> Dropped | None:
    """What these paths are, in the order of what says most: a folder, a dataset file, a label file, images.

    Images of several folders: the folder that holds most of them is opened. -> None where there is nothing to open
    """
    whole = next((p for p in paths if p.is_dir() or is_zip(p) or p.suffix.lower() in FILES), None)
    if whole is not None:
        return Dropped(path=whole, others=len(paths) - 1)
    label = next((p for p in paths if p.suffix.lower() == ".xml"), None)
    if label is not None:
        return Dropped(path=dataset_of_label(label), image=image_of_label(label), others=len(paths) - 1)
    images = [p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        return None
    folder, count = Counter(p.parent for p in images).most_common(1)[0]
    first = next(p for p in images if p.parent == folder)
    return Dropped(path=folder, image=first, images=count, others=len(paths) - count)


def dataset_of_label(file: Path) -> Path:
    """The folder of the dataset that a VOC label file belongs to: the one above Annotations, else its own."""
    folder = file.parent
    return folder.parent if folder.name.casefold() == "annotations" else folder


def image_of_label(file: Path) -> Path | None:
    """The image beside a VOC label file, or in JPEGImages or images beside its folder."""
    for folder in (file.parent, file.parent.parent / "JPEGImages", file.parent.parent / "images"):
        for suffix in sorted(IMAGE_SUFFIXES):
            for name in (f"{file.stem}{suffix}", f"{file.stem}{suffix.upper()}"):
                if (folder / name).is_file():
                    return folder / name
    return None


def count_images(folder: Path) -> int:
    """Images directly in a folder; stops counting at 2000. For a word while it is dragged, not for more."""
    seen = 0
    try:
        for entry in folder.iterdir():
            seen += entry.suffix.lower() in IMAGE_SUFFIXES
            if seen >= _SEEN_IN_FOLDER:
                break
    except OSError:
        return 0
    return seen
