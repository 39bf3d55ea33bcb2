"""What becomes of a mask or key points that stand in a file's record beside a box, once the box is edited.

Which way is taken is the person's choice; how a file is changed then is its codec's work.
"""

from __future__ import annotations

from enum import StrEnum


class ShapeWay(StrEnum):
    """KEEP as they were, SCALE with the box, CLEAR."""

    KEEP = "keep"
    SCALE = "scale"
    CLEAR = "clear"
