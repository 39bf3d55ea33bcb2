"""The command line called as a function, with what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rcnn_studio.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON on stdout; fails where there is anything else."""
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def studio(capsys: pytest.CaptureFixture[str]) -> Command:
    """`studio("new", folder, "--voc", dataset)` -> exit code, stdout, stderr."""

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call
