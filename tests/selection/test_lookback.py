"""How far back windows reach, decided on the training part."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.selection import lookback
from spline_lstm.selection.lookback import resolve_ages
from spline_lstm.series.windows import make_ages, make_season_ages

CONSECUTIVE = [5, 4, 3, 2, 1, 0]


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookback, "ENOUGH_WINDOWS", 50)


def long_season(steps: int = 600) -> Any:
    """A slow wave under noise: six rows hardly tell where it stands."""
    return np.sin(2 * np.pi * np.arange(steps) / 40)


@pytest.mark.usefixtures("few_are_enough")
def test_a_long_season_is_seen_from_further_away(prepare: Any) -> None:
    past, record = resolve_ages("auto", prepare(long_season()), ())
    span = record["chosen"]
    assert span > 6
    assert past.tolist() == make_ages(6, span).tolist()
    assert record["ridge_rmse"][str(span)] == min(record["ridge_rmse"].values()) < 0.98 * record["ridge_rmse"]["6"]


@pytest.mark.usefixtures("few_are_enough")
def test_a_profile_that_repeats_is_seen_a_season_before_the_horizon(prepare: Any) -> None:
    profile = np.tile(np.random.default_rng(2).normal(size=50), 12)
    past, record = resolve_ages("auto", prepare(profile, noise=0.1), (8, 50))
    assert past.tolist() == make_season_ages(6, 3, 50).tolist()
    assert record["chosen"] == "season of 50"
    assert "season of 8" not in record["ridge_rmse"]  # its rows would lie within the lookback


@pytest.mark.usefixtures("few_are_enough")
def test_rows_stay_consecutive_where_a_longer_past_tells_nothing(prepare: Any) -> None:
    assert resolve_ages("auto", prepare(np.zeros(600)), (24,))[0].tolist() == CONSECUTIVE


@pytest.mark.usefixtures("few_are_enough")
def test_the_training_part_decides_alone(prepare: Any) -> None:
    signal = long_season()
    other = signal.copy()
    other[420:] = 100 * np.random.default_rng(1).normal(size=180)
    (past, record), (past_of_other, record_of_other) = (
        resolve_ages("auto", prepare(table), (40,)) for table in (signal, other)
    )
    assert (past.tolist(), record) == (past_of_other.tolist(), record_of_other)


@pytest.mark.usefixtures("few_are_enough")
def test_no_span_or_season_is_longer_than_a_tenth_of_the_longest_series(prepare: Any) -> None:
    _, record = resolve_ages("auto", prepare(long_season(500)), (50, 51))
    assert list(record["ridge_rmse"]) == ["6", "12", "24", "42", "season of 50"]


def test_with_few_windows_nothing_is_compared(prepare: Any) -> None:
    past, record = resolve_ages("auto", prepare(long_season()), (24,))
    assert (past.tolist(), record) == (CONSECUTIVE, {})


def test_a_given_span_is_taken(prepare: Any) -> None:
    past, record = resolve_ages(17, prepare(long_season()), (24,))
    assert (past.tolist(), record) == (make_ages(6, 17).tolist(), {})


@pytest.mark.usefixtures("few_are_enough")
def test_of_many_windows_some_are_drawn_at_random(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookback, "CHOICE_WINDOWS", 280)
    assert resolve_ages("auto", prepare(long_season()), ())[0][0] > 5
