"""XML with the place of every element in its text, so that one number can be replaced and all else stays.

Parses with expat, which alone tells byte offsets; a DOCTYPE is refused, and with it every entity trick. Works on
the UTF-8 form of the text and writes back in the file's own encoding. `read` gives the elements alone, several times
as fast and with the same verdict, for whoever only wants to know what a file says. Knows nothing of VOC.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from rcnn_studio.domain.errors import FormatError

MAX_BYTES = 64 << 20
MAX_DEPTH = 64
MAX_ELEMENTS = 300_000

_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._\-]{1,40})[\"']")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Python knows codecs that are no character sets (zip, rot13, idna); a file must not choose one of those.
_CHARACTER_SETS = re.compile(
    r"utf|ascii|latin|iso8859|cp\d|windows|mac|koi8|gb|big5|euc|shift|johab|hz|tis|kz|ptcp|mbcs"
)
_TAG = re.compile(rb"<[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_SPACE = b" \t\r\n"
_ILLEGAL = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")  # tabs and line ends would not come back as they are


@dataclass(slots=True)
class Element:
    """start: offset of its "<"; close: offset of its end tag (meaningless for <a/>)."""

    name: str
    attributes: dict[str, str]
    start: int
    close: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """The first child of this name."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def all(self, name: str) -> list[Element]:
        """All children of this name, in order."""
        return [child for child in self.children if child.name == name]

    def texts(self) -> dict[str, str]:
        """The trimmed text of the first child of each name."""
        found: dict[str, str] = {}
        for child in self.children:
            if child.name not in found:
                found[child.name] = child.text.strip()
        return found


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """data: the text in UTF-8, to which all offsets belong; bom and encoding: those of the file."""

    root: Element
    data: bytes
    bom: bytes
    encoding: str

    def open_end(self, element: Element) -> int:
        """Offset behind the element's start tag (behind <a/> as a whole)."""
        match = _TAG.match(self.data, element.start)
        assert match is not None, "expat has parsed this tag"
        return match.end()

    def is_self_closed(self, element: Element) -> bool:
        return self.data[self.open_end(element) - 2] == 0x2F  # "/": an attribute cannot end so, it has quotes

    def end(self, element: Element) -> int:
        """Offset behind the whole element."""
        if self.is_self_closed(element):
            return self.open_end(element)
        return self.data.index(b">", element.close) + 1

    def space_before(self, offset: int) -> int:
        """Offset where the white space that ends at `offset` begins."""
        while offset > 0 and self.data[offset - 1] in _SPACE:
            offset -= 1
        return offset

    def indent(self, element: Element) -> str | None:
        """The white space from the last line end up to the element; None if it does not begin its line."""
        line = self.data.rfind(b"\n", 0, element.start) + 1
        before = self.data[line : element.start]
        return before.decode() if line and not before.strip(_SPACE) else None

    @property
    def newline(self) -> str:
        """The file's line end; empty if it is written in one line."""
        first = self.data.find(b"\n")
        if first < 0:
            return ""
        return "\r\n" if first and self.data[first - 1] == 0x0D else "\n"

    def encode(self, data: bytes) -> bytes:
        """Changed UTF-8 text as bytes of the file; what its encoding lacks becomes a character reference."""
        if self.encoding == "utf-8":
            return self.bom + data
        return self.bom + data.decode("utf-8").encode(self.encoding, "xmlcharrefreplace")


def parse(data: bytes, path: Path | str) -> XmlDocument:
    """The document. Raises FormatError for what is too large, not well-formed, too deep, or has a DOCTYPE."""
    bom, encoding, utf8 = _decode(data, path)
    return XmlDocument(_parse_utf8(utf8, path), utf8, bom, encoding)


def read(data: bytes, path: Path | str) -> ElementTree.Element:
    """The root of the document that `parse` gives, without places. Raises what parse raises, for the same files."""
    utf8 = _decode(data, path)[2]
    # Without a DOCTYPE there are no entities to expand; namespaces, and all that is odd, are left to expat itself.
    plain = utf8.count(b"<") <= MAX_ELEMENTS
    if plain and not any(mark in utf8 for mark in (b"<!DOCTYPE", b"xmlns", b"xml:")):
        parser = ElementTree.XMLParser(encoding="utf-8")
        try:
            parser.feed(utf8)
            root: ElementTree.Element = parser.close()
        except ElementTree.ParseError:
            pass
        else:
            if _is_shallow(root):
                return root
    return _bare(_parse_utf8(utf8, path))


