"""A first look at a table that no schema describes yet: what its columns seem to be, and how it can be read."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.cells import check_no_bytes, row_number
from spline_lstm.series.columns import TableSpec, select_columns, source_of
from spline_lstm.series.grid import Grid
from spline_lstm.series.layout import SERIES_ID, empty_rows, make_long, parts_among, times_across
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.odd_cells import far_values, marked_numbers
from spline_lstm.series.profile import ColumnProfile, Role, TableProfile, profile_column
from spline_lstm.series.roles import (
    ColumnKind,
    find_row_id,
    find_series_id,
    is_counter,
    is_target,
    is_wide,
    kind_of,
    rank_targets,
    repeated_rows,
)
from spline_lstm.series.schema import SCHEMA_VERSION, CovariateSchema, DynamicCovariate, StaticCovariate
from spline_lstm.series.steps import USUAL_MISSING, find_steps
from spline_lstm.series.time_columns import find_times
from spline_lstm.series.time_formats import ISO_8601
from spline_lstm.series.time_parts import is_part, part_of
from spline_lstm.series.timestamps import Times, read_times
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Int64

TIMESTAMP = "timestamp"
"""The column that times in the names of columns become."""
_MANY_LABELS = 20
_PARTS_OF_A_DAY = (24, 48, 50, 96, 100)
"""Numbers of hours, half and quarter hours; the longer days have two hours' more, as far as they are counted on."""
_MOST_COVARIATES = 50
_MOST_COLUMNS = 10_000


def profile_table(table: DataFrame, given: Mapping[str, Any] | None = None) -> TableProfile:
    """Guess what the columns of a table are and how it is to be read, and put its series on their grid.

    Args:
        table: The raw table.
        given: Parameters of `TableSpec` that are not to be guessed, checked and normalised.

    Raises:
        TableError: No rows, or no column of numbers that could be the target.
        TimeAxisError: No column of timestamps; or nothing tells series apart.
        ValuesError: An infinite value.
        InsufficientDataError: No series is long enough.

    """
    source = source_of(table)
    if table.empty:
        raise TableError(f"{source}: the table has a header but no rows")
    names = [str(name) for name in table.columns]
    dates, numbers = (next((n for n in names if re.fullmatch(p, n.strip())), None) for p in (_A_DATE, _A_NUMBER))
    if dates and numbers:
        raise TableError(f"{source}: row 1 looks like data ('{dates}', '{numbers}'); add a row with the columns' names")
    if len(table.columns) > _MOST_COLUMNS:
        raise TableError(
            f"{source}: {len(table.columns)} columns are more than the {_MOST_COLUMNS} that are looked at; if they are "
            "series, write the table long: one row for each time and series"
        )
    for name in table.columns:
        check_no_bytes(table[name])
    return _Look(table, dict(given or {}), source).profile()


_A_DATE, _A_NUMBER = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*", r"[+-]?\d+[.,]\d+"
"""What the names of columns look like where a table has no header."""


