"""The tuning: trials see no test part, go on where they were stopped, and are what the run is that follows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from spline_lstm.datasets import FilledSeriesDataset, JSONDataset, PlotlyDataset, TextDataset
from spline_lstm.errors import InsufficientDataError, ParameterError
from spline_lstm.pipelines.modelling.nodes import evaluate_model, train_model
from spline_lstm.pipelines.plan import Plan, RunSpec, SearchSpec, set_current_plan
from spline_lstm.pipelines.preprocessing.nodes import window_series
from spline_lstm.pipelines.tuning import create_pipeline
from spline_lstm.pipelines.tuning.nodes import Trial, choose_settings, fill_without_test
from spline_lstm.project.parameters import Parameters
from spline_lstm.project.plan import make_plan

# Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    # The trials are in a namespace of their own.
    pytest.mark.filterwarnings("ignore:One or more dataset names contain '.' characters:UserWarning"),
]
TUNING: dict[str, Any] = {
    "trials": 3, "at_once": 2, "model_type": ["gru"], "hidden_units": [2], "dropout": [], "learning_rate": [],
    "normalization": [], "lookback": [8],
}  # fmt: skip
CHANGES: dict[str, Any] = {
    "lookback": 6, "horizon": 3, "hidden_units": [4], "epochs": 1, "batch_size": 64, "learning_rate": 0.01,
    "normalization": "none", "tuning": TUNING,
}  # fmt: skip


@pytest.fixture(scope="module")
def table(make_table: Any) -> pd.DataFrame:
    made: pd.DataFrame = make_table(steps=120, gaps={"target": [40, 90, 91]})
    return made


def search_of(parameters: Parameters, schema: Any) -> SearchSpec:
    return SearchSpec.parse(make_plan(parameters, schema, None).parameters["search"], ParameterError, "parameter")


@pytest.fixture(scope="module")
def tune(
    make_parameters: Any, default_schema: Any, table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Run the tuning into a folder; what is there already is reused."""
    folder = tmp_path_factory.mktemp("tuning")

    def run(trials: int) -> Path:
        parameters = make_parameters(**CHANGES | {"tuning": TUNING | {"trials": trials}})
        set_current_plan(make_plan(parameters, default_schema, None))
        given = {
            "raw_table": table,
            "covariate_schema": default_schema,
            "params:search": search_of(parameters, default_schema),
        }
        catalog = DataCatalog({name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()})
        for number in range(1, trials + 1):
            name = f"trial{number:03}"
            catalog[f"trials.{name}"] = JSONDataset(filepath=str(folder / f"{name}.json"), holds="trial")
        catalog["tuning_series"] = FilledSeriesDataset(filepath=str(folder / "series.npz"))
        catalog["best_settings"] = JSONDataset(filepath=str(folder / f"best_of_{trials}.json"))
        catalog["tuning_report"] = TextDataset(filepath=str(folder / f"best_of_{trials}.md"))
        catalog["tuning_page"] = TextDataset(filepath=str(folder / f"best_of_{trials}.html"))
        catalog["plot_tuning"] = PlotlyDataset(filepath=str(folder / f"best_of_{trials}.plotly.json"))
        SequentialRunner().run(create_pipeline(), catalog, only_missing_outputs=True)
        return folder

    return run


@pytest.fixture(scope="module")
def tuned(tune: Callable[..., Path]) -> Path:
    return tune(3)


def trials_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("trial*.json"))]


def test_the_first_trial_has_the_runs_own_settings_and_no_settings_are_tried_twice(tuned: Path) -> None:
    settings = [trial["settings"] for trial in trials_in(tuned)]
    assert settings[0] == {"model_type": "lstm", "hidden_units": [4], "lookback": 6}
    assert len({json.dumps(each) for each in settings}) == 3


def test_the_best_is_the_trial_with_the_lowest_validation_error(tuned: Path) -> None:
    best = json.loads((tuned / "best_of_3.json").read_text())
    trials = trials_in(tuned)
    lowest = min(trials, key=lambda trial: trial["val_rmse"])
    assert (best["trial"], best["settings"], best["settings_tried"]) == (lowest["trial"], lowest["settings"], 3)


def test_the_report_ranks_the_trials_and_says_what_to_type(tuned: Path) -> None:
    report, best = (tuned / "best_of_3.md").read_text(), json.loads((tuned / "best_of_3.json").read_text())
    assert f"`{best['command']}`" in report
    assert best["command"].endswith(",settings_tried=3")
    assert "validation RMSE (°F) | model_type | hidden_units | lookback | parameters |" in report
    ranked = [float(error) for error in re.findall(r"^\| \d \| ([\d.]+)", report, flags=re.MULTILINE)]
    assert ranked == sorted(ranked)


def test_the_plot_has_a_point_a_trial(tuned: Path) -> None:
    lowest, trial, best = json.loads((tuned / "best_of_3.plotly.json").read_text())["data"]
    assert (lowest["name"], trial["name"], best["name"]) == ("lowest so far", "trial", "best")
    assert len(trial["text"]) == 3


def test_the_page_has_the_picture(tuned: Path) -> None:
    assert 'aria-label="Validation error by trial"' in (tuned / "best_of_3.html").read_text()


def test_a_stopped_tuning_goes_on_where_it_was_and_more_trials_can_be_added(tune: Any, tuned: Path) -> None:
    before = trials_in(tuned)
    kept, lost = tuned / "trial002.json", tuned / "trial003.json"
    changed = kept.stat().st_mtime_ns
    lost.unlink()
    again = trials_in(tune(4))
    assert kept.stat().st_mtime_ns == changed
    assert [trial | {"seconds": 0} for trial in again[:3]] == [trial | {"seconds": 0} for trial in before]
    assert again[3]["settings"] not in [trial["settings"] for trial in before]
    assert (tuned / "best_of_4.md").exists()


