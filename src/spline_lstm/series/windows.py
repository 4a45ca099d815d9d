"""Windows: lookback and horizon around an origin, within one series and one split."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from spline_lstm.errors import InsufficientDataError
from spline_lstm.series.splits import SPLITS, SplitBorders
from spline_lstm.spec import Floats, Spec, StrictInt
from spline_lstm.types import Bool, Int64


def _check_shares(shares: tuple[float, ...]) -> tuple[float, ...]:
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("three positive shares that add up to 1 are needed")
    return shares


class WindowSpec(Spec):
    """Window lengths in steps, and the shares of the splits."""

    lookback: Annotated[StrictInt, Field(ge=1)]
    horizon: Annotated[StrictInt, Field(ge=1)]
    stride: Annotated[StrictInt, Field(ge=1)]
    split: Annotated[Floats, AfterValidator(_check_shares)]


@dataclass(frozen=True)
class WindowIndex:
    """Where the windows are. Shapes: all `(windows,)`.

    `origin` is the row of the last lookback step; nothing later is seen. `split` counts in `SPLITS`.
    """

    origin: Int64
    split: Int64
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
    start, train_end = borders.start[series], borders.train_end[series]
    val_end, end = borders.val_end[series], borders.end[series]
    first, last = origin + 1, origin + spec.horizon
    in_val = (first >= train_end) & (last < val_end)
    split = np.select([last < train_end, in_val, first >= val_end], [0, 1, 2], -1)
    fits = (origin - spec.lookback + 1 >= start) & (last < end) & (split >= 0)
    on_stride = (origin - spec.lookback + 1 - start) % spec.stride == 0
    candidate = fits & (on_stride | (split > 0))

    latest_need = _rolling_max(seen_from, spec.lookback)
    observed_before = np.concatenate([[0], np.cumsum(is_observed)])
    some_observed = observed_before[np.minimum(last + 1, steps)] > observed_before[np.minimum(first, steps)]
    kept = candidate & (latest_need <= origin) & some_observed
    _check_every_split_has_windows(split[candidate], split[kept], borders, spec)
    rows = np.flatnonzero(kept)
    return WindowIndex(rows, split[rows], dropped=int(candidate.sum()) - len(rows))


def _rolling_max(values: Int64, width: int) -> Int64:
    """Maximum over each row and the `width - 1` before it; rows without so many take what there is."""
    result = values.copy()
    covered = 1
    while covered < width:  # doubles the covered span each time: O(steps log width), no copies of windows
        shift = min(covered, width - covered)
        result[shift:] = np.maximum(result[shift:], result[:-shift])
        covered += shift
    return result


def _check_every_split_has_windows(
    candidates: Int64, kept: Int64, borders: SplitBorders, spec: WindowSpec
) -> None:  # fmt: skip
    counts = np.bincount(kept, minlength=len(SPLITS))
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
    # Validation and test need a horizon inside their share, train a whole window inside its own.
    needed = int(
        np.ceil(max((spec.lookback + spec.horizon) / spec.split[0], spec.horizon / min(spec.split[1:])))
    ) + 1  # fmt: skip
    raise InsufficientDataError(
        f"{where}: the longest series has {longest} steps, about {needed} are needed; "
        "give more history or smaller lookback and horizon"
    )


Scalar = TypeVar("Scalar", bound=np.generic)


def cut_lookbacks(rows: NDArray[Scalar], origin: Int64, lookback: int) -> NDArray[Scalar]:
    """Cut what each window sees.

    Args:
        rows: Features, shape `(steps, features)`.
        origin: Rows of the last lookback steps, shape `(windows,)`.
        lookback: Steps seen.

    Returns:
        Shape `(windows, lookback, features)`, a copy.

    """
    cut: NDArray[Scalar] = rows[origin[:, None] + np.arange(1 - lookback, 1)]
    return cut


def cut_horizons(rows: NDArray[Scalar], origin: Int64, horizon: int) -> NDArray[Scalar]:
    """Cut what each window is to predict, step-major: all targets of step 1, then of step 2.

    Args:
        rows: Targets (or a mask of them), shape `(steps, targets)`.
        origin: Rows of the last lookback steps, shape `(windows,)`.
        horizon: Steps to predict.

    Returns:
        Shape `(windows, horizon * targets)`, a copy.

    """
    cut: NDArray[Scalar] = rows[origin[:, None] + np.arange(1, horizon + 1)].reshape(len(origin), -1)
    return cut
