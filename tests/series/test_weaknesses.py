"""What would make numbers misleading is named, logged and recorded."""

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import ArtifactDamagedError, InsufficientDataError
from spline_lstm.series.forecast_windows import make_latest_windows
from spline_lstm.series.latest_windows import to_target_units
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor

MULTIVARIATE = {"feature_mode": "multivariate", "static_covariates": ["station"]}


def weaknesses(bundle: ModelInput) -> list[str]:
    return list(bundle.meta["seen"].get("weaknesses", []))


def parse(bundle: ModelInput) -> Preprocessor:
    return Preprocessor.parse(bundle.preprocessor, ArtifactDamagedError, "preprocessor.pkl: key")


def test_nothing_is_said_of_a_table_without_a_weakness(prepare_table: Any, make_table: Any) -> None:
    assert "weaknesses" not in prepare_table(make_table(), **MULTIVARIATE).meta["seen"]


def test_series_without_windows_are_named(prepare_table: Any, make_table: Any) -> None:
    table = make_table(steps=80)
    short = make_table(steps=13, series=("LGA",))
    found = weaknesses(prepare_table(pd.concat([table, short], ignore_index=True)))
    assert found == [
        "1 of 3 series are not validated on, for want of a window in the val part: LGA",
        "1 of 3 series are not tested on, for want of a window in the test part: LGA",
    ]


@pytest.mark.parametrize(
    ("cells", "what"), [(5.0, "always has one value"), (np.nan, "has no value")]
)  # fmt: skip
def test_a_covariate_that_teaches_nothing_is_named(
    cells: float, what: str, prepare_table: Any, make_table: Any
) -> None:
    table = make_table(series=("EWR",))
    table.loc[:49, "humidity"] = cells
    found = weaknesses(prepare_table(table, feature_mode="multivariate"))
    assert found == [f"covariate 'humidity' {what} in the training part: it teaches nothing"]
    assert not weaknesses(prepare_table(table))


def test_labels_that_the_training_part_lacks_are_named(prepare_table: Any, make_table: Any, make_schema: Any) -> None:
    table = make_table(series=("EWR",)).assign(sky=["dry", "wet"] * 27 + ["snow"] * 6)
    schema = make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category"}])
    found = weaknesses(prepare_table(table, schema, feature_mode="multivariate"))
    assert found == ["covariate 'sky' has labels that the training part lacks, which count as unknown: 'snow'"]


def test_unknown_labels_of_a_later_table_are_named(
    prepare_table: Any, make_table: Any, make_schema: Any, caplog: pytest.LogCaptureFixture
) -> None:
    table = make_table(series=("EWR",)).assign(sky=["dry", "wet"] * 30)
    schema = make_schema(dynamic_covariates=[{"name": "sky", "dtype": "category"}])
    bundle = prepare_table(table, schema, feature_mode="multivariate")
    make_latest_windows(table.replace({"sky": {"wet": "Wet"}}), parse(bundle))
    assert "'Wet' are not labels of 'sky' in the training and count as unknown" in caplog.text


@pytest.mark.parametrize("later", [["1", "2"], ["1.0", "2.0"], [1.0, 2.0], [1, 2]])
def test_whole_numbers_are_the_same_labels_however_they_are_written(
    later: list[Any], prepare_table: Any, make_table: Any, make_schema: Any, caplog: pytest.LogCaptureFixture
) -> None:
    schema = make_schema(dynamic_covariates=[{"name": "code", "dtype": "int8", "encoding": "ordinal"}])
    table = make_table(series=("EWR",))
    bundle = prepare_table(table.assign(code=["1", "2"] * 30), schema, feature_mode="multivariate")
    with caplog.at_level(logging.WARNING):
        made = make_latest_windows(table.assign(code=later * 30), parse(bundle))
    assert "no labels" not in caplog.text
    np.testing.assert_array_equal(made.X[0, :, 1], bundle.scaled[-6:, 1])


def test_a_series_of_a_new_category_stays_within_what_was_trained(prepare_table: Any, make_table: Any) -> None:
    bundle = prepare_table(make_table(), **MULTIVARIATE)
    made = make_latest_windows(make_table(series=("EWR", "LGA")), parse(bundle))
    kept = to_target_units(np.full((2, 3), -1e6), made, np.arange(2))
    train = bundle.raw_target[bundle.row_split == 0]
    assert kept[0, 0, 0] < -1e6
    np.testing.assert_allclose(kept[1], train.min(), rtol=1e-6)


def test_a_series_that_is_too_short_is_left_out_with_a_warning(
    prepare_table: Any, make_table: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = prepare_table(make_table(), **MULTIVARIATE)
    table = pd.concat([make_table(), make_table(steps=3, series=("LGA",))], ignore_index=True)
    every = make_latest_windows(make_table(), parse(bundle))
    made = make_latest_windows(table, parse(bundle), strict=False)
    assert made.series_names == ("EWR", "JFK")
    assert made.X.tobytes() == every.X.tobytes()
    assert "1 of 3 series are too short and left out: LGA" in caplog.text


@pytest.mark.parametrize("strict", [True, False])
def test_a_table_of_short_series_alone_is_refused(
    strict: bool, prepare_table: Any, make_table: Any, refuses: Any
) -> None:
    bundle = prepare_table(make_table(), **MULTIVARIATE)
    with refuses(InsufficientDataError, 26, "series 'EWR': 3 steps up to the last target; the run needs 6"):
        make_latest_windows(make_table(steps=3), parse(bundle), strict=strict)
