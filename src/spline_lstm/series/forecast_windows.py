"""The last window of every series of a new table, made with the preprocessor of a run."""

import logging
import re
from dataclasses import replace

import numpy as np

from spline_lstm.errors import InsufficientDataError, ShapeContractError, TimeAxisError, ValuesError
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.features import Features, Learnt, make_features
from spline_lstm.series.frequency import most_frequent, parse_frequency
from spline_lstm.series.grid import Grid, make_grid
from spline_lstm.series.latest_windows import LatestWindows, PastWindows
from spline_lstm.series.layout import make_long
from spline_lstm.series.lazy_windows import Cuts, cut_lookbacks
from spline_lstm.series.observations import Observations, leave_out
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.reading import read_observations
from spline_lstm.series.scaling import scaling_of
from spline_lstm.series.spline import check_gaps, fill_gaps
from spline_lstm.series.splits import SplitBorders
from spline_lstm.series.time_formats import ISO_8601
from spline_lstm.series.windows import is_seen
from spline_lstm.text import examples, quoted
from spline_lstm.types import DataFrame, Float64, Int64

logger = logging.getLogger(__name__)


def make_latest_windows(
    table: DataFrame, preprocessor: Preprocessor, *, strict: bool = True, past: int = 0
) -> LatestWindows:
    """Cut the last window of every series of a table, as training would.

    The origin of a series is its last step with all targets. Covariates that are known ahead need a value
    at every step of the horizon: such rows come after the origin, with empty targets.

    Args:
        table: A raw table.
        preprocessor: How the run's table became windows.
        strict: Whether a series that is too short is refused; otherwise it is left out.
        past: Number of earlier origins to cut windows for too, if the history is long enough.

    Raises:
        TableError: A column is missing, or a cell is not a number.
        TimeAxisError: Timestamps are wrong, or their step is not the run's.
        ValuesError: A gap is too long, or a covariate that is known ahead has no value ahead.
        MissingCovariateError: The run's covariate is not in the table.
        InsufficientDataError: A series has too short a history; unless `strict`, every one has.
        ShapeContractError: The features are not those of the run.

    """
    observed = read_as_trained(table, preprocessor)
    windows = preprocessor.windows
    grid = _make_grid(observed, preprocessor, strict=strict)
    origin = grid.borders[1:] - windows.horizon - 1
    _check_known_ahead(grid, origin, windows.horizon)
    _warn_of_unseen_categories(grid, preprocessor)
    _warn_of_short_series(origin - grid.borders[:-1] + 1, preprocessor.span)
    features = _make_features(grid, preprocessor)
    center, scale = _target_scaling(features, grid, preprocessor)
    behind = origin[:, None] + np.arange(1 - windows.lookback, 1)
    return LatestWindows(
        source=grid.source,
        series_names=grid.series_names,
        target_names=grid.columns.targets,
        X=cut_lookbacks(features.scaled, origin, preprocessor.ages, grid.borders[:-1]),
        center=center,
        scale=scale,
        bounds=_bounds(grid, preprocessor),
        origin=grid.timestamps[origin],
        timestamps=grid.timestamps[_horizon_rows(origin, windows.horizon)],
        means=features.scaled[behind].mean(axis=1),
        seen_timestamps=grid.timestamps[behind],
        seen_target=grid.values[behind, : len(grid.columns.targets)],
        past=_past_windows(grid, features, preprocessor, origin, past),
    )


def _past_windows(grid: Grid, features: Features, preprocessor: Preprocessor, last: Int64, count: int) -> PastWindows:
    """Cut the windows of up to `past` earlier origins of each series; no fill in them may look beyond its origin."""
    rows, horizon, targets = np.arange(len(grid.series)), preprocessor.windows.horizon, len(grid.columns.targets)
    first, end = grid.borders[:-1][grid.series], last[grid.series]
    near = (rows >= first + preprocessor.history - 1) & (rows >= end - count) & (rows < end)
    origin = np.flatnonzero(near & is_seen(features.seen_from, preprocessor.windows.lookback))
    ages, starts = preprocessor.ages, first[origin]
    return PastWindows(
        X=Cuts(lambda at: cut_lookbacks(features.scaled, origin[at], ages, starts[at]), np.arange(len(origin))),
        series=grid.series[origin],
        origin=origin,
        time=grid.timestamps[origin],
        truth=grid.values[_horizon_rows(origin, horizon), :targets],
    )


def read_as_trained(table: DataFrame, preprocessor: Preprocessor) -> Observations:
    """Read the run's columns as the run did; all its covariates are required.

    Raises:
        TableError: A column is missing, or a cell is not a number.
        TimeAxisError: Timestamps are wrong, or their step or their offsets are not those of the run.
        MissingCovariateError: The run's covariate is not in the table.

    """
    long, spec = make_long_as_trained(table, preprocessor)
    observed = read_observations(long, preprocessor.schema_in_use, spec)
    _check_offsets(observed, preprocessor.has_offsets)
    _check_step(observed, preprocessor.freq)
    return observed


