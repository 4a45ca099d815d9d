"""Several runs in one table."""

from typing import Any

import pandas as pd
import pytest

from spline_lstm.evaluation.run_table import compare_runs, make_run_table


def predictions(errors: list[float], steps: list[int] | None = None) -> pd.DataFrame:
    count = len(errors)
    origin = pd.Timestamp("2024-01-01")
    return pd.DataFrame({
        "series_id": pd.Categorical(["a"] * count), "target": pd.Categorical(["y"] * count), "origin": [origin] * count,
        "step": steps or list(range(1, count + 1)), "timestamp": [origin] * count, "y_true": 0.0, "y_pred": errors,
        "is_scored": True,
    })  # fmt: skip


def test_runs_are_compared_on_the_forecasts_that_all_of_them_made() -> None:
    made = {"one": predictions([1, 1, 9]), "other": predictions([2, 2], steps=[2, 1])}
    settings = {
        name: {"run_id": name, "seed": 42, "model_type": kind} for name, kind in zip(made, ("gru", "lstm"), strict=True)
    }
    found = compare_runs(made, settings).droplevel("target")
    assert found["rmse"].to_dict() == {"one": 1.0, "other": 2.0}
    assert found["forecasts"].tolist() == [2, 2]


def test_the_settings_in_which_runs_differ_are_shown_and_no_others() -> None:
    made = {"one": predictions([1]), "other": predictions([2])}
    found = compare_runs(
        made, {"one": {"run_id": "one", "seed": 1, "lags": [1]}, "other": {"run_id": "other", "seed": 1, "lags": [2]}}
    )
    assert found.columns.tolist() == ["rmse", "mae", "bias", "forecasts", "lags"]
    assert found["lags"].tolist() == [[1], [2]]


def test_runs_without_a_forecast_in_common_are_not_compared() -> None:
    with pytest.raises(ValueError, match="no test forecast in common"):
        compare_runs({"one": predictions([1], [1]), "other": predictions([1], [2])}, {"one": {}, "other": {}})


def run(run_id: str, rmse: float, finished_at: str) -> tuple[dict[str, Any], dict[str, Any]]:
    settings = {"model_type": "gru", "feature_mode": "univariate", "seed": 1, "lookback": 6, "horizon": 3}
    record = {"settings": settings | {"input_path": "a.csv"}, "run_id": run_id, "params": 5, "train_seconds": 1.0}
    scores = {"rmse": rmse, "mae": 1.0, "mase": 1.0, "r2": 0.5}
    test = {"model": {"overall": scores}, "baselines": {"ridge": {"overall": {"rmse": 9.0}}}}
    return record | {"finished_at": finished_at}, {"test": test}


def test_all_runs_stand_in_one_table_the_latest_first() -> None:
    table = make_run_table([run("old", 1.0, "2024-01-01"), run("new", 2.0, "2024-01-02")])
    assert table["rmse"].to_dict() == {"new": 2.0, "old": 1.0}
    assert list(table.index) == ["new", "old"]
    assert table["ridge_rmse"].tolist() == [9.0, 9.0]


def test_without_runs_the_table_is_empty() -> None:
    assert make_run_table([]).empty
