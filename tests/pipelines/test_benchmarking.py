"""The benchmark on a small table, as a user runs it: two model types, two feature modes, one seed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pandas as pd
import pytest
import yaml

from spline_lstm.errors import Failure, TrainingDivergedError
from spline_lstm.evaluation.comparison import COLUMNS
from spline_lstm.pipelines.benchmarking.nodes import Tolerant
from spline_lstm.pipelines.plan import Cell

KEDRO = str(Path(sys.executable).parent / "kedro")
SETTINGS = {
    "input_path": "data/01_raw/weather.csv", "covariate_spec": "weather.schema.json", "lookback": 6, "horizon": 3,
    "epochs": 1, "hidden_units": [4], "batch_size": 64,
}  # fmt: skip
CELL = Cell("gru-1", "windows", "gru", "univariate", 1)
AXES = {"model_types": ["lstm", "gru"], "feature_modes": ["univariate", "multivariate"], "seeds": [1]}


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path], make_table: Any, default_schema: Any) -> Path:
    folder = make_workspace()
    make_table(steps=90).to_csv(folder / "data" / "01_raw" / "weather.csv", index=False)
    (folder / "weather.schema.json").write_text(default_schema.model_dump_json(exclude_none=True))
    (folder / "conf" / "local").mkdir(exist_ok=True)
    (folder / "conf" / "local" / "parameters.yml").write_text(yaml.dump({**SETTINGS, "benchmark": AXES}))
    return folder


def benchmark(workspace: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEDRO, "run", "--pipeline=benchmarking", *options],
        cwd=workspace, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first_run(workspace: Path) -> subprocess.CompletedProcess[str]:
    return benchmark(workspace)


@pytest.fixture(scope="module")
def results(workspace: Path, first_run: subprocess.CompletedProcess[str]) -> Path:
    assert first_run.returncode == 0, first_run.stdout + first_run.stderr
    (folder,) = (workspace / "data" / "08_reporting" / "benchmarks").iterdir()
    return folder


def test_one_command_goes_from_the_table_to_the_comparison(results: Path) -> None:
    names = {path.name for path in results.iterdir()}
    assert {"comparison.csv", "comparison.json", "comparison.md", "comparison.html", "runs", "operation.json"} <= names
    assert len(list((results / "runs").glob("*-s1-*.json"))) == 4


def test_the_table_has_a_row_a_run_and_the_baselines(results: Path) -> None:
    table = pd.read_csv(results / "comparison.csv")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 4 + 7  # five naive forecasts, and a ridge for either mode
    assert table[["RMSE", "p95(ms)"]].notna().all(axis=None)


def test_the_comparison_says_what_to_ship_and_why(results: Path) -> None:
    text = (results / "comparison.md").read_text()
    assert "## Which model to ship" in text
    assert "<h2>Which model to ship</h2>" in (results / "comparison.html").read_text()
    verdicts = json.loads((results / "comparison.json").read_text())["verdicts"]
    assert {name for name, verdict in verdicts.items() if verdict["reason"]} == {"accuracy", "edge", "recommendation"}


def test_a_finished_matrix_computes_nothing_again(workspace: Path, results: Path) -> None:
    models = {path: path.stat().st_mtime_ns for path in (workspace / "data" / "06_models").rglob("model.keras")}
    assert benchmark(workspace, "--only-missing-outputs").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in models} == models


def test_only_a_missing_cell_is_computed_again_with_the_same_bytes(workspace: Path, results: Path) -> None:
    models = sorted((workspace / "data" / "06_models").rglob("model.keras"))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in models}
    models[0].unlink()
    assert benchmark(workspace, "--only-missing-outputs").returncode == 0
    assert models[0].read_bytes() == before[models[0]][1]
    assert all(path.stat().st_mtime_ns == before[path][0] for path in models[1:])


def test_two_workers_give_the_same_weights_and_metrics(workspace: Path, results: Path) -> None:
    kept = sorted(
        [*workspace.glob("data/06_models/*/model.keras"), *workspace.glob("data/08_reporting/*/metrics.json")]
    )
    before = {path: path.read_bytes() for path in kept}
    for path in kept:
        path.unlink()
    again = benchmark(workspace, "--runner=ParallelRunner")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {path: path.read_bytes() for path in kept} == before


def test_a_cell_of_another_budget_is_not_comparable(workspace: Path, results: Path) -> None:
    record = sorted(workspace.glob("data/08_reporting/gru-*/run.json"))[-1]
    content = record.read_text()
    record.write_text(json.dumps({**json.loads(content), "shared": {**json.loads(content)["shared"], "epochs": 99}}))
    (results / "comparison.md").unlink()
    refused = benchmark(workspace, "--only-missing-outputs")
    record.write_text(content)
    assert refused.returncode == 40
    assert f"cell '{record.parent.name}' is not comparable: epochs is 99" in refused.stderr


def test_when_cells_fail_all_are_tried_and_the_run_ends_with_their_code(workspace: Path) -> None:
    failed = benchmark(workspace, "--params", "learning_rate=1e30,linear_path=none,normalization=none")
    assert failed.returncode == 30
    errors = [line for line in failed.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1
    assert "cell 'lstm-univariate-s1-" in errors[0]
    assert len(list(workspace.glob("data/06_models/*/model.keras.failed"))) == 4


FAIL_LSTM = """
import spline_lstm.models.base as base
from spline_lstm.errors import TrainingDivergedError
real = base.ForecastModel.fit_model
def fit_model(self, *args, **options):
    if self.model_type == "lstm":
        raise TrainingDivergedError("the loss is no longer a number")
    return real(self, *args, **options)
