"""The profile of a table: its columns, how to read it, and anything unusual."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spline_lstm.series.columns import TableSpec
from spline_lstm.series.durations import DAY_NS
from spline_lstm.series.grid import Grid
from spline_lstm.series.observations import Observations
from spline_lstm.series.roles import ColumnKind, Kind
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import run_lengths
from spline_lstm.series.steps import missing_ratio
from spline_lstm.text import examples

Role = Literal["timestamp", "series id", "target", "dynamic covariate", "static covariate", "not used"]


@dataclass(frozen=True)
class ColumnProfile:
    """One column: the kind of its cells, its likely role, and its values."""

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
    """A table in short."""

    source: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    schema: CovariateSchema
    """The roles of the columns, without lags and calendar features."""
    spec: TableSpec
    """How to read the table; its `freq` is None if the usual step fits."""
    reasons: dict[str, str]
    """Parameter to the reason for its proposal, in one line."""
    unusual: tuple[str, ...]
    """Anything that a person should look at, one line each."""
    observed: Observations
    grid: Grid

    @property
    def series_id(self) -> tuple[str, ...]:
        """The columns that tell series apart."""
        return self.grid.columns.series_id

    @property
    def longest(self) -> int:
        """Steps of the longest series."""
        return int(np.diff(self.grid.borders).max())

    @property
    def days(self) -> float:
        """Days that the table spans."""
        return float(np.ptp(self.grid.timestamps)) / DAY_NS

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
        """Share of missing targets in the series with the largest such share."""
        return missing_ratio(self.grid)


def profile_column(column: Any, found: ColumnKind, role: Role) -> ColumnProfile:
    """Profile a column that holds no times, given its role."""
    values = found.values
    empty = column.isna() | (column.astype("str").str.strip() == "")
    missing = float(empty.mean() if values is None else np.isnan(values).mean())
    if values is not None and found.kind == "number":
        content = f"{np.nanmin(values):.4g} to {np.nanmax(values):.4g}, mean {np.nanmean(values):.4g}"
    else:
        content = examples(sorted(column.dropna().astype("str").unique())[:100], 4)
    return ColumnProfile(str(column.name), found.kind, role, missing, int(column.nunique()), content)
