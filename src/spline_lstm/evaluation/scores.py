"""Forecasts scored beside the baselines on the same windows."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from spline_lstm.evaluation.baselines import naive_forecasts
from spline_lstm.evaluation.metrics import fit_error_scales, score
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.season import infer_season
from spline_lstm.spec import Floats, Spec, StrictInt
from spline_lstm.types import Float64, Int64


def _check_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < level < 1 for level in levels) or len(set(levels)) < len(levels):
        raise ValueError("distinct numbers between 0 and 1 are needed")
    return levels


class EvaluationSpec(Spec):
    """What the metrics and intervals need to know."""

    season: Annotated[StrictInt, Field(ge=1)] | Literal["auto"]
    interval_levels: Annotated[Floats, Field(min_length=1), AfterValidator(_check_levels)]


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
            `model` is the one that the others are baselines of.
        season: Steps in a season, or `auto` to infer it; see `season.infer_season`.

    Returns:
        `units`, `season`, and per split `windows`, `model` and `baselines` with their scores.

    """
    steps = infer_season(model_input) if season == "auto" else season
    scales = fit_error_scales(model_input, steps)
    result: dict[str, Any] = {"season": steps, "units": _units(model_input)}
    for split, rows in windows.items():
        truth, mask = model_input.truth(rows)
        scores = {
            name: score(truth, forecast, mask, scales, model_input.target_names)
            for name, forecast in {**made[split], **naive_forecasts(model_input, rows, steps)}.items()
        }
        result[split] = {"windows": len(rows), "model": scores.pop("model"), "baselines": scores}
    return result


def _units(model_input: ModelInput) -> dict[str, str | None]:
    return {name: model_input.meta.get("units", {}).get(name) for name in model_input.target_names}


def overall_scores(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the overall scores of the model (`model`) and the baselines on one split."""
    return {
        "model": part["model"]["overall"],
        **{name: scores["overall"] for name, scores in part["baselines"].items()},
    }
