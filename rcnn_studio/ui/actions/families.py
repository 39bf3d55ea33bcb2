"""Rows of the table that come in families: arrows, alignments, classes on keys. Rows, nothing else."""

from __future__ import annotations

from rcnn_studio.ui.actions.spec import ActionSpec, canvas_row, mark, row


def nudges() -> tuple[ActionSpec, ...]:
    """The keys of the arrows: move and grow, by 1 and by 10 pixels."""
    rows: list[ActionSpec] = []
    sides = ("left", "right", "up", "down")
    moves = (mark("Move left"), mark("Move right"), mark("Move up"), mark("Move down"))
    moves_10 = (mark("Move left by 10"), mark("Move right by 10"), mark("Move up by 10"), mark("Move down by 10"))
    far = (mark("Right edge left"), mark("Right edge right"), mark("Bottom edge up"), mark("Bottom edge down"))
    far_10 = (
        mark("Right edge left by 10"),
        mark("Right edge right by 10"),
        mark("Bottom edge up by 10"),
        mark("Bottom edge down by 10"),
    )
    near = (mark("Left edge left"), mark("Left edge right"), mark("Top edge up"), mark("Top edge down"))
    near_10 = (
        mark("Left edge left by 10"),
        mark("Left edge right by 10"),
        mark("Top edge up by 10"),
        mark("Top edge down by 10"),
    )
    kinds = (
        ("nudge", "", moves, "", mark("Move by 1 pixel")),
        ("nudge", "_10", moves_10, "Shift+", mark("Move by 10 pixels")),
        ("grow_far", "", far, "Ctrl+", mark("Right or bottom edge by 1 pixel")),
        ("grow_far", "_10", far_10, "Ctrl+Shift+", mark("Right or bottom edge by 10 pixels")),
        ("grow_near", "", near, "Alt+", mark("Left or top edge by 1 pixel")),
        ("grow_near", "_10", near_10, "Alt+Shift+", mark("Left or top edge by 10 pixels")),
    )
    options: dict[str, object] = {"in_list": False, "repeats": True, "menu": "box.move"}
    for kind, step, texts, held, family in kinds:
        for side, text in zip(sides, texts, strict=True):
            icon = f"arrow-{side}" if kind == "nudge" and not step else ""
            key = f"{held}{side.capitalize()}"
            rows.append(canvas_row(f"box.{kind}_{side}{step}", text, key, family=family, icon=icon, **options))
    return tuple(rows)


def arranging() -> tuple[ActionSpec, ...]:
    """A selection lined up or made of one size, and which of the boxes on each other a click takes first."""
    sides = {
        "left": mark("Align Left Edges"),
        "right": mark("Align Right Edges"),
        "top": mark("Align Top Edges"),
        "bottom": mark("Align Bottom Edges"),
    }
    sizes = {"width": mark("Same Width"), "height": mark("Same Height"), "size": mark("Same Size")}
    tip = mark("As the box under the pointer, else as the largest one of the selection")
    return (
        *(canvas_row(f"align.{side}", sides[side], icon=f"align-{side}", menu="box.arrange") for side in sides),
        *(canvas_row(f"same.{size}", sizes[size], icon=f"same-{size}", menu="box.arrange", tip=tip) for size in sizes),
        canvas_row(
            "order.front",
            mark("Bring to Front"),
            icon="order-front",
            menu="box.arrange",
            tip=mark("A click takes this box before the others here, until another image is shown"),
        ),
        canvas_row(
            "order.back",
            mark("Send to Back"),
            icon="order-back",
            menu="box.arrange",
            tip=mark("A click takes this box after all others here, until another image is shown"),
        ),
    )


def category_keys() -> tuple[ActionSpec, ...]:
    text, family = mark("Class on key {0}"), mark("Class of the selection, or of the next box")
    return tuple(
        canvas_row(f"category.{n}", text.format(n % 10), str(n % 10), menu="box.class", family=family)
        for n in range(1, 11)
    )


def class_rows() -> tuple[ActionSpec, ...]:
    """What is done to the class in hand, and so to all of its boxes."""
    own = {"menu": "box.class"}
    return (
        row("category.add", mark("Add Class"), icon="plus", **own),
        row("category.rename", mark("Rename Class"), icon="edit", tip=mark("In the list of classes: F2"), **own),
        row("category.color", mark("Colour of the Class..."), icon="palette", **own),
        row("category.key", mark("Key of the Class..."), icon="keys", **own),
        canvas_row(
            "category.hide",
            mark("Hide or Show Class"),
            "Ctrl+Alt+H",
            icon="peek",
            tip=mark("Its boxes are not shown on the canvas; nothing else changes"),
            **own,
        ),
        row("category.only", mark("Show Only This Class"), tip=mark("And once more: all of them"), **own),
        canvas_row(
            "category.lock",
            mark("Lock or Unlock Class"),
            "Ctrl+Alt+L",
            icon="lock",
            tip=mark("Its boxes cannot be picked, moved or deleted"),
            **own,
        ),
        row("category.show_all", mark("Show All Classes"), icon="eye", **own),
        row("category.unlock_all", mark("Unlock All Classes"), icon="lock-open", **own),
        row("category.move_up", mark("Move Class Up"), tip=mark("In the list of classes: Alt+Up"), **own),
        row("category.move_down", mark("Move Class Down"), tip=mark("In the list of classes: Alt+Down"), **own),
        row("category.spread", mark("Fresh Colours for All Classes"), icon="theme", **own),
        row("category.merge", mark("Merge Class into..."), icon="accept-all", **own),
        row("category.delete", mark("Delete Class..."), icon="trash", **own),
        row(
            "category.ask",
            mark("Ask for the Class after Each Box"),
            checkable=True,
            tip=mark("The list of classes opens at a box just drawn: Enter takes one, Esc leaves the class in hand"),
            **own,
        ),
    )


def key_presets() -> tuple[ActionSpec, ...]:
    """Keys for people who come from another tool, one row each."""
    words = mark("keys preset shortcuts hotkeys keyboard habits")
    texts = {
        "studio": mark("Keys of RCNN Studio"),
        "labelimg": mark("Keys of labelImg"),
        "labelme": mark("Keys of labelme"),
        "cvat": mark("Keys of CVAT"),
    }
    return tuple(
        row(f"keys.{name}", text, icon="keys", menu="help.presets", checkable=True, words=words)
        for name, text in texts.items()
    )
