"""The bundle of windows, and the checks that every bundle and every model goes through."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError, ShapeContractError
from spline_lstm.series.bundle_format import (
    WINDOW_ARRAYS,
    check_meta,
    check_same_run,
    from_arrays,
    to_arrays,
    window_bytes,
)
from spline_lstm.series.model_input import ModelInput, check_model_input, check_windows, fingerprint

X, Y = np.zeros((4, 6, 3), dtype=np.float32), np.zeros((4, 6), dtype=np.float32)


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    """Two series, two targets and six further features; one target is filled at row 20 of each series."""
    table = make_table(steps=60, gaps={"target": [20]})
    made: ModelInput = prepare_table(table, target_cols=["target", "dew_point"], feature_mode="multivariate")
    return made


@pytest.fixture(scope="module")
def change(bundle: ModelInput) -> Callable[..., ModelInput]:
    return lambda **fields: dataclasses.replace(bundle, **fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [("lookback", 6), ("horizon", 3), ("target_names", ("target", "dew_point")), ("processed_id", "test")],
)
def test_a_bundle_knows_its(bundle: ModelInput, name: str, value: object) -> None:
    assert getattr(bundle, name) == value


def test_a_bundle_of_one_target_knows_the_steps_at_which_it_is_seen(prepare_table: Any, make_table: Any) -> None:
    assert prepare_table(make_table(steps=60)).target_ages == (5, 4, 3, 2, 1, 0)


def test_a_bundle_does_not_change_once_it_is_made(bundle: ModelInput) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        bundle.horizon = 1  # type: ignore[misc]


def test_every_window_belongs_to_one_split(bundle: ModelInput) -> None:
    windows = np.concatenate([bundle.windows_of(split) for split in range(3)])
    assert sorted(windows.tolist()) == list(range(len(bundle.X)))


def test_scaled_targets_turn_back_into_their_own_unit(bundle: ModelInput) -> None:
    windows = np.arange(len(bundle.y))
    truth, mask = bundle.truth(windows)
    np.testing.assert_allclose(bundle.in_target_units(bundle.y[:], windows)[mask], truth[mask], rtol=1e-5)


def test_the_truth_of_a_window_begins_right_after_its_origin(bundle: ModelInput) -> None:
    origin = int(bundle.window_origin[7])
    np.testing.assert_array_equal(bundle.truth(np.array([7]))[0][0], bundle.raw_target[origin + 1 : origin + 4])


def test_the_truth_is_observed_where_it_was_not_filled(bundle: ModelInput) -> None:
    rows = bundle.window_origin[:, None] + np.arange(1, 4)
    np.testing.assert_array_equal(bundle.truth(np.arange(len(bundle.X)))[1], ~bundle.is_imputed[rows])


def test_history_ends_with_the_origin(bundle: ModelInput) -> None:
    origin = int(bundle.window_origin[30])
    np.testing.assert_array_equal(
        bundle.past(np.array([30]), np.array([3, 2, 1, 0]))[0], bundle.raw_target[origin - 3 : origin + 1]
    )


@pytest.mark.parametrize("series", [0, 1])
def test_history_is_nan_before_the_series_begins(bundle: ModelInput, series: int) -> None:
    first = int(np.argmax(bundle.window_series == series))
    history = bundle.past(np.array([first]), np.arange(10)[::-1])[0]
    assert np.isnan(history).any(axis=1).tolist() == [True] * 4 + [False] * 6


def test_a_bundle_survives_the_way_through_its_arrays(bundle: ModelInput) -> None:
    again = read_back(bundle, to_arrays(bundle, windows=True))
    assert fingerprint(again) == fingerprint(bundle)


def read_back(bundle: ModelInput, arrays: dict[str, np.ndarray]) -> ModelInput:
    stored = {name: (arrays[name].shape, arrays[name].dtype) for name in WINDOW_ARRAYS if name in arrays}
    return from_arrays(arrays, stored, bundle.preprocessor, bundle.meta)


def test_no_array_of_a_bundle_holds_objects(bundle: ModelInput) -> None:
    assert {array.dtype.kind for array in to_arrays(bundle, windows=True).values()} <= set("fiubU")


def test_windows_are_written_as_they_are_cut_or_not_at_all(bundle: ModelInput) -> None:
    written, bare = (to_arrays(bundle, windows=windows) for windows in (True, False))
    assert written.keys() - bare.keys() == set(WINDOW_ARRAYS)
    np.testing.assert_array_equal(written["X"], bundle.X)
    np.testing.assert_array_equal(written["y_mask"], bundle.y_mask)
    np.testing.assert_array_equal(written["y"], np.where(bundle.y_mask, bundle.y, 0))
    assert window_bytes(bundle) == sum(written[name].nbytes for name in WINDOW_ARRAYS)
    assert fingerprint(read_back(bundle, bare)) == fingerprint(bundle)


def test_a_bundle_that_holds_together_is_accepted(bundle: ModelInput) -> None:
    check_model_input(bundle)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("window_series", "{windows},"),
        ("window_split", "{windows},"),
        ("raw_target", "120, 2"),
        ("is_imputed", "120, 2"),
        ("row_series", "120,"),
        ("row_timestamp", "120,"),
        ("row_split", "120,"),
    ],
)
def test_an_array_that_lacks_a_row_is_refused(
    bundle: ModelInput, change: Any, refuses: Any, name: str, needed: str
) -> None:
    shorter = getattr(bundle, name)[:-1]
    shape = "(" + needed.format(windows=len(bundle.X)) + ")"
    with refuses(ShapeContractError, 22, f"'{name}' has the shape {shorter.shape}; {shape} is needed"):
        check_model_input(change(**{name: shorter}))


def test_scaled_rows_that_lack_a_feature_are_refused(bundle: ModelInput, change: Any, refuses: Any) -> None:
    with refuses(ShapeContractError, 22, "'scaled' has the shape (120, 7); (120, 8) is needed"):
        check_model_input(change(scaled=bundle.scaled[:, :-1]))


@pytest.mark.parametrize("indices", [(0, 8), (-1, 0)])
def test_targets_outside_the_features_are_refused(change: Any, refuses: Any, indices: tuple[int, ...]) -> None:
    found = f"{min(indices)} to {max(indices)}"
    with refuses(ShapeContractError, 22, f"'target_indices' reaches from {found}; 0 to 7 is possible"):
        check_model_input(change(target_indices=indices))


@pytest.mark.parametrize(
    ("name", "value", "largest"), [("window_origin", 117, 116), ("window_series", 2, 1), ("window_origin", -1, 116)]
)
def test_windows_beyond_the_rows_are_refused(
    bundle: ModelInput, change: Any, refuses: Any, name: str, value: int, largest: int
) -> None:
    numbers = getattr(bundle, name).copy()
    numbers[5] = value
    with refuses(ShapeContractError, 22, f"'{name}' reaches from", f"; 0 to {largest} is possible"):
        check_model_input(change(**{name: numbers}))


def test_rows_after_the_origin_are_refused(bundle: ModelInput, change: Any, refuses: Any) -> None:
    with refuses(ShapeContractError, 22, "'ages' reaches from -1 to"):
        check_model_input(change(ages=bundle.ages - 1))


def test_rows_that_are_not_finite_are_refused(bundle: ModelInput, change: Any, refuses: Any) -> None:
    scaled = bundle.scaled.copy()
    scaled[3, 1] = np.inf
    with refuses(ShapeContractError, 22, "'scaled' holds values that are not finite"):
        check_model_input(change(scaled=scaled))


def test_a_bundle_without_targets_is_refused(bundle: ModelInput, change: Any, refuses: Any) -> None:
    nothing = {"target_indices": (), "raw_target": bundle.raw_target[:, :0], "is_imputed": bundle.is_imputed[:, :0]}
    with refuses(ShapeContractError, 22, "F_total >= F_target >= 1 is needed; found F_total=8, F_target=0"):
        check_model_input(change(**nothing))


@pytest.mark.parametrize("horizon", [1, 3, 6])
def test_windows_that_fit_are_accepted(horizon: int) -> None:
    check_windows(X, np.zeros((4, horizon * 2)), input_features=3, target_count=2, lookback=6)


def test_targets_that_were_not_observed_may_be_nan() -> None:
    check_windows(X, np.full((4, 6), np.nan), input_features=3)


def test_there_is_one_target_where_nothing_else_is_said() -> None:
    check_windows(X, np.zeros((4, 5)), input_features=3)


# The first and the last, and those at the border of what is looked at in one go.
@pytest.mark.parametrize("window", [0, 8_191, 8_192, 9_999])
@pytest.mark.parametrize("name", ["X", "y"])
def test_a_single_infinite_value_is_found_wherever_it_stands(refuses: Any, name: str, window: int) -> None:
    arrays = {"X": np.zeros((10_000, 1, 1), dtype=np.float32), "y": np.zeros((10_000, 1), dtype=np.float32)}
    arrays[name][window] = np.inf
    with refuses(ShapeContractError, 22, f"{name} holds "):
        check_windows(**arrays, input_features=1)


def test_windows_without_targets_are_accepted() -> None:
    check_windows(X, input_features=3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": X[0]}, "X has the shape (6, 3); (windows, 6, 3) is needed"),
        ({"X": X[:, :5]}, "X has the shape (4, 5, 3); (windows, 6, 3) is needed"),
        ({"X": X[:, :, :2]}, "X has the shape (4, 6, 2); (windows, 6, 3) is needed"),
        ({"X": np.full_like(X, np.nan)}, "X holds values that are not finite"),
        ({"X": np.full_like(X, np.inf)}, "X holds values that are not finite"),
        ({"y": Y[1:]}, "y has the shape (3, 6); (4, horizon * 2) is needed"),
        ({"y": Y[:, :5]}, "y has the shape (4, 5); (4, horizon * 2) is needed"),
        ({"y": Y[:, :0]}, "y has the shape (4, 0); (4, horizon * 2) is needed"),
        ({"y": Y[:, 0]}, "y has the shape (4,); (4, horizon * 2) is needed"),
        ({"y": np.full_like(Y, -np.inf)}, "y holds infinite values"),
        ({"target_count": 0}, "F_total >= F_target >= 1 is needed; found F_total=3, F_target=0"),
        ({"target_count": 4}, "F_total >= F_target >= 1 is needed; found F_total=3, F_target=4"),
    ],
)
def test_windows_against_the_contract_are_refused(refuses: Any, changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"X": X, "y": Y, "input_features": 3, "target_count": 2, "lookback": 6} | changed
    with refuses(ShapeContractError, 22, message):
        check_windows(arguments.pop("X"), arguments.pop("y"), **arguments)


def test_the_first_file_of_another_run_is_named(refuses: Any) -> None:
    with refuses(RunIdMismatchError, 23, "b belongs to run 'two', not to 'one'", "processed_run_id"):
        check_same_run("one", {"a": "one", "b": "two", "c": "three"})


def test_files_of_one_run_are_accepted() -> None:
    check_same_run("one", {"a": "one", "b": "one"})


def test_arrays_that_name_no_run_are_refused(bundle: ModelInput, refuses: Any) -> None:
    arrays = {name: array for name, array in to_arrays(bundle, windows=False).items() if name != "run_id"}
    with refuses(RunIdMismatchError, 23, "processed.npz belongs to run '', not to 'test'"):
        read_back(bundle, arrays)


@pytest.mark.parametrize("name", ["X", "y", "y_mask", "scaled", "raw_target", "is_imputed", "window_origin", "ages"])
def test_an_array_of_another_kind_is_refused(bundle: ModelInput, refuses: Any, name: str) -> None:
    arrays = to_arrays(bundle, windows=True)
    arrays[name] = arrays[name].astype(np.complex64)
    with refuses(ArtifactDamagedError, 21, f"processed.npz: '{name}' has the type complex64"):
        read_back(bundle, arrays)


def test_the_meta_of_a_bundle_is_accepted(bundle: ModelInput) -> None:
    check_meta(bundle.meta, "meta.json")


@pytest.mark.parametrize("meta", [None, [], "text", 3])
def test_a_meta_that_is_no_object_is_refused(refuses: Any, meta: object) -> None:
    with refuses(ArtifactDamagedError, 21, "data/meta.json is not a JSON object"):
        check_meta(meta, "data/meta.json")


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("windows", {"window_origin": 1}),
        ("windows", {"window_series": 1}),
        ("splits", {"window_split": 1}),
        ("targets", {"raw_target": 1.0}),
    ],
)
def test_the_fingerprint_tells_bundles_apart_by(
    bundle: ModelInput, change: Any, part: str, fields: dict[str, Any]
) -> None:
    other = change(**{name: getattr(bundle, name) + amount for name, amount in fields.items()})
    assert [name for name, value in fingerprint(other).items() if value != fingerprint(bundle)[name]] == [part]
