"""Rows that are appended one after another give the forecast of the whole table, bit for bit."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.edge.contract import METADATA_KEY
from spline_lstm.edge.forecaster import Forecaster
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.runtime import open_onnx
from spline_lstm.edge.stream import Stream
from spline_lstm.errors import ArtifactDamagedError, InsufficientDataError, ValuesError
from spline_lstm.evaluation.calibration import calibrate, to_intervals
from spline_lstm.evaluation.intervals import QuantileSpec
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.recent_rows import add_rows, keep_recent

STEPS, HORIZON, HALF_LIFE = 110, 3, 4
MEASURED = ["target", "dew_point", "pressure", "sky"]
AHEAD = {
    "dynamic_covariates": [
        {"name": "dew_point"}, {"name": "humidity", "known_future": True},
        {"name": "sky", "dtype": "string", "encoding": "ordinal"},
    ],
    "seasonal_lags": [8],
    "calendar_features": {"features": ["hour_sin", "dow_cos", "year_sin", "is_weekend"], "known_future": True},
}  # fmt: skip
EVERYTHING = {"feature_mode": "multivariate", "static_covariates": ["station"]}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "leads, lags, calendar and static codes": (EVERYTHING, {}),
    "rows that are spread": ({**EVERYTHING, "lookback_span": 11}, {"normalization": "last"}),
    "two targets, each series with its scale": (
        {"feature_mode": "multivariate", "target_cols": ["target", "pressure"], "target_scaling": "series"}, {},
    ),
    "a logarithmic link": ({"feature_mode": "multivariate", "target_scaling": "global"}, {"link": "log"}),
    "segments": ({"target_scaling": "series"}, {"segment": 2, "normalization": "last", "linear_path": "ridge"}),
}  # fmt: skip


def with_sky(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sky=np.where(table["humidity"] > 60, "clear", "rain"))


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def forecaster(
    request: Any, prepare_table: Any, make_table: Any, make_schema: Any, make_random: Callable[..., Any]
) -> Forecaster:
    """A network with random weights on a small table, its intervals following errors."""
    settings, options = request.param
    settings = {**settings, "max_missing_ratio": 0.6}
    bundle = prepare_table(with_sky(make_table(steps=90)), make_schema(**AHEAD), **settings)
    features, targets = len(bundle.feature_names), bundle.target_indices
    options = {**options, "target_zeros": (-9.0,)} if "link" in options else options
    network = make_random("gru", features=features, units=(8,), target_indices=targets, **options).network
    content = make_onnx(network, {METADATA_KEY: ""})
    run, _ = open_onnx(content, "model.onnx")
    truths = {name: bundle.truth(bundle.windows_of(split))[0] for name, split in (("val", 1), ("test", 2))}
    random = np.random.default_rng(0)
    forecasts = {name: truth + random.normal(size=truth.shape) for name, truth in truths.items()}
    spec, names = QuantileSpec(), {"run_id": "r", "processed_run_id": "p", "model_sha256": "0"}
    intervals = to_intervals(calibrate(bundle, forecasts, spec, (0.8,)), bundle, spec, (0.8,), names)
    intervals = intervals.model_copy(update={"half_life": HALF_LIFE})
    return Forecaster(Preprocessor.parse(bundle.preprocessor, ArtifactDamagedError, "key"), intervals, run)


@pytest.fixture(scope="module")
def later(make_table: Any) -> pd.DataFrame:
    """A later table in order of time, with gaps: a covariate that was last known long ago, and one of many steps."""
    gaps = {
        "target": [5, 6, 16, 21, 24, 28, 32, 40, 41, 45, 49, 53, 55, 59, 70, 98],
        "dew_point": [*range(10, 45), 80],
        "humidity": [3],
    }
    table: pd.DataFrame = with_sky(make_table(steps=STEPS, seed=5, gaps=gaps))
    return table.sort_values("timestamp", kind="stable").reset_index(drop=True)


def known_at(table: pd.DataFrame, time: pd.Timestamp) -> pd.DataFrame:
    """Return the rows that are known at a time: those ahead hold only what is known ahead."""
    known = table[table["timestamp"] <= time + HORIZON * pd.Timedelta(hours=1)].copy()
    known.loc[known["timestamp"] > time, MEASURED] = np.nan
    return known


def feed(table: pd.DataFrame, start: int, end: int) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    """Yield some times with the rows that become known at each of them."""
    for time in sorted(table["timestamp"].unique())[start:end]:
        new, ahead = table["timestamp"] == time, table["timestamp"] == time + HORIZON * pd.Timedelta(hours=1)
        rows = table[new | ahead].copy()
        rows.loc[ahead, MEASURED] = np.nan
        yield time, rows


def test_a_stream_forecasts_what_the_whole_table_gives_bit_for_bit(forecaster: Forecaster, later: pd.DataFrame) -> None:
    stream = Stream(forecaster)
    stream.append(known_at(later, later["timestamp"].unique()[31]))
    for number, (time, rows) in enumerate(feed(later, 32, STEPS - HORIZON)):
        stream.append(rows)
        if number % 8 == 0:
            expected = forecaster.forecast(known_at(later, time))
            pd.testing.assert_frame_equal(stream.forecast(), expected, check_exact=True)


def test_rows_that_are_left_out_change_no_bit(forecaster: Forecaster, later: pd.DataFrame) -> None:
    preprocessor = forecaster.preprocessor
    kept = known_at(later, later["timestamp"].unique()[55])
    for number, (time, rows) in enumerate(feed(later, 56, STEPS - HORIZON)):
        kept = keep_recent(add_rows(kept, rows, preprocessor), preprocessor, forecaster.past)
        if number % 4 == 0:
            expected = forecaster.forecast(known_at(later, time))
            pd.testing.assert_frame_equal(forecaster.forecast(kept), expected, check_exact=True)


def test_a_row_that_is_refused_is_corrected_by_appending_it_again(
    forecaster: Forecaster, later: pd.DataFrame, refuses: Any
) -> None:
    known = known_at(later, later["timestamp"].iloc[-10])
    stream, wrong = Stream(forecaster), known.iloc[[50]].assign(target=np.inf)
    stream.append(known)
    stream.append(wrong)
    with refuses(ValuesError, 12, "column 'target': the value is infinite"):
        stream.forecast()
    stream.append(known.iloc[[50]])
    pd.testing.assert_frame_equal(stream.forecast(), forecaster.forecast(known), check_exact=True)


def test_a_stream_without_rows_is_refused(forecaster: Forecaster, refuses: Any) -> None:
    with refuses(InsufficientDataError, 26, "the stream has no rows yet; append some"):
        Stream(forecaster).forecast()
