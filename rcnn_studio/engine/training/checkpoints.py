"""Checkpoints on disk: weights as safetensors beside a manifest with their SHA-256. Nothing is ever unpickled.

A checkpoint is a folder that is written under another name and renamed when it is whole. Knows no training; which
checkpoints are kept is decided in keeping.py.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import Scores, TrainConfig, config_from_json, scores_from_json
from rcnn_studio.engine.data.targets import CategoryTable

FOLDER = "checkpoints"
WEIGHTS_FILE = "model.safetensors"
MANIFEST_FILE = "state.json"
STATE_FILE = "training.safetensors"
POINTER_FILE = "last.json"
FORMAT = 2  # 2: the manifest has its own SHA-256
_NO_DIGEST = "0" * 64
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
_STEP = "step-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a checkpoint knows of itself besides the weights. training: what a training needs to go on, if anything."""

    epoch: int
    step: int
    config: TrainConfig
    table: CategoryTable
    amp: str
    scores: Scores | None = None
    training: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(
    run_dir: Path,
    name: str,
    weights: Mapping[str, Tensor],
    manifest: Manifest,
    state: Mapping[str, Tensor] | None = None,
) -> Path:
    """Writes run_dir/checkpoints/<name>, replacing the one before only when the new one is on disk. -> its folder.

    state: the tensors of a training that is to be resumed. Raises EngineError if a weight is not finite (a good
    checkpoint is never replaced by a broken one) or the disk refuses.
    """
    broken = next((k for k, t in weights.items() if t.is_floating_point() and not bool(t.isfinite().all())), None)
    if broken is not None:
        raise EngineError(f"{name}: the weights {broken} are not finite, so the checkpoint before is kept.")
    parent = run_dir / FOLDER
    fresh = parent / f".tmp-{name}-{uuid.uuid4().hex[:8]}"
    try:
        fresh.mkdir(parents=True)
        files = {WEIGHTS_FILE: _write_hashed(fresh / WEIGHTS_FILE, _safetensors_chunks(weights))}
        if state is not None:
            files[STATE_FILE] = _write_hashed(fresh / STATE_FILE, _safetensors_chunks(state))
        said = {
            "format": FORMAT,
            "name": name,
            "epoch": manifest.epoch,
            "step": manifest.step,
            "amp": manifest.amp,
            "files": files,
            "categories": manifest.table.to_json(),
            "config": asdict(manifest.config),
            "scores": asdict(manifest.scores) if manifest.scores else None,
            "training": dict(manifest.training),
            "sha256": _NO_DIGEST,
        }
        _write_hashed(fresh / MANIFEST_FILE, iter([_sealed(json.dumps(said, indent=1, ensure_ascii=False).encode())]))
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
    return _read_tensors(folder / WEIGHTS_FILE, files), manifest


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], Manifest]:
    """(weights, tensors of the training, manifest) of a checkpoint that a training can go on from; all verified.

    Raises EngineError as load_checkpoint does.
    """
    manifest, files = _read_manifest(folder / MANIFEST_FILE)
    return _read_tensors(folder / WEIGHTS_FILE, files), _read_tensors(folder / STATE_FILE, files), manifest


def find_checkpoint(run_dir: Path, name: str = "best") -> Path:
    """Folder of that checkpoint, or of the last one when it is missing. Raises EngineError if the run has none."""
    parent = run_dir / FOLDER
    candidates = [parent / name, parent / f".old-{name}", parent / "last", parent / ".old-last"]
    for candidate in (*candidates, *steps_of(run_dir)):
        if (candidate / MANIFEST_FILE).is_file():
            return candidate
    raise EngineError(f"{run_dir}: the run has no checkpoint. Choose another run, or train again.")


def step_name(step: int) -> str:
    """Name of the checkpoint from which a training goes on after `step` steps."""
    return f"{_STEP}{step:08d}"


def steps_of(run_dir: Path) -> list[Path]:
    """The checkpoints a training can go on from: the one the pointer names first, then the newest first."""
    parent = run_dir / FOLDER
    found = sorted((p for p in parent.glob(f"{_STEP}*") if p.is_dir()), key=lambda p: p.name, reverse=True)
    try:
        named = str(json.loads((parent / POINTER_FILE).read_bytes())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        named = ""
    return sorted(found, key=lambda p: p.name != named)


def point_to(folder: Path) -> None:
    """Names the checkpoint in the pointer file. Raises EngineError if the disk refuses."""
    pointer, fresh = folder.parent / POINTER_FILE, folder.parent / f".tmp-{POINTER_FILE}"
    try:
        _write_hashed(fresh, iter([json.dumps({"name": folder.name}).encode()]))
        fresh.replace(pointer)
        _sync_folder(folder.parent)
    except OSError as error:
        raise EngineError(
            f"{pointer}: cannot be written ({error.strerror or error}). Make room on the disk."
        ) from error


def set_aside(folder: Path) -> Path:
    """Renames a damaged checkpoint to .corrupt-<name>, where nothing uses it. -> its new place."""
    target = folder.with_name(f".corrupt-{folder.name}")
    try:
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    except OSError as error:
        raise EngineError(f"{folder}: is damaged and cannot be set aside ({error.strerror}). Delete it.") from error
    return target


def verify(folder: Path) -> None:
    """Reads the checkpoint's files again. Raises EngineError if what lies there is not what was written."""
    _, files = _read_manifest(folder / MANIFEST_FILE)
    for name, digest in files.items():
        _check_file(folder / name, digest)


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


def _read_tensors(path: Path, files: Mapping[str, str]) -> dict[str, Tensor]:
    _check_file(path, files.get(path.name, ""))
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise EngineError(f"{path}: cannot be read ({error}). Use another checkpoint or train again.") from error


def _check_file(path: Path, digest: str) -> None:
    try:
        found = _file_hash(path)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Use another run or train again.") from error
    if found != digest:
        raise EngineError(
            f"{path}: is damaged (its SHA-256 is not that of {MANIFEST_FILE}). Use another checkpoint or train again."
        )


def _sealed(text: bytes) -> bytes:
    """The manifest with the SHA-256 of itself, taken while zeros stood in its place at the end."""
    place = text.rindex(_NO_DIGEST.encode())
    digest = hashlib.sha256(text).hexdigest().encode()
    return text[:place] + digest + text[place + len(digest) :]


def _is_sealed(text: bytes, digest: str) -> bool:
    place = text.rfind(digest.encode()) if len(digest) == len(_NO_DIGEST) else -1
    return place >= 0 and _sealed(text[:place] + _NO_DIGEST.encode() + text[place + len(digest) :]) == text


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
        text = path.read_bytes()
        state = json.loads(text)
        version = int(state["format"])
        if (version == FORMAT or "sha256" in state) and not _is_sealed(text, str(state["sha256"])):
            raise ValueError("its SHA-256 does not fit")
        if version > FORMAT:
            raise EngineError(f"{path}: was written by a later version of RCNN Studio. Update to read it.")
        manifest = Manifest(
            epoch=int(state["epoch"]),
            step=int(state["step"]),
            amp=str(state["amp"]),
            config=config_from_json(state["config"]),
            table=CategoryTable.from_json(state["categories"]),
            scores=scores_from_json(state["scores"]) if state["scores"] else None,
            training=dict(state.get("training") or {}),
        )
        return manifest, dict(state["files"])
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Use another run or train again.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError(f"{path}: is damaged ({error}). Use another checkpoint or train again.") from error
