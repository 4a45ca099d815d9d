"""Folds of a rolling-origin evaluation: the test part of every series is cut into consecutive blocks.

L. J. Tashman, "Out-of-sample tests of forecasting accuracy: an analysis and review", International Journal of
Forecasting 16(4), 2000. The test part has `k` equal blocks. Fold `i` is tested on block `i`; everything before this
block is divided into its training and validation part, in their usual proportion. So the blocks do not overlap, and the
last one ends with the table.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from spline_lstm.series.grid import Grid, make_grid
from spline_lstm.series.observations import Observations
from spline_lstm.series.splits import SplitBorders, make_split_borders
from spline_lstm.spec import Spec, StrictInt
from spline_lstm.types import Int64

_END = np.iinfo(np.int64).max


class BacktestSpec(Spec):
    """Number of folds; 0 means no backtest."""

    folds: Annotated[StrictInt, Field(ge=0)]


def make_cuts(grid: Grid, shares: tuple[float, ...], folds: int) -> Int64:
    """Find where the test blocks begin.

    Args:
        grid: All series.
        shares: Share of train, val and test.
        folds: Number of blocks.

    Returns:
        Timestamps, shape `(folds + 1, series)`: block `i`, counted from 0, reaches from timestamp `i` up to, not
        including, timestamp `i + 1`.

    """
    borders = make_split_borders(grid.borders, shares)
    rows = borders.val_end + (borders.end - borders.val_end) * np.arange(folds + 1)[:, None] // folds
    rows = np.maximum(rows, borders.start + 1)  # a series of a row or two stays in every fold
    stamps = grid.timestamps[np.minimum(rows, len(grid.timestamps) - 1)]
    return np.where(rows < borders.end, stamps, _END)


def cut_observations(observations: Observations, end: Int64) -> Observations:
    """Keep the rows before `end`, one timestamp for each series."""
    kept = observations.timestamps < end[observations.series]
    return replace(
        observations,
        series=observations.series[kept],
        timestamps=observations.timestamps[kept],
        values=observations.values[kept],
    )


def cut_test_part(
    observations: Observations, freq: str | None, max_gap: int, shares: tuple[float, ...]
) -> tuple[Grid, SplitBorders]:
    """Put every series on its grid up to the start of its test part.

    Args:
        observations: The whole table.
        freq: The step, as for `make_grid`.
        max_gap: As for `make_grid`.
        shares: Share of train, val and test.

    Returns:
        The series without their test part, and their borders; the test part is empty.

    """
    whole = make_grid(observations, freq, max_gap)
    lengths = make_split_borders(whole.borders, shares).train_end - whole.borders[:-1]
    part = cut_observations(observations, make_cuts(whole, shares, folds=1)[0])
    grid = make_grid(part, whole.frequency.alias, max_gap)
    start, end = grid.borders[:-1], grid.borders[1:]
    return grid, SplitBorders(start, np.minimum(start + lengths, end), end, end)


def make_fold_borders(grid: Grid, test_from: Int64, shares: tuple[float, ...]) -> SplitBorders:
    """Split the series of a fold at the start of its test block.

    Args:
        grid: The series up to the fold's end.
        test_from: First timestamp of each series' block, shape `(series,)`.
        shares: Share of train, val and test; the rows before the block are divided in proportion to the first two.

    """
    start, end = grid.borders[:-1], grid.borders[1:]
    before = np.bincount(grid.series[grid.timestamps < test_from[grid.series]], minlength=len(start))
    train = np.floor(np.round(before * shares[0] / (shares[0] + shares[1]), 6)).astype(np.int64)
    return SplitBorders(start, start + train, start + before, end)


def fold_shares(shares: tuple[float, ...], number: int, folds: int) -> tuple[float, float, float]:
    """Return the shares of train, val and test in a fold, which is counted from 1."""
    train, val, test = shares
    block = test / folds / (1 - test * (folds - number) / folds)
    return (1 - block) * train / (train + val), (1 - block) * val / (train + val), block
