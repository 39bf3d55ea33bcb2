"""What differs between two versions of a file, as rows that a person can read side by side.

Pure: bytes in, values out, at any size. Large files, and files of one long line, are compared by the places that
changed only, because a line diff of a COCO file of 200 MB would never end. Draws nothing and reads no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from rcnn_studio.domain.progress import ShouldStop, check, never
from rcnn_studio.workspace.files_places import Place, changed_places

SMALL_BYTES = 512 * 1024
LONG_LINE = 400
CONTEXT_LINES = 3
MOST_ROWS = 5000
MOST_PAIRS = 4_000_000
RECORD_REACH = 600
PIECE = 160

Kind = Literal["same", "changed", "removed", "added", "gap"]
Span = tuple[int, int]

Code = tuple[str, int, int, int, int]
_TOKEN = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\w+|\s+|.", re.DOTALL)
_RECORD_END = re.compile(r"(?<=},)\s?")
_DECLARED = re.compile(rb"""^[^>]{0,100}encoding=["']([A-Za-z0-9._-]{1,40})["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of one version. number: from 1. spans: the characters that are others in the other version."""

    number: int
    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What stands side by side; None where one version has nothing. hidden: equal lines that a gap leaves out."""

    kind: Kind
    left: Line | None = None
    right: Line | None = None
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """rows: the changes with what surrounds them. places: how many runs of changes.

    binary: not shown, because it is no text. capped: there is more, from this line of the new version on (0: no).
    """

    rows: tuple[Row, ...] = ()
    places: int = 0
    binary: bool = False
    capped: int = 0


def compare(before: bytes | None, after: bytes | None, *, should_stop: ShouldStop = never) -> Difference:
    """The difference of two versions; None: there is no such file. Raises Cancelled."""
    if before == after:
        return Difference()
    old, new = _utf8(before or b""), _utf8(after or b"")
    if old is None or new is None:
        return Difference(binary=True)
    if _is_handy(old) and _is_handy(new):
        lines = old.decode().splitlines(), new.decode().splitlines()
        if len(lines[0]) * len(lines[1]) <= MOST_PAIRS:
            return _finish(_line_rows(*lines, first=(1, 1)), capped=0)
    return _by_places(old, new, should_stop)


def unified(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows one below the other: of every run of changes first what was, then what is."""
    made: list[Row] = []
    gone: list[Row] = []
    come: list[Row] = []
    for row in rows:
        if row.kind in ("same", "gap"):
            made += [*gone, *come, row]
            gone, come = [], []
            continue
        if row.left is not None:
            gone.append(Row(kind="removed", left=row.left))
        if row.right is not None:
            come.append(Row(kind="added", right=row.right))
    return (*made, *gone, *come)


# --- text ---------------------------------------------------------------------------------------------------


def _utf8(data: bytes) -> bytes | None:
    """The text as UTF-8 without a byte order mark; None if it is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode()
    if b"\0" in data[:8192]:
        return None
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode()
        return data
    except UnicodeDecodeError:
        declared = _DECLARED.match(data)
        name = declared[1].decode() if declared else "latin-1"
    try:
        return data.decode(name, "replace").encode()
    except LookupError:
        return data.decode("latin-1").encode()


def _is_handy(data: bytes) -> bool:
    """Small, and made of lines that fit on a screen."""
    return len(data) <= SMALL_BYTES and all(len(line) <= LONG_LINE for line in data.split(b"\n"))


# --- rows of lines ------------------------------------------------------------------------------------------


def _line_rows(old: Sequence[str], new: Sequence[str], *, first: tuple[int, int]) -> list[Row]:
    """All lines of both versions as rows. first: numbers of their first lines."""
    rows: list[Row] = []
    for tag, i1, i2, j1, j2 in _slid(_opcodes(old, new), old, new):
        left, right = first[0] + i1, first[1] + j1
        if tag == "equal":
            rows += [_same(left + n, right + n, text) for n, text in enumerate(new[j1:j2])]
        else:
            rows += _changed_rows(old[i1:i2], new[j1:j2], left, right)
    return rows


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[Code]:
    """As difflib's, over what lies between the equal lines at both ends."""
    start = _equal_at_start(old, new)
    end = _equal_at_end(old, new, start)
    a, b = old[start : len(old) - end], new[start : len(new) - end]
    codes: list[Code] = [("equal", 0, start, 0, start)]
    if len(a) * len(b) > MOST_PAIRS:
        codes.append(("replace", start, start + len(a), start, start + len(b)))
    else:
        found = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        codes += [(tag, start + i1, start + i2, start + j1, start + j2) for tag, i1, i2, j1, j2 in found]
    codes.append(("equal", len(old) - end, len(old), len(new) - end, len(new)))
    return codes


def _slid(codes: list[Code], old: Sequence[str], new: Sequence[str]) -> list[Code]:
    """Lines that came or went are as well those a little above or below where the same ones follow: take the choice
    that begins with the outermost line, so that a whole object is marked, not the end of one and the next one's head.
    """
    made: list[Code] = list(codes)
    for n in range(1, len(made) - 1):
        tag, i1, i2, j1, j2 = made[n]
        if tag not in ("insert", "delete") or made[n - 1][0] != "equal" or made[n + 1][0] != "equal":
            continue
        lines, begin, end = (new, j1, j2) if tag == "insert" else (old, i1, i2)
        room = made[n - 1][2] - made[n - 1][1], made[n + 1][2] - made[n + 1][1]
        up = _best_shift(lines, begin, end, room)
        if up:
            before, after = made[n - 1], made[n + 1]
            made[n - 1] = ("equal", before[1], before[2] - up, before[3], before[4] - up)
            made[n] = (tag, i1 - up, i2 - up, j1 - up, j2 - up)
            made[n + 1] = ("equal", after[1] - up, after[2], after[3] - up, after[4])
    return made


def _best_shift(lines: Sequence[str], begin: int, end: int, room: tuple[int, int]) -> int:
    """How many lines up (down where negative) the block begins best. room: equal lines above and below it."""
    best, chosen = _rank(lines[begin]), 0
    for up in range(1, room[0] + 1):
        if lines[begin - up] != lines[end - up]:
            break
        best, chosen = min((best, chosen), (_rank(lines[begin - up]), up), key=lambda choice: choice[0])
    for down in range(1, room[1] + 1):
        if lines[begin + down - 1] != lines[end + down - 1]:
            break
        best, chosen = min((best, chosen), (_rank(lines[begin + down]), -down), key=lambda choice: choice[0])
    return chosen


def _rank(line: str) -> tuple[int, bool]:
    """How far in a line stands, and whether it closes something."""
    bare = line.lstrip()
    return len(line) - len(bare), bare.startswith(("</", "}", "]"))


def _equal_at_start(old: Sequence[str], new: Sequence[str]) -> int:
    most = min(len(old), len(new))
    return next((n for n in range(most) if old[n] != new[n]), most)


def _equal_at_end(old: Sequence[str], new: Sequence[str], start: int) -> int:
    most = min(len(old), len(new)) - start
    return next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)


def _same(left: int, right: int, text: str) -> Row:
    return Row(kind="same", left=Line(number=left, text=text), right=Line(number=right, text=text))


def _changed_rows(old: Sequence[str], new: Sequence[str], left: int, right: int) -> Iterator[Row]:
    """Lines that took each other's place stand side by side where they are alike, else one after the other."""
    pairs = min(len(old), len(new)) if len(old) == len(new) or len(old) + len(new) <= 40 else 0
    for n in range(pairs):
        spans = changed_spans(old[n], new[n])
        if spans is not None:
            before = Line(number=left + n, text=old[n], spans=spans[0])
            yield Row(kind="changed", left=before, right=Line(number=right + n, text=new[n], spans=spans[1]))
        else:
            yield Row(kind="removed", left=Line(number=left + n, text=old[n]))
            yield Row(kind="added", right=Line(number=right + n, text=new[n]))
    for n in range(pairs, len(old)):
        yield Row(kind="removed", left=Line(number=left + n, text=old[n]))
    for n in range(pairs, len(new)):
        yield Row(kind="added", right=Line(number=right + n, text=new[n]))


def changed_spans(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """The characters of two lines that differ, by whole numbers and words; None if the lines are not alike."""
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(a) + len(b) > 800:
        return None
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    blocks = matcher.get_matching_blocks()
    equal = sum(len("".join(a[m.a : m.a + m.size]).strip()) for m in blocks)
    if equal * 2 < max(1, min(len(old.strip()), len(new.strip()))):
        return None
    lefts, rights = _starts(a), _starts(b)
    changed = [op[1:] for op in matcher.get_opcodes() if op[0] != "equal"]
    return (
        tuple((lefts[i1], lefts[i2]) for i1, i2, _, _ in changed if i1 < i2),
        tuple((rights[j1], rights[j2]) for _, _, j1, j2 in changed if j1 < j2),
    )


def _starts(tokens: Sequence[str]) -> list[int]:
    """Where each token begins, and the end of the last."""
    places = [0]
    for token in tokens:
        places.append(places[-1] + len(token))
    return places


def _finish(rows: Sequence[Row], *, capped: int) -> Difference:
    """Leave out equal lines far from any change, count the changes, and cut off what nobody would read."""
    shown = _with_gaps(rows)
    if len(shown) > MOST_ROWS:
        shown = shown[:MOST_ROWS]
        capped = next((row.right.number for row in reversed(shown) if row.right is not None), 1)
    changed = [row.kind not in ("same", "gap") for row in shown]
    places = sum(1 for n, is_change in enumerate(changed) if is_change and not (n and changed[n - 1]))
    return Difference(rows=tuple(shown), places=places, capped=capped)


def _with_gaps(rows: Sequence[Row]) -> list[Row]:
    near = bytearray(len(rows))
    for n, row in enumerate(rows):
        if row.kind != "same":
            low, high = max(0, n - CONTEXT_LINES), min(len(rows), n + CONTEXT_LINES + 1)
            near[low:high] = b"\1" * (high - low)
    shown: list[Row] = []
    hidden = 0
    for n, row in enumerate(rows):
        if near[n]:
            if hidden:
                shown.append(Row(kind="gap", hidden=hidden))
            shown.append(row)
            hidden = 0
        else:
            hidden += 1
    return [*shown, Row(kind="gap", hidden=hidden)] if hidden and shown else shown


# --- places of change in large files --------------------------------------------------------------------------


@dataclass(slots=True)
class _Spot:
    """A place of change with what surrounds it."""

    place: Place
    lead: int = 0
    trail: int = 0


def _by_places(old: bytes, new: bytes, should_stop: ShouldStop) -> Difference:
    places, complete = changed_places(old, new, should_stop=should_stop)
    rows: list[Row] = []
    counted = _LineCounter(old), _LineCounter(new)
    before: Place = (0, 0, 0, 0)
    spots = _with_surroundings(old, new, places)
    for spot in spots:
        check(should_stop)
        i1, i2, j1, j2 = spot.place
        a, b = old[i1 - spot.lead : i2 + spot.trail], new[j1 - spot.lead : j2 + spot.trail]
        numbers = counted[0].line_at(i1 - spot.lead), counted[1].line_at(j1 - spot.lead)
        hidden = new.count(b"\n", before[3], j1 - spot.lead)
        if rows or hidden or i1 - spot.lead > 0:
            rows.append(Row(kind="gap", hidden=hidden))
        rows += _rows_of_spot(a, b, numbers)
        before = (i1, i2 + spot.trail, j1, j2 + spot.trail)
        if len(rows) > MOST_ROWS:
            break
    rest = new.count(b"\n", before[3])
    if complete and before[3] < len(new):
        rows.append(Row(kind="gap", hidden=rest))
    capped = 0 if complete else counted[1].line_at(before[3])
    return _finish(rows, capped=capped)


def _with_surroundings(old: bytes, new: bytes, places: Sequence[Place]) -> list[_Spot]:
    """Each place with its lines or its record; places that then touch become one."""
    spots: list[_Spot] = []
    ends = 0
    for n, place in enumerate(places):
        next_start = places[n + 1][2] if n + 1 < len(places) else len(new)
        room = place[2] - (places[n - 1][3] if n else 0), next_start - place[3]
        lead, trail = _lead(new, place[2], room[0]), _trail(new, place[3], room[1])
        if spots and place[2] - lead <= ends:
            last = spots[-1]
            last.place = (last.place[0], place[1], last.place[2], place[3])
            last.trail = trail
        else:
            spots.append(_Spot(place=place, lead=lead, trail=trail))
        ends = place[3] + trail
    return spots


def _lead(data: bytes, at: int, room: int) -> int:
    """How many bytes before a change to show: its line and some more, or, in long lines, from its record's start."""
    floor = at - min(room, RECORD_REACH)
    begin = at
    for _ in range(CONTEXT_LINES + 1):
        found = data.rfind(b"\n", floor, begin - 1 if begin < at else begin)
        if found < 0 or at - found > RECORD_REACH:
            break
        begin = found + 1
    if begin < at or floor == at:
        return at - begin
    found = data.rfind(b"{", floor, at)
    return at - _whole_character(data, found if found >= 0 else max(floor, at - PIECE))


def _trail(data: bytes, at: int, room: int) -> int:
    """How many bytes after a change to show."""
    ceiling = at + min(room, RECORD_REACH)
    end = at
    for _ in range(CONTEXT_LINES + 1):
        found = data.find(b"\n", end, ceiling)
        if found < 0:
            break
        end = found + 1
    if end > at:
        return end - at
    found = data.find(b"}", at, ceiling)
    if found >= 0:
        return found + 1 + (data[found + 1 : min(found + 2, at + room)] == b",") - at
    return _whole_character(data, min(ceiling, at + PIECE)) - at


def _whole_character(data: bytes, at: int) -> int:
    """The place itself, or the beginning of the character it is inside of."""
    while 0 < at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _rows_of_spot(old: bytes, new: bytes, numbers: tuple[int, int]) -> list[Row]:
    lines = old.decode(errors="replace"), new.decode(errors="replace")
    in_lines = any("\n" in text for text in lines)
    if in_lines and all(len(line) <= LONG_LINE for text in lines for line in text.splitlines()):
        return _line_rows(lines[0].splitlines(), lines[1].splitlines(), first=numbers)
    rows = _line_rows(_pieces(lines[0]), _pieces(lines[1]), first=(0, 0))
    return [_renumbered(row, numbers) for row in rows]


def _pieces(text: str) -> list[str]:
    """A long line cut after its records, and records cut where they are too long for a screen."""
    made: list[str] = []
    for line in text.splitlines():
        for record in _RECORD_END.split(line):
            made += [record[n : n + PIECE] for n in range(0, len(record), PIECE)]
    return made


def _renumbered(row: Row, numbers: tuple[int, int]) -> Row:
    """Pieces of one long line all have that line's number."""
    left, right = row.left, row.right
    return Row(
        kind=row.kind,
        left=None if left is None else Line(number=numbers[0], text=left.text, spans=left.spans),
        right=None if right is None else Line(number=numbers[1], text=right.text, spans=right.spans),
    )


class _LineCounter:
    """Line numbers of rising places."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._line = 1

    def line_at(self, place: int) -> int:
        self._line += self._data.count(b"\n", self._at, place)
        self._at = max(self._at, place)
        return self._line
