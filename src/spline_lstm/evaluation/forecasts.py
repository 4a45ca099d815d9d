"""Scoring of forecasts beside the baselines, on the same windows."""

from typing import Any, Literal

import numpy as np

from spline_lstm.contracts import ModelInput
from spline_lstm.evaluation.baselines import naive_forecasts
from spline_lstm.evaluation.metrics import fit_error_scales, score
from spline_lstm.evaluation.season import infer_season
from spline_lstm.types import DataFrame, Float64, Int64


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


def make_predictions(bundle: ModelInput, windows: Int64, forecast: Float64) -> DataFrame:
    """Lay out forecasts as a table, one row for each window, step and target.

    Args:
        bundle: Preprocessed data.
        windows: Window numbers.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.

    Returns:
        Columns `series_id`, `origin`, `timestamp`, `step` (from 1), `target`, `y_true`, `y_pred`,
        `is_scored` (whether the truth was observed).

    """
    import pandas as pd

    truth, mask = bundle.truth(windows)
    count, horizon, targets = forecast.shape
    origin = bundle.window_origin[windows]
    rows = origin[:, None] + np.arange(1, horizon + 1)

    def stamps(values: Int64) -> Any:
        return np.repeat(values.reshape(-1), targets * (horizon if values.ndim == 1 else 1)).astype("datetime64[ns]")

    return pd.DataFrame(
        {
            "series_id": pd.Categorical.from_codes(
                np.repeat(bundle.window_series[windows], horizon * targets), categories=pd.Index(bundle.series_names)
            ),
            "origin": stamps(bundle.row_timestamp[origin]),
            "timestamp": stamps(bundle.row_timestamp[rows]),
            "step": np.tile(np.repeat(np.arange(1, horizon + 1), targets), count),
            "target": pd.Categorical.from_codes(
                np.tile(np.arange(targets), count * horizon), categories=pd.Index(bundle.target_names)
            ),
            "y_true": truth.reshape(-1),
            "y_pred": forecast.reshape(-1),
            "is_scored": mask.reshape(-1),
        }
    )
