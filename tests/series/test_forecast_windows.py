"""The last window of a new table is the one that training would have cut there."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spline_lstm.errors import (
    ArtifactDamagedError,
    InsufficientDataError,
    MissingCovariateError,
    ShapeContractError,
    TableError,
    TimeAxisError,
    ValuesError,
)
from spline_lstm.series.assembly import spread_lookback
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.latest_windows import LatestWindows
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.windows import make_ages, make_season_ages

HOUR, HORIZON = pd.Timedelta(hours=1), 3
FULL = {"feature_mode": "multivariate", "static_covariates": ["station"]}


@pytest.fixture(scope="module")
def schema(make_schema: Callable[..., CovariateSchema]) -> CovariateSchema:
    """Everything that a window may show: a covariate known ahead, a lag, calendar leads and a static covariate."""
    dynamic = [{"name": "dew_point"}, {"name": "humidity", "known_future": True}, {"name": "pressure"}]
    return make_schema(dynamic_covariates=dynamic, seasonal_lags=[8])


def cut_after(table: pd.DataFrame, origin: pd.Timestamp) -> pd.DataFrame:
    """What was known at the origin: nothing later but the humidity of the horizon."""
    known = table[table["timestamp"] <= origin + HORIZON * HOUR].copy()
    known.loc[known["timestamp"] > origin, ["target", "dew_point", "pressure"]] = np.nan
    return known


def parse(bundle: ModelInput, **changes: Any) -> Preprocessor:
    return Preprocessor.parse({**bundle.preprocessor, **changes}, ArtifactDamagedError, "preprocessor.pkl: key")


def check_all_test_windows(table: pd.DataFrame, bundle: ModelInput) -> None:
    windows = bundle.windows_of(2)
    for window in windows:
        origin = bundle.row_timestamp[bundle.window_origin[window]]
        made = make_latest_windows(cut_after(table, pd.Timestamp(origin, tz="UTC")), parse(bundle))
        series = bundle.window_series[window]
        assert made.origin[series] == origin
        np.testing.assert_array_equal(made.X[series], bundle.X[window])


@settings(max_examples=10)
@given(
    gaps=st.lists(st.sampled_from(range(50, 80)), max_size=8, unique=True),
    column=st.sampled_from(["target", "dew_point"]),
)
def test_a_table_that_ends_at_an_origin_gives_the_window_of_that_origin(
    gaps: list[int], column: str, make_table: Any, prepare_table: Any, schema: CovariateSchema
) -> None:
    table = make_table(steps=80, gaps={column: gaps})
    check_all_test_windows(table, prepare_table(table, schema, **FULL))


@pytest.mark.parametrize("changes", [{}, {"target_cols": ["target", "pressure"]}])
def test_so_it_does_in_univariate_mode(
    changes: dict[str, Any], make_table: Any, prepare_table: Any, schema: CovariateSchema
) -> None:
    table = make_table(steps=80, gaps={"target": [66, 72]}, absent=(70,))
    check_all_test_windows(table, prepare_table(table, schema, **changes))


@pytest.mark.parametrize("past", [make_ages(6, 40), make_season_ages(6, 3, 24)], ids=["span", "season"])
@pytest.mark.parametrize("changes", [{}, FULL])
def test_so_it_does_where_the_rows_of_a_window_reach_further_back(
    past: np.ndarray,
    changes: dict[str, Any],
    make_table: Any,
    prepare_table: Any,
    schema: CovariateSchema,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = make_table(steps=80, gaps={"target": [30, 66]})
    check_all_test_windows(table, spread_lookback(prepare_table(table, schema, **changes), past, {}))
    assert "shorter" not in caplog.text


@pytest.mark.parametrize("changes", [{}, {"feature_mode": "multivariate"}])
def test_the_windows_before_the_last_are_those_that_a_run_tests(
    changes: dict[str, Any], make_table: Any, prepare_table: Any
) -> None:
    table = make_table(steps=80, gaps={"target": [66, 72]})
    bundle = prepare_table(table, **changes)
    past = make_latest_windows(table, parse(bundle), past=10_000).past
    tested = bundle.windows_of(2)
    places = dict(zip(bundle.window_origin[tested] + HORIZON * bundle.window_series[tested], tested, strict=True))
    found = [(at, places[origin]) for at, origin in enumerate(past.origin) if origin in places]
    assert len(found) >= 10
    for at, window in found:
        truth, mask = bundle.truth(np.array([window]))
        np.testing.assert_array_equal(past.X[at], bundle.X[window])
        np.testing.assert_array_equal(past.truth[at], np.where(mask, truth, np.nan)[0])


def test_as_many_windows_before_the_last_are_cut_as_asked(table: pd.DataFrame, univariate: ModelInput) -> None:
    past = make_latest_windows(table, parse(univariate), past=5).past
    assert np.bincount(past.series).tolist() == [5, 5]
    assert len(latest(table, univariate).past.X) == 0


def test_what_lies_before_a_short_series_is_its_first_step(
    new_table: pd.DataFrame, univariate: ModelInput, caplog: pytest.LogCaptureFixture
) -> None:
    made = latest(new_table, spread_lookback(univariate, make_ages(6, 70), {}))
    first = latest(new_table.groupby("station").head(6), univariate).X[:, 0]
    np.testing.assert_array_equal(made.X[:, 0], first)
    assert "2 series are shorter than lookback_span=70" in caplog.text


@pytest.fixture(scope="module")
def table(make_table: Any) -> pd.DataFrame:
    made: pd.DataFrame = make_table(steps=80)
    return made


@pytest.fixture(scope="module")
def bundle(table: pd.DataFrame, prepare_table: Any, schema: CovariateSchema) -> ModelInput:
    made: ModelInput = prepare_table(table, schema, **FULL)
    return made


@pytest.fixture(scope="module")
def univariate(table: pd.DataFrame, prepare_table: Any) -> ModelInput:
    made: ModelInput = prepare_table(table)
    return made


@pytest.fixture(scope="module")
def new_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is known at its 60th hour."""
    return cut_after(table, table["timestamp"][59])


