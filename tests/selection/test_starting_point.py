"""What is proposed for a first run can be run."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from spline_lstm.reporting.table_profile import make_starting_parameters
from spline_lstm.selection.starting_point import make_starting_schema, propose_start, suggest_windows
from spline_lstm.series.first_look import profile_table
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import parse_schema

TABLES = {
    "15min": {"steps": 400, "freq": "15min"},
    "hours": {"steps": 2_000, "gaps": {"target": [5, 6]}},
    "days": {"steps": 700, "freq": "D", "series": ("EWR",)},
    "months": {"steps": 60, "freq": "MS"},
    "few": {"steps": 16},
}


@pytest.mark.parametrize("name", TABLES)
def test_the_first_run_has_windows(name: str, make_table: Any, make_parameters: Any, prepare_table: Any) -> None:
    table: pd.DataFrame = make_table(**TABLES[name])
    found = profile_table(table)
    start = propose_start(found)
    schema = parse_schema(start.schema.model_dump_json(), "covariates.schema.json")
    changes = yaml.safe_load(make_starting_parameters(found, start, "table.csv", "covariates.schema.json"))
    assert make_parameters(**changes)
    bundle: ModelInput = prepare_table(table, schema, **changes)
    assert bundle.X.shape[1:] == (changes["lookback"], len(bundle.feature_names))


@pytest.mark.parametrize(
    ("name", "expected"), [("15min", (96, 24)), ("hours", (24, 24)), ("days", (24, 7)), ("months", (20, 4))]
)
def test_windows_follow_the_season_and_the_length(name: str, expected: tuple[int, int], make_table: Any) -> None:
    assert suggest_windows(profile_table(make_table(**TABLES[name]))) == expected


@pytest.mark.parametrize(
    ("name", "features", "lags"),
    [
        ("15min", ["hour_sin", "hour_cos", "dow_sin", "dow_cos"], []),
        ("hours", ["hour_sin", "hour_cos", "dow_sin", "dow_cos"], [168]),
        ("days", ["dow_sin", "dow_cos", "year_sin", "year_cos"], []),
        ("months", ["year_sin", "year_cos"], []),
    ],
)
def test_calendar_and_lags_follow_the_step_and_the_length(
    name: str, features: list[str], lags: list[int], make_table: Any
) -> None:
    schema = make_starting_schema(profile_table(make_table(**TABLES[name])), 24)
    assert (list(schema.calendar_features.features), list(schema.seasonal_lags)) == (features, lags)


def test_a_week_of_minutes_is_more_than_is_looked_at_and_so_left_for_the_run() -> None:
    minutes = np.arange(72 * 1_440)
    noise = np.random.default_rng(0).normal(size=len(minutes))
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min")
    start = propose_start(profile_table(pd.DataFrame({"timestamp": stamps, "load": np.sin(minutes / 229) + noise})))
    assert start.schema.seasonal_lags == "auto"
    assert start.windows.horizon > 1
