"""Attributes of boxes that a person has changed, on their way back into the record they came from.

Values that stand in the record are replaced, and only where they differ; what it lacks is added. Nothing is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rcnn_studio.domain.dataset import Box
from rcnn_studio.formats import json_text
from rcnn_studio.formats.json_style import json_value, set_member
from rcnn_studio.formats.json_text import Member
from rcnn_studio.formats.text import Splice

KEY = "attributes"
"""In Box.extra: attribute name -> the value that a person has given it, as JSON."""


def given(box: Box) -> Mapping[str, Any]:
    """What a person has put in the place of the record's values, by name."""
    values = box.extra.get(KEY)
    return values if isinstance(values, Mapping) else {}


def grouped(box: Box, group: str) -> dict[str, Any]:
    """Those given under "group.name", by name alone."""
    return {name[len(group) + 1 :]: value for name, value in given(box).items() if name.startswith(f"{group}.")}


def alone(box: Box, group: str) -> dict[str, Any]:
    """Those that stand in the record itself, not in its object `group`."""
    return {name: value for name, value in given(box).items() if not name.startswith(f"{group}.")}


def new_in(value: Mapping[str, Any], box: Box, group: str) -> dict[str, Any]:
    """Those given under "group.name" that the record's object `group` lacks."""
    holder = value.get(group)
    has = holder if isinstance(holder, dict) else {}
    return {name: new for name, new in grouped(box, group).items() if name not in has}


def json_splices(
    text: str, start: int, members: Mapping[str, Member], value: Mapping[str, Any], box: Box, group: str
) -> Iterator[Splice]:
    """The changes in the text of a record at `start`. members, value: the record's; a name "a.b" is the member b of its
    object a. What the record lacks is added, but for members of its object `group`: see new_in."""
    for name, new in given(box).items():
        outer, dot, inner = name.partition(".")
        holder = value.get(outer)
        if name in members:
            found, before = members[name], value.get(name)
        elif dot and outer in members and isinstance(holder, dict) and inner in holder:
            found, before = json_text.members_of(text, members[outer].start)[inner], holder[inner]
        else:
            if not dot or outer != group:
                yield set_member(text, start, members, name, json_value(new))
            continue
        if type(before) is not type(new) or before != new:
            yield Splice(found.start, found.end, json.dumps(new, ensure_ascii=text.isascii()))
