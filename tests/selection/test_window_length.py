"""How many rows a window has where that is `auto`."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.selection import window_length
from spline_lstm.selection.window_length import choose_window_length
from spline_lstm.series.windows import make_ages


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_length, "ENOUGH_WINDOWS", 10)
    monkeypatch.setattr(window_length, "_LONG", (24, 48))


def long_memory(steps: int = 900) -> Any:
    """Each value is the mean of what was 20 and 40 steps before, and noise: six rows tell nothing of it."""
    random = np.random.default_rng(5)
    values = random.normal(size=steps)
    for step in range(40, steps):
        values[step] = 0.5 * values[step - 20] + 0.5 * values[step - 40] + 0.3 * random.normal()
    return values


def test_a_long_memory_is_seen_in_long_windows(prepare: Any) -> None:
    past, record = choose_window_length(prepare(long_memory(), noise=0.01), ())
    assert past.tolist() == list(range(47, -1, -1))
    assert record["chosen"] == "48 rows"
    assert record["decided_on"] == "validation"
    assert record["ridge_rmse"]["48 rows"] == min(record["ridge_rmse"].values())


def test_windows_stay_short_where_a_longer_past_tells_nothing(prepare: Any) -> None:
    past, record = choose_window_length(prepare(np.zeros(900)), ())
    assert (past.tolist(), record["chosen"]) == ([5, 4, 3, 2, 1, 0], 6)


def test_rows_that_are_spread_further_back_are_compared_as_well(prepare: Any) -> None:
    wave = np.sin(2 * np.pi * np.arange(900) / 40)
    past, record = choose_window_length(prepare(wave), ())
    assert {"6", "12", "24", "24 rows", "48 rows"} <= set(record["ridge_rmse"])
    assert len(past) > 6 or past.tolist() != make_ages(6, 6).tolist()


def test_a_long_window_is_left_out_where_it_costs_half_of_the_training_windows(prepare: Any) -> None:
    _, record = choose_window_length(prepare(long_memory(130)), ())
    assert "48 rows" not in record["ridge_rmse"]
    assert "24 rows" in record["ridge_rmse"]


def test_a_long_window_is_left_out_where_it_costs_a_series(prepare_table: Any) -> None:
    tables = [
        pd.DataFrame(
            {
                "timestamp": pd.date_range("2024-01-01", periods=steps, freq="h", tz="UTC"),
                "series": name,
                "target": long_memory(steps),
            }
        )
        for name, steps in (("long", 900), ("short", 60))
    ]
    data = prepare_table(pd.concat(tables, ignore_index=True), series_id_cols=["series"])
    _, record = choose_window_length(data, ())
    assert "24 rows" in record["ridge_rmse"]
    assert "48 rows" not in record["ridge_rmse"]


def test_the_test_part_has_no_say(prepare: Any) -> None:
    signal, other = long_memory(), long_memory()
    other[765:] = 100 * np.random.default_rng(1).normal(size=135)
    records = [choose_window_length(prepare(table, noise=0.01), (40,))[1] for table in (signal, other)]
    assert records[0] == records[1]


def test_with_few_windows_nothing_is_compared(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_length, "ENOUGH_WINDOWS", 1_000)
    past, record = choose_window_length(prepare(long_memory()), ())
    assert (len(past), record) == (6, {})
