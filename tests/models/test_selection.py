"""How far back windows reach, decided on the training part; whether there is a ridge path, decided on validation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.contracts import ModelInput
from spline_lstm.errors import TrainingDivergedError
from spline_lstm.models import selection
from spline_lstm.models.base import ForecastModel
from spline_lstm.models.registry import ModelSpec
from spline_lstm.models.selection import fit_with_or_without_path, resolve_ages
from spline_lstm.models.training import TrainingRecord
from spline_lstm.series.windows import make_ages, make_season_ages

CONSECUTIVE = [5, 4, 3, 2, 1, 0]


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_ENOUGH_WINDOWS", 50)


@pytest.fixture(scope="module")
def prepare(prepare_table: Any) -> Any:
    """Windows of six consecutive rows of one series."""

    def run(signal: Any, noise: float = 1.0) -> ModelInput:
        values = signal + noise * np.random.default_rng(0).normal(size=len(signal))
        stamps = pd.date_range("2024-01-01", periods=len(signal), freq="h", tz="UTC")
        bundle: ModelInput = prepare_table(pd.DataFrame({"timestamp": stamps, "target": values}))
        return bundle

    return run


def long_season(steps: int = 600) -> Any:
    """A slow wave under noise: six rows hardly tell where it stands."""
    return np.sin(2 * np.pi * np.arange(steps) / 40)


@pytest.mark.usefixtures("few_are_enough")
def test_a_long_season_is_seen_from_further_away(prepare: Any) -> None:
    past, record = resolve_ages("auto", prepare(long_season()), ())
    span = record["chosen"]
    assert span > 6
    assert past.tolist() == make_ages(6, span).tolist()
    assert record["ridge_rmse"][str(span)] == min(record["ridge_rmse"].values()) < 0.98 * record["ridge_rmse"]["6"]


@pytest.mark.usefixtures("few_are_enough")
def test_a_profile_that_repeats_is_seen_a_season_before_the_horizon(prepare: Any) -> None:
    profile = np.tile(np.random.default_rng(2).normal(size=50), 12)
    past, record = resolve_ages("auto", prepare(profile, noise=0.1), (8, 50))
    assert past.tolist() == make_season_ages(6, 3, 50).tolist()
    assert record["chosen"] == "season of 50"
    assert "season of 8" not in record["ridge_rmse"]  # its rows would lie within the lookback


@pytest.mark.usefixtures("few_are_enough")
def test_rows_stay_consecutive_where_a_longer_past_tells_nothing(prepare: Any) -> None:
    assert resolve_ages("auto", prepare(np.zeros(600)), (24,))[0].tolist() == CONSECUTIVE


@pytest.mark.usefixtures("few_are_enough")
def test_the_training_part_decides_alone(prepare: Any) -> None:
    signal = long_season()
    other = signal.copy()
    other[420:] = 100 * np.random.default_rng(1).normal(size=180)
    (past, record), (past_of_other, record_of_other) = (
        resolve_ages("auto", prepare(table), (40,)) for table in (signal, other)
    )
    assert (past.tolist(), record) == (past_of_other.tolist(), record_of_other)


@pytest.mark.usefixtures("few_are_enough")
def test_no_span_or_season_is_longer_than_a_tenth_of_the_longest_series(prepare: Any) -> None:
    _, record = resolve_ages("auto", prepare(long_season(500)), (50, 51))
    assert list(record["ridge_rmse"]) == ["6", "12", "24", "42", "season of 50"]


def test_with_few_windows_nothing_is_compared(prepare: Any) -> None:
    past, record = resolve_ages("auto", prepare(long_season()), (24,))
    assert (past.tolist(), record) == (CONSECUTIVE, {})


def test_a_given_span_is_taken(prepare: Any) -> None:
    past, record = resolve_ages(17, prepare(long_season()), (24,))
    assert (past.tolist(), record) == (make_ages(6, 17).tolist(), {})


@pytest.mark.usefixtures("few_are_enough")
def test_of_many_windows_some_are_drawn_at_random(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_MOST_WINDOWS", 280)
    assert resolve_ages("auto", prepare(long_season()), ())[0][0] > 5


def chaos(steps: int = 600) -> Any:
    """Every value follows from the one before, and no regression tells it: the logistic map."""
    values = [0.3]
    while len(values) < steps:
        values.append(1 - 1.99 * values[-1] ** 2)
    return np.array(values)


def make_spec(linear_path: str) -> ModelSpec:
    return ModelSpec(
        model_type="lstm", hidden_units=(16,), dropout=0.0, learning_rate=0.03, normalization="none",
        spline_smoothing=0.0, linear_path=linear_path,
    )  # fmt: skip


def make_fit(data: ModelInput, epochs: dict[str, int]) -> Callable[[ForecastModel], TrainingRecord]:
    """Trains for so many epochs, with a ridge path or without one."""
    train, val = ((data.X[rows], data.y[rows]) for rows in map(data.windows_of, (0, 1)))
    return lambda model: model.fit_model(train, val, epochs=epochs[model.linear_path], batch_size=32, patience=30)


@pytest.mark.parametrize(
    ("epochs", "better"), [({"ridge": 20, "none": 1}, "ridge"), ({"ridge": 5, "none": 40}, "none")]
)
def test_far_below_the_ridge_path_the_plain_stack_is_trained_too_and_the_better_one_taken(
    prepare: Any, epochs: dict[str, int], better: str
) -> None:  # fmt: skip
    data = prepare(chaos(), noise=0.0)
    fit = make_fit(data, epochs)
    model, record, compared = fit_with_or_without_path(make_spec("auto"), data, 7, fit)
    assert compared["chosen"] == model.linear_path == better
    assert compared["val_loss"][better] == min(compared["val_loss"].values()) == record.best_loss
    alone, _, nothing = fit_with_or_without_path(make_spec(better), data, 7, fit)
    assert nothing == {}
    assert model.to_bytes() == alone.to_bytes()


def test_near_the_ridge_path_no_other_model_is_trained(prepare: Any) -> None:
    data = prepare(np.zeros(600))
    model, record, compared = fit_with_or_without_path(make_spec("auto"), data, 7, make_fit(data, {"ridge": 3}))
    assert model.linear_path == compared["chosen"] == "ridge"
    assert compared["val_loss"] == {"ridge alone": record.first_loss, "ridge": record.best_loss}


def test_a_plain_stack_that_diverges_leaves_the_model_with_a_path(prepare: Any) -> None:
    data = prepare(chaos(), noise=0.0)
    fit = make_fit(data, {"ridge": 20})

    def diverge(model: ForecastModel) -> TrainingRecord:
        if model.linear_path == "none":
            raise TrainingDivergedError("the loss is no longer a finite number")
        return fit(model)

    model, _, compared = fit_with_or_without_path(make_spec("auto"), data, 7, diverge)
    assert (model.linear_path, compared["val_loss"]["none"]) == ("ridge", None)
