from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ArtifactDamagedError, InsufficientDataError, ShapeContractError
from spline_lstm.series.legacy_format import adapt_legacy_arrays
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.windows import WindowSpec

Refuses = Callable[..., Any]
SPEC = WindowSpec(lookback=6, lookback_span=6, horizon=3, stride=1, split=(0.7, 0.15, 0.15))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5, 1)).astype(np.float32)
Y = RNG.normal(size=(60, 2)).astype(np.float32)
X_MV = RNG.normal(size=(60, 5, 4)).astype(np.float32)
ROWS = RNG.normal(loc=50, scale=7, size=(100, 2))


def adapt(arrays: dict[str, Any], **meta: Any) -> ModelInput:
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    return adapt_legacy_arrays(arrays, {"run_id": "old", **meta}, SPEC)


def windows_kept(bundle: ModelInput, y: np.ndarray) -> list[int]:
    """Return the numbers of the stored windows that the bundle has, found by their targets."""
    return [int(np.flatnonzero((y == row).all(axis=1))[0]) for row in bundle.y]


def test_x_and_y_come_before_all_else() -> None:
    bundle = adapt({"X": X, "y": Y, "X_mv": X_MV, "y_mv": Y, "scaled": ROWS, "raw_target": ROWS})
    kept = windows_kept(bundle, Y)
    assert bundle.X[:].tobytes() == X[kept].tobytes()


def test_x_mv_and_y_mv_come_next() -> None:
    bundle = adapt({"X_mv": X_MV, "y_mv": Y, "scaled": ROWS, "raw_target": ROWS})
    assert bundle.X[:].tobytes() == X_MV[windows_kept(bundle, Y)].tobytes()


@pytest.mark.parametrize("lonely", [{"X": X}, {"y": Y}, {"X_mv": X_MV}])
def test_half_a_pair_does_not_count(lonely: dict[str, np.ndarray]) -> None:
    assert adapt({**lonely, "scaled": ROWS}).X.shape[1:] == (6, 2)


# 61 steps of targets: train ends at 42, val at 51. Horizons of two steps that cross a border are left out.
def test_stored_windows_are_split_chronologically() -> None:
    bundle = adapt({"X": X, "y": Y})
    by_split = [np.array(windows_kept(bundle, Y))[bundle.window_split == split].tolist() for split in (0, 1, 2)]
    assert by_split == [list(range(41)), list(range(42, 50)), list(range(51, 60))]


def test_stored_windows_can_be_traced_to_rows() -> None:
    bundle = adapt({"X": X, "y": Y})
    for window, origin in enumerate(bundle.window_origin):
        np.testing.assert_array_equal(bundle.scaled[origin - 4 : origin + 1], bundle.X[window])
        np.testing.assert_array_equal(bundle.raw_target[origin + 1 : origin + 3, 0], bundle.y[window])
    assert bundle.y_mask[:].all()


def test_no_history_reaches_from_one_stored_window_into_another() -> None:
    bundle = adapt({"X": X, "y": Y})
    history = bundle.past(np.array([3]), np.arange(7)[::-1])[0, :, 0]
    np.testing.assert_array_equal(history, [np.nan, np.nan, *bundle.X[3][:, 0]])


def test_windows_without_a_feature_axis_have_one_feature() -> None:
    bundle = adapt({"X": X[:, :, 0], "y": Y[:, 0]})
    assert (bundle.X.shape[1:], bundle.horizon) == ((5, 1), 1)


def test_several_targets_are_told_apart_by_their_positions() -> None:
    y = np.concatenate([Y, Y + 1], axis=1)
    bundle = adapt({"X": X_MV, "y": y, "target_indices": [2, 0], "feature_names": ["a", "b", "c", "d"]})
    assert bundle.target_names == ("c", "a")
    assert bundle.horizon == 2
    origin = bundle.window_origin[0]
    np.testing.assert_array_equal(bundle.scaled[origin + 1, [2, 0]], y[0, :2])


def test_meta_may_tell_the_number_of_targets() -> None:
    bundle = adapt({"X": X_MV, "y": Y}, f_target=2)
    assert (bundle.horizon, bundle.target_names) == (1, ("target_0", "target_1"))


@pytest.mark.parametrize("rows", [ROWS[:, 0], ROWS[:, :1]], ids=["1-D", "2-D"])
def test_windows_are_cut_from_scaled_rows(rows: np.ndarray) -> None:
    bundle = adapt({"scaled": rows, "raw_target": ROWS[:, 1]})
    assert bundle.X.shape[1:] == (6, 1)
    for window, origin in enumerate(bundle.window_origin):
        np.testing.assert_array_equal(bundle.X[window][:, 0], rows.ravel().astype(np.float32)[origin - 5 : origin + 1])
        np.testing.assert_array_equal(bundle.y[window], rows.ravel().astype(np.float32)[origin + 1 : origin + 4])


def test_scaled_rows_may_hold_more_features_than_targets() -> None:
    bundle = adapt({"scaled": ROWS, "target_indices": 1, "feature_names": ["humidity", "load"]})
    assert (bundle.target_names, bundle.X.shape[2], bundle.y.shape[1]) == (("load",), 2, 3)


def test_raw_targets_are_standardised_on_their_training_part() -> None:
    rows = ROWS.copy()
    rows[70:] += 1000
    bundle = adapt({"raw_target": rows})
    states = bundle.preprocessor["scalers"]
    assert bundle.target_names == ("target_0", "target_1")
    for column, name in enumerate(bundle.target_names):
        assert states[name]["center"] == pytest.approx(rows[:70, column].mean(), rel=1e-6)
        assert states[name]["scale"] == pytest.approx(rows[:70, column].std(), rel=1e-6)
    windows = np.arange(len(bundle.y))
    np.testing.assert_allclose(bundle.in_target_units(bundle.y[:], windows), bundle.truth(windows)[0], rtol=1e-5)


