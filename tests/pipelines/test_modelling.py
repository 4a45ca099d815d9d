"""The modelling as a Kedro pipeline, in memory, on a tiny network."""

import hashlib
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from spline_lstm.datasets import BytesDataset, JSONDataset, ParquetDataset, PlotlyDataset, TextDataset
from spline_lstm.models.archive import load_network
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.pipelines.modelling import create_pipeline
from spline_lstm.pipelines.modelling.nodes import train_model
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.project.parameters import GROUPS
from spline_lstm.project.places import RECORDED
from spline_lstm.series.model_input import ModelInput

# Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

OUTPUTS: dict[str, Any] = {
    "model": BytesDataset, "last_model": BytesDataset, "training_history": JSONDataset, "metrics": JSONDataset,
    "series_metrics": ParquetDataset, "predictions": ParquetDataset, "intervals": JSONDataset,
    "run_record": JSONDataset, "explanations": JSONDataset, "plot_explanations": PlotlyDataset,
    "report": TextDataset, "report_page": TextDataset, "model_card": TextDataset,
    **dict.fromkeys(("plot_windows", "plot_steps", "plot_coverage", "plot_residuals", "plot_training"), PlotlyDataset),
}  # fmt: skip
CHANGES = {
    "model_type": "gru", "hidden_units": [4], "epochs": 2, "batch_size": 16, "learning_rate": 0.01,
    "normalization": "last", "spline_smoothing": 0.0, "linear_path": "none", "link": "identity",
}  # fmt: skip


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    """Two stations, with filled hours in train and test."""
    made: ModelInput = prepare_table(make_table(steps=80, gaps={"target": [20, 75]}))
    return made


