"""Which seasons ago the targets are shown, where that is `auto`."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import MemoryDataset
from tests.benchmarks.accuracy import parameters

from spline_lstm.datasets.inputs import WholeTable
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.pipelines.preprocessing.nodes import make_model_input
from spline_lstm.selection import seasonal_lags
from spline_lstm.selection.seasonal_lags import choose_lags
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowParameters

SEASON = 30


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seasonal_lags, "ENOUGH_WINDOWS", 10)


def seasonal(steps: int = 900, season: int = SEASON) -> Any:
    """A pattern that repeats, of values that have nothing to do with each other."""
    return np.tile(np.random.default_rng(3).normal(size=season), steps // season + 1)[:steps]


def test_a_season_beyond_the_window_is_shown(prepare: Any) -> None:
    lags, record = choose_lags(prepare(seasonal(), noise=0.1), (SEASON,))
    assert lags == (SEASON,)
    assert (record["chosen"], record["decided_on"]) == (str(SEASON), "the training part")
    assert record["ridge_rmse"]["30"] < 0.5 * record["ridge_rmse"]["none"]


def test_of_two_seasons_the_one_that_helps_is_shown(prepare: Any) -> None:
    lags, record = choose_lags(prepare(seasonal(), noise=0.1), (20, SEASON))
    assert SEASON in lags
    assert set(record["ridge_rmse"]) == {"none", "20", "30", "20+30"}


def test_noise_has_no_season(prepare: Any) -> None:
    lags, record = choose_lags(prepare(np.random.default_rng(4).normal(size=900)), (SEASON,))
    assert (lags, record["chosen"]) == ((), "none")


@pytest.mark.parametrize("season", [2, 3, 6])
def test_what_the_window_shows_anyhow_is_no_lag(season: int, prepare: Any) -> None:
    assert choose_lags(prepare(seasonal(season=season)), (season,)) == ((), {})


def test_a_season_shorter_than_the_horizon_is_shown_several_seasons_ago(prepare: Any) -> None:
    data = prepare(seasonal(season=7), lookback=10, horizon=10, noise=0.1)
    assert set(choose_lags(data, (7,))[1]["ridge_rmse"]) == {"none", "14"}


def test_a_lag_is_left_out_where_it_costs_a_tenth_of_the_training_windows(prepare: Any) -> None:
    assert choose_lags(prepare(seasonal(300), noise=0.1), (SEASON,)) == ((), {})


def test_validation_and_test_have_no_say(prepare: Any) -> None:
    table, other = seasonal(), seasonal()
    other[630:] = 100 * np.random.default_rng(1).normal(size=270)
    records = [choose_lags(prepare(values, noise=0.1), (SEASON,)) for values in (table, other)]
    assert records[0] == records[1]


def test_both_feature_modes_have_the_lags_that_were_chosen_and_so_the_same_windows() -> None:
    values = seasonal(3000, season=168)
    stamps = pd.date_range("2024-01-01", periods=len(values), freq="h", tz="UTC")
    table = pd.DataFrame({"timestamp": stamps, "target": values + np.random.default_rng(0).normal(size=3000)})
    schema = CovariateSchema(version="phase5.v1", target_cols=("target",))
    run = RunSpec(run_id="lags", processed_run_id="lags", commit_hash=None, settings="{}")
    made = []
    for mode in ("univariate", "multivariate"):
        settings = parameters(feature_mode=mode)
        specs = (settings.part(kind) for kind in (TableSpec, FillSpec, WindowParameters))
        whole = WholeTable(MemoryDataset(table, copy_mode="assign"))
        made.append(make_model_input(whole, schema, *specs, run)[0])
    assert [data.feature_names for data in made] == [("target",), ("target", "target_lag168")]
    assert made[0].window_origin.tolist() == made[1].window_origin.tolist()
    assert {data.meta["choices"]["seasonal_lags"]["chosen"] for data in made} == {"168"}
    assert made[1].preprocessor["feature_schema"]["seasonal_lags"] == [168]
