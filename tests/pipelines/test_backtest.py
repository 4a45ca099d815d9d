"""The backtest: a fold sees nothing after its end, and all folds stand in one table."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from spline_lstm.datasets import JSONDataset, TextDataset
from spline_lstm.errors import InsufficientDataError
from spline_lstm.pipelines.backtest import create_pipeline
from spline_lstm.pipelines.backtest.nodes import InFold
from spline_lstm.pipelines.plan import RunSpec, set_current_plan
from spline_lstm.project.parameters import GROUPS, resolve_parameters
from spline_lstm.project.plan import make_plan
from spline_lstm.series.windows import WindowSpec

# Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    # The table joins datasets of several namespaces, which Kedro takes for a naming mistake.
    pytest.mark.filterwarnings("ignore:One or more dataset names contain '.' characters:UserWarning"),
]
CHANGES: dict[str, Any] = {
    "lookback": 6, "horizon": 3, "feature_mode": "multivariate", "model_type": "gru", "hidden_units": [4],
    "epochs": 1, "batch_size": 64, "backtest": {"folds": 2},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "windows": 56,
    "model": {"overall": {"rmse": 1.5, "mase": 0.5}},
    "baselines": {
        name: {"overall": {"rmse": 2.5, "mase": 1.5}}
        for name in (
            "ridge",
            "last_value",
            "moving_average",
            "seasonal_naive",
            "drift",
            "seasonal_naive_with_drift",
        )
    },
}
"""Scores of the run itself."""
STEPS = 200
BLOCK = 15
"""Steps of a test block: half of the last 15 percent."""


@pytest.fixture(scope="module")
def backtest(
    make_parameters: Any, default_schema: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[pd.DataFrame], dict[str, Any]]:
    """Run all folds on a table, in memory."""
    parameters = make_parameters(**CHANGES)
    made = make_plan(parameters, default_schema, None)
    groups = resolve_parameters(parameters, default_schema, None)

    def run(table: pd.DataFrame) -> dict[str, Any]:
        set_current_plan(made)
        pipeline = create_pipeline()
        given: dict[str, Any] = {f"params:{name}": parameters.part(kind) for name, kind in GROUPS.items()}
        given |= {"params:run": RunSpec(**groups["run"]), "params:backtest": parameters.backtest, "raw_table": table}
        for name, fold in made.parameters["folds"].items():
            parsed = {"run": RunSpec(**fold["run"]), "windows": WindowSpec(**fold["windows"]), "number": fold["number"]}
            given |= {f"params:folds.{name}.{key}": value for key, value in parsed.items()}
        given["covariate_schema"] = default_schema
        given["metrics"] = {"run_id": "alone", "test": WHOLE}
        catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()})
        folder = tmp_path_factory.mktemp("backtest")
        kept: dict[str, Any] = {
            name: JSONDataset(filepath=str(folder / name))
            for name in ("fold1of2.metrics", "fold2of2.metrics", "backtest")
        }
        kept["backtest_report"] = TextDataset(filepath=str(folder / "report"))
        kept["backtest_page"] = TextDataset(filepath=str(folder / "page"))
        for name, dataset in kept.items():
            catalog[name] = dataset
        SequentialRunner().run(pipeline, catalog)
        return {name: dataset.load() for name, dataset in kept.items()}

    return run


@pytest.fixture(scope="module")
def table(make_table: Any) -> pd.DataFrame:
    made: pd.DataFrame = make_table(steps=STEPS, gaps={"target": [100, 183, 184]})
    return made


@pytest.fixture(scope="module")
def found(backtest: Any, table: pd.DataFrame) -> dict[str, Any]:
    made: dict[str, Any] = backtest(table)
    return made


def test_nothing_after_a_folds_end_reaches_it(backtest: Any, table: pd.DataFrame, found: dict[str, Any]) -> None:
    later = table.copy()
    after = later.groupby("station").cumcount() >= STEPS - BLOCK
    columns = ["target", "dew_point", "humidity", "pressure"]
    later.loc[after, columns] = later.loc[after, columns] * 3 + 100
    again = backtest(later)
    assert again["fold1of2.metrics"] == found["fold1of2.metrics"]
    assert again["fold2of2.metrics"] != found["fold2of2.metrics"]


def test_every_fold_is_tested_on_its_own_block(found: dict[str, Any]) -> None:
    first, second = found["backtest"]["folds"]
    assert first["test_from"] == "2024-01-08 02:00:00"
    # The block begins at 17:00; the fills of the two hours before have seen three hours of it.
    assert first["test_to"] < second["test_from"] == "2024-01-08 20:00:00"
    assert second["test_to"] == "2024-01-09 07:00:00"


def test_the_scores_are_those_of_the_folds(found: dict[str, Any]) -> None:
    for number, fold in enumerate(found["backtest"]["folds"], start=1):
        metrics = found[f"fold{number}of2.metrics"]
        assert fold["scores"]["ridge"] == metrics["test"]["baselines"]["ridge"]["overall"]
        assert fold["model_sha256"] == metrics["model_sha256"]


def test_mean_and_spread_are_over_the_folds(found: dict[str, Any]) -> None:
    one, other = (fold["scores"]["model"]["rmse"] for fold in found["backtest"]["folds"])
    assert found["backtest"]["mean"]["model"]["rmse"] == pytest.approx((one + other) / 2)
    assert found["backtest"]["spread"]["model"]["rmse"] == pytest.approx(abs(one - other))


def test_the_page_shows_both_metrics_over_the_folds(found: dict[str, Any]) -> None:
    for title in ("RMSE of every fold", "MASE of every fold"):
        assert f"<h3>{title}</h3><svg" in found["backtest_page"]


@pytest.mark.parametrize("heading", ["## RMSE (°F)", "## MASE"])
def test_the_report_has_a_row_a_fold_and_every_baseline(found: dict[str, Any], heading: str) -> None:
    lines = found["backtest_report"].partition(f"{heading}\n\n")[2].partition("\n\n")[0].splitlines()
    baselines = "ridge | last value | moving average | seasonal naive | drift | seasonal naive with drift"
    assert lines[0] == f"| test block | windows | this model | {baselines} |"
    rows = [line.split(" | ")[0].removeprefix("| ")[:12] for line in lines[2:]]
    assert rows == ["1: 2024-01-0", "2: 2024-01-0", "mean", "spread", "single split"]
    assert (
        lines[-1]
        == {
            "## RMSE (°F)": "| single split | 56 | 1.5 | 2.5 | 2.5 | 2.5 | 2.5 | 2.5 | 2.5 |",
            "## MASE": "| single split | 56 | 0.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 |",
        }[heading]
    )


def test_without_folds_there_is_a_graph_to_look_at(make_parameters: Any, default_schema: Any) -> None:
    set_current_plan(make_plan(make_parameters(), default_schema, None))
    assert {node.name for node in create_pipeline().nodes} == {"plan_folds", "join_folds"}


def test_a_refusal_names_its_fold(refuses: Any) -> None:
    def refuse() -> None:
        raise InsufficientDataError("the test split holds no window")

    with refuses(InsufficientDataError, 26, "fold2of4: the test split holds no window"):
        InFold("fold2of4", refuse)()


SMALL = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,epochs=1,hidden_units=4"


@pytest.fixture(scope="module")
def run_kedro(make_workspace: Callable[[], Path]) -> Callable[..., tuple[Path, subprocess.CompletedProcess[str]]]:
    workspace = make_workspace()

    def run(
        folds: int, pipeline: str = "backtest", run_id: str = "v1.2"
    ) -> tuple[Path, subprocess.CompletedProcess[str]]:
        command = [str(Path(sys.executable).parent / "kedro"), "run", f"--pipeline={pipeline}"]
        result = subprocess.run(
            [*command, "--params", f"{SMALL},run_id={run_id},backtest.folds={folds}"],
            cwd=workspace, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return workspace, result

    for pipeline in ("preprocessing", "modelling"):
        assert run(0, pipeline)[1].returncode == 0
    return run


def test_a_backtest_without_its_run_says_how_to_make_it(run_kedro: Any) -> None:
    _, early = run_kedro(2, run_id="untrained")
    assert early.returncode == 20
    assert "metrics.json is missing; make it with: kedro run --pipeline=modelling" in early.stderr


def test_a_backtest_on_the_command_line_leaves_its_table_beside_the_run(run_kedro: Any) -> None:
    workspace, result = run_kedro(2)
    assert result.returncode == 0, result.stderr
    folder = workspace / "data" / "08_reporting" / "v1.2"
    assert len(json.loads((folder / "backtest.json").read_text())["folds"]) == 2
    assert {"backtest.json", "backtest.md", "fold1of2", "fold2of2"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("folds", "code", "message"),
    [
        (0, 2, "Error: the backtest has no folds; say how many: --params backtest.folds=4"),
        (20, 26, "Error: fold01of20: the test split holds no window"),
    ],
)
def test_a_backtest_that_cannot_be_is_refused_in_one_line(run_kedro: Any, folds: int, code: int, message: str) -> None:
    _, result = run_kedro(folds)
    assert result.returncode == code
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
