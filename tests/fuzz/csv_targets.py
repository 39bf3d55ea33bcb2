"""What is fuzzed of CSV tables: `python -m tests.fuzz.run csv`."""

from __future__ import annotations

from rcnn_studio.formats.csv_record import looks_like_table, read_classes, read_row, read_table
from tests.fuzz.run import Target

SEEDS = (
    b"filename,width,height,class,xmin,ymin,xmax,ymax\na.png,64,48,bolt,1,2,30,40\nb.png,64,48,nut,3,4,5.5,6\n",
    b'\xef\xbb\xbfimage;label;x1;y1;x2;y2\r\n"a.png";"bolt, ""M8""";1;2;30;40\r\n',
    b"images/a.png,1,2,30,40,nut\nimages/b.png,,,,,\n",
    b"a.png\t64\t48\tbolt\t1\t2\t30\t40\n",
    b"bolt,0\nnut,1\n",
    "a.png,1,2,3,4,nüt\n".encode("utf-16"),
)
TOKENS = (b",", b";", b"\t", b"|", b'"', b'""', b"\n", b"\r", b"\r\n", b"a.png", b"xmin", b"filename", b",,,,", b"nut")


def read(data: bytes) -> None:
    """Every row is a sound box inside the numbers' range, an image without objects, empty, or a fault with its line."""
    looks_like_table(data)
    table = read_table(data, "t.csv")
    last = 0
    for line, fields in table.rows:
        assert line > last
        last = line
        row, faults = read_row(table, line, fields)
        if row is None:
            assert faults or not any(field.strip() for field in fields)
            assert all(fault.where.startswith(f"line {line}") for fault in faults)
        elif row.xyxy is not None:
            x1, y1, x2, y2 = row.xyxy
            assert x1 < x2
            assert y1 < y2
            assert max(map(abs, row.xyxy)) <= 1e6
            assert row.name
            assert row.image


def classes(data: bytes) -> None:
    """Names of a list of classes are never empty."""
    found = read_classes(data, "classes.csv")
    assert found is None or all(found)


TARGETS = (
    Target(name="csv table", call=read, seeds=SEEDS, tokens=TOKENS),
    Target(name="csv classes", call=classes, seeds=SEEDS, tokens=TOKENS),
)
