"""A client that is written from the page on devices alone builds the windows that the pipeline builds."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.edge.contract import make_contract
from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.latest_windows import to_target_units
from spline_lstm.series.preprocessor import Preprocessor

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
HORIZON = 3
STEP = "5827min"  # so that few steps see every month, weekday and hour, and a leap year
CALENDAR = [f"{name}_{wave}" for name in ("minute", "hour", "dow", "month", "year") for wave in ("sin", "cos")]
EVERYTHING = {"feature_mode": "multivariate", "static_covariates": ["station"], "lookback_span": 11}


@pytest.mark.parametrize(
    ("changes", "series"),
    [({"target_scaling": scaling}, name) for scaling in ("global", "series") for name in ("EWR", "JFK")]
    + [({"target_scaling": "global"}, "LGA")],
)
def test_a_javascript_client_builds_the_window_of_the_pipeline_and_undoes_the_scaling(
    series: str, changes: Any, prepare_table: Any, make_table: Any, make_schema: Any, make_intervals_of: Any
) -> None:
    dynamic = [{"name": "dew_point"}, {"name": "humidity", "known_future": True}, {"name": "sky", "dtype": "string",
               "encoding": "ordinal"}]  # fmt: skip
    schema = make_schema(
        dynamic_covariates=dynamic, seasonal_lags=[8],
        calendar_features={"features": [*CALENDAR, "is_weekend"], "known_future": True},
    )  # fmt: skip
    bundle = prepare_table(with_sky(make_table(steps=120, freq=STEP)), schema, **EVERYTHING, **changes)
    contract = make_contract(bundle, b"model", make_intervals_of(b"model"), "run", "gru")
    names = ("EWR", "JFK") if series != "LGA" else ("LGA",)  # which training has not seen
    table = with_sky(make_table(steps=60, series=names, seed=5, freq=STEP, gaps={"dew_point": [0, 1, 54, 55]}))
    table.loc[table.groupby("station").cumcount() >= 60 - HORIZON, ["target", "dew_point"]] = np.nan

    windows = make_latest_windows(table, Preprocessor.parse(bundle.preprocessor, ArtifactDamagedError, "key"))
    number, outputs = windows.series_names.index(series), np.array([[-5.0, 0.1, 5.0]])
    found = run_client(contract.to_text(), table[table["station"] == series], series, outputs[0].tolist())
    np.testing.assert_allclose(found["window"], windows.X[number], atol=1e-6)
    expected = to_target_units(outputs, windows, np.array([number])).ravel()
    np.testing.assert_allclose(found["forecast"], expected, rtol=1e-12)


def with_sky(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sky=np.where(table["humidity"] > 60, "clear", "rain"))


def run_client(contract: str, steps: pd.DataFrame, series: str, outputs: list[float]) -> Any:
    origin = int(np.flatnonzero(steps["target"].notna())[-1])
    values = json.loads(steps.drop(columns=["timestamp", "station"]).to_json(orient="records", double_precision=15))
    seconds = (steps["timestamp"] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
    rows = [{"seconds": int(at), "values": row} for at, row in zip(seconds, values, strict=True)]
    given = {"contract": json.loads(contract), "steps": rows, "statics": {"station": series}, "series": series,
             "origin": origin, "outputs": outputs}  # fmt: skip
    client = Path(__file__).with_name("client.js")
    done = subprocess.run(["node", client], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
