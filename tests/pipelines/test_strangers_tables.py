"""What describe proposes for a table in a form that other programs export is a run: nothing needs an edit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from spline_lstm.datasets.inputs import TableDataset
from spline_lstm.pipelines.describe.nodes import describe_table
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.pipelines.preprocessing.nodes import make_model_input
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import parse_schema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowSpec

Write = Callable[[Path], Path]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def wave(count: int, season: int = 12) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=count)
    return np.round(50 + 10 * np.sin(2 * np.pi * np.arange(count) / season) + noise, 2)


def csv(table: pd.DataFrame, name: str = "table.csv", **options: Any) -> Write:
    def write(folder: Path) -> Path:
        table.to_csv(folder / name, **{"index": False, **options})
        return folder / name

    return write


def dated(stamps: Any, season: int = 7, **others: Any) -> pd.DataFrame:
    return pd.DataFrame({"when": stamps, "y": wave(len(stamps), season), **others})


HOURS = pd.date_range("2024-01-01", periods=600, freq="h")
DAYS = pd.date_range("2020-01-01", periods=200)
GRID = pd.DataFrame(wave(240).reshape(20, 12), columns=MONTHS)
PHASES = np.concatenate(
    [np.arange(0, 30_000, 60), np.arange(30_017, 60_000, 60)]
).astype("timedelta64[s]") + np.datetime64("2024-01-01T00:00:03")  # fmt: skip
QUARTERS = [f"{year}Q{part}" for year in range(1960, 1980) for part in range(1, 5)]
YEARS_ACROSS = pd.DataFrame(wave(240).reshape(4, 60), columns=list(map(str, range(1960, 2020))))
YEARS_ACROSS.insert(0, "Country", ["Aruba", "Chile", "Kenya", "Nepal"])
YEARS_ACROSS.insert(1, "Code", [1, 2, 2, 3])
WEEKS = pd.date_range("2020-01-01", periods=150, freq="7D")
TABLES: dict[str, tuple[Write, dict[str, Any]]] = {
    "unnamed index": (csv(pd.DataFrame({"co2": wave(100)}, index=DAYS[:100]), index=True), {"freq": "D"}),
    "slashes": (csv(dated(DAYS.strftime("%Y/%m/%d"))), {"freq": "D"}),
    "years": (csv(pd.DataFrame({"YEAR": np.arange(1700.0, 1800.0), "y": wave(100)})), {"freq": "YS"}),
    "quarters": (csv(dated(QUARTERS, 4)), {"freq": "QS"}),
    "month names": (csv(dated(pd.date_range("2000-01-01", periods=99, freq="MS").strftime("%b 1 %Y"))), {"freq": "MS"}),
    "YYMMDD": (csv(dated(DAYS.strftime("%y%m%d"))), {"freq": "D"}),
    "decimal years": (csv(dated(np.round(1949 + np.arange(144) / 12, 3), 12)), {"freq": "MS"}),
    "two columns": (
        csv(pd.DataFrame({"year": np.repeat(range(1960, 1980), 4), "quarter": [1, 2, 3, 4] * 20, "y": wave(80, 4)})),
        {"timestamp_col": ["year", "quarter"]},
    ),
    "months across": (csv(GRID.assign(Year=range(1980, 2000))), {"layout": "wide", "freq": "MS"}),
    "weeks with gaps": (csv(dated(WEEKS).drop(index=[9, 50, 51])), {"freq": "W"}),
    "business days": (csv(dated(pd.bdate_range("2020-01-01", periods=200)).drop(index=[40, 41, 120])), {"freq": "B"}),
    "shifted minutes": (csv(dated(PHASES, 60)), {"resample": "mean", "freq": "min"}),
    "wide": (
        csv(pd.DataFrame({"date": DAYS, **{f"MT_{number}": wave(200, 7) + number for number in range(5)}})),
        {"layout": "wide", "target_cols": ["value"]},
    ),
    "years across": (
        csv(YEARS_ACROSS, header=["Country", "Code", "1960 [YR1960]", *YEARS_ACROSS.columns[3:]]),
        {"layout": "wide", "timestamp_col": ["timestamp"], "series_id_cols": ["Country"], "freq": "YS"},
    ),
    "days across": (
        csv(pd.DataFrame(wave(400, 7).reshape(2, 200), columns=DAYS.strftime("%-m/%-d/%y")).assign(place=["a", "b"])),
        {"layout": "wide", "timestamp_format": "%m/%d/%y", "series_id_cols": ["place"], "freq": "D"},
    ),
    "thousands and percents": (
        csv(dated(DAYS, share=[f"{cell} %" for cell in wave(200)]).assign(y=[f"{v * 30:,.2f}" for v in wave(200, 7)])),
        {"target_cols": ["y"], "freq": "D"},
    ),
    "days of a spreadsheet": (csv(dated(range(45292, 45492))), {"timestamp_format": "excel_days", "freq": "D"}),
    "one repeated row": (csv(dated(HOURS, 24).iloc[[*range(600), 100]]), {"duplicates": "first"}),
    "European": (
        csv(dated(DAYS.strftime("%d.%m.%Y")), sep=";", decimal=",", encoding="utf-16"),
        {"timestamp_format": "%d.%m.%Y"},
    ),
    "gzip": (csv(dated(DAYS), "table.csv.gz"), {"freq": "D"}),
    "zip": (csv(dated(DAYS), "table.zip"), {"freq": "D"}),
    "date and hour": (
        csv(pd.DataFrame({"date": HOURS.strftime("%m/%d/%Y"), "hour": HOURS.hour, "load": wave(600, 24)})),
        {"timestamp_col": ["date", "hour"], "freq": "h"},
    ),
    "office hours": (csv(dated(HOURS[(HOURS.hour > 8) & (HOURS.hour < 18)], 9)), {"freq": "h"}),
    "stores and items": (
        csv(pd.concat([dated(DAYS[:60], store=store, item=item) for store in "ab" for item in (1, 2, 3)])),
        {"series_id_cols": ["store", "item"]},
    ),
    "few rows": (csv(dated(DAYS[:14])), {}),
}  # fmt: skip
"""A table, and some of the parameters that are to be proposed for it."""


@pytest.mark.parametrize("name", TABLES)
def test_it_runs_as_proposed(name: str, tmp_path: Path, make_parameters: Any) -> None:
    write, expected = TABLES[name]
    dataset = TableDataset(filepath=str(write(tmp_path)))
    spec = make_parameters().part(TableSpec)
    _, schema, text = describe_table(dataset.load(), spec, {}, "table.csv", "covariates.schema.json")
    proposed = yaml.safe_load(text)
    assert {key: proposed[key] for key in expected} == expected
    parameters = make_parameters(**proposed)
    groups = [parameters.part(group) for group in (TableSpec, FillSpec, WindowSpec)]
    run = RunSpec(run_id="run", processed_run_id="test", commit_hash=None, settings="{}")
    made: ModelInput = make_model_input(dataset.files(), parse_schema(json.dumps(schema), "s.json"), *groups, run)[0]
    assert min(made.meta["split"]["windows"].values()) > 0


def test_every_parameter_of_the_reading_is_written(make_parameters: Any, make_table: Any) -> None:
    spec = make_parameters().part(TableSpec)
    proposed = yaml.safe_load(describe_table(make_table(), spec, {}, "table.csv", "s.json")[2])
    assert set(TableSpec.model_fields) - set(proposed) <= {"static_covariates", "target_scaling"}


def test_covariates_that_help_are_proposed_and_others_are_not(make_parameters: Any) -> None:
    random = np.random.default_rng(0)
    orders = random.normal(size=824)
    hours = pd.date_range("2024-01-01", periods=800, freq="h")
    table = pd.DataFrame({"timestamp": hours, "target": orders[:800] + 0.1 * random.normal(size=800)})
    spec = make_parameters().part(TableSpec)
    for known, mode in ((orders[24:], "multivariate"), (random.normal(size=800), "univariate")):
        proposed = yaml.safe_load(describe_table(table.assign(known=known), spec, {}, "table.csv", "s.json")[2])
        assert proposed["feature_mode"] == mode
