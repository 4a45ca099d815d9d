"""From regular series to scaled features: fills, leads, lags, calendar and static codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.errors import SchemaError, ValuesError
from spline_lstm.series.calendar import ANNUAL_FEATURES, CALENDAR_FEATURES
from spline_lstm.series.categories import OrdinalState, apply_ordinal, fit_ordinal, make_static_codes
from spline_lstm.series.durations import YEAR_NS
from spline_lstm.series.frequency import Frequency
from spline_lstm.series.grid import Grid
from spline_lstm.series.scaling import (
    ScalerState,
    SeriesScalers,
    SeriesScales,
    apply_scaler,
    fit_scaler,
    fit_series_scales,
    known_series_scales,
)
from spline_lstm.series.schema import CovariateSchema, DynamicCovariate
from spline_lstm.series.spline import Fill
from spline_lstm.series.splits import SplitBorders
from spline_lstm.types import Bool, Float32, Float64, Int64

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Learnt:
    """What is learnt from train and applied to everything.

    Attributes:
        states: Feature to its scaler or ranks.
        static_codes: Static covariate to the code of each category.
        series_scalers: Centre and scale of each series' targets; empty where all series share one scale.

    """

    states: dict[str, Any]
    static_codes: dict[str, dict[str, list[float]]]
    series_scalers: SeriesScalers


@dataclass(frozen=True)
class Features:
    """Scaled features of all series and the learnt state behind them.

    Attributes:
        scaled: Inputs in `names` order, targets first, shape `(steps, features)`.
        seen_from: Earliest origin from which a row's values may be seen, as a row number; the row
            itself unless a fill looked ahead. Shape `(steps,)`.
        ahead: Names of those that describe the horizon rather than the past.
        series_scales: Scales of the series' targets; None where all series share one.

    """

    names: tuple[str, ...]
    scaled: Float32
    seen_from: Int64
    states: dict[str, ScalerState | OrdinalState]
    static_codes: dict[str, dict[str, list[float]]]
    ahead: tuple[str, ...]
    series_scales: SeriesScales | None


@dataclass(frozen=True)
class _Channel:
    """One channel before leads: values `(steps,)` and the last row each value depends on."""

    name: str
    values: Float64
    last_used: Int64 | None
    """None where every value depends on its own row alone."""
    lead: int = 0
    known_future: bool = False
    ahead: bool = False
    """Whether it describes the horizon rather than the past: leads do, and lags, which are shown early too."""


def check_leads(schema: CovariateSchema, lookback: int, horizon: int) -> None:
    """Refuse leads and lags that the window cannot show.

    Raises:
        SchemaError: Something known ahead is used with `horizon > lookback`, or a seasonal lag is
            shorter than the horizon.

    """
    leads = [item.name for item in schema.dynamic_covariates if item.known_future]
    leads += [f"seasonal lag {lag}" for lag in schema.lags]
    if schema.calendar_features.known_future:
        leads += schema.calendar_features.names
    if leads and horizon > lookback:
        raise SchemaError(
            f"'{leads[0]}' is known ahead and enters as a lead, which needs horizon <= lookback; "
            f"found horizon={horizon}, lookback={lookback}"
        )
    short = [lag for lag in schema.lags if lag < horizon]
    if short:
        raise SchemaError(f"seasonal lag {short[0]} is shorter than horizon={horizon}; lags need at least the horizon")


def fill_covariate(values: Float64, series: Int64, borders: SplitBorders) -> tuple[Float64, Int64 | None]:
    """Carry the last known value forward; back-fill a leading gap inside the training part only.

    Args:
        values: One column with NaN where nothing was observed, shape `(steps,)`.
        series: Series number of every row, sorted, shape `(steps,)`.
        borders: Splits of the series.

    Returns:
        The column, NaN where nothing was known, and the row that each value was observed in; None where each was
        observed in its own row.

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


