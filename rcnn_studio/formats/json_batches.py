"""Many records of a JSON list at once, by orjson, as long as nothing can be lost by it. Knows no documents.

orjson is ten times as fast as Python's decoder where that has to tell where each value ends. It makes floats of whole
numbers beyond 64 bits and keeps the last of two members with one key: pieces in which that may be are left to others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

_GUESSES = 3
_BETWEEN_OBJECTS = re.compile(r"\}[ \t\n\r]*,[ \t\n\r]*\{")
_KEY_END = re.compile(r'"[ \t\n\r]*:')


def read_batch(
    text: str, position: int, size: int, separator: str, exact: Sequence[str]
) -> tuple[int, list[Any]] | None:
    """The elements from `position` on, at least `size` characters of them, and the offset behind the last; more follow.

    separator: what stands between most elements; exact: see json_text.parse. None where that does not work out.

    Where elements part is guessed. A wrong guess shows: if the text up to there is a list of whole values, then any
    reader of the whole text would be between two elements there as well.
    """
    wanted = position + size
    for _ in range(_GUESSES):
        end = text.find(separator, wanted, wanted + 4 * size) if separator else -1
        if end < 0:
            match = _BETWEEN_OBJECTS.search(text, wanted, wanted + 4 * size)
            end = match.start() if match else -1
        if end < 0:
            return None
        piece = text[position : end + 1]
        wanted = end + 1
        try:
            records: list[Any] = orjson.loads(f"[{piece}]")
        except orjson.JSONDecodeError:
            continue
        objects = [record for record in records if type(record) is dict]
        if _has_long_number(objects, exact) or _may_have_double_keys(piece, records, objects):
            return None
        return end + 1, records
    return None


def _has_long_number(objects: list[dict[str, Any]], exact: Sequence[str]) -> bool:
    """True if orjson may have made a float of a whole number too long for 64 bits."""
    return any(float in set(map(type, [record.get(key) for record in objects])) for key in exact)


def _may_have_double_keys(piece: str, records: list[Any], objects: list[dict[str, Any]]) -> bool:
    """False if there are as many keys in the text as in the objects made of it."""
    keys = piece.count('":')
    if keys != piece.count(":"):
        keys = sum(1 for _ in _KEY_END.finditer(piece))
    # The members found can never be more than the keys, so a count over a part of them is enough once it is equal.
    found = sum(map(len, objects))
    if found != keys:
        found += sum(len(v) for record in objects for v in record.values() if type(v) is dict)
    return found != keys and _count_keys(records) != keys


def _count_keys(value: object) -> int:
    """Members of all objects in the value."""
    if isinstance(value, dict):
        return len(value) + sum(_count_keys(v) for v in value.values() if isinstance(v, (dict, list)))
    if isinstance(value, list):
        return sum(_count_keys(v) for v in value if isinstance(v, (dict, list)))
    return 0
