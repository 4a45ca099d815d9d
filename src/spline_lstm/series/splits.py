"""Chronological splits: each series is cut by time into train, val and test."""

from dataclasses import dataclass

import numpy as np

from spline_lstm.types import Bool, Int8, Int64

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class SplitBorders:
    """Row numbers at which the splits of each series begin and end. Shapes: `(series,)`.

    The series lie one after another from row 0, without a row between them.
    """

    start: Int64
    train_end: Int64
    val_end: Int64
    end: Int64

    def row_split(self) -> Int8:
        """Return the split of every row: 0 train, 1 val, 2 test; shape `(steps,)`."""
        edges = np.stack([self.start, self.train_end, self.val_end, self.end], axis=1)
        return np.repeat(np.tile(np.arange(len(SPLITS), dtype=np.int8), len(edges)), np.diff(edges).ravel())

    def is_train(self) -> Bool:
        """Tell for every row whether it is in the training part, shape `(steps,)`."""
        is_train: Bool = self.row_split() == 0
        return is_train


def make_split_borders(borders: Int64, shares: tuple[float, ...]) -> SplitBorders:
    """Cut every series in chronological order.

    Args:
        borders: Row borders of the series, shape `(series + 1,)`.
        shares: Share of train, val and test; they add up to 1.

    """
    start, end = borders[:-1], borders[1:]
    lengths = end - start
    # Rounding first keeps 0.7 * 90 from falling a hair below 63, and 0.1 + 0.7 below 0.8.
    train_end = start + np.floor(np.round(lengths * shares[0], 6)).astype(np.int64)
    val_end = start + np.floor(np.round(lengths * (shares[0] + shares[1]), 6)).astype(np.int64)
    return SplitBorders(start, train_end, val_end, end)
