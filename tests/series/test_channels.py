import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.series.channels import fill_covariate
from spline_lstm.series.splits import SplitBorders, make_split_borders

NAN = np.nan


def fill_by_loop(values: np.ndarray, series: np.ndarray, borders: SplitBorders) -> tuple[np.ndarray, np.ndarray]:
    filled, used = values.copy(), np.arange(len(values))
    for row in range(len(values)):
        before = [r for r in range(borders.start[series[row]], row + 1) if not np.isnan(values[r])]
        ahead = [r for r in range(row, borders.train_end[series[row]]) if not np.isnan(values[r])]
        source = before[-1] if before else ahead[0] if ahead else row
        filled[row], used[row] = values[source], source
    return filled, used


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    missing=st.lists(st.integers(0, 79), max_size=80),
    share=st.sampled_from([0.1, 0.5, 0.7]),
)
def test_covariates_are_filled_as_by_a_slow_loop(lengths: list[int], missing: list[int], share: float) -> None:
    steps = sum(lengths)
    values = np.random.default_rng(0).normal(size=steps)
    values[[row % steps for row in missing]] = NAN
    series = np.repeat(np.arange(len(lengths)), lengths)
    borders = make_split_borders(np.concatenate([[0], np.cumsum(lengths)]), (share, 0.9 - share, 0.1))
    filled, last_used = fill_covariate(values, series, borders)
    used = np.arange(len(values)) if last_used is None else last_used
    expected, expected_used = fill_by_loop(values, series, borders)
    np.testing.assert_array_equal(filled, expected)
    np.testing.assert_array_equal(used[~np.isnan(filled)], expected_used[~np.isnan(filled)])


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ([1, NAN, NAN, 4, 5, 6, 7, 8, 9, NAN], [1, 1, 1, 4, 5, 6, 7, 8, 9, 9]),
        ([NAN, NAN, 3, 4, 5, 6, 7, 8, 9, 9], [3, 3, 3, 4, 5, 6, 7, 8, 9, 9]),
        ([NAN] * 7 + [8, NAN, 9], [NAN] * 7 + [8, 8, 9]),
        ([NAN] * 10, [NAN] * 10),
    ],
    ids=["forward", "back inside train", "never back from beyond train", "nothing known"],
)
def test_a_gap_takes_what_was_last_known(values: list[float], filled: list[float]) -> None:
    borders = make_split_borders(np.array([0, 10]), (0.7, 0.1, 0.2))
    found, _ = fill_covariate(np.array(values), np.zeros(10, dtype=np.int64), borders)
    np.testing.assert_array_equal(found, filled)
