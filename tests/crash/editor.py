"""The child's side: edits a real project at random, says before what each edit leads to, and after that it is saved.

Judges nothing; the parent does, with labels and files.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rcnn_studio.domain.dataset import Box, Category, ImageState
from rcnn_studio.domain.edits import Edit, ImageChange, state_after
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.project import ProjectStore
from tests.crash.files import HEIGHT, WIDTH
from tests.crash.forking import Tell

_MOST_BOXES = 9
_QUEUED = 8


@dataclass(slots=True)
class _Image:
    state: ImageState
    boxes: dict[int, Box]


class Editor:
    """Makes one random edit after the other. Its own memory of the labels says what each one leads to.

    grid: corners are multiples of it (VOC: whole pixels).
    """

    def __init__(self, store: ProjectStore, rng: random.Random, tell: Tell, *, grid: float = 1.0) -> None:
        self._store, self._rng, self._tell, self._grid = store, rng, tell, grid
        self._images: dict[int, _Image] = {}
        for image_id in store.image_table().ids:
            record = store.image(int(image_id))
            self._images[int(image_id)] = _Image(record.state, {box.id: box for box in record.boxes})
        self._categories = store.categories()
        self._undo: list[Edit] = []
        self._before: dict[str, tuple[dict[int, _Image], tuple[Category, ...]]] = {}
        self._made = 0
        self._room = threading.Semaphore(_QUEUED)

    def step(self) -> None:
        """One edit: chosen, announced, submitted. Waits while too many are on their way."""
        actions: list[tuple[int, Callable[[], Edit | None]]] = [
            (30, self._draw),
            (25, self._move),
            (12, self._delete),
            (8, self._set_state),
            (6, self._several),
            (3, self._rename),
            (2, self._add_category),
            (2, self._merge),
            (2, self._remove_category),
            (16, self._take_back),
        ]
        edit = None
        while edit is None:
            edit = self._rng.choices([a for _, a in actions], [w for w, _ in actions])[0]()
        self.submit(edit)

    def submit(self, edit: Edit, *, on_error: Callable[[StudioError], None] | None = None) -> None:
        self._room.acquire()
        self._made += 1
        number = self._made
        touched = self._remember(edit)
        self._announce(number, edit, touched)

        def done(sequence: int) -> None:
            self._tell({"ack": number, "sequence": sequence})
            self._room.release()

        def failed(error: StudioError) -> None:
            self._tell({"failed": number, "error": str(error)})
            self._room.release()

        self._store.submit(edit, on_done=done, on_error=on_error or failed)

    # Chosen edits, for cases that need a certain one

    def draw_in(self, image_id: int) -> None:
        box = Box(id=self._store.next_box_id(), x1=8.0, y1=9.0, x2=40.0, y2=50.0, category_id=self._categories[0].id)
        self.submit(Edit(text="Draw", images=(self._change(image_id, added=(box,)),)))

    def move_first(self, image_id: int) -> None:
        box = next(iter(self._images[image_id].boxes.values()))
        moved = box.moved_to(box.x1 + 1, box.y1, box.x2 + 1, box.y2)
        self.submit(Edit(text="Move", images=(self._change(image_id, (box,), (moved,)),)))

    def clear(self, image_id: int) -> None:
        boxes = tuple(self._images[image_id].boxes.values())
        self.submit(Edit(text="Delete", images=(self._change(image_id, boxes),)))

    # Random ones

    def _announce(self, number: int, edit: Edit, touched: set[int]) -> None:
        changed = edit.categories is not None or edit.is_symbolic
        self._tell(
            {
                "plan": number,
                "text": edit.text,
                "images": [_as_row(i, self._images[i].state, self._images[i].boxes.values()) for i in sorted(touched)],
                "categories": [[c.id, c.name] for c in self._categories] if changed else None,
            }
        )

    def _remember(self, edit: Edit) -> set[int]:
        """Applies the edit to this side's memory. -> the images it may touch"""
        if edit.is_symbolic:
            self._remember_symbolic(edit)
            return set(self._images)
        for change in edit.images:
            image = self._images[change.image_id]
            for box in change.removed:
                del image.boxes[box.id]
            image.boxes.update((box.id, box) for box in change.added)
            image.state = change.state[1]
        if edit.categories is not None:
            self._categories = edit.categories[1]
        return {change.image_id for change in edit.images}

    def _remember_symbolic(self, edit: Edit) -> None:
        """A category goes, with its boxes or with their being of another. Its undo comes when all that was done
        later is undone, so everything is as it was."""
        if edit.undoes:
            self._images, self._categories = self._before.pop(edit.undoes)
            return
        images = {i: _Image(image.state, dict(image.boxes)) for i, image in self._images.items()}
        self._before[edit.key] = (images, self._categories)
        gone, into = edit.merge or (edit.remove_category, None)
        for image in self._images.values():
            mine = [box for box in image.boxes.values() if box.category_id == gone]
            for box in mine:
                if into is None:
                    del image.boxes[box.id]
                else:
                    image.boxes[box.id] = replace(box, category_id=into)
            if mine and not image.boxes and image.state != ImageState.NEEDS_FIX:
                image.state = ImageState.UNLABELLED
        self._categories = tuple(c for c in self._categories if c.id != gone)

    def _pick(self, *, with_boxes: bool = False) -> int | None:
        ids = [i for i, image in self._images.items() if image.boxes or not with_boxes]
        return self._rng.choice(ids) if ids else None

    def _change(self, image_id: int, removed: tuple[Box, ...] = (), added: tuple[Box, ...] = ()) -> ImageChange:
        image = self._images[image_id]
        gone = {box.id for box in removed}
        after = tuple(b for b in image.boxes.values() if b.id not in gone) + added
        state = (image.state, state_after(after, image.state))
        return ImageChange(image_id=image_id, removed=removed, added=added, state=state)

    def _keep(self, edit: Edit) -> Edit:
        self._undo.append(edit)
        return edit

    def _corners(self) -> tuple[float, float, float, float]:
        g = self._grid
        x, y = self._rng.randrange(int((WIDTH - 80) / g)) * g, self._rng.randrange(int((HEIGHT - 80) / g)) * g
        return x, y, x + self._rng.randrange(4, int(70 / g)) * g, y + self._rng.randrange(4, int(70 / g)) * g

    def _draw(self) -> Edit | None:
        image_id = self._pick()
        if image_id is None or len(self._images[image_id].boxes) >= _MOST_BOXES:
            return None
        x1, y1, x2, y2 = self._corners()
        category = self._rng.choice(self._categories).id
        box = Box(id=self._store.next_box_id(), x1=x1, y1=y1, x2=x2, y2=y2, category_id=category)
        return self._keep(Edit(text="Draw", images=(self._change(image_id, added=(box,)),)))

    def _move(self) -> Edit | None:
        image_id = self._pick(with_boxes=True)
        if image_id is None:
            return None
        box = self._rng.choice(list(self._images[image_id].boxes.values()))
        moved = box.moved_to(*self._corners())
        return self._keep(Edit(text="Move", images=(self._change(image_id, (box,), (moved,)),)))

    def _delete(self) -> Edit | None:
        image_id = self._pick(with_boxes=True)
        if image_id is None:
            return None
        boxes = list(self._images[image_id].boxes.values())
        gone = tuple(self._rng.sample(boxes, self._rng.choice((1, len(boxes)))))
        return self._keep(Edit(text="Delete", images=(self._change(image_id, gone),)))

    def _several(self) -> Edit | None:
        """All boxes of a category in every image are given another."""
        if len(self._categories) < 2:
            return None
        old, new = self._rng.sample([c.id for c in self._categories], 2)
        changes = []
        for image_id, image in self._images.items():
            mine = tuple(box for box in image.boxes.values() if box.category_id == old)
            if mine:
                changes.append(self._change(image_id, mine, tuple(replace(b, category_id=new) for b in mine)))
        return self._keep(Edit(text="Recategorise", images=tuple(changes))) if changes else None

    def _set_state(self) -> Edit | None:
        image_id = self._pick()
        assert image_id is not None
        image = self._images[image_id]
        own = (ImageState.VERIFIED, ImageState.LABELLED) if image.boxes else (ImageState.CONFIRMED_EMPTY,)
        state = self._rng.choice((*own, ImageState.NEEDS_FIX))
        if state == image.state:
            return None
        return self._keep(Edit(text="State", images=(ImageChange(image_id=image_id, state=(image.state, state)),)))

    def _rename(self) -> Edit | None:
        which = self._rng.choice(self._categories)
        name = f"{which.name.split('-')[0]}-{self._rng.randrange(1000)}"
        if any(c.name == name for c in self._categories):
            return None
        after = tuple(replace(c, name=name) if c.id == which.id else c for c in self._categories)
        return self._keep(Edit(text="Rename", categories=(self._categories, after)))

    def _add_category(self) -> Edit | None:
        if len(self._categories) > 5:
            return None
        number = max(c.id for c in self._categories) + 1
        after = (*self._categories, Category(id=number, name=f"part{number}-{self._rng.randrange(1000)}"))
        return self._keep(Edit(text="Add", categories=(self._categories, after)))

    def _take_back(self) -> Edit | None:
        """Undo of the last edit that is not taken back yet."""
        return self._undo.pop().inverse() if self._undo else None

    def _merge(self) -> Edit | None:
        if len(self._categories) < 3:
            return None
        old, new = self._rng.sample([c.id for c in self._categories], 2)
        return self._keep(Edit(text="Merge", merge=(old, new)))

    def _remove_category(self) -> Edit | None:
        if len(self._categories) < 3:
            return None
        return self._keep(Edit(text="Remove", remove_category=self._rng.choice(self._categories).id))


