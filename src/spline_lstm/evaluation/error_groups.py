"""Errors of forecasts by what they have in common: the hour, the day of the week, the series."""

from collections.abc import Callable
from typing import Any

from spline_lstm.text import quoted
from spline_lstm.types import DataFrame

_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
GROUPS: dict[str, Callable[[DataFrame], Any]] = {
    "hour": lambda rows: rows["timestamp"].dt.hour,
    "weekday": lambda rows: rows["timestamp"].dt.day_name().astype(_weekdays()),
    "month": lambda rows: rows["timestamp"].dt.month,
    "series": lambda rows: rows["series_id"],
    "step": lambda rows: rows["step"],
    "target": lambda rows: rows["target"],
}
"""Name of a group to what a forecast's group is; times are those that were forecast, in UTC."""


def _weekdays() -> Any:
    import pandas as pd

    return pd.CategoricalDtype(_DAYS, ordered=True)


def rmse_by(predictions: DataFrame, groups: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the RMSE of the first target in each group, for the kinds of groups of which there are several."""
    first = predictions[predictions["target"] == predictions["target"].cat.categories[0]]
    found = {name: errors_by(first, name)["rmse"] for name in groups}
    return {
        name: {str(group): float(error) for group, error in errors.items()}
        for name, errors in found.items()
        if len(errors) > 1
    }


def errors_by(predictions: DataFrame, *groups: str) -> DataFrame:
    """Score forecasts group by group, in the target's unit.

    Args:
        predictions: What `forecast_table.make_predictions` returned.
        groups: Names of `GROUPS`, the outer first; several targets are kept apart in any case.

    Returns:
        A row a group with `rmse`, `mae`, `bias` (mean of forecast minus truth) and `forecasts`, the number of them.

    Raises:
        ValueError: There is no such group.

    """
    import pandas as pd

    unknown = [name for name in groups if name not in GROUPS]
    if unknown or not groups:
        raise ValueError(f"unknown groups: {quoted(unknown) or 'none given'}; known: {quoted(GROUPS)}")
    rows = predictions[predictions["is_scored"]]
    names = list(groups)
    if "target" not in names and rows["target"].nunique() > 1:
        names = ["target", *names]
    error = rows["y_pred"] - rows["y_true"]
    parts = pd.DataFrame({"error": error, "absolute": error.abs(), "square": error**2})
    found = parts.groupby([GROUPS[name](rows).rename(name) for name in names], observed=True)
    means = found.mean()
    return pd.DataFrame(
        {
            "rmse": means["square"] ** 0.5,
            "mae": means["absolute"],
            "bias": means["error"],
            "forecasts": found.size(),
        }
    )
