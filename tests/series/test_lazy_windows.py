"""Windows cut from rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.series.lazy_windows import Cuts, cut_lookbacks, draw
from spline_lstm.series.windows import consecutive_ages, make_ages


@given(st.integers(1, 6), st.integers(1, 3))
def test_lookbacks_are_those_of_a_slow_loop(lookback: int, features: int) -> None:
    rows = np.arange(30 * features, dtype=np.float32).reshape(30, features)
    origin = np.array([lookback - 1, 12, 12, 29])
    seen = [[rows[start - lookback + 1 + step] for step in range(lookback)] for start in origin]
    ages = consecutive_ages(lookback, features)
    np.testing.assert_array_equal(cut_lookbacks(rows, origin, ages, np.zeros(4, dtype=int)), seen)


@given(st.integers(1, 8), st.integers(0, 40), st.data())
def test_spread_rows_are_those_of_a_slow_loop(lookback: int, further: int, data: st.DataObject) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    spread, consecutive = make_ages(lookback, lookback + further), np.arange(lookback)[::-1]
    ages = np.stack([spread, consecutive, spread], axis=1)
    origin = np.array(data.draw(st.lists(st.integers(7, 29), min_size=1, max_size=4)))
    first = np.array(data.draw(st.lists(st.integers(0, 7), min_size=len(origin), max_size=len(origin))))
    seen = [
        [[rows[max(end - ages[row, feature], start), feature] for feature in range(3)] for row in range(lookback)]
        for end, start in zip(origin, first, strict=True)
    ]
    np.testing.assert_array_equal(cut_lookbacks(rows, origin, ages, first), seen)


def test_a_lookback_is_a_copy() -> None:
    rows = np.zeros((9, 1), dtype=np.float32)
    cut_lookbacks(rows, np.array([4]), consecutive_ages(2, 1), np.array([0]))[:] = 1
    assert not rows.any()


WHOLE = np.arange(24.0).reshape(4, 2, 3)


@pytest.fixture
def cuts() -> Cuts:
    def cut(windows: np.ndarray) -> np.ndarray:
        assert windows.ndim == 1
        return WHOLE[windows]

    return Cuts(cut, np.arange(4))


@pytest.mark.parametrize(
    "key", [0, -1, slice(None), slice(1, 3), slice(4, 9), np.array([3, 0]), np.array([True, False, True, False])]
)
def test_uncut_windows_are_read_like_an_array(cuts: Cuts, key: Any) -> None:
    np.testing.assert_array_equal(cuts[key], WHOLE[key])


@pytest.mark.parametrize("describe", [len, lambda a: a.shape, lambda a: a.ndim, lambda a: a.dtype, np.sum])
def test_uncut_windows_look_like_an_array(cuts: Cuts, describe: Callable[[Any], Any]) -> None:
    assert describe(cuts) == describe(WHOLE)


def test_some_of_the_windows_stay_uncut_until_they_are_read() -> None:
    asked: list[int] = []

    def cut(windows: np.ndarray) -> np.ndarray:
        asked.extend(windows.tolist())
        return WHOLE[windows]

    some = Cuts(cut, np.arange(4)).at(np.array([3, 1, 2])).at(np.array([0, 2]))
    assert (len(some), some.shape, some.ndim, some.dtype, asked) == (2, (2, 2, 3), 3, np.float64, [])
    np.testing.assert_array_equal(some[:1], WHOLE[[3]])
    assert asked == [3]


def test_of_few_windows_all_are_drawn_and_of_many_the_same_ones_every_time() -> None:
    windows = np.arange(5, 1_005)
    assert draw(windows, 1_000) is windows
    drawn = draw(windows, 70)
    assert len(drawn) == 70
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) <= set(windows.tolist())
    assert len(set((drawn % 24).tolist())) > 12  # not each n-th, which might always be of the same hour
    assert drawn.tolist() == draw(windows, 70).tolist()
