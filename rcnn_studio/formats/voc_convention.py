"""Whether a VOC dataset counts its corners from 0 or from 1, guessed from its files with the evidence named.

VOC itself is 1-based and inclusive; most labelling tools write 0-based corners and some clamp them to 1, so a
smallest corner of 1 proves nothing while a 0 does. The guess holds for a whole dataset and can be overruled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rcnn_studio.formats.voc_file import VocFile

DATABASE_ONE_BASED = "RCNN Studio"
DATABASE_ZERO_BASED = "RCNN Studio (corners from 0)"

_DEVKIT = re.compile(r"(the\s+)?(pascal\s+)?voc\s?20\d\d(\s+database)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Convention:
    """one_based: corners count from 1 and include the last pixel. evidence: one sentence for the person."""

    one_based: bool
    evidence: str


class Evidence:
    """Gathers, file by file, what speaks for one convention or the other."""

    def __init__(self) -> None:
        self._zero: str = ""
        self._own_zero: str = ""
        self._own_one: str = ""
        self._devkit: str = ""
        self._with_path = 0
        self._files = 0

    def add(self, file_name: str, annotation: VocFile) -> None:
        self._files += 1
        database = annotation.database
        if database.startswith(DATABASE_ONE_BASED) and database != DATABASE_ZERO_BASED:  # our samples say more there
            self._own_one = file_name  # a corner below 1 in it lies outside the image, or in a box of half a pixel
        elif not self._zero:
            self._look_for_zero(file_name, annotation)
        if database == DATABASE_ZERO_BASED:
            self._own_zero = file_name
        elif _DEVKIT.fullmatch(database):
            self._devkit = f"{file_name} names {database!r} as its database"
        self._with_path += annotation.has_path

    def _look_for_zero(self, file_name: str, annotation: VocFile) -> None:
        for voc_object in annotation.objects:
            if voc_object.raw is not None and 0.0 <= min(voc_object.raw) < 1.0:
                self._zero = f"{file_name}: object[{voc_object.index}] has a corner at {min(voc_object.raw):g}"
                return

    def decide(self) -> Convention:
        """The likelier convention: our own files say it outright, a corner at 0 is proof, and the rest hints."""
        if self._own_zero:
            return Convention(False, f"0-based: {self._own_zero} was written so by RCNN Studio.")
        if self._zero:
            return Convention(False, f"0-based: {self._zero}, which 1-based corners cannot have.")
        if self._own_one:
            return Convention(True, f"1-based: {self._own_one} was written so by RCNN Studio.")
        if self._devkit:
            return Convention(True, f"1-based: {self._devkit}.")
        if self._with_path:
            counted = f"{self._with_path} of {self._files} files have a <path>, as labelImg writes it"
            return Convention(False, f"0-based: {counted}; labelImg counts from 0 and raises 0 to 1.")
        if not self._files:
            return Convention(True, "1-based: there is no file yet, and the VOC devkit counts from 1.")
        return Convention(False, "0-based: nothing says otherwise, and most labelling tools count from 0.")
