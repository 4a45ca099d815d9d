"""The covariates of a first run: ridge regressions with and without them are compared on validation."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from spline_lstm.models.ridge import PENALTIES, fit_ridge, masked_mse, ridge_data
from spline_lstm.series.assembly import make_model_input
from spline_lstm.series.columns import Columns, TableSpec
from spline_lstm.series.filled_series import fill_series
from spline_lstm.series.grid import Grid
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.splits import make_split_borders
from spline_lstm.series.windows import WindowSpec

_MOST_ROWS = 10_000
_MOST_ALONE = 8
_WORTH = 0.99
"""Covariates are used if the root mean squared error is at most this share of that of the target alone."""


@dataclass(frozen=True)
class InputChoice:
    """The proposed covariates and the reason."""

    feature_mode: Literal["univariate", "multivariate"]
    dynamic: tuple[str, ...]
    """The covariates, with the calendar and the lags of the schema; none if these alone are best."""
    reason: str


def choose_inputs(grid: Grid, schema: CovariateSchema, spec: TableSpec, windows: WindowSpec) -> InputChoice:
    """Compare the target alone with the calendar, with all covariates and with each of a few.

    Args:
        grid: The table's series; of a long table only some rows are used.
        schema: The covariates, lags and calendar features that a run could use.
        spec: How the table is read.
        windows: Window lengths.

    Raises:
        InsufficientDataError: A split has no window.
        ValuesError: The target is constant in the training part.

    """
    part = _first_rows(grid, windows)
    names = schema.dynamic_names
    alone = _error(part, schema, spec, windows, None)
    errors = {chosen: _error(part, schema, spec, windows, chosen) for chosen in _candidates(names)}
    best = min(errors, key=lambda chosen: (errors[chosen], len(chosen)))
    ratio = errors[best] / alone if alone else 1.0
    every = f"all {len(names)} covariates" if len(names) > 1 else "the covariate"
    used = "the calendar" if not best else every if best == names else f"'{best[0]}'"
    if ratio > _WORTH:
        return InputChoice("univariate", names, f"with {used} a ridge regression is no better on validation")
    reason = f"with {used} the error of a ridge regression on validation is {1 - ratio:.0%} lower"
    return InputChoice("multivariate", best, reason)


def _candidates(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    single = ((name,) for name in names[:_MOST_ALONE]) if len(names) > 1 else ()
    return itertools.chain([(), *([names] if names else [])], single)


def _first_rows(grid: Grid, windows: WindowSpec) -> Grid:
    """Take at most a number of rows: the latest ones of some series before the run's test part."""
    count = max(1, int(np.searchsorted(grid.borders[1:], _MOST_ROWS, side="right")))
    longest = int(np.argmax(np.diff(grid.borders)))
    if grid.borders[-1] <= _MOST_ROWS:
        return grid
    test_from = grid.borders[:-1] + (np.diff(grid.borders) * sum(windows.split[:2])).astype(np.int64)
    chosen = sorted({longest, *range(count)})[: count + 1]
    rows = np.concatenate([np.arange(grid.borders[number], test_from[number])[-_MOST_ROWS:] for number in chosen])
    lengths = [min(int(test_from[number] - grid.borders[number]), _MOST_ROWS) for number in chosen]
    return replace(
        grid,
        series_names=tuple(grid.series_names[number] for number in chosen),
        series=np.repeat(np.arange(len(chosen)), lengths),
        timestamps=grid.timestamps[rows],
        values=grid.values[rows],
        borders=np.concatenate([[0], np.cumsum(lengths)]),
        statics={name: tuple(labels[number] for number in chosen) for name, labels in grid.statics.items()},
    )


def _error(
    grid: Grid, schema: CovariateSchema, spec: TableSpec, windows: WindowSpec, chosen: tuple[str, ...] | None
) -> float:
    """Return the root mean squared error on validation with some covariates; None means the target alone."""
    targets = len(grid.columns.targets)
    kept = [
        position
        for position, item in enumerate(grid.columns.dynamic, start=targets)
        if chosen is None or item.name in chosen
    ]
    columns: Columns = replace(
        grid.columns, dynamic=tuple(grid.columns.dynamic[position - targets] for position in kept), static=()
    )
    part = replace(grid, columns=columns, values=grid.values[:, [*range(targets), *kept]], statics={})
    mode = "univariate" if chosen is None else "multivariate"
    filled = fill_series(
        part, FillSpec(max_gap=2**31, max_missing_ratio=0.999), make_split_borders(part.borders, windows.split), None
    )
    changed = spec.model_copy(update={"feature_mode": mode, "static_covariates": ()})
    made = make_model_input(filled, schema, changed, windows, processed_id="look", model_types=())
    train, val = (ridge_data(made, split) for split in (0, 1))
    fitted = fit_ridge(train, val, penalties=PENALTIES[::2])
    return float(np.sqrt(masked_mse(fitted.predict(val.inputs), val)))