def latest(table: pd.DataFrame, bundle: ModelInput) -> LatestWindows:
    return make_latest_windows(table, parse(bundle))


def test_the_horizon_follows_the_origin(new_table: pd.DataFrame, bundle: ModelInput) -> None:
    made = latest(new_table, bundle)
    hours = (made.timestamps - made.origin[:, None]) // HOUR.value
    assert hours.tolist() == [[1, 2, 3]] * 2


def test_the_origin_is_the_last_step_with_all_targets_of_each_series(
    new_table: pd.DataFrame, univariate: ModelInput
) -> None:
    ended = new_table[(new_table["station"] == "EWR") | (new_table["timestamp"] < new_table["timestamp"][50])]
    origin = latest(ended, univariate).origin.astype("datetime64[ns]")
    assert origin.tolist() == [new_table["timestamp"][row].value for row in (59, 49)]


def test_what_was_seen_is_shown_as_it_was(new_table: pd.DataFrame, univariate: ModelInput) -> None:
    gap = new_table.copy()
    gap.loc[57, "target"] = np.nan
    expected = [*gap["target"][54:60]]
    np.testing.assert_array_equal(latest(gap, univariate).seen_target[0, :, 0], expected)


def test_one_new_series_is_enough(new_table: pd.DataFrame, bundle: ModelInput) -> None:
    alone = latest(new_table[new_table["station"] == "JFK"], bundle)
    np.testing.assert_array_equal(alone.X, latest(new_table, bundle).X[1:])


def test_rows_may_come_in_any_order(new_table: pd.DataFrame, bundle: ModelInput) -> None:
    shuffled = new_table.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(latest(shuffled, bundle).X, latest(new_table, bundle).X)


def test_an_unseen_category_takes_the_unknown_token(
    new_table: pd.DataFrame, bundle: ModelInput, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "spline_lstm"):
        made = latest(new_table.replace({"station": {"JFK": "LGA"}}), bundle)
    static = [position for position, name in enumerate(bundle.feature_names) if name.startswith("station_")]
    assert (made.X[1][:, static] == 0).all()
    assert made.X[0][:, static].any()
    assert "'LGA' is not a station in the training and counts as unknown" in caplog.text


def test_univariate_runs_need_the_target_alone(new_table: pd.DataFrame, univariate: ModelInput) -> None:
    bare = new_table[["timestamp", "station", "target"]]
    np.testing.assert_array_equal(latest(bare, univariate).X, latest(new_table, univariate).X)


