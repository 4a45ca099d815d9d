"""A first look at a table that no schema describes yet: what its columns seem to be, and how regular it is."""

from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, Literal

import numpy as np

from spline_lstm.errors import TableError, TimeAxisError
from spline_lstm.series.columns import TableSpec, select_columns, source_of
from spline_lstm.series.grid import Grid, make_grid
from spline_lstm.series.observations import make_observations, to_numbers, to_timestamps
from spline_lstm.series.schema import SCHEMA_VERSION, CovariateSchema, DynamicCovariate, StaticCovariate
from spline_lstm.series.spline import run_lengths
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Float64

Kind = Literal["timestamp", "number", "category", "empty"]
Role = Literal["timestamp", "series id", "target", "dynamic covariate", "static covariate", "not used"]

_MANY_LABELS = 20
_ANY_GAP = 2**62


@dataclass(frozen=True)
class ColumnProfile:
    """One column: what its cells are, what it seems to be for, and what is in it."""

    name: str
    kind: Kind
    role: Role
    missing: float
    """Share of the rows."""
    distinct: int
    content: str
    """Range of numbers, or examples of labels."""


@dataclass(frozen=True)
class TableProfile:
    """A table at a glance."""

    source: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    schema: CovariateSchema
    """The columns in their roles, without lags and calendar features."""
    series_id: tuple[str, ...]
    grid: Grid

    @property
    def longest(self) -> int:
        """Steps of the longest series."""
        return int(np.diff(self.grid.borders).max())

    @property
    def days(self) -> float:
        """Days that the table spans."""
        return float(np.ptp(self.grid.timestamps)) / 86_400e9

    @property
    def step_seconds(self) -> float:
        """Mean length of a step."""
        return float(np.mean(np.diff(self.grid.timestamps)[np.diff(self.grid.series) == 0])) / 1e9

    @property
    def longest_gap(self) -> int:
        """Longest run of steps without the target."""
        missing = np.isnan(self.grid.values[:, 0])
        return int(run_lengths(missing, self.grid.series)[0].max()) if missing.any() else 0

    @property
    def missing_ratio(self) -> float:
        """Share of the target that is missing in the series that misses most."""
        missing = np.isnan(self.grid.values[:, 0])
        return float((np.bincount(self.grid.series, weights=missing) / np.bincount(self.grid.series)).max())


def profile_table(table: DataFrame) -> TableProfile:
    """Guess what the columns of a table are, and put its series on their grid.

    Raises:
        TableError: No rows, or no column of numbers that could be the target.
        TimeAxisError: No column of timestamps; or nothing tells series apart, or a timestamp is off the grid.
        ValuesError: An infinite value.
        InsufficientDataError: No series has two rows.

    """
    source = source_of(table)
    if table.empty:
        raise TableError(f"{source}: the table has a header but no rows")
    kinds = {str(name): _kind(table[name], source) for name in table.columns}
    timestamp = _choose_timestamp(table, kinds, source)
    series_id = _choose_series_id(table, kinds, timestamp, source)
    roles = _assign_roles(table, kinds, timestamp, series_id)
    schema = _make_schema(kinds, roles, source)
    spec = TableSpec(
        feature_mode="multivariate", target_cols=schema.target_cols, dynamic_covariates=(), static_covariates=(),
        series_id_cols=series_id, freq=None,
    )  # fmt: skip
    observed = make_observations(table, select_columns(table, schema, spec))
    return TableProfile(
        source=source,
        rows=len(table),
        columns=tuple(_profile_column(table[name], kinds[name], role, source) for name, role in roles.items()),
        schema=schema,
        series_id=series_id,
        grid=make_grid(observed, None, _ANY_GAP),
    )


def _kind(column: Any, source: str) -> Kind:
    try:
        to_timestamps(column, source)
    except TimeAxisError:
        pass
    else:
        return "timestamp"
    try:
        values = to_numbers(column, source)
    except TableError:
        return "category"
    return "empty" if np.isnan(values).all() else "number"


