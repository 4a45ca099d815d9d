"""Nodes of the backtest."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.errors import SplineLSTMError
from spline_lstm.evaluation import backtest
from spline_lstm.pipelines.wrapping import logging_as
from spline_lstm.reporting.backtest_report import make_backtest_page, make_backtest_report
from spline_lstm.series import filled_series, folds, grid
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.folds import BacktestSpec
from spline_lstm.series.observations import Observations
from spline_lstm.series.reading import read_observations
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowParameters
from spline_lstm.types import DataFrame, Int64


class InFold:
    """A fold's node whose errors name the fold.

    An instance, not a nested function, because the parallel runner pickles nodes.
    """

    def __init__(self, fold: str, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._fold = function, fold

    def __call__(self, *inputs: Any) -> Any:
        """Run the node."""
        try:
            with logging_as(self._fold):
                return self._function(*inputs)
        except SplineLSTMError as error:
            raise type(error)(f"{self._fold}: {error.message}") from error


def plan_folds(
    raw_table: DataFrame,
    covariate_schema: CovariateSchema,
    table: TableSpec,
    fills: FillSpec,
    windows: WindowParameters,
    spec: BacktestSpec,
) -> list[list[int]]:
    """Find where the test block of every fold begins, as nested lists; see `series.folds.make_cuts`."""
    regular = grid.make_grid(_observe(raw_table, covariate_schema, table), table.freq, fills.max_gap)
    cuts: list[list[int]] = folds.make_cuts(regular, windows.split, spec.folds).tolist()
    return cuts


def fill_fold(
    raw_table: DataFrame,
    covariate_schema: CovariateSchema,
    fold_cuts: list[list[int]],
    table: TableSpec,
    fills: FillSpec,
    windows: WindowParameters,
    number: int,
) -> FilledSeries:
    """Put every series up to the fold's end on its grid and fill its gaps; later rows are dropped."""
    cuts: Int64 = np.array(fold_cuts, dtype=np.int64)
    part = folds.cut_observations(_observe(raw_table, covariate_schema, table), cuts[number])
    regular = grid.make_grid(part, table.freq, fills.max_gap)
    borders = folds.make_fold_borders(regular, cuts[number - 1], windows.split)
    return filled_series.fill_series(regular, fills, borders, part.sha256)


def _observe(raw_table: DataFrame, covariate_schema: CovariateSchema, table: TableSpec) -> Observations:
    return read_observations(raw_table, covariate_schema, table)


def join_folds(metrics: dict[str, Any], **of_folds: Any) -> tuple[dict[str, Any], str, str]:
    """Join the metrics and predictions of all folds.

    Args:
        metrics: Metrics of the run that the folds repeat.
        of_folds: `<fold>.metrics` and `<fold>.predictions` of every fold, in the order of the folds.

    Returns:
        The scores, the report, and its page.

    """
    found, predictions = (
        [loaded for name, loaded in of_folds.items() if name.endswith(what)] for what in (".metrics", ".predictions")
    )
    joined = backtest.join_folds(metrics, found, predictions)
    return joined, make_backtest_report(joined), make_backtest_page(joined)
