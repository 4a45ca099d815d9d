"""Forecasts of a table with a trained run, in the pipeline `forecasting` and in an application.

    forecaster = load_forecaster("data/06_models/bicycles/edge")
    forecaster.forecast(table)           # a DataFrame in, a DataFrame out

Only this folder is needed: no project, no Kedro, no TensorFlow.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spline_lstm.edge.contract import EdgeContract
from spline_lstm.edge.runtime import Run, load_model, read_exported
from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError, ShapeContractError
from spline_lstm.evaluation.error_cycle import UsualErrors, usual_at
from spline_lstm.evaluation.forecast_table import ForecastAxes, lay_out
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.evaluation.quantiles import make_bounds
from spline_lstm.evaluation.running_errors import Forecasts, RunningErrors, follow_errors
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.latest_windows import LatestWindows, to_target_units
from spline_lstm.series.lazy_windows import Cuts
from spline_lstm.series.model_input import check_windows
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.preprocessor_file import PREPROCESSOR_FILE, load_preprocessor
from spline_lstm.text import examples
from spline_lstm.types import DataFrame, Float32, Float64, Int64

logger = logging.getLogger(__name__)

_AT_ONCE = 4_096
"""Most windows in one call of a model; TFLite files and ONNX files for batch 1 take one."""
_PAST_HALF_LIVES = 2
"""How far back forecasts of the table's own history reach, in half lives of the running errors."""


@dataclass(frozen=True)
class Forecaster:
    """A trained run that is ready to forecast any number of tables.

    Attributes:
        preprocessor: How the run's table became windows.
        intervals: Contents of `intervals.json`.
        run: Forecasts up to `at_once` windows in scaled units.
        at_once: Most windows in one call of the model.

    """

    preprocessor: Preprocessor
    intervals: Intervals
    run: Run
    at_once: int = _AT_ONCE

    def forecast(self, table: DataFrame, *, strict: bool = False) -> DataFrame:
        """Forecast the steps after the last target of every series of a table.

        Args:
            table: A table with the columns of the run's table and any number of series.
            strict: Whether a series that is too short is refused; otherwise it is left out with a warning.

        Returns:
            One row for each series, step and target: `series_id`, `origin`, `timestamp`, `step`, `target`, `y_pred`,
            the ends of the intervals (`lower_80`, `upper_80`, ...) and the quantiles (`q10`, ...).

        Raises:
            TableError: A column is missing, or a cell is not a number.
            TimeAxisError: Timestamps are wrong, or their step is not the run's.
            ValuesError: A gap is too long, or a covariate that is known ahead has no value ahead.
            MissingCovariateError: The run's covariate is not in the table.
            InsufficientDataError: A series has too short a history; unless `strict`, every one has.
            ShapeContractError: The features are not those of the run.
            ArtifactDamagedError: The model returns invalid values.

        """
        return self.forecast_windows(self.make_windows(table, strict=strict))

    @property
    def past(self) -> int:
        """Number of earlier origins whose forecasts the intervals follow."""
        half_life = self.intervals.half_life
        return _PAST_HALF_LIVES * half_life + self.preprocessor.windows.horizon if half_life else 0

    def make_windows(self, table: DataFrame, *, strict: bool = False) -> LatestWindows:
        """Cut the last window of every series of a table, and earlier ones for the intervals.

        Arguments and errors are those of `forecast`.
        """
        windows = make_latest_windows(table, self.preprocessor, strict=strict, past=self.past)
        lookback, features = self.preprocessor.windows.lookback, len(self.preprocessor.feature_order)
        check_windows(windows.X, input_features=features, lookback=lookback)
        return windows

    def forecast_windows(self, windows: LatestWindows) -> DataFrame:
        """Forecast windows; returns the table of `forecast`.

        The widths of adaptive intervals follow the errors of the run in the table's own history.
        """
        made = to_target_units(self._run(windows.X), windows, np.arange(len(windows.X)))
        past = to_target_units(self._run(windows.past.X), windows, windows.past.series)
        logger.info(
            "%s: %d steps of %d series forecast from %s on%s",
            windows.source,
            made.shape[1],
            len(made),
            np.datetime_as_string(windows.timestamps.min().astype("datetime64[ns]"), unit="s"),
            f", and {len(past)} forecasts of their history, which intervals follow" if len(past) else "",
        )
        rule, usual = self.intervals.rule, self.intervals.usual(windows.series_names)
        spread = rule.spread(_follow(self.intervals, usual, windows, past).mean, windows.scale)
        spread *= usual_at(usual, np.arange(len(made)), windows.origin, made.shape[1])
        bounds = make_bounds(rule, made, spread, levels=self.intervals.levels, quantiles=self.intervals.quantiles)
        return lay_out(axes_of(windows, windows.timestamps), {"y_pred": made, **bounds})

    def _run(self, X: Float32 | Cuts) -> Float32:
        """Forecast windows, shape `(windows, horizon * F_target)`, in scaled units."""
        outputs = self.preprocessor.windows.horizon * len(self.preprocessor.target_names)
        made = np.empty((len(X), outputs), dtype=np.float32)
        for start in range(0, len(made), self.at_once):
            made[start : start + self.at_once] = self.run(X[start : start + self.at_once])
        return made


