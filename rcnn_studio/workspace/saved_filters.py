"""Filters of the image list that a person has given a name, remembered with the project. Applies none."""

from __future__ import annotations

from typing import Any

import orjson

from rcnn_studio.domain.image_query import ImageQuery, query_from_json, query_to_json
from rcnn_studio.workspace.view_memory import ViewMemory

KEY = "list.saved_filters"
LAST_KEY = "list.query"


class SavedFilters:
    """memory: where they are kept; None: they last as long as this object."""

    def __init__(self, memory: ViewMemory | None) -> None:
        self._memory = memory
        self._queries: dict[str, ImageQuery] = {}
        stored = _parsed(memory.text(KEY)) if memory is not None else {}
        for name, data in stored.items():
            if isinstance(data, dict):
                self._queries[name] = query_from_json(data)

    def names(self) -> list[str]:
        return sorted(self._queries, key=str.casefold)

    def get(self, name: str) -> ImageQuery:
        """Raises KeyError for an unknown name."""
        return self._queries[name]

    def name_of(self, query: ImageQuery) -> str:
        """The name of this very filter; "" where it has none."""
        return next((name for name, known in self._queries.items() if known == query), "")

    def save(self, name: str, query: ImageQuery) -> None:
        """Keep it under this name, in place of one that had it."""
        self._queries[name.strip()] = query
        self._write()

    def remove(self, name: str) -> None:
        self._queries.pop(name, None)
        self._write()

    def last(self) -> ImageQuery:
        """The filter that was on when the project was closed."""
        return query_from_json(_parsed(self._memory.text(LAST_KEY))) if self._memory is not None else ImageQuery()

    def remember(self, query: ImageQuery) -> None:
        """This filter is on now."""
        if self._memory is not None:
            self._memory.set(LAST_KEY, orjson.dumps(query_to_json(query)).decode())

    def _write(self) -> None:
        if self._memory is not None:
            data = {name: query_to_json(query) for name, query in self._queries.items()}
            self._memory.set(KEY, orjson.dumps(data).decode())


def _parsed(text: str) -> dict[str, Any]:
    try:
        values = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return values if isinstance(values, dict) else {}
