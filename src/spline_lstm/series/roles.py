"""The likely roles of the columns of a table without a schema, found by evidence, cheapest first."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.cells import codes_of, to_numbers
from spline_lstm.series.layout import part_of_columns
from spline_lstm.series.time_columns import count_repeated
from spline_lstm.series.time_parts import is_part, month_number
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Float64, Int64

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["timestamp", "number", "category", "empty"]

_SAMPLE = 50
_FEW_REPEATED = 0.05
"""If fewer rows than this share have the time of another row, they are repeated rows, not several series."""
_MOST_ID_COLS, _MOST_CANDIDATES = 4, 50
_MANY_COLUMNS = 10
_NEARLY_A_NUMBER = r"[^\w-]*-?[^\w-]*\d[\d.,'\s]*\W*[A-Za-z]?"
"""A number with a unit, a flag or other marks."""
_ID_NAME = re.compile(
    r".*(_id|id$|store|shop|item|sku|product|symbol|ticker|station|sensor|site|region|country|state|city|name|series|code).*",
    re.IGNORECASE,
)
_TARGETS = (
    *("target", "y", "value", "values", "sales", "demand", "load", "consumption", "count", "cnt", "sold"),
    *("quantity", "units", "passengers", "close", "price", "temperature", "temp", "ot", "volume"),
)


@dataclass(frozen=True)
class ColumnKind:
    """The kind of a column's cells."""

    kind: Kind
    values: Float64 | None = None
    """The numbers of a column of numbers."""
    trouble: str = ""
    """Why a column of mostly numbers is not a column of numbers."""


def kind_of(column: "pd.Series[Any]", source: str) -> ColumnKind:
    """Tell numbers from labels; `find_times` finds columns of times.

    Raises:
        ValuesError: A value is infinite or too large.

    """
    try:
        values = to_numbers(column, source)
    except TableError as error:
        sample = column.dropna().astype("str").head(_SAMPLE)
        numeric = sample.str.strip().str.fullmatch(_NEARLY_A_NUMBER).mean() if len(sample) else 0
        return ColumnKind("category", trouble=error.message if numeric > 0.5 else "")
    return ColumnKind("empty" if np.isnan(values).all() else "number", values)


