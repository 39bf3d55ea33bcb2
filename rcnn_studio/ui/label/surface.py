"""The board as tools see it: what lies under the pointer, and what they show while a gesture goes on.

Hears no mouse and no key (canvas.py) and changes no label.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF

from rcnn_studio.domain.geometry import areas
from rcnn_studio.ui.label import hit
from rcnn_studio.ui.label.board import Board
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.live_layers import draft_area
from rcnn_studio.ui.label.scene import flag_words
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.strokes import HANDLE_PX
from rcnn_studio.ui.label.tools import Modifier, Pointer

HANDLE_REACH_PX = 6.0
EDGE_SLACK_PX = 3.0
OUTLINE_SLACK_PX = 0.75
MANY = 60


class ToolSurface(Board):
    """Points are in image pixels."""

    @property
    def tool(self) -> str:
        """The tool in hand: select or draw."""
        raise NotImplementedError

    @property
    def selection(self) -> frozenset[int]:
        """Those selected that a hand may move: not of a hidden or locked class."""
        return frozenset(self._free(sorted(self.project.selection)))

    def _free(self, box_ids: Sequence[int]) -> list[int]:
        """Those of these boxes that are seen and not locked."""
        shapes, may = self.scene.shapes, self.project.category_view.is_reachable
        return [i for i in box_ids if i in shapes.row_of and may(self.scene.category_of(i))]

    def stack_at(self, p: Pointer) -> list[int]:
        if not self.scene.boxes_shown:
            return []
        return self._free(hit.boxes_at(self.scene.shapes, p.x, p.y, slack=self.reach(EDGE_SLACK_PX)))

    def ghost_at(self, p: Pointer, *, smaller_than: int | None) -> int | None:
        found = hit.boxes_at(self.scene.ghosts, p.x, p.y, slack=self.reach(EDGE_SLACK_PX))
        if not found or smaller_than is None:
            return found[0] if found else None
        pair = areas([self.scene.ghosts.corners(found[0]), self.corners(smaller_than)])
        return found[0] if pair[0] < pair[1] else None

    def handle_at(self, p: Pointer) -> tuple[int, Handle] | None:
        """The handle that a press here would take, of the one selected box; Ctrl takes none.

        Select tool: the outline with its surroundings. Draw tool: the small squares inside of the box, as they are
        painted, so that a press beside a box, however near, begins the next one.
        """
        if not self.scene.boxes_shown or len(self.project.selection) != 1 or p.holds(Modifier.ControlModifier):
            return None
        if not self.selection:
            return None
        (only,) = self.selection
        corners = self.corners(only)
        if self.tool == "draw":
            side, slack = self.reach(HANDLE_PX), self.reach(OUTLINE_SLACK_PX)
            handle = hit.inner_handle_at(corners, p.x, p.y, side=side, slack=slack)
        else:
            handle = hit.handle_at(corners, p.x, p.y, reach=self.reach(HANDLE_REACH_PX))
        return None if handle is None else (only, handle)

    def boxes_within(self, band: Corners) -> list[int]:
        return self._free(hit.boxes_within(self.scene.shapes, band)) if self.scene.boxes_shown else []

    def corners(self, box_id: int) -> Corners:
        return self.scene.shapes.corners(box_id)

    def select(self, box_ids: Sequence[int]) -> None:
        self.project.set_selection(box_ids)

    def focus_ghost(self, index: int) -> None:
        self.review.focus(index)

    def show_draft(self, draft: Corners | None) -> None:
        for corners in (self.scene.draft, draft):
            if corners is not None:
                self.update_device(draft_area(self.scene, corners))
        self.scene.draft = draft

    def show_band(self, band: Corners | None) -> None:
        for corners in (self.scene.band, band):
            if corners is not None:
                self.update_device(draft_area(self.scene, corners))
        self.scene.band = band

    def show_moved(self, moved: dict[int, Corners]) -> None:
        few = len(moved) <= MANY and moved.keys() == self.scene.moved.keys()
        if not few:
            self.scene.moved = moved
            self.update()
            return
        self.update_boxes(moved)
        self.scene.moved = moved
        self.update_boxes(moved)

    def plate_text(self, at: QPointF) -> str:
        """What a name plate at this widget point means, in words; empty where there is none."""
        scene = self.scene
        found = scene.plates.at(int(at.x() * scene.dpr), int(at.y() * scene.dpr))
        if found is None:
            return ""
        kind, number = found
        shapes = scene.shapes if kind == "box" else scene.ghosts
        row = shapes.row_of.get(number)
        if row is None:
            return ""
        name = scene.name(int(shapes.category_ids[row]))
        if kind == "box":
            words = flag_words(int(shapes.flags[row]))
            return f"{name}\n{words}" if words else name
        text = self.tr(
            "{0}, found by the model with a score of {1} of 1\nEnter: accept · X: reject · E: accept and edit"
        )
        return text.format(name, f"{shapes.scores[row]:.2f}")
