"""Segments, normalisation and loss where they are `auto`, decided on validation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.models.registry import ModelSpec, TrainingSpec
from spline_lstm.selection import normalization
from spline_lstm.selection.normalization import resolve_model, resolve_segment
from spline_lstm.series.model_input import ModelInput

AUTO = {"normalization": "auto", "spline_smoothing": 0.0, "linear_path": "auto", "link": "identity", "loss": "auto"}


def resolve(data: ModelInput, segment: int) -> tuple[ModelSpec, dict[str, Any]]:
    spec = ModelSpec(model_type="gru", hidden_units=(4,), dropout=0.0, learning_rate="auto", segment=segment, **AUTO)
    training = TrainingSpec(epochs=9, batch_size=32, early_stopping_patience=2, seed=3)
    train, val = ((data.X.at(rows), data.y.at(rows)) for rows in map(data.windows_of, (0, 1)))
    return resolve_model(spec, data, train, val, data.window_series[data.windows_of(1)], training)


@pytest.mark.parametrize(
    ("lookback", "segment"), [(24, 1), (48, 1), (96, 8), (168, 12), (336, 24), (720, 48), (97, 97), (49, 7)]
)
def test_a_long_window_is_cut_into_about_fourteen_segments(lookback: int, segment: int) -> None:
    assert resolve_segment("auto", lookback) == segment


def test_refuses_a_segment_that_does_not_divide_the_lookback(refuses: Any) -> None:
    with refuses(ParameterError, 2, "'segment' is 5 and does not divide lookback=24"):
        resolve_segment(5, 24)


def test_over_single_rows_a_regression_decides_and_the_loss_is_squared(prepare: Callable[..., ModelInput]) -> None:
    drift = np.arange(600.0) ** 2 / 100  # validation lies far above all that the regression was fitted to
    spec, record = resolve(prepare(drift), 1)
    assert (spec.segment, spec.normalization, spec.loss) == (1, record["normalization"]["chosen"], "squared")
    assert record.keys() == {"normalization"}
    assert spec.normalization != "none"


def test_over_segments_short_trainings_decide_normalisation_loss_and_learning_rate(
    prepare: Callable[..., ModelInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {("none", "absolute", 1e-3): 1.02, ("last", "absolute", 1e-3): 1.01, ("instance", "absolute", 1e-3): 1.0}
    errors |= {("instance", "squared", 1e-3): 0.99, ("instance", "absolute", 3e-3): 0.995}
    tried: list[Any] = []

    def error(spec: ModelSpec, *_: Any) -> float:
        tried.append((spec.normalization, spec.loss, spec.learning_rate))
        return errors[tried[-1]]

    monkeypatch.setattr(normalization, "_network_error", error)
    spec, record = resolve(prepare(np.zeros(600)), 3)
    assert tried == list(errors)
    assert (spec.normalization, spec.loss, spec.learning_rate) == ("instance", "absolute", 3e-3)
    assert record["loss"]["decided_on"] == "validation"


def test_over_segments_too_little_validation_decides_no_normalisation(
    prepare: Callable[..., ModelInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normalization, "_network_error", lambda *_: 1.0)
    spec, record = resolve(prepare(np.zeros(150)), 3)
    assert spec.normalization == "instance"
    assert record["normalization"]["decided_on"] == "the windows, as validation has 6.7 horizons of 1 series"


def test_a_short_training_of_the_network_gives_its_error_on_validation(prepare: Callable[..., ModelInput]) -> None:
    _, record = resolve(prepare(np.sin(np.arange(600) / 5)), 3)
    assert record.keys() == {"normalization", "loss", "learning_rate"}
    assert all(0 < score < 10 for score in record["normalization"]["network_rmse"].values())