@pytest.mark.parametrize(
    ("column", "error", "code", "message"),
    [
        ("target", TableError, 10, "column 'target' is missing"),
        ("timestamp", TableError, 10, "column 'timestamp' is missing"),
        ("station", MissingCovariateError, 13, "required covariate 'station' is missing"),
        ("pressure", MissingCovariateError, 13, "required covariate 'pressure' is missing"),
    ],
)
def test_a_column_of_the_run_that_is_missing_is_refused(
    column: str, error: Any, code: int, message: str, new_table: pd.DataFrame, bundle: ModelInput, refuses: Any
) -> None:
    with refuses(error, code, message):
        latest(new_table.drop(columns=column), bundle)


def test_a_series_id_of_the_run_that_is_missing_is_refused(
    new_table: pd.DataFrame, univariate: ModelInput, refuses: Any
) -> None:
    with refuses(TableError, 10, "series id column 'station' is missing"):
        latest(new_table.drop(columns="station"), univariate)


def test_a_covariate_that_was_optional_is_needed_once_it_was_trained_with(
    table: pd.DataFrame, prepare_table: Any, make_schema: Any, refuses: Any
) -> None:
    optional = make_schema(dynamic_covariates=[{"name": "pressure", "required": False}])
    trained = prepare_table(table, optional, feature_mode="multivariate")
    with refuses(MissingCovariateError, 13, "'pressure' is missing"):
        latest(table.drop(columns="pressure"), trained)


@pytest.mark.parametrize("freq", ["2h", "15min", "D"])
def test_another_step_is_refused(freq: str, make_table: Any, univariate: ModelInput, refuses: Any) -> None:
    with refuses(TimeAxisError, 11, "column 'timestamp'", "the step h of the run; the same step is needed"):
        latest(make_table(steps=60, freq=freq), univariate)


@pytest.mark.parametrize(("mode", "needed"), [("univariate", 6), ("multivariate", 11)])
def test_a_short_history_is_refused(
    mode: str, needed: int, table: pd.DataFrame, bundle: ModelInput, univariate: ModelInput, refuses: Any
) -> None:
    trained = bundle if mode == "multivariate" else univariate
    assert len(latest(cut_after(table, table["timestamp"][needed - 1]), trained).X) == 2
    with refuses(InsufficientDataError, 26, f"'EWR': {needed - 1} steps up to the last target; the run needs {needed}"):
        latest(cut_after(table, table["timestamp"][needed - 2]), trained)


def test_a_gap_as_training_would_refuse_it_is_refused(
    new_table: pd.DataFrame, univariate: ModelInput, refuses: Any
) -> None:
    gap = new_table.copy()
    gap.loc[20:45, "target"] = np.nan
    with refuses(ValuesError, 12, "a gap of 26 steps; at most max_gap=24 are filled"):
        latest(gap, univariate)


def test_a_covariate_known_ahead_needs_values_for_the_whole_horizon(
    new_table: pd.DataFrame, bundle: ModelInput, refuses: Any
) -> None:
    ends = new_table[new_table["timestamp"] < new_table["timestamp"].max()]
    with refuses(ValuesError, 12, "column 'humidity', series 'EWR': known ahead", "2024-01-03T14:00;"):
        latest(ends, bundle)


def test_other_features_than_those_of_the_run_are_refused(
    new_table: pd.DataFrame, univariate: ModelInput, refuses: Any
) -> None:
    altered = parse(univariate, feature_order=["demand"], mean_ranges={})
    with refuses(ShapeContractError, 22, "gives the features target; the run has demand"):
        make_latest_windows(new_table, altered)


@pytest.mark.parametrize("key", ["feature_schema", "windows", "fills", "scalers"])
def test_a_preprocessor_without_a_setting_is_refused(key: str, univariate: ModelInput, refuses: Any) -> None:
    state = {name: value for name, value in univariate.preprocessor.items() if name != key}
    with refuses(ArtifactDamagedError, 21, f"preprocessor.pkl: key '{key}' is missing"):
        Preprocessor.parse(state, ArtifactDamagedError, "preprocessor.pkl: key")


def test_a_preprocessor_of_before_past_ages_has_rows_ever_farther_apart(univariate: ModelInput) -> None:
    spread = spread_lookback(univariate, make_ages(6, 40), {})
    np.testing.assert_array_equal(parse(spread, past_ages=None).ages, spread.ages)


