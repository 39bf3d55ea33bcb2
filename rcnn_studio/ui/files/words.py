"""Sizes, times, counts and file names as a person reads them. Knows no widgets."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale, Qt, QTime

from rcnn_studio.workspace.files import Changes


def tr(text: str) -> str:
    return QCoreApplication.translate("files", text)


def size_text(size: int) -> str:
    """Bytes with a unit."""
    return QLocale().formattedDataSize(size, 1)


def counted(number: int, one: str, many: str) -> str:
    """`one`, or `many` with its {0} filled by the number."""
    return one if number == 1 else many.format(f"{number:,}")


def files_text(number: int) -> str:
    return counted(number, tr("1 file"), tr("{0} files"))


def boxes_text(number: int) -> str:
    return counted(number, tr("1 box"), tr("{0} boxes"))


def changes_text(changes: Changes) -> str:
    """ "14 files, 31 boxes"."""
    parts = [files_text(changes.total)]
    if changes.boxes is not None:
        parts.append(boxes_text(changes.boxes))
    return ", ".join(parts)


def session_text(changes: Changes) -> str:
    """What a session has changed on disk, as a sentence; "" where that is nothing."""
    if not changes.total:
        return ""
    return tr("Changed on disk in this session: {0}.").format(changes_text(changes))


def local_time(text: str) -> QDateTime:
    """A stored time (UTC, ISO 8601) in the person's own time zone; an invalid one where it cannot be read."""
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return QDateTime()
    return QDateTime(QDate(moment.year, moment.month, moment.day), QTime(moment.hour, moment.minute, moment.second))


def time_text(text: str) -> str:
    """The time of day of a stored time."""
    moment = local_time(text)
    return QLocale().toString(moment.time(), QLocale.FormatType.ShortFormat) if moment.isValid() else "?"


def day_text(text: str, today: QDate | None = None) -> str:
    """The day of a stored time: "Today", "Yesterday", else its date."""
    moment = local_time(text)
    if not moment.isValid():
        return tr("Some day")
    days = moment.date().daysTo(today or QDate.currentDate())
    if days in (0, 1):
        return tr("Today") if days == 0 else tr("Yesterday")
    return QLocale().toString(moment.date(), QLocale.FormatType.LongFormat)


def moment_text(text: str) -> str:
    """Day and time of a stored time."""
    return tr("{0}, {1}").format(day_text(text), time_text(text))


def as_it_was_text(name: str, text: str) -> str:
    """ "hw_0072.jpg as it was today at 07:37"."""
    moment = local_time(text)
    days = moment.date().daysTo(QDate.currentDate()) if moment.isValid() else -1
    if days in (0, 1):
        said = tr("{0} as it was today at {1}") if days == 0 else tr("{0} as it was yesterday at {1}")
        return said.format(name, time_text(text))
    return tr("{0} as it was on {1} at {2}").format(name, day_text(text), time_text(text))


def split_path(path: str) -> tuple[str, str]:
    """(name, folder) of a file, both separators known."""
    at = max(path.rfind("/"), path.rfind("\\"))
    return path[at + 1 :], path[: max(at, 0)]


ELIDE_FOLDER = Qt.TextElideMode.ElideLeft
"""Of a folder its end says more than its beginning."""
