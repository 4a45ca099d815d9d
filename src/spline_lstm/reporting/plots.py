"""Plots of a run, drawn by kedro-viz and in notebooks."""

from typing import Any

import numpy as np

from spline_lstm.types import DataFrame

_WINDOWS = 4
_HISTORY_HORIZONS = 2
_PANELS = 6
_FILL_STEPS = 500
_BINS = 60


def make_windows_plot(predictions: DataFrame) -> Any:
    """Plot forecasts with their intervals and the actual values before and after, for a few test windows.

    Args:
        predictions: What `forecast_table.make_predictions` returned, with the ends of the intervals. What was actual
            before an origin is what earlier windows were to forecast.

    """
    import pandas as pd

    target = predictions["target"].cat.categories[0]
    rows = predictions[predictions["target"] == target]
    horizon = int(rows["step"].max())
    count = len(rows) // horizon
    chosen = sorted({int(count * (place + 0.5) / _WINDOWS) for place in range(_WINDOWS)})
    windows = [rows.iloc[number * horizon : (number + 1) * horizon] for number in chosen]
    figure = _panels([f"{part['series_id'].iloc[0]}, from {part['origin'].iloc[0]}" for part in windows])
    actual = rows[rows["step"] == 1]
    for panel, part in enumerate(windows, start=1):
        _add_forecast(figure, panel, part["timestamp"], part["y_pred"], _bounds_of(part))
        before = actual[
            (actual["series_id"] == part["series_id"].iloc[0]) & (actual["origin"] < part["origin"].iloc[0])
        ]
        seen = pd.concat([before.tail(_HISTORY_HORIZONS * horizon), part])
        figure.add_scatter(
            x=seen["timestamp"],
            y=seen["y_true"].where(seen["is_scored"]),
            name="actual",
            mode="lines+markers",
            line={"color": "black"},
            legendgroup="actual",
            showlegend=panel == 1,
            row=panel,
            col=1,
        )
    return figure.update_layout(title=f"Forecast and actual on test: {target}")


def make_forecast_plot(forecast: DataFrame, seen: DataFrame) -> Any:
    """Plot forecasts of a new table behind what was seen before them.

    Args:
        forecast: Columns `series_id`, `timestamp`, `target`, `y_pred` and the bounds.
        seen: Columns `series_id`, `timestamp`, `target` and `y_true`.

    """
    keys = ["series_id", "target"]
    groups = list(forecast.groupby(keys, observed=True, sort=False))[:_PANELS]
    before = dict(list(seen.groupby(keys, observed=True, sort=False)))
    figure = _panels([f"{series}, {target}" for (series, target), _ in groups])
    for panel, (key, part) in enumerate(groups, start=1):
        _add_forecast(figure, panel, part["timestamp"], part["y_pred"], _bounds_of(part))
        figure.add_scatter(
            x=before[key]["timestamp"],
            y=before[key]["y_true"],
            name="seen",
            mode="lines",
            line={"color": "black"},
            legendgroup="seen",
            showlegend=panel == 1,
            row=panel,
            col=1,
        )
    return figure.update_layout(title="Forecast")


def _bounds_of(part: DataFrame) -> dict[str, Any]:
    return {name: part[name] for name in part.columns if name.startswith(("lower_", "upper_"))}


def _panels(titles: list[str]) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=len(titles), cols=1, subplot_titles=titles)
    return figure.update_layout(height=120 + 230 * len(titles))


def _add_forecast(figure: Any, panel: int, timestamps: Any, forecast: Any, bounds: dict[str, Any]) -> None:
    """Draw a forecast over its intervals, the widest first; a level without an interval has no band."""
    shown: dict[str, Any] = {"legendgroup": "forecast", "row": panel, "col": 1}
    percents = sorted((name.removeprefix("lower_") for name in bounds if name.startswith("lower_")), key=float)
    for percent in reversed(percents):
        lower, upper = bounds[f"lower_{percent}"], bounds[f"upper_{percent}"]
        if not np.isfinite(lower).all():
            continue
        figure.add_scatter(x=timestamps, y=lower, mode="lines", line={"width": 0}, showlegend=False, **shown)
        figure.add_scatter(
            x=timestamps,
            y=upper,
            mode="lines",
            line={"width": 0},
            fill="tonexty",
            fillcolor="rgba(31, 119, 180, 0.2)",
            name=f"{percent} %",
            showlegend=panel == 1,
            **shown,
        )
    figure.add_scatter(
        x=timestamps,
        y=forecast,
        name="forecast",
        mode="lines",
        line={"color": "rgb(31, 119, 180)"},
        showlegend=panel == 1,
        **shown,
    )


