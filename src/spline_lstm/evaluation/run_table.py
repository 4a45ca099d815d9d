"""Several runs in one table: all with their scores, or some on the forecasts that they share."""

from collections.abc import Iterable, Mapping
from typing import Any

from spline_lstm.evaluation.error_groups import errors_by
from spline_lstm.types import DataFrame

_SETTINGS = ("model_type", "feature_mode", "seed", "lookback", "horizon", "input_path")
_SCORES = ("rmse", "mae", "mase", "r2")
_FORECAST = ["series_id", "target", "origin", "step"]
"""Columns that identify a forecast."""
_NAMES = ("run_id", "processed_run_id", "forecast_id")


def make_run_table(runs: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> DataFrame:
    """Return one row for each run, the latest first, from its record and metrics: settings and scores on test.

    Values that an earlier version did not record are empty.
    """
    import pandas as pd

    columns = ["run_id", *_SETTINGS, *_SCORES, "ridge_rmse", "params", "train_seconds", "finished_at"]
    rows = [_describe(record, metrics["test"]) for record, metrics in runs]
    return pd.DataFrame(rows, columns=columns).sort_values("finished_at", ascending=False).set_index("run_id")


def _describe(record: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
    scores = test["model"]["overall"]
    return {
        **{name: record["settings"].get(name) for name in _SETTINGS},
        **{name: scores[name] for name in _SCORES},
        "ridge_rmse": test["baselines"]["ridge"]["overall"]["rmse"],
        **{name: record.get(name) for name in ("run_id", "params", "train_seconds", "finished_at")},
    }


def compare_runs(predictions: Mapping[str, DataFrame], settings: Mapping[str, Mapping[str, Any]]) -> DataFrame:
    """Score runs on the test forecasts that all of them made, so that no run has easier windows.

    Args:
        predictions: Run to the result of `forecast_table.make_predictions`.
        settings: Run to its settings.

    Returns:
        One row for each run and target: the columns of `errors_by`, and the settings in which the runs differ.

    Raises:
        ValueError: No forecast was made by all of them.

    """
    import pandas as pd

    scored = {run_id: rows[rows["is_scored"]].set_index(_FORECAST, drop=False) for run_id, rows in predictions.items()}
    common, *others = (rows.index for rows in scored.values())
    for other in others:
        common = common.intersection(other)
    if common.empty:
        raise ValueError("the runs have no test forecast in common")
    parts = {run_id: errors_by(rows.loc[common].reset_index(drop=True), "target") for run_id, rows in scored.items()}
    given = pd.DataFrame({run_id: dict(settings[run_id]) for run_id in predictions}).T.rename_axis("run_id")
    differing = [name for name in given if name not in _NAMES and given[name].astype(str).nunique() > 1]
    return pd.concat(parts, names=["run_id"]).join(given[differing])
