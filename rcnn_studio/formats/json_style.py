"""How a JSON file is laid out, learned from its records, so that new ones look like the others.

Knows where commas, colons and line breaks go; knows nothing of what the records mean.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rcnn_studio.formats import json_text
from rcnn_studio.formats.json_text import DoubleKeys, JsonArray, Member
from rcnn_studio.formats.text import Splice, number_text


@dataclass(frozen=True, slots=True)
class Style:
    """White space and marks between the parts of records. keys: those of the record it was learned from, in order."""

    keys: tuple[str, ...] = ()
    between: str = ",\n"
    opening: str = ""
    comma: str = ", "
    colon: str = ": "
    closing: str = ""
    list_opening: str = ""
    list_comma: str = ", "
    list_closing: str = ""

    @staticmethod
    def learned(text: str, array: JsonArray, other: JsonArray) -> Style:
        """From the last record of the list; from that of another list where this one is empty."""
        source, index = array, _last_sound(array)
        if index is None:
            source, index = other, _last_sound(other)
        if index is None:
            return Style()
        start, end = source.span(index)
        members = json_text.members_of(text, start)
        order = list(members.values())
        comma = text[order[0].end : order[1].key_start] if len(order) > 1 else ", "
        lists = _list_style(text, order, comma)
        return Style(
            keys=tuple(members) if source is array else (),
            between=_between(text, source),
            opening=text[start + 1 : order[0].key_start],
            comma=comma,
            colon=text[order[0].key_end : order[0].start],
            closing=text[order[-1].end : end - 1],
            list_opening=lists[0],
            list_comma=lists[1],
            list_closing=lists[2],
        )

    def object_text(self, record: Mapping[str, Any], required: Sequence[str]) -> str:
        """The record as JSON: the keys it shares with the learned one in their order, then the others required."""
        keys = [key for key in self.keys if key in record]
        keys += [key for key in required if key in record and key not in keys]
        members = (f"{json.dumps(key)}{self.colon}{self._value_text(record[key])}" for key in keys)
        return f"{{{self.opening}{self.comma.join(members)}{self.closing}}}"

    def _value_text(self, value: object) -> str:
        if isinstance(value, list):
            inner = self.list_comma.join(self._value_text(item) for item in value)
            return f"[{self.list_opening}{inner}{self.list_closing}]" if value else "[]"
        if isinstance(value, float):
            return number_text(value)
        return json_value(value)


def json_value(value: object) -> str:
    """A scalar or small object as JSON in plain ASCII, which fits a file of any encoding."""
    return json.dumps(value)


def set_member(
    text: str, start: int, members: Mapping[str, Member], key: str, value: str, *, close: int | None = None
) -> Splice:
    """Sets a member of the object at `start`: its value replaced, or the member added behind the last one.

    members: the object's, not empty unless close, the offset of its closing brace, is given.
    """
    if key in members:
        return Splice(members[key].start, members[key].end, value)
    order = sorted(members.values(), key=lambda member: member.start)
    if not order:
        place = start + 1 if close is None else close
        return Splice(place, place, f"{json.dumps(key)}: {value}")
    last = order[-1]
    comma = text[order[-2].end : last.key_start] if len(order) > 1 else ", "
    colon = text[last.key_end : last.start]
    return Splice(last.end, last.end, f"{comma}{json.dumps(key)}{colon}{value}")


def remove_elements(array: JsonArray, removed: Collection[int]) -> list[Splice]:
    """Cuts these elements out of the list, each with one of the commas beside it."""
    count = len(array)
    if not removed:
        return []
    if len(removed) == count:
        return [Splice(array.span(0)[0], array.span(count - 1)[1], "")]
    splices: list[Splice] = []
    for first, stop in _runs(sorted(removed)):
        if first == 0:
            splices.append(Splice(array.span(0)[0], array.span(stop)[0], ""))
        else:
            splices.append(Splice(array.span(first - 1)[1], array.span(stop - 1)[1], ""))
    return splices


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs without gaps: (first, behind the last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def append_elements(
    text: str, array: JsonArray, texts: Sequence[str], style: Style, removed: Collection[int]
) -> Splice:
    """Adds elements behind the last one. removed: those that are cut by remove_elements at the same time."""
    joined = style.between.join(texts)
    if not len(array):
        place = array.start + 1
        lines = "\n" in style.between and text[place : array.end - 1].strip(" \t") == ""
        return Splice(place, place, f"\n{joined}\n" if lines else joined)
    place = array.span(len(array) - 1)[1]
    return Splice(place, place, joined if len(removed) == len(array) else style.between + joined)


def _last_sound(array: JsonArray) -> int | None:
    """Index of the last element that is an object with members, none of them twice."""
    for index in range(len(array) - 1, -1, -1):
        value = array.value(index)
        if isinstance(value, dict) and value and not isinstance(value, DoubleKeys):
            return index
    return None


def _between(text: str, array: JsonArray) -> str:
    if len(array) > 1:
        return text[array.span(len(array) - 2)[1] : array.span(len(array) - 1)[0]]
    return "," + (text[array.start + 1 : array.span(0)[0]] or " ")


def _list_style(text: str, order: Sequence[Member], comma: str) -> tuple[str, str, str]:
    """Marks inside the record's first list of two or more; else those of the record, if it is in one line."""
    for member in order:
        if text[member.start] != "[":
            continue
        spans = json_text.elements_of(text, member.start)
        if len(spans) > 1:
            opening = text[member.start + 1 : spans[0][0]]
            return opening, text[spans[0][1] : spans[1][0]], text[spans[-1][1] : member.end - 1]
    return "", comma if "\n" not in comma else ", ", ""
