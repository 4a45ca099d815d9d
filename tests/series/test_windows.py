import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spline_lstm.errors import InsufficientDataError, ParameterError
from spline_lstm.series.splits import SplitBorders, make_split_borders
from spline_lstm.series.windows import (
    WindowIndex,
    WindowSpec,
    consecutive_ages,
    make_ages,
    make_season_ages,
    make_window_ages,
    make_window_index,
)

SHARES = (0.5, 0.25, 0.25)


def index_by_loop(
    series: np.ndarray, borders: SplitBorders, seen_from: np.ndarray, observed: np.ndarray, spec: WindowSpec
) -> tuple[list[tuple[int, int]], int]:
    """Find origin and split of every window by asking row after row; also count those dropped."""
    found, dropped = [], 0
    for origin in range(len(series)):
        number = series[origin]
        first, last = origin + 1, origin + spec.horizon
        if origin - spec.lookback + 1 < borders.start[number] or last >= borders.end[number]:
            continue
        if last < borders.train_end[number]:
            split = 0
            if (origin - spec.lookback + 1 - borders.start[number]) % spec.stride:
                continue
        elif first >= borders.train_end[number] and last < borders.val_end[number]:
            split = 1
        elif first >= borders.val_end[number]:
            split = 2
        else:
            continue
        lookback = range(max(origin - max(spec.lookback, 3) + 1, 0), origin + 1)
        if any(seen_from[row] > origin for row in lookback) or not any(observed[first : last + 1]):
            dropped += 1
        else:
            found.append((origin, split))
    return found, dropped


def find(lengths: list[int], spec: WindowSpec, seen_from: Any = None, observed: Any = None) -> WindowIndex:
    series = np.repeat(np.arange(len(lengths)), lengths)
    borders = make_split_borders(np.concatenate([[0], np.cumsum(lengths)]), spec.split)
    rows = np.arange(len(series))
    seen_from = rows if seen_from is None else seen_from
    observed = np.ones(len(rows), dtype=bool) if observed is None else observed
    return make_window_index(series, borders, seen_from, observed, spec)


def spec_of(lookback: int, horizon: int, stride: int = 1, split: tuple[float, ...] = SHARES) -> WindowSpec:
    return WindowSpec(lookback=lookback, lookback_span="auto", horizon=horizon, stride=stride, split=split)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    spec=st.builds(spec_of, st.integers(1, 8), st.integers(1, 5), st.integers(1, 4)),
    late=st.lists(st.tuples(st.integers(0, 159), st.integers(0, 12)), max_size=4),
    unobserved=st.lists(st.integers(0, 159), max_size=30),
)
def test_the_windows_are_those_of_a_slow_loop(
    lengths: list[int], spec: WindowSpec, late: list[tuple[int, int]], unobserved: list[int]
) -> None:
    steps = sum(lengths)
    series = np.repeat(np.arange(len(lengths)), lengths)
    borders = make_split_borders(np.concatenate([[0], np.cumsum(lengths)]), spec.split)
    seen_from, observed = np.arange(steps), np.ones(steps, dtype=bool)
    for row, delay in late:
        seen_from[row % steps] += delay
    observed[[row % steps for row in unobserved]] = False
    expected, dropped = index_by_loop(series, borders, seen_from, observed, spec)
    assume({split for _, split in expected} == {0, 1, 2})
    index = make_window_index(series, borders, seen_from, observed, spec)
    assert list(zip(index.origin.tolist(), index.split.tolist(), strict=True)) == expected
    assert index.dropped == dropped


def test_lookbacks_reach_back_over_a_border_and_horizons_do_not_reach_forward() -> None:
    index = find([20], spec_of(lookback=3, horizon=2))
    by_split = {split: index.origin[index.split == split].tolist() for split in (0, 1, 2)}
    assert by_split == {0: [2, 3, 4, 5, 6, 7], 1: [9, 10, 11, 12], 2: [14, 15, 16, 17]}


def test_the_stride_thins_training_windows_only() -> None:
    index = find([20], spec_of(lookback=3, horizon=2, stride=4))
    by_split = {split: index.origin[index.split == split].tolist() for split in (0, 1, 2)}
    assert by_split == {0: [2, 6], 1: [9, 10, 11, 12], 2: [14, 15, 16, 17]}


def test_a_window_whose_lookback_holds_a_later_fill_is_dropped() -> None:
    seen_from = np.arange(20)
    seen_from[4] = 6
    index = find([20], spec_of(lookback=3, horizon=2), seen_from=seen_from)
    assert index.origin[index.split == 0].tolist() == [2, 3, 6, 7]
    assert index.dropped == 2


def test_a_window_without_an_observed_target_ahead_is_dropped() -> None:
    observed = np.ones(20, dtype=bool)
    observed[[4, 5, 6]] = False
    index = find([20], spec_of(lookback=3, horizon=2), observed=observed)
    assert index.origin[index.split == 0].tolist() == [2, 5, 6, 7]
    assert index.dropped == 2


@pytest.mark.parametrize(
    ("lengths", "spec", "found"),
    [
        (
            [20], spec_of(9, 2),
            "the train split holds no window of lookback=9 and horizon=2: the longest series has 20 steps, about 23",
        ),
        ([20], spec_of(3, 6), "the val split holds no window of lookback=3 and horizon=6: the longest series has 20"),
        ([20], spec_of(1, 6, split=(0.5, 0.2, 0.3)), "the longest series has 20 steps, about 31 are needed"),
        ([20, 19], spec_of(3, 2, split=(0.5, 0.45, 0.05)), "the longest series has 20 steps, about 41 are needed"),
        ([1], spec_of(1, 1), "the train split holds no window"),
    ],
)  # fmt: skip
def test_a_split_without_windows_is_refused(
    lengths: list[int], spec: WindowSpec, found: str, refuses: Callable[..., Any]
) -> None:
    with refuses(InsufficientDataError, 26, found, "give more history or smaller lookback and horizon"):
        find(lengths, spec)


