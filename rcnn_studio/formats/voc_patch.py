"""Writing labels into a VOC file by changing, in its own text, only what differs. Pure: bytes in, bytes out.

The original is always the file as it was imported, so undoing everything gives its very bytes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import xml_text
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.text import is_same, number_text
from rcnn_studio.formats.voc_convention import DATABASE_ONE_BASED, DATABASE_ZERO_BASED
from rcnn_studio.formats.voc_record import CORNERS, FLAG_TAGS, VocObject, read_object
from rcnn_studio.formats.xml_text import Element, XmlDocument

_VERIFIED = re.compile(r"\s+verified\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_OWN_STATES = frozenset({ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED})


@dataclass(frozen=True, slots=True)
class Style:
    """How objects are laid out: line end (empty: all in one line), indentation of <object>, and one step more."""

    newline: str = "\n"
    indent: str = "\t"
    step: str = "\t"

    def line(self, depth: int) -> str:
        """What stands before an element `depth` levels below <object>."""
        return f"{self.newline}{self.indent}{self.step * depth}" if self.newline else ""


def patch(original: bytes | None, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> bytes | None:
    """See Codec.patch. Raises FormatError if the original or the result cannot be read."""
    names = {category.id: category.name for category in categories}
    one_based = bool(file.options.get("one_based", True))
    if original is None:
        if not image.boxes and image.state not in _OWN_STATES:
            return None
        folder = str(file.options.get("folder", ""))
        return fresh_document(image, names, one_based=one_based, folder=folder, path=file.path)
    document = xml_text.parse(original, file.path)
    changes = _Patch(document, names, one_based, file.path).run(image)
    if not changes:
        return original
    result = document.encode(_apply(document.data, changes))
    xml_text.parse(result, file.path)
    return result


def fresh_document(
    image: ImageRecord, names: Mapping[int, str], *, one_based: bool, folder: str, path: str, database: str = ""
) -> bytes:
    """A new file in labelImg's layout, without a <path> (it would tell this machine's folders to others)."""
    style = Style()
    database = database or (DATABASE_ONE_BASED if one_based else DATABASE_ZERO_BASED)
    verified = ' verified="yes"' if image.state == ImageState.VERIFIED else ""
    lines = [
        f"<annotation{verified}>",
        f"\t<folder>{xml_text.escape(folder, path)}</folder>",
        f"\t<filename>{xml_text.escape(image.path.rpartition('/')[2], path)}</filename>",
        "\t<source>",
        f"\t\t<database>{xml_text.escape(database, path)}</database>",
        "\t</source>",
        "\t<size>",
        f"\t\t<width>{image.width}</width>",
        f"\t\t<height>{image.height}</height>",
        "\t\t<depth>3</depth>",
        "\t</size>",
        "\t<segmented>0</segmented>",
    ]
    objects = "".join(object_text(b, names, style, one_based=one_based, path=path) for b in image.boxes)
    return ("\n".join(lines) + objects + "\n</annotation>\n").encode("utf-8")


def object_text(box: Box, names: Mapping[int, str], style: Style, *, one_based: bool, path: str) -> str:
    """A whole <object> with the white space before it, its children in labelImg's order."""
    inner, deep = style.line(1), style.line(2)
    occluded = f"{inner}<occluded>1</occluded>" if box.occluded else ""
    corners = "".join(
        f"{deep}<{tag}>{number_text(value)}</{tag}>"
        for tag, value in zip(CORNERS, written_corners(box, one_based=one_based), strict=True)
    )
    return (
        f"{style.line(0)}<object>"
        f"{inner}<name>{xml_text.escape(category_name(names, box.category_id, path), path)}</name>"
        f"{inner}<pose>Unspecified</pose>"
        f"{inner}<truncated>{int(box.truncated)}</truncated>"
        f"{inner}<difficult>{int(box.difficult)}</difficult>{occluded}"
        f"{inner}<bndbox>{corners}{inner}</bndbox>"
        f"{style.line(0)}</object>"
    )


def written_corners(box: Box, *, one_based: bool) -> tuple[float, float, float, float]:
    """xmin, ymin, xmax, ymax as they stand in the file."""
    shift = 1.0 if one_based else 0.0
    return box.x1 + shift, box.y1 + shift, box.x2, box.y2


def category_name(names: Mapping[int, str], category_id: int, path: str) -> str:
    if category_id not in names:
        raise FormatError(path, "", f"a box has category {category_id}, which the project lacks. Run a check.")
    return names[category_id]


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    text: str


def _apply(data: bytes, changes: Sequence[_Change]) -> bytes:
    parts: list[bytes] = []
    position = 0
    for change in sorted(changes, key=lambda c: (c.start, c.end)):
        parts += (data[position : change.start], change.text.encode("utf-8"))
        position = change.end
    return b"".join((*parts, data[position:]))


