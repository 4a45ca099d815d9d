"""The registry of model types and what their settings may be."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.models.linear_path import LinearPath
from spline_lstm.models.registry import MODELS, ModelSpec, TrainingSpec, make_model
from spline_lstm.series.model_input import ModelInput

MODEL: dict[str, Any] = {
    "model_type": "gru", "hidden_units": (4, 3), "dropout": 0.1, "learning_rate": 0.01, "normalization": "last",
    "spline_smoothing": 2.0, "linear_path": "ridge", "link": "log", "segment": 3,
    "loss": "absolute",
}  # fmt: skip
TRAINING: dict[str, Any] = {"epochs": 3, "batch_size": 8, "early_stopping_patience": 2, "seed": 5}


def test_the_model_types_are_those_of_the_design() -> None:
    assert list(MODELS) == ["lstm", "gru", "attention_lstm"]


@pytest.mark.parametrize("name", MODELS)
def test_a_type_is_registered_under_its_own_name(name: str) -> None:
    assert MODELS[name].model_type == name


@pytest.fixture(scope="module")
def two_targets(prepare_table: Any, make_table: Any) -> ModelInput:
    bundle: ModelInput = prepare_table(
        make_table(), target_cols=["target", "dew_point"], feature_mode="multivariate"
    )  # fmt: skip
    return bundle


def test_a_model_is_made_with_all_of_its_settings(two_targets: ModelInput) -> None:
    model = make_model(ModelSpec(**MODEL), two_targets, seed=5)
    center, scale = (part[0] for part in two_targets.target_scaling(np.array([0])))
    in_space = {name: MODEL[name] for name in ("normalization", "spline_smoothing", "link")}
    assert type(model) is MODELS["gru"]
    assert vars(model.space) == in_space | {
        "target_indices": (0, 1), "input_features": 8, "target_ages": (5, 4, 3, 2, 1, 0),
        "target_zeros": tuple(-center / scale),
    }  # fmt: skip
    assert vars(model) == {
        "sequence_length": 6, "input_features": 8, "output_units": 6, "target_indices": (0, 1), "seed": 5,
        "_trained": None, "ridge_penalty": None, "horizon": 3, "space": model.space,
        "path": LinearPath("ridge", (0, 1), 3),
        **{name: value for name, value in MODEL.items() if name not in {"model_type", *in_space}},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["normalization", "spline_smoothing", "linear_path", "link", "segment", "loss"])
def test_no_model_is_made_before_auto_is_decided(refuses: Any, two_targets: ModelInput, name: str) -> None:
    spec = ModelSpec(**MODEL | {name: "auto"})
    with refuses(ParameterError, 2, "'auto' has to be resolved on validation before a model is made"):
        make_model(spec, two_targets, seed=5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_type": "lstn"}, "'model_type' is 'lstn'; allowed: lstm, gru, attention_lstm; did you mean 'lstm'"),
        ({"hidden_units": ()}, "'hidden_units'"),
        ({"hidden_units": (4, 0)}, "every layer needs at least one unit"),
        ({"dropout": 1.0}, "'dropout' is 1.0; it should be less than 1"),
        ({"dropout": -0.1}, "'dropout' is -0.1; it should be greater than or equal to 0"),
        ({"learning_rate": 0.0}, "'learning_rate' is 0.0; it should be greater than 0"),
        ({"learning_rate": float("inf")}, "'learning_rate' is inf"),
        ({"normalization": "lats"}, "did you mean 'last'"),
        ({"spline_smoothing": -1.0}, "'spline_smoothing' is -1.0"),
        ({"linear_path": "rigde"}, "did you mean 'ridge'"),
        ({"link": "lgo"}, "did you mean 'log'"),
    ],
)
def test_refuses_a_setting_of_the_model_out_of_range(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as refused:
        ModelSpec.parse(MODEL | changed, ParameterError, "parameter")
    assert message in refused.value.message
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"epochs": 0}, {"epochs": 1.5}, {"epochs": True}, {"batch_size": 0}, {"early_stopping_patience": 0},
        {"seed": -1}, {"seed": 2**32},
    ],
)  # fmt: skip
def test_refuses_a_setting_of_the_training_out_of_range(changed: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"parameter '{next(iter(changed))}' is "):
        TrainingSpec.parse(TRAINING | changed, ParameterError, "parameter")
