"""Regular series whose targets have no gaps."""

from dataclasses import dataclass
from typing import Any, Self

from spline_lstm.series.grid import Grid
from spline_lstm.series.spline import Fill, FillSpec, check_gaps, fill_gaps
from spline_lstm.series.splits import SPLITS, SplitBorders
from spline_lstm.types import DataFrame


@dataclass(frozen=True)
class FilledSeries:
    """Regular series whose targets have no gaps, and where their splits lie."""

    grid: Grid
    fills: Fill
    borders: SplitBorders
    spec: FillSpec
    sha256: str | None
    """Hash of the table's file."""

    def __deepcopy__(self, _: Any) -> Self:
        """Return itself; see `Observations`."""
        return self


def fill_series(grid: Grid, spec: FillSpec, borders: SplitBorders, sha256: str | None) -> FilledSeries:
    """Fill the gaps of all targets.

    Raises:
        ValuesError: Too much is missing.

    """
    check_gaps(grid, spec)
    targets = grid.values[:, : len(grid.columns.targets)]
    return FilledSeries(grid, fill_gaps(targets, grid.series, borders.is_train()), borders, spec, sha256)


def make_filled_table(filled: FilledSeries) -> DataFrame:
    """Return the filled targets as a table: one row for each step, a value and a mark for each target."""
    import pandas as pd

    grid = filled.grid
    table = pd.DataFrame(
        {
            "series_id": pd.Categorical.from_codes(grid.series, categories=pd.Index(grid.series_names)),
            "timestamp": grid.timestamps.astype("datetime64[ns]"),
            "split": pd.Categorical.from_codes(filled.borders.row_split(), categories=pd.Index(SPLITS)),
        }
    )
    for position, name in enumerate(grid.columns.targets):
        table[name] = filled.fills.values[:, position]
        table[f"{name}_is_imputed"] = filled.fills.is_imputed[:, position]
    return table
