"""Cells that hold a span of time, such as `31.05.2024 13:00 - 31.05.2024 14:00`: its start is the time of the row."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_SPAN = re.compile(r"(.+?)( (?:-|–|—|to) )(.+)|([^/]+)(/)([^/]+)")


def ends_of(spelling: str) -> tuple[str, str]:
    """Return the format of a span's ends and the mark between them; no mark for a format that is not of spans."""
    start, mark, end = _split(spelling)
    return (start, mark) if start == end else (spelling, "")


def find_mark(cells: "pd.Series[Any]", fits: Callable[[str], set[str]]) -> str:
    """Return the mark between the two ends in every cell, or nothing where cells are not spans.

    Args:
        cells: Text.
        fits: Returns the names of the formats that a cell fits.

    """
    start, mark, end = _split(str(cells.iloc[0]))
    if not mark or fits(str(cells.iloc[0])) or not fits(start) & fits(end):
        return ""
    return mark if cells.str.contains(mark, regex=False).all() else ""


def _split(text: str) -> tuple[str, str, str]:
    found = _SPAN.fullmatch(text)
    start, mark, end = (part for part in found.groups() if part is not None) if found else (text, "", "")
    return start, mark, end
