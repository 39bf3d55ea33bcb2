"""What the dataset's file says of the selected box beside what every box has, and changes to that.

One document is kept at a time. Writes no files: a change is an edit like any other, and the codecs write it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.formats import box_attributes
from rcnn_studio.formats.box_attributes import Attribute, Records
from rcnn_studio.formats.given_attributes import KEY, given
from rcnn_studio.store.base_document import BaseDocument
from rcnn_studio.workspace.project import ProjectModel

LATER_MS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Attributes of one box; message: why there are none to be seen, "" where there simply are none. any_here: some
    box of the document has some."""

    box: Box | None = None
    attributes: tuple[Attribute, ...] = ()
    message: str = ""
    any_here: bool = False


class BoxAttributes(QObject):
    """`shown` follows the selection: of one selected box its attributes, else nothing."""

    changed = Signal()

    def __init__(self, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.shown = Shown()
        self._document: BaseDocument | None = None
        self._image: tuple[int | None, object] = (None, None)
        self._key: tuple[int, int] | None = None
        self._records: Records = {}
        self._fault = ""
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self._on_changed)
        project.selection_changed.connect(self._on_selected)
        project.boxes_changed.connect(self._on_selected)
        self._later.start()

    def change(self, name: str, text: str) -> str:
        """Give the selected box's attribute another value; one undo. -> what is wrong with the text, or "" """
        before = next((a for a in self.shown.attributes if a.name == name and a.editable), None)
        if before is None or self.shown.box is None:
            return self.tr("This value cannot be changed here.")
        lacks = all(a.name != name for a in self._attributes(self.shown.box))
        if before.there and lacks and not text.strip():
            self._put(self.shown.box, name, None)
            return ""
        try:
            value = box_attributes.typed(text, before.value)
        except ValueError:
            return self._wanted(before.value).format(text)
        if isinstance(value, str) and any(ord(letter) < 32 for letter in value):
            return self.tr("A value holds no control characters.")
        if not before.there and not text.strip():
            return ""
        if value != before.value or not before.there:
            self._put(self.shown.box, name, value)
        return ""

    def _wanted(self, before: object) -> str:
        if isinstance(before, bool):
            return self.tr("{0} is neither true nor false")
        return self.tr("{0} is not a number")

    def _put(self, box: Box, name: str, value: Any) -> None:
        """None: the file's record lacks it, and is to do without."""
        original = next((a.value for a in self._attributes(box) if a.name == name), None)
        values = {key: kept for key, kept in given(box).items() if key != name}
        if value != original:
            values[name] = value
        extra = {key: kept for key, kept in box.extra.items() if key != KEY}
        changed = replace(box, extra={**extra, KEY: values} if values else extra, edited=True)
        self._project.change_boxes([changed], self.tr("Change {0}").format(name))

    def _on_selected(self) -> None:
        """Of a selected box at once; another image is shown first."""
        if self._project.selection:
            self._later.stop()
            self._on_changed()
        else:
            self._later.start()

    def _on_changed(self) -> None:
        if self._project.closed:  # its widgets live on until the event loop comes round
            return
        before = self.shown
        self.shown = self._look()
        if self.shown != before:
            self.changed.emit()

    def _look(self) -> Shown:
        self._read()
        some, selected = bool(self._records), self._project.selected_boxes()
        if len(selected) != 1:
            return Shown(any_here=some)
        (box,) = selected
        now, found = given(box), self._attributes(box)
        names = {a.name for a in found}
        lacking = tuple(a for a in box_attributes.offered(self._records) if a.name not in names)
        attributes = tuple(
            replace(a, value=now.get(a.name, a.value), there=a.there or a.name in now) for a in (*found, *lacking)
        )
        return Shown(box=box, attributes=attributes, message=self._fault, any_here=some)

    def _attributes(self, box: Box) -> tuple[Attribute, ...]:
        """Of the box's record as it is in the file."""
        drawn = self._document is None or box.place is None
        index = None if drawn or self._document is None else self._document.index_of(box)
        return self._records.get(index, ()) if index is not None else ()

    def _read(self) -> None:
        """The document of the open image, once."""
        state = (self._project.current_id, self._project.undo_stack.index())
        if state == self._image or self._project.current_id is None:
            return
        self._image, store = state, self._project.store
        try:
            self._document = store.base_document(
                self._project.current_id, known=self._key, limits=box_attributes.LIMITS
            )
        except (OSError, StudioError) as error:  # a drive that is away, a project that is just being closed
            self._document, self._key, self._records, self._fault = None, None, {}, str(error)
            return
        key = self._document.key if self._document is not None else None
        if key != self._key or key is None:
            self._key = key
            self._parse()

    def _parse(self) -> None:
        self._records, self._fault = {}, ""
        document = self._document
        if document is not None and document.too_large:
            size = box_attributes.LIMITS[document.format] >> 20
            text = self.tr("{0} is larger than {1} MiB: its attributes are not looked up.")
            self._fault = text.format(document.path.name, size)
        if document is None or document.data is None:
            return
        try:
            self._records = box_attributes.read(document.format, document.data, document.path)
        except FormatError as error:
            self._fault = error.reason
