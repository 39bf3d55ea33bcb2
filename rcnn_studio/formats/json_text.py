"""JSON with the place of values in its text, so that one number can be replaced and all else stays.

Values are decoded by Python's own scanner, one at a time, which tells where each ends. NaN, Infinity and numbers of
thousands of digits are refused. Knows nothing of COCO.
"""

from __future__ import annotations

import codecs
import json
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from rcnn_studio.domain.errors import FormatError

MAX_BYTES = 2 << 30

_SPACE = re.compile(r"[ \t\n\r]*")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class DoubleKeys(dict[str, Any]):
    """An object of which the key `double` occurs twice: readers differ on which of the two counts."""

    double: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: offsets of its key (quotes included) and of its value."""

    key_start: int
    key_end: int
    start: int
    end: int


@dataclass(slots=True)
class JsonArray:
    """start: offset of "["; end: behind "]"; starts, ends: of the elements; values: what was kept of each."""

    start: int
    end: int = 0
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    values: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class JsonText:
    """text: without bom; arrays: those of the top object that were asked for; close: offset of its closing brace."""

    text: str
    bom: bytes
    encoding: str
    arrays: dict[str, JsonArray]
    members: dict[str, Member]
    close: int

    def encode(self, text: str) -> bytes:
        """Changed text as bytes of the file."""
        return self.bom + text.encode(self.encoding)


class _Broken(ValueError):
    """No JSON at this offset."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        super().__init__(reason)


def parse(data: bytes, path: Path | str, arrays: Mapping[str, Callable[[Any], Any]]) -> JsonText:
    """The document, whose top must be an object.

    arrays: keys of the top object that must hold lists, with what is to be kept of each element. Raises FormatError
    with the place in the document for what is no sound JSON, and for such a key that occurs twice.
    """
    bom, encoding, text = _decode(data, path)
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        what = "a list, perhaps of detections," if text[start : start + 1] == "[" else "no JSON object"
        raise FormatError(path, "", f"holds {what} where an object with images and annotations is expected.")
    found: dict[str, JsonArray] = {}
    members: dict[str, Member] = {}
    where = ""

    def on_member(key: str, offset: int) -> int:
        nonlocal where
        where = key
        if key not in arrays:
            return _scan(text, offset)[1]
        if key in found:
            raise FormatError(path, key, "occurs twice in the file. Remove one of the two.")
        if text[offset : offset + 1] != "[":
            raise FormatError(path, key, "is not a list. Restore the file from a copy.")
        found[key] = JsonArray(offset)
        _fill_array(text, found[key], arrays[key])
        return found[key].end

    try:
        close = _walk_object(text, start, on_member, members)
        if _skip(text, close + 1) != len(text):
            raise _Broken(close + 1, "there is more text behind its end")
    except (_Broken, ValueError, RecursionError) as error:
        if where in found and not found[where].end:
            where = f"{where}[{len(found[where])}]"
        raise FormatError(path, where, _explain(text, error)) from error
    return JsonText(text, bom, encoding, found, members, close)


def members_of(text: str, start: int) -> dict[str, Member]:
    """The members of the object at `start`, by key. The text must have been parsed before."""
    members: dict[str, Member] = {}
    _walk_object(text, start, lambda _key, offset: _scan(text, offset)[1], members)
    return members


def elements_of(text: str, start: int) -> list[tuple[int, int]]:
    """Offsets of the elements of the list at `start`. The text must have been parsed before."""
    found = JsonArray(start)
    _fill_array(text, found, lambda _value: None)
    return list(zip(found.starts, found.ends, strict=True))


def _walk_object(text: str, start: int, on_member: Callable[[str, int], int], members: dict[str, Member]) -> int:
    """Calls on_member(key, offset of the value) -> offset behind it; -> offset of the closing brace."""
    position = _skip(text, start + 1)
    if text[position : position + 1] == "}":
        return position
    while True:
        if text[position : position + 1] != '"':
            raise _Broken(position, "a key in quotes is expected")
        key, key_end = _scan(text, position)
        colon = _skip(text, key_end)
        if text[colon : colon + 1] != ":":
            raise _Broken(colon, "':' is expected")
        value = _skip(text, colon + 1)
        end = on_member(key, value)
        members[key] = Member(position, key_end, value, end)
        position = _skip(text, end)
        mark = text[position : position + 1]
        if mark == "}":
            return position
        if mark != ",":
            raise _Broken(position, "',' or '}' is expected")
        position = _skip(text, position + 1)


def _fill_array(text: str, found: JsonArray, keep: Callable[[Any], Any]) -> None:
    position = _skip(text, found.start + 1)
    if text[position : position + 1] == "]":
        found.end = position + 1
        return
    while True:
        value, end = _scan(text, position)
        found.starts.append(position)
        found.ends.append(end)
        found.values.append(keep(value))
        position = _skip(text, end)
        mark = text[position : position + 1]
        if mark == "]":
            found.end = position + 1
            return
        if mark != ",":
            raise _Broken(position, "',' or ']' is expected")
        position = _skip(text, position + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    doubtful = DoubleKeys(made)
    keys = [key for key, _ in pairs]
    doubtful.double = next(key for key in keys if keys.count(key) > 1)
    return doubtful


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _scan(text: str, offset: int) -> tuple[Any, int]:
    """The value at this offset and the offset behind it."""
    return _decoder.raw_decode(text, offset)


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _explain(text: str, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply for an annotation. Check the file."
    offset, reason = getattr(error, "offset", None), str(error)
    if isinstance(error, json.JSONDecodeError):
        offset, reason = error.pos, error.msg
    if offset is None:
        return f"is not sound JSON: {reason}. Correct it, or restore the file from a copy."
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return f"is not sound JSON (line {line}, column {column}): {reason}. Restore the file from a copy or mend it."


def _decode(data: bytes, path: Path | str) -> tuple[bytes, str, str]:
    if len(data) > MAX_BYTES:
        raise FormatError(path, "", f"is larger than {MAX_BYTES >> 30} GiB. Split it.")
    bom, encoding = next(((b, e) for b, e in _BOMS if data.startswith(b)), (b"", "utf-8"))
    try:
        return bom, encoding, data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"is not valid {encoding} (byte {error.start}). Save it as UTF-8.") from error
