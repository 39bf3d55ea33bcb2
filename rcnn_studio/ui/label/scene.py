"""What the canvas shows at this moment, as one value that the layers read. Holds no widgets and paints nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, QRect, QRectF

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label.chips import Chips
from rcnn_studio.ui.label.look import NEUTRAL, Look
from rcnn_studio.ui.label.plates import Plates
from rcnn_studio.ui.label.shapes import EMPTY, Corners, Shapes
from rcnn_studio.ui.label.view import Frame, View
from rcnn_studio.ui.theme import LIGHT, Colors
from rcnn_studio.workspace.image_tiles import Tile
from rcnn_studio.workspace.pictures import Picture

UNKNOWN_COLOR = "#9aa2ad"
FLAG_LETTERS = ((BoxFlag.OCCLUDED, "O"), (BoxFlag.TRUNCATED, "T"), (BoxFlag.DIFFICULT, "D"), (BoxFlag.CROWD, "C"))


def flag_names() -> dict[BoxFlag, str]:
    """The flags in words, in the order of their letters."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("flags", text)

    return {
        BoxFlag.OCCLUDED: tr("Occluded"),
        BoxFlag.TRUNCATED: tr("Truncated"),
        BoxFlag.DIFFICULT: tr("Difficult"),
        BoxFlag.CROWD: tr("Crowd"),
    }


def flag_words(flags: int) -> str:
    """ "O: occluded, T: truncated" """
    letters = dict(FLAG_LETTERS)
    return ", ".join(f"{letters[flag]}: {name.lower()}" for flag, name in flag_names().items() if flags & flag)


@dataclass(slots=True, kw_only=True)
class Scene:
    """Sizes and view in device pixels, everything else in image pixels. Only the canvas writes.

    moved: corners of boxes under a drag, by id. locked: categories whose boxes a hand may not change. draft: the
    rectangle being drawn; band: the rubber band.
    pointer: image point under the mouse in the draw tool (None: no crosshair). grip: the handle that a press would
    take; handles_inside: as in the draw tool. guides: lines x and y that a dragged edge sticks to. hint_at: logical
    widget point beside which the hint stands (None: at the lower edge), hint_spot: where that is, hint_shown: 0 to 1
    while it fades.
    """

    frame: Frame = field(default_factory=lambda: Frame(1, 1, 1, 1))
    view: View = field(default_factory=View)
    dpr: float = 1.0
    colors: Colors = LIGHT
    chips: Chips = field(default_factory=Chips)
    plates: Plates = field(default_factory=lambda: Plates(QRect()))
    image: Picture | None = None
    tiles: tuple[Tile, ...] = ()
    look: Look = NEUTRAL
    grid: bool = True
    message: str = ""
    shapes: Shapes = EMPTY
    ghosts: Shapes = EMPTY
    focused: int | None = None
    focus_hint: str = ""
    sure_from: float = 0.0
    names: Mapping[int, str] = field(default_factory=dict)
    tints: Mapping[int, str] = field(default_factory=dict)
    selection: frozenset[int] = frozenset()
    locked: frozenset[int] = frozenset()
    hovered: int | None = None
    hover_shown: bool = True
    hover_faint: bool = False
    boxes_shown: bool = True
    moved: dict[int, Corners] = field(default_factory=dict)
    draft: Corners | None = None
    draft_color: str = UNKNOWN_COLOR
    band: Corners | None = None
    crosshair: tuple[float, float] | None = None
    hint: str = ""
    hint_at: tuple[float, float] | None = None
    hint_spot: QRectF | None = None
    hint_shown: float = 1.0
    grip: int | None = None
    handles_inside: bool = False
    guides: tuple[float | None, float | None] = (None, None)

    def px(self, logical: float) -> int:
        """A length in logical pixels as whole device pixels, at least 1."""
        return max(1, round(logical * self.dpr))

    def name(self, category_id: int) -> str:
        return self.names.get(category_id, "?")

    def color(self, category_id: int) -> str:
        return self.tints.get(category_id, UNKNOWN_COLOR)

    def corners(self, box_id: int) -> Corners | None:
        """Where a box is now, a drag in progress included."""
        if box_id in self.moved:
            return self.moved[box_id]
        return self.shapes.corners(box_id) if box_id in self.shapes.row_of else None

    def category_of(self, box_id: int) -> int:
        return int(self.shapes.category_ids[self.shapes.row_of[box_id]])

    def label(self, row: int) -> str:
        """Name of a box's class with the letters of its flags."""
        text = self.name(int(self.shapes.category_ids[row]))
        flags = int(self.shapes.flags[row])
        if not flags:
            return text
        return f"{text} · {' '.join(letter for flag, letter in FLAG_LETTERS if flags & flag)}"
