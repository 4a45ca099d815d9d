"""The model types; a new type needs one file, and one line here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from spline_lstm.errors import ParameterError
from spline_lstm.models.attention_lstm import AttentionLSTMModel
from spline_lstm.models.base import ForecastModel
from spline_lstm.models.gru import GRUModel
from spline_lstm.models.linear_path import LinearPathName
from spline_lstm.models.lstm import LSTMModel
from spline_lstm.models.target_space import Link, Normalization
from spline_lstm.models.training import LossName
from spline_lstm.series.model_input import ModelInput
from spline_lstm.spec import Integers, Spec, StrictFloat, StrictInt, Text
from spline_lstm.text import nearest

MODELS: dict[str, type[ForecastModel]] = {
    model.model_type: model
    for model in (
        LSTMModel,
        GRUModel,
        AttentionLSTMModel,
    )
}


def _check_widths(units: tuple[int, ...]) -> tuple[int, ...]:
    if min(units) < 1:
        raise ValueError("every layer needs at least one unit")
    return units


def _check_model_type(name: str) -> str:
    if name not in MODELS:
        raise ValueError(f"allowed: {', '.join(MODELS)}{nearest(name, MODELS)}")
    return name


ROW_BY_ROW = 48
"""Rows of a window up to which `segment: auto` makes each row a recurrent step."""

ModelType = Annotated[Text, AfterValidator(_check_model_type), WithJsonSchema({"enum": list(MODELS)})]
Seed = Annotated[StrictInt, Field(ge=0, lt=2**32)]
Widths = Annotated[Integers, Field(min_length=1), AfterValidator(_check_widths)]


class ModelSpec(Spec):
    """Architecture and optimiser."""

    model_type: ModelType
    hidden_units: Widths
    dropout: Annotated[StrictFloat, Field(ge=0, lt=1)]
    learning_rate: Annotated[StrictFloat, Field(gt=0)] | Literal["auto"]
    normalization: Normalization | Literal["auto"]
    spline_smoothing: Annotated[StrictFloat, Field(ge=0)] | Literal["auto"]
    linear_path: LinearPathName | Literal["auto"]
    link: Link | Literal["auto"]
    segment: Annotated[StrictInt, Field(ge=1)] | Literal["auto"] = "auto"
    """Rows of a window that one recurrent step sees."""
    loss: LossName | Literal["auto"] = "auto"


class TrainingSpec(Spec):
    """Settings of the training."""

    epochs: Annotated[StrictInt, Field(ge=1)]
    batch_size: Annotated[StrictInt, Field(ge=1)]
    early_stopping_patience: Annotated[StrictInt, Field(ge=1)]
    seed: Seed


def make_model(spec: ModelSpec, model_input: ModelInput, seed: int) -> ForecastModel:
    """Make an untrained model of the type in `spec`.

    Args:
        spec: Architecture and optimiser.
        model_input: The training data, which decides the shapes.
        seed: Decides the initial weights, the order of batches and dropout.

    Raises:
        ParameterError: A setting is still `auto`; `models.selection` and `models.candidates` choose it.

    """
    if (
        spec.normalization == "auto"
        or spec.spline_smoothing == "auto"
        or spec.linear_path == "auto"
        or spec.link == "auto"
        or spec.segment == "auto"
        or spec.loss == "auto"
    ):
        raise ParameterError("'auto' has to be resolved on validation before a model is made")
    return MODELS[spec.model_type](
        model_input.lookback,
        spec.hidden_units,
        spec.dropout,
        spec.learning_rate,
        model_input.y.shape[1],
        len(model_input.feature_names),
        target_indices=model_input.target_indices,
        normalization=spec.normalization,
        spline_smoothing=spec.spline_smoothing,
        linear_path=spec.linear_path,
        link=spec.link,
        segment=spec.segment,
        loss=spec.loss,
        target_ages=model_input.target_ages,
        target_zeros=None if model_input.series_scalers else model_input.target_zeros,
        seed=seed,
    )