base.ForecastModel.fit_model = fit_model
"""
"""Python runs a `sitecustomize` on its path before all else: with this one, each LSTM diverges."""


def test_when_a_cell_fails_the_others_are_kept_and_a_second_start_computes_only_what_is_missing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def models(pattern: str) -> set[Path]:
        return set(workspace.glob(f"data/06_models/{pattern}"))

    options = ("--only-missing-outputs", "--params", "epochs=2,benchmark.feature_modes=univariate")
    failures, made = models("*/*.failed"), models("*/model.keras")
    (workspace / "sitecustomize.py").write_text(FAIL_LSTM)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(workspace), prepend=os.pathsep)
        failed = benchmark(workspace, *options)
    assert failed.returncode == 30
    assert [line[:17] for line in failed.stderr.splitlines()] == ["Error: cell 'lstm"]
    assert {path.parent.name[:4] for path in models("*/*.failed") - failures} == {"lstm"}
    (kept,) = models("*/model.keras") - made
    before = kept.stat().st_mtime_ns
    assert benchmark(workspace, *options).returncode == 0
    assert kept.stat().st_mtime_ns == before
    assert models("*/*.failed") == failures
    assert len(models("*/model.keras") - made) == 2


def test_a_failed_step_hands_its_failure_to_the_next_one() -> None:
    def diverge(_: bytes) -> tuple[bytes, bytes]:
        raise TrainingDivergedError("the loss is no longer a number")

    failures = Tolerant(CELL, 2, diverge)(b"")
    assert failures == (Failure("cell 'gru-1': the loss is no longer a number", 30),) * 2
    assert Tolerant(CELL, 1, lambda _: pytest.fail("must not run"))(failures[0]) == failures[0]


def test_an_unexpected_error_of_one_cell_is_a_failure_too() -> None:
    failure = Tolerant(CELL, 1, lambda: 1 / 0)()
    assert failure.message.startswith("cell 'gru-1': unexpected ZeroDivisionError: division by zero")
    assert failure.exit_code == 70
    assert "ZeroDivisionError" in failure.traceback


def test_an_ensemble_of_the_seeds_has_rows_of_its_own(workspace: Path, results: Path) -> None:
    local = workspace / "conf" / "local" / "parameters.yml"
    content = local.read_text()
    axes = {"model_types": ["gru"], "feature_modes": ["univariate"], "seeds": [1, 2], "ensemble": True}
    local.write_text(yaml.dump({**SETTINGS, "benchmark": axes}))
    try:
        done = benchmark(workspace, "--only-missing-outputs")
    finally:
        local.write_text(content)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (path.parent for path in results.parent.glob("*/ensembles.json"))
    table = pd.read_csv(folder / "comparison.csv").set_index("model_type")
    members, ensemble = table.loc["gru"], table.loc["gru ensemble"]
    assert ensemble["params"] == members["params"].sum()
    assert ensemble["p50(ms)"] == pytest.approx(members["p50(ms)"].sum())
    assert ensemble["RMSE"] <= members["RMSE"].mean()  # by the convexity of the squared error
    assert "mean of 2 seeds" in (folder / "comparison.csv").read_text()
    assert "gru ensemble" in (folder / "comparison.md").read_text()


@pytest.fixture(scope="module")
def notebook(workspace: Path, results: Path) -> Any:
    """A notebook in a folder of the project, executed."""
    (workspace / "notebooks").mkdir()
    cells = [
        "%load_ext spline_lstm",
        "metrics = catalog.load('comparison')",
        "runs()[['model_type', 'feature_mode', 'seed']]",
        "first, second, *_ = sorted(runs().index)\ncompare(first, second)",
        "errors_by('weekday', 'series', run=first)",
        "plot_window('JFK', run=first)",
        "catalog.load('plot_seeds')",
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    folder = {"metadata": {"path": str(workspace / "notebooks")}}
    return nbclient.NotebookClient(made, timeout=300, kernel_name="python3", resources=folder).execute()


def test_a_notebook_says_nothing_but_what_it_is_asked(notebook: Any) -> None:
    kinds = [[output["output_type"] for output in cell["outputs"]] for cell in notebook.cells]
    results = [kind for of_cell in kinds for kind in of_cell]
    assert kinds[:2] == [[], []]
    assert set(results) <= {"execute_result", "display_data"}
    assert len(results) == 5


def test_a_notebook_has_helpers_for_all_runs(notebook: Any) -> None:
    runs, compared, errors = (cell["outputs"][0]["data"]["text/plain"] for cell in notebook.cells[2:5])
    assert len(runs.splitlines()) >= 2 + 4
    assert "feature_mode" in compared
    assert "weekday  series" in errors


@pytest.mark.parametrize("number", [5, 6])
def test_a_plot_in_a_notebook_leaves_an_image_too(notebook: Any, number: int) -> None:
    shown = notebook.cells[number]["outputs"][0]["data"]
    assert {"application/vnd.plotly.v1+json", "image/svg+xml"} <= set(shown)
