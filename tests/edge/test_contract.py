"""What an exported file says of the scales of its series."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge.contract import CONTRACT_VERSION, EdgeContract, make_contract
from spline_lstm.errors import ArtifactDamagedError, ParameterError

CONTRACT = EdgeContract(
    run_id="gru-1", processed_run_id="p", model_type="gru", model_sha256="0", lookback=2, horizon=1, freq="h",
    step_seconds=3600.0, steps_kept=5, steps_needed=5, max_gap=24, static_columns={}, target_range=None,
    feature_order=["target", "target_lag4", "load"], target_indices=[0],
    ages={name: [1, 0] for name in ("target", "target_lag4", "load")},
    scalers={
        "target": {"kind": "standard", "center": 5.0, "scale": 5.0},
        "load": {"kind": "standard", "center": 1.0, "scale": 2.0},
    },
    units={},
    static_codes={}, series_scalers={"target": {"a": (10.0, 2.0), "b": (1000.0, 100.0)}},
)  # fmt: skip


def test_each_series_is_scaled_by_its_own_scale_and_so_are_its_lags() -> None:
    window = np.array([[12.0, 8.0, 3.0], [10.0, 14.0, 1.0]])
    assert CONTRACT.scale(window, "a").tolist() == [[[1.0, -1.0, 1.0], [0.0, 2.0, 0.0]]]
    assert CONTRACT.unscale(np.array([[0.5]], dtype=np.float32), "b").tolist() == [[1050.0]]


@pytest.mark.parametrize(("series", "words"), [(None, "each series has its own scale"), ("c", "series 'c' is not in")])
def test_a_series_has_to_be_named(refuses: Any, series: str | None, words: str) -> None:
    with refuses(ParameterError, 2, words, "name one of: a, b"):
        CONTRACT.scale(np.zeros((2, 3)), series)


def test_the_contract_says_how_many_steps_a_device_keeps(trained: Any) -> None:
    contract, bundle = trained.contract, trained.bundle
    assert (contract.steps_kept, contract.steps_needed) == (bundle.lookback, bundle.lookback)
    assert contract.step_seconds == 3600
    assert contract.static_columns == {}
    assert contract.intervals == {"levels": [{"level": 0.8}]}


def test_the_contract_says_what_stands_for_missing_values(trained: Any) -> None:
    said = json.loads(trained.contract.to_text())["missing_values"]
    assert set(said) == {"target", "covariate", "before_first_step", "unknown_category"}


def test_a_lag_needs_the_steps_before_the_lookback(
    prepare_table: Any, make_table: Any, make_schema: Any, make_intervals_of: Any
) -> None:
    schema = make_schema(seasonal_lags=[10])
    bundle = prepare_table(
        make_table(steps=120), schema, feature_mode="multivariate", static_covariates=["station"], lookback_span=9
    )
    contract = make_contract(bundle, b"model", make_intervals_of(b"model"), "r", "gru")
    assert (contract.steps_kept, contract.steps_needed) == (6 + 10 - 3, 6 + 10 - 3)
    assert contract.static_columns == {"station": ["station_0", "station_1", "station_2"]}
    assert contract.target_range is not None


def test_a_contract_of_another_version_is_refused(refuses: Any) -> None:
    text = CONTRACT.to_text().replace(CONTRACT_VERSION, "edge.v1")
    with refuses(ArtifactDamagedError, 21, "model.onnx has the contract version 'edge.v1'; export it again"):
        EdgeContract.from_text(text, "model.onnx")


def test_the_scales_of_series_return_from_the_text() -> None:
    read = EdgeContract.from_text(CONTRACT.to_text(), "model.onnx")
    window = np.array([[12.0, 8.0, 3.0], [10.0, 14.0, 1.0]])
    np.testing.assert_array_equal(read.scale(window, "b"), CONTRACT.scale(window, "b"))


def test_a_contract_without_scales_of_series_needs_no_name() -> None:
    shared = dataclasses.replace(CONTRACT, series_scalers={})
    assert shared.unscale(np.array([[1.0]], dtype=np.float32)).tolist() == [[10.0]]


EDITS = {
    "a list": [], "text": "x", "true": True, "null": None, "infinite": float("inf"), "negative": -1,
    "many digits": 10**30, "nested": [[[[[]]]]],
}  # fmt: skip
FITTING = {
    ("run_id", "text"), ("processed_run_id", "text"), ("model_type", "text"), ("model_sha256", "text"),
    ("freq", "text"), ("freq", "null"), ("step_seconds", "null"), ("max_gap", "null"), ("target_range", "null"),
    ("regression_only", "true"),
}  # fmt: skip
"""Edits that leave a contract of the same windows and scales."""


@pytest.mark.parametrize("key", [item.name for item in dataclasses.fields(EdgeContract)])
def test_a_contract_with_a_value_of_another_kind_is_refused(key: str, refuses: Any) -> None:
    values = json.loads(CONTRACT.to_text())
    for label, value in EDITS.items():
        if (key, label) not in FITTING:
            with refuses(ArtifactDamagedError, 21, "model.onnx"):
                EdgeContract.from_text(json.dumps(values | {key: value}), "model.onnx")
    if key not in ("series_scalers", "intervals", "regression_only", "missing_values"):
        with refuses(ArtifactDamagedError, 21, "model.onnx"):
            EdgeContract.from_text(json.dumps({name: values[name] for name in values if name != key}), "model.onnx")


FORGED = {
    "another lookback": {"lookback": 3},
    "a target that is no feature": {"target_indices": [7]},
    "no age of a feature": {"ages": {"target": [1, 0]}},
    "no scale": {"scalers": {}, "series_scalers": {}},
    "a scale of zero": {"scalers": {"target": {"kind": "standard", "center": 0.0, "scale": 0.0}}},
    "a negative scale of a series": {"series_scalers": {"target": {"a": [0.0, -1.0]}}},
    "a range too many": {"target_range": [[0.0, 1.0], [0.0, 1.0]]},
    "a field that is none": {"other": 1},
    "intervals that are none": {"intervals": {"targets": {}}},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_contract_whose_parts_do_not_fit_is_refused(forged: str, refuses: Any) -> None:
    values = json.loads(CONTRACT.to_text()) | FORGED[forged]
    with refuses(ArtifactDamagedError, 21, "model.onnx", "export it again"):
        EdgeContract.from_text(json.dumps(values), "model.onnx")
