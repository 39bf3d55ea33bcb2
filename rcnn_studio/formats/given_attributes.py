"""Attributes of boxes that a person has changed, on their way back into the record they came from.

Only values that stand in the record are replaced, and only where they differ: nothing is added or removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rcnn_studio.domain.dataset import Box
from rcnn_studio.formats import json_text
from rcnn_studio.formats.json_text import Member
from rcnn_studio.formats.text import Splice

KEY = "attributes"
"""In Box.extra: attribute name -> the value that a person has given it, as JSON."""


def given(box: Box) -> Mapping[str, Any]:
    """What a person has put in the place of the record's values, by name."""
    values = box.extra.get(KEY)
    return values if isinstance(values, Mapping) else {}


def json_splices(text: str, members: Mapping[str, Member], value: Mapping[str, Any], box: Box) -> Iterator[Splice]:
    """The changes in a record's text. members, value: the record's; a name "a.b" is the member b of its object a."""
    for name, new in given(box).items():
        if name in members:
            found, before = members[name], value.get(name)
        else:
            outer, _, inner = name.partition(".")
            holder = value.get(outer)
            if outer not in members or not isinstance(holder, dict) or inner not in holder:
                continue
            found, before = json_text.members_of(text, members[outer].start)[inner], holder[inner]
        if type(before) is not type(new) or before != new:
            yield Splice(found.start, found.end, json.dumps(new, ensure_ascii=text.isascii()))