def make_features(
    grid: Grid,
    fills: Fill,
    borders: SplitBorders,
    schema: CovariateSchema,
    *,
    horizon: int,
    multivariate: bool,
    by_series: bool,
    learnt: Learnt | None = None,
) -> Features:
    """Fill, shift, scale and join everything that enters X.

    All channels are always made, so that a window is valid in either feature mode or in none; the
    mode then chooses: targets alone, or all channels.

    Args:
        grid: Regular series.
        fills: The filled targets.
        borders: Splits of the series; scalers, vocabularies and codes are learnt from train alone.
        schema: What the columns mean.
        horizon: Steps by which known-ahead channels are shown early.
        multivariate: Whether covariates enter X.
        by_series: Whether each series' targets have a scale of their own.
        learnt: What an earlier run has learnt and is to be applied; None learns from train.

    Raises:
        SchemaError: Two features would have one name.
        ValuesError: A value so far from those in train that it does not fit 32 bits.

    """
    is_train = borders.is_train()
    states = dict(learnt.states) if learnt else {}
    scaled = np.empty((len(grid.series), _count(grid, schema, multivariate=multivariate)), dtype=np.float32)
    names: list[str] = []
    ahead: list[str] = []
    seen_from = np.arange(len(grid.series))
    scales = _series_scales(grid, is_train, learnt) if by_series else None
    for channel in _channels(grid, fills, borders, schema, horizon, is_train, states, scales):
        values, last_used = _shift(channel, grid.series, borders, channel.lead)
        if last_used is not None:
            if channel.known_future:
                last_used = np.where(last_used == _NEVER, _NEVER, last_used - horizon)
            np.maximum(seen_from, last_used, out=seen_from)
        if len(names) < scaled.shape[1]:
            with np.errstate(over="ignore"):  # what does not fit is refused by name
                scaled[:, len(names)] = values
            names.append(channel.name)
            ahead += [channel.name] if channel.ahead else []
        del channel, values, last_used  # of a long table, the next channel needs the room
    dims = {item.name: item.dim for item in grid.columns.static}
    static_codes = learnt.static_codes if learnt else make_static_codes(grid.statics, dims)
    if not multivariate:
        states = {name: states[name] for name in names}
        static_codes = {}
    for static in grid.columns.static if multivariate else ():
        codes, unknown = static_codes[static.name], [0.0] * static.dim
        table = np.array([codes.get(label, unknown) for label in grid.statics[static.name]], dtype=np.float32)
        scaled[:, len(names) : len(names) + static.dim] = table[grid.series]
        names += [f"{static.name}_{position}" for position in range(static.dim)]
    _check_names_distinct(names)
    _check_finite(scaled, names, grid.source)
    return Features(tuple(names), scaled, seen_from, states, static_codes, tuple(ahead), scales)


def _series_scales(grid: Grid, is_train: Bool, learnt: Learnt | None) -> SeriesScales:
    """Scale each series by its training part; a series that an earlier run has not seen by its own history."""
    targets, names = grid.columns.targets, grid.series_names
    rows = np.ones(len(grid.series), dtype=bool) if learnt else is_train
    own = fit_series_scales(grid.values[:, : len(targets)], grid.series, rows, len(names))
    if learnt is None:
        return own
    known = known_series_scales(learnt.series_scalers, targets, names)
    unseen = np.isnan(known.center)
    return SeriesScales(np.where(unseen, own.center, known.center), np.where(unseen, own.scale, known.scale))


def _count(grid: Grid, schema: CovariateSchema, *, multivariate: bool) -> int:
    """Count the features that enter X: targets alone, or all channels."""
    targets = len(grid.columns.targets)
    if not multivariate:
        return targets
    lags = len(schema.lags) if grid.columns.described else 0
    known = len(grid.columns.dynamic) + len(schema.calendar_features.names)
    return targets * (1 + lags) + known + sum(item.dim for item in grid.columns.static)


def _check_names_distinct(names: list[str]) -> None:
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise SchemaError(f"'{twice[0]}' is the name of a column and of a derived feature; rename the column")


def _check_finite(scaled: Float32, names: list[str], source: str) -> None:
    finite = np.isfinite(scaled).all(axis=0)
    if not finite.all():
        name = names[int(np.argmin(finite))]
        raise ValuesError(f"{source}, column '{name}': a value is too far from those in the training part")


