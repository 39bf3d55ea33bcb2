"""What the exports share: an empty folder to write into, and names for images of several roots in one folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from rcnn_studio.domain.dataset import Box, BoxFlag, Dataset, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import paths
from rcnn_studio.formats.known_files import stem_of

NO_SPLIT = "unsplit"


def prepare_folder(out: Path) -> None:
    """Makes the folder. Raises FormatError unless it was absent or empty: an export never mixes with other files."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise FormatError(out, "", "is not empty. Export into a new folder.")
    except OSError as error:
        raise FormatError(out, "", f"cannot be made ({error.strerror}). Choose another folder.") from error


def unique_names(dataset: Dataset) -> list[str]:
    """A relative path for every image: its own, below a folder `<root number>` where two roots have the same one."""
    names: list[str] = []
    taken: set[str] = set()
    for path, root in zip(dataset.paths, dataset.image_roots, strict=True):
        name = path if path.casefold() not in taken else f"{int(root)}/{path}"
        taken.add(name.casefold())
        names.append(name)
    return names


def copy_image(dataset: Dataset, index: int, target: Path) -> None:
    """Copies image number `index`. Raises FormatError naming the file that could not be read or written."""
    source = paths.resolve_inside(Path(dataset.roots[int(dataset.image_roots[index])]), dataset.paths[index])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise FormatError(source, "", f"cannot be copied to {target} ({error.strerror}).") from error


def write_file(path: Path, data: bytes) -> None:
    """Writes a new file of an export. Raises FormatError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise FormatError(path, "", f"cannot be written ({error.strerror}). Free some space.") from error


def record_of(dataset: Dataset, index: int, name: str) -> ImageRecord:
    """Image number `index` with its boxes, under the relative path `name`."""
    rows = dataset.rows(index)
    boxes = tuple(
        Box(id=int(i), x1=x1, y1=y1, x2=x2, y2=y2, category_id=int(c), flags=BoxFlag(int(f)))
        for i, (x1, y1, x2, y2), c, f in zip(
            dataset.box_ids[rows],
            dataset.xyxy[rows].tolist(),
            dataset.category_ids[rows],
            dataset.flags[rows],
            strict=True,
        )
    )
    return ImageRecord(
        id=int(dataset.image_ids[index]),
        root=int(dataset.image_roots[index]),
        path=name,
        width=int(dataset.sizes[index, 0]),
        height=int(dataset.sizes[index, 1]),
        state=ImageState(int(dataset.states[index])),
        split=dataset.split_of(index),
        boxes=boxes,
    )


def file_slug(name: str) -> str:
    """A name of the project, which may hold anything, as part of a file name."""
    kept = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
    return kept or "unnamed"


def split_folders(dataset: Dataset) -> dict[str, str]:
    """The folder of each split that occurs; for images of none "unsplit", or "" where no image has a split."""
    found = {dataset.split_of(index) for index in range(len(dataset))}
    folders: dict[str, str] = {}
    for split in sorted(found - {""}):
        folder, number = file_slug(split), 1
        while folder in (NO_SPLIT, *folders.values()):
            number += 1
            folder = f"{file_slug(split)}-{number}"
        folders[split] = folder
    return {**folders, "": NO_SPLIT if folders else ""}


def own_stem(name: str, taken: set[str]) -> str:
    """The name, numbered if another image has its stem: a.png beside a.jpg becomes a-2.png."""
    stem, number = stem_of(name), 1
    suffix = name[len(stem) :]
    while f"{stem if number == 1 else f'{stem}-{number}'}".casefold() in taken:
        number += 1
    stem = stem if number == 1 else f"{stem}-{number}"
    taken.add(stem.casefold())
    return stem + suffix