def repeated_rows(stamps: Int64, ids: list["pd.Series[Any]"]) -> list[tuple[int, int]]:
    """Return pairs of rows with the same series and time: the first such row with each later one."""
    import pandas as pd

    found = pd.DataFrame({"stamp": stamps, **{str(number): column.to_numpy() for number, column in enumerate(ids)}})
    repeated = np.flatnonzero(found.duplicated())
    if not len(repeated):
        return []
    groups = found.groupby(list(found.columns), sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(groups, return_index=True)[1]
    return [(int(first[groups[row]]), int(row)) for row in repeated]


def is_wide(numbers: dict[str, ColumnKind], others: int, stamps: Int64) -> bool:
    """Tell whether the columns of numbers are series of one kind: months, numbered, or many alike in size.

    Args:
        numbers: The columns of numbers beside the time.
        others: How many other columns there are beside the time.
        stamps: Time of each row.

    """
    names = tuple(numbers)
    if len(names) < 2 or any(name.strip().lower() in _TARGETS for name in names):
        return False
    if part_of_columns(names):
        return True
    if others or count_repeated(stamps) > _FEW_REPEATED * len(stamps):
        return False
    stems = {re.sub(r"[ _.-]?\d+$", "", name) for name in names}
    if len(stems) == 1 and stems != set(names):
        return True
    sizes = np.array([np.nanmedian(np.abs(item.values)) for item in numbers.values() if item.values is not None])
    alike = np.abs(np.log10(np.maximum(sizes, 1e-9) / max(float(np.median(sizes)), 1e-9))) < 1
    return len(names) >= _MANY_COLUMNS and float(alike.mean()) > 0.9


def find_series_id(
    table: DataFrame, stamps: Int64, kinds: dict[str, ColumnKind], source: str, *, strict: bool
) -> tuple[str, ...]:
    """Find the columns whose labels tell series apart.

    Columns are added one by one; each time the column that leaves the fewest rows with the time of another row. Text
    comes before whole numbers, few labels before many. Whole numbers count only if a time has about as many rows as
    there are numbers: readings of a sensor have far more values.

    Returns:
        The columns; none if times are unique except for a few repeated rows.

    Raises:
        TimeAxisError: Many times occur in several rows, no columns tell series apart, and (`strict`) the parameter
            `duplicates` was not given.

    """
    import pandas as pd

    repeated, rows = count_repeated(stamps), len(stamps)
    if repeated <= _FEW_REPEATED * rows:
        return ()
    most = int(pd.Series(stamps).value_counts().iloc[0])
    codes = {name: codes_of(table[name])[0] for name in _id_candidates(kinds)}
    count = {name: len(np.unique(code)) for name, code in codes.items()}
    labels = {
        name: code
        for name, code in codes.items()
        if 1 < count[name] <= rows / 4
        and (code >= 0).all()
        and (kinds[name].kind == "category" or count[name] <= 2 * most)
    }
    chosen: list[str] = []
    joined = np.zeros(rows, dtype=np.int64)
    while repeated > 0 and len(chosen) < _MOST_ID_COLS:
        left = {
            name: count_repeated(stamps, _join(joined, code)) for name, code in labels.items() if name not in chosen
        }
        best = min(left, key=lambda name: (left[name], *_unlikely(name, kinds, count)), default=None)
        if best is None or left[best] > 0.9 * repeated:
            break
        chosen, joined, repeated = [*chosen, best], _join(joined, labels[best]), left[best]
    if repeated > _FEW_REPEATED * rows:
        if not strict:
            return ()
        raise TimeAxisError(
            f"{source}: {repeated} rows have the time of another one, and no columns tell series apart; "
            f"name those that do, series_id_cols=..., or settle repeated rows: duplicates=mean"
        )
    return tuple(name for name in kinds if name in chosen and _needed(name, chosen, labels, stamps, repeated))


def find_row_id(
    table: DataFrame, kinds: dict[str, ColumnKind], values: tuple[str, ...], source: str
) -> tuple[str, ...]:
    """Find the columns whose labels tell rows apart: the first single one, else all with labels in every row.

    Args:
        table: A row for each series.
        kinds: What the cells of its columns are.
        values: The columns that hold values.
        source: The table's name, for messages.

    Raises:
        TableError: Two rows have the same labels, or rows are months.

    """
    others = [name for name in kinds if name not in values and kinds[name].kind != "empty"]
    codes = {name: codes_of(table[name])[0] for name in others}
    full = [name for name in others if (codes[name] >= 0).all()]
    single = [name for name in full if len(np.unique(codes[name])) == len(table)]
    if any(len(table) == 12 and all(map(month_number, table[name].astype("str"))) for name in single):
        raise TableError(f"{source}: the rows are months, and the columns years; give each year a row of its own")
    if single:
        return (min(single, key=lambda name: kinds[name].kind != "category"),)
    chosen = [name for name in full if kinds[name].kind == "category" and len(np.unique(codes[name])) > 1]
    if len(table) > 1 and (not chosen or table.duplicated(subset=chosen).any()):
        raise TableError(
            f"{source}: each row seems to be a series, and no columns tell all rows apart; name those that do, "
            f"series_id_cols=..., and fill their empty cells; columns: {examples(others, 12)}"
        )
    return tuple(chosen)


def _id_candidates(kinds: dict[str, ColumnKind]) -> list[str]:
    """Return columns of labels or whole numbers that may tell series apart; if many, those with a likely name."""
    whole = {
        name
        for name, item in kinds.items()
        if item.kind == "number"
        and item.values is not None
        and _is_whole(item.values)
        and not is_part(name, item.values)
    }
    names = [
        name
        for name, item in kinds.items()
        if (item.kind == "category" or name in whole) and name.lower() not in _TARGETS
    ]
    return sorted(names, key=lambda name: (name in whole, not _ID_NAME.fullmatch(name)))[:_MOST_CANDIDATES]


def _is_whole(values: Float64) -> bool:
    return bool(np.isfinite(values).all() and (values == np.round(values)).all() and (values >= 0).all())


def _unlikely(name: str, kinds: dict[str, ColumnKind], count: dict[str, int]) -> tuple[bool, int, bool]:
    return kinds[name].kind != "category", count[name], not _ID_NAME.fullmatch(name)


def _join(one: Int64, other: Int64) -> Int64:
    joined: Int64 = one * (int(other.max()) + 1) + other
    return joined


def _needed(name: str, chosen: list[str], labels: dict[str, Int64], stamps: Int64, repeated: int) -> bool:
    """Tell whether more rows would have one time without a column."""
    joined = np.zeros(len(stamps), dtype=np.int64)
    for other in chosen:
        joined = joined if other == name else _join(joined, labels[other])
    return count_repeated(stamps, joined) > repeated


def rank_targets(numbers: dict[str, ColumnKind]) -> list[str]:
    """Order the columns of numbers by how likely each is the target.

    Columns with a usual name of a target come first, then the others in their order. Parts of the time, columns of few
    values (codes, switches) and row counters come last.
    """

    def unlikely(name: str) -> tuple[bool, int]:
        values = numbers[name].values
        known = [position for position, target in enumerate(_TARGETS) if target == name.strip().lower()]
        return values is None or is_part(name, values) or _is_code(name, values), known[0] if known else len(_TARGETS)

    return sorted(numbers, key=unlikely)


def is_target(name: str) -> bool:
    """Tell whether a column has a usual name of a target."""
    return name.strip().lower() in _TARGETS


def is_counter(values: Float64) -> bool:
    """Tell whether numbers grow by one from row to row, like row numbers."""
    return len(values) > 3 and bool((np.diff(values) == 1).all())


def _is_code(name: str, values: Float64) -> bool:
    found = values[~np.isnan(values)]
    distinct = np.unique(found)
    steps = np.diff(found)
    return (
        len(distinct) <= 2
        or (len(steps) > 2 and bool((steps == steps[0]).all()))
        or (bool(re.fullmatch(r"(.*_)?id|index|no|nr|code|unnamed.*|", name, re.IGNORECASE)) and _is_whole(found))
    )


def outliers(values: Float64) -> Int64:
    """Return the rows of at most three values that lie at least five times as far from the median as all others.

    Args:
        values: Numbers, NaN where missing, shape `(rows,)`.

    """
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < 20:
        return known[:0]
    far = np.abs(values[known] - np.median(values[known]))
    order = np.argsort(-far, kind="stable")[:4]
    jumps = np.flatnonzero(far[order[:-1]] > 5 * far[order[1:]])
    usual = far[order[jumps[-1] + 1]] if len(jumps) else 0
    return np.sort(known[order[: jumps[-1] + 1]]) if usual > 0 else known[:0]
