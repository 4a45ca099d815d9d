from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import Akima1DInterpolator

from spline_lstm.errors import ValuesError
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.spline import Fill, fill_gaps

FillOf = Callable[..., FilledSeries]
NAN = np.nan


def fill(values: list[float], series: list[int] | None = None, train: int | None = None) -> Fill:
    """Fill one column; the first `train` rows are the training part, all of them where it is not given."""
    numbers = np.array(series or [0] * len(values))
    is_train = np.arange(len(values)) < (len(values) if train is None else train)
    return fill_gaps(np.array(values, dtype=float)[:, None], numbers, is_train)


@st.composite
def gappy(draw: st.DrawFn, *, edge: int = 1) -> np.ndarray:
    """A random column whose first and last `edge` rows are observed."""
    values = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=draw(st.integers(2 * edge + 1, 40)))
    gaps = draw(st.lists(st.integers(edge, len(values) - edge - 1), max_size=25))
    values[gaps] = NAN
    return values


@given(gappy(edge=3))
def test_fills_are_those_of_the_modified_akima_spline_of_scipy(values: np.ndarray) -> None:
    observed = np.flatnonzero(~np.isnan(values))
    spline = Akima1DInterpolator(observed, values[observed], method="makima")
    filled = fill(list(values)).values[:, 0]
    np.testing.assert_allclose(filled, spline(np.arange(len(values))), rtol=1e-9, atol=1e-9)


# Slopes left to right are 1, 1, 1/3 (over the gap of 3), 3, 3: at the left end of the gap the weights are
# |3 - 1/3| + |3 + 1/3| / 2 = 13/3 and 0 + 1 = 1, so the slope is (13/3 * 1 + 1 * 1/3) / (16/3) = 7/8; at the
# right end 0 + 3 = 3 and 2/3 + 2/3 = 4/3, so it is (3 * 1/3 + 4/3 * 3) / (13/3) = 15/13. By Hermite's basis at
# t = 1/3 and 2/3 of the width 3, between the values 2 and 3: (20 * 2 + 7 * 3) / 27 + 3 * (4 * 7/8 - 2 * 15/13) / 27.
def test_a_fill_has_the_value_computed_by_hand() -> None:
    filled = fill([0, 1, 2, NAN, NAN, 3, 6, 9]).values[:, 0]
    first = (20 * 2 + 7 * 3) / 27 + 3 * (4 * 7 / 8 - 2 * 15 / 13) / 27
    second = (7 * 2 + 20 * 3) / 27 + 3 * (2 * 7 / 8 - 4 * 15 / 13) / 27
    np.testing.assert_allclose(filled[3:5], [first, second], rtol=1e-12)
    np.testing.assert_allclose(filled[3:5], [2.391738, 2.422365], atol=1e-6)


@pytest.mark.parametrize("values", [[1, NAN, 3], [0, 1, NAN, 3], [0, NAN, 2, 3], [0, 1, NAN, NAN, NAN, 5, 6, 7]])
def test_a_straight_line_is_continued_exactly(values: list[float]) -> None:
    start = values[0]
    np.testing.assert_allclose(fill(values).values[:, 0], np.arange(len(values)) + start, rtol=1e-12)


def test_a_constant_is_continued_exactly() -> None:
    np.testing.assert_array_equal(fill([5, 5, NAN, NAN, 5]).values[:, 0], [5] * 5)


@given(gappy())
def test_observed_values_keep_their_bits(values: np.ndarray) -> None:
    observed = ~np.isnan(values)
    assert fill(list(values)).values[observed, 0].tobytes() == values[observed].tobytes()


@given(gappy())
def test_exactly_the_missing_values_are_marked_and_filled(values: np.ndarray) -> None:
    made = fill(list(values))
    np.testing.assert_array_equal(made.is_imputed[:, 0], np.isnan(values))
    assert np.isfinite(made.values).all()


def test_an_observed_row_depends_on_itself() -> None:
    assert fill([0, NAN, 2]).last_used[[0, 2], 0].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("values", "train", "last_used"),
    [
        ([0, NAN, 2, 3, 4, 5], None, 4),
        ([0, NAN, 2, NAN, 4, NAN, 6, 7], None, 6),
        ([0, NAN, 2, 3], None, 3),
        ([0, NAN, 2, 3, 4, 5], 4, 3),
        ([0, NAN, 2, 3, 4, 5], 3, 2),
        ([0, NAN, 2, 3, 4, 5], 2, 0),
        ([0, NAN, 2, 3, 4, 5], 1, 4),
    ],
    ids=[
        "three on the right",
        "across gaps",
        "up to the end",
        "train 4",
        "train 3",
        "right end beyond",
        "not in train",
    ],
)
def test_a_fill_records_the_last_observation_it_used(values: list[float], train: int | None, last_used: int) -> None:
    assert fill(values, train=train).last_used[1, 0] == last_used


