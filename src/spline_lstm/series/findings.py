"""The findings of a first look at a table: settings, their reasons, and the table read with them."""

from dataclasses import replace
from typing import Any

import numpy as np

from spline_lstm.errors import TableError
from spline_lstm.series.cells import row_number
from spline_lstm.series.columns import TableSpec, select_columns
from spline_lstm.series.grid import Grid
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.profile import ColumnProfile, TableProfile
from spline_lstm.series.roles import repeated_rows
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.steps import USUAL_MISSING, find_steps
from spline_lstm.series.time_columns import find_times
from spline_lstm.series.time_formats import ISO_8601
from spline_lstm.series.timestamps import Times, read_times
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Int64


class Findings:
    """What a first look has found so far: each step uses the findings of the steps before."""

    def __init__(self, table: DataFrame, given: dict[str, Any], source: str) -> None:
        self.table, self.given, self.source = table, given, source
        self.reasons: dict[str, str] = {}
        self.unusual: list[str] = []
        self.settings: dict[str, Any] = {
            "feature_mode": "multivariate",
            "target_cols": (),
            "dynamic_covariates": (),
            "static_covariates": (),
            "series_id_cols": (),
            "freq": None,
            **given,
        }

    def find_times(self, table: DataFrame) -> Times:
        """Find the columns of times and read them."""
        spelling = self.settings.get("timestamp_format")
        if self.settings.get("timestamp_col"):
            columns = self.settings["timestamp_col"]
            missing = [name for name in columns if name not in table.columns]
            if missing:
                found = examples(table.columns, 12)
                raise TableError(f"{self.source}: column '{missing[0]}' is missing; found: {found}")
            times = read_times(table, columns, spelling, self.source)
        else:
            columns, times = find_times(table, spelling, self.source)
        self.settings["timestamp_col"] = columns
        self.note_times(times)
        return times

    def note_times(self, times: Times) -> None:
        """Record the format and the span of the times."""
        first, last = (times.stamps.min(), times.stamps.max())
        self.reasons["timestamp_col"] = f"its cells are times, from {_shown(first)} to {_shown(last)}"
        if times.format != ISO_8601:
            self.settings["timestamp_format"] = times.format
            self.reasons["timestamp_format"] = "the only format that all cells have"

    def find_repeated(self, table: DataFrame, times: Times, ids: list[Any]) -> None:
        """Propose `duplicates` if rows share their series and time."""
        rows = repeated_rows(times.stamps, ids)
        if not len(rows) or "duplicates" in self.given:
            return
        one, other = rows[0]
        alike = all(
            table.iloc[one].astype("str").equals(table.iloc[other].astype("str")) for one, other in rows[:1_000]
        )
        self.settings["duplicates"] = "first" if alike else "mean"
        named = f"rows {row_number(table.index, one)} and {row_number(table.index, other)}"
        what = "are alike" if alike else "have the same time and differ"
        line = f"{named} {what}; {len(rows)} such {'row' if len(rows) == 1 else 'rows'} in all"
        self.reasons["duplicates"] = line
        self.unusual.append(f"{line}: duplicates={self.settings['duplicates']}")

    def read(self, table: DataFrame, schema: CovariateSchema) -> tuple[Observations, Grid]:
        """Put the series on their grid; irregular readings get the step that suits them."""
        spec = TableSpec(**self.settings)
        observed = make_observations(table, select_columns(table, schema, spec), spec)
        found = find_steps(observed, spec.freq, spec.resample)
        self.settings |= {"freq": found.freq, "resample": found.resample}
        if found.trouble:
            self.reasons["resample"] = "readings are irregular; each step takes the mean of those up to it"
            self.unusual.append(f"{found.trouble}: resample=mean, freq={found.freq}")
        return found.observed, found.grid

    def look_above(self, table: DataFrame) -> None:
        """Record that there are lines above the header."""
        header = row_number(table.index, 0) - 1
        if header > 1:
            self.unusual.append(f"the header is row {header}; the lines above it are left out")

    def time_profile(self, name: str) -> ColumnProfile:
        """Describe a column of times."""
        column = self.table[name]
        distinct = int(column.nunique())
        return ColumnProfile(name, "timestamp", "timestamp", 0.0, distinct, f"{column.iloc[0]} to {column.iloc[-1]}")

    def result(
        self, schema: CovariateSchema, columns: list[ColumnProfile], observed: Observations, grid: Grid
    ) -> TableProfile:
        """Return all findings."""
        spec = TableSpec(**self.settings)
        found = TableProfile(
            self.source, len(self.table), tuple(columns), schema, spec, self.reasons, (), observed, grid
        )
        if found.missing_ratio > USUAL_MISSING:
            self.unusual.append(f"{found.missing_ratio:.0%} of the steps of a series have no target")
        return replace(found, unusual=tuple(self.unusual))


def _shown(stamp: Int64) -> str:
    text = str(np.datetime64(int(stamp), "ns").astype("datetime64[s]"))
    return text.removesuffix("T00:00:00").replace("T", " ")
