"""The list of names that YOLO's class indexes count in: data.yaml, classes.txt, obj.names and the like.

Read with the place of each name in the text, so that a new or changed name is patched in and all else stays; the order
never changes, and the name of a category that was removed keeps its place. YAML is only parsed, nothing is made of it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.formats.codec import Imported, LinkedFile, Source
from rcnn_studio.formats.gathering import Fault, shown
from rcnn_studio.formats.text import Splice, splice, without_controls
from rcnn_studio.formats.yolo_record import Line, read_text

FORMAT = "yolo-names"
MAX_BYTES = 1 << 20
MAX_NAMES = 1 << 16

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*")
_UNPRINTABLE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null", "none"})
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True, slots=True)
class Config:
    """What a data.yaml says. folder: its `path`; splits: (split, key, entry) in the file's order; keypoints: (values
    behind each box, values of one point); faults: what is odd in it."""

    names: tuple[str, ...]
    folder: str = ""
    splits: tuple[tuple[str, str, str], ...] = ()
    keypoints: tuple[int, int] = (0, 2)
    faults: tuple[Fault, ...] = ()


class YoloNamesCodec:
    """The format "yolo-names" of a linked file without images; YoloCodec reads and exports the datasets."""

    name = FORMAT
    holds: frozenset[str] = frozenset()

    def sniff(self, path: Path) -> bool:
        """Never: it is no dataset."""
        return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """Refused: the list alone is no dataset."""
        raise FormatError(source.path, "", "is only a list of names. Import the folder as yolo.")

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch: the names of the categories at their indexes; images and places do not matter."""
        if file.refused:
            return original
        wanted = {category.id - 1: category.name for category in categories}
        if original is None:
            return _fresh_list(wanted)
        if str(file.options.get("kind")) == "yaml":
            return _patch_yaml(original, file.path, wanted)
        return _patch_list(original, file.path, wanted)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """Refused: the list alone holds no labels."""
        raise FormatError(out, "", "a list of names holds no labels. Export as yolo.")


def category_names(names: Sequence[str]) -> tuple[str, ...]:
    """What the categories are called: the names as shown, a blank one by its index, a repeated one numbered."""
    made: list[str] = []
    taken: set[str] = set()
    for index, raw in enumerate(names):
        name = without_controls(raw) or str(index)
        number = 1
        while name in taken:
            number += 1
            name = f"{without_controls(raw) or index} ({number})"
        taken.add(name)
        made.append(name)
    return tuple(made)


def name_faults(names: Sequence[str], place: str) -> list[Fault]:
    """What is odd about the names. place: how one is addressed, with {} for its number."""
    faults: list[Fault] = []
    first: dict[str, int] = {}
    for index, raw in enumerate(names):
        where = place.format(index)
        name = without_controls(raw)
        action = "It is called by its number; correct the list or rename it."
        if not name:
            faults.append(Fault(where, "missing-name", "the class has no name.", action, "warning"))
        elif first.setdefault(name, index) != index:
            message = f"the name {shown(name)} is that of class {first[name]} already."
            faults.append(Fault(where, "double-name", message, "The second one is numbered; rename it.", "warning"))
    return faults


def read_list(data: bytes, path: Path | str) -> tuple[str, ...]:
    """The names of a classes.txt, one a line; empty lines at its end are none. Raises FormatError."""
    _check_size(data, path)
    names = [line.text.strip() for line in read_text(data, path).lines]
    while names and not names[-1]:
        names.pop()
    _check_count(names, path)
    for index, name in enumerate(names):
        if any(0xD800 <= ord(c) <= 0xDFFF for c in name):
            raise FormatError(path, f"line {index + 1}", "is not valid UTF-8. Save the file as UTF-8.")
    return tuple(names)


def read_yaml(data: bytes, path: Path | str) -> Config:
    """A data.yaml. Raises FormatError for what is no YAML, or has no usable `names`."""
    top = _compose(_decode(data, path)[1], path)
    if "names" not in top:
        raise FormatError(path, "names", "is missing. Add the list of class names.")
    names = [node.value for node in _name_nodes(top["names"], path)]
    _check_count(names, path)
    faults = name_faults(names, "names[{}]")
    splits: list[tuple[str, str, str]] = []
    for key, split in _SPLITS.items():
        if key in top:
            splits += [(split, place, entry) for place, entry in _entries(top[key], key, faults)]
    folder = _text(top.get("path"), "path", faults)
    _check_number_of_classes(top.get("nc"), len(names), faults)
    return Config(tuple(names), folder, tuple(splits), _keypoints(top.get("kpt_shape"), faults), tuple(faults))


def looks_like_yaml(data: bytes) -> bool:
    """True if the text has `names:` and one of a dataset's other keys, or no other key, at the start of lines."""
    keys = set(re.findall(rb"^([A-Za-z_]+)[ \t]*:", data[:MAX_BYTES].removeprefix(codecs.BOM_UTF8), re.MULTILINE))
    return b"names" in keys and (len(keys) == 1 or bool(keys & {b"train", b"val", b"test", b"path", b"nc"}))


