"""VOC files as well-known programs write them, generated: the same seed gives the same files.

Each writer has its own order of fields, indentation, header and oddities; variants add what editors and other
systems do to files (byte order marks, other encodings, line ends, comments). Everything here is sound VOC.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 480
NAMES = ("bolt", "hex nut", "Kabel & Stecker", "m<8>", "dog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object. corners: xmin, ymin, xmax, ymax as they are to stand in the file."""

    name: str
    corners: tuple[float, float, float, float]
    truncated: bool
    difficult: bool
    occluded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file: data as on disk, the same as text, and what is in it. one_based: how its writer counts."""

    writer: str
    variant: str
    stem: str
    data: bytes
    encoding: str
    things: tuple[Thing, ...]
    one_based: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """text: (stem, things, draw) -> the file. flags: those that the writer has an element for."""

    name: str
    text: Callable[[str, Sequence[Thing], random.Random], str]
    one_based: bool = False
    floats: bool = False
    flags: tuple[str, ...] = ("truncated", "difficult")


def samples(writer: Writer, *, seed: int, count: int = 3, variants: Sequence[str] = ()) -> Iterator[Sample]:
    """`count` files of a writer in each variant (all of them where none is named)."""
    draw = random.Random(f"{writer.name} {seed}")
    for variant in variants or VARIANTS:
        for number in range(count):
            things = tuple(_thing(draw, writer) for _ in range(draw.randrange(1, 6)))
            stem = f"{writer.name.lower().replace(' ', '_')}_{variant.replace(' ', '-')}_{number}"
            text, encoding = VARIANTS[variant](writer.text(stem, things, draw))
            data = text.encode(encoding, "xmlcharrefreplace")
            yield Sample(
                writer=writer.name,
                variant=variant,
                stem=stem,
                data=data,
                encoding=encoding,
                things=things,
                one_based=writer.one_based,
            )


def _thing(draw: random.Random, writer: Writer) -> Thing:
    x, y = draw.randrange(2, 500), draw.randrange(2, 400)
    corners: tuple[float, ...] = (x, y, x + draw.randrange(3, 130), y + draw.randrange(3, 70))
    if writer.floats:
        corners = tuple(value + draw.choice((0.0, 0.5, 0.25, 0.7, 0.123)) for value in corners)
    x1, y1, x2, y2 = corners
    flags = {flag: flag in writer.flags and draw.random() < 0.3 for flag in ("truncated", "difficult", "occluded")}
    return Thing(name=draw.choice(NAMES), corners=(x1, y1, x2, y2), **flags)


def _devkit(stem: str, things: Sequence[Thing], draw: random.Random) -> str:
    """The devkit's own files: tabs, no declaration, source and owner, parts with boxes of their own."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{escape(t.name)}</name>\n\t\t<pose>Left</pose>\n\t\t<truncated>{t.truncated:d}</truncated>\n"
        f"\t\t<difficult>{t.difficult:d}</difficult>\n{_corner_lines(t, 2)}{_parts(draw)}\t</object>\n"
        for t in things
    )
    return (
        "<annotation>\n\t<folder>VOC2007</folder>\n"
        f"\t<filename>{stem}.jpg</filename>\n\t<source>\n\t\t<database>The VOC2007 Database</database>\n"
        "\t\t<annotation>PASCAL VOC2007</annotation>\n\t\t<image>flickr</image>\n\t\t<flickrid>341012865</flickrid>\n"
        "\t</source>\n\t<owner>\n\t\t<flickrid>A Camel</flickrid>\n\t\t<name>A Fruit Bat</name>\n\t</owner>\n"
        f"{_size_lines()}\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _parts(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return ""
    lines = "".join(f"\t\t\t\t<{tag}>{draw.randrange(1, 99)}</{tag}>\n" for tag in ("xmin", "ymin", "xmax", "ymax"))
    return f"\t\t<part>\n\t\t\t<name>head</name>\n\t\t\t<bndbox>\n{lines}\t\t\t</bndbox>\n\t\t</part>\n"


def _devkit_actions(stem: str, things: Sequence[Thing], draw: random.Random) -> str:
    """VOC2012's action files: the box before the flags, actions and a point, float corners here and there."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{escape(t.name)}</name>\n\t\t<actions>\n\t\t\t<jumping>{draw.randrange(2)}</jumping>\n"
        f"\t\t\t<other>0</other>\n\t\t</actions>\n{_corner_lines(t, 2)}\t\t<difficult>{t.difficult:d}</difficult>\n"
        "\t\t<pose>Unspecified</pose>\n\t\t<point>\n\t\t\t<x>31.7</x>\n\t\t\t<y>20</y>\n\t\t</point>\n\t</object>\n"
        for t in things
    )
    return (
        f"<annotation>\n\t<filename>{stem}.jpg</filename>\n\t<folder>VOC2012</folder>\n{objects}"
        f"\t<segmented>0</segmented>\n{_size_lines()}\t<source>\n\t\t<annotation>PASCAL VOC2012</annotation>\n"
        "\t\t<database>The VOC2012 Database</database>\n\t\t<image>flickr</image>\n\t</source>\n</annotation>\n"
    )


def _labelimg(stem: str, things: Sequence[Thing], draw: random.Random) -> str:
    """labelImg: tabs, a path of the labeller's machine, verified in the root."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{escape(t.name)}</name>\n\t\t<pose>Unspecified</pose>\n"
        f"\t\t<truncated>{t.truncated:d}</truncated>\n\t\t<difficult>{t.difficult:d}</difficult>\n"
        f"{_corner_lines(t, 2)}\t</object>\n"
        for t in things
    )
    verified = ' verified="yes"' if draw.random() < 0.5 else ""
    return (
        f"<annotation{verified}>\n\t<folder>images</folder>\n\t<filename>{stem}.jpg</filename>\n"
        f"\t<path>C:\\Users\\me\\Desktop\\images\\{stem}.jpg</path>\n\t<source>\n\t\t<database>Unknown</database>\n"
        f"\t</source>\n{_size_lines()}\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _cvat(stem: str, things: Sequence[Thing], _draw: random.Random) -> str:
    """CVAT: two spaces, occluded, float corners, attributes with names and values."""
    objects = "".join(
        f"  <object>\n    <name>{escape(t.name)}</name>\n    <truncated>{t.truncated:d}</truncated>\n"
        f"    <occluded>{t.occluded:d}</occluded>\n    <difficult>{t.difficult:d}</difficult>\n    <bndbox>\n"
        + "".join(f"      <{tag}>{value}</{tag}>\n" for tag, value in _tagged(t, 2))
        + "    </bndbox>\n    <attributes>\n      <attribute>\n        <name>rotation</name>\n"
        "        <value>0.0</value>\n      </attribute>\n    </attributes>\n  </object>\n"
        for t in things
    )
    return (
        f"<annotation>\n  <folder/>\n  <filename>{stem}.jpg</filename>\n  <source>\n    <database>Unknown</database>\n"
        "    <annotation>Unknown</annotation>\n    <image>Unknown</image>\n  </source>\n  <size>\n"
        f"    <width>{WIDTH}</width>\n    <height>{HEIGHT}</height>\n    <depth/>\n  </size>\n"
        f"  <segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _labelme2voc(stem: str, things: Sequence[Thing], _draw: random.Random) -> str:
    """labelme's example script: pretty-printed by lxml, with pose, difficult and truncated empty."""
    objects = "".join(
        f"  <object>\n    <name>{escape(t.name)}</name>\n    <pose/>\n    <truncated/>\n    <difficult/>\n"
        "    <bndbox>\n"
        + "".join(f"      <{tag}>{value}</{tag}>\n" for tag, value in _tagged(t, 1))
        + "    </bndbox>\n  </object>\n"
        for t in things
    )
    return (
        f"<annotation>\n  <folder/>\n  <filename>{stem}.jpg</filename>\n  <database/>\n  <annotation/>\n  <image/>\n"
        f"  <size>\n    <height>{HEIGHT}</height>\n    <width>{WIDTH}</width>\n    <depth>3</depth>\n  </size>\n"
        f"  <segmented/>\n{objects}</annotation>\n"
    )


def _roboflow(stem: str, things: Sequence[Thing], _draw: random.Random) -> str:
    """Roboflow: tabs, an empty folder, xmin and xmax first, occluded, an empty polygon-less object."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{escape(t.name)}</name>\n\t\t<pose>Unspecified</pose>\n"
        f"\t\t<truncated>{t.truncated:d}</truncated>\n\t\t<difficult>{t.difficult:d}</difficult>\n"
        f"\t\t<occluded>{t.occluded:d}</occluded>\n\t\t<bndbox>\n"
        + "".join(f"\t\t\t<{tag}>{value}</{tag}>\n" for tag, value in _crosswise(t))
        + "\t\t</bndbox>\n\t</object>\n"
        for t in things
    )
    return (
        f"<annotation>\n\t<folder></folder>\n\t<filename>{stem}.jpg</filename>\n\t<path>{stem}.jpg</path>\n"
        f"\t<source>\n\t\t<database>roboflow.com</database>\n\t</source>\n{_size_lines()}"
        f"\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _datumaro(stem: str, things: Sequence[Thing], draw: random.Random) -> str:
    """Datumaro: a declaration, two spaces, float corners, attributes, parts with float boxes."""
    objects = "".join(
        f"  <object>\n    <name>{escape(t.name)}</name>\n    <difficult>{t.difficult:d}</difficult>\n"
        f"    <truncated>{t.truncated:d}</truncated>\n    <occluded>{t.occluded:d}</occluded>\n    <bndbox>\n"
        + "".join(f"      <{tag}>{value}</{tag}>\n" for tag, value in _tagged(t, None))
        + "    </bndbox>\n    <attributes>\n      <attribute>\n        <name>track_id</name>\n"
        f"        <value>{draw.randrange(99)}</value>\n      </attribute>\n    </attributes>\n  </object>\n"
        for t in things
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotation>\n  <folder/>\n  <filename>{stem}.jpg</filename>\n'
        "  <source>\n    <database>Unknown</database>\n    <annotation>Unknown</annotation>\n"
        f"    <image>Unknown</image>\n  </source>\n  <size>\n    <width>{WIDTH}</width>\n"
        f"    <height>{HEIGHT}</height>\n    <depth>3</depth>\n  </size>\n"
        f"  <segmented>1</segmented>\n{objects}</annotation>\n"
    )


def _rectlabel(stem: str, things: Sequence[Thing], draw: random.Random) -> str:
    """RectLabel and KITTI exports: four spaces, xmin xmax ymin ymax, polygons beside the box, words for flags."""
    objects = "".join(
        f"    <object>\n        <name>{escape(t.name)}</name>\n        <pose>Unspecified</pose>\n"
        f"        <truncated>{'yes' if t.truncated else draw.choice(('no', 'Unspecified', '0'))}</truncated>\n"
        f"        <difficult>{'1' if t.difficult else 'no'}</difficult>\n        <bndbox>\n"
        + "".join(f"            <{tag}>{value}</{tag}>\n" for tag, value in _crosswise(t))
        + "        </bndbox>\n        <polygon>\n            <x1>10</x1>\n            <y1>12.5</y1>\n"
        "            <x2>30</x2>\n            <y2>12</y2>\n        </polygon>\n    </object>\n"
        for t in things
    )
    return (
        f"<annotation>\n    <folder>imgs</folder>\n    <filename>{stem}.jpg</filename>\n    <size>\n"
        f"        <width>{WIDTH}</width>\n        <height>{HEIGHT}</height>\n        <depth>3</depth>\n    </size>\n"
        f"    <segmented>0</segmented>\n{objects}</annotation>"
    )


def _label_studio(stem: str, things: Sequence[Thing], _draw: random.Random) -> str:
    """Label Studio: a declaration, no space at all, the file name without its suffix."""
    objects = "".join(
        f"<object><name>{escape(t.name)}</name><pose>Unspecified</pose><truncated>{t.truncated:d}</truncated>"
        f"<difficult>{t.difficult:d}</difficult><bndbox>"
        + "".join(f"<{tag}>{value}</{tag}>" for tag, value in _tagged(t, 0))
        + "</bndbox></object>"
        for t in things
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f"<annotation><folder>images</folder><filename>{stem}</filename><source><database>MyDatabase</database>"
        "<annotation>COCO2017</annotation><image>flickr</image><flickrid>NULL</flickrid><annotator>1</annotator></source>"
        f"<owner><flickrid>NULL</flickrid><name>Label Studio</name></owner><size><width>{WIDTH}</width>"
        f"<height>{HEIGHT}</height><depth>3</depth></size><segmented>0</segmented>{objects}</annotation>"
    )


def _minimal(_stem: str, things: Sequence[Thing], _draw: random.Random) -> str:
    """Home-made scripts: nothing but names and boxes, on few lines, with tabs and spaces mixed."""
    objects = "".join(
        " <object>\n \t<bndbox> "
        + " ".join(f"<{tag}> {value} </{tag}>" for tag, value in reversed(_tagged(t, 0)))
        + f" </bndbox>\n \t<name>\n{escape(t.name)}\n</name>\n </object>\n"
        for t in things
    )
    return f"<annotation>\n{objects}</annotation>\n"


def _number(value: float, decimals: int | None) -> str:
    """None: as Python writes a float; 0: whole where it is whole."""
    if decimals is None:
        return repr(float(value))
    return f"{value:.{decimals}f}" if decimals else f"{value:g}"


def _tagged(thing: Thing, decimals: int | None) -> list[tuple[str, str]]:
    pairs = zip(("xmin", "ymin", "xmax", "ymax"), thing.corners, strict=True)
    return [(tag, _number(value, decimals)) for tag, value in pairs]


def _crosswise(thing: Thing) -> list[tuple[str, str]]:
    xmin, ymin, xmax, ymax = _tagged(thing, 0)
    return [xmin, xmax, ymin, ymax]


def _corner_lines(thing: Thing, depth: int) -> str:
    tabs = "\t" * depth
    lines = "".join(f"{tabs}\t<{tag}>{value}</{tag}>\n" for tag, value in _tagged(thing, 0))
    return f"{tabs}<bndbox>\n{lines}{tabs}</bndbox>\n"


def _size_lines() -> str:
    return f"\t<size>\n\t\t<width>{WIDTH}</width>\n\t\t<height>{HEIGHT}</height>\n\t\t<depth>3</depth>\n\t</size>\n"


WRITERS = (
    Writer(name="devkit", text=_devkit, one_based=True),
    Writer(name="devkit actions", text=_devkit_actions, one_based=True, floats=True, flags=("difficult",)),
    Writer(name="labelImg", text=_labelimg),
    Writer(name="CVAT", text=_cvat, floats=True, flags=("truncated", "difficult", "occluded")),
    Writer(name="labelme2voc", text=_labelme2voc, floats=True, flags=()),
    Writer(name="Roboflow", text=_roboflow, flags=("truncated", "difficult", "occluded")),
    Writer(name="Datumaro", text=_datumaro, floats=True, flags=("truncated", "difficult", "occluded")),
    Writer(name="RectLabel", text=_rectlabel),
    Writer(name="Label Studio", text=_label_studio),
    Writer(name="minimal", text=_minimal, flags=()),
)


def _declared(text: str, encoding: str) -> str:
    """The text with a declaration of this encoding in place of its own."""
    body = text.split("?>\n", 1)[1] if text.startswith("<?xml") else text
    return f"<?xml version='1.0' encoding='{encoding}'?>\n{body}"


def _in_cdata(text: str) -> str:
    start = text.index("<name>", text.index("<object>")) + len("<name>")
    end = text.index("</name>", start)
    plain = text[start:end].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return f"{text[:start]}<![CDATA[{plain}]]>{text[end:]}"


VARIANTS: dict[str, Callable[[str], tuple[str, str]]] = {
    "as written": lambda t: (t, "utf-8"),
    "byte order mark": lambda t: (t, "utf-8-sig"),
    "utf-8 declared": lambda t: (_declared(t, "UTF-8"), "utf-8"),
    "latin-1 declared": lambda t: (_declared(t.replace("bolt", "B\xf6lzen"), "ISO-8859-1"), "latin-1"),
    "utf-16": lambda t: ("\ufeff" + _declared(t.replace("dog", "\u72ac"), "utf-16"), "utf-16-le"),
    "carriage returns": lambda t: (t.replace("\n", "\r\n"), "utf-8"),
    "no final newline": lambda t: (t.rstrip("\n"), "utf-8"),
    "blank lines and trailing spaces": lambda t: (
        t.replace("<object>", "<object>  ").replace("</object>", "</object>\n"),
        "utf-8",
    ),
    "comments": lambda t: (
        t.replace("<object>", "<!-- <object> a > b --><object>").replace("<name>", "<!--n--><name>"),
        "utf-8",
    ),
    "comments in numbers": lambda t: (t.replace("</xmin>", "<!-- left --></xmin>"), "utf-8"),
    "character data": lambda t: (_in_cdata(t), "utf-8"),
    "processing instructions": lambda t: (
        t.replace("</annotation>", "<?tool x?></annotation>", 1) + "<!-- end -->\n",
        "utf-8",
    ),
    "accents": lambda t: (t.replace("bolt", "cafe\u0301").replace("dog", "\u72ac\U0001f415"), "utf-8"),
    "attributes everywhere": lambda t: (
        t.replace("<object>", "<object id='7' note='a>b'>").replace("<xmax>", '<xmax unit="px" >'),
        "utf-8",
    ),
    "unknown namespace": lambda t: (
        t.replace("<annotation", '<annotation xmlns:x="urn:x"', 1).replace("<object>", "<object><x:id>4</x:id>"),
        "utf-8",
    ),
}
