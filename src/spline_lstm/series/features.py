"""The features: all channels and static codes, scaled and joined into the inputs X."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.errors import SchemaError, ValuesError
from spline_lstm.series.calendar import ANNUAL_FEATURES
from spline_lstm.series.categories import OrdinalState, make_static_codes
from spline_lstm.series.channels import NEVER, make_channels, shift
from spline_lstm.series.durations import YEAR_NS
from spline_lstm.series.grid import Grid
from spline_lstm.series.scaling import (
    ScalerState,
    SeriesScalers,
    SeriesScales,
    fit_series_scales,
    known_series_scales,
)
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import Fill
from spline_lstm.series.splits import SplitBorders
from spline_lstm.types import Bool, Float32, Int64


@dataclass(frozen=True)
class Learnt:
    """State learnt from the training part and applied to all rows.

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
        ahead: Names of the features that describe the horizon rather than the past.
        series_scales: Scales of the series' targets; None where all series share one.

    """

    names: tuple[str, ...]
    scaled: Float32
    seen_from: Int64
    states: dict[str, ScalerState | OrdinalState]
    static_codes: dict[str, dict[str, list[float]]]
    ahead: tuple[str, ...]
    series_scales: SeriesScales | None


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

    All channels are always made, so that both feature modes have the same windows. The mode then chooses the targets
    alone or all channels.

    Args:
        grid: Regular series.
        fills: The filled targets.
        borders: Splits of the series; scalers, vocabularies and codes are learnt from train alone.
        schema: What the columns mean.
        horizon: Steps by which known-ahead channels are shown early.
        multivariate: Whether covariates enter X.
        by_series: Whether each series' targets have a scale of their own.
        learnt: State of an earlier run; None learns from train.

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
    for channel in make_channels(grid, fills, borders, schema, horizon, is_train, states, scales):
        values, last_used = shift(channel, grid.series, borders, channel.lead)
        if last_used is not None:
            if channel.known_future:
                last_used = np.where(last_used == NEVER, NEVER, last_used - horizon)
            np.maximum(seen_from, last_used, out=seen_from)
        if len(names) < scaled.shape[1]:
            with np.errstate(over="ignore"):  # `_check_finite` names the column
                scaled[:, len(names)] = values
            names.append(channel.name)
            ahead += [channel.name] if channel.ahead else []
        del channel, values, last_used  # frees memory for the next channel of a long table
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
    """Scale each series by its training part, or by its whole history if an earlier run has not seen the series."""
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


def annual_features_on_short_history(grid: Grid, borders: SplitBorders, schema: CovariateSchema) -> list[str]:
    """Name the annual calendar features in use when the training part spans less than a year."""
    annual = [name for name in schema.calendar_features.names if name in ANNUAL_FEATURES]
    if not annual:
        return []
    train = grid.timestamps[borders.is_train()]
    spans_year = len(train) > 0 and int(train.max()) - int(train.min()) >= YEAR_NS
    return [] if spans_year else annual