# --- YAML ----------------------------------------------------------------------------------------------


def _decode(data: bytes, path: Path | str) -> tuple[bytes, str]:
    """(byte order mark, text)"""
    _check_size(data, path)
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    try:
        return bom, data[len(bom) :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"is not valid UTF-8 (byte {error.start}). Save it as UTF-8.") from error


def _compose(text: str, path: Path | str) -> dict[str, yaml.Node]:
    """The nodes of the document's top mapping by key. Nothing is constructed, aliases are not expanded."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}" if mark else ""
        raise FormatError(path, where, f"is no sound YAML: {error.problem or error.context}. Mend it.") from error
    except (yaml.YAMLError, ValueError, OverflowError, IndexError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise FormatError(path, "", f"is no sound YAML: {reason}. Mend it.") from error
    if not isinstance(node, yaml.MappingNode):
        raise FormatError(path, "", "holds no keys such as names, train and val. Choose another file.")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in found:
            raise FormatError(path, key.value, f"occurs twice (line {key.start_mark.line + 1}). Remove one of the two.")
        found[key.value] = value
    return found


def _name_nodes(node: yaml.Node, path: Path | str) -> list[yaml.ScalarNode]:
    """The nodes of the names in the order of their indexes; a mapping may have them in any order."""
    if isinstance(node, yaml.SequenceNode):
        items = list(enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        items = sorted(_indexed(node, path), key=lambda item: item[0])
        for expected, (index, _) in enumerate(items):
            if index != expected:
                what = f"{index} occurs twice" if index < expected else f"{expected} is missing"
                raise FormatError(path, "names", f"the index {what}. Number the names 0, 1, 2, ...")
    else:
        raise FormatError(path, "names", "is neither a list nor a mapping of names. Write it as a list.")
    for index, item in items:
        if not isinstance(item, yaml.ScalarNode):
            raise FormatError(path, f"names[{index}]", "is no text. Write the name of the class.")
    return [item for _, item in items]


def _indexed(node: yaml.MappingNode, path: Path | str) -> list[tuple[int, yaml.Node]]:
    items: list[tuple[int, yaml.Node]] = []
    for key, value in node.value:
        text = key.value if isinstance(key, yaml.ScalarNode) else ""
        if not (text.isascii() and text.isdigit() and len(text) < 7):
            raise FormatError(path, f"names.{text[:40]}", "is no index of a class. Number the names 0, 1, 2, ...")
        items.append((int(text), value))
    return items


def _entries(node: yaml.Node, key: str, faults: list[Fault]) -> list[tuple[str, str]]:
    """(place, entry) of a split: one folder or list file, or a list of them."""
    if isinstance(node, yaml.SequenceNode):
        numbered = [(f"{key}[{index}]", item) for index, item in enumerate(node.value)]
    else:
        numbered = [(key, node)]
    entries = [(place, _text(item, place, faults)) for place, item in numbered]
    return [(place, entry) for place, entry in entries if entry]


def _text(node: yaml.Node | None, place: str, faults: list[Fault]) -> str:
    """A text; "" for null, and for what is none, which is listed."""
    if node is None:
        return ""
    if not isinstance(node, yaml.ScalarNode):
        action = "It is ignored; correct it in the file."
        faults.append(Fault(place, "not-a-path", "is no path of a folder or file.", action, "warning"))
        return ""
    return "" if node.tag.endswith(":null") else str(node.value)


def _check_number_of_classes(node: yaml.Node | None, names: int, faults: list[Fault]) -> None:
    said = node.value if isinstance(node, yaml.ScalarNode) else None
    if node is None or said == str(names):
        return
    message = f"says {shown(said)}, but there are {names} names."
    faults.append(Fault("nc", "wrong-count", message, "The names count; correct nc in the file.", "warning"))


def _keypoints(node: yaml.Node | None, faults: list[Fault]) -> tuple[int, int]:
    if node is None:
        return 0, 2
    values = [item.value for item in node.value] if isinstance(node, yaml.SequenceNode) else []
    if len(values) == 2 and all(isinstance(v, str) and v.isascii() and v.isdigit() and len(v) < 5 for v in values):
        count, step = int(values[0]), int(values[1])
        if step in (2, 3):
            return count * step, step
    action = "It is ignored; write it as [number of points, 2 or 3]."
    faults.append(Fault("kpt_shape", "bad-shape", "is no pair of whole numbers.", action, "warning"))
    return 0, 2


# --- patching ------------------------------------------------------------------------------------------


def _fresh_list(wanted: Mapping[int, str]) -> bytes | None:
    """A new classes.txt; None while every category is called by its index, as it is without any list."""
    if all(name == str(index) for index, name in wanted.items()):
        return None
    count = max(wanted) + 1
    return "".join(f"{wanted.get(index, index)}\n" for index in range(count)).encode("utf-8")


def _changes(names: Sequence[str], wanted: Mapping[int, str]) -> tuple[dict[int, str], list[str]]:
    """(new names by index of those that are there, names to append). A gap is filled by the index.

    A repeated name that was numbered on reading keeps its text until the other one, which numbered it, changes.
    """
    count = max((index + 1 for index in wanted), default=0)
    appended = [wanted.get(index, str(index)) for index in range(len(names), count)]
    changed: dict[int, str] = {}
    while True:
        now = category_names([*(changed.get(index, name) for index, name in enumerate(names)), *appended])
        more = {i: name for i, name in wanted.items() if i < len(names) and i not in changed and name != now[i]}
        if not more:
            return changed, appended
        changed |= more


def _patch_list(original: bytes, path: str, wanted: Mapping[int, str]) -> bytes:
    names = read_list(original, path)
    changed, appended = _changes(names, wanted)
    if not changed and not appended:
        return original
    text = read_text(original, path)
    lines = list(text.lines[: len(names)])
    rest = text.lines[len(names) :]
    for index, name in changed.items():
        old = lines[index].text
        kept = old.strip()
        lines[index] = Line(old.replace(kept, name, 1) if kept else name, lines[index].end)
    ends_open = bool(text.lines) and not text.lines[-1].end
    lines += [Line(name, text.newline) for name in appended]
    parts = [line.text + (line.end or text.newline) for line in lines]
    if ends_open and not rest and parts:
        parts[-1] = lines[-1].text
    return text.encode("".join((*parts, *(line.text + line.end for line in rest))))


def _patch_yaml(original: bytes, path: str, wanted: Mapping[int, str]) -> bytes:
    bom, text = _decode(original, path)
    top = _compose(text, path)
    nodes = _name_nodes(top["names"], path) if "names" in top else []
    names = [node.value for node in nodes]
    changed, appended = _changes(names, wanted)
    if not changed and not appended:
        return original
    changes = [_replaced(text, nodes[index], name) for index, name in changed.items()]
    if appended:
        changes.append(_append(text, top["names"], nodes, appended, path))
        number = top.get("nc")
        if isinstance(number, yaml.ScalarNode) and number.value == str(len(names)):
            changes.append(Splice(number.start_mark.index, number.end_mark.index, str(len(names) + len(appended))))
    result = bom + splice(text, changes).encode("utf-8")
    expected = [changed.get(index, name) for index, name in enumerate(names)] + appended
    if list(read_yaml(result, path).names) != expected:
        raise FormatError(path, "names", "is written in a way that cannot be changed. Write the names as a list.")
    return result


def _replaced(text: str, node: yaml.ScalarNode, name: str) -> Splice:
    start, end = node.start_mark.index, node.end_mark.index
    return Splice(start, end, _scalar(name, node.style))


def _append(text: str, node: yaml.Node, nodes: Sequence[yaml.ScalarNode], appended: Sequence[str], path: str) -> Splice:
    """The new names behind the last one of the list or mapping, laid out as it is."""
    is_list = isinstance(node, yaml.SequenceNode)
    style = nodes[-1].style if nodes else None
    items = [
        _scalar(name, style) if is_list else f"{index}: {_scalar(name, style)}"
        for index, name in enumerate(appended, start=len(nodes))
    ]
    if not nodes:
        joined = ", ".join(items)
        return Splice(node.start_mark.index, node.end_mark.index, f"[{joined}]" if is_list else f"{{{joined}}}")
    last = max(nodes, key=lambda item: int(item.end_mark.index))
    end = int(last.end_mark.index)
    if getattr(node, "flow_style", False):
        return Splice(end, end, "".join(f", {item}" for item in items))
    line = text.rfind("\n", 0, last.start_mark.index) + 1
    indent = re.match(r"[ \t]*", text[line:])
    dash = text[line : last.start_mark.index] if is_list else indent.group() if indent else ""
    if is_list and not re.fullmatch(r"[ ]*-[ \t]+", dash):
        raise FormatError(path, "names", "is written in a way that cannot be added to. Write one name a line.")
    stop = text.find("\n", end)
    newline = "\r\n" if text[stop - 1 : stop] == "\r" else "\n"
    place = len(text) if stop < 0 else stop - (len(newline) - 1)
    return Splice(place, place, "".join(f"{newline}{dash}{item}" for item in items))


def _scalar(name: str, style: str | None) -> str:
    """The name as YAML text that every reader takes for text, in this style where it can be."""
    if style is None and _PLAIN.fullmatch(name) and _is_safe_word(name):
        return name
    if style == '"' or _UNPRINTABLE.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", escaped) + '"'
    return "'" + name.replace("'", "''") + "'"


def yaml_text(text: str) -> str:
    """The text as a YAML scalar, in quotes where it could be taken for something else."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_/-]*", text) and _is_safe_word(text) else _scalar(text, "'")


def _is_safe_word(text: str) -> bool:
    return text.casefold() not in _YAML_WORDS


def _check_size(data: bytes, path: Path | str) -> None:
    if len(data) > MAX_BYTES:
        raise FormatError(path, "", f"is larger than {MAX_BYTES >> 20} MiB, too large for a list of names.")


def _check_count(names: Sequence[str], path: Path | str) -> None:
    if len(names) > MAX_NAMES:
        raise FormatError(path, "names", f"has {len(names)} names; at most {MAX_NAMES} are possible.")
