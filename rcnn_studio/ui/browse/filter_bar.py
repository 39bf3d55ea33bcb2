"""The chips under the search field: what the list is filtered by; and one that says that it is out of date."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.dataset import TRAINABLE_STATES
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui.browse.chips import Chip
from rcnn_studio.ui.browse.flow import FlowLayout
from rcnn_studio.ui.browse.words import query_parts, trained_on_hint
from rcnn_studio.workspace.project import ProjectModel


class FilterBar(QWidget):
    """query_chosen(ImageQuery): a condition was taken away."""

    query_chosen = Signal(object)

    def __init__(self, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._query = ImageQuery()
        self._shown: list[tuple[tuple[str, ...], str]] = []
        self._flow = FlowLayout(self)
        self.chips: list[Chip] = []
        self.reading = Chip(self.tr("Reading the boxes …"))
        self.reading.setEnabled(False)
        self.reading.hide()
        self._build()

    def show_query(self, query: ImageQuery) -> None:
        """A chip for each condition; the text is seen in its own field."""
        self._query = query
        parts = query_parts(query, {category.id: category.name for category in self._project.categories})
        if parts != self._shown:
            self._shown = parts
            self._build()

    def show_reading(self, on: bool) -> None:
        """That what the filter asks for is being looked up."""
        self.reading.setVisible(on)
        self._resize()

    def _build(self) -> None:
        self._flow.removeWidget(self.reading)
        self._flow.clear()
        self.chips = []
        for names, text in self._shown:
            chip = Chip(text, closes=True)
            whole = self.tr("{0}: click to take this condition away").format(text)
            chip.setToolTip("\n".join((whole, *self._explained(names))))
            chip.setProperty("names", list(names))
            chip.clicked.connect(self._on_chip)
            self._flow.addWidget(chip)
            chip.show()  # now: what a layout shows later has no height yet where the bar asks for its own below
            self.chips.append(chip)
        self._flow.addWidget(self.reading)
        self._resize()

    def _explained(self, names: tuple[str, ...]) -> list[str]:
        """What a shorter word in a chip stands for."""
        return [trained_on_hint()] if names == ("states",) and self._query.states == TRAINABLE_STATES else []

    def _resize(self) -> None:
        self.setVisible(bool(self.chips) or not self.reading.isHidden())
        if self.width() > 0:
            self.setFixedHeight(self._flow.heightForWidth(self.width()))

    def _on_chip(self) -> None:
        plain = ImageQuery()
        self.query_chosen.emit(
            replace(self._query, **{name: getattr(plain, name) for name in self.sender().property("names")})
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resize()


class RefreshChip(Chip):
    """Says how far edits have put the list out of date; not there where they have not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", icon="refresh", parent=parent)
        self.setObjectName("image_refresh")
        self.setProperty("tone", "warning")
        self.setToolTip(self.tr("Edits have changed what the filter shows. Filter the list anew"))
        self.hide()

    def show_counts(self, stale: int, missing: int) -> None:
        """stale: rows that do not match any more; missing: images that match by now and are not shown."""
        text = ""
        if stale and missing:
            text = self.tr("{0} no longer match, {1} more do: refresh").format(stale, missing)
        elif stale:
            one, many = self.tr("1 no longer matches: refresh"), self.tr("{0} no longer match: refresh")
            text = one if stale == 1 else many.format(stale)
        elif missing:
            one, many = self.tr("1 more matches: refresh"), self.tr("{0} more match: refresh")
            text = one if missing == 1 else many.format(missing)
        self.show_text(text)
        self.setVisible(bool(text))