def _choose_timestamp(table: DataFrame, kinds: dict[str, Kind], source: str) -> str:
    if kinds.get("timestamp", "timestamp") != "timestamp":
        to_timestamps(table["timestamp"], source)  # says which cell is none
    found = [name for name, kind in kinds.items() if kind == "timestamp"]
    if not found:
        raise TimeAxisError(
            f"{source}: no column holds timestamps in every row; ISO 8601 is needed, like 2024-05-31T13:00:00Z"
        )
    return "timestamp" if "timestamp" in found else found[0]


def _choose_series_id(table: DataFrame, kinds: dict[str, Kind], timestamp: str, source: str) -> tuple[str, ...]:
    """Take the fewest columns, those with the fewest values first, that leave no timestamp twice in a series."""
    if not table[timestamp].duplicated().any():
        return ()
    labels = {name: table[name].nunique() for name, kind in kinds.items() if kind in ("category", "number")}
    names = sorted(
        (name for name, count in labels.items() if 1 < count <= len(table) / 10 and name != "target"),
        key=lambda name: (kinds[name] == "number", labels[name]),
    )
    for chosen in chain(combinations(names, 1), combinations(names, 2)):
        if not table.duplicated([*chosen, timestamp]).any():
            return chosen
    raise TimeAxisError(
        f"{source}, column '{timestamp}': timestamps are there several times, and no one or two columns tell series "
        "apart; add one that does"
    )


def _assign_roles(
    table: DataFrame, kinds: dict[str, Kind], timestamp: str, series_id: tuple[str, ...]
) -> dict[str, Role]:  # fmt: skip
    roles: dict[str, Role] = {timestamp: "timestamp", **dict.fromkeys(series_id, "series id")}
    for name, kind in kinds.items():
        if name not in roles:
            roles[name] = _role(table, name, kind, series_id)
    numbers = [name for name, role in roles.items() if role == "dynamic covariate" and kinds[name] == "number"]
    if numbers:
        roles["target" if "target" in numbers else numbers[0]] = "target"
    return {str(name): roles[str(name)] for name in table.columns}


def _role(table: DataFrame, name: str, kind: Kind, series_id: tuple[str, ...]) -> Role:
    if kind not in ("number", "category") or table[name].nunique() <= 1:
        return "not used"
    if series_id and table.groupby(list(series_id), observed=True)[name].nunique().max() <= 1:
        return "static covariate" if kind == "category" else "not used"
    return "dynamic covariate" if kind == "number" or table[name].nunique() <= _MANY_LABELS else "not used"


def _make_schema(kinds: dict[str, Kind], roles: dict[str, Role], source: str) -> CovariateSchema:
    def named(role: Role) -> list[str]:
        return [name for name, found in roles.items() if found == role]

    if not named("target"):
        raise TableError(f"{source}: no column of numbers that vary could be the target; found: {examples(roles, 12)}")
    dynamic = (
        DynamicCovariate(name=name, dtype="category", encoding="ordinal")
        if kinds[name] == "category"
        else DynamicCovariate(name=name, scaler="standard")
        for name in named("dynamic covariate")
    )
    static = [name for name in roles if roles[name] in ("series id", "static covariate")]
    return CovariateSchema(
        version=SCHEMA_VERSION,
        timestamp_col=named("timestamp")[0],
        target_cols=tuple(named("target")),
        dynamic_covariates=tuple(dynamic),
        static_covariates=tuple(StaticCovariate(name=name, dim=3) for name in static),
    )


def _profile_column(column: Any, kind: Kind, role: Role, source: str) -> ColumnProfile:
    values: Float64 | None = to_numbers(column, source) if kind == "number" else None
    empty = column.isna() | (column.astype("str").str.strip() == "")
    missing = float(empty.mean() if values is None else np.isnan(values).mean())
    if values is not None:
        content = f"{np.nanmin(values):.4g} to {np.nanmax(values):.4g}, mean {np.nanmean(values):.4g}"
    elif kind == "timestamp":
        content = f"{column.iloc[0]} to {column.iloc[-1]}"
    else:
        content = examples(sorted(column.dropna().astype("str").unique()), 4)
    return ColumnProfile(str(column.name), kind, role, missing, int(column.nunique()), content)
