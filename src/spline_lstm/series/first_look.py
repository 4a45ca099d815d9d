"""A first look at a table without a schema: the likely meaning of its columns, and how to read it."""

import re
from collections.abc import Mapping
from typing import Any

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.cells import check_no_bytes
from spline_lstm.series.columns import source_of
from spline_lstm.series.findings import Findings
from spline_lstm.series.layout import times_across
from spline_lstm.series.odd_cells import far_values, marked_numbers
from spline_lstm.series.profile import Role, TableProfile, profile_column
from spline_lstm.series.roles import (
    ColumnKind,
    find_series_id,
    is_counter,
    is_target,
    kind_of,
    rank_targets,
)
from spline_lstm.series.schema import SCHEMA_VERSION, CovariateSchema, DynamicCovariate, StaticCovariate
from spline_lstm.series.time_columns import find_times
from spline_lstm.series.time_parts import is_part, part_of
from spline_lstm.series.timestamps import Times
from spline_lstm.series.wide_look import melt_columns, profile_across, profile_wide
from spline_lstm.text import examples
from spline_lstm.types import DataFrame

_MANY_LABELS = 20
_PARTS_OF_A_DAY = (24, 48, 50, 96, 100)
"""Hours, half hours and quarter hours of a day; 50 and 100 where the hour of a clock change has numbers of its own."""
_MOST_COVARIATES = 50
_MOST_COLUMNS = 10_000


def profile_table(table: DataFrame, given: Mapping[str, Any] | None = None) -> TableProfile:
    """Guess the meaning of a table's columns and how to read it, and put its series on their grid.

    Args:
        table: The raw table.
        given: Parameters of `TableSpec` that are known, checked and normalised; the others are guessed.

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
            f"{source}: {len(table.columns)} columns; at most {_MOST_COLUMNS} can be looked at; if they are "
            "series, write the table long: one row for each time and series"
        )
    for name in table.columns:
        check_no_bytes(table[name])
    return _Look(table, dict(given or {}), source).profile()


_A_DATE, _A_NUMBER = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*", r"[+-]?\d+[.,]\d+"
"""A table without a header has columns with such names."""


class _Look(Findings):
    """A first look at one table, step by step."""

    def profile(self) -> TableProfile:
        """Find times, layout, series, roles and step, in this order."""
        table = self.table
        across = times_across([str(name) for name in table.columns])
        if across and not set(self.given) & {"timestamp_col", "layout", "wide_cols"} and not self._has_times(across):
            return profile_across(self, across)
        times = self.find_times(table)
        self.look_above(table)
        names = [str(name) for name in table.columns if name not in self.settings["timestamp_col"]]
        kinds = {name: kind_of(table[name], self.source) for name in names}
        if melted := melt_columns(self, kinds, times):
            return profile_wide(self, *melted, kinds, times=times)
        self._find_series(table, kinds, times)
        roles = self._assign_roles(table, kinds)
        schema = self._make_schema(kinds, roles)
        observed, grid = self.read(table, schema)
        columns = [self.time_profile(name) for name in self.settings["timestamp_col"]]
        columns += [profile_column(table[name], kinds[name], roles[name]) for name in names]
        self.unusual += marked_numbers(table, kinds)
        self.unusual += far_values(table, {name: kinds[name] for name in names if roles[name] != "not used"})
        return self.result(schema, columns, observed, grid)

    def _has_times(self, across: tuple[str, ...]) -> bool:
        """Tell whether one of the other columns holds times."""
        others = [name for name in self.table.columns if name not in across and part_of(str(name)) in (None, "day")]
        try:
            find_times(self.table[others], self.settings.get("timestamp_format"), self.source)
        except TimeAxisError as error:
            return "is not a timestamp" in error.message
        return True

    def _find_series(self, table: DataFrame, kinds: dict[str, ColumnKind], times: Times) -> None:
        if "series_id_cols" not in self.given or self.settings["series_id_cols"] == ("auto",):
            strict = "duplicates" not in self.given
            self.settings["series_id_cols"] = find_series_id(table, times.stamps, kinds, self.source, strict=strict)
        self.find_repeated(table, times, [table[name] for name in self.settings["series_id_cols"] if name in table])
        for name in self.settings["series_id_cols"]:
            count = table[name].nunique() if name in table else 0
            if count in _PARTS_OF_A_DAY and kinds[name].kind == "number":
                self.unusual.append(
                    f"column '{name}' has {count} numbers for each time: if they are parts of a day, join them with "
                    "the date into one column of times"
                )

    def _assign_roles(self, table: DataFrame, kinds: dict[str, ColumnKind]) -> dict[str, Role]:
        ids = self.settings["series_id_cols"]
        roles: dict[str, Role] = {
            name: "series id" if name in ids else _role(table, name, item, ids) for name, item in kinds.items()
        }
        numbers = {
            name: kinds[name]
            for name, role in roles.items()
            if role == "dynamic covariate" and kinds[name].kind == "number"
        }
        given = [name for name in self.given.get("target_cols", ()) if name in kinds]
        ranked = rank_targets(numbers)
        targets = given or ranked[:1]
        if not targets:
            trouble = next((item.trouble for item in kinds.values() if item.trouble), None)
            raise TableError(
                trouble
                or f"{self.source}: no column of numbers that vary could be the target; "
                f"found: {examples(table.columns, 12)}"
            )
        for name in targets:
            roles[name] = "target"
        self.settings["target_cols"] = tuple(targets)
        others = [name for name in ranked if name not in targets]
        self.reasons["target_cols"] = f"the likeliest; others that vary: {examples(others, 8) or 'none'}"
        self.unusual += [
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
            timestamp_col="+".join(self.settings["timestamp_col"]),
            target_cols=self.settings["target_cols"],
            dynamic_covariates=tuple(dynamic),
            static_covariates=tuple(StaticCovariate(name=name, dim=3) for name in static),
        )


def _role(table: DataFrame, name: str, found: ColumnKind, series_id: tuple[str, ...]) -> Role:
    kind = found.kind
    if kind not in ("number", "category") or table[name].nunique() <= 1 or is_part(name, found.values):
        return "not used"
    if found.values is not None and is_counter(found.values) and not is_target(name):
        return "not used"
    if series_id and table.groupby(list(series_id), observed=True)[name].nunique().max() <= 1:
        return "static covariate" if kind == "category" else "not used"
    return "dynamic covariate" if kind == "number" or table[name].nunique() <= _MANY_LABELS else "not used"
