"""Edits, boxes and categories as JSON for the history, and back. Fields at their defaults are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Category, ImageState
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import DocumentChange, Edit, ImageChange, new_key

JsonDict = dict[str, Any]


def dumps(value: Any) -> str:
    """Compact JSON text. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def extra_to_text(extra: Mapping[str, Any]) -> str:
    """An `extra` mapping as it is stored: "" when empty, which nearly all are."""
    return dumps(dict(extra)) if extra else ""


def extra_from_text(text: str) -> JsonDict:
    """The mapping back. Raises ValueError on damaged text."""
    if not text:
        return {}
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ValueError("extra is not an object")
    return value


def edit_to_json(edit: Edit) -> str:
    """The edit as one line of JSON; its inverse follows from it, because it says what was and what is."""
    data: JsonDict = {
        "text": edit.text,
        "key": edit.key,
        "images": [_change_to_dict(change) for change in edit.images],
    }
    if edit.undoes:
        data["undoes"] = edit.undoes
    if edit.categories is not None:
        data["categories"] = [[_category_to_dict(c) for c in side] for side in edit.categories]
    if edit.documents:
        data["documents"] = [[d.file_id, d.before, d.after] for d in edit.documents]
    if edit.merge is not None:
        data["merge"] = list(edit.merge)
    if edit.remove_category is not None:
        data["remove_category"] = edit.remove_category
    return dumps(data)


def edit_from_json(text: str, *, key: str = "") -> Edit:
    """The edit back, equal to the one that was stored. key: of an edit of the first version, which had none.

    Raises ValueError, KeyError or TypeError on damaged text.
    """
    data = orjson.loads(text)
    sides = data.get("categories")
    merge = data.get("merge")
    return Edit(
        text=data["text"],
        images=tuple(_change_from_dict(change) for change in data["images"]),
        categories=None if sides is None else (_categories(sides[0]), _categories(sides[1])),
        documents=tuple(DocumentChange(file_id=f, before=b, after=a) for f, b, a in data.get("documents", ())),
        merge=None if merge is None else (merge[0], merge[1]),
        remove_category=data.get("remove_category"),
        undoes=data.get("undoes", ""),
        key=data.get("key") or key or new_key(),
    )


def change_from_json(text: str, image_id: int) -> list[ImageChange]:
    """What a stored edit does to one image, without building what it does to the others."""
    return [_change_from_dict(change) for change in orjson.loads(text)["images"] if change["image"] == image_id]


def _categories(rows: list[JsonDict]) -> tuple[Category, ...]:
    return tuple(Category(**row) for row in rows)


def _category_to_dict(category: Category) -> JsonDict:
    data: JsonDict = {"id": category.id, "name": category.name, "color": category.color}
    if category.hotkey is not None:
        data["hotkey"] = category.hotkey
    if category.supercategory:
        data["supercategory"] = category.supercategory
    if category.extra:
        data["extra"] = dict(category.extra)
    return data


def _change_to_dict(change: ImageChange) -> JsonDict:
    data: JsonDict = {"image": change.image_id, "state": [int(change.state[0]), int(change.state[1])]}
    if change.removed:
        data["removed"] = [_box_to_dict(box) for box in change.removed]
    if change.added:
        data["added"] = [_box_to_dict(box) for box in change.added]
    if change.split is not None:
        data["split"] = list(change.split)
    if change.rejections_removed:
        data["rejections_removed"] = [_rejection_to_list(r) for r in change.rejections_removed]
    if change.rejections_added:
        data["rejections_added"] = [_rejection_to_list(r) for r in change.rejections_added]
    return data


def _change_from_dict(data: JsonDict) -> ImageChange:
    split = data.get("split")
    before, after = data["state"]
    return ImageChange(
        image_id=data["image"],
        removed=tuple(_box_from_dict(row) for row in data.get("removed", ())),
        added=tuple(_box_from_dict(row) for row in data.get("added", ())),
        state=(ImageState(before), ImageState(after)),
        split=None if split is None else (split[0], split[1]),
        rejections_removed=tuple(_rejection_from_list(row) for row in data.get("rejections_removed", ())),
        rejections_added=tuple(_rejection_from_list(row) for row in data.get("rejections_added", ())),
    )


def _box_to_dict(box: Box) -> JsonDict:
    data: JsonDict = {
        "id": box.id,
        "xyxy": [float(value) for value in box.xyxy],
        "category": box.category_id,
        "source": int(box.source),
    }
    if box.flags:
        data["flags"] = int(box.flags)
    if box.run_id is not None:
        data["run"] = box.run_id
    if box.score is not None:
        data["score"] = float(box.score)
    if box.edited:
        data["edited"] = True
    if box.place is not None:
        data["place"] = box.place
    if box.extra:
        data["extra"] = dict(box.extra)
    return data


def _box_from_dict(data: JsonDict) -> Box:
    x1, y1, x2, y2 = data["xyxy"]
    return Box(
        id=data["id"],
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        category_id=data["category"],
        flags=BoxFlag(data.get("flags", 0)),
        source=BoxSource(data["source"]),
        run_id=data.get("run"),
        score=data.get("score"),
        edited=data.get("edited", False),
        place=data.get("place"),
        extra=data.get("extra", {}),
    )


def _rejection_to_list(r: Rejection) -> list[Any]:
    return [r.run_id, r.category_id, float(r.x1), float(r.y1), float(r.x2), float(r.y2), float(r.score)]


def _rejection_from_list(row: list[Any]) -> Rejection:
    run_id, category_id, x1, y1, x2, y2, score = row
    return Rejection(run_id=run_id, category_id=category_id, x1=x1, y1=y1, x2=x2, y2=y2, score=score)
