"""What comes later never reaches what was there before, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from spline_lstm.errors import InsufficientDataError
from spline_lstm.series.assembly import spread_lookback
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.windows import make_ages, make_season_ages

LOOKBACK, SPAN, HORIZON, LAG = 5, 14, 3, 4
TARGETS = ["target", "load"]
NUMBERS = ["target", "load", "humidity", "pressure", "dew_point"]
SETTINGS: dict[str, Any] = {
    "lookback": LOOKBACK,
    "lookback_span": SPAN,
    "horizon": HORIZON,
    "target_cols": TARGETS,
    "static_covariates": "station",
    "split": [0.5, 0.25, 0.25],
    "max_missing_ratio": 0.9,
}
Prepare = Callable[..., ModelInput]


def covariates(scalers: tuple[str, str, str]) -> list[dict[str, Any]]:
    humidity, pressure, dew_point = scalers
    return [
        {"name": "humidity", "scaler": humidity},
        {"name": "pressure", "scaler": pressure},
        {"name": "dew_point", "scaler": dew_point, "known_future": True},
        {"name": "sky", "dtype": "category", "encoding": "ordinal"},
    ]


def preparation(prepare_table: Callable[..., ModelInput], schema: CovariateSchema) -> Prepare:
    def run(table: pd.DataFrame, mode: str = "multivariate") -> ModelInput:
        try:
            return prepare_table(table, schema, feature_mode=mode, **SETTINGS)
        except InsufficientDataError:  # gaps may leave a split without windows
            reject()

    return run


@pytest.fixture(scope="module")
def prepare(prepare_table: Callable[..., ModelInput], make_schema: Callable[..., CovariateSchema]) -> Prepare:
    """Go from a table to windows with every kind of feature there is."""
    dynamic = covariates(("robust", "minmax", "standard"))
    return preparation(prepare_table, make_schema(target_cols=TARGETS, dynamic_covariates=dynamic, seasonal_lags=[LAG]))


@pytest.fixture(scope="module")
def prepare_unscaled(prepare_table: Callable[..., ModelInput], make_schema: Callable[..., CovariateSchema]) -> Prepare:
    """Go from a table to windows with covariates that need no scaler, which would be learnt from all of train."""
    dynamic = covariates(("none", "none", "none"))
    return preparation(prepare_table, make_schema(target_cols=TARGETS, dynamic_covariates=dynamic))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Series of different lengths with gaps everywhere, also at the start of covariates."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = []
    for name in ("EWR", "JFK")[: draw(st.integers(1, 2))]:
        steps = draw(st.integers(70, 100))
        part = pd.DataFrame(rng.normal(size=(steps, 5)), columns=NUMBERS)
        part.insert(0, "timestamp", pd.date_range("2024-01-01", periods=steps, freq="h", tz="UTC"))
        part["station"] = name
        part["sky"] = rng.choice(["clear", "fog", "rain"], size=steps)
        for column in NUMBERS:
            gaps = draw(st.lists(st.integers(0, steps - 1), max_size=8))
            part.loc[gaps, column] = np.nan
        leading = draw(st.integers(0, 12))
        part.loc[: leading - 1, ["humidity", "dew_point"]] = np.nan
        part.loc[[0, steps - 1], ["target", "load"]] = rng.normal(size=(2, 2))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def replace_rows(table: pd.DataFrame, later: np.ndarray, seed: int, *, move_gaps: bool) -> pd.DataFrame:
    """Put other values into the rows `later`; the last row of a series still has its targets."""
    rng = np.random.default_rng(seed)
    changed = table.copy()
    values = rng.normal(size=(len(table), len(NUMBERS))) * 1e3
    if move_gaps:
        values[rng.random(values.shape) < 0.3] = np.nan
    else:
        values[table[NUMBERS].isna().to_numpy()] = np.nan
    last = ~table["station"].duplicated(keep="last").to_numpy()
    values[last, :2] = rng.normal(size=(int(last.sum()), 2))
    changed.loc[later, NUMBERS] = values[later]
    changed.loc[later, "sky"] = rng.choice(["aurora", "clear", "zephyr"], size=int(later.sum()))
    return changed


def replace_later(table: pd.DataFrame, bundle: ModelInput, origin: int, seed: int, *, move_gaps: bool) -> pd.DataFrame:
    """Put other values into all rows after an origin, but leave what is known ahead within its horizon."""
    rows = np.arange(len(table))
    later = (bundle.row_series == bundle.row_series[origin]) & (rows > origin)
    changed = replace_rows(table, later, seed, move_gaps=move_gaps)
    ahead = later & (rows <= origin + HORIZON)
    changed.loc[ahead, "dew_point"] = table.loc[ahead, "dew_point"]
    return changed


def by_origin(bundle: ModelInput) -> dict[int, int]:
    return {int(origin): window for window, origin in enumerate(bundle.window_origin)}


@given(table=tables(), seed=st.integers(0, 2**32 - 1), mode=st.sampled_from(["univariate", "multivariate"]))
def test_nothing_after_the_train_border_reaches_train(
    prepare: Prepare, table: pd.DataFrame, seed: int, mode: str
) -> None:
    bundle = prepare(table, mode)
    again = prepare(replace_rows(table, bundle.row_split > 0, seed, move_gaps=True), mode)
    train, train_again = bundle.windows_of(0), again.windows_of(0)
    for name in ("X", "y", "y_mask", "window_origin", "window_series"):
        assert getattr(again, name)[train_again].tobytes() == getattr(bundle, name)[train].tobytes()
    rows = bundle.row_split == 0
    for name in ("raw_target", "is_imputed", "row_timestamp"):
        assert getattr(again, name)[rows].tobytes() == getattr(bundle, name)[rows].tobytes()
    for name in ("scalers", "static_codes", "feature_order"):
        assert again.preprocessor[name] == bundle.preprocessor[name]


@given(table=tables(), seed=st.integers(0, 2**32 - 1), mode=st.sampled_from(["univariate", "multivariate"]),
       share=st.floats(0, 1), move_gaps=st.booleans())  # fmt: skip
def test_nothing_after_an_origin_reaches_its_window(
    prepare: Prepare, table: pd.DataFrame, seed: int, mode: str, share: float, move_gaps: bool
) -> None:
    bundle = prepare(table, mode)
    # Scalers may learn from all of train, so the origin lies behind it; the next test is about the others.
    later_origins = bundle.window_origin[bundle.window_split > 0]
    origin = int(later_origins[int(share * (len(later_origins) - 1))])
    again = prepare(replace_later(table, bundle, origin, seed, move_gaps=move_gaps), mode)
    window = by_origin(again).get(origin)
    if window is not None:
        assert again.X[window].tobytes() == bundle.X[by_origin(bundle)[origin]].tobytes()
    else:
        assert move_gaps


@given(table=tables(), seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1), move_gaps=st.booleans())
def test_nothing_after_an_origin_in_train_reaches_its_fills(
    prepare_unscaled: Prepare, table: pd.DataFrame, seed: int, share: float, move_gaps: bool
) -> None:
    bundle = prepare_unscaled(table)
    origin = int(bundle.window_origin[int(share * (len(bundle.window_origin) - 1))])
    again = prepare_unscaled(replace_later(table, bundle, origin, seed, move_gaps=move_gaps))
    window, window_again = by_origin(bundle)[origin], by_origin(again).get(origin)
    if window_again is None:
        assert move_gaps
        return
    lookback = slice(origin - LOOKBACK + 1, origin + 1)
    assert again.raw_target[lookback].tobytes() == bundle.raw_target[lookback].tobytes()
    unscaled = [bundle.feature_names.index(name) for name in ("humidity", "pressure", "dew_point_lead3")]
    assert again.X[window_again][:, unscaled].tobytes() == bundle.X[window][:, unscaled].tobytes()


@given(table=tables())
def test_test_values_times_a_thousand_leave_the_scalers_unchanged(prepare: Prepare, table: pd.DataFrame) -> None:
    bundle = prepare(table)
    changed = table.copy()
    changed.loc[bundle.row_split == 2, NUMBERS] *= 1000
    assert prepare(changed).preprocessor["scalers"] == bundle.preprocessor["scalers"]


@given(table=tables(), mode=st.sampled_from(["univariate", "multivariate"]))
def test_no_horizon_crosses_a_split_and_no_window_a_series(prepare: Prepare, table: pd.DataFrame, mode: str) -> None:
    bundle = prepare(table, mode)
    horizon = bundle.window_origin[:, None] + np.arange(1, HORIZON + 1)
    whole = bundle.window_origin[:, None] + np.arange(1 - LOOKBACK, HORIZON + 1)
    assert (bundle.row_split[horizon] == bundle.window_split[:, None]).all()
    assert (bundle.row_series[whole] == bundle.window_series[:, None]).all()


@given(table=tables(), mode=st.sampled_from(["univariate", "multivariate"]))
def test_filled_targets_are_masked(prepare: Prepare, table: pd.DataFrame, mode: str) -> None:
    bundle = prepare(table, mode)
    horizon = bundle.window_origin[:, None] + np.arange(1, HORIZON + 1)
    observed = ~bundle.is_imputed[horizon].reshape(len(horizon), -1)
    np.testing.assert_array_equal(bundle.y_mask, observed)
    np.testing.assert_array_equal(np.isnan(bundle.y), ~observed)


@given(table=tables())
def test_both_modes_have_the_same_windows(prepare: Prepare, table: pd.DataFrame) -> None:
    univariate, multivariate = prepare(table, "univariate"), prepare(table)
    for name in ("window_origin", "window_series", "window_split", "y", "y_mask"):
        assert np.asarray(getattr(univariate, name)).tobytes() == np.asarray(getattr(multivariate, name)).tobytes()


@given(table=tables())
def test_a_series_does_not_depend_on_the_values_of_another_beyond_the_scalers(
    prepare: Prepare, table: pd.DataFrame
) -> None:
    bundle = prepare(table)
    later = (bundle.row_series == 1) & (bundle.row_split > 0)
    again = prepare(replace_rows(table, later, 0, move_gaps=True))
    first, first_again = bundle.window_series == 0, again.window_series == 0
    assert again.X[first_again].tobytes() == bundle.X[first].tobytes()


@pytest.mark.parametrize("past", [make_ages(2, 9), make_ages(3, 9), make_season_ages(2, 2, 9)], ids=str)
@given(table=tables(), seed=st.integers(0, 2**32 - 1))
def test_nothing_after_an_origin_reaches_rows_spread_far_back(
    prepare_table: Callable[..., ModelInput], table: pd.DataFrame, seed: int, past: np.ndarray
) -> None:
    random = np.random.default_rng(seed)
    table = table[table["station"] == "EWR"].reset_index(drop=True)
    table.loc[random.choice(np.arange(1, len(table) - 1), len(table) // 2, replace=False), "target"] = np.nan
    settings = {"lookback": len(past), "horizon": 2, "max_missing_ratio": 0.9, "max_gap": 90}
    try:
        before = spread_lookback(prepare_table(table, **settings), past, {})
        origin = int(random.choice(before.window_origin[before.window_split > 0]))
        later = table.copy()
        later.loc[origin + 1 :, "target"] *= -3
        after = spread_lookback(prepare_table(later, **settings), past, {})
    except InsufficientDataError:
        reject()
    kept = [bundle.X[bundle.window_origin == origin] for bundle in (before, after)]
    np.testing.assert_array_equal(*kept)
