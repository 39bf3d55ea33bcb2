"""How the VOC files of a dataset are laid out, learned from one of them, so that a new file looks like its neighbours.

Knows nothing of boxes; what is learned goes into the options of a linked file as plain values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from rcnn_studio.formats import xml_text
from rcnn_studio.formats.xml_text import XmlDocument

_DECLARATION = re.compile(rb"\A\s*(<\?xml[^>]*\?>)")
_FOREIGN = re.compile(r"encoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStyle:
    """newline, indent, step: of a file in lines. declaration: "<?xml ...?>" or "". folder: what stands in <path>
    before the file's name, None without a <path>. database: None: our own, "" where there is no <source>."""

    newline: str = "\n"
    indent: str = "\t"
    step: str = "\t"
    declaration: str = ""
    folder: str | None = None
    database: str | None = None
    segmented: bool = True

    def options(self) -> dict[str, Any]:
        return asdict(self)


def from_options(options: Mapping[str, Any]) -> FileStyle:
    """What a linked file's options say; labelImg's layout without a <path> where they say nothing."""
    said = options.get("style", {})
    return FileStyle(**{field.name: said[field.name] for field in fields(FileStyle) if field.name in said})


def learn(data: bytes, path: str, *, database: bool) -> FileStyle:
    """The style of a file with objects. database: its <database> may be imitated; it may not where the corners'
    convention is told by our own alone. Raises FormatError for what is no XML."""
    document = xml_text.parse(data, path)
    root = document.root
    declared = _DECLARATION.match(document.data)
    declaration = declared[1].decode() if declared else ""
    place, source = root.child("path"), root.child("source")
    named = None if source is None else source.child("database")
    newline, indent, step = _layout(document)
    return FileStyle(
        newline=newline,
        indent=indent,
        step=step,
        declaration="" if _FOREIGN.search(declaration) else declaration,
        folder=None if place is None or not place.text.strip() else _folder_of(place.text.strip()),
        database=None if not database else "" if source is None else named.text.strip() if named is not None else None,
        segmented=root.child("segmented") is not None,
    )


def _layout(document: XmlDocument) -> tuple[str, str, str]:
    """(newline, indentation, one step more); ours for a file that is not in lines."""
    children = document.root.children
    indent = document.indent(children[0]) if children else None
    if not document.newline or not indent:
        return "\n", "\t", "\t"
    inner = next((document.indent(child.children[0]) for child in children if child.children), None)
    deeper = inner is not None and inner.startswith(indent) and len(inner) > len(indent)
    return document.newline, indent, inner[len(indent) :] if deeper and inner is not None else indent


def _folder_of(path: str) -> str:
    """All before the name, with the separator, as it is written there."""
    return path[: max(path.rfind("/"), path.rfind("\\")) + 1]