def test_a_row_after_the_origin_is_refused(univariate: ModelInput, refuses: Any) -> None:
    with refuses(ArtifactDamagedError, 21, "preprocessor.pkl: key 'past_ages.0' is -1; it should be greater"):
        parse(univariate, past_ages=[-1, 0])


@pytest.mark.parametrize("ages", [[], [0], [5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1], [5, 4, 3, 2, 2, 0], [0, 1, 2, 3, 4, 5]])
def test_ages_that_are_not_those_of_the_rows_are_refused(univariate: ModelInput, ages: list[int], refuses: Any) -> None:
    with refuses(ArtifactDamagedError, 21, "one age for each row of the lookback is needed, falling to 0"):
        parse(univariate, past_ages=ages)


def test_months_of_any_length_are_one_step(make_table: Any, prepare_table: Any, make_schema: Any) -> None:
    monthly = make_table(steps=80, series=("EWR",), freq="MS")
    trained = prepare_table(monthly)
    made = latest(monthly, trained)
    assert np.datetime_as_string(made.timestamps.astype("datetime64[ns]"), unit="D").tolist() == [
        ["2030-09-01", "2030-10-01", "2030-11-01"]
    ]


def test_a_series_keeps_the_scale_of_the_run_and_a_new_one_is_scaled_by_its_history(
    prepare_table: Any, make_table: Any, schema: CovariateSchema, caplog: pytest.LogCaptureFixture
) -> None:
    table = make_table(series=("EWR", "JFK", "LGA"))
    table["target"] *= table["station"].map({"EWR": 1.0, "JFK": 1e3, "LGA": 1e6})
    known = table[table["station"] != "LGA"].reset_index(drop=True)
    bundle = prepare_table(known, target_scaling="series")
    made = make_latest_windows(table, parse(bundle))
    assert made.center[:2, 0].tolist() == [bundle.series_scalers["target"][name][0] for name in ("EWR", "JFK")]
    own = table.loc[table["station"] == "LGA", "target"]
    assert (made.center[2, 0], made.scale[2, 0]) == (pytest.approx(own.mean()), pytest.approx(own.std(ddof=0)))
    assert "1 series were not in the training; their own history scales them: LGA" in caplog.text


DAYS = pd.date_range("2024-01-20", periods=80)


@pytest.fixture(scope="module")
def daily() -> pd.DataFrame:
    return pd.DataFrame({"timestamp": DAYS.strftime("%d/%m/%Y"), "target": np.random.default_rng(0).normal(size=80)})


def test_the_format_that_the_run_found_holds_for_later_tables(daily: pd.DataFrame, prepare_table: Any) -> None:
    bundle: ModelInput = prepare_table(daily)
    early = daily.head(24)  # up to 12 February: alone, every day could be a month
    made = make_latest_windows(early.tail(12), parse(bundle))
    assert str(made.origin[0].astype("datetime64[ns]"))[:10] == "2024-02-12"


def test_a_later_table_in_another_format_is_refused(daily: pd.DataFrame, prepare_table: Any, refuses: Any) -> None:
    other = daily.assign(timestamp=DAYS.strftime("%Y-%m-%d"))
    with refuses(TimeAxisError, 11, "row 2, column 'timestamp': '2024-01-20' is not a timestamp", "is %d/%m/%Y"):
        make_latest_windows(other, parse(prepare_table(daily)))


def test_times_with_an_offset_and_local_time_are_not_mixed(
    make_table: Any, prepare_table: Any, schema: CovariateSchema, refuses: Any
) -> None:
    table = make_table(steps=80)
    local = table.assign(timestamp=table["timestamp"].dt.tz_localize(None))
    with refuses(TimeAxisError, 11, "the times have no offset from UTC, and those of the run have one"):
        make_latest_windows(local, parse(prepare_table(table, schema)))
    with refuses(TimeAxisError, 11, "the times have an offset from UTC, and those of the run have none"):
        make_latest_windows(table, parse(prepare_table(local, schema)))


def test_a_run_that_recorded_no_offsets_takes_both(
    make_table: Any, prepare_table: Any, schema: CovariateSchema
) -> None:
    table = make_table(steps=80)
    local = table.assign(timestamp=table["timestamp"].dt.tz_localize(None))
    earlier = parse(prepare_table(table, schema), has_offsets=None, time_format=None)
    assert len(make_latest_windows(local, earlier).X) == 2
