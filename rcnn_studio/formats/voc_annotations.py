"""What the XML files of a VOC dataset say besides their objects, read one by one and kept as columns.

A hundred thousand values of a class would take more memory than all their boxes. Knows no images.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import paths, voc_style, xml_text
from rcnn_studio.formats.voc_convention import Evidence
from rcnn_studio.formats.voc_file import VocFile, filename_fault, read_file
from rcnn_studio.formats.voc_record import Fault
from rcnn_studio.formats.voc_rows import RowCollector

_VERIFIED, _OBJECTS = 1, 2
_UNSAID = -1
_HASH_BYTES = 32
_MOST_ENDINGS = 250


class Annotations:
    """File number i is names[i] in the folder; its objects are rows starts[i]:stops[i] of the collector.

    refused: why a file cannot be read or must not be written, by number.
    """

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self.refused: dict[int, FormatError] = {}
        self._folder = folder
        self._names = names
        self._bounds = array("i", [0])
        self._sizes = array("i")
        self._bits = array("B")
        self._hashes = bytearray()
        self._filenames = _FileNames(names)
        self._targets: dict[int, str] = {}
        self._faults: dict[int, list[Fault]] = {}

    def read_next(self, evidence: Evidence, rows: RowCollector) -> None:
        """Reads the first file that has not been read; its objects go into the rows. One that cannot be is refused."""
        number = len(self._bits)
        path = paths.below(self._folder, self._names[number])
        if os.path.islink(path):
            self._targets[number] = path = os.path.realpath(path)
        digest, file = bytes(_HASH_BYTES), VocFile()
        try:
            data = _read_bytes(path)
            file = read_file(data, path)
            digest = hashlib.sha256(data).digest()
        except FormatError as error:
            self.refused[number] = error
        else:
            evidence.add(self._names[number], file)
            rows.add(file.objects)
        self._hashes += digest
        self._keep(number, file, len(rows))

    def style(self, *, with_database: bool) -> dict[str, Any]:
        """How the first sound file with objects is laid out; nothing where there is none."""
        for number, bits in enumerate(self._bits):
            if bits & _OBJECTS and number not in self.refused:
                path = self.path(number)
                try:
                    return voc_style.learn(_read_bytes(path), path, database=with_database).options()
                except FormatError:  # it was sound a moment ago: somebody writes it
                    continue
        return {}

    def _keep(self, number: int, file: VocFile, stop: int) -> None:
        self._bounds.append(stop)
        self._sizes.extend(file.size or (_UNSAID, _UNSAID))
        self._bits.append(_VERIFIED * file.verified + _OBJECTS * bool(file.objects))
        self._filenames.append(file.filename)
        faults = _faults_of(file)
        if faults:
            self._faults[number] = faults

    def refuse_shared(self, numbers: Iterable[int]) -> None:
        """Two images must not share one file through links: what one of them saves, the other would overwrite."""
        targets = set(self._targets.values())
        owners: set[str] = set()
        for number in numbers if targets else ():
            path = self.path(number)
            if path in owners and number not in self.refused:
                reason = "is the file of another image too, through a link. Give each image a file of its own."
                self.refused[number] = FormatError(path, "", reason)
                self._bits[number] &= ~_OBJECTS
                self._faults.pop(number, None)
            elif path in targets:
                owners.add(path)

    def spans(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The rows of every file: starts (N,), stops (N,). A refused file has none."""
        bounds = np.array(self._bounds, dtype=np.int32)
        starts, stops = bounds[:-1], bounds[1:].copy()
        refused = list(self.refused)
        stops[refused] = starts[refused]
        return starts, stops

    def path(self, number: int) -> str:
        """Absolute, links followed."""
        return self._targets.get(number) or paths.below(self._folder, self._names[number])

    def hash(self, number: int) -> str:
        """SHA-256 of the bytes that were read, as hex; empty for a refused file."""
        if number in self.refused:
            return ""
        return self._hashes[number * _HASH_BYTES : (number + 1) * _HASH_BYTES].hex()

    def filename(self, number: int) -> str | None:
        """What its <filename> says; None if it has none."""
        return self._filenames.get(number)

    def size(self, number: int) -> tuple[int, int] | None:
        """What its <size> says; None if it says nothing."""
        width, height = self._sizes[2 * number : 2 * number + 2]
        return None if width == _UNSAID else (width, height)

    def is_verified(self, number: int) -> bool:
        return bool(self._bits[number] & _VERIFIED)

    def has_objects(self, number: int) -> bool:
        """True if there is an <object>, even a bad one."""
        return bool(self._bits[number] & _OBJECTS)

    def faults(self, number: int) -> list[Fault]:
        """What is wrong with it, but for what only the numbers of its rows tell."""
        return self._faults.get(number, [])


class _FileNames:
    """The <filename> of each file. Nearly always its own name with an image's ending: that alone is kept."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._endings: dict[str, int] = {}
        self._which = array("B")
        self._other: dict[int, str] = {}

    def append(self, filename: str | None) -> None:
        number = len(self._which)
        stem = self._stem(number)
        ending = filename[len(stem) :] if filename is not None and filename.startswith(stem) else None
        if ending is not None and (ending in self._endings or len(self._endings) < _MOST_ENDINGS):
            self._which.append(1 + self._endings.setdefault(ending, len(self._endings)))
            return
        self._which.append(0)
        if filename is not None:
            self._other[number] = filename

    def get(self, number: int) -> str | None:
        which = self._which[number]
        return self._stem(number) + list(self._endings)[which - 1] if which else self._other.get(number)

    def _stem(self, number: int) -> str:
        return self._names[number].rpartition("/")[2][:-4]


def _faults_of(file: VocFile) -> list[Fault]:
    faults = file.faults
    odd_name = filename_fault(file.filename)
    if odd_name is not None:
        faults.append(odd_name)
    for voc_object in file.objects:
        if voc_object.faults:
            faults += voc_object.faults
    return faults


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(xml_text.MAX_BYTES + 1)
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    if len(data) > xml_text.MAX_BYTES:
        raise FormatError(path, "", "is far too large for an annotation. Check the file.")
    return data