def dump(store: ProjectStore) -> dict[str, Any]:
    """Everything the project says, through its own door."""
    images = []
    for image_id in store.image_table().ids:
        record = store.image(int(image_id))
        images.append(_as_row(record.id, record.state, record.boxes))
    return {
        "images": images,
        "categories": [[c.id, c.name] for c in store.categories()],
        "conflicts": [c.message for c in store.conflicts()],
        "read_only": store.read_only,
    }


def _as_row(image_id: int, state: ImageState, boxes: Any) -> list[Any]:
    return [image_id, int(state), [[b.id, b.x1, b.y1, b.x2, b.y2, b.category_id] for b in boxes]]


def edit_until_killed(project: Path, seed: int, tell: Tell, *, grid: float) -> None:
    """Opens the project and edits it for ever; now and then asks for the files to be written, or closes and reopens."""
    rng = random.Random(seed)
    closes = rng.random() < 0.3
    while True:
        with ProjectStore.open(project) as store:
            tell({"dump": dump(store)})
            editor = Editor(store, rng, tell, grid=grid)
            for _ in range(rng.randrange(1, 25) if closes else 1_000_000):
                editor.step()
                if rng.random() < 0.12:
                    store.write_back(wait=rng.random() < 0.3)
                elif rng.random() < 0.1:
                    store.flush()


def open_and_close(project: Path, tell: Tell) -> None:
    """What a person does after a crash: opens, has the files written, closes. Says what the store says of it."""
    with ProjectStore.open(project) as store:
        tell({"dump": dump(store)})
        store.write_back(wait=True)
        tell(
            {
                "written": {
                    "conflicts": [c.message for c in store.conflicts()],
                    "errors": list(store.file_errors().values()),
                    "pending": store.pending_files(),
                }
            }
        )
    tell({"closed": True})
