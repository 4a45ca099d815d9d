"""Numbers as people and spreadsheets write them: `1,234.5`, `1 234,5`, `12 %`, `€ 12.50`."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.errors import TableError
from spline_lstm.types import Bool

if TYPE_CHECKING:
    import pandas as pd

_UNIT, _GAPS = "[€$£¥%]", " '’\u00a0\u202f"
_CELL = rf"(?P<sign>[+−-]?)\s*(?P<before>{_UNIT}?)\s*(?P<number>[0-9][0-9.,{_GAPS}]*)(?P<after>{_UNIT}?)"
_FEWEST = 0.01
"""Share of the rows that must have marks: one odd cell among plain numbers is an error."""


def without_marks(text: "pd.Series[Any]", odd: Bool, where: str) -> "pd.Series[Any]":
    """Rewrite numbers with thousands separators, decimal commas, a currency or a percent sign as plain numbers.

    All numbers of a column must be written the same way; `12 %` becomes 12, `(12)` becomes -12.

    Args:
        text: Stripped cells that are not missing.
        odd: Which of them are not plain numbers.
        where: The column, for messages.

    Returns:
        The plain numbers, or the unchanged cells if no single way of writing fits all.

    Raises:
        TableError: Two ways of writing fit all cells and give different numbers.

    """
    import pandas as pd

    if odd.sum() < max(2, _FEWEST * len(text)):
        return text
    codes, distinct = pd.factorize(text)
    cells = pd.Series(distinct).str.replace(r"^\((.*)\)$", r"-\1", regex=True).str.extract(f"^{_CELL}$")
    if cells["number"].isna().any() or not _has_one_unit(cells["before"] + cells["after"]):
        return text
    numbers = cells["number"].str.strip()
    readings = [reading for mark in ".," if (reading := _read(numbers, mark)) is not None]
    usual = [reading for reading in readings if _is_regular(reading)] or readings
    if not usual:
        return text
    differ = usual[0] != usual[-1]
    if differ.any():
        one, other = (reading[differ].iloc[0] for reading in (usual[0], usual[-1]))
        cell = numbers[differ].iloc[0]
        raise TableError(
            f"{where}: '{cell}' may be {one} or {other}, and no row decides; write the column with "
            "decimal points and without thousands separators"
        )
    plain = cells["sign"].str.replace("−", "-") + usual[0]
    return pd.Series(plain.to_numpy()[codes], index=text.index)


def _has_one_unit(units: "pd.Series[Any]") -> bool:
    """Tell whether there is at most one unit; either all cells have a percent sign or none."""
    found = set(units)
    return len(found - {""}) <= 1 and ("%" not in found or len(found) == 1)


def _read(numbers: "pd.Series[Any]", decimal: str) -> "pd.Series[Any] | None":
    """Read all cells with one decimal mark; None if a cell does not fit, or thousands separators differ."""
    marks = ("," if decimal == "." else ".") + _GAPS
    fits = numbers.str.fullmatch(rf"(?:[0-9]+|[0-9]{{1,3}}(?:[{marks}][0-9]{{3}})+)(?:{re.escape(decimal)}[0-9]+)?")
    if not fits.all():
        return None
    whole = numbers.str.partition(decimal)[0]
    used = set("".join(whole)) - set("0123456789")
    if len(used) > 1 or (used and (whole.str.fullmatch("[0-9]{4,}") | whole.str.match("0.")).any()):
        return None
    return numbers.str.replace(f"[{marks}]", "", regex=True).str.replace(",", ".")


def _is_regular(plain: "pd.Series[Any]") -> bool:
    """Tell whether all numbers have equally many decimals, or none ends with a superfluous zero."""
    decimals = plain.str.partition(".")[2]
    return bool(np.ptp(decimals.str.len().to_numpy()) == 0 or not decimals.str.endswith("0").any())