def text_of(element: ElementTree.Element) -> str:
    """The element's own text, trimmed, that between its children included."""
    if not len(element):
        return (element.text or "").strip()
    return "".join([element.text or "", *[child.tail or "" for child in element]]).strip()


def texts(element: ElementTree.Element) -> dict[str, str]:
    """The trimmed text of the first child of each name."""
    found: dict[str, str] = {}
    for child in element:
        tag = child.tag
        if tag not in found:
            found[tag] = text_of(child) if len(child) else (child.text or "").strip()
    return found


def escape(text: str, path: Path | str) -> str:
    """Text as element content. Raises FormatError for characters that XML cannot hold."""
    if _ILLEGAL.search(text):
        raise FormatError(path, "", f"{text!r} has a character that XML cannot hold. Rename the category.")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _decode(data: bytes, path: Path | str) -> tuple[bytes, str, bytes]:
    """-> byte order mark, name of the encoding, text in UTF-8"""
    if len(data) > MAX_BYTES:
        raise FormatError(path, "", f"is larger than {MAX_BYTES >> 20} MiB, which no annotation needs. Check the file.")
    bom, encoding = next(((b, e) for b, e in _BOMS if data.startswith(b)), (b"", ""))
    body = data[len(bom) :] if bom else data
    if not encoding:
        encoding = _declared_encoding(data, path)
    try:
        text = body.decode(encoding)
        utf8 = body if encoding == "utf-8" else text.encode("utf-8")
        if encoding != "utf-8" and text.encode(encoding) != body:
            raise FormatError(path, "", f"its {encoding} bytes are ambiguous. Save it as UTF-8.")
    except UnicodeError as error:
        reason = f"is not valid {encoding} (byte {getattr(error, 'start', 0)}). Save it as UTF-8."
        raise FormatError(path, "", reason) from error
    if b"\x00" in utf8:
        raise FormatError(path, "", "holds zero bytes: it is damaged or no XML. Restore it from a copy.")
    return bom, encoding, utf8


def _declared_encoding(data: bytes, path: Path | str) -> str:
    match = _DECLARED.match(data)
    encoding = match.group(1).decode("ascii").lower() if match else "utf-8"
    if encoding.startswith(("utf-16", "utf16", "ucs", "unicode", "utf-32")):
        return "utf-8"  # the declaration was readable byte by byte, so it is wrong: .NET writes such files
    if encoding == "utf-8":
        return encoding
    try:
        encoding = codecs.lookup(encoding).name
        if not _CHARACTER_SETS.match(encoding):
            raise LookupError(encoding)
    except LookupError as error:
        raise FormatError(path, "", f"has an unknown encoding ({encoding}). Save it as UTF-8.") from error
    return encoding


def _is_shallow(root: ElementTree.Element) -> bool:
    """True if no element lies deeper than MAX_DEPTH."""
    level = [root]
    for _ in range(MAX_DEPTH - 1):
        level = [child for element in level for child in element if len(child)]
        if not level:
            return True
    return False


def _bare(element: Element) -> ElementTree.Element:
    """The same element without places, its text in one piece."""
    bare = ElementTree.Element(element.name, element.attributes)
    bare.text = element.text
    bare.extend([_bare(child) for child in element.children])
    return bare


def _parse_utf8(data: bytes, path: Path | str) -> Element:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    top = Element("", {}, 0)
    stack = [top]
    count = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise FormatError(path, "", f"has more than {MAX_ELEMENTS} elements. Check the file.")
        if len(stack) > MAX_DEPTH:
            raise FormatError(path, "", f"is nested deeper than {MAX_DEPTH} levels. Check the file.")
        element = Element(name, attributes, parser.CurrentByteIndex)
        stack[-1].children.append(element)
        stack.append(element)

    def on_end(_name: str) -> None:
        stack.pop().close = parser.CurrentByteIndex

    def on_text(text: str) -> None:
        stack[-1].text += text

    def on_doctype(*_args: object) -> None:
        raise FormatError(path, "", "has a DOCTYPE, which is refused for safety. Remove that line.")

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = on_text
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        reason = f"is not well-formed XML ({expat.ErrorString(error.code)}). Restore it from a copy or mend it."
        raise FormatError(path, place, reason) from error
    return top.children[0]