def test_a_gap_across_the_train_border_holds_the_last_value_up_to_it() -> None:
    made = fill([0, 7, NAN, NAN, NAN, 9, 9, 9], train=4)
    assert made.values[2:4, 0].tolist() == [7, 7]
    assert made.last_used[2:4, 0].tolist() == [1, 1]
    assert made.values[4, 0] != 7


def test_no_fill_uses_another_series() -> None:
    values = [0, NAN, 2, 1000, NAN, 1002]
    made = fill(values, series=[0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(made.values[[1, 4], 0], [1, 1001], rtol=1e-12)
    assert made.last_used[1, 0] == 2


@given(gappy(), st.data())
def test_nothing_after_the_last_observation_used_moves_a_fill(values: np.ndarray, data: st.DataObject) -> None:
    train = data.draw(st.integers(0, len(values)))
    made = fill(list(values), train=train)
    last = data.draw(st.integers(0, len(values) - 1))
    changed = values.copy()
    changed[last + 1 :] = np.random.default_rng(1).normal(size=len(values) - last - 1) * 1e6
    fixed = made.last_used[:, 0] <= last
    again = fill(list(changed), train=train)
    still = fixed & (again.last_used[:, 0] <= last)
    assert again.values[still].tobytes() == made.values[still].tobytes()


@given(gappy(), st.integers(0, 40))
def test_fills_in_train_do_not_depend_on_what_comes_after(values: np.ndarray, train: int) -> None:
    changed = values.copy()
    changed[train:] = np.where(np.isnan(values[train:]), NAN, 1e6)
    made, again = fill(list(values), train=train), fill(list(changed), train=train)
    assert again.values[:train].tobytes() == made.values[:train].tobytes()
    assert again.last_used[:train].tobytes() == made.last_used[:train].tobytes()


def test_a_gap_within_the_limit_is_filled_and_marked(
    fill_table: FillOf, make_table: Callable[..., pd.DataFrame]
) -> None:
    table = make_table(steps=40, gaps={"target": [10, 11, 12]}, absent=(13,))
    fills = fill_table(table, max_gap=4).fills
    assert np.flatnonzero(fills.is_imputed[:40, 0]).tolist() == [10, 11, 12, 13]
    assert np.isfinite(fills.values).all()


def test_a_gap_over_the_limit_is_refused_with_its_length_and_the_limit(
    fill_table: FillOf, make_table: Callable[..., pd.DataFrame], refuses: Callable[..., Any]
) -> None:
    table = make_table(steps=40, gaps={"target": [10, 11, 12, 20]}, absent=(13,))
    with refuses(ValuesError, 12, "column 'target', series 'EWR': a gap of 4 steps; at most max_gap=3 are filled"):
        fill_table(table, max_gap=3)


def test_gaps_at_the_border_of_two_series_are_not_one(
    fill_table: FillOf, make_table: Callable[..., pd.DataFrame]
) -> None:
    table = make_table(steps=40)
    table.loc[[37, 38, 41, 42], "target"] = NAN
    assert fill_table(table, max_gap=2).fills.is_imputed.sum() == 4


def test_too_much_missing_is_refused_with_the_share_and_the_limit(
    fill_table: FillOf, make_table: Callable[..., pd.DataFrame], refuses: Callable[..., Any]
) -> None:
    table = make_table(steps=40)
    table.loc[range(41, 79, 3), "target"] = NAN
    with refuses(ValuesError, 12, "series 'JFK': 32% of the steps are missing; at most max_missing_ratio=30%"):
        fill_table(table)


@pytest.mark.parametrize("limits", [{"max_gap": 0}, {"max_missing_ratio": 0.0}])
def test_a_complete_target_passes_the_strictest_limits(
    limits: dict[str, Any], fill_table: FillOf, make_table: Callable[..., pd.DataFrame]
) -> None:
    assert not fill_table(make_table(steps=40), **limits).fills.is_imputed.any()
