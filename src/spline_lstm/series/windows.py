"""Windows: lookback and horizon around an origin, within one series and one split."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from spline_lstm.errors import InsufficientDataError
from spline_lstm.series.splits import SPLITS, SplitBorders
from spline_lstm.spec import Floats, Spec, StrictInt
from spline_lstm.types import Bool, Int8, Int64


def _check_shares(shares: tuple[float, ...]) -> tuple[float, ...]:
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("three positive shares that add up to 1 are needed")
    return shares


class WindowParameters(Spec):
    """The wanted window lengths in steps, and the shares of the splits."""

    lookback: Annotated[StrictInt, Field(ge=1)] | Literal["auto"]
    lookback_span: Annotated[StrictInt, Field(ge=1)] | Literal["auto"]
    """How many steps back the `lookback` rows of a window reach."""
    horizon: Annotated[StrictInt, Field(ge=1)]
    stride: Annotated[StrictInt, Field(ge=1)]
    split: Annotated[Floats, AfterValidator(_check_shares)]

    @field_validator("lookback_span")
    @classmethod
    def _check_span(cls, span: int | str, info: ValidationInfo) -> int | str:
        lookback = info.data.get("lookback", 1)
        if isinstance(span, int) and lookback == "auto":
            raise ValueError("lookback=auto decides it as well; leave it auto")
        if isinstance(span, int) and span < lookback:
            raise ValueError(f"at least lookback={lookback} is needed")
        if isinstance(span, int) and span > lookback == 1:
            raise ValueError("a single row spans one step; lookback=1 needs lookback_span=1")
        return span


class WindowSpec(WindowParameters):
    """Window lengths in steps, with the chosen lookback."""

    lookback: Annotated[StrictInt, Field(ge=1)]


@dataclass(frozen=True)
class WindowIndex:
    """Where the windows are. Shapes: all `(windows,)`.

    `origin` is the row of the last lookback step; nothing later is seen. `split` counts in `SPLITS`.
    """

    origin: Int64
    split: Int8
    dropped: int
    """Windows left out because a fill in their lookback looked beyond the origin, or nothing in
    their horizon was observed."""


def make_window_index(
    series: Int64, borders: SplitBorders, seen_from: Int64, is_observed: Bool, spec: WindowSpec
) -> WindowIndex:
    """Find all windows.

    Args:
        series: Series number of every row, sorted, shape `(steps,)`.
        borders: Splits of the series.
        seen_from: Earliest origin from which a row may be seen, shape `(steps,)`.
        is_observed: Whether any target was observed in a row, shape `(steps,)`.
        spec: Window lengths; `stride` thins training windows only.

    Raises:
        InsufficientDataError: A split has no window.

    """
    steps = len(series)
    origin = np.arange(steps)
    split = _split_of_horizons(series, borders.row_split(), spec.horizon)
    before = origin - spec.lookback + 1 - borders.start[series]
    candidate = (before >= 0) & (split >= 0) & ((before % spec.stride == 0) | (split > 0))

    kept = candidate & is_seen(seen_from, spec.lookback)
    observed = np.cumsum(is_observed)
    # The last rows have no whole horizon after them: their split is -1.
    kept[: -spec.horizon] &= observed[spec.horizon :] > observed[: -spec.horizon]
    _check_every_split_has_windows(split[candidate], split[kept], borders, spec)
    rows = np.flatnonzero(kept)
    return WindowIndex(rows, split[rows], dropped=int(candidate.sum()) - len(rows))


def is_seen(seen_from: Int64, lookback: int) -> Bool:
    """Tell for each row whether a window that ends there may be used, `(steps,)`; see `make_window_index`."""
    # A fill uses at most three observations ahead: if an older row may not be seen, neither may one of the last three,
    # so older rows need no check.
    return _rolling_max(seen_from, max(lookback, 3)) <= np.arange(len(seen_from))


def _split_of_horizons(series: Int64, row_split: Int8, horizon: int) -> Int8:
    """Return the split that holds the whole horizon after each row, -1 for none; shape `(steps,)`."""
    split = np.full(len(series), -1, dtype=np.int8)
    last = row_split[horizon:]
    first = row_split[1:][: len(last)]
    within = (first == last) & (series[:-horizon] == series[horizon:])
    split[:-horizon][within] = last[within]
    return split


def _rolling_max(values: Int64, width: int) -> Int64:
    """Return the maximum over each row and up to `width - 1` rows before it."""
    result = values.copy()
    covered = 1
    while covered < width:  # doubles the covered span each time: O(steps log width), no copies of windows
        shift = min(covered, width - covered)
        result[shift:] = np.maximum(result[shift:], result[:-shift])
        covered += shift
    return result


def _check_every_split_has_windows(candidates: Int64, kept: Int64, borders: SplitBorders, spec: WindowSpec) -> None:
    counts = np.bincount(kept, minlength=len(SPLITS))
    if (borders.val_end == borders.end).all():  # no test part
        counts = counts[:-1]
    if (borders.train_end == borders.end).all():  # no validation part
        counts = counts[:1]
    if counts.all():
        return
    empty = int(np.argmin(counts))
    where = f"the {SPLITS[empty]} split holds no window of lookback={spec.lookback} and horizon={spec.horizon}"
    dropped = int((candidates == empty).sum())
    if dropped:
        raise InsufficientDataError(
            f"{where}: all {dropped} that fit were dropped, for want of observed values in or ahead of them "
            "(a seasonal lag needs values before them too); give more history"
        )
    longest = int((borders.end - borders.start).max())
    # Validation and test need a whole horizon inside their share, train a whole window.
    needed = int(np.ceil(max((spec.lookback + spec.horizon) / spec.split[0], spec.horizon / min(spec.split[1:])))) + 1
    raise InsufficientDataError(
        f"{where}: the longest series has {longest} steps, about {needed} are needed; "
        "give more history or smaller lookback and horizon"
    )


def make_ages(lookback: int, span: int) -> Int64:
    """Return the steps from each row of a window to the origin, the oldest first.

    Args:
        lookback: Rows of a window.
        span: How many steps back the rows reach: consecutive if `span` is `lookback`, else their distances grow as a
            geometric series with the distance from the origin.

    Returns:
        Shape `(lookback,)`, falling from `span - 1` to 0; 0 alone where `lookback` is 1.

    """
    ages = np.round(np.geomspace(1, span, lookback)).astype(np.int64) - 1
    places = np.arange(lookback)
    distinct: Int64 = np.maximum.accumulate(ages - places) + places
    return distinct[::-1]


def make_season_ages(lookback: int, horizon: int, season: int) -> Int64:
    """Return the ages of a window whose older half lies one season before the horizon.

    Args:
        lookback: Rows of a window.
        horizon: Steps predicted.
        season: Steps in a season, at least `lookback + horizon`.

    Returns:
        Shape `(lookback,)`, falling from `season - 1` to 0: half of the rows (at most one for each step) evenly over
        the horizon of a season ago, the others over the last `lookback` steps.

    """
    older = min(lookback // 2, horizon)
    ago = np.round(np.linspace(season - 1, season - horizon, older)).astype(np.int64)
    return np.concatenate([ago, make_ages(lookback - older, lookback)])


def consecutive_ages(lookback: int, features: int) -> Int64:
    """Return the ages of consecutive rows, the same for all features, shape `(lookback, features)`."""
    return np.repeat(np.arange(lookback)[::-1, None], features, axis=1)


def make_window_ages(past: Int64, names: Sequence[str], known_ahead: Collection[str]) -> Int64:
    """Return the ages of all features: `past` for those that show the past, consecutive for the others.

    Args:
        past: Ages of the rows that show the past, shape `(lookback,)`.
        names: The features.
        known_ahead: Features that describe the horizon; their rows stay consecutive.

    Returns:
        Shape `(lookback, features)`.

    """
    ahead = np.array([name in known_ahead for name in names])
    return np.where(ahead, consecutive_ages(len(past), len(names)), past[:, None])
