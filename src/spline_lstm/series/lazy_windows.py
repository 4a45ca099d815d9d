"""Windows cut from rows, at once or when they are read."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spline_lstm.types import Int64

Scalar = TypeVar("Scalar", bound=np.generic)


class Cuts:
    """Windows that are cut when they are read: used like an array, without its memory."""

    def __init__(self, cut: Callable[[Int64], NDArray[Any]], windows: Int64) -> None:
        """Take a function that cuts windows, given their numbers, and the numbers of the windows of this array."""
        self._cut = cut
        self._windows = windows

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Cut some windows; the key is an array's index for its first axis."""
        found = self._windows[key]
        return self._cut(found) if isinstance(found, np.ndarray) else self._cut(np.array([found]))[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def at(self, windows: Int64) -> "Cuts":
        """Return some of the windows, still uncut."""
        return Cuts(self._cut, self._windows[windows])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all windows together."""
        return (len(self), *self._cut(self._windows[:0]).shape[1:])

    @property
    def ndim(self) -> int:
        """Axes of all windows together."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value."""
        return self._cut(self._windows[:0]).dtype


def cut_lookbacks(rows: NDArray[Scalar], origin: Int64, ages: Int64, first: Int64) -> NDArray[Scalar]:
    """Cut the inputs of each window.

    Args:
        rows: Features, shape `(steps, features)`.
        origin: Rows of the last lookback steps, shape `(windows,)`.
        ages: Steps before the origin, shape `(lookback, features)`.
        first: First row of each window's series, which is shown for all rows before it; shape `(windows,)`.

    Returns:
        Shape `(windows, lookback, features)`, a copy.

    """
    patterns, pattern_of = np.unique(ages, axis=1, return_inverse=True)
    cuts = (rows.take(np.maximum(origin[:, None] - pattern, first[:, None]), axis=0) for pattern in patterns.T)
    if len(patterns.T) == 1:
        return next(cuts)
    cut: NDArray[Scalar] = np.empty((len(origin), *ages.shape), rows.dtype)
    for number, seen in enumerate(cuts):
        alike = pattern_of == number
        cut[:, :, alike] = seen[:, :, alike]
    return cut


def draw(windows: Int64, most: int) -> Int64:
    """Draw at most `count` windows, the same ones every time; every n-th window might always be of the same hour."""
    if len(windows) <= most:
        return windows
    return np.sort(np.random.default_rng(0).choice(windows, most, replace=False))