def make_long_as_trained(table: DataFrame, preprocessor: Preprocessor) -> tuple[DataFrame, TableSpec]:
    """Melt the table if the run's table was wide, and return the settings that read it as the run did."""
    asked = {
        "series_id_cols": preprocessor.series_id_cols,
        "dynamic_covariates": preprocessor.schema_in_use.dynamic_names,
        "timestamp_format": preprocessor.time_format or ISO_8601,
        "freq": preprocessor.freq,
    }
    return make_long(table, preprocessor.feature_schema, preprocessor.table.model_copy(update=asked))


def _check_offsets(observed: Observations, needed: bool | None) -> None:
    """Refuse times without an offset if the run's times had one, and the reverse: the hours would be different."""
    if needed is not None and observed.reading.has_offsets != needed:
        found = "have no offset from UTC, and those of the run have one"
        raise TimeAxisError(
            f"{observed.source}, column '{observed.columns.timestamp}': the times "
            f"{found if needed else 'have an offset from UTC, and those of the run have none'}; write them alike"
        )


def _check_step(observed: Observations, freq: str) -> None:
    """Refuse a table whose usual step differs from the run's: absent steps would pass for gaps."""
    first = np.searchsorted(observed.series, np.arange(len(observed.series_names)))
    starts = observed.timestamps[first][observed.series]
    positions, _ = parse_frequency(freq).positions(observed.timestamps, starts)
    steps = np.diff(positions)[np.diff(observed.series) == 0]
    usual = most_frequent(steps) if len(steps) else 1
    if usual != 1:
        raise TimeAxisError(
            f"{observed.source}, column '{observed.columns.timestamp}': the usual step is "
            f"{f'{usual} times' if usual else 'a part of'} the step {freq} of the run; the same step is needed"
        )


def _make_grid(observed: Observations, preprocessor: Preprocessor, *, strict: bool) -> Grid:
    """Put the table on its grid up to each origin, check it as in training, and append the horizon."""
    grid = make_grid(observed, preprocessor.freq, preprocessor.fills.max_gap)
    short = _short_series(grid, preprocessor.history, strict=strict)
    if len(short):
        observed = leave_out(observed, short)
        grid = make_grid(observed, preprocessor.freq, preprocessor.fills.max_gap)
    check_gaps(grid, preprocessor.fills)
    return _with_horizon(grid, observed, preprocessor.windows.horizon)


def _short_series(grid: Grid, needed: int, *, strict: bool) -> Int64:
    """Return the series whose history is too short; warn or raise with their names."""
    lengths = np.diff(grid.borders)
    short: Int64 = np.flatnonzero(lengths < needed)
    if not len(short):
        return short
    name, length = grid.series_names[short[0]], lengths[short[0]]
    found = f"{length} steps up to the last target; the run needs {needed}"
    if strict or len(short) == len(lengths):
        raise InsufficientDataError(
            f"{grid.source}, series '{name}': {found} ({len(short)} of {len(lengths)} series are too short)"
        )
    names = examples(grid.series_names[number] for number in short)
    logger.warning("%d of %d series are too short and left out: %s", len(short), len(lengths), names)
    return short


def _with_horizon(grid: Grid, observed: Observations, horizon: int) -> Grid:
    """Append the rows of the horizon to every series: covariates as the table has them, no targets."""
    count, targets = len(grid.series_names), len(grid.columns.targets)
    starts, lengths = grid.timestamps[grid.borders[:-1]], np.diff(grid.borders)
    borders = grid.borders + horizon * np.arange(count + 1)
    series = np.repeat(np.arange(count), lengths + horizon)
    positions = np.arange(len(series)) - borders[series]
    values = np.full((len(series), grid.values.shape[1]), np.nan)
    values[positions < lengths[series]] = grid.values

    later, on_grid = grid.frequency.positions(observed.timestamps, starts[observed.series])
    off = np.flatnonzero(~on_grid & (observed.timestamps > grid.timestamps[grid.borders[1:] - 1][observed.series]))
    if len(off):
        stamp = np.datetime_as_string(observed.timestamps[off[0]].astype("datetime64[ns]"), unit="auto")
        raise TimeAxisError(
            f"{grid.source}, column '{grid.columns.timestamp}', series '{grid.series_names[observed.series[off[0]]]}': "
            f"{stamp} is off the grid of {grid.frequency.alias} steps"
        )
    beyond = later - lengths[observed.series]
    rows = np.flatnonzero(on_grid & (beyond >= 0) & (beyond < horizon))
    values[borders[observed.series[rows]] + later[rows], targets:] = observed.values[rows, targets:]
    timestamps = grid.frequency.timestamps(starts[series], positions)
    return replace(grid, series=series, timestamps=timestamps, values=values, borders=borders)


