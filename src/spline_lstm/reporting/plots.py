"""The pictures of a run: forecasts, errors, intervals, training, fills."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from spline_lstm.evaluation.error_groups import errors_by
from spline_lstm.reporting.picture import ACTUAL, COLOURS, FILL, FORECAST, Band, Bars, Line, Picture, colours_of
from spline_lstm.reporting.wording import label, strongest_baseline, with_unit
from spline_lstm.text import examples, nearest
from spline_lstm.types import DataFrame

_WINDOWS = 4
_HISTORY_HORIZONS = 2
_PANELS = 6
_FILL_STEPS = 500
_BINS = 60
_WORST_SERIES = 12


def make_window_pictures(predictions: DataFrame, metrics: dict[str, Any]) -> list[Picture]:
    """Show forecasts with their intervals and the actual values before and after, for a few test windows.

    Args:
        predictions: Result of `forecast_table.make_predictions`, with the ends of the intervals. The true values before
            an origin come from the rows of earlier windows.
        metrics: Metrics of the run, for the units.

    """
    target = predictions["target"].cat.categories[0]
    rows = predictions[predictions["target"] == target]
    horizon = int(rows["step"].max())
    count = len(rows) // horizon
    chosen = sorted({int(count * (place + 0.5) / _WINDOWS) for place in range(_WINDOWS)})
    return [make_window_picture(rows, number, _unit_title(metrics, target)) for number in chosen]


def make_window_picture(rows: DataFrame, number: int, y_title: str) -> Picture:
    """Show one window.

    Args:
        rows: Predictions of one target, sorted by window.
        number: Number of the window.
        y_title: Target and unit.

    """
    import pandas as pd

    horizon = int(rows["step"].max())
    part = rows.iloc[number * horizon : (number + 1) * horizon]
    series, origin = part["series_id"].iloc[0], part["origin"].iloc[0]
    known = rows[(rows["step"] == 1) & (rows["series_id"] == series) & (rows["origin"] < origin)]
    seen = pd.concat([known.tail(_HISTORY_HORIZONS * horizon), part])
    actual = Line("actual", seen["timestamp"].to_numpy(), _scored(seen), ACTUAL)
    marks = (*_forecast_marks(part), actual)
    return Picture(f"{series}, from {_minute(origin)}", "time (UTC)", y_title, marks)


def choose_window_picture(predictions: DataFrame, metrics: dict[str, Any], series: str | None, origin: Any) -> Picture:
    """Show the window of a series whose origin is nearest to a time, for the first target.

    Args:
        predictions: As for `make_window_pictures`.
        metrics: Metrics of the run, for the units.
        series: Name of the series; None takes the first one.
        origin: A time in UTC, or text that pandas reads as one; None takes the last one.

    Raises:
        ValueError: There is no such series; the message suggests the nearest name.

    """
    import pandas as pd

    names = [str(name) for name in predictions["series_id"].unique()]
    wanted = names[0] if series is None else series
    if wanted not in names:
        raise ValueError(f"series '{wanted}' was not forecast{nearest(wanted, names)}; known: {examples(names)}")
    target = predictions["target"].cat.categories[0]
    rows = predictions[(predictions["target"] == target) & (predictions["series_id"].astype(str) == wanted)]
    origins = rows.loc[rows["step"] == 1, "origin"].reset_index(drop=True)
    time = origins.iloc[-1] if origin is None else pd.Timestamp(origin)
    time = time.tz_convert("UTC").tz_localize(None) if time.tzinfo else time
    return make_window_picture(rows, int((origins - time).abs().argmin()), _unit_title(metrics, target))


def _scored(rows: DataFrame) -> Any:
    return rows["y_true"].where(rows["is_scored"]).to_numpy()


def _minute(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def _unit_title(metrics: dict[str, Any], target: str) -> str:
    unit = metrics["units"].get(target)
    return f"{target} ({unit})" if unit else target


def make_forecast_pictures(forecast: DataFrame, seen: DataFrame) -> list[Picture]:
    """Show forecasts of a new table after its last values.

    Args:
        forecast: Columns `series_id`, `timestamp`, `target`, `y_pred` and the bounds.
        seen: Columns `series_id`, `timestamp`, `target` and `y_true`.

    """
    keys = ["series_id", "target"]
    groups = list(forecast.groupby(keys, observed=True, sort=False))[:_PANELS]
    before = dict(list(seen.groupby(keys, observed=True, sort=False)))
    pictures = []
    for (series, target), part in groups:
        known = before[series, target]
        past = Line("seen", known["timestamp"].to_numpy(), known["y_true"].to_numpy(), ACTUAL)
        pictures.append(Picture(f"{series}, {target}", "time (UTC)", str(target), (*_forecast_marks(part), past)))
    return pictures


def make_drift_picture(drift: dict[str, Any]) -> Picture:
    """Show the drifting columns of a new table and their distance to the training part."""
    beyond = {name: item["beyond"] for name, item in drift["columns"].items() if item["drift"]}
    title = f"last {drift['steps']} steps beyond the training part (deviations)"
    return Picture("Drift", "column", title, (Bars("beyond", list(beyond), list(beyond.values()), FILL),))


def _forecast_marks(part: DataFrame) -> Iterator[Line | Band]:
    """Yield the intervals, the widest first, then the forecast; a level without an interval has no band."""
    times = part["timestamp"].to_numpy()
    percents = sorted((name.removeprefix("lower_") for name in map(str, part) if name.startswith("lower_")), key=float)
    for percent in reversed(percents):
        lower, upper = part[f"lower_{percent}"].to_numpy(), part[f"upper_{percent}"].to_numpy()
        if np.isfinite(lower).all():
            yield Band(f"{percent} %", times, lower, upper, FORECAST)
    yield Line("forecast", times, part["y_pred"].to_numpy(), FORECAST)


def make_steps_picture(metrics: dict[str, Any]) -> Picture:
    """Show the test RMSE by step of the horizon for the model and its baselines."""
    colours = colours_of(["model", *metrics["test"]["baselines"]])
    lines = [steps_line(metrics["test"]["model"], label("model"), colours["model"])]
    for name, scores in metrics["test"]["baselines"].items():
        style: Any = "dash" if name == strongest_baseline(metrics) else "dot"
        lines.append(steps_line(scores, label(name), colours[name], style))
    title, y_title = "Error by step of the horizon", with_unit("test RMSE", metrics)
    return Picture(title, "step of the horizon", y_title, tuple(lines), from_zero=True)


def steps_line(scores: dict[str, Any], name: str, colour: str, style: Any = "solid") -> Line:
    """Return the RMSE by step of one forecast."""
    steps = scores["per_horizon"]
    return Line(name, [entry["step"] for entry in steps], [_or_nan(entry["rmse"]) for entry in steps], colour, style)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def make_coverage_pictures(metrics: dict[str, Any]) -> list[Picture]:
    """Show the coverage of the intervals on test: by step, over time, by series, and against the level."""
    entries = sorted(metrics["intervals"], key=lambda entry: entry["level"])
    title = "covered on test (%)"
    by_step, over_time = (
        tuple(line for number, entry in enumerate(entries) for line in _coverage_lines(entry, number, part, axis))
        for part, axis in (("per_horizon", "step"), ("over_time", "from"))
    )
    levels, found = ([100 * _or_nan(entry[key]) for entry in entries] for key in ("level", "coverage"))
    against = (
        Line("promised", levels, levels, ACTUAL, "dot"),
        Line("covered", levels, found, FORECAST, "points"),
    )
    return [
        Picture("Coverage by step", "step of the horizon", title, by_step),
        Picture("Coverage over time", "from this time on (UTC)", title, over_time),
        _coverage_by_series(metrics, entries, title),
        Picture("Coverage against the level", "level (%)", title, against),
    ]


def _coverage_lines(entry: dict[str, Any], number: int, part: str, axis: str) -> Iterator[Line]:
    name, colour = f"{100 * entry['level']:g} %", COLOURS[number % len(COLOURS)]
    x: Any = [each[axis] for each in entry[part]]
    if axis == "from":
        x = np.array(x, dtype="datetime64[ns]")
    promised = np.full(len(x), 100 * entry["level"])
    yield Line(f"{name} promised", x, promised, colour, "dot")
    yield Line(f"{name} covered", x, [100 * _or_nan(each["coverage"]) for each in entry[part]], colour)


def _coverage_by_series(metrics: dict[str, Any], entries: list[dict[str, Any]], title: str) -> Picture:
    """Show the series with the lowest coverage."""
    series = metrics["test"]["model"]["per_series"]
    keys = [f"coverage_{100 * entry['level']:g}" for entry in entries]
    known = [name for name in series if series[name].get(keys[0]) is not None]
    worst = sorted(known, key=lambda name: float(series[name][keys[0]]))[:_WORST_SERIES] or list(series)[:1]
    bars = tuple(
        Bars(f"{key.removeprefix('coverage_')} %", worst, [100 * _or_nan(series[name].get(key)) for name in worst], c)
        for key, c in zip(keys, COLOURS, strict=False)
    )
    return Picture("Coverage by series", "series", title, bars)


def make_error_pictures(predictions: DataFrame, metrics: dict[str, Any]) -> list[Picture]:
    """Show the errors on test by hour, by day of the week and by series, for the first target."""
    target = predictions["target"].cat.categories[0]
    rows = predictions[predictions["target"] == target]
    y_title = f"test RMSE of {_unit_title(metrics, target)}"
    pictures = []
    if rows["timestamp"].dt.hour.nunique() > 1:
        found = errors_by(rows, "hour")["rmse"]
        bars = Bars("RMSE", found.index.tolist(), found.tolist(), FORECAST)
        pictures.append(Picture("Error by hour", "hour of the day (UTC)", y_title, (bars,), from_zero=True))
    if rows["timestamp"].dt.day_of_week.nunique() > 1:
        pictures.append(_named_errors(errors_by(rows, "weekday")["rmse"], "Error by day of the week", "day", y_title))
    worst = errors_by(rows, "series")["rmse"].sort_values(ascending=False)
    title = "Error by series" if len(worst) <= _WORST_SERIES else f"Error by series, the worst {_WORST_SERIES}"
    pictures.append(_named_errors(worst.head(_WORST_SERIES), title, "series", y_title))
    return pictures


def _named_errors(found: Any, title: str, x_title: str, y_title: str) -> Picture:
    bars = Bars("RMSE", [str(name) for name in found.index], found.tolist(), FORECAST)
    return Picture(title, x_title, y_title, (bars,), from_zero=True)


def make_residuals_pictures(predictions: DataFrame, metrics: dict[str, Any]) -> list[Picture]:
    """Show the distribution of the errors on test (forecast minus truth), one picture for each target."""
    scored = predictions[predictions["is_scored"]]
    pictures = []
    for target, part in scored.groupby("target", observed=True):
        counts, edges = np.histogram(part["y_pred"] - part["y_true"], bins=_BINS)
        bars = Bars(str(target), ((edges[1:] + edges[:-1]) / 2).tolist(), counts.tolist(), FORECAST)
        x_title = f"forecast minus truth, {_unit_title(metrics, str(target))}"
        pictures.append(Picture(f"Errors on test: {target}", x_title, "forecasts", (bars,)))
    return pictures


def make_training_picture(training_history: dict[str, Any]) -> Picture:
    """Show the losses by epoch, and mark the epoch with the kept weights."""
    history, best = training_history["history"], training_history["best_epoch"]
    epochs = [entry["epoch"] for entry in history]
    lines = [
        Line(name, epochs, [_or_nan(entry[key]) for entry in history], colour)
        for key, name, colour in (("loss", "train", ACTUAL), ("val_loss", "validation", FORECAST))
    ]
    kept = [entry["val_loss"] if entry["val_loss"] is not None else entry["loss"] for entry in history]
    at = epochs.index(best) if best in epochs else None
    if at is not None:
        lines.append(Line("kept", [best], [_or_nan(kept[at])], FILL, "points"))
    return Picture("Training", "epoch", "mean error (scaled)", tuple(lines))


def make_fill_pictures(filled: DataFrame, target_names: tuple[str, ...]) -> list[Picture]:
    """Show filled values among observed ones, for the series and periods with most fills.

    Args:
        filled: Result of `series.filled_series.make_filled_table`.
        target_names: Names of the targets; the first is shown.

    """
    target = target_names[0]
    mark = f"{target}_is_imputed"
    codes = filled["series_id"].cat.codes.to_numpy()
    chosen = np.argsort(-np.bincount(codes, weights=filled[mark]), kind="stable")[:_PANELS]
    pictures = []
    for code in chosen:
        part = _richest_stretch(filled[codes == code], mark)
        times = part["timestamp"].to_numpy()
        marks = (
            Line("observed", times, part[target].where(~part[mark]).to_numpy(), ACTUAL),
            Line("spline fill", times, part[target].where(part[mark]).to_numpy(), FILL, "points"),
        )
        title = str(filled["series_id"].cat.categories[code])
        pictures.append(Picture(title, "time (UTC)", target, marks))
    return pictures


def _richest_stretch(series: DataFrame, mark: str) -> DataFrame:
    """Cut the period of a series with most fills."""
    before = np.concatenate([[0], np.cumsum(series[mark])])
    width = min(_FILL_STEPS, len(series))
    start = int(np.argmax(before[width:] - before[:-width]))
    return series.iloc[start : start + width]
