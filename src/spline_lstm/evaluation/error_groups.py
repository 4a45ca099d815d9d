"""Errors of forecasts in groups: by hour, day of the week or series."""

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
"""Kind of group to a function that returns each forecast's group; times are the forecast ones, in UTC."""


def _weekdays() -> Any:
    import pandas as pd

    return pd.CategoricalDtype(_DAYS, ordered=True)


def rmse_by(predictions: DataFrame, groups: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the RMSE of the first target in each group, for the kinds with several groups."""
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
        predictions: Result of `forecast_table.make_predictions`.
        groups: Names of `GROUPS`, the outer first; targets are always kept apart.

    Returns:
        One row for each group with `rmse`, `mae`, `bias` (mean of forecast minus truth) and the number of `forecasts`.

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
