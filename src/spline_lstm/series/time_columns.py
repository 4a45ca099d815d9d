"""The columns of a table that hold its times: found by evidence, cheapest first."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.cells import MISSING_TOKENS
from spline_lstm.series.time_parts import CLOCK, part_of
from spline_lstm.series.timestamps import Times, read_times
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Int64

if TYPE_CHECKING:
    import pandas as pd

_SAMPLE = 50
_TIME_NAME = re.compile(
    r".*((?<!up)date|time|year|month|quarter|period|week|day|epoch).*"
    r"|.*_at|ds|dt|t|ts|yr|yrmo|index|unnamed.*|column 1|",
    re.IGNORECASE,
)
_A_TIME = re.compile(r"(date|time|datetime|timestamp|year|month|period|week|day|ds)", re.IGNORECASE)
_TIME_ALL_THE_SAME = ("may be", "are possible", "without UTC offset")
"""Text in the messages about times that need a parameter."""
_FINER = ("quarter", "month", "week", "dayofyear", "day", "hour", "minute", "second", CLOCK)


def find_times(table: DataFrame, spelling: str | None, source: str) -> tuple[tuple[str, ...], Times]:
    """Find the column, or the columns, that hold the time.

    Text that reads as a time comes before numbers that may be a time, such as years. Columns with a smaller part of the
    time are added if fewer rows then have the same time.

    Raises:
        TimeAxisError: No column holds times in every row, or the likely one can be read in two ways.

    """
    refused: TimeAxisError | None = None
    for name in _time_candidates(table, spelling, source):
        try:
            found = read_times(table, (name,), spelling, source)
        except TimeAxisError as error:
            refused = refused or error
        else:
            return _with_parts(table, name, found, source) if spelling is None else ((name,), found)
    named = next((name for name in map(str, table.columns) if _A_TIME.fullmatch(name.strip())), None)
    if refused is None and named is not None:
        read_times(table, (named,), spelling, source)  # raises, naming the wrong cell
    numbered = [name for name in map(str, table.columns) if re.fullmatch(r"[A-Za-z]{1,5}_?[0-9]+", name)]
    if refused is None and len(numbered) > len(table.columns) / 2:
        raise TimeAxisError(
            f"{source}: no column holds timestamps; if {examples(numbered, 3)} number the steps, name these columns by "
            "their dates"
        )
    parts = [str(name) for name in table.columns if part_of(str(name)) in (*_FINER, "year")]
    hint = f" (parts of a time: {examples(parts)})" if parts else ""
    raise refused or TimeAxisError(
        f"{source}: no column holds timestamps in every row{hint}; name it and, if needed, its format: "
        f"timestamp_col=..., timestamp_format=...; columns: {examples(table.columns, 12)}"
    )


def _time_candidates(table: DataFrame, spelling: str | None, source: str) -> Iterator[str]:
    """Yield the columns whose first cells read as times, the most likely first; `timestamp` always."""
    found = []
    for position, column in enumerate(map(str, table.columns)):
        cells = table[column].head(1_000).dropna()
        cells = cells[~cells.astype("str").str.strip().str.lower().isin(MISSING_TOKENS)].head(_SAMPLE)
        named, digits = bool(_TIME_NAME.fullmatch(column)) or part_of(column) == "year", _is_digits(cells)
        if column != "timestamp" and (not len(cells) or (digits and not named and position > 0)):
            continue
        if column == "timestamp" or _reads(cells.to_frame(), column, spelling, source):
            found.append((column != "timestamp", digits, not named, position, column))
    yield from (column for *_, column in sorted(found))


def _is_digits(cells: "pd.Series[Any]") -> bool:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(cells.dtype) or cells.astype("str").str.fullmatch(r"\s*[\d.]+\s*").all())


def _reads(sample: DataFrame, column: str, spelling: str | None, source: str) -> bool:
    """Tell whether most cells are times; cells with two readings count as times."""
    try:
        read_times(sample, (column,), spelling, source)
    except TimeAxisError as error:
        return any(words in error.message for words in _TIME_ALL_THE_SAME) or _mostly(sample, column, spelling, source)
    return True


def _mostly(sample: DataFrame, column: str, spelling: str | None, source: str) -> bool:
    """Tell whether the first cell alone is a time, so that another cell must be wrong."""
    if _is_digits(sample[column]):
        return False
    try:
        read_times(sample.iloc[[0]], (column,), spelling, source)
    except TimeAxisError as error:
        return "may be" in error.message
    return True


def _with_parts(table: DataFrame, name: str, found: Times, source: str) -> tuple[tuple[str, ...], Times]:
    """Add the columns with smaller parts of the time if fewer rows then have the same time."""
    best: tuple[tuple[str, ...], Times] = ((name,), found)
    fewest = count_repeated(found.stamps)
    if not fewest:
        return best
    columns = {part_of(str(column)): str(column) for column in table.columns if str(column) != name}
    parts = [part for part in _FINER if part in columns]
    for chosen in _prefixes(parts):
        names = (name, *(columns[part] for part in chosen))
        try:
            read = read_times(table, names, "+".join([found.format, *chosen]), source)
        except TimeAxisError:
            continue
        if count_repeated(read.stamps) < fewest:
            best, fewest = (names, read), count_repeated(read.stamps)
    return best


def _prefixes(parts: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield combinations of consecutive parts: `month`, `month` and `day`, `hour`, ..."""
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            yield tuple(parts[start:end])


def count_repeated(stamps: Int64, codes: Int64 | None = None) -> int:
    """Count the rows with the same time and code as an earlier row."""
    import pandas as pd

    found = pd.DataFrame({"stamp": stamps, "code": 0 if codes is None else codes})
    return int(found.duplicated().sum())
