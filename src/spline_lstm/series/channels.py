"""The channels of X: filled, scaled and shifted series of targets, covariates, lags and calendar features."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.series.calendar import CALENDAR_FEATURES
from spline_lstm.series.categories import apply_ordinal, fit_ordinal
from spline_lstm.series.frequency import Frequency
from spline_lstm.series.grid import Grid
from spline_lstm.series.scaling import SeriesScales, apply_scaler, fit_scaler
from spline_lstm.series.schema import CovariateSchema, DynamicCovariate
from spline_lstm.series.spline import Fill
from spline_lstm.series.splits import SplitBorders
from spline_lstm.types import Bool, Float64, Int64

NEVER = np.iinfo(np.int64).max
"""Stands for the origin of a value that no window may see."""


@dataclass(frozen=True)
class Channel:
    """One channel before leads: values `(steps,)` and the last row each value depends on."""

    name: str
    values: Float64
    last_used: Int64 | None
    """None where every value depends on its own row alone."""
    lead: int = 0
    known_future: bool = False
    ahead: bool = False
    """Whether the channel describes the horizon rather than the past: leads and lags do."""


def fill_covariate(values: Float64, series: Int64, borders: SplitBorders) -> tuple[Float64, Int64 | None]:
    """Carry the last known value forward; back-fill a leading gap inside the training part only.

    Args:
        values: One column with NaN where nothing was observed, shape `(steps,)`.
        series: Series number of every row, sorted, shape `(steps,)`.
        borders: Splits of the series.

    Returns:
        The column, NaN where nothing was known, and the row that each value was observed in, or None without fills.

    """
    observed = ~np.isnan(values)
    if observed.all():
        return values, None
    source = np.maximum.accumulate(np.where(observed, np.arange(len(values)), -1))
    leading = np.flatnonzero(source < borders.start[series])
    source[leading] = leading
    if len(leading):
        known = np.flatnonzero(observed)
        following = np.append(known, len(values))[np.searchsorted(known, leading)]
        in_train = following < borders.train_end[series[leading]]
        source[leading[in_train]] = following[in_train]
    return values[source], source


def make_channels(
    grid: Grid,
    fills: Fill,
    borders: SplitBorders,
    schema: CovariateSchema,
    horizon: int,
    is_train: Bool,
    states: dict[str, Any],
    scales: SeriesScales | None,
) -> Iterator[Channel]:
    """Yield the scaled channels in feature order, before they are shifted; NaN has become 0.

    Args:
        grid: Regular series.
        fills: The filled targets.
        borders: Splits of the series.
        schema: What the columns mean.
        horizon: Steps by which known-ahead channels are shown early.
        is_train: Whether each row belongs to the training part, shape `(steps,)`.
        states: Feature to its scaler or ranks; features without an entry are fitted and get one.
        scales: Scales of the series' targets; None where all series share one.

    """
    targets: dict[str, Channel] = {}
    for position, name in enumerate(grid.columns.targets):
        state = states.setdefault(name, fit_scaler("standard", _observed(grid.values[:, position], is_train)))
        filled = fills.values[:, position]
        scaled = apply_scaler(state, filled) if scales is None else scales.apply(filled, grid.series, position)
        targets[name] = Channel(name, scaled, fills.last_used[:, position])
        yield targets[name]
    for position, covariate in enumerate(grid.columns.dynamic, start=len(targets)):
        yield _dynamic_channel(grid, position, covariate, borders, horizon, is_train, states)
    if grid.columns.described:
        for lag in schema.lags:
            for name, target in targets.items():
                states[f"{name}_lag{lag}"] = states[name]
                yield Channel(f"{name}_lag{lag}", target.values, target.last_used, horizon - lag, ahead=True)
    yield from _calendar_channels(grid, schema, horizon)


def _dynamic_channel(
    grid: Grid,
    position: int,
    covariate: DynamicCovariate,
    borders: SplitBorders,
    horizon: int,
    is_train: Bool,
    states: dict[str, Any],
) -> Channel:
    observed = grid.values[:, position]
    filled, last_used = fill_covariate(observed, grid.series, borders)
    lead = horizon if covariate.known_future else 0
    name = f"{covariate.name}_lead{horizon}" if lead else covariate.name
    if covariate.is_category:
        labels = grid.labels[covariate.name]
        scaled = apply_ordinal(
            filled, labels, states.setdefault(name, fit_ordinal(_observed(observed, is_train), labels))
        )
    else:
        kind = "none" if covariate.encoding == "binary" else covariate.scaler or "standard"
        state = states.setdefault(name, fit_scaler(kind, _observed(observed, is_train)))
        scaled = apply_scaler(state, filled)
    np.nan_to_num(scaled, copy=False, nan=0.0)
    return Channel(name, scaled, last_used, lead, covariate.known_future, ahead=lead > 0)


def _calendar_channels(grid: Grid, schema: CovariateSchema, horizon: int) -> Iterator[Channel]:
    names = schema.calendar_features.names
    lead = horizon if schema.calendar_features.known_future else 0
    stamps, position = _distinct(_timestamps_ahead(grid, lead), grid.frequency)
    for name in names:
        values = CALENDAR_FEATURES[name](stamps)[position]
        yield Channel(f"{name}_lead{lead}" if lead else name, values, None, ahead=lead > 0)


def _distinct(stamps: Int64, frequency: Frequency) -> tuple[Int64, Int64 | slice]:
    """Return the distinct timestamps where many series share them, and each row's position among them."""
    first, span = int(stamps.min()), int(stamps.max()) - int(stamps.min())
    if frequency.kind == "fixed" and span // frequency.step < len(stamps) // 2:
        position, off_grid = np.divmod(stamps - first, frequency.step)
        if not off_grid.any():
            return first + np.arange(span // frequency.step + 1) * frequency.step, position
    return stamps, slice(None)


def _timestamps_ahead(grid: Grid, steps: int) -> Int64:
    """Return the timestamps `steps` steps after each row, also beyond the end of its series."""
    starts = grid.borders[:-1]
    positions = np.arange(steps, steps + len(grid.series)) - starts[grid.series]
    return grid.frequency.timestamps(grid.timestamps[starts][grid.series], positions)


def _observed(values: Float64, is_train: Bool) -> Float64:
    train = values[is_train]
    return train[~np.isnan(train)]


def shift(channel: Channel, series: Int64, borders: SplitBorders, lead: int) -> tuple[Float64, Int64 | None]:
    """Move a channel `lead` steps towards the past within each series (a negative lead is a lag).

    A row whose source lies before the series is never seen. A row whose source lies after the series belongs to no
    window, because the horizon of that window would lie there too.
    """
    if lead == 0:
        return channel.values, channel.last_used
    source = np.arange(len(series)) + lead
    before, after = source < borders.start[series], source >= borders.end[series]
    source = np.clip(source, 0, len(series) - 1)
    values = np.where(before | after, 0.0, channel.values[source])
    last_used = source if channel.last_used is None else channel.last_used[source]
    last_used = np.where(before, NEVER, np.where(after, 0, last_used))
    return values, last_used
