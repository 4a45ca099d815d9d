"""Which rows of a table the next forecast needs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.recent_rows import add_rows, keep_recent

SPAN = 10 + 6  # origins of the past, and the steps that a window shows


@pytest.fixture(scope="module")
def make_preprocessor(prepare_table: Callable[..., ModelInput], make_table: Any) -> Callable[..., Preprocessor]:
    def make(**settings: Any) -> Preprocessor:
        bundle = prepare_table(make_table(), **settings)
        return Preprocessor.parse(bundle.preprocessor, ArtifactDamagedError, "key")

    return make


def kept(table: pd.DataFrame, preprocessor: Preprocessor) -> list[int]:
    """Number of rows of each series that are kept, in the order of their names."""
    rows: list[int] = keep_recent(table, preprocessor, 10).groupby("station").size().tolist()
    return rows


def test_each_series_keeps_what_the_windows_need_and_four_rows_for_fills(
    make_preprocessor: Any, make_table: Any
) -> None:
    assert kept(make_table(steps=90), make_preprocessor()) == [SPAN + 4] * 2


def test_the_last_value_of_a_covariate_is_kept(make_preprocessor: Any, make_table: Any) -> None:
    table = make_table(steps=90, gaps={"dew_point": list(range(31, 90))})
    assert kept(table, make_preprocessor(feature_mode="multivariate")) == [90 - 30 + 1] * 2


def test_a_series_that_is_scaled_by_its_own_history_keeps_all_of_it(make_preprocessor: Any, make_table: Any) -> None:
    preprocessor = make_preprocessor(target_scaling="series")
    assert kept(make_table(steps=90, series=("JFK", "LGA")), preprocessor) == [SPAN + 4, 90]


def test_a_table_of_months_stays_as_it_is(make_preprocessor: Any, make_table: Any) -> None:
    table = make_table(steps=90, freq="MS")
    preprocessor = make_preprocessor().model_copy(update={"freq": "MS"})
    pd.testing.assert_frame_equal(keep_recent(table, preprocessor, 10), table)


def test_a_series_without_targets_keeps_its_rows(make_preprocessor: Any, make_table: Any) -> None:
    table = make_table(steps=90)
    table.loc[table["station"] == "JFK", "target"] = np.nan
    assert kept(table, make_preprocessor()) == [SPAN + 4, 90]


def test_rows_of_a_wide_table_are_kept_whole(prepare_table: Any) -> None:
    random = np.random.default_rng(0).normal(size=(90, 2))
    table = pd.DataFrame({"timestamp": pd.date_range("2024-01-01", periods=90, freq="h", tz="UTC"), "a": random[:, 0],
                          "b": random[:, 1]})  # fmt: skip
    long = table.melt("timestamp", var_name="series_id", value_name="target")
    state = prepare_table(long, series_id_cols=["series_id"]).preprocessor
    state = state | {"table": state["table"] | {"layout": "wide"}}
    preprocessor = Preprocessor.parse(state, ArtifactDamagedError, "key")
    recent = keep_recent(table, preprocessor, 10)
    pd.testing.assert_frame_equal(recent, table.tail(SPAN + 4).reset_index(drop=True))
    assert len(add_rows(recent, table.tail(2), preprocessor)) == SPAN + 4


def test_a_row_takes_the_place_of_an_earlier_one_of_its_series_and_time(
    make_preprocessor: Any, make_table: Any
) -> None:
    table = make_table(steps=10)
    joined = add_rows(table, table.iloc[[3]].assign(target=7.0), make_preprocessor())
    assert len(joined) == len(table)
    assert joined["target"].iloc[-1] == 7.0
    assert joined["station"].value_counts().tolist() == [10, 10]
