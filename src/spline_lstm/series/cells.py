"""The cells of a raw table: text, labels and numbers; messages name the row of a wrong cell."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from spline_lstm.errors import TableError, ValuesError
from spline_lstm.series.number_forms import without_marks
from spline_lstm.types import Bool, Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

MISSING_TOKENS = (
    *("", "na", "n/a", "n.a.", "nan", "null", "none", "?", "<na>", "nat"),
    *("-", "--", "–", "—", ".", "..", "...", "…", ":", "#n/a", "#n/a n/a"),
)
LARGEST_VALUE = 1e30  # squares and sums of such values still fit a double, and scaled ones a 32-bit float
_LONGEST_CELL = 40
# [0-9], as \d takes the digits of every script.
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INFINITE = r"[+-]?inf(?:inity)?"
_FLAGS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


def check_no_bytes(column: "pd.Series[Any]") -> None:
    """Refuse a column of a Parquet file that holds bytes.

    Raises:
        TableError: Names the column.

    """
    if column.dtype == object and any(isinstance(cell, bytes) for cell in column):
        raise TableError(f"column '{column.name}' holds bytes; text, numbers or times are needed")


def text_of(column: "pd.Series[Any]", missing_tokens: tuple[str, ...]) -> tuple["pd.Series[Any]", Bool]:
    """Return the cells as stripped text, and which of them are missing.

    Raises:
        TableError: The cells are bytes.

    """
    check_no_bytes(column)
    text = column.astype("str").str.strip()
    missing = column.isna() | text.str.lower().isin(missing_tokens)
    return text, missing.to_numpy(dtype=bool)


def codes_of(column: "pd.Series[Any]") -> tuple[Int64, tuple[str, ...]]:
    """Number the sorted distinct labels of a column; -1 is missing."""
    import pandas as pd

    rows: slice | Int64 = slice(None)
    if isinstance(column.dtype, pd.StringDtype):  # few labels in many rows; in other types 1 equals True
        rows, distinct = pd.factorize(column, use_na_sentinel=False)
        column = pd.Series(distinct)
    text, missing = text_of(column, ("",))  # 'NA' may be a label
    codes, labels = pd.factorize(text.mask(missing), sort=True)
    return codes.astype(np.int64)[rows], tuple(str(label) for label in labels)


def row_number(index: "pd.Index[Any]", position: int) -> int:
    """Number a row as an editor or spreadsheet does: the header is row 1.

    Args:
        index: Number of each row in the whole table.
        position: Position of the row in `index`.

    """
    return int(index[position] if index.dtype.kind == "i" else position) + 2


def row_of(index: "pd.Index[Any]", wrong: Bool) -> str:
    """Name the first wrong row."""
    return f"row {row_number(index, int(np.argmax(wrong)))}"


def shown(cell: object) -> str:
    """Return a cell for a message, at most 40 characters of it."""
    text = str(cell)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def to_numbers(column: "pd.Series[Any]", source: str, *, flags: bool = False) -> Float64:
    """Read a column as numbers.

    Missing cells become NaN. With `flags`, `true` and `yes` are 1, `false` and `no` 0.
    Text is converted exactly (to the nearest double). Thousands separators, decimal commas, currencies and percent
    signs are read where the whole column allows one reading; `12 %` is 12.

    Raises:
        TableError: A cell is not a number.
        ValuesError: A value is infinite, or beyond `LARGEST_VALUE`.

    """
    import pandas as pd
    import pyarrow as pa

    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        text, missing = text_of(column, MISSING_TOKENS)
        if flags:
            text = text.str.lower().replace(_FLAGS)
        infinite = text.str.lower().str.fullmatch(_INFINITE).to_numpy(dtype=bool)
        fits = _is_number(text)
        wrong = ~(missing | fits | infinite)
        if wrong.any():
            where = f"{source} {row_of(column.index, wrong)}, column '{column.name}'"
            plain = text.copy()
            plain[~missing] = without_marks(text[~missing], wrong[~missing], where).to_numpy()
            fits = _is_number(plain)
            if not (missing | fits | infinite).all():
                _refuse_text(text, wrong, str(column.name), source)
            text = plain
        values = np.full(len(column), np.nan)
        exact = pa.array(text[fits].str.removeprefix("+"), type=pa.string()).cast(pa.float64())
        values[fits] = exact.to_numpy(zero_copy_only=False)
        values[infinite] = np.inf
    large = np.abs(values) > LARGEST_VALUE
    if large.any():
        value, row = values[int(np.argmax(large))], row_of(column.index, large)
        found = "infinite" if np.isinf(value) else f"{value:g}, too large to compute with"
        raise ValuesError(f"{source} {row}, column '{column.name}': the value is {found}")
    return values


def _is_number(text: "pd.Series[Any]") -> Bool:
    """Tell which cells are plain numbers."""
    return text.str.fullmatch(_NUMBER).to_numpy(dtype=bool)


def marked_cell(column: "pd.Series[Any]") -> int | None:
    """Return the first of a thousand rows whose cell is a number with marks, such as `12 %`; None where none is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return None
    text, missing = text_of(column.head(1_000), MISSING_TOKENS)
    marked = ~(missing | _is_number(text) | text.str.lower().str.fullmatch(_INFINITE).to_numpy(dtype=bool))
    return int(np.argmax(marked)) if marked.any() else None


def check_binary(values: Float64, column: "pd.Series[Any]", source: str) -> None:
    """Refuse numbers other than 0 and 1.

    Raises:
        TableError: There is one.

    """
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        raise TableError(
            f"{source} {row_of(column.index, wrong)}, column '{column.name}': {values[int(np.argmax(wrong))]:g} is "
            "neither 0 nor 1, as encoding 'binary' needs"
        )


def _refuse_text(text: "pd.Series[Any]", wrong: Bool, name: str, source: str) -> None:
    value = str(text.iloc[int(np.argmax(wrong))])
    hint = "; use a decimal point and no thousands separator" if re.search(r"[0-9][,' ][0-9]", value) else ""
    hint = "; write the number that stands for it" if value[:1] in "<>~≤≥" else hint
    raise TableError(f"{source} {row_of(text.index, wrong)}, column '{name}': '{shown(value)}' is not a number{hint}")
