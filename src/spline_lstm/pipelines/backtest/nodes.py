"""Nodes of the backtest."""

import functools
from collections.abc import Callable
from typing import Any

from spline_lstm.errors import SplineLSTMError
from spline_lstm.evaluation import backtest
from spline_lstm.reporting.backtest_report import make_backtest_report
from spline_lstm.series import filled_series, folds, grid
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.folds import BacktestSpec
from spline_lstm.series.observations import Observations
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowSpec
from spline_lstm.types import DataFrame, Int64


class InFold:
    """A fold's node whose refusals name the fold.

    An instance and no nested function, because the parallel runner pickles nodes.
    """

    def __init__(self, function: Callable[..., Any], fold: str) -> None:
        functools.update_wrapper(self, function)
        self._function, self._fold = function, fold

    def __call__(self, *inputs: Any) -> Any:
        """Run the node."""
        try:
            return self._function(*inputs)
        except SplineLSTMError as error:
            raise type(error)(f"{self._fold}: {error.message}") from error


def plan_folds(
    observations: Observations, metrics: dict[str, Any],
    table: TableSpec, fills: FillSpec, windows: WindowSpec, spec: BacktestSpec,
) -> Int64:  # fmt: skip
    """Find where the test block of every fold begins; see `series.folds`.

    The metrics stay unread here: that the run with its single split is missing is to be said before the folds train.
    """
    del metrics
    regular = grid.make_grid(observations, table.freq, fills.max_gap)
    return folds.make_cuts(regular, windows.split, spec.folds)


def fill_fold(
    observations: Observations, fold_cuts: Int64, table: TableSpec, fills: FillSpec, windows: WindowSpec, number: int
) -> FilledSeries:
    """Put every series up to the fold's end on its grid and fill its gaps; nothing later is there."""
    part = folds.cut_observations(observations, fold_cuts[number])
    regular = grid.make_grid(part, table.freq, fills.max_gap)
    borders = folds.make_fold_borders(regular, fold_cuts[number - 1], windows.split)
    return filled_series.fill_series(regular, fills, borders, observations.sha256)


def join_folds(metrics: dict[str, Any], *loaded: Any) -> tuple[dict[str, Any], str]:
    """Join the metrics and predictions of all folds.

    Args:
        metrics: Those of the run that the folds repeat.
        loaded: All folds' metrics, then all folds' predictions.

    Returns:
        The scores and the report.

    """
    count = len(loaded) // 2
    found: tuple[dict[str, Any], ...] = loaded[:count]
    predictions: tuple[DataFrame, ...] = loaded[count:]
    joined = backtest.join_folds(metrics, found, predictions)
    return joined, make_backtest_report(joined)
