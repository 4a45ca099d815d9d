"""Tiny networks and random windows: lookback 6, horizon 3, 4 units."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.models.base import ForecastModel
from spline_lstm.models.registry import MODELS
from spline_lstm.types import Float32

LOOKBACK, HORIZON = 6, 3
MakeModel = Callable[..., ForecastModel]
Windows = tuple[Float32, Float32]


@pytest.fixture(scope="session")
def make_tiny() -> MakeModel:
    """Make an untrained network of the given type; keywords are those of the constructor."""

    def make(model_type: str = "lstm", *, features: int = 1, **options: Any) -> ForecastModel:
        targets = len(options.setdefault("target_indices", (0,)))
        settings = {"hidden_units": (4,), "dropout": 0.2, "learning_rate": 1e-2, "seed": 7} | options
        return MODELS[model_type](
            sequence_length=LOOKBACK, output_units=HORIZON * targets, input_features=features, **settings
        )

    return make


@pytest.fixture(scope="session")
def make_windows() -> Callable[..., Windows]:
    """Make random windows `X` and targets `y`, the same ones at every call."""

    def make(count: int = 24, *, features: int = 1, targets: int = 1, seed: int = 0) -> Windows:
        random = np.random.default_rng(seed)
        X = random.normal(size=(count, LOOKBACK, features)).astype(np.float32)
        # Half of y follows from X, so that there is something to learn.
        y = X.sum(axis=(1, 2))[:, None] / LOOKBACK + random.normal(size=(count, HORIZON * targets)) / 2
        return X, y.astype(np.float32)

    return make


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    """Train a network shortly on windows that also serve for validation, unless others are given."""

    def fit_model(model: ForecastModel, train: Windows, val: Windows | None = None, *, epochs: int = 1) -> Any:
        return model.fit_model(train, val or train, epochs=epochs, batch_size=8, patience=5)

    return fit_model
