"""The victim of test_kill_short: edits a project as fast as it can and prints every acknowledged edit.

Run as `python editing_child.py PROJECT SEED`; lasts until it is killed.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.edits import Edit, ImageChange, state_after
from rcnn_studio.store.project import ProjectStore


def next_edit(store: ProjectStore, rng: random.Random, image_ids: list[int]) -> Edit:
    """Draws, moves or deletes a box of some image."""
    record = store.image(rng.choice(image_ids))
    removed: tuple[Box, ...] = ()
    added: tuple[Box, ...] = ()
    action = rng.choice(("draw", "move", "delete")) if record.boxes else "draw"
    if action == "draw":
        x, y = rng.randrange(40), rng.randrange(30)
        added = (Box(id=store.next_box_id(), x1=x, y1=y, x2=x + 9, y2=y + 9, category_id=1),)
    else:
        removed = (rng.choice(record.boxes),)
        if action == "move":
            x, y = rng.randrange(40), rng.randrange(30)
            added = (removed[0].moved_to(x, y, x + 12, y + 12),)
    after = tuple(box for box in record.boxes if box not in removed) + added
    state = (record.state, state_after(after, record.state))
    return Edit(text=action, images=(ImageChange(image_id=record.id, removed=removed, added=added, state=state),))


def main() -> None:
    store = ProjectStore.open(Path(sys.argv[1]))
    assert not store.read_only, store.owner
    rng = random.Random(int(sys.argv[2]))
    image_ids = [int(i) for i in store.image_table().ids]
    room = threading.Semaphore(8)
    os.write(1, b"ready\n")

    def acknowledged(sequence: int) -> None:
        os.write(1, b"%d\n" % sequence)
        room.release()

    def failed(error: Exception) -> None:
        os.write(1, f"error {error}\n".encode())
        os._exit(3)

    while True:
        room.acquire()
        store.submit(next_edit(store, rng, image_ids), on_done=acknowledged, on_error=failed)
        if rng.random() < 0.1:
            store.write_back(wait=False)


if __name__ == "__main__":
    main()