def test_a_split_whose_windows_were_all_dropped_is_refused_with_the_reason(refuses: Callable[..., Any]) -> None:
    observed = np.arange(20) < 15
    with refuses(InsufficientDataError, 26, "the test split holds no window", "all 4 that fit were dropped"):
        find([20], spec_of(3, 2), observed=observed)


@pytest.mark.parametrize("lookback", [1, 6, 24])
@pytest.mark.parametrize("horizon", [1, 5, 24])
@pytest.mark.parametrize("split", [(0.7, 0.15, 0.15), SHARES, (0.4, 0.1, 0.5)])
def test_the_history_that_the_message_asks_for_is_enough(lookback: int, horizon: int, split: tuple[float, ...]) -> None:
    spec = spec_of(lookback, horizon, split=split)
    with pytest.raises(InsufficientDataError) as caught:
        find([1], spec)
    needed = int(caught.value.message.partition("about ")[2].partition(" ")[0])
    assert set(find([needed], spec).split.tolist()) == {0, 1, 2}


@given(st.integers(2, 400), st.integers(0, 2_000))
def test_ages_fall_from_the_span_to_the_origin_ever_closer(lookback: int, further: int) -> None:
    ages = make_ages(lookback, lookback + further)
    steps = -np.diff(ages)
    assert (ages[0], ages[-1], len(ages)) == (lookback + further - 1, 0, lookback)
    assert (steps > 0).all()
    assert (np.diff(steps) <= 1).all()  # but for rounding, no step is longer than the one before it


def test_ages_over_the_lookback_itself_are_consecutive() -> None:
    assert make_ages(24, 24).tolist() == list(range(23, -1, -1))


def test_half_of_the_rows_lie_over_the_horizon_a_season_ago() -> None:
    assert make_season_ages(8, 4, 24).tolist() == [23, 22, 21, 20, 7, 3, 1, 0]


def test_of_a_horizon_of_one_step_a_single_row_lies_a_season_ago() -> None:
    assert make_season_ages(8, 1, 24).tolist() == [23, 7, 5, 4, 3, 2, 1, 0]


@given(st.integers(2, 200), st.integers(1, 200), st.integers(0, 400))
def test_season_ages_fall_from_the_season_to_the_origin(lookback: int, horizon: int, further: int) -> None:
    season = lookback + horizon + further
    ages = make_season_ages(lookback, horizon, season)
    assert (ages[0], ages[-1], len(ages)) == (season - 1, 0, lookback)
    assert (np.diff(ages) < 0).all()


def test_consecutive_ages_are_alike_for_all_features() -> None:
    assert consecutive_ages(3, 2).tolist() == [[2, 2], [1, 1], [0, 0]]


def test_what_describes_the_horizon_stays_consecutive_beside_rows_that_are_spread() -> None:
    ages = make_window_ages(make_ages(3, 9), ["target", "hour_sin_lead3", "humidity"], {"hour_sin_lead3"})
    assert ages.tolist() == [[8, 2, 8], [2, 1, 2], [0, 0, 0]]


def test_where_the_windows_are_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        find([20], spec_of(3, 2)).dropped = 1  # type: ignore[misc]


def parse(**changes: Any) -> WindowSpec:
    values = {"lookback": 6, "lookback_span": "auto", "horizon": 2, "stride": 1, "split": SHARES, **changes}
    return WindowSpec.parse(values, ParameterError, "parameter")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"lookback_span": 5}, "'lookback_span' is 5; at least lookback=6 is needed"),
        ({"lookback_span": 0}, "'lookback_span' is 0; it should be greater than or equal to 1"),
        (
            {"lookback": 1, "lookback_span": 2},
            "'lookback_span' is 2; a single row spans one step; lookback=1 needs lookback_span=1",
        ),
        ({"lookback": 0}, "'lookback' is 0; it should be greater than or equal to 1"),
        ({"horizon": 0}, "'horizon' is 0; it should be greater than or equal to 1"),
        ({"stride": 0}, "'stride' is 0; it should be greater than or equal to 1"),
        ({"split": (0.7, 0.3)}, "three positive shares that add up to 1 are needed"),
        ({"split": (0.5, 0.2, 0.2, 0.1)}, "three positive shares that add up to 1 are needed"),
        ({"split": (1.0, 0.0, 0.0)}, "three positive shares that add up to 1 are needed"),
        ({"split": (0.7, 0.2, 0.2)}, "three positive shares that add up to 1 are needed"),
        ({"split": (0.7, 0.1, 0.1)}, "three positive shares that add up to 1 are needed"),
    ],
)
def test_lengths_and_shares_that_make_no_windows_are_refused(changes: dict[str, Any], found: str, refuses: Any) -> None:
    with refuses(ParameterError, 2, found):
        parse(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"lookback_span": 6},
        {"lookback_span": 7},
        {"lookback": 1, "lookback_span": 1, "horizon": 1, "stride": 1},
        {"lookback": 1, "lookback_span": "auto"},
        {"split": (0.1, 0.7, 0.2)},
    ],
)
def test_the_shortest_lengths_and_any_shares_of_one_are_taken(changes: dict[str, Any]) -> None:
    assert changes.items() <= parse(**changes).model_dump().items()
