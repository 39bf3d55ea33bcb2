"""Bringing a project database of an earlier version up to date, one version a transaction.

Nothing is lost when a step fails: a copy of the database as it was is made first and put back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from rcnn_studio import __version__
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store.schema import PLACE_BITS, SINCE_VERSION_2, VERSION, check_version, now_text, transaction

_log = logging.getLogger(__name__)

Migration = Callable[[sqlite3.Connection], None]


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Brings the database that `db` is the only writer of to VERSION; does nothing where it is there already.

    The copy stays beside it as project.rcnn.version-N. Raises ProjectError; the database is of its old version then.
    """
    version = check_version(db, path)
    if version == VERSION:
        return
    copy = backup_path(path, version)
    _copy(db, copy)
    for target in range(version + 1, VERSION + 1):
        try:
            db.execute("PRAGMA foreign_keys = OFF")  # tables are replaced; checked before the commit instead
            with transaction(db):
                MIGRATIONS[target](db)
                _check(db)
                db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (target, now_text(), __version__))
                db.execute(f"PRAGMA user_version = {target}")
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise ProjectError(
                f"{path}: could not be brought from format {target - 1} to {target} ({error}). Nothing was changed; "
                f"a copy is in {copy.name}. Open it with the version that made it, and report this."
            ) from error
        finally:
            db.execute("PRAGMA foreign_keys = ON")
    _log.info("%s: brought from format %d to %d", path, version, VERSION)


def backup_path(path: Path, version: int) -> Path:
    """Where the copy of a database goes before it leaves `version`."""
    return path.with_name(f"{path.name}.version-{version}")


def _copy(db: sqlite3.Connection, copy: Path) -> None:
    """A whole and durable copy, in one step under its own name."""
    temp = copy.with_name(f"{copy.name}.tmp")
    try:
        temp.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(temp)) as target:
            db.backup(target)
        with temp.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temp, copy)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            temp.unlink(missing_ok=True)
        raise ProjectError(
            f"{copy}: the project has to be brought up to date, but no copy of it can be made first ({error}). "
            "Free some space or allow writing to its folder."
        ) from error


def _check(db: sqlite3.Connection) -> None:
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise ValueError(f"a row of {broken[0]} speaks of a row of {broken[2]} that is not there")


def _statements(script: str) -> list[str]:
    return [part for part in script.split(";\n") if part.strip()]


def _to_version_2(db: sqlite3.Connection) -> None:
    """Documents by generation, an undo log, the history by image, and backups."""
    db.execute("ALTER TABLE originals RENAME TO originals_1")
    db.execute("ALTER TABLE history RENAME TO history_1")
    for statement in _statements(SINCE_VERSION_2):
        db.execute(statement)
    for column in ("since INTEGER NOT NULL DEFAULT 0", "generation INTEGER NOT NULL DEFAULT 0"):
        db.execute(f"ALTER TABLE files ADD COLUMN {column}")
    db.execute("ALTER TABLE files ADD COLUMN seen TEXT NOT NULL DEFAULT ''")
    db.execute("UPDATE files SET since = revision WHERE revision <> written")
    db.execute("INSERT INTO originals SELECT file_id, 0, 0, data FROM originals_1")
    db.execute(
        "INSERT INTO history SELECT sequence, time, text, 'version-1-' || sequence, NULL,"
        " CASE WHEN json_extract(edit, '$.categories') IS NULL THEN '' ELSE 'categories' END, edit FROM history_1"
    )
    db.execute(
        "INSERT OR IGNORE INTO history_images"
        " SELECT each.value, history_1.sequence FROM history_1, json_each(history_1.image_ids) AS each"
    )
    db.execute("DROP TABLE originals_1")
    db.execute("DROP TABLE history_1")
    db.execute("UPDATE boxes SET place = NULL WHERE place >= ?", (1 << PLACE_BITS,))


MIGRATIONS: dict[int, Migration] = {2: _to_version_2}
"""One entry for each version after the first: brings a database of version key - 1 to version key."""
