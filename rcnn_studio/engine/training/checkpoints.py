"""Checkpoints on disk: weights as safetensors beside a manifest with their SHA-256. Nothing is ever unpickled.

A checkpoint is a folder that is written under another name and renamed when it is whole. Knows no training.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import struct
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import Scores, TrainConfig, scores_from_json
from rcnn_studio.engine.data.targets import CategoryTable

FOLDER = "checkpoints"
WEIGHTS_FILE = "model.safetensors"
MANIFEST_FILE = "state.json"
FORMAT = 1
_TYPE_NAMES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a checkpoint knows of itself besides the weights."""

    epoch: int
    step: int
    config: TrainConfig
    table: CategoryTable
    amp: str
    scores: Scores | None = None


def save_checkpoint(run_dir: Path, name: str, weights: Mapping[str, Tensor], manifest: Manifest) -> Path:
    """Writes run_dir/checkpoints/<name>, replacing the one before only when the new one is on disk. -> its folder.

    Raises EngineError if a weight is not finite (a good checkpoint is never replaced by a broken one) or the disk
    refuses.
    """
    broken = next((k for k, t in weights.items() if t.is_floating_point() and not bool(t.isfinite().all())), None)
    if broken is not None:
        raise EngineError(f"{name}: the weights {broken} are not finite, so the checkpoint before is kept.")
    parent = run_dir / FOLDER
    fresh = parent / f".tmp-{name}-{uuid.uuid4().hex[:8]}"
    try:
        fresh.mkdir(parents=True)
        digest = _write_hashed(fresh / WEIGHTS_FILE, _safetensors_chunks(weights))
        state = {
            "format": FORMAT,
            "name": name,
            "epoch": manifest.epoch,
            "step": manifest.step,
            "amp": manifest.amp,
            "files": {WEIGHTS_FILE: digest},
            "categories": manifest.table.to_json(),
            "config": asdict(manifest.config),
            "scores": asdict(manifest.scores) if manifest.scores else None,
        }
        _write_hashed(fresh / MANIFEST_FILE, iter([json.dumps(state, indent=1, ensure_ascii=False).encode()]))
        _sync_folder(fresh)
        return _put_in_place(fresh, parent / name)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        reason = error.strerror or error
        raise EngineError(f"{parent / name}: cannot be saved ({reason}). Make room on the disk.") from error


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], Manifest]:
    """Weights on the CPU and manifest of a checkpoint folder, its hash verified.

    Raises EngineError naming the file if it is missing, damaged or of a later version.
    """
    manifest, files = _read_manifest(folder / MANIFEST_FILE)
    path = folder / WEIGHTS_FILE
    try:
        digest = _file_hash(path)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Use another run or train again.") from error
    if digest != files.get(WEIGHTS_FILE):
        raise EngineError(
            f"{path}: is damaged (its SHA-256 is not that of {MANIFEST_FILE}). Use another checkpoint or train again."
        )
    return load_file(path), manifest


def find_checkpoint(run_dir: Path, name: str = "best") -> Path:
    """Folder of that checkpoint, or of the last one when it is missing. Raises EngineError if the run has none."""
    parent = run_dir / FOLDER
    for candidate in (parent / name, parent / f".old-{name}", parent / "last", parent / ".old-last"):
        if (candidate / MANIFEST_FILE).is_file():
            return candidate
    raise EngineError(f"{run_dir}: the run has no checkpoint. Choose another run, or train again.")


def _put_in_place(fresh: Path, target: Path) -> Path:
    """Renames fresh to target; a crash in between leaves the old one as .old-<name>, where find_checkpoint looks."""
    old = target.with_name(f".old-{target.name}")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    fresh.rename(target)
    _sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)
    return target


def _safetensors_chunks(weights: Mapping[str, Tensor]) -> Iterator[bytes | memoryview]:
    """The bytes of a .safetensors file piece by piece (8 bytes of header length, JSON header, tensors in its order).

    Written here and not by the library because that holds the interpreter's lock for the whole file.
    """
    header: dict[str, Any] = {}
    offset = 0
    for key, tensor in weights.items():
        end = offset + tensor.numel() * tensor.element_size()
        header[key] = {"dtype": _TYPE_NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for tensor in weights.values():
        flat = tensor.detach().cpu().contiguous().view(-1)
        if flat.numel():
            yield flat.view(torch.uint8).numpy().data


def _write_hashed(path: Path, chunks: Iterator[bytes | memoryview]) -> str:
    """-> SHA-256. Raises OSError, also where the drive took fewer bytes than it said it did."""
    digest = hashlib.sha256()
    length = 0
    with path.open("wb") as file:
        for chunk in chunks:
            for start in range(0, len(chunk), _CHUNK):
                digest.update(chunk[start : start + _CHUNK])
                file.write(chunk[start : start + _CHUNK])
            length += len(chunk)
        file.flush()
        os.fsync(file.fileno())
        if os.fstat(file.fileno()).st_size != length:
            raise OSError(errno.EIO, "the drive did not take all of the file")
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows neither needs nor allows it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_manifest(path: Path) -> tuple[Manifest, dict[str, str]]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        if int(state["format"]) > FORMAT:
            raise EngineError(f"{path}: was written by a later version of RCNN Studio. Update to read it.")
        known: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in state["config"].items()}
        manifest = Manifest(
            epoch=int(state["epoch"]),
            step=int(state["step"]),
            amp=str(state["amp"]),
            config=TrainConfig(**{k: v for k, v in known.items() if k in TrainConfig.__dataclass_fields__}),
            table=CategoryTable.from_json(state["categories"]),
            scores=scores_from_json(state["scores"]) if state["scores"] else None,
        )
        return manifest, dict(state["files"])
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Use another run or train again.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{path}: is damaged ({error}). Use another checkpoint or train again.") from error
