"""Writing labels into a VOC file by changing, in its own text, only what differs. Pure: bytes in, bytes out.

The original is always the file as it was imported, so undoing everything gives its very bytes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import voc_attributes, xml_text
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.given_attributes import given
from rcnn_studio.formats.text import is_same, number_text, without_controls
from rcnn_studio.formats.voc_convention import DATABASE_ONE_BASED, DATABASE_ZERO_BASED
from rcnn_studio.formats.voc_record import CORNERS, FLAG_TAGS, VocObject, read_object
from rcnn_studio.formats.voc_style import FileStyle, from_options
from rcnn_studio.formats.voc_turning import Turn
from rcnn_studio.formats.xml_text import Element, XmlDocument

_VERIFIED = re.compile(r"\s+verified\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_PIECE = re.compile(rb"(?P<text>[^<]+)|(?P<aside><!--.*?-->|<\?.*?\?>)|<", re.DOTALL)
_PLAIN = FileStyle()
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
        style = from_options(file.options)
        return fresh_document(image, names, one_based=one_based, folder=folder, path=file.path, style=style)
    document = xml_text.parse(original, file.path)
    written = _Written(one_based, _turn_of(file))
    changes = _Patch(document, names, written, file.path).run(image)
    if not changes:
        return original
    result = document.encode(_apply(document.data, changes))
    xml_text.parse(result, file.path)
    return result


@dataclass(frozen=True, slots=True)
class _Written:
    """How corners stand in this file: counted from 0 or 1, on the upright image or (turn) on the stored one."""

    one_based: bool
    turn: Turn | None = None

    def corners(self, box: Box) -> tuple[float, float, float, float]:
        """xmin, ymin, xmax, ymax of the box."""
        x1, y1, x2, y2 = box.xyxy if self.turn is None else self.turn.stored(box.xyxy)
        shift = 1.0 if self.one_based else 0.0
        return x1 + shift, y1 + shift, x2, y2


def _turn_of(file: LinkedFile) -> Turn | None:
    turn = file.options.get("turn")
    return Turn(int(turn[0]), int(turn[1]), int(turn[2])) if turn else None


def fresh_document(
    image: ImageRecord,
    names: Mapping[int, str],
    *,
    one_based: bool,
    folder: str,
    path: str,
    database: str = "",
    style: FileStyle = _PLAIN,
) -> bytes:
    """A new file, laid out as its neighbours are, else as labelImg does it but without a <path>: that would tell this
    machine's folders to others. The <database> we write of ourselves says from where corners count: with no other
    file in the dataset, nothing else tells it to the next import (see voc_convention)."""
    own = DATABASE_ONE_BASED if one_based else DATABASE_ZERO_BASED
    named = database or (own if style.database is None else style.database)
    name = xml_text.escape(without_controls(image.path.rpartition("/")[2]), path)
    step, deeper = style.indent, style.indent + style.step
    verified = ' verified="yes"' if image.state == ImageState.VERIFIED else ""
    place = [] if style.folder is None else [f"{step}<path>{xml_text.escape(style.folder, path)}{name}</path>"]
    database_line = f"{deeper}<database>{xml_text.escape(named, path)}</database>"
    lines = [
        *([style.declaration] if style.declaration else []),
        f"<annotation{verified}>",
        f"{step}<folder>{xml_text.escape(without_controls(folder), path)}</folder>",
        f"{step}<filename>{name}</filename>",
        *place,
        *([f"{step}<source>", database_line, f"{step}</source>"] if named else []),
        f"{step}<size>",
        f"{deeper}<width>{image.width}</width>",
        f"{deeper}<height>{image.height}</height>",
        f"{deeper}<depth>3</depth>",
        f"{step}</size>",
        *([f"{step}<segmented>0</segmented>"] if style.segmented else []),
    ]
    of_objects = Style(newline=style.newline, indent=style.indent, step=style.step)
    objects = "".join(_object_text(b, names, of_objects, _Written(one_based), path) for b in image.boxes)
    return f"{style.newline.join(lines)}{objects}{style.newline}</annotation>{style.newline}".encode()


def _object_text(box: Box, names: Mapping[int, str], style: Style, written: _Written, path: str) -> str:
    """A whole <object> with the white space before it, its children in labelImg's order."""
    inner, deep = style.line(1), style.line(2)
    occluded = f"{inner}<occluded>1</occluded>" if box.occluded else ""
    corners = "".join(
        f"{deep}<{tag}>{number_text(value)}</{tag}>" for tag, value in zip(CORNERS, written.corners(box), strict=True)
    )
    plain, pairs = voc_attributes.split(given(box))
    pose = xml_text.escape(plain.pop("pose", "Unspecified"), path)
    more = "".join(f"{inner}<{tag}>{xml_text.escape(text, path)}</{tag}>" for tag, text in plain.items())
    more += f"{inner}{voc_attributes.block_text(pairs, inner, deep, path)}" if pairs else ""
    return (
        f"{style.line(0)}<object>"
        f"{inner}<name>{xml_text.escape(category_name(names, box.category_id, path), path)}</name>"
        f"{inner}<pose>{pose}</pose>"
        f"{inner}<truncated>{int(box.truncated)}</truncated>"
        f"{inner}<difficult>{int(box.difficult)}</difficult>{occluded}{more}"
        f"{inner}<bndbox>{corners}{inner}</bndbox>"
        f"{style.line(0)}</object>"
    )


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

    def __init__(self, document: XmlDocument, names: Mapping[int, str], written: _Written, path: str) -> None:
        self._document = document
        self._names = names
        self._written = written
        self._path = path
        self._changes: list[_Change] = []

    def run(self, image: ImageRecord) -> list[_Change]:
        elements = self._document.root.all("object")
        boxes = {box.place: box for box in reversed(image.boxes) if box.place is not None}
        kept: set[int] = set()
        for index, element in enumerate(elements):
            bndbox = element.child("bndbox")
            record = read_object(element.texts(), None if bndbox is None else bndbox.texts(), index)
            box = boxes.get(index)
            if record.corners(one_based=self._written.one_based) is None:
                continue
            if box is None:
                start = self._document.space_before(element.start)
                self._changes.append(_Change(start, self._document.end(element), ""))
            else:
                kept.add(box.id)
                self._patch_object(element, record, box)
        style = self._style(elements)
        new = [box for box in image.boxes if box.id not in kept]
        text = "".join(_object_text(b, self._names, style, self._written, self._path) for b in new)
        self._patch_root(image.state, text, style, elements)
        return self._changes

    def _patch_object(self, element: Element, record: VocObject, box: Box) -> None:
        name = category_name(self._names, box.category_id, self._path)
        if name != record.name:
            self._set_text(element.child("name"), xml_text.escape(name, self._path))
        for tag, flag in FLAG_TAGS.items():
            if bool(box.flags & flag) != bool(record.flags & flag):
                self._set_flag(element, tag, bool(box.flags & flag))
        self._patch_attributes(element, box)
        bndbox = element.child("bndbox")
        assert bndbox is not None, "a record with corners has a bndbox"
        new = self._written.corners(box)
        for axis in (0, 1):
            low, high = record.ordered(axis, one_based=self._written.one_based)
            changed = [i for i, old in ((axis, low), (axis + 2, high)) if not is_same(old, new[i])]
            if changed and record.is_swapped(axis, one_based=self._written.one_based):
                changed = [axis, axis + 2]
            for i in changed:
                self._set_text(bndbox.child(CORNERS[i]), number_text(new[i]))

    def _patch_attributes(self, element: Element, box: Box) -> None:
        plain, pairs = voc_attributes.split(given(box))
        if not plain and not pairs:
            return
        there = {tag: child for tag in plain if (child := element.child(tag)) is not None}
        values = voc_attributes.pair_values(element)
        for wanted, found in ((plain, there), (pairs, values)):
            for name, text in wanted.items():
                child = found.get(name)
                if child is not None and not child.children and child.text.strip() != text:
                    self._set_text(child, xml_text.escape(text, self._path))
        new = {tag: text for tag, text in plain.items() if tag not in there}
        new_pairs = {name: text for name, text in pairs.items() if name not in values}
        for place, text in voc_attributes.added(self._document, element, new, new_pairs, self._path):
            self._changes.append(_Change(place, place, text))

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
        start, end = _text_span(content)
        self._changes.append(_Change(begin + start, begin + end, text))

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


def _text_span(content: bytes) -> tuple[int, int]:
    """Where in an element's content its text stands, trimmed: all of it, but for comments beside a single text."""
    pieces = [m for m in _PIECE.finditer(content) if m.group("text") and m.group("text").strip()]
    if len(pieces) == 1 and all(m.group("text") or m.group("aside") for m in _PIECE.finditer(content)):
        start, text = pieces[0].start(), pieces[0].group("text")
        start += len(text) - len(text.lstrip())
        return start, start + len(text.strip())
    trimmed = content.strip()
    start = content.index(trimmed) if trimmed else 0
    return start, start + len(trimmed) if trimmed else len(content)


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
