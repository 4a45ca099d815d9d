"""Explanations of a model, in words and pictures."""

from typing import Any

from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.picture import ACTUAL, FORECAST, Bars, Line, Picture, colours_of
from spline_lstm.reporting.wording import number

_SHOWN = 12
_LINES = 6
_LITTLE = 0.005


def explanation_section(explanations: dict[str, Any]) -> str:
    """Say which inputs matter and what structure the errors still have."""
    rows = [[row["input"], _growth(row["error_ratio"])] for row in explanations["importances"]]
    weights = {row["input"]: row for row in explanations["ridge_weights"]}
    heading = ["input", "error without it"]
    if weights:
        heading.append("heaviest in the ridge path")
        for row in rows:
            row.append(_heaviest(weights.get(row[0])))
    return (
        "## What the forecasts depend on\n\nHow much the RMSE on validation grows when an input is taken from other "
        "windows. Inputs with the same information share their importance.\n\n"
        f"{table(heading, rows, numbers=True)}\n\n{_extremes(explanations['groups'])}"
        f"{_errors_left(explanations['errors'])}"
    )


def _extremes(groups: dict[str, dict[str, float]]) -> str:
    """Tabulate the groups with the smallest and largest errors on test."""
    rows = []
    for name, errors in groups.items():
        least, largest = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
        rows.append([name, least, number(errors[least]), largest, number(errors[largest])])
    if not rows:
        return ""
    heading = ["test RMSE of the first target by", "least at", "RMSE", "largest at", "RMSE"]
    return f"{table(heading, rows, numbers=True)}\n\nTimes are the forecast ones, in UTC.\n\n"


def _growth(ratio: float) -> str:
    return "level" if abs(ratio - 1) < _LITTLE else f"{ratio - 1:+.1%}"


def _heaviest(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    weights = row["weights"]
    return f"{row['steps_before'][weights.index(max(weights))]} steps before the origin"


def _errors_left(errors: dict[str, Any]) -> str:
    known = {lag: value for lag, value in enumerate(errors["correlation"], start=1) if value is not None}
    lag = max(known, key=lambda lag: abs(known[lag]), default=0)
    if not lag or abs(known[lag]) < max(2 * errors["chance"], 0.1):
        return "Errors one step ahead on test do not depend on earlier ones: the model leaves no such pattern."
    steps = "step" if lag == 1 else "steps"
    return (
        f"Errors one step ahead on test are correlated with those {lag} {steps} before ({number(known[lag])}; chance "
        f"stays below {number(errors['chance'])}): a longer lookback or another input may help."
    )


def make_explanation_pictures(explanations: dict[str, Any]) -> list[Picture]:
    """Show the importance of the inputs, the weights of the ridge path by lag, and the errors' autocorrelation."""
    shown = explanations["importances"][:_SHOWN]
    grows = [100 * (row["error_ratio"] - 1) for row in shown]
    names = [row["input"] for row in shown]
    title = "growth of the validation RMSE (%)"
    bars = Bars("importance", names, [max(value, 0.0) for value in grows], FORECAST)
    pictures = [Picture("Importance of the inputs", "input", title, (bars,))]
    heavy = explanations["ridge_weights"][:_LINES]
    colours = colours_of(row["input"] for row in heavy)
    lines = [Line(row["input"], row["steps_before"], row["weights"], colours[row["input"]]) for row in heavy]
    if lines:
        axes = ("steps before the origin", "mean absolute weight (scaled)")
        pictures.append(Picture("Weights of the ridge path", *axes, tuple(lines), from_zero=True))
    known = [
        (lag, value) for lag, value in enumerate(explanations["errors"]["correlation"], start=1) if value is not None
    ]
    if known:
        lags, values = [lag for lag, _ in known], [value for _, value in known]
        ends, chance = [lags[0], lags[-1]], explanations["errors"]["chance"]
        limits = (Line(f"{sign} chance", ends, [float(f"{sign}1") * chance] * 2, ACTUAL, "dot") for sign in "+-")
        marks: tuple[Bars | Line, ...] = (Bars("errors", lags, values, FORECAST), *limits)
        pictures.append(Picture("Autocorrelation of the errors", "steps between two errors", "correlation", marks))
    return pictures
