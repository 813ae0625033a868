"""What every reader of uploaded tables shares: the cell, the limits, and the one error."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | int | float | bool
"""As the file has it; dates of a workbook are ISO text."""
RawRow = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read before it is refused."""

    bytes: int = 100 * 2**20
    rows: int = 50_000
    columns: int = 256
    expanded: int = 512 * 2**20
    ratio: int = 200


def quotable(name: str) -> str:
    """Return what somebody chose as it may stand in a sentence: short, and nothing that UTF-8 cannot write."""
    return name[:40].encode("utf-8", "replace").decode()


class UnreadableSheet(Exception):
    """A file that cannot be read as a table; the message tells the person why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
