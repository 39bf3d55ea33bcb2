"""The detections of a run on disk: flat numpy arrays with offsets per image, memory-mapped for reading.

Files: image_ids.npy (N,), offsets.npy (N + 1,), xyxy.npy (M, 4), category_ids.npy (M,), scores.npy (M,); image i
owns rows offsets[i]:offsets[i + 1], best first. Knows nothing of models or projects.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError

_DTYPES: dict[str, Any] = {
    "image_ids": np.int64,
    "offsets": np.int64,
    "xyxy": np.float32,
    "category_ids": np.int64,
    "scores": np.float32,
}
# Windows does not rename a folder whose files are mapped, which would block the next write.
_MMAP_MODE: Literal["r"] | None = "r" if os.name == "posix" else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionFile:
    """The detections of many images. image_ids (N,) int64 rising; the other arrays as the module says."""

    image_ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    category_ids: NDArray[np.int64]
    scores: NDArray[np.float32]

    @staticmethod
    def open(folder: Path) -> DetectionFile:
        """Raises FormatError if the folder's arrays are missing, damaged or do not fit each other."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, dtype in _DTYPES.items():
            arrays[name] = _load(folder / f"{name}.npy", np.dtype(dtype))
        _check(folder, arrays)
        return DetectionFile(**arrays)

    def __len__(self) -> int:
        return len(self.image_ids)

    def __contains__(self, image_id: object) -> bool:
        return isinstance(image_id, int) and self._index(image_id) is not None

    def get(self, image_id: int) -> Detections | None:
        """The image's detections, copied out of the file; None for an image that was not looked at."""
        index = self._index(image_id)
        if index is None:
            return None
        rows = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return Detections(
            xyxy=np.array(self.xyxy[rows]),
            category_ids=np.array(self.category_ids[rows]),
            scores=np.array(self.scores[rows]),
        )

    def all(self) -> dict[int, Detections]:
        """Every image's detections by image id."""
        found = {int(image_id): self.get(int(image_id)) for image_id in self.image_ids}
        return {image_id: detections for image_id, detections in found.items() if detections is not None}

    def _index(self, image_id: int) -> int | None:
        index = int(np.searchsorted(self.image_ids, image_id))
        return index if index < len(self.image_ids) and int(self.image_ids[index]) == image_id else None


def write_detections(folder: Path, found: Mapping[int, Detections], *, merge: bool = False) -> None:
    """Replaces the folder's detections by these; with merge, images that are not in `found` keep theirs.

    The arrays are made in a folder beside it and swapped in, so that a reader never sees halves of two writes.
    Raises FormatError if the disk refuses.
    """
    everything = dict(found)
    if merge and (folder / "offsets.npy").exists():
        with contextlib.suppress(FormatError):  # damaged detections are made anew, they are no label of anybody's
            everything = {**DetectionFile.open(folder).all(), **found}
    fresh = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}.tmp")
    try:
        fresh.mkdir(parents=True)
        for name, array in _columns(everything).items():
            _save(fresh / f"{name}.npy", array)
        _swap_in(fresh, folder)
    except OSError as error:
        raise FormatError(folder, "", f"could not be written ({error.strerror}). Free some space and retry.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _columns(found: Mapping[int, Detections]) -> dict[str, NDArray[Any]]:
    ids = sorted(found)
    rows = [found[image_id] for image_id in ids]
    counts = [0, *(len(r) for r in rows)]
    return {
        "image_ids": np.array(ids, dtype=np.int64),
        "offsets": np.cumsum(np.array(counts, dtype=np.int64)),
        "xyxy": np.concatenate([np.zeros((0, 4), np.float32), *(r.xyxy for r in rows)]).astype(np.float32),
        "category_ids": np.concatenate([np.zeros(0, np.int64), *(r.category_ids for r in rows)]).astype(np.int64),
        "scores": np.concatenate([np.zeros(0, np.float32), *(r.scores for r in rows)]).astype(np.float32),
    }


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _swap_in(fresh: Path, folder: Path) -> None:
    old = fresh.with_suffix(".old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def _load(path: Path, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode=_MMAP_MODE, allow_pickle=False)
    except FileNotFoundError as error:
        raise FormatError(path, "", "is missing. Run the prediction again.") from error
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(path, "", f"cannot be read ({error}). Run the prediction again.") from error
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise FormatError(path, "", f"does not hold {dtype.name} values. Run the prediction again.")
    return array


def _check(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    ids, offsets, count = arrays["image_ids"], arrays["offsets"], len(arrays["scores"])
    sound = (
        all(arrays[name].ndim == 1 for name in ("image_ids", "offsets", "category_ids", "scores"))
        and arrays["xyxy"].shape == (count, 4)
        and len(arrays["category_ids"]) == count
        and len(offsets) == len(ids) + 1
        and int(offsets[0]) == 0
        and int(offsets[-1]) == count
        and bool((np.diff(offsets) >= 0).all())
        and bool((np.diff(ids) > 0).all())
    )
    if not sound:
        raise FormatError(folder, "", "the arrays do not fit each other. Run the prediction again.")
