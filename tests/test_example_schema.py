"""The example schema of the documentation works as it stands."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import CovariateSchema, parse_schema


@pytest.fixture(scope="module")
def schema(project: Path) -> CovariateSchema:
    page = (project / "docs" / "how-to" / "own-covariates.md").read_text()
    blocks = re.findall(r"^```json\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    return parse_schema(next(block for block in blocks if "store_id" in block), "own-covariates.md")


@pytest.fixture(scope="module")
def stores() -> pd.DataFrame:
    hours = pd.date_range("2024-01-01", periods=80, freq="h").strftime("%Y-%m-%dT%H:%M:%S")
    random = np.random.default_rng(0)
    cells = {"target": random.normal(20, 5, 160), "temp": random.normal(10, 5, 160), "promo": random.choice(2, 160)}
    table = pd.DataFrame({"timestamp": [*hours, *hours], **cells, "store_id": ["A"] * 80 + ["B"] * 80})
    return table.astype("str")


def test_it_makes_windows_with_all_its_covariates(
    schema: CovariateSchema, stores: pd.DataFrame, prepare_table: Any
) -> None:
    bundle: ModelInput = prepare_table(stores, schema, feature_mode="multivariate", static_covariates="store_id")
    calendar = ["hour_sin_lead3", "hour_cos_lead3", "dow_sin_lead3", "dow_cos_lead3"]
    codes = [f"store_id_{position}" for position in range(8)]
    assert bundle.feature_names == ("target", "temp", "promo", *calendar, *codes)
    assert set(np.unique(bundle.scaled[:, 2])) == {0, 1}


@pytest.mark.parametrize("column", ["temp", "promo", "store_id"])
def test_each_of_its_covariates_is_optional(
    column: str, schema: CovariateSchema, stores: pd.DataFrame, prepare_table: Any
) -> None:
    table = stores.head(80).drop(columns=column)
    bundle: ModelInput = prepare_table(table, schema, feature_mode="multivariate")
    assert column not in bundle.feature_names