class _Patch:
    """Collects the changes of one file."""

    def __init__(self, document: XmlDocument, names: Mapping[int, str], one_based: bool, path: str) -> None:
        self._document = document
        self._names = names
        self._one_based = one_based
        self._path = path
        self._changes: list[_Change] = []

    def run(self, image: ImageRecord) -> list[_Change]:
        elements = self._document.root.all("object")
        boxes = {box.place: box for box in reversed(image.boxes) if box.place is not None}
        kept: set[int] = set()
        for index, element in enumerate(elements):
            record = read_object(element, index)
            corners = record.corners(one_based=self._one_based)
            box = boxes.get(index)
            if corners is None:
                continue
            if box is None:
                start = self._document.space_before(element.start)
                self._changes.append(_Change(start, self._document.end(element), ""))
            else:
                kept.add(box.id)
                self._patch_object(element, record, corners, box)
        style = self._style(elements)
        new = [box for box in image.boxes if box.id not in kept]
        text = "".join(object_text(b, self._names, style, one_based=self._one_based, path=self._path) for b in new)
        self._patch_root(image.state, text, style, elements)
        return self._changes

    def _patch_object(
        self, element: Element, record: VocObject, corners: tuple[float, float, float, float], box: Box
    ) -> None:
        name = category_name(self._names, box.category_id, self._path)
        if name != record.name:
            self._set_text(element.child("name"), xml_text.escape(name, self._path))
        for tag, flag in FLAG_TAGS.items():
            if bool(box.flags & flag) != bool(record.flags & flag):
                self._set_flag(element, tag, bool(box.flags & flag))
        bndbox = element.child("bndbox")
        assert bndbox is not None, "a record with corners has a bndbox"
        new = written_corners(box, one_based=self._one_based)
        for axis in (0, 1):
            changed = [i for i in (axis, axis + 2) if not is_same(corners[i], box.xyxy[i])]
            if changed and record.is_swapped(axis, one_based=self._one_based):
                changed = [axis, axis + 2]
            for i in changed:
                self._set_text(bndbox.child(CORNERS[i]), number_text(new[i]))

    def _set_flag(self, element: Element, tag: str, value: bool) -> None:
        child = element.child(tag)
        if child is not None:
            self._set_text(child, str(int(value)))
            return
        bndbox = element.child("bndbox")
        assert bndbox is not None, "only objects with corners are patched"
        space = self._document.data[self._document.space_before(bndbox.start) : bndbox.start].decode()
        text = f"<{tag}>{int(value)}</{tag}>{space}"
        self._changes.append(_Change(bndbox.start, bndbox.start, text))

    def _set_text(self, element: Element | None, text: str) -> None:
        """Replaces the element's content, white space around it kept."""
        assert element is not None, "the record was read from this element"
        document = self._document
        begin = document.open_end(element)
        if document.is_self_closed(element):
            opening = document.data[element.start : begin].decode().rstrip("/> \t\r\n")
            self._changes.append(_Change(element.start, begin, f"{opening}>{text}</{element.name}>"))
            return
        content = document.data[begin : element.close]
        trimmed = content.strip()
        if trimmed:
            begin += content.index(trimmed)
        self._changes.append(_Change(begin, begin + len(trimmed) if trimmed else element.close, text))

    def _patch_root(self, state: ImageState, text: str, style: Style, elements: Sequence[Element]) -> None:
        """Appends the new objects' text behind the last object, and says in the root whether it is verified."""
        document, root = self._document, self._document.root
        begin = document.open_end(root)
        tag = document.data[root.start : begin].decode()
        new_tag = _with_verified(tag, _verified_after(root, state))
        if text and document.is_self_closed(root):
            new_tag = f"{new_tag.rstrip('/> ')}>{text}{style.newline}</{root.name}>"
        elif text:
            after = elements[-1] if elements else (root.children[-1] if root.children else None)
            place = document.end(after) if after is not None else begin
            alone = after is None and not document.data[place : root.close].strip(b" \t")
            self._changes.append(_Change(place, place, text + style.newline if alone else text))
        if new_tag != tag:
            self._changes.append(_Change(root.start, begin, new_tag))

    def _style(self, elements: Sequence[Element]) -> Style:
        """Learned from the last object and its children; else from the root's children; else tabs."""
        document = self._document
        newline = document.newline
        template = elements[-1] if elements else (document.root.children[-1] if document.root.children else None)
        indent = document.indent(template) if template is not None else None
        if not newline or (template is not None and indent is None):
            return Style(newline="" if template is not None else (newline or "\n"))
        indent = indent if indent is not None else "\t"
        inner = document.indent(template.children[0]) if template is not None and template.children else None
        if inner is not None and inner.startswith(indent) and len(inner) > len(indent):
            return Style(newline=newline, indent=indent, step=inner[len(indent) :])
        return Style(newline=newline, indent=indent, step=indent or "\t")


def _is_verified(root: Element) -> bool:
    return root.attributes.get("verified", "").casefold() in ("yes", "true", "1")


def _verified_after(root: Element, state: ImageState) -> bool | None:
    """What the attribute has to say; None where it stays. "Needs fix" has no word in VOC and leaves it alone."""
    wanted = state == ImageState.VERIFIED
    return None if state == ImageState.NEEDS_FIX or wanted == _is_verified(root) else wanted


def _with_verified(tag: str, value: bool | None) -> str:
    """The start tag with its attribute `verified` set to yes, taken out, or (None) left as it is."""
    if value is None:
        return tag
    if _VERIFIED.search(tag):
        return _VERIFIED.sub(' verified="yes"' if value else "", tag, count=1)
    cut = len(tag) - (2 if tag.endswith("/>") else 1)
    return f'{tag[:cut].rstrip()} verified="yes"{tag[cut:]}'
