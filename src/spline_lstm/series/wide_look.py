"""A first look at a wide table: its columns are series, parts of the time, or times."""

import numpy as np

from spline_lstm.errors import TableError
from spline_lstm.series.cells import row_number
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.findings import Findings
from spline_lstm.series.layout import SERIES_ID, empty_rows, make_long, parts_among
from spline_lstm.series.odd_cells import marked_numbers
from spline_lstm.series.profile import Role, TableProfile, profile_column
from spline_lstm.series.roles import ColumnKind, find_row_id, is_wide, kind_of
from spline_lstm.series.schema import SCHEMA_VERSION, CovariateSchema, StaticCovariate
from spline_lstm.series.time_parts import is_part
from spline_lstm.series.timestamps import Times, read_times
from spline_lstm.text import examples
from spline_lstm.types import DataFrame

TIMESTAMP = "timestamp"
"""Name of the new column for times that were names of columns."""


def melt_columns(found: Findings, kinds: dict[str, ColumnKind], times: Times) -> tuple[DataFrame, TableSpec] | None:
    """Melt the columns that are series or parts of the time into rows.

    Returns:
        The long table and how to read it; None where the table is long already.

    """
    numbers = {name: item for name, item in kinds.items() if item.kind == "number" and not is_part(name, item.values)}
    beside = set(numbers) - set(parts_among(tuple(numbers)))
    numbers = {name: item for name, item in numbers.items() if name not in beside}
    others = sum(item.kind == "category" for item in kinds.values())
    guess = "layout" not in found.given and not set(found.given) & {"target_cols", "series_id_cols"}
    if not (found.settings.get("layout") == "wide" or (guess and is_wide(numbers, others, times.stamps))):
        return None
    if beside:
        found.unusual.append(f"columns that are not parts of the time are not used: {examples(sorted(beside))}")
    every = found.settings.get("wide_cols") or tuple(numbers)
    ids = tuple(name for name, item in kinds.items() if item.kind == "category")
    target = tuple(found.given.get("target_cols", ("value",)))
    found.settings |= {"layout": "wide", "target_cols": target, "series_id_cols": ids, "wide_cols": every}
    spec = TableSpec(**found.settings)
    schema = CovariateSchema(
        version=SCHEMA_VERSION, target_cols=target, timestamp_col="+".join(spec.timestamp_col or ())
    )
    long, fitting = make_long(found.table, schema, spec)
    parts = len(fitting.timestamp_col or ()) > len(spec.timestamp_col or ())
    found.reasons["layout"] = (
        f"{len(every)} columns are parts of the time" if parts else f"{len(every)} columns are series of one kind"
    )
    found.reasons["wide_cols"] = "the columns that become rows"
    return long, fitting


def profile_across(found: Findings, across: tuple[str, ...]) -> TableProfile:
    """Profile a table whose rows are series and whose columns are times."""
    found.look_above(found.table)
    kinds = {str(name): kind_of(found.table[name], found.source) for name in found.table.columns}
    trouble = next((kinds[name].trouble for name in across if kinds[name].trouble), "")
    if trouble:
        raise TableError(trouble)
    empty = empty_rows(found.table, across)
    if empty.any():
        rows = examples(row_number(found.table.index, int(row)) for row in np.flatnonzero(empty))
        found.unusual.append(f"rows without a value are left out: {rows}")
    ids = found.given.get("series_id_cols", ("auto",))
    target = tuple(found.given.get("target_cols", ("value",)))
    found.settings |= {
        "layout": "wide",
        "timestamp_col": (TIMESTAMP,),
        "target_cols": target,
        "series_id_cols": find_row_id(found.table, kinds, across, found.source) if ids == ("auto",) else ids,
    }
    schema = CovariateSchema(version=SCHEMA_VERSION, target_cols=target, timestamp_col=TIMESTAMP)
    long, spec = make_long(found.table, schema, TableSpec(**found.settings))
    found.note_times(read_times(long, (TIMESTAMP,), found.given.get("timestamp_format"), found.source))
    spec = spec.model_copy(update={"timestamp_format": found.settings.get("timestamp_format")})
    found.reasons["timestamp_col"] = f"names of {len(across)} columns, which become a column of this name"
    found.reasons["layout"] = "the columns are times, and each row is a series"
    return profile_wide(found, long, spec, kinds, across=across)


def profile_wide(
    found: Findings,
    long: DataFrame,
    spec: TableSpec,
    kinds: dict[str, ColumnKind],
    *,
    times: Times | None = None,
    across: tuple[str, ...] = (),
) -> TableProfile:
    """Profile a wide table from its long one.

    Args:
        found: The findings so far.
        long: The melted table.
        spec: How to read `long`.
        kinds: Column of the wide table to its kind.
        times: Times of the wide table's rows; None where the columns are times.
        across: Columns whose names are times.

    """
    ids = [name for name in spec.series_id_cols if name not in (spec.timestamp_col or ())]
    schema = CovariateSchema(
        version=SCHEMA_VERSION,
        timestamp_col="+".join(found.settings["timestamp_col"]),
        target_cols=spec.target_cols,
        static_covariates=tuple(StaticCovariate(name=name, dim=3) for name in ids),
    )
    wide, found.settings = found.settings, {**spec.model_dump()}
    if times is not None:
        found.find_repeated(found.table, times, [found.table[name] for name in ids if name in found.table])
    found.unusual += marked_numbers(found.table, kinds)
    observed, grid = found.read(long, schema)
    changed = {name: found.settings[name] for name in ("freq", "duplicates", "resample")}
    found.settings = wide | changed
    found.settings["wide_cols"] = () if across or set(wide["wide_cols"]) == set(kinds) - set(ids) else wide["wide_cols"]
    found.reasons["series_id_cols"] = (
        f"{len(grid.series_names)} series, named by their columns"
        if (SERIES_ID in ids)
        else f"{len(grid.series_names)} series"
    )
    found.reasons["target_cols"] = "the name for the values of all these columns"
    melted = set(across or wide["wide_cols"])
    columns = [found.time_profile(name) for name in wide["timestamp_col"] if name in found.table]
    for name, item in kinds.items():
        role: Role = "target" if name in melted else "series id" if name in ids else "not used"
        columns.append(profile_column(found.table[name], item, role))
    return found.result(schema, columns, observed, grid)
