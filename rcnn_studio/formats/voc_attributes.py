"""What a person has said of a VOC object beside name, corners and flags, as changes in its text.

Plain children, and the name and value pairs that CVAT and Datumaro put into <attributes>. Only values that differ are
replaced; what the object lacks is added before its <bndbox>. Reads no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rcnn_studio.formats import xml_text
from rcnn_studio.formats.xml_text import Element, XmlDocument

PAIRS = "attributes"
_NAME = re.compile(r"[A-Za-z_][\w.\-]{0,100}", re.ASCII)


def split(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """-> plain children by tag, pairs by name; each as its text. What can be no tag is left out."""
    plain: dict[str, str] = {}
    pairs: dict[str, str] = {}
    for name, value in given.items():
        outer, dot, inner = name.partition(".")
        if dot and outer == PAIRS:
            pairs[inner] = str(value)
        elif _NAME.fullmatch(name):
            plain[name] = str(value)
    return plain, pairs


def pair_values(element: Element) -> dict[str, Element]:
    """The <value> of each pair in an object's <attributes>, by name; of a name that occurs twice the first one's."""
    found: dict[str, Element] = {}
    holder = element.child(PAIRS)
    for pair in holder.all("attribute") if holder is not None else ():
        name, value = pair.child("name"), pair.child("value")
        if name is not None and value is not None:
            found.setdefault(name.text.strip(), value)
    return found


def added(
    document: XmlDocument, element: Element, plain: Mapping[str, str], pairs: Mapping[str, str], path: str
) -> Iterator[tuple[int, str]]:
    """Places and texts to put in there, for children and pairs that the object lacks. The object has a bndbox."""
    bndbox = element.child("bndbox")
    assert bndbox is not None, "only objects with corners are patched"
    space = _space(document, bndbox)
    inner = _space(document, bndbox.children[0]) if bndbox.children else space
    holder = element.child(PAIRS)
    if plain:
        yield bndbox.start, "".join(f"{_tag(tag, text, path)}{space}" for tag, text in plain.items())
    if not pairs:
        return
    last = holder.all("attribute")[-1:] if holder is not None else []
    if last:
        between = _space(document, last[0])
        deep = _space(document, last[0].children[0]) if last[0].children else between
        yield document.end(last[0]), "".join(between + pair_text(n, v, between, deep, path) for n, v in pairs.items())
    elif holder is None:
        yield bndbox.start, block_text(pairs, space, inner, path) + space


def block_text(pairs: Mapping[str, str], space: str, inner: str, path: str) -> str:
    """<attributes> with these pairs. space: white space before it, inner: before each pair."""
    deep = inner + inner[len(space) :] if inner.startswith(space) else inner
    body = "".join(inner + pair_text(name, value, inner, deep, path) for name, value in pairs.items())
    return f"<{PAIRS}>{body}{space}</{PAIRS}>"


def pair_text(name: str, value: str, space: str, deep: str, path: str) -> str:
    return f"<attribute>{deep}{_tag('name', name, path)}{deep}{_tag('value', value, path)}{space}</attribute>"


def _tag(tag: str, text: str, path: str) -> str:
    return f"<{tag}>{xml_text.escape(text, path)}</{tag}>"


def _space(document: XmlDocument, element: Element) -> str:
    return document.data[document.space_before(element.start) : element.start].decode()
