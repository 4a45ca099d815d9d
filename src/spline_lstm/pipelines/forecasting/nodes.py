"""Nodes of the forecasting."""

import logging
from typing import Any

import numpy as np

from spline_lstm.edge import backends
from spline_lstm.edge.backends import TrainedRun
from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError
from spline_lstm.evaluation.forecast_table import ForecastAxes, lay_out
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.evaluation.quantiles import make_bounds
from spline_lstm.evaluation.running_errors import Forecasts, RunningErrors, follow_errors
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.plots import make_forecast_pictures
from spline_lstm.series import forecast_windows
from spline_lstm.series.latest_windows import LatestWindows
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Float64, Int64

logger = logging.getLogger(__name__)

_PAST_HALF_LIVES = 2
"""Half lives of the running errors that forecasts of the table's own history reach back."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def forecast(
    later_table: DataFrame, trained_run: TrainedRun, intervals: dict[str, Any], strict: bool
) -> tuple[DataFrame, DataFrame, Any]:
    """Forecast the steps after the last target of every series from its last window, as the run's settings say.

    The widths of adaptive intervals follow the errors that the run would have made in the table's own history.

    Returns:
        The forecasts with their intervals, twice (for Parquet and, with infinite bounds left empty, for CSV), and a
        plot of them.

    Raises:
        ArtifactDamagedError: The intervals are not as they were written.
        RunIdMismatchError: The intervals belong to another training.
        ShapeContractError: The intervals are of other forecasts.

    """
    subject = f"intervals.json of run '{trained_run.record['run_id']}' (its modelling makes it again): key"
    learnt = Intervals.parse(intervals, ArtifactDamagedError, subject)
    if learnt.model_sha256 != trained_run.model_sha256:
        raise RunIdMismatchError(
            f"the intervals of run '{trained_run.record['run_id']}' belong to another training; run its modelling again"
        )
    learnt.check_fits(trained_run.preprocessor.windows.horizon, trained_run.preprocessor.target_names)
    past = _PAST_HALF_LIVES * learnt.half_life + trained_run.preprocessor.windows.horizon if learnt.half_life else 0
    windows = forecast_windows.make_latest_windows(later_table, trained_run.preprocessor, strict=strict, past=past)
    logger.info("%s: %d series", windows.source, len(windows.series_names))
    made, of_past = backends.forecast(trained_run, windows)
    rule = learnt.rule
    spread = rule.spread(_follow(learnt, windows, of_past).mean, windows.scale)
    bounds = make_bounds(rule, made, spread, levels=learnt.levels, quantiles=learnt.quantiles)
    table = lay_out(_axes(windows, windows.timestamps), {"y_pred": made, **bounds})
    seen = lay_out(_axes(windows, windows.seen_timestamps), {"y_true": windows.seen_target})
    logger.info(
        "%d steps of %d series forecast from %s on",
        made.shape[1],
        len(made),
        np.datetime_as_string(windows.timestamps.min().astype("datetime64[ns]"), unit="s"),
    )
    return table, _for_spreadsheets(table), make_figure("Forecast", make_forecast_pictures(table, seen))


def _follow(learnt: Intervals, windows: LatestWindows, forecast: Float64) -> RunningErrors:
    """Return the running errors at the end of the table, `(series, horizon, F_target)`, scaled."""
    running, seen = learnt.running(windows.series_names)
    if not seen.all():
        new = examples(name for name, known in zip(windows.series_names, seen, strict=True) if not known)
        logger.warning(
            "The intervals of %d series that the run has not tested begin with pooled widths: %s", (~seen).sum(), new
        )
    if learnt.half_life is None:
        return running
    past, horizon = windows.past, forecast.shape[1]
    counts = np.bincount(past.series, minlength=len(windows.series_names))
    if (counts < horizon).any():
        short = examples(windows.series_names[number] for number in np.flatnonzero(counts < horizon))
        logger.warning(
            "The intervals of %d series rest on the run: too little history for forecasts of it: %s",
            (counts < horizon).sum(),
            short,
        )
    error = (past.truth - forecast) / windows.scale[past.series][:, None]
    known = ~np.isnan(error)
    made = Forecasts(np.where(known, np.abs(error), 0.0), known, past.series, past.origin)
    return follow_errors(made, running, learnt.half_life)[1]


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
