"""A finished run trained once more on everything up to the end of its table, on a copy of the project."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
SETTINGS = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,hidden_units=4,epochs=3,linear_path=none"
TRAINED = f"{SETTINGS},learning_rate=0.01,model_type=gru,export_formats=onnx,run_id=mine"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    return make_workspace()


@pytest.fixture(scope="module")
def run(workspace: Path) -> Run:
    def start(*options: str, params: str) -> "subprocess.CompletedProcess[str]":
        command = [KEDRO, "run", *options, "--params", params]
        return subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=180, check=False)

    return start


def load(workspace: Path, path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((workspace / "data" / path).read_text())
    return loaded


@pytest.fixture(scope="module")
def refitted(workspace: Path, run: Run) -> "subprocess.CompletedProcess[str]":
    trained = run("--pipelines=preprocessing,modelling", params=TRAINED)
    assert (trained.returncode, trained.stderr) == (0, "")
    result = run("--pipeline=refit", params="run_id=mine")
    assert (result.returncode, result.stderr) == (0, "")
    return result


@pytest.mark.usefixtures("refitted")
def test_every_row_of_the_table_is_trained_on(workspace: Path) -> None:
    meta = load(workspace, "05_model_input/mine-refit/meta.json")
    assert meta["split"]["windows"] == {"train": 150 - 6 - 3 + 1, "val": 0, "test": 0}
    arrays = np.load(workspace / "data/05_model_input/mine-refit/processed.npz")
    targets = pd.read_csv(workspace / "data/01_raw/small.csv")["target"]
    np.testing.assert_allclose(arrays["scaled"][:, 0], (targets - targets.mean()) / targets.std(ddof=0), rtol=1e-5)


@pytest.mark.usefixtures("refitted")
def test_it_repeats_the_epochs_that_led_to_the_best_weights(workspace: Path) -> None:
    history, again = (load(workspace, f"06_models/{name}/training_history.json") for name in ("mine", "mine-refit"))
    assert len(history["schedule"]) == history["best_epoch"]
    assert again["schedule"] == history["schedule"]
    assert history["best_epoch"] > 0


@pytest.mark.usefixtures("refitted")
def test_scores_and_intervals_are_those_of_the_run_and_said_to_be(workspace: Path) -> None:
    for name, added in (("metrics", {"refit_of"}), ("intervals", set())):
        of_run, of_refit = (load(workspace, f"08_reporting/{run_id}/{name}.json") for run_id in ("mine", "mine-refit"))
        changed = {key for key in of_refit if of_refit[key] != of_run.get(key)}
        assert changed == {"run_id", "processed_run_id", "model_sha256"} | added
    assert load(workspace, "08_reporting/mine-refit/metrics.json")["refit_of"] == "mine"
    for name in ("report", "model_card"):
        text = (workspace / f"data/08_reporting/mine-refit/{name}.md").read_text()
        assert "**A refit of run mine: its settings, trained once more on every window up to the end of the" in text
        assert "this model was not tested" in text
    page = (workspace / "data/08_reporting/mine-refit/report.html").read_text()
    assert "<strong>A refit of run mine:" in page


def test_the_printed_command_forecasts_from_the_end_of_the_table(
    workspace: Path, run: Run, refitted: "subprocess.CompletedProcess[str]"
) -> None:
    assert "Next     kedro run --pipeline=forecasting --params run_id=mine-refit" in refitted.stdout
    result = run("--pipeline=forecasting", params="run_id=mine-refit")
    assert (result.returncode, result.stderr) == (0, "")
    forecast = pd.read_csv(workspace / "data/07_model_output/mine-refit/forecasts/own-table/forecast.csv")
    assert forecast["timestamp"].iloc[0].startswith("2024-05-30")


@pytest.mark.usefixtures("refitted")
def test_the_edge_gate_takes_it(workspace: Path, run: Run) -> None:
    result = run("--pipeline=edge_poc", params=TRAINED.replace("run_id=mine", "run_id=mine-refit"))
    assert (result.returncode, result.stderr) == (0, "")
    gate = load(workspace, "08_reporting/mine-refit/edge_gate.json")
    assert gate["files"]["model.onnx"]["verdict"] == "PASS"
    page = (workspace / "data/08_reporting/mine-refit/report.html").read_text()
    assert page.index("model.onnx: <strong>PASS</strong>") < page.index("<h2>Edge gate of mine-refit</h2>")


@pytest.mark.usefixtures("refitted")
def test_the_same_refit_gives_the_same_bits(workspace: Path, run: Run) -> None:
    model = workspace / "data/06_models/mine-refit/model.keras"
    before = model.read_bytes()
    assert run("--pipeline=refit", params="run_id=mine").returncode == 0
    assert model.read_bytes() == before


@pytest.mark.usefixtures("refitted")
def test_a_later_table_can_be_given(workspace: Path, run: Run) -> None:
    table = pd.read_csv(workspace / "data/01_raw/small.csv")
    longer = pd.DataFrame(
        {
            "timestamp": pd.date_range("2024-01-01", periods=160).strftime("%Y-%m-%d"),
            "target": np.resize(table.target, 160),
        }
    )
    longer.to_csv(workspace / "longer.csv", index=False)
    result = run("--pipeline=refit", params="run_id=mine,input_path=longer.csv")
    assert (result.returncode, result.stderr) == (0, "")
    assert load(workspace, "05_model_input/mine-refit/meta.json")["split"]["windows"]["train"] == 160 - 6 - 3 + 1
    assert load(workspace, "08_reporting/mine-refit/run.json")["settings"]["input_path"] == "longer.csv"


def test_refuses_what_the_run_has_decided(run: Run) -> None:
    result = run("--pipeline=refit", params="run_id=mine,epochs=3")
    assert result.returncode == 2
    assert "refit takes run_id and input_path; 'mine' decides on all else, so leave out: epochs" in result.stderr


def test_a_run_that_is_not_there_is_named(run: Run) -> None:
    result = run("--pipeline=refit", params="run_id=other")
    assert result.returncode == 20
    assert result.stderr.startswith("Error: run 'other' is not there")