def test_raw_targets_do_not_need_positions_that_count_absent_features() -> None:
    bundle = adapt({"raw_target": ROWS[:, 0], "target_indices": [2], "feature_names": ["a", "b", "load"]})
    assert (bundle.target_indices, bundle.target_names) == ((0,), ("target",))


def test_lengths_in_meta_win_over_the_parameters() -> None:
    bundle = adapt({"scaled": ROWS[:, 0]}, lookback=4, horizon=2)
    assert (bundle.lookback, bundle.horizon) == (4, 2)


@pytest.mark.parametrize("key", ["scaled", "raw_target"])
def test_rows_are_one_series_split_chronologically(key: str) -> None:
    bundle = adapt({key: ROWS[:, 0]})
    assert bundle.series_names == ("series",)
    np.testing.assert_array_equal(bundle.row_split, [0] * 70 + [1] * 15 + [2] * 15)
    horizon = bundle.window_origin[:, None] + np.arange(1, 4)
    assert (bundle.row_split[horizon] == bundle.window_split[:, None]).all()


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_any_kind_of_number_is_taken_as_32_bits(dtype: str) -> None:
    bundle = adapt({"scaled": ROWS.astype(dtype)})
    assert (bundle.X.dtype, bundle.y.dtype) == (np.float32, np.float32)


def test_foreign_keys_are_ignored() -> None:
    assert adapt({"X": X, "y": Y, "notes": ["hello"]}).X.shape == adapt({"X": X, "y": Y}).X.shape


def test_an_earlier_bundle_keeps_its_meta_and_has_neutral_scalers() -> None:
    bundle = adapt({"X": X, "y": Y}, note="hello")
    assert bundle.meta == {"run_id": "old", "note": "hello"}
    assert bundle.preprocessor["scalers"] == {"target": {"kind": "none", "center": 0.0, "scale": 1.0}}


@pytest.mark.parametrize("arrays", [{}, {"X": X, "y_mv": Y}, {"feature_names": ["a"]}])
def test_a_bundle_without_windows_or_rows_is_refused(arrays: dict[str, Any], refuses: Refuses) -> None:
    with refuses(ArtifactDamagedError, 21, f"processed.npz holds none of X and y, X_mv and y_mv, scaled, raw_target; found: {sorted(arrays)}"):  # fmt: skip  # noqa: E501
        adapt(arrays)


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        ({"X": X, "y": Y.astype(str)}, "'y' has the type <U32; numbers are needed"),
        ({"scaled": ROWS > 0}, "'scaled' has the type bool; numbers are needed"),
        ({"scaled": np.where(ROWS > 60, np.nan, ROWS)}, "'scaled' holds values that are not finite"),
        ({"raw_target": ROWS * 1e300}, "'raw_target' holds values that are not finite"),
        ({"X": X, "y": np.where(Y > 1, np.inf, Y)}, "'y' holds values that are not finite"),
    ],
)
def test_values_that_are_no_finite_numbers_are_refused(arrays: dict[str, Any], found: str, refuses: Refuses) -> None:
    with refuses(ArtifactDamagedError, 21, f"processed.npz: {found}"):
        adapt(arrays)


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        ({"X": X, "y": Y[:50]}, "X has the shape (60, 5, 1) and y (50, 2)"),
        ({"X": X[0, :, 0], "y": Y[0]}, "X has the shape (5,) and y (2, 1)"),
        ({"X": X[:0], "y": Y[:0]}, "'X' has the shape (0, 5, 1); at least one row is needed"),
        ({"X": X_MV, "y": np.ones((60, 3)), "target_indices": [0, 1]}, "y has the shape (60, 3); horizon * 2 columns"),
        ({"X": X, "y": Y, "target_indices": [1]}, "target_indices [1] are not distinct positions within 1 features"),
        ({"scaled": ROWS, "target_indices": [2]}, "target_indices [2] are not distinct positions within 2 features"),
        ({"scaled": ROWS, "target_indices": [-1]}, "target_indices [-1] are not distinct positions"),
        ({"scaled": ROWS, "target_indices": [0, 0]}, "target_indices [0, 0] are not distinct positions"),
        ({"scaled": ROWS, "target_indices": []}, "target_indices [] are not distinct positions"),
        ({"scaled": ROWS, "target_indices": ["a"]}, "target_indices ['a'] are not distinct positions"),
        ({"scaled": 5.0}, "'scaled' has the shape (); at least one row is needed"),
        ({"scaled": ROWS.reshape(10, 10, 2)}, "the rows have the shape (10, 10, 2); (steps, features) is needed"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(arrays: dict[str, Any], found: str, refuses: Refuses) -> None:
    with refuses(ShapeContractError, 22, found):
        adapt(arrays)


@pytest.mark.parametrize("value", [0, -1, True, 2.5, "24", None])
@pytest.mark.parametrize("key", ["lookback", "horizon", "f_target"])
def test_a_length_in_meta_that_is_no_count_is_refused(key: str, value: Any, refuses: Refuses) -> None:
    with refuses(ArtifactDamagedError, 21, f"meta.json: '{key}' is {value!r}; a whole number of at least 1 is needed"):
        adapt({"scaled": ROWS}, **{key: value})


@pytest.mark.parametrize("arrays", [{"X": X[:8], "y": Y[:8]}, {"scaled": ROWS[:15]}])
def test_too_few_windows_are_refused(arrays: dict[str, Any], refuses: Refuses) -> None:
    with refuses(InsufficientDataError, 26, "split"):
        adapt(arrays)