@pytest.fixture(scope="module")
def made(bundle: ModelInput, make_parameters: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one run of all nodes gives."""
    parameters = make_parameters(lookback=6, horizon=3, **CHANGES)
    settings = parameters.model_dump(mode="json")
    given: dict[str, Any] = {
        "model_input": bundle,
        "params:run": RunSpec(
            run_id="my-run", processed_run_id="test", commit_hash="abc", settings=json.dumps(settings),
            places=json.dumps({name: f"data/{name}" for name in RECORDED}),
        ),
    }  # fmt: skip
    given |= {f"params:{name}": parameters.part(GROUPS[name]) for name in ("model", "training", "evaluation")}
    folder = tmp_path_factory.mktemp("run")
    values = {name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()}
    results = {name: kind(filepath=str(folder / name)) for name, kind in OUTPUTS.items()}
    SequentialRunner().run(create_pipeline(), DataCatalog(values | results))
    return {name: dataset.load() for name, dataset in results.items()}


def test_the_nodes_are_named_like_their_functions() -> None:
    names = {node.name for node in create_pipeline().nodes}
    assert names == {
        "train_model",
        "evaluate_model",
        "explain_model",
        "describe_run",
        "plot_run",
        "write_report",
        "write_model_card",
    }


def test_it_needs_the_model_input_and_parameters() -> None:
    assert create_pipeline().inputs() == {
        "model_input", "params:model", "params:training", "params:evaluation", "params:run",
    }  # fmt: skip


def test_every_result_is_a_dataset_of_the_catalog() -> None:
    assert create_pipeline().all_outputs() == set(OUTPUTS)


def test_the_model_file_gives_the_predictions(made: dict[str, Any], bundle: ModelInput) -> None:
    model = TrainedNetwork.from_bytes(made["model"], "model.keras", "gru")
    windows = bundle.windows_of(2)
    forecast = bundle.in_target_units(model.predict(bundle.X[windows]), windows)
    np.testing.assert_allclose(made["predictions"]["y_pred"], forecast.reshape(-1), rtol=1e-5)


def test_the_last_network_is_kept_beside_the_best(made: dict[str, Any]) -> None:
    load_network(made["last_model"], "last.keras")
    is_best_last = made["training_history"]["best_epoch"] == made["training_history"]["history"][-1]["epoch"]
    assert (made["last_model"] == made["model"]) == is_best_last


def test_the_history_begins_before_the_first_step(made: dict[str, Any]) -> None:
    history = made["training_history"]["history"]
    assert [(entry["epoch"], entry["loss"] is None) for entry in history] == [(0, True), (1, False), (2, False)]


def test_what_auto_has_decided_is_recorded(bundle: ModelInput, make_parameters: Any) -> None:
    auto = dict.fromkeys(("normalization", "spline_smoothing", "linear_path", "link", "learning_rate"), "auto")
    parameters = make_parameters(lookback=6, horizon=3, **(CHANGES | auto))
    run = RunSpec(run_id="my-run", processed_run_id="test", commit_hash="abc", settings="{}")
    _, _, history = train_model(bundle, *(parameters.part(GROUPS[name]) for name in ("model", "training")), run)
    assert set(history["choices"]) == set(auto)
    assert history["choices"]["linear_path"]["chosen"] in ("ridge", "none")


@pytest.mark.parametrize(("metric", "power"), [("mae", 1), ("mse", 2)])
def test_the_metrics_are_those_of_the_predictions(made: dict[str, Any], metric: str, power: int) -> None:
    table: pd.DataFrame = made["predictions"]
    scored = table[table["is_scored"]]
    error = (scored["y_pred"] - scored["y_true"]).abs() ** power
    assert made["metrics"]["test"]["model"]["overall"][metric] == pytest.approx(error.mean())


def test_a_filled_hour_is_predicted_but_not_scored(made: dict[str, Any]) -> None:
    table: pd.DataFrame = made["predictions"]
    assert not table["is_scored"].all()
    assert table["y_pred"].notna().all()


def test_the_ridge_baseline_is_scored_on_the_same_windows(made: dict[str, Any]) -> None:
    metrics = made["metrics"]["test"]
    assert metrics["baselines"]["ridge"]["overall"]["rmse"] < metrics["baselines"]["last_value"]["overall"]["rmse"]


def test_the_intervals_are_those_of_the_model_on_validation(made: dict[str, Any], bundle: ModelInput) -> None:
    assert made["intervals"]["model_sha256"] == hashlib.sha256(made["model"]).hexdigest()
    assert made["intervals"]["windows"] == len(bundle.windows_of(1))
    assert made["intervals"]["levels"] == [0.8, 0.95]


def test_the_coverage_is_that_of_the_predictions(made: dict[str, Any]) -> None:
    table: pd.DataFrame = made["predictions"][made["predictions"]["is_scored"]]
    covered = table["y_true"].between(table["lower_80"], table["upper_80"])
    assert made["metrics"]["intervals"][0]["coverage"] == pytest.approx(covered.mean())


def test_the_metrics_of_each_series_are_those_of_its_predictions(made: dict[str, Any]) -> None:
    table = made["predictions"][made["predictions"]["is_scored"]]
    expected = (table["y_pred"] - table["y_true"]).abs().groupby(table["series_id"], observed=True).mean()
    by_series = made["series_metrics"].query("forecast == 'model'").set_index("series_id")["mae"]
    assert by_series.to_dict() == pytest.approx(expected.to_dict())


def test_the_metrics_name_their_run(made: dict[str, Any]) -> None:
    assert (made["metrics"]["run_id"], made["metrics"]["processed_run_id"]) == ("my-run", "test")


def test_the_record_holds_the_hashes_of_the_models(made: dict[str, Any]) -> None:
    hashes = {
        f"{name}.keras": hashlib.sha256(made[key]).hexdigest()
        for name, key in (("model", "model"), ("last", "last_model"))
    }
    assert made["run_record"]["sha256"] == hashes


@pytest.mark.parametrize(
    ("key", "value"), [("run_id", "my-run"), ("processed_run_id", "test"), ("seed", 42), ("commit_hash", "abc")]
)
def test_the_record_names(made: dict[str, Any], key: str, value: object) -> None:
    assert made["run_record"][key] == value


def test_the_record_holds_the_settings(made: dict[str, Any]) -> None:
    assert CHANGES.items() <= made["run_record"]["settings"].items()


def test_the_record_counts_bytes_and_parameters(made: dict[str, Any]) -> None:
    gru, head = 3 * (4 * 1 + 4 * 4 + 2 * 4), 4 * 3 + 3
    assert (made["run_record"]["size_bytes"], made["run_record"]["params"]) == (len(made["model"]), gru + head)


def test_the_report_is_that_of_the_run(made: dict[str, Any]) -> None:
    assert made["report"].startswith("# Run my-run\n")
    assert "<h1>Run my-run</h1>" in made["report_page"]
