"""Making a closed project's database small again, within a bounded time. Changes nothing that is in it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path

from rcnn_studio.store.schema import open_for_writing

_log = logging.getLogger(__name__)

WORTH_PAGES = 2000
WORTH_SHARE = 0.2
LONGEST_S = 1.5
_PAGES_A_STEP = 500


def compact(path: Path, *, longest_s: float = LONGEST_S) -> None:
    """Gives free pages back to the disk where there are many, and empties the log. Called when nobody else has the
    database open; raises nothing, because everything is saved already."""
    try:
        with contextlib.closing(open_for_writing(path)) as db:
            free, pages = _number(db, "freelist_count"), _number(db, "page_count")
            if free > WORTH_PAGES and free > WORTH_SHARE * pages:
                _give_back(db, time.monotonic() + longest_s)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except (sqlite3.Error, OSError) as error:
        _log.info("%s: not made smaller: %s", path, error)


def _give_back(db: sqlite3.Connection, deadline: float) -> None:
    """Page by page where the database was made for that, else all at once or, when it takes too long, not at all."""
    if _number(db, "auto_vacuum") == 2:
        while _number(db, "freelist_count") and time.monotonic() < deadline:
            # execute would make one step of it only, which is one page
            db.executescript(f"PRAGMA incremental_vacuum({_PAGES_A_STEP});")
        return
    db.set_progress_handler(lambda: int(time.monotonic() > deadline), 500)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
    finally:
        db.set_progress_handler(None, 0)


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
