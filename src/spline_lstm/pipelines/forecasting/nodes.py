"""Nodes of the forecasting."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spline_lstm.edge.backends import TrainedRun, open_forecaster
from spline_lstm.edge.forecaster import Forecaster, axes_of
from spline_lstm.errors import SplineLSTMError, own_error
from spline_lstm.evaluation.forecast_table import lay_out
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.plots import make_drift_picture, make_forecast_pictures
from spline_lstm.series.drift import describe_drift, find_drift
from spline_lstm.text import examples
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def forecast(
    later_table: DataFrame, trained_run: TrainedRun, intervals: dict[str, Any], strict: bool
) -> tuple[DataFrame, DataFrame, Any, dict[str, Any]]:
    """Forecast the steps after the last target of every series from its last window, as the run's settings say.

    Returns:
        The forecasts with their intervals, twice (for Parquet and, with infinite bounds left empty, for CSV), a plot of
        them, and the drift of the table.

    Raises:
        ArtifactDamagedError: The intervals are damaged.
        RunIdMismatchError: The intervals belong to another training.
        ShapeContractError: The intervals do not fit the forecasts.

    """
    return _forecast(open_forecaster(trained_run, intervals), later_table, strict=strict)


def forecast_tables(
    later_tables: dict[str, Callable[[], DataFrame]], trained_run: TrainedRun, intervals: dict[str, Any], strict: bool
) -> Iterator[dict[str, tuple[DataFrame, DataFrame, Any, dict[str, Any]]]]:
    """Forecast one table after another; the run is opened once.

    Yields:
        The id of a forecast, and the result of `forecast` for its table.

    Raises:
        SplineLSTMError: Some tables could not be forecast, all others were: the first error, with their ids.

    """
    forecaster = open_forecaster(trained_run, intervals)
    refused: dict[str, SplineLSTMError] = {}
    for number, (forecast_id, load) in enumerate(later_tables.items(), start=1):
        try:
            made = _forecast(forecaster, load(), strict=strict)
        except Exception as error:
            refused[forecast_id] = own_error(error)
            logger.error("%d of %d tables: %s", number, len(later_tables), refused[forecast_id].message)
            continue
        logger.info("%d of %d tables: %s", number, len(later_tables), forecast_id)
        yield {forecast_id: made}
    if refused:
        first = next(iter(refused.values()))
        found = f"{len(refused)} of {len(later_tables)} tables have no forecast: {examples(refused)}"
        raise type(first)(f"{first.message}; {found}") from first


def _forecast(
    forecaster: Forecaster, table: DataFrame, *, strict: bool
) -> tuple[DataFrame, DataFrame, Any, dict[str, Any]]:
    windows = forecaster.make_windows(table, strict=strict)
    made = forecaster.forecast_windows(windows)
    seen = lay_out(axes_of(windows, windows.seen_timestamps), {"y_true": windows.seen_target})
    drift = find_drift(windows, forecaster.preprocessor)
    pictures = make_forecast_pictures(made, seen)
    if found := describe_drift(drift):
        logger.warning("%s: %s", windows.source, found)
        pictures.append(make_drift_picture(drift))
    return made, _for_spreadsheets(made), make_figure("Forecast", pictures), drift


def _for_spreadsheets(table: DataFrame) -> DataFrame:
    """Leave infinite bounds empty, and put a quote before names that a spreadsheet would read as a formula."""
    names = {
        column: table[column].astype("str").map(lambda name: f"'{name}" if name.startswith(_FORMULA) else name)
        for column in ("series_id", "target")
    }
    return table.replace([np.inf, -np.inf], np.nan).assign(**names)
