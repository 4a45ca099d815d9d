"""Nodes of the tuning."""

import logging
import time
from collections.abc import Callable
from typing import Any

from spline_lstm.errors import ParameterError, ProjectBugError, own_error
from spline_lstm.evaluation.differences import typical_rmse
from spline_lstm.evaluation.scores import evaluate
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.registry import ModelSpec
from spline_lstm.pipelines.plan import RunSpec, SearchSpec
from spline_lstm.pipelines.wrapping import logging_as
from spline_lstm.reporting import tuning_report
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.selection.search import Settings, check_search, propose
from spline_lstm.series.filled_series import FilledSeries, fill_series
from spline_lstm.series.folds import cut_test_part
from spline_lstm.series.model_input import ModelInput, window_fingerprint
from spline_lstm.series.reading import read_observations
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.windows import WindowParameters
from spline_lstm.spec import SpecType
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


def fill_without_test(raw_table: DataFrame, covariate_schema: CovariateSchema, search: SearchSpec) -> FilledSeries:
    """Put every series up to its test part on its grid and fill its gaps; the trials see nothing later."""
    check_search(search.space, search.tuning.trials)
    observed = read_observations(raw_table, covariate_schema, search.table)
    grid, borders = cut_test_part(observed, search.table.freq, search.fills.max_gap, search.windows.split)
    return fill_series(grid, search.fills, borders, observed.sha256)


class Trial:
    """One trial of a tuning."""

    def __init__(self, number: int, place: int, window: Callable[..., Any], train: Callable[..., Any]) -> None:
        """Take the number of the trial and its two steps.

        Args:
            number: Counted from 1.
            place: Counted from 0 within its round, the trials that are proposed together.
            window: Cuts windows from filled series, as the preprocessing does.
            train: Trains a model, as the modelling does.

        """
        self._number, self._place = number, place
        self._window, self._train = window, train

    def try_settings(
        self,
        tuning_series: FilledSeries,
        covariate_schema: CovariateSchema,
        search: SearchSpec,
        *known: dict[str, Any],
    ) -> dict[str, Any]:
        """Train with untried settings, and score them on validation.

        Args:
            tuning_series: The series without their test part.
            covariate_schema: What the columns are.
            search: The settings that the trials share.
            known: Results of the trials of all rounds before.

        Returns:
            A `records.TrialRecord` as a dict. Settings that cannot be trained have a reason instead of a score.

        Raises:
            SplineLSTMError: The run's own settings (the first trial) cannot be trained.

        """
        started = time.perf_counter()
        tried = [(trial["settings"], trial["val_rmse"]) for trial in known]
        settings = propose(search.space, tried, self._place + 1, search.training.seed)[-1]
        name = f"trial {self._number} of {search.tuning.trials}"
        logger.info("%s: %s", name.capitalize(), tuning_report.pairs(settings))
        result: dict[str, Any] = {"val_rmse": None, "val_windows": 0, "val_sha256": None, "params": None, "units": {}}
        failure = None
        try:
            with logging_as(name):
                result = self._score(tuning_series, covariate_schema, search, settings, name)
        except Exception as error:
            own = own_error(error)
            if self._number == 1 or isinstance(own, ProjectBugError):
                raise
            failure = own.message
            logger.warning("%s has no score: %s", name.capitalize(), failure)
        seconds = time.perf_counter() - started
        return {"trial": self._number, "settings": settings, **result, "seconds": seconds, "failure": failure}

    def _score(
        self,
        series: FilledSeries,
        schema: CovariateSchema,
        search: SearchSpec,
        settings: Settings,
        name: str,
    ) -> dict[str, Any]:
        model, windows = _with_settings(search, settings)
        run = RunSpec(run_id=name, processed_run_id=search.tuning_id, commit_hash=None, settings="{}")
        model_input: ModelInput = self._window(series, schema, search.table, windows, run)[0]
        content, _, history = self._train(model_input, model, search.training, run)
        network = TrainedNetwork.from_bytes(content, "model.keras", model.model_type)
        val = model_input.windows_of(1)
        forecast = model_input.in_target_units(network.predict(model_input.X.at(val)), val)
        scores = evaluate(model_input, {"val": val}, {"val": {"model": forecast}}, search.evaluation.season)
        return {
            "val_rmse": typical_rmse(scores["val"]["model"]),
            "val_windows": len(val),
            "val_sha256": window_fingerprint(model_input, val),
            "params": history["params"],
            "units": scores["units"],
        }


def _with_settings(search: SearchSpec, settings: Settings) -> tuple[ModelSpec, WindowParameters]:
    """Return the run's model and windows with the trial's settings.

    Raises:
        ParameterError: The settings do not fit together.

    """
    return _changed(search.model, settings), _changed(search.windows, settings)


def _changed(spec: SpecType, settings: Settings) -> SpecType:
    own = {name: value for name, value in settings.items() if name in type(spec).model_fields}
    return spec.parse(spec.model_dump() | own, ParameterError, "parameter")


def choose_settings(search: SearchSpec, *trials: dict[str, Any]) -> tuple[dict[str, Any], str, str, Any]:
    """Choose the trial with the lowest error on the validation windows of the first one.

    Returns:
        The best settings with the command that trains with them, the report, its page and the plot.

    """
    comparable = [trial for trial in trials if trial["val_sha256"] == trials[0]["val_sha256"]]
    best = min(comparable, key=lambda trial: trial["val_rmse"])
    tried = len(trials)
    found = {
        "tuning_id": search.tuning_id,
        "trial": best["trial"],
        "settings": best["settings"],
        "settings_tried": tried,
        "val_rmse": best["val_rmse"],
        "command": f"{search.command}{tuning_report.pairs(best['settings'] | {'settings_tried': tried})}",
    }
    logger.info("%s", tuning_report.one_line(found, trials))
    report = tuning_report.make_tuning_report(found, trials)
    picture = tuning_report.make_tuning_picture(found, trials)
    return found, report, tuning_report.make_tuning_page(report, picture), make_figure("", [picture])