def test_a_run_with_the_best_settings_has_the_error_of_their_trial(
    tuned: Path, fill_table: Any, table: pd.DataFrame, default_schema: Any, make_parameters: Any
) -> None:
    best = json.loads((tuned / "best_of_3.json").read_text())
    parameters = make_parameters(**CHANGES | best["settings"])
    search = search_of(parameters, default_schema)
    run = RunSpec(run_id="best", processed_run_id="best", commit_hash=None, settings="{}")
    filled = fill_table(table, **CHANGES)
    model_input, *_ = window_series(filled, default_schema, search.table, search.windows, run)
    content, *_ = train_model(model_input, search.model, search.training, run)
    metrics, *_ = evaluate_model(content, model_input, search.model, search.evaluation, run)
    assert metrics["val"]["model"]["overall"]["rmse"] == best["val_rmse"]
    assert model_input.windows_of(2).size


@pytest.fixture(scope="module")
def search(make_parameters: Any, default_schema: Any) -> SearchSpec:
    return search_of(make_parameters(**CHANGES), default_schema)


def test_nothing_of_the_test_part_reaches_a_trial(table: pd.DataFrame, default_schema: Any, search: SearchSpec) -> None:
    later = table.copy()
    columns = ["target", "dew_point", "humidity", "pressure"]
    in_test = later.groupby("station").cumcount() >= 102  # 85 % of 120
    later.loc[in_test, columns] = later.loc[in_test, columns] * 3 + 100
    one, other = (fill_without_test(each, default_schema, search) for each in (table, later))
    assert (np.diff(one.grid.borders) == 102).all()
    np.testing.assert_array_equal(one.grid.values, other.grid.values)
    np.testing.assert_array_equal(one.fills.values, other.fills.values)
    assert (one.borders.val_end == one.borders.end).all()


def refuse(*_: Any) -> Any:
    raise InsufficientDataError("the val split holds no window")


def test_settings_that_cannot_be_trained_are_a_trial_without_a_score(default_schema: Any, search: SearchSpec) -> None:
    series: Any = None
    first = {"trial": 1, "settings": {"model_type": "lstm", "hidden_units": [4], "lookback": 6}, "val_rmse": 2.0}
    failed = Trial(2, 0, refuse, refuse).try_settings(series, default_schema, search, first)
    assert failed["val_rmse"] is None
    assert failed["failure"] == "the val split holds no window"


def test_the_runs_own_settings_have_to_work(default_schema: Any, search: SearchSpec, refuses: Any) -> None:
    series: Any = None
    with refuses(InsufficientDataError, 26, "the val split holds no window"):
        Trial(1, 0, refuse, refuse).try_settings(series, default_schema, search)


def test_a_bug_in_a_trial_ends_the_tuning(default_schema: Any, search: SearchSpec) -> None:
    series: Any = None
    first = {"settings": {"model_type": "lstm", "hidden_units": [4], "lookback": 6}, "val_rmse": 2.0}
    with pytest.raises(ZeroDivisionError):
        Trial(2, 0, lambda *_: 1 / 0, refuse).try_settings(series, default_schema, search, first)


def test_without_parameters_there_is_nothing_to_run() -> None:
    set_current_plan(Plan((), {}))
    assert create_pipeline().nodes == []


def make_trial(number: int, error: float | None, windows: int = 9, failure: str | None = None) -> dict[str, Any]:
    return {
        "trial": number, "settings": {"lookback": 6 * number}, "val_rmse": error, "val_windows": windows,
        "val_sha256": str(windows), "params": 10, "units": {"target": "°F"}, "seconds": 1.0, "failure": failure,
    }  # fmt: skip


def test_only_trials_on_the_windows_of_the_first_are_compared(search: SearchSpec) -> None:
    trials = [make_trial(1, 2.0), make_trial(2, 1.0, windows=8), make_trial(3, None, 0, "too long")]
    best, report, *_ = choose_settings(search, *trials)
    assert best["trial"] == 1
    assert "None of 3 trials is better on validation than the settings of the run: RMSE 2 °F" in report
    assert "- Trial 2: scored on other windows (8) than trial 1 (9)" in report
    assert "- Trial 3: too long" in report


def test_a_tuning_on_the_command_line_runs_in_parallel_and_prints_the_command_of_the_best(
    make_workspace: Callable[[], Path],
) -> None:
    workspace = make_workspace()
    lists = ",".join(f"tuning.{name}={value}" for name, value in {"trials": 2, "model_type": "gru"}.items())
    result = subprocess.run(
        [
            str(Path(sys.executable).parent / "kedro"), "run", "--pipeline=tuning", "--runner=ParallelRunner",
            "--params", f"input_path=data/01_raw/small.csv,lookback=6,horizon=3,epochs=1,hidden_units=4,{lists}",
        ],
        cwd=workspace, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    (folder,) = (workspace / "data" / "08_reporting" / "tunings").iterdir()
    command = json.loads((folder / "best_of_2.json").read_text())["command"]
    assert command.startswith("kedro run --params input_path=data/01_raw/small.csv,horizon=3,")
    assert "tuning." not in command
    assert f"\nNext     {command}\n" in result.stdout
    assert len(list(folder.glob("trial*.json"))) == 2
