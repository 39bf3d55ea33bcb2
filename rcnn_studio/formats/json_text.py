"""JSON with the place of values in its text, so that one number can be replaced and all else stays.

The lists of records, which may hold a million, are parsed in batches by orjson; what orjson refuses, or may read
otherwise (a key that occurs twice), is scanned value by value by Python's decoder, which tells where each ends. NaN,
Infinity and numbers of thousands of digits are refused. Knows nothing of COCO.
"""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.json_batches import read_batch
from rcnn_studio.formats.text import Splice

MAX_BYTES = 2 << 30

_BATCH_CHARS = 1 << 20
_SHOWN_LEVELS = 6
_SHOWN_CHARS = 60
_SPACE = re.compile(r"[ \t\n\r]*")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

OnBatch = Callable[[int, list[Any]], None]
"""Called with the index of the first record and the records, in the order of the file."""


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
    """A list of records. start: offset of "["; end: behind "]"; count: of its elements; at: offset of the one read.

    Where the elements lie is known by batches (index of the first, its offset) and found out one batch at a time.
    """

    text: str
    start: int
    end: int = 0
    count: int = 0
    at: int = 0
    _firsts: list[int] = field(default_factory=list)
    _offsets: list[int] = field(default_factory=list)
    _spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def add_batch(self, offset: int, count: int) -> None:
        """The next `count` elements begin at this offset."""
        self._firsts.append(self.count)
        self._offsets.append(offset)
        self.count += count

    def span(self, index: int) -> tuple[int, int]:
        """Offsets of an element. Raises IndexError if there is none."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        batch = bisect_right(self._firsts, index) - 1
        if batch not in self._spans:
            following = [*self._firsts[batch + 1 : batch + 2], self.count]
            elements = _elements(self.text, self._offsets[batch])
            self._spans[batch] = [next(elements)[1:] for _ in range(following[0] - self._firsts[batch])]
        return self._spans[batch][index - self._firsts[batch]]

    def value(self, index: int) -> Any:
        """An element, parsed anew."""
        return _scan(self.text, self.span(index)[0])[0]


@dataclass(frozen=True, slots=True)
class JsonText:
    """text: without bom; arrays: those of the top object that were asked for; close: offset of its closing brace."""

    text: str
    bom: bytes
    encoding: str
    arrays: dict[str, JsonArray]
    members: dict[str, Member]
    close: int

    def spliced(self, splices: Iterable[Splice]) -> bytes:
        """The file with all splices made. They must not overlap; those at one place are made in the order given.

        Built piece by piece, so that other threads run in between however long the text is.
        """
        out = io.BytesIO()
        out.write(self.bom)
        position = 0
        for item in sorted(splices, key=lambda s: (s.start, s.end)):
            self._copy(out, position, item.start)
            out.write(item.text.encode(self.encoding))
            position = item.end
        self._copy(out, position, len(self.text))
        return out.getvalue()

    def _copy(self, out: io.BytesIO, start: int, end: int) -> None:
        for at in range(start, end, _BATCH_CHARS):
            out.write(self.text[at : min(at + _BATCH_CHARS, end)].encode(self.encoding))


class _Broken(ValueError):
    """No JSON at this offset."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        super().__init__(reason)


