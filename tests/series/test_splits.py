import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.series.splits import make_split_borders

SHARES = (0.70, 0.15, 0.15)


@pytest.mark.parametrize(
    ("steps", "train_end", "val_end"), [(100, 70, 85), (20, 14, 17), (7, 4, 5), (3, 2, 2), (1, 0, 0)]
)
def test_a_series_is_cut_by_time(steps: int, train_end: int, val_end: int) -> None:
    borders = make_split_borders(np.array([0, steps]), SHARES)
    assert (borders.train_end.tolist(), borders.val_end.tolist()) == ([train_end], [val_end])


# In floating point 0.7 * 90 falls below 63 and 0.1 + 0.7 below 0.8.
@pytest.mark.parametrize(
    ("steps", "shares", "train_end", "val_end"),
    [
        (90, SHARES, 63, 76),
        (180, SHARES, 126, 153),
        (5, (0.1, 0.7, 0.2), 0, 4),
        (30, (0.7, 0.1, 0.2), 21, 24),
        (3, (0.3333333, 0.3333333, 0.3333334), 1, 2),
    ],
)
def test_borders_do_not_suffer_from_rounding(
    steps: int, shares: tuple[float, ...], train_end: int, val_end: int
) -> None:
    borders = make_split_borders(np.array([0, steps]), shares)
    assert (borders.train_end.tolist(), borders.val_end.tolist()) == ([train_end], [val_end])


def test_each_series_is_cut_by_its_own_length() -> None:
    borders = make_split_borders(np.array([0, 10, 110]), SHARES)
    assert borders.start.tolist() == [0, 10]
    assert borders.train_end.tolist() == [7, 80]
    assert borders.val_end.tolist() == [8, 95]
    assert borders.end.tolist() == [10, 110]


def test_borders_do_not_change_once_they_are_made() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_split_borders(np.array([0, 10]), SHARES).train_end = np.array([9])  # type: ignore[misc]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_the_training_part_is_the_beginning_of_each_series(lengths: list[int]) -> None:
    is_train = make_split_borders(np.concatenate([[0], np.cumsum(lengths)]), SHARES).is_train()
    by_loop = [step < int(length * 0.7 + 1e-6) for length in lengths for step in range(length)]
    assert is_train.tolist() == by_loop
