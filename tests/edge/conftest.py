"""A small trained-looking network, its preprocessed data, and its exported files, made once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge.contract import EdgeContract, make_contract
from spline_lstm.edge.gate import EdgeSpec, Reference, make_reference
from spline_lstm.models.base import ForecastModel
from spline_lstm.models.registry import MODELS
from spline_lstm.series.model_input import ModelInput


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
    keras = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(keras)


def with_random_weights(model: ForecastModel, seed: int = 0) -> ForecastModel:
    """Move every weight, so that no zero or identity hides a mistake."""
    network = model.build()
    random = np.random.default_rng(seed)
    network.set_weights([w + random.normal(0, 0.3, w.shape).astype(np.float32) for w in network.get_weights()])
    return model


@pytest.fixture(scope="session")
def make_random() -> Callable[..., ForecastModel]:
    """Make a network with random weights: lookback 6, horizon 3."""

    def make(model_type: str, *, features: int = 8, units: tuple[int, ...] = (8, 4), **options: Any) -> ForecastModel:
        targets = len(options.setdefault("target_indices", (0,)))
        return with_random_weights(MODELS[model_type](6, units, 0.2, 1e-3, 3 * targets, features, seed=1, **options))

    return make


@pytest.fixture(scope="session")
def edge_spec(make_parameters: Callable[..., Any]) -> EdgeSpec:
    """The gate's own thresholds."""
    return make_parameters().edge_poc


@pytest.fixture(scope="session")
def make_intervals_of() -> Callable[[bytes], dict[str, Any]]:
    """Make what a run says of its intervals, given its model file."""
    return lambda content: {"model_sha256": hashlib.sha256(content).hexdigest(), "levels": [{"level": 0.8}]}


@dataclass(frozen=True)
class Trained:
    """A network with its data and what the gate compares with."""

    model: ForecastModel
    content: bytes
    bundle: ModelInput
    contract: EdgeContract
    reference: Reference


@pytest.fixture(scope="session")
def trained(
    prepare_table: Callable[..., ModelInput],
    make_table: Callable[..., Any],
    edge_spec: EdgeSpec,
    make_intervals_of: Callable[[bytes], dict[str, Any]],
) -> Trained:
    """A multivariate GRU on the small weather table."""
    bundle = prepare_table(make_table(steps=120), feature_mode="multivariate")
    model = with_random_weights(
        MODELS["gru"](bundle.lookback, (8,), 0.2, 1e-3, bundle.horizon, len(bundle.feature_names), seed=1)
    )
    content = model.to_bytes()
    contract = make_contract(bundle, content, make_intervals_of(content), "gru-test", "gru")
    return Trained(model, content, bundle, contract, make_reference(bundle, model.network, contract, edge_spec))