def read_bytes(path: Path) -> bytes:
    """The file. Raises FormatError if it cannot be read, or is larger than any annotation file, which is not read."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(path, "", f"is larger than {MAX_BYTES >> 30} GiB. Split it.")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error


def parse(data: bytes, path: Path | str, arrays: Mapping[str, OnBatch], *, exact: Sequence[str] = ()) -> JsonText:
    """The document, whose top must be an object.

    arrays: keys of the top object that must hold lists, with what is to be called for each batch of their elements.
    exact: keys of elements whose whole numbers must not lose digits, however long they are; others may. Objects in
    which a key occurs twice come as DoubleKeys. Raises FormatError with the place in the document for what is no sound
    JSON, and for such a key of the top that occurs twice.
    """
    bom, encoding, text = _decode(data, path)
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        what = "a list, perhaps of detections," if text[start : start + 1] == "[" else "no JSON object"
        raise FormatError(path, "", f"holds {what} where an object with images and annotations is expected.")
    found: dict[str, JsonArray] = {}
    members: dict[str, Member] = {}
    where, at = "", -1

    def on_member(key: str, offset: int) -> int:
        nonlocal where, at
        where, at = key, offset
        if key not in arrays:
            return _scan(text, offset)[1]
        if key in found:
            raise FormatError(path, key, "occurs twice in the file. Remove one of the two.")
        if text[offset : offset + 1] != "[":
            raise FormatError(path, key, "is not a list. Restore the file from a copy.")
        found[key] = JsonArray(text, offset)
        _read_array(text, found[key], arrays[key], exact)
        return found[key].end

    try:
        with _collector_paused():
            close = _walk_object(text, start, on_member, members)
        if _skip(text, close + 1) != len(text):
            raise _Broken(close + 1, "there is more text behind its end")
    except (_Broken, ValueError, RecursionError) as error:
        if where in found and not found[where].end:
            where, at = f"{where}[{len(found[where])}]", found[where].at
        raise FormatError(path, where + _locate(text, at), _explain(text, error)) from error
    return JsonText(text, bom, encoding, found, members, close)


def verify(data: bytes, path: Path | str, keys: Iterable[str]) -> None:
    """Raises FormatError as parse does for a document whose top has lists under these keys."""
    parse(data, path, {key: lambda _first, _records: None for key in keys})


def members_of(text: str, start: int) -> dict[str, Member]:
    """The members of the object at `start`, by key. The text must have been parsed before."""
    members: dict[str, Member] = {}
    _walk_object(text, start, lambda _key, offset: _scan(text, offset)[1], members)
    return members


def elements_of(text: str, start: int) -> list[tuple[int, int]]:
    """Offsets of the elements of the list at `start`. The text must have been parsed before."""
    first = _skip(text, start + 1)
    return [] if text[first : first + 1] == "]" else [(begin, end) for _, begin, end in _elements(text, first)]


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Parsed values hold no cycles, but each million of them makes the collector walk through all objects many times:
    beside a project of 100,000 images that took three times as long as the parsing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# --- whole documents --------------------------------------------------------------------------------


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


def _elements(text: str, first: int) -> Iterator[tuple[Any, int, int]]:
    """(value, its offset, offset behind it) of the elements from the one at `first` to the last of its list."""
    position = first
    while True:
        value, end = _scan(text, position)
        yield value, position, end
        position = _skip(text, end)
        mark = text[position : position + 1]
        if mark == "]":
            return
        if mark != ",":
            raise _Broken(position, "',' or ']' is expected")
        position = _skip(text, position + 1)


def _read_array(text: str, found: JsonArray, on_batch: OnBatch, exact: Sequence[str]) -> None:
    position = _skip(text, found.start + 1)
    if text[position : position + 1] == "]":
        found.end = position + 1
        return
    separator = _separator(text, position)
    while not found.end:
        first = found.count
        batch = read_batch(text, position, _BATCH_CHARS, separator, exact)
        if batch is None:
            records: list[Any] = []
            position = _slow_batch(text, position, found, records)
        else:
            end, records = batch
            found.add_batch(position, len(records))
            position = _skip(text, _skip(text, end) + 1)  # behind the comma
        on_batch(first, records)


def _separator(text: str, position: int) -> str:
    """What stands between the first two elements, with the second one's first key: most others are parted so."""
    try:
        two = list(islice(_elements(text, position), 2))
    except (ValueError, RecursionError):
        return ""
    if len(two) < 2:
        return ""
    value, start, _ = two[1]
    end = two[0][2]
    if not isinstance(value, dict) or not value:
        return ""
    return text[end - 1 : _skip(text, start + 1)] + json.dumps(next(iter(value)), ensure_ascii=False)


def _slow_batch(text: str, position: int, found: JsonArray, records: list[Any]) -> int:
    """Elements from `position` on, one at a time; -> offset of the element behind them. Sets found.end at the last."""
    stop = position + _BATCH_CHARS
    found.add_batch(position, 0)
    found.at = position
    for value, _, end in _elements(text, position):
        records.append(value)
        found.count += 1
        position = _skip(text, end)
        if text[position : position + 1] == "]":
            found.end = position + 1
        elif text[position : position + 1] == ",":
            found.at = _skip(text, position + 1)
            if end >= stop:
                return found.at
    return position


# --- single values ----------------------------------------------------------------------------------


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


def _locate(text: str, start: int) -> str:
    """Where inside the value at `start` something cannot be read, like ".bbox[2]"; empty if the value itself is it."""
    where = ""
    for _ in range(_SHOWN_LEVELS):
        child = _broken_child(text, start)
        if child is None:
            break
        name, start = child
        where += name
    return where


def _broken_child(text: str, start: int) -> tuple[str, int] | None:
    """The first member or element of the value at `start` that cannot be read, and its offset."""
    child: tuple[str, int] | None = None

    def on_member(key: str, offset: int) -> int:
        nonlocal child
        child = f".{key[:_SHOWN_CHARS]}", offset
        end = _scan(text, offset)[1]
        child = None
        return end

    with contextlib.suppress(ValueError, RecursionError):
        if text[start : start + 1] == "{":
            _walk_object(text, start, on_member, {})
        elif text[start : start + 1] == "[":
            child = "[0]", _skip(text, start + 1)
            for index, (_, _, end) in enumerate(_elements(text, child[1])):
                following = _skip(text, end)
                child = (
                    (f"[{index + 1}]", _skip(text, following + 1)) if text[following : following + 1] == "," else None
                )
    return child


def _decode(data: bytes, path: Path | str) -> tuple[bytes, str, str]:
    if len(data) > MAX_BYTES:
        raise FormatError(path, "", f"is larger than {MAX_BYTES >> 30} GiB. Split it.")
    bom, encoding = next(((b, e) for b, e in _BOMS if data.startswith(b)), (b"", "utf-8"))
    try:
        return bom, encoding, str(memoryview(data)[len(bom) :], encoding)
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"is not valid {encoding} (byte {error.start}). Save it as UTF-8.") from error