def make_steps_plot(metrics: dict[str, Any]) -> Any:
    """Plot the test RMSE by step of the horizon for the model and its baselines."""
    import plotly.graph_objects as go

    figure = go.Figure()
    add_steps(figure, metrics["test"]["model"], "this model")
    for name, scores in metrics["test"]["baselines"].items():
        add_steps(figure, scores, name.replace("_", " "), dash="dot")
    return figure.update_layout(title="Error by step of the horizon", xaxis_title="step", yaxis_title="test RMSE")


def add_steps(figure: Any, scores: dict[str, Any], name: str, dash: str = "solid") -> None:
    """Add the RMSE by step of one forecast."""
    steps = scores["per_horizon"]
    figure.add_scatter(
        x=[entry["step"] for entry in steps], y=[entry["rmse"] for entry in steps], name=name, line={"dash": dash}
    )


def make_coverage_plot(metrics: dict[str, Any]) -> Any:
    """Plot what the intervals cover on test: against their level, by step of the horizon, and over time."""
    from plotly.subplots import make_subplots

    titles = ("against the level", "by step of the horizon", "over time (from each date on)")
    figure = make_subplots(rows=3, cols=1, subplot_titles=titles)
    entries = sorted(metrics["intervals"], key=lambda entry: entry["level"])
    levels = [entry["level"] for entry in entries]
    found = [entry["coverage"] for entry in entries]
    figure.add_scatter(x=levels, y=found, name="covered", mode="lines+markers", row=1, col=1)
    figure.add_scatter(x=levels, y=levels, name="promised", line={"dash": "dot", "color": "black"}, row=1, col=1)
    for entry in entries:
        parts = (("per_horizon", "step", 2), ("over_time", "from", 3))
        for part, axis, row in parts:
            figure.add_scatter(
                x=[each[axis] for each in entry[part]],
                y=[each["coverage"] for each in entry[part]],
                name=f"{100 * entry['level']:g} %",
                mode="lines+markers",
                showlegend=row == 2,
                row=row,
                col=1,
            )
            figure.add_hline(y=entry["level"], line_dash="dot", row=row, col=1)
    return figure.update_layout(title="Coverage of the intervals on test", height=900)


def make_residuals_plot(predictions: DataFrame) -> Any:
    """Plot how the errors on test (forecast minus truth) are distributed, one histogram a target."""
    import plotly.graph_objects as go

    figure = go.Figure()
    scored = predictions[predictions["is_scored"]]
    for target, part in scored.groupby("target", observed=True):
        counts, edges = np.histogram(part["y_pred"] - part["y_true"], bins=_BINS)
        figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=counts, name=target)
    return figure.update_layout(
        title="Errors on test", xaxis_title="forecast minus truth", yaxis_title="forecasts", bargap=0
    )


def make_training_plot(training_history: dict[str, Any]) -> Any:
    """Plot the losses by epoch, and mark the epoch whose weights are kept."""
    import plotly.graph_objects as go

    history = training_history["history"]
    figure = go.Figure()
    for key, name in (("loss", "train"), ("val_loss", "validation")):
        figure.add_scatter(
            x=[entry["epoch"] for entry in history],
            y=[entry[key] for entry in history],
            name=name,
            mode="lines+markers",
        )
    figure.add_vline(x=training_history["best_epoch"], line_dash="dot", annotation_text="kept")
    return figure.update_layout(title="Training", xaxis_title="epoch", yaxis_title="mean squared error (scaled)")


def make_fills_plot(filled: DataFrame, target_names: tuple[str, ...]) -> Any:
    """Plot the filled values among the observed ones, for the series and the stretches that have most of them.

    Args:
        filled: What `series.filled_series.make_filled_table` returned.
        target_names: Names of the targets; the first is shown.

    """
    target = target_names[0]
    mark = f"{target}_is_imputed"
    codes = filled["series_id"].cat.codes.to_numpy()
    chosen = np.argsort(-np.bincount(codes, weights=filled[mark]), kind="stable")[:_PANELS]
    figure = _panels([str(name) for name in filled["series_id"].cat.categories[chosen]])
    for panel, code in enumerate(chosen, start=1):
        part = _richest_stretch(filled[codes == code], mark)
        observed, fills = part[target].where(~part[mark]), part[target].where(part[mark])
        shown: dict[str, Any] = {"row": panel, "col": 1, "showlegend": panel == 1}
        figure.add_scatter(x=part["timestamp"], y=observed, name="observed", line={"color": "black"}, **shown)
        figure.add_scatter(
            x=part["timestamp"], y=fills, name="spline fill", mode="lines+markers", line={"color": "orangered"}, **shown
        )
    return figure.update_layout(title=f"Spline fills: {target}")


def _richest_stretch(series: DataFrame, mark: str) -> DataFrame:
    """Cut the stretch of a series that holds most fills."""
    before = np.concatenate([[0], np.cumsum(series[mark])])
    width = min(_FILL_STEPS, len(series))
    start = int(np.argmax(before[width:] - before[:-width]))
    return series.iloc[start : start + width]