def _horizon_rows(origin: Int64, horizon: int) -> Int64:
    rows: Int64 = origin[:, None] + np.arange(1, horizon + 1)
    return rows


def _check_known_ahead(grid: Grid, origin: Int64, horizon: int) -> None:
    for column, covariate in enumerate(grid.columns.dynamic, start=len(grid.columns.targets)):
        if not covariate.known_future:
            continue
        ahead = _horizon_rows(origin, horizon)
        empty = ahead[np.isnan(grid.values[ahead, column])]
        if len(empty):
            stamp = np.datetime_as_string(grid.timestamps[empty[0]].astype("datetime64[ns]"), unit="auto")
            raise ValuesError(
                f"{grid.source}, column '{covariate.name}', series '{grid.series_names[grid.series[empty[0]]]}': "
                f"known ahead, but without a value at {stamp}; the {horizon} steps after the last target need one"
            )


def _warn_of_unseen_categories(grid: Grid, preprocessor: Preprocessor) -> None:
    for covariate in grid.columns.dynamic if preprocessor.multivariate else ():
        state = next((item for key, item in preprocessor.states.items() if _is_of(covariate.name, key)), {})
        unseen = [
            label for label in grid.labels.get(covariate.name, ()) if label not in state.get("categories", [label])
        ]
        if unseen:
            logger.warning(
                "%s are not labels of '%s' in the training and count as unknown", quoted(unseen), covariate.name
            )
    for name, codes in preprocessor.static_codes.items():
        unseen = sorted({label for label in grid.statics[name] if label and label not in codes})
        if unseen:
            logger.warning("'%s' is not a %s in the training and counts as unknown", "', '".join(unseen), name)


def _is_of(covariate: str, feature: str) -> bool:
    """Tell whether a feature shows the covariate, unshifted or as a lead."""
    return re.fullmatch(rf"{re.escape(covariate)}(_lead\d+)?", feature) is not None


def _bounds(grid: Grid, preprocessor: Preprocessor) -> Float64:
    """Return the bounds of each series' forecasts, in scaled units, `(series, F_target, 2)`."""
    count, targets = len(grid.series_names), len(grid.columns.targets)
    bounds = np.broadcast_to([-np.inf, np.inf], (count, targets, 2)).copy()
    unseen = np.zeros(count, dtype=bool)
    for name, codes in preprocessor.static_codes.items():
        unseen |= np.array([label not in codes for label in grid.statics[name]])
    if preprocessor.target_range is not None:
        bounds[unseen] = preprocessor.target_range
    return bounds


def _warn_of_short_series(lengths: Int64, span: int) -> None:
    short = int((lengths < span).sum())
    if short:
        logger.warning(
            "%d series are shorter than lookback_span=%d: steps before their start repeat the first one", short, span
        )


def _target_scaling(features: Features, grid: Grid, preprocessor: Preprocessor) -> tuple[Float64, Float64]:
    """Return centre and scale of each series' targets, `(series, F_target)`; warn of unseen series."""
    targets, names = grid.columns.targets, grid.series_names
    if features.series_scales is None:
        shape = (len(names), len(targets))
        center, scale = scaling_of(targets, preprocessor.states)
        return np.broadcast_to(center, shape), np.broadcast_to(scale, shape)
    unseen = [name for name in names if name not in preprocessor.series_scalers[targets[0]]]
    if unseen:
        logger.warning(
            "%d series were not in the training; their own history scales them: %s", len(unseen), examples(unseen)
        )
    return features.series_scales.center, features.series_scales.scale


def _make_features(grid: Grid, preprocessor: Preprocessor) -> Features:
    """Make the run's features. There is no training part, because nothing is learnt from a new table."""
    start, end = grid.borders[:-1], grid.borders[1:]
    borders = SplitBorders(start, start, start, end)
    features = make_features(
        grid,
        fill_gaps(grid.values[:, : len(grid.columns.targets)], grid.series, borders.is_train()),
        borders,
        preprocessor.schema_in_use,
        horizon=preprocessor.windows.horizon,
        multivariate=preprocessor.multivariate,
        by_series=preprocessor.table.target_scaling == "series",
        learnt=Learnt(preprocessor.states, preprocessor.static_codes, preprocessor.series_scalers),
    )
    if features.names != preprocessor.feature_order:
        raise ShapeContractError(
            f"{grid.source} gives the features {examples(features.names, 12)}; "
            f"the run has {examples(preprocessor.feature_order, 12)}"
        )
    return features
