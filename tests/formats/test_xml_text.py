"""The quick reader of XML and the one that knows places are of one mind about every document."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import xml_text
from tests.fuzz.malformed_voc import malformed_xml

ODD = {
    "a reserved prefix": b"<a><xml:b>1</xml:b></a>",
    "a reserved prefix of the root": b"<xml:a/>",
    "a reserved prefix of an attribute": b"<a xml:space='preserve'> 1 </a>",
    "a namespace": b"<a xmlns='urn:x'><b>1</b></a>",
    "a bound prefix": b"<a xmlns:x='urn:x'><x:b>1</x:b></a>",
    "an unbound prefix": b"<a><x:b>1</x:b></a>",
    "text around children": b"<a>1<b>2</b>3<b/>4</a>",
    "comments in text": b"<a>1<!-- 2 -->3<?pi 4?>5</a>",
    "character data": b"<a>1<![CDATA[<2> & ]]>3</a>",
    "references": b"<a>&lt;&#65;&#x42;&amp;&apos;</a>",
    "a DOCTYPE in a comment": b"<a><!-- <!DOCTYPE x> -->1</a>",
    "a DOCTYPE in character data": b"<a><![CDATA[<!DOCTYPE x>]]></a>",
    "a DOCTYPE": b"<!DOCTYPE a><a/>",
    "sixty-four levels": b"<a>" * 64 + b"</a>" * 64,
    "sixty-five levels": b"<a>" * 65 + b"</a>" * 65,
    "carriage returns": b"<a>\r\n1\r2\n</a>",
    "many signs that are no elements": b"<a>" + b"<!---->" * 400_000 + b"</a>",
    "too many elements": b"<a>" + b"<b/>" * 300_001 + b"</a>",
    "just enough elements": b"<a>" + b"<b/>" * 299_999 + b"</a>",
    "utf-16": "\ufeff<a>ä</a>".encode("utf-16-le"),
    "utf-16 that calls itself utf-8": "\ufeff<?xml version='1.0' encoding='utf-8'?><a>ä</a>".encode("utf-16-be"),
    "utf-8 that calls itself utf-16": b"<?xml version='1.0' encoding='utf-16'?><a>1</a>",
    "latin-1": "<?xml version='1.0' encoding='latin-1'?><a>ä</a>".encode("latin-1"),
    "shift-jis": "<?xml version='1.0' encoding='shift_jis'?><a>犬</a>".encode("shift_jis"),
    "an ambiguous encoding": b"<?xml version='1.0' encoding='utf-7'?><a>+AEE-</a>",
}
CASES = ODD | {case.name: case.data for case in malformed_xml()}


def of_quick(element: Element) -> object:
    return (
        element.tag,
        element.attrib.get("verified"),
        xml_text.text_of(element),
        [of_quick(child) for child in element],
    )


def of_placed(element: xml_text.Element) -> object:
    children = [of_placed(child) for child in element.children]
    return element.name, element.attributes.get("verified"), element.text.strip(), children


@pytest.mark.parametrize("name", CASES)
def test_both_readers_see_the_same_document_or_refuse_it_in_the_same_words(name: str) -> None:
    verdicts: list[object] = []
    for call in (
        lambda: of_quick(xml_text.read(CASES[name], "a.xml")),
        lambda: of_placed(xml_text.parse(CASES[name], "a.xml").root),
    ):
        try:
            verdicts.append(call())
        except FormatError as error:
            verdicts.append(str(error))
    assert verdicts[0] == verdicts[1]


def test_places_are_those_of_the_text() -> None:
    document = xml_text.parse(b"<a>\n  <b x='>'>1</b><c/>\n</a>", "a.xml")
    b, c = document.root.children
    assert document.data[b.start : document.end(b)] == b"<b x='>'>1</b>"
    assert document.data[document.open_end(b) : b.close] == b"1"
    assert (document.data[c.start : document.end(c)], document.is_self_closed(c)) == (b"<c/>", True)
    assert (document.indent(b), document.indent(c), document.newline) == ("  ", None, "\n")
