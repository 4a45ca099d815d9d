"""Which models are trained where path and link are `auto`, and which is taken."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import ParameterError, TrainingDivergedError
from spline_lstm.models.base import ForecastModel
from spline_lstm.models.registry import ModelSpec
from spline_lstm.models.training import TrainingRecord
from spline_lstm.selection.candidates import check_link, fit_candidates
from spline_lstm.series.model_input import ModelInput


def chaos(steps: int = 600) -> Any:
    """Every value follows from the one before, and no regression tells it: the logistic map."""
    values = [0.3]
    while len(values) < steps:
        values.append(1 - 1.99 * values[-1] ** 2)
    return np.array(values)


def counts(steps: int = 600) -> Any:
    """Counts of a daily profile, more or fewer of them on some days than on others."""
    random = np.random.default_rng(3)
    busy = np.exp(random.normal(0, 0.5, steps // 24 + 1)).repeat(24)[:steps]
    return random.poisson(busy * (2 + 20 * np.exp(2 * np.sin(2 * np.pi * np.arange(steps) / 24)))).astype(float)


def make_spec(linear_path: str = "auto", link: str = "auto", segment: int = 1) -> ModelSpec:
    return ModelSpec(
        model_type="lstm", hidden_units=(16,), dropout=0.0, learning_rate=0.03, normalization="none",
        spline_smoothing=0.0, linear_path=linear_path, link=link, segment=segment,
        loss="squared",
    )  # fmt: skip


def candidates(
    data: ModelInput,
    epochs: dict[str, int],
    *,
    diverges: str = "",
    alone: dict[str, float] | None = None,
    **settings: Any,
) -> tuple[ForecastModel, TrainingRecord, dict[str, Any], list[str]]:
    """Fit what is to be compared, each for so many epochs by its path; returns also what was trained."""
    train, val = ((data.X[rows], data.y[rows]) for rows in map(data.windows_of, (0, 1)))
    trained = []

    def fit(model: ForecastModel) -> TrainingRecord:
        trained.append(f"{model.linear_path}, {model.space.link}")
        if diverges == trained[-1]:
            raise TrainingDivergedError("the loss is no longer a finite number")
        return model.fit_model(train, val, epochs=epochs[model.linear_path], batch_size=32, patience=30)

    return *fit_candidates(
        make_spec(**settings), data, val, 7, fit, lambda spec: (alone or {}).get(spec.linear_path, 0.0)
    ), trained


@pytest.mark.parametrize(
    ("epochs", "better"), [({"ridge": 20, "none": 1}, "ridge"), ({"ridge": 5, "none": 40}, "none")]
)
def test_far_below_the_ridge_path_the_plain_stack_is_trained_too_and_the_better_one_taken(
    prepare: Callable[..., ModelInput], epochs: dict[str, int], better: str
) -> None:
    data = prepare(chaos(), noise=0.0)
    model, record, compared, trained = candidates(data, epochs)
    assert trained == ["ridge, identity", "none, identity"]
    assert compared["linear_path"]["chosen"] == model.linear_path == better
    losses = compared["linear_path"]["val_loss"]
    assert losses[f"linear_path={better}, link=identity"] == min(losses.values()) == record.best_loss
    alone, _, nothing, _ = candidates(data, epochs, linear_path=better, link="identity")
    assert nothing == {}
    assert model.to_bytes() == alone.to_bytes()


@pytest.mark.parametrize(("ridge_alone", "expected"), [(0.01, ["none", "ridge"]), (100.0, ["none"])])
def test_over_segments_a_ridge_path_is_tried_unless_the_stack_is_far_below_it(
    prepare: Callable[..., ModelInput], ridge_alone: float, expected: list[str]
) -> None:
    epochs = {"ridge": 1, "none": 1}
    _, _, compared, trained = candidates(prepare(np.zeros(600)), epochs, segment=3, alone={"ridge": ridge_alone})
    assert trained == [f"{path}, identity" for path in expected]
    assert compared["linear_path"]["val_loss"]["ridge path alone"] == ridge_alone


def test_near_the_ridge_path_no_other_model_is_trained(prepare: Callable[..., ModelInput]) -> None:
    model, record, compared, trained = candidates(prepare(np.zeros(600)), {"ridge": 3})
    assert trained == ["ridge, identity"]
    assert (model.linear_path, model.space.link) == ("ridge", "identity")
    assert [compared[name]["chosen"] for name in ("linear_path", "link")] == ["ridge", "identity"]
    assert compared["link"]["val_loss"] == {
        "ridge path alone": record.first_loss, "linear_path=ridge, link=identity": record.best_loss,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("linear_path", "expected"),
    [
        ("auto", ["ridge, identity", "none, log"]),
        ("ridge", ["ridge, identity", "ridge, log"]),
        ("none", ["none, identity", "none, log"]),
    ],
)
def test_where_errors_grow_with_the_level_a_logarithmic_link_is_tried(
    prepare: Callable[..., ModelInput], linear_path: str, expected: list[str]
) -> None:
    data = prepare(counts(), noise=0.0)
    model, record, compared, trained = candidates(data, {"ridge": 5, "none": 40}, linear_path=linear_path)
    assert trained == expected
    losses = compared["link"]["val_loss"]
    assert record.best_loss == losses[f"linear_path={model.linear_path}, link={model.space.link}"]
    assert compared["link"]["chosen"] == model.space.link
    assert compared.keys() == {"link"} | ({"linear_path"} if linear_path == "auto" else set())


def test_the_logarithm_is_taken_where_its_validation_loss_is_lower(prepare: Callable[..., ModelInput]) -> None:
    data = prepare(counts(), noise=0.0)
    first, _, _, _ = candidates(data, {"ridge": 5}, linear_path="ridge", link="identity")
    poor, _, compared, trained = candidates(data, {"ridge": 5, "none": 1})
    assert trained[1] == "none, log"
    assert compared["link"]["chosen"] == "identity"
    assert poor.to_bytes() == first.to_bytes()
    good, record, compared, _ = candidates(data, {"ridge": 5, "none": 40})
    assert (compared["link"]["chosen"], good.space.link) == ("log", "log")
    assert record.best_loss < compared["link"]["val_loss"]["linear_path=ridge, link=identity"]


@pytest.mark.parametrize("shift", [-20.0, 5000.0])
def test_no_logarithm_of_targets_below_zero_or_whose_errors_hardly_vary_with_the_level(
    prepare: Callable[..., ModelInput], shift: float
) -> None:
    assert "none, log" not in candidates(prepare(counts() + shift, noise=0.0), {"ridge": 1, "none": 1})[3]


def test_few_validation_windows_do_not_tell_how_errors_vary(prepare: Callable[..., ModelInput]) -> None:
    tried = {}
    for steps in (210, 240):  # 29 and 33 windows of ten horizons of three steps
        data = prepare(counts(steps), noise=0.0)
        tried[len(data.windows_of(1))] = candidates(data, {"ridge": 1, "none": 1})[3][1:]
    assert [windows < 30 for windows in tried] == [True, False]
    assert [trained == ["none, log"] for trained in tried.values()] == [False, True]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_each_target_tells_by_its_own_level_how_its_errors_vary(prepare_table: Any, scale: float) -> None:
    stamps = pd.date_range("2024-01-01", periods=600, freq="h", tz="UTC")
    table = pd.DataFrame({"timestamp": stamps, "target": counts(), "sold": scale * counts()[::-1]})
    table.loc[500:520, "sold"] = np.nan  # in validation
    data = prepare_table(table, target_cols=["target", "sold"])
    assert np.isnan(data.y[data.windows_of(1)]).any()
    assert candidates(data, {"ridge": 1, "none": 1})[3] == ["ridge, identity", "none, log"]


def test_a_fill_below_zero_does_not_forbid_the_logarithm(prepare: Callable[..., ModelInput]) -> None:
    hour = np.arange(600) % 24
    data = prepare(np.where((hour > 14) & (hour < 19), np.nan, counts()), noise=0.0)
    assert data.raw_target[data.row_split == 0].min() < 0
    check_link(make_spec(link="log"), data)
    assert candidates(data, {"ridge": 1, "none": 1})[3] == ["ridge, identity", "none, log"]


@pytest.mark.parametrize(
    ("alone", "segment", "tried", "compared"),
    [
        ({"ridge": 1.0, "shared": 0.9}, 1, ["shared, identity"], {"ridge", "shared"}),
        ({"ridge": 1.0, "shared": 0.99}, 1, ["ridge, identity"], {"ridge", "shared"}),
        ({"ridge": 1e-6, "shared": 0.5}, 2, ["none, identity", "ridge, identity"], {"ridge", "shared"}),
        ({"ridge": 1e-6, "shared": 1e-9}, 2, ["none, identity", "shared, identity"], {"ridge", "shared"}),
    ],
)
def test_several_targets_may_share_a_path(
    prepare_table: Any, alone: dict[str, float], segment: int, tried: list[str], compared: set[str]
) -> None:
    data = with_two_targets(prepare_table)
    _, _, choices, trained = candidates(data, {"ridge": 1, "shared": 1, "none": 1}, alone=alone, segment=segment)
    assert trained[: len(tried)] == tried
    assert {f"{name} path alone" for name in compared} <= set(choices["linear_path"]["val_loss"])


@pytest.mark.parametrize(("targets", "path"), [(1, None), (2, "shared")])
def test_over_segments_no_path_has_more_weights_than_the_network(
    prepare_table: Any, monkeypatch: pytest.MonkeyPatch, targets: int, path: str | None
) -> None:
    monkeypatch.setattr("spline_lstm.selection.candidates._MOST_WEIGHTS", 10)
    data = with_two_targets(prepare_table, ["target", "sold"][:targets])
    losses = candidates(data, {"none": 1, "shared": 1}, segment=2, link="identity")[2]["linear_path"]["val_loss"]
    assert {name for name in losses if name.endswith("path alone")} == ({f"{path} path alone"} if path else set())


def with_two_targets(prepare_table: Any, targets: Sequence[str] = ("target", "sold")) -> ModelInput:
    stamps = pd.date_range("2024-01-01", periods=600, freq="h", tz="UTC")
    waves = np.sin(np.arange(600) / 4)
    data: ModelInput = prepare_table(
        pd.DataFrame({"timestamp": stamps, "target": waves, "sold": -waves}), target_cols=list(targets)
    )
    return data


def test_a_second_model_that_diverges_leaves_the_first(prepare: Callable[..., ModelInput]) -> None:
    data = prepare(chaos(), noise=0.0)
    model, _, compared, _ = candidates(data, {"ridge": 20, "none": 1}, diverges="none, identity")
    assert model.linear_path == "ridge"
    assert compared["linear_path"]["val_loss"]["linear_path=none, link=identity"] is None


def test_refuses_a_given_logarithm_of_targets_below_zero(refuses: Any, prepare: Callable[..., ModelInput]) -> None:
    below, above = prepare(counts() - 20, noise=0.0), prepare(counts(), noise=0.0)
    lowest = f"{below.raw_target[below.row_split == 0].min():g}"
    with refuses(ParameterError, 2, f"'link' is 'log', and the target 'target' falls to {lowest} in the training part"):
        check_link(make_spec(link="log"), below)
    check_link(make_spec(link="log"), above)
    check_link(make_spec(), below)
