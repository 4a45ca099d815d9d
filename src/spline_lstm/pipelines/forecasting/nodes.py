"""Nodes of the forecasting."""

import logging
from typing import Any

import numpy as np

from spline_lstm.edge import backends
from spline_lstm.edge.backends import TrainedRun
from spline_lstm.errors import RunIdMismatchError
from spline_lstm.evaluation.forecast_table import ForecastAxes, lay_out
from spline_lstm.evaluation.intervals import make_bounds
from spline_lstm.reporting.plots import make_forecast_plot
from spline_lstm.series import forecast_windows
from spline_lstm.series.forecast_windows import LatestWindows
from spline_lstm.types import DataFrame, Int64

logger = logging.getLogger(__name__)

_FORMULA = ("=", "+", "-", "@")


def forecast(
    later_table: DataFrame, trained_run: TrainedRun, intervals: dict[str, Any], strict: bool
) -> tuple[DataFrame, DataFrame, Any]:
    """Forecast the steps after the last target of every series from its last window, as the run's settings say.

    Returns:
        The forecasts with their intervals, twice (for Parquet and, with infinite bounds left empty, for CSV), and a
        plot of them.

    Raises:
        RunIdMismatchError: The intervals belong to another training.

    """
    if intervals["model_sha256"] != trained_run.model_sha256:
        raise RunIdMismatchError(
            f"the intervals of run '{trained_run.record['run_id']}' belong to another training; run its modelling again"
        )
    windows = forecast_windows.make_latest_windows(later_table, trained_run.preprocessor, strict=strict)
    logger.info("%s: %d series", windows.source, len(windows.series_names))
    made = forecast_windows.keep_in_range(backends.forecast(trained_run, windows), windows)
    bounds = make_bounds(made, intervals, windows.target_names)
    table = lay_out(_axes(windows, windows.timestamps), {"y_pred": made, **bounds})
    seen = lay_out(_axes(windows, windows.seen_timestamps), {"y_true": windows.seen_target})
    logger.info(
        "%d steps of %d series forecast from %s on",
        made.shape[1],
        len(made),
        np.datetime_as_string(windows.timestamps.min().astype("datetime64[ns]"), unit="s"),
    )
    return table, _for_spreadsheets(table), make_forecast_plot(table, seen)


def _for_spreadsheets(table: DataFrame) -> DataFrame:
    """Leave infinite bounds empty, and put a quote before names that a spreadsheet would take for a formula."""
    names = {
        column: table[column].cat.rename_categories(lambda name: f"'{name}" if name.startswith(_FORMULA) else name)
        for column in ("series_id", "target")
    }
    return table.replace([np.inf, -np.inf], np.nan).assign(**names)


def _axes(windows: LatestWindows, timestamps: Int64) -> ForecastAxes:
    names = windows.series_names
    return ForecastAxes(np.arange(len(names)), names, windows.target_names, windows.origin, timestamps)
