"""Forecasts: scored beside the baselines on the same windows, and laid out as a table."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from spline_lstm.evaluation.baselines import naive_forecasts
from spline_lstm.evaluation.metrics import fit_error_scales, score
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.season import infer_season
from spline_lstm.types import Bool, DataFrame, Float64, Int64


def evaluate(
    bundle: ModelInput,
    windows: dict[str, Int64],
    made: dict[str, dict[str, Float64]],
    season: int | Literal["auto"],
) -> dict[str, Any]:
    """Score forecasts and baselines.

    Args:
        bundle: Preprocessed data.
        windows: Split to its window numbers.
        made: Split to forecasts by name, each `(windows, horizon, F_target)` in the target's unit;
            `model` is the one that the others are baselines of.
        season: Steps in a season, or `auto` to infer it; see `season.infer_season`.

    Returns:
        `units`, `season`, and per split `windows`, `model` and `baselines` with their scores.

    """
    steps = infer_season(bundle) if season == "auto" else season
    scales = fit_error_scales(bundle, steps)
    result: dict[str, Any] = {"season": steps, "units": _units(bundle)}
    for split, rows in windows.items():
        truth, mask = bundle.truth(rows)
        scores = {
            name: score(truth, forecast, mask, scales, bundle.target_names)
            for name, forecast in {**made[split], **naive_forecasts(bundle, rows, steps)}.items()
        }
        result[split] = {"windows": len(rows), "model": scores.pop("model"), "baselines": scores}
    return result


def _units(bundle: ModelInput) -> dict[str, str | None]:
    return {name: bundle.meta.get("units", {}).get(name) for name in bundle.target_names}


def overall_scores(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the overall scores of the model (`model`) and the baselines on one split."""
    return {
        "model": part["model"]["overall"],
        **{name: scores["overall"] for name, scores in part["baselines"].items()},
    }


@dataclass(frozen=True)
class ForecastAxes:
    """What forecasts of shape `(windows, horizon, F_target)` are about.

    Attributes:
        series: Series number of each window, `(windows,)`.
        origin: Timestamp of each window's last lookback step, in nanoseconds since 1970, `(windows,)`.
        timestamps: Timestamps of the steps, `(windows, horizon)`.

    """

    series: Int64
    series_names: tuple[str, ...]
    target_names: tuple[str, ...]
    origin: Int64
    timestamps: Int64


def make_predictions(bundle: ModelInput, windows: Int64, forecast: Float64) -> DataFrame:
    """Lay out forecasts beside the truth.

    Args:
        bundle: Preprocessed data.
        windows: Window numbers.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.

    Returns:
        The columns of `lay_out`, and `y_true`, `y_pred` and `is_scored` (whether the truth was observed).

    """
    truth, mask = bundle.truth(windows)
    origin = bundle.window_origin[windows]
    axes = ForecastAxes(
        series=bundle.window_series[windows],
        series_names=bundle.series_names,
        target_names=bundle.target_names,
        origin=bundle.row_timestamp[origin],
        timestamps=bundle.row_timestamp[origin[:, None] + np.arange(1, bundle.horizon + 1)],
    )
    return lay_out(axes, {"y_true": truth, "y_pred": forecast, "is_scored": mask})


def lay_out(axes: ForecastAxes, values: dict[str, Float64 | Bool]) -> DataFrame:
    """Lay out values as a table, one row for each window, step and target.

    Args:
        axes: What the values are about.
        values: Column name to `(windows, horizon, F_target)`.

    Returns:
        Columns `series_id`, `origin`, `timestamp`, `step` (from 1), `target`, and those of `values`.

    """
    import pandas as pd

    count, horizon = axes.timestamps.shape
    targets = len(axes.target_names)
    return pd.DataFrame(
        {
            "series_id": pd.Categorical.from_codes(
                np.repeat(axes.series, horizon * targets), categories=pd.Index(axes.series_names)
            ),
            "origin": np.repeat(axes.origin, horizon * targets).astype("datetime64[ns]"),
            "timestamp": np.repeat(axes.timestamps.reshape(-1), targets).astype("datetime64[ns]"),
            "step": np.tile(np.repeat(np.arange(1, horizon + 1), targets), count),
            "target": pd.Categorical.from_codes(
                np.tile(np.arange(targets), count * horizon), categories=pd.Index(axes.target_names)
            ),
            **{name: value.reshape(-1) for name, value in values.items()},
        }
    )
