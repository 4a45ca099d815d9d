"""The suite that every model type passes; a new entry of the registry is tested by being there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ArtifactDamagedError, ShapeContractError, TrainingDivergedError
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.registry import MODELS
from spline_lstm.series.lazy_windows import Cuts

SHAPES = [(1, (0,)), (8, (0,)), (8, (0, 1))]


@pytest.fixture(params=MODELS)
def model_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


EVERY_OPTION = {
    "normalization": "instance", "spline_smoothing": 2.0, "linear_path": "ridge", "link": "log", "segment": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(make_tiny: Any, make_windows: Any, fit: Any) -> Any:
    """A trained network of a type, all options on, with the windows that it was given; one a type."""
    made: dict[str, Any] = {}

    def get(model_type: str) -> Any:
        if model_type not in made:
            model, train = make_tiny(model_type, **EVERY_OPTION), make_windows()
            fit(model, train)
            made[model_type] = model, train
        return made[model_type]

    return get


@pytest.mark.parametrize(("features", "targets"), SHAPES)
def test_maps_windows_of_f_total_features_to_horizon_times_f_target_outputs(
    make_tiny: Any, model_type: str, features: int, targets: tuple[int, ...]
) -> None:
    network = make_tiny(model_type, features=features, target_indices=targets).build()
    assert (network.input_shape, network.output_shape) == ((None, 6, features), (None, 3 * len(targets)))


@pytest.mark.parametrize(("features", "targets"), SHAPES)
def test_the_last_dense_has_horizon_times_f_target_units(
    make_tiny: Any, model_type: str, features: int, targets: tuple[int, ...]
) -> None:
    network = make_tiny(model_type, features=features, target_indices=targets).build()
    assert network.get_layer("head").units == 3 * len(targets)


def test_trains_on_several_targets_and_predicts_one_row_a_window(
    make_tiny: Any, make_windows: Any, fit: Any, model_type: str
) -> None:
    model = make_tiny(model_type, features=8, target_indices=(0, 1), normalization="last")
    X, y = make_windows(10, features=8, targets=2)
    fit(model, (X, y))
    assert model.predict(X).shape == (10, 6)


def test_a_saved_network_loads_with_identical_predictions(fitted: Any, model_type: str, tmp_path: Path) -> None:
    model, (X, _) = fitted(model_type)
    model.save(tmp_path / "model.keras")
    loaded = MODELS[model_type].load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_loaded_network_cannot_be_trained(fitted: Any, model_type: str, tmp_path: Path) -> None:
    fitted(model_type)[0].save(tmp_path / "model.keras")
    assert not hasattr(MODELS[model_type].load(tmp_path / "model.keras"), "fit_model")


def test_a_loaded_network_has_the_same_bytes(fitted: Any, model_type: str) -> None:
    model, _ = fitted(model_type)
    content = model.to_bytes()
    loaded = TrainedNetwork.from_bytes(content, "model.keras", model_type)
    assert loaded.to_bytes() == content


def test_the_same_seed_gives_the_same_bytes(
    fitted: Any, make_tiny: Any, fit: Any, make_windows: Any, model_type: str
) -> None:
    again = make_tiny(model_type, **EVERY_OPTION)
    fit(again, make_windows())
    assert again.to_bytes() == fitted(model_type)[0].to_bytes()


def test_uncut_windows_give_the_same_bytes_as_arrays_of_them(
    fitted: Any, make_tiny: Any, fit: Any, make_windows: Any, model_type: str
) -> None:
    again, windows = make_tiny(model_type, **EVERY_OPTION), make_windows()
    uncut = tuple(Cuts(lambda at, part=part: part[at], np.arange(len(part))) for part in windows)
    fit(again, uncut)
    model, _ = fitted(model_type)
    assert again.to_bytes() == model.to_bytes()
    np.testing.assert_array_equal(again.predict(uncut[0]), model.predict(windows[0]))


def test_another_seed_gives_other_weights(make_tiny: Any, model_type: str) -> None:
    one, other = (make_tiny(model_type, seed=seed).build().get_layer("head").get_weights()[0] for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_training_and_predicting_leave_the_inputs_unchanged(fitted: Any, make_windows: Any, model_type: str) -> None:
    model, given = fitted(model_type)
    model.predict(given[0])
    for found, expected in zip(given, make_windows(), strict=True):
        np.testing.assert_array_equal(found, expected)


def _with(X: Any, value: float) -> Any:
    changed = X.copy()
    changed[3, 2, 0] = value
    return changed


BAD_INPUTS = {
    "NaN": (lambda X: _with(X, np.nan), "X holds values that are not finite"),
    "infinite": (lambda X: _with(X, np.inf), "X holds values that are not finite"),
    "short lookback": (lambda X: X[:, 1:], "X has the shape (24, 5, 1); (windows, 6, 1) is needed"),
    "further feature": (lambda X: np.repeat(X, 2, axis=2), "X has the shape (24, 6, 2); (windows, 6, 1) is needed"),
    "flat": (lambda X: X[:, :, 0], "X has the shape (24, 6); (windows, 6, 1) is needed"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_refuses_to_train_on_inputs_against_the_contract(
    refuses: Any, make_tiny: Any, make_windows: Any, fit: Any, model_type: str, spoil: Any, message: str
) -> None:
    X, y = make_windows()
    with refuses(ShapeContractError, 22, message):
        fit(make_tiny(model_type), (spoil(X), y))


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_refuses_to_predict_from_inputs_against_the_contract(
    refuses: Any, fitted: Any, model_type: str, spoil: Any, message: str
) -> None:
    model, (X, _) = fitted(model_type)
    with refuses(ShapeContractError, 22, message):
        model.predict(spoil(X))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda y: y[:, :2], "y has the shape (24, 2); (24, 3) is needed"),
        (lambda y: y[1:], "y has the shape (23, 3); (24, horizon * 1) is needed"),
        (lambda y: np.where(y > 0, np.inf, y), "y holds infinite values"),
    ],
    ids=["short horizon", "a window less", "infinite"],
)
def test_refuses_targets_against_the_contract(
    refuses: Any, make_tiny: Any, make_windows: Any, fit: Any, model_type: str, spoil: Any, message: str
) -> None:
    X, y = make_windows()
    with refuses(ShapeContractError, 22, message):
        fit(make_tiny(model_type), (X, spoil(y)))


def test_a_window_without_observed_targets_teaches_nothing(
    make_tiny: Any, make_windows: Any, fit: Any, model_type: str
) -> None:
    X, y = make_windows()
    y[::3] = np.nan
    other = X.copy()
    other[::3] += 5
    models = [make_tiny(model_type) for _ in range(2)]
    for model, inputs in zip(models, (X, other), strict=True):
        record = fit(model, (inputs, y), make_windows(seed=1))
        model.network.set_weights(record.last_weights)
    assert models[0].to_bytes() == models[1].to_bytes()


def test_training_never_ends_worse_on_validation_than_it_began(
    make_tiny: Any, make_windows: Any, fit: Any, model_type: str
) -> None:
    model, val = make_tiny(model_type, learning_rate=100.0), make_windows(seed=1)
    model.build()
    untrained = model.predict(val[0])
    record = fit(model, make_windows(), val)
    assert record.best_epoch == 0
    np.testing.assert_array_equal(model.predict(val[0]), untrained)


def test_training_lowers_the_error(make_tiny: Any, make_windows: Any, fit: Any, model_type: str) -> None:
    model, train = make_tiny(model_type, dropout=0.0), make_windows()
    record = fit(model, train, epochs=3)
    assert record.history[-1]["val_loss"] < record.history[0]["val_loss"]


def test_a_loss_that_is_not_finite_ends_the_training_and_is_shown_to_nobody(
    refuses: Any, make_tiny: Any, make_windows: Any, model_type: str
) -> None:
    X, y = make_windows()
    shown: list[dict[str, float | None]] = []
    with refuses(TrainingDivergedError, 30, "finite number after epoch 1; try a smaller learning_rate"):
        make_tiny(model_type).fit_model(
            (X, y * np.float32(1e30)), (X, y), epochs=1, batch_size=8, patience=5, on_epoch=shown.append
        )
    assert [entry["epoch"] for entry in shown] == [0]


def test_refuses_the_network_of_another_type(refuses: Any, fitted: Any, model_type: str) -> None:
    content = fitted(model_type)[0].to_bytes()
    other = next(name for name in MODELS if name != model_type)
    with refuses(ArtifactDamagedError, 21, f"holds '{model_type}', not '{other}'"):
        TrainedNetwork.from_bytes(content, "model.keras", other)