def load_forecaster(folder: str | Path, model: str = "model.onnx") -> Forecaster:
    """Load a run from the folder of its exported files, `data/06_models/<run id>/edge`.

    Args:
        folder: The folder, or a copy of it.
        model: Name of the model file. With a `.onnx` file, threads may share the forecaster.

    Raises:
        ArtifactMissingError: The model or `preprocessor.pkl` is missing.
        ArtifactDamagedError: A file is damaged, or is not the file described in `index.json`.
        RunIdMismatchError: The files belong to different runs.
        ShapeContractError: The files have different windows.

    """
    path = Path(folder) / PREPROCESSOR_FILE
    loaded = load_model(path.with_name(model))
    state = load_preprocessor(read_exported(path), str(path))
    preprocessor = Preprocessor.parse(state, ArtifactDamagedError, f"{path}: key")
    contract = loaded.contract
    if preprocessor.run_id != contract.processed_run_id:
        raise RunIdMismatchError(
            f"{path} is of '{preprocessor.run_id}', and {model} of '{contract.processed_run_id}'; export both again"
        )
    check_same_windows(contract, preprocessor, model)
    ids = {name: getattr(contract, name) for name in ("run_id", "processed_run_id", "model_sha256")}
    intervals = Intervals.parse(contract.intervals | ids, ArtifactDamagedError, f"{model}: key")
    return Forecaster(preprocessor, intervals, loaded.run, windows_at_once(model))


def windows_at_once(model: str) -> int:
    """Return how many windows a model file takes in one call."""
    return 1 if model.endswith((".tflite", "_batch1.onnx")) else _AT_ONCE


def check_same_windows(contract: EdgeContract, preprocessor: Preprocessor, model: str) -> None:
    """Refuse a model file for other windows.

    Raises:
        ShapeContractError: It has another lookback, horizon or order of features.

    """
    windows, order = preprocessor.windows, list(preprocessor.feature_order)
    if (contract.lookback, contract.horizon, contract.feature_order) != (windows.lookback, windows.horizon, order):
        raise ShapeContractError(f"{model} is of other windows than run '{contract.run_id}'; export it again")


def axes_of(windows: LatestWindows, timestamps: Int64) -> ForecastAxes:
    """Return the axes of values at timestamps of the windows; `timestamps` is `(series, steps)`."""
    names = windows.series_names
    return ForecastAxes(np.arange(len(names)), names, windows.target_names, windows.origin, timestamps)


def _follow(learnt: Intervals, usual: UsualErrors | None, windows: LatestWindows, forecast: Float64) -> RunningErrors:
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
    error /= usual_at(usual, past.series, past.time, horizon)
    known = ~np.isnan(error)
    made = Forecasts(np.where(known, np.abs(error), 0.0), known, past.series, past.origin)
    return follow_errors(made, running, learnt.half_life)[1]