class _Look:
    """One look at one table: each step uses what those before it have found."""

    def __init__(self, table: DataFrame, given: dict[str, Any], source: str) -> None:
        self._table, self._given, self._source = table, given, source
        self._reasons: dict[str, str] = {}
        self._unusual: list[str] = []
        self._settings: dict[str, Any] = {
            "feature_mode": "multivariate",
            "target_cols": (),
            "dynamic_covariates": (),
            "static_covariates": (),
            "series_id_cols": (),
            "freq": None,
            **given,
        }

    def profile(self) -> TableProfile:
        """Look at everything in turn."""
        table = self._table
        across = times_across([str(name) for name in table.columns])
        if across and not set(self._given) & {"timestamp_col", "layout", "wide_cols"} and not self._has_times(across):
            return self._profile_across(table, across)
        times = self._find_times(table)
        self._look_above(table)
        names = [str(name) for name in table.columns if name not in self._settings["timestamp_col"]]
        kinds = {name: kind_of(table[name], self._source) for name in names}
        long = self._find_layout(table, kinds, times)
        if long is not table:
            return self._profile_wide(long, kinds, times)
        self._find_series(table, kinds, times)
        roles = self._assign_roles(table, kinds)
        schema = self._make_schema(kinds, roles)
        observed, grid = self._read(table, schema)
        columns = [self._time_profile(name) for name in self._settings["timestamp_col"]]
        columns += [profile_column(table[name], kinds[name], roles[name]) for name in names]
        self._unusual += marked_numbers(table, kinds)
        self._unusual += far_values(table, {name: kinds[name] for name in names if roles[name] != "not used"})
        return self._result(schema, columns, observed, grid)

    def _result(
        self, schema: CovariateSchema, columns: list[ColumnProfile], observed: Observations, grid: Grid
    ) -> TableProfile:
        spec = TableSpec(**self._settings)
        found = TableProfile(
            self._source, len(self._table), tuple(columns), schema, spec, self._reasons, (), observed, grid
        )
        if found.missing_ratio > USUAL_MISSING:
            self._unusual.append(f"{found.missing_ratio:.0%} of the steps of a series have no target")
        return replace(found, unusual=tuple(self._unusual))

    def _has_times(self, across: tuple[str, ...]) -> bool:
        """Tell whether a column beside those named as times holds times."""
        others = [name for name in self._table.columns if name not in across and part_of(str(name)) in (None, "day")]
        try:
            find_times(self._table[others], self._settings.get("timestamp_format"), self._source)
        except TimeAxisError as error:
            return "is not a timestamp" in error.message
        return True

    def _find_times(self, table: DataFrame) -> Times:
        spelling = self._settings.get("timestamp_format")
        if self._settings.get("timestamp_col"):
            columns = self._settings["timestamp_col"]
            missing = [name for name in columns if name not in table.columns]
            if missing:
                found = examples(table.columns, 12)
                raise TableError(f"{self._source}: column '{missing[0]}' is missing; found: {found}")
            times = read_times(table, columns, spelling, self._source)
        else:
            columns, times = find_times(table, spelling, self._source)
        self._settings["timestamp_col"] = columns
        self._note_times(times)
        return times

    def _note_times(self, times: Times) -> None:
        first, last = (times.stamps.min(), times.stamps.max())
        self._reasons["timestamp_col"] = f"its cells are times, from {_shown(first)} to {_shown(last)}"
        if times.format != ISO_8601:
            self._settings["timestamp_format"] = times.format
            self._reasons["timestamp_format"] = "the only format that all cells have"

    def _find_layout(self, table: DataFrame, kinds: dict[str, ColumnKind], times: Times) -> DataFrame:
        numbers = {
            name: item for name, item in kinds.items() if item.kind == "number" and not is_part(name, item.values)
        }
        beside = set(numbers) - set(parts_among(tuple(numbers)))
        numbers = {name: item for name, item in numbers.items() if name not in beside}
        others = sum(item.kind == "category" for item in kinds.values())
        guess = "layout" not in self._given and not set(self._given) & {"target_cols", "series_id_cols"}
        if not (self._settings.get("layout") == "wide" or (guess and is_wide(numbers, others, times.stamps))):
            return table
        if beside:
            self._unusual.append(f"columns beside the parts of the time are not used: {examples(sorted(beside))}")
        every = self._settings.get("wide_cols") or tuple(numbers)
        ids = tuple(name for name, item in kinds.items() if item.kind == "category")
        target = tuple(self._given.get("target_cols", ("value",)))
        self._settings |= {"layout": "wide", "target_cols": target, "series_id_cols": ids, "wide_cols": every}
        spec = TableSpec(**self._settings)
        schema = CovariateSchema(
            version=SCHEMA_VERSION, target_cols=target, timestamp_col="+".join(spec.timestamp_col or ())
        )
        long, fitting = make_long(table, schema, spec)
        parts = len(fitting.timestamp_col or ()) > len(spec.timestamp_col or ())
        self._reasons["layout"] = (
            f"{len(every)} columns are parts of the time" if parts else f"{len(every)} columns are series of one kind"
        )
        self._reasons["wide_cols"] = "the columns that become rows"
        self._long = fitting
        return long

    def _profile_across(self, table: DataFrame, across: tuple[str, ...]) -> TableProfile:
        """Look at a table whose rows are series, and whose columns are times."""
        self._look_above(table)
        kinds = {str(name): kind_of(table[name], self._source) for name in table.columns}
        trouble = next((kinds[name].trouble for name in across if kinds[name].trouble), "")
        if trouble:
            raise TableError(trouble)
        empty = empty_rows(table, across)
        if empty.any():
            rows = examples(row_number(table.index, int(row)) for row in np.flatnonzero(empty))
            self._unusual.append(f"rows without a value are left out: {rows}")
        ids = self._given.get("series_id_cols", ("auto",))
        target = tuple(self._given.get("target_cols", ("value",)))
        self._settings |= {
            "layout": "wide",
            "timestamp_col": (TIMESTAMP,),
            "target_cols": target,
            "series_id_cols": find_row_id(table, kinds, across, self._source) if ids == ("auto",) else ids,
        }
        schema = CovariateSchema(version=SCHEMA_VERSION, target_cols=target, timestamp_col=TIMESTAMP)
        long, self._long = make_long(table, schema, TableSpec(**self._settings))
        self._note_times(read_times(long, (TIMESTAMP,), self._given.get("timestamp_format"), self._source))
        self._long = self._long.model_copy(update={"timestamp_format": self._settings.get("timestamp_format")})
        self._reasons["timestamp_col"] = f"names of {len(across)} columns, which become a column of this name"
        self._reasons["layout"] = "the columns are times, and each row is a series"
        return self._profile_wide(long, kinds, None, across)

    def _profile_wide(
        self, long: DataFrame, kinds: dict[str, ColumnKind], times: Times | None, across: tuple[str, ...] = ()
    ) -> TableProfile:
        spec = self._long
        ids = [name for name in spec.series_id_cols if name not in (spec.timestamp_col or ())]
        schema = CovariateSchema(
            version=SCHEMA_VERSION,
            timestamp_col="+".join(self._settings["timestamp_col"]),
            target_cols=spec.target_cols,
            static_covariates=tuple(StaticCovariate(name=name, dim=3) for name in ids),
        )
        wide, self._settings = self._settings, {**spec.model_dump()}
        if times is not None:
            self._find_repeated(self._table, times, [self._table[name] for name in ids if name in self._table])
        self._unusual += marked_numbers(self._table, kinds)
        observed, grid = self._read(long, schema)
        changed = {name: self._settings[name] for name in ("freq", "duplicates", "resample")}
        self._settings = wide | changed
        self._settings["wide_cols"] = (
            () if across or set(wide["wide_cols"]) == set(kinds) - set(ids) else wide["wide_cols"]
        )
        self._reasons["series_id_cols"] = (
            f"{len(grid.series_names)} series, named by their columns"
            if (SERIES_ID in ids)
            else f"{len(grid.series_names)} series"
        )
        self._reasons["target_cols"] = "what the values of all these columns are called"
        melted = set(across or wide["wide_cols"])
        columns = [self._time_profile(name) for name in wide["timestamp_col"] if name in self._table]
        for name, item in kinds.items():
            role: Role = "target" if name in melted else "series id" if name in ids else "not used"
            columns.append(profile_column(self._table[name], item, role))
        return self._result(schema, columns, observed, grid)

    def _find_series(self, table: DataFrame, kinds: dict[str, ColumnKind], times: Times) -> None:
        if "series_id_cols" not in self._given or self._settings["series_id_cols"] == ("auto",):
            strict = "duplicates" not in self._given
            self._settings["series_id_cols"] = find_series_id(table, times.stamps, kinds, self._source, strict=strict)
        self._find_repeated(table, times, [table[name] for name in self._settings["series_id_cols"] if name in table])
        for name in self._settings["series_id_cols"]:
            count = table[name].nunique() if name in table else 0
            if count in _PARTS_OF_A_DAY and kinds[name].kind == "number":
                self._unusual.append(
                    f"column '{name}' has {count} numbers for each time: if they are parts of a day, join them with "
                    "the date into one column of times"
                )

    def _find_repeated(self, table: DataFrame, times: Times, ids: list[Any]) -> None:
        rows = repeated_rows(times.stamps, ids)
        if not len(rows) or "duplicates" in self._given:
            return
        one, other = rows[0]
        alike = all(
            table.iloc[one].astype("str").equals(table.iloc[other].astype("str")) for one, other in rows[:1_000]
        )
        self._settings["duplicates"] = "first" if alike else "mean"
        named = f"rows {row_number(table.index, one)} and {row_number(table.index, other)}"
        what = "are alike" if alike else "have one time and differ"
        line = f"{named} {what}; {len(rows)} such {'row' if len(rows) == 1 else 'rows'} in all"
        self._reasons["duplicates"] = line
        self._unusual.append(f"{line}: duplicates={self._settings['duplicates']}")

    def _assign_roles(self, table: DataFrame, kinds: dict[str, ColumnKind]) -> dict[str, Role]:
        ids = self._settings["series_id_cols"]
        roles: dict[str, Role] = {
            name: "series id" if name in ids else _role(table, name, item, ids) for name, item in kinds.items()
        }
        numbers = {
            name: kinds[name]
            for name, role in roles.items()
            if role == "dynamic covariate" and kinds[name].kind == "number"
        }
        given = [name for name in self._given.get("target_cols", ()) if name in kinds]
        ranked = rank_targets(numbers)
        targets = given or ranked[:1]
        if not targets:
            trouble = next((item.trouble for item in kinds.values() if item.trouble), None)
            raise TableError(
                trouble
                or f"{self._source}: no column of numbers that vary could be the target; "
                f"found: {examples(table.columns, 12)}"
            )
        for name in targets:
            roles[name] = "target"
        self._settings["target_cols"] = tuple(targets)
        others = [name for name in ranked if name not in targets]
        self._reasons["target_cols"] = f"the likeliest; others that vary: {examples(others, 8) or 'none'}"
        self._unusual += [
            f"{item.trouble} (column '{name}' is not used)" for name, item in kinds.items() if item.trouble
        ]
        dynamic = [name for name, role in roles.items() if role == "dynamic covariate"]
        for name in dynamic[_MOST_COVARIATES:]:
            roles[name] = "not used"
        return roles

    def _make_schema(self, kinds: dict[str, ColumnKind], roles: dict[str, Role]) -> CovariateSchema:
        def named(role: Role) -> list[str]:
            return [name for name, found in roles.items() if found == role]

        dynamic = (
            DynamicCovariate(name=name, dtype="category", encoding="ordinal")
            if kinds[name].kind == "category"
            else DynamicCovariate(name=name, scaler="standard")
            for name in named("dynamic covariate")
        )
        static = [name for name in roles if roles[name] in ("series id", "static covariate")]
        return CovariateSchema(
            version=SCHEMA_VERSION,
            timestamp_col="+".join(self._settings["timestamp_col"]),
            target_cols=self._settings["target_cols"],
            dynamic_covariates=tuple(dynamic),
            static_covariates=tuple(StaticCovariate(name=name, dim=3) for name in static),
        )

    def _read(self, table: DataFrame, schema: CovariateSchema) -> tuple[Observations, Grid]:
        """Put the series on their grid; irregular readings on the step that suits them."""
        spec = TableSpec(**self._settings)
        observed = make_observations(table, select_columns(table, schema, spec), spec)
        found = find_steps(observed, spec.freq, spec.resample)
        self._settings |= {"freq": found.freq, "resample": found.resample}
        if found.trouble:
            self._reasons["resample"] = "readings are irregular; each step takes the mean of those up to it"
            self._unusual.append(f"{found.trouble}: resample=mean, freq={found.freq}")
        return found.observed, found.grid

    def _look_above(self, table: DataFrame) -> None:
        header = row_number(table.index, 0) - 1
        if header > 1:
            self._unusual.append(f"the header is row {header}; what stands above it is left out")

    def _time_profile(self, name: str) -> ColumnProfile:
        column = self._table[name]
        distinct = int(column.nunique())
        return ColumnProfile(name, "timestamp", "timestamp", 0.0, distinct, f"{column.iloc[0]} to {column.iloc[-1]}")


def _shown(stamp: Int64) -> str:
    text = str(np.datetime64(int(stamp), "ns").astype("datetime64[s]"))
    return text.removesuffix("T00:00:00").replace("T", " ")


def _role(table: DataFrame, name: str, found: ColumnKind, series_id: tuple[str, ...]) -> Role:
    kind = found.kind
    if kind not in ("number", "category") or table[name].nunique() <= 1 or is_part(name, found.values):
        return "not used"
    if found.values is not None and is_counter(found.values) and not is_target(name):
        return "not used"
    if series_id and table.groupby(list(series_id), observed=True)[name].nunique().max() <= 1:
        return "static covariate" if kind == "category" else "not used"
    return "dynamic covariate" if kind == "number" or table[name].nunique() <= _MANY_LABELS else "not used"
