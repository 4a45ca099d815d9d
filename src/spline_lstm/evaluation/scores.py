"""Forecasts scored beside the baselines on the same windows."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from spline_lstm.evaluation.baselines import BesideNaive
from spline_lstm.evaluation.calibration import Calibration, calibrate
from spline_lstm.evaluation.differences import make_blocks
from spline_lstm.evaluation.intervals import QuantileSpec, Shares
from spline_lstm.evaluation.metrics import Scored, fit_error_scales, score, score_series, sum_up
from spline_lstm.evaluation.quantile_scores import SCALED, describe_levels, score_quantiles
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.season import infer_season
from spline_lstm.spec import StrictInt
from spline_lstm.types import DataFrame, Float32, Float64, Int64


class EvaluationSpec(QuantileSpec):
    """Parameters of the metrics and intervals."""

    season: Annotated[StrictInt, Field(ge=1)] | Literal["auto"]
    interval_levels: Shares


def evaluate(
    model_input: ModelInput,
    windows: dict[str, Int64],
    made: dict[str, dict[str, Float64]],
    season: int | Literal["auto"],
) -> dict[str, Any]:
    """Score forecasts and baselines.

    Args:
        model_input: Preprocessed data.
        windows: Split to its window numbers.
        made: Split to forecasts by name, each `(windows, horizon, F_target)` in the target's unit;
            `model` is compared with the others, its baselines.
        season: Steps in a season, or `auto` to infer it; see `season.infer_season`.

    Returns:
        `units`, `season`, and per split `windows`, `model` and `baselines` with their scores.

    """
    steps = _season(model_input, season)
    scales = fit_error_scales(model_input, steps)
    result: dict[str, Any] = {"season": steps, "units": _units(model_input)}
    for split, rows in windows.items():
        every = BesideNaive(made[split], model_input, rows, steps)
        scores = {
            name: score(sum_up(_scored(model_input, rows, forecast), scales), model_input.target_names)
            for name, forecast in every.items()
        }
        result[split] = {"windows": len(rows), "model": scores.pop("model"), "baselines": scores}
        if split == "test":
            result[split]["blocks"] = make_blocks(model_input, rows, every)
    return result


def evaluate_quantiles(
    model_input: ModelInput,
    made: dict[str, dict[str, Float64]],
    spec: EvaluationSpec,
    metrics: dict[str, Any],
    *,
    nonnegative: bool = False,
) -> tuple[dict[str, Any], DataFrame, Calibration]:
    """Calibrate the quantiles of the model and of each baseline on validation, and score them on test.

    The baselines take over two decisions of the model: the half life, and whether errors depend on the hour.

    Args:
        model_input: Preprocessed data.
        made: As for `evaluate`, of all windows of `val` and `test`.
        spec: Method, levels, quantiles and season.
        metrics: Result of `evaluate`.
        nonnegative: As for `calibrate`.

    Returns:
        The metrics, extended by those of quantiles, of each series and of each level (`intervals`), the `half_life` of
        the running errors and the seconds of the cycle of usual errors (`error_cycle`); the scores on test of each
        series, target and forecast as a table; and the calibration of the model.

    """
    windows = {"val": model_input.windows_of(1), "test": model_input.windows_of(2)}
    scales = fit_error_scales(model_input, metrics["season"])
    every = {split: BesideNaive(made[split], model_input, rows, metrics["season"]) for split, rows in windows.items()}
    truth = model_input.truth(windows["test"])[0]
    settled: Calibration | None = None
    scored, by_series = {}, {}
    for name in every["test"]:
        forecasts = {split: of_split[name] for split, of_split in every.items()}
        found = calibrate(model_input, forecasts, spec, spec.interval_levels, settled, nonnegative=nonnegative)
        further = score_quantiles(truth, forecasts["test"], found, spec.quantiles, spec.interval_levels)
        sums = sum_up(_scored(model_input, windows["test"], forecasts["test"], further), scales)
        scored[name], by_series[name] = score(sums, model_input.target_names), score_series(sums)
        if name == "model":
            scored[name]["per_series"] = _per_series(model_input, by_series[name])
            levels = describe_levels(scored[name], further, model_input, spec.interval_levels)
            of_model = settled = found
    test_part = metrics["test"] | {"model": scored.pop("model"), "baselines": scored}
    table = _series_table(model_input, by_series)
    widths = {"half_life": of_model.half_life, "error_cycle": of_model.cycle_seconds, "intervals": levels}
    return metrics | {"test": test_part} | widths, table, of_model


def _season(model_input: ModelInput, season: int | Literal["auto"]) -> int:
    return infer_season(model_input) if season == "auto" else season


def _scored(
    model_input: ModelInput, rows: Int64, forecast: Float64, further: dict[str, Float32] | None = None
) -> Scored:
    truth, mask = model_input.truth(rows)
    return Scored(truth, forecast, mask, model_input.window_series[rows], further or {}, SCALED if further else {})


def _tested(model_input: ModelInput) -> Int64:
    """Numbers of the series with a window in the test part."""
    return np.unique(model_input.window_series[model_input.windows_of(2)])


def _per_series(model_input: ModelInput, by_target: list[dict[str, Float64]]) -> dict[str, dict[str, float | None]]:
    """Return the scores of each tested series, the mean over the targets."""
    tested = _tested(model_input)
    names = [model_input.series_names[number] for number in tested]
    found: dict[str, dict[str, float | None]] = {name: {} for name in names}
    for metric in by_target[0]:
        values = np.array([scores[metric][tested] for scores in by_target])
        known = np.isfinite(values)
        counts = known.sum(axis=0)
        means = np.where(known, values, 0.0).sum(axis=0) / np.maximum(counts, 1)
        for name, mean, count in zip(names, means.tolist(), counts, strict=True):
            found[name][metric] = mean if count else None
    return found


def _series_table(model_input: ModelInput, by_forecast: dict[str, list[dict[str, Float64]]]) -> DataFrame:
    """Tabulate the scores of each tested series: one row for each forecast, target and series."""
    import pandas as pd

    tested = _tested(model_input)
    windows = np.bincount(model_input.window_series[model_input.windows_of(2)], minlength=len(model_input.series_names))
    parts = [
        pd.DataFrame(
            {
                "series_id": np.array(model_input.series_names)[tested],
                "target": target,
                "forecast": forecast,
                "windows": windows[tested],
                **{metric: values[tested] for metric, values in scores.items()},
            }
        )
        for forecast, by_target in by_forecast.items()
        for target, scores in zip(model_input.target_names, by_target, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _units(model_input: ModelInput) -> dict[str, str | None]:
    return {name: model_input.meta.get("units", {}).get(name) for name in model_input.target_names}


def overall_scores(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the overall scores of the model (`model`) and the baselines on one split."""
    return {
        "model": part["model"]["overall"],
        **{name: scores["overall"] for name, scores in part["baselines"].items()},
    }