def _channels(
    grid: Grid,
    fills: Fill,
    borders: SplitBorders,
    schema: CovariateSchema,
    horizon: int,
    is_train: Bool,
    states: dict[str, Any],
    scales: SeriesScales | None,
) -> Iterator[_Channel]:
    """Yield the scaled channels in feature order and record the state of those that have none; NaN has become 0."""
    targets: dict[str, _Channel] = {}
    for position, name in enumerate(grid.columns.targets):
        state = states.setdefault(name, fit_scaler("standard", _observed(grid.values[:, position], is_train)))
        filled = fills.values[:, position]
        scaled = apply_scaler(state, filled) if scales is None else scales.apply(filled, grid.series, position)
        targets[name] = _Channel(name, scaled, fills.last_used[:, position])
        yield targets[name]
    for position, covariate in enumerate(grid.columns.dynamic, start=len(targets)):
        yield _dynamic_channel(grid, position, covariate, borders, horizon, is_train, states)
    if grid.columns.described:
        for lag in schema.lags:
            for name, target in targets.items():
                states[f"{name}_lag{lag}"] = states[name]
                yield _Channel(f"{name}_lag{lag}", target.values, target.last_used, horizon - lag, ahead=True)
    yield from _calendar_channels(grid, schema, horizon)


def _dynamic_channel(
    grid: Grid,
    position: int,
    covariate: DynamicCovariate,
    borders: SplitBorders,
    horizon: int,
    is_train: Bool,
    states: dict[str, Any],
) -> _Channel:
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
    return _Channel(name, scaled, last_used, lead, covariate.known_future, ahead=lead > 0)


def _calendar_channels(grid: Grid, schema: CovariateSchema, horizon: int) -> Iterator[_Channel]:
    names = schema.calendar_features.names
    lead = horizon if schema.calendar_features.known_future else 0
    stamps, position = _distinct(_timestamps_ahead(grid, lead), grid.frequency)
    for name in names:
        values = CALENDAR_FEATURES[name](stamps)[position]
        yield _Channel(f"{name}_lead{lead}" if lead else name, values, None, ahead=lead > 0)


def _distinct(stamps: Int64, frequency: Frequency) -> tuple[Int64, Int64 | slice]:
    """Return each timestamp once where many series share them, and where among these each row's is."""
    first, span = int(stamps.min()), int(stamps.max()) - int(stamps.min())
    if frequency.kind == "fixed" and span // frequency.step < len(stamps) // 2:
        position, off_grid = np.divmod(stamps - first, frequency.step)
        if not off_grid.any():
            return first + np.arange(span // frequency.step + 1) * frequency.step, position
    return stamps, slice(None)


def _timestamps_ahead(grid: Grid, steps: int) -> Int64:
    """Timestamps so many steps after each row, beyond the end of its series too."""
    starts = grid.borders[:-1]
    positions = np.arange(steps, steps + len(grid.series)) - starts[grid.series]
    return grid.frequency.timestamps(grid.timestamps[starts][grid.series], positions)


def _observed(values: Float64, is_train: Bool) -> Float64:
    train = values[is_train]
    return train[~np.isnan(train)]


def _shift(channel: _Channel, series: Int64, borders: SplitBorders, lead: int) -> tuple[Float64, Int64 | None]:
    """Move a channel `lead` steps towards the past within each series (a negative lead is a lag).

    Rows whose source lies before the series are never seen; those whose source lies after it belong
    to no window, as its horizon would lie there too.
    """
    if lead == 0:
        return channel.values, channel.last_used
    source = np.arange(len(series)) + lead
    before, after = source < borders.start[series], source >= borders.end[series]
    source = np.clip(source, 0, len(series) - 1)
    values = np.where(before | after, 0.0, channel.values[source])
    last_used = source if channel.last_used is None else channel.last_used[source]
    last_used = np.where(before, _NEVER, np.where(after, 0, last_used))
    return values, last_used


def annual_features_on_short_history(grid: Grid, borders: SplitBorders, schema: CovariateSchema) -> list[str]:
    """Name the annual calendar features in use when the training part spans less than a year."""
    annual = [name for name in schema.calendar_features.names if name in ANNUAL_FEATURES]
    if not annual:
        return []
    train = grid.timestamps[borders.is_train()]
    spans_year = len(train) > 0 and int(train.max()) - int(train.min()) >= YEAR_NS
    return [] if spans_year else annual
