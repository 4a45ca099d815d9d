"""The command line on a copy of the project: what a user types, sees and finds on disk."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TABLE = "input_path=data/01_raw/small.csv"
SMALL = f"{TABLE},lookback=6,horizon=3,epochs=1,hidden_units=4,export_formats=none"


Result = subprocess.CompletedProcess[str]


def run(workspace: Path, *command: str, **environment: str) -> Result:
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True, timeout=300, check=False)


def files_below(folder: Path) -> dict[str, str]:
    """Path to hash."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    workspace = make_workspace()
    (workspace / "conf" / "malformed").mkdir()
    (workspace / "conf" / "malformed" / "parameters.yml").write_text("epochs: [1\n")
    return workspace


@pytest.fixture(scope="module")
def run_kedro(workspace: Path) -> Callable[..., Result]:
    """`kedro run` in the workspace."""

    def run_with(params: str, *options: str) -> Result:
        return run(workspace, str(BIN / "kedro"), "run", *options, "--params", params)

    return run_with


# What is typed: exit code, and what the message has to say.
COLUMN = 24 if sys.version_info >= (3, 13) else 25
"""Where Python says that an object with a trailing comma is malformed: at the comma, or behind it."""
REJECTIONS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "misspelt parameter": ((f"{TABLE},lokback=6",), 2, "'lokback' is unknown; did you mean 'lookback'?"),
    "lookback of zero": ((f"{TABLE},lookback=0",), 2, "'lookback' is 0; it should be greater than or equal to 1"),
    "boolean lookback": ((f"{TABLE},lookback=true",), 2, "'lookback' is True; it should be a valid integer"),
    "broken epochs": ((f"{TABLE},epochs=1.5",), 2, "'epochs' is 1.5; it should be a valid integer"),
    "unknown model type": ((f"{TABLE},model_type=lsmt",), 2, "'model_type' is 'lsmt'; allowed: lstm, gru, attention"),
    "unknown format": ((f"{TABLE},export_formats=onnx+pdf",), 2, "allowed: none, onnx, tflite"),
    "numeric run id": ((f"{TABLE},run_id=007",), 2, "'run_id' is 7; 1 to 64 letters, digits"),
    "unknown pipeline": ((TABLE, "--pipeline=modeling"), 2, "'modeling' is unknown; did you mean 'modelling'?"),
    "misspelt node": ((TABLE, "--nodes=train_modle"), 2, "'train_modle' is unknown; did you mean 'train_model'?"),
    "misspelt environment": ((TABLE, "--env=bsae"), 2, "environment 'bsae' is unknown; did you mean 'base'?"),
    "misspelt in a group": ((f"{TABLE},edge_poc.enforc=true",), 2, "'edge_poc.enforc' is unknown; did you mean 'enfo"),
    "parameter outside its group": ((f"{TABLE},folds=4",), 2, "'folds' is unknown; did you mean 'backtest.folds'?"),
    "unheeded by forecasting": (
        ("run_id=absent,lookback=48", "--pipeline=forecasting"), 2,
        "takes run_id, input_path, forecast_id, backend and strict; "
        "'absent' decides on all else, so leave out: lookback",
    ),
    "one name for many forecasts": (
        ("run_id=absent,input_path=data/*.csv,forecast_id=mine", "--pipeline=forecasting"), 2,
        "forecast_id names one forecast, and input_path=data/*.csv stands for many tables; leave forecast_id out",
    ),
    "malformed configuration": ((TABLE, "--env=malformed"), 2, "conf/malformed/parameters.yml, unable to read line 1"),
    "missing table": (("input_path=data/01_raw/absent.csv",), 10, "data/01_raw/absent.csv is not there"),
    "missing target": (
        (f"{TABLE},target_cols=demand",), 10,
        "data/01_raw/small.csv: column 'demand' is missing; found: timestamp, target",
    ),
    "missing covariate": (
        (f"{TABLE},feature_mode=multivariate",), 13,
        "data/01_raw/small.csv: required covariate 'dew_point' is missing",
    ),
    "malformed schema": ((f"{TABLE},covariate_spec=malformed.json",), 14, f"malformed.json line 1, column {COLUMN}:"),
    "missing schema": ((f"{TABLE},covariate_spec=absent.json",), 14, "absent.json cannot be read: No such file"),
    "nothing preprocessed": (
        (f"{TABLE},lookback=6", "--pipeline=modelling"), 20,
        f"meta.json is missing; make it with: kedro run --pipeline=preprocessing --params {TABLE},lookback=6",
    ),
    "absent run": (
        (f"{TABLE},run_id=absent,backend=onnx", "--pipeline=forecasting"), 20,
        "run 'absent' is not there (data/08_reporting/absent/run.json is missing); "
        "make it with: kedro run --params run_id=absent",
    ),
    "short table": (
        (f"{TABLE},lookback=100",), 26,
        "the train split holds no window of lookback=100 and horizon=24: the longest series has 150 steps",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Rejection:
    result: Result
    changed: list[str]
    exit_code: int
    message: str


@pytest.fixture(scope="module", params=REJECTIONS)
def rejection(request: pytest.FixtureRequest, workspace: Path, run_kedro: Callable[..., Result]) -> Rejection:
    """Run once for all that is asked of a rejection."""
    typed, exit_code, message = REJECTIONS[request.param]
    before = files_below(workspace / "data")
    result = run_kedro(*typed)
    after = files_below(workspace / "data")
    return Rejection(result, sorted(set(before.items()) ^ set(after.items())), exit_code, message)


def test_a_rejected_run_exits_with_the_code_of_its_reason(rejection: Rejection) -> None:
    assert rejection.result.returncode == rejection.exit_code


def test_a_rejected_run_says_why_in_one_line_on_stderr(rejection: Rejection) -> None:
    lines = rejection.result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert rejection.message in lines[0]


def test_a_rejected_run_shows_no_traceback(rejection: Rejection) -> None:
    assert "Traceback" not in rejection.result.stdout + rejection.result.stderr


def test_a_rejected_run_leaves_no_file_and_changes_none(rejection: Rejection) -> None:
    assert rejection.changed == []


def test_a_loss_that_is_no_longer_a_number_ends_the_run_without_a_model(
    workspace: Path, run_kedro: Callable[..., Result]
) -> None:
    wild = f"{SMALL},run_id=wild,batch_size=16,learning_rate=1e30,linear_path=none,normalization=none"
    diverged = run_kedro(wild)
    assert diverged.returncode == 30
    assert diverged.stderr.startswith("Error: the loss is no longer a finite number after epoch 1")
    assert len(diverged.stderr.splitlines()) == 1
    left = {path.parents[1].name for path in (workspace / "data").rglob("wild/*")}
    assert left == {"03_primary", "05_model_input"}


@dataclass(frozen=True)
class Run:
    workspace: Path
    result: Result
    files: dict[str, str]

    @property
    def record(self) -> dict[str, object]:
        loaded: dict[str, object] = json.loads(next(self.workspace.glob("data/08_reporting/*/run.json")).read_text())
        return loaded


@pytest.fixture(scope="module")
def finished(make_workspace: Callable[[], Path]) -> Run:
    """The main job on the small table."""
    workspace = make_workspace()
    result = run(workspace, str(BIN / "kedro"), "run", "--params", SMALL)
    return Run(workspace, result, files_below(workspace / "data"))


def test_a_run_succeeds(finished: Run) -> None:
    assert finished.result.returncode == 0, finished.result.stderr


@pytest.mark.parametrize(
    "path",
    [
        "03_primary/{processed}/filled_series.parquet",
        "03_primary/{processed}/fills.plotly.json",
        "05_model_input/{processed}/processed.npz",
        "05_model_input/{processed}/preprocessor.pkl",
        "05_model_input/{processed}/meta.json",
        "06_models/{run}/model.keras",
        "06_models/{run}/last.keras",
        "07_model_output/{run}/predictions.parquet",
        "08_reporting/{run}/metrics.json",
        "08_reporting/{run}/intervals.json",
        "08_reporting/{run}/windows.plotly.json",
        "08_reporting/{run}/series_metrics.parquet",
        "08_reporting/{run}/steps.plotly.json",
        "08_reporting/{run}/coverage.plotly.json",
        "08_reporting/{run}/residuals.plotly.json",
        "08_reporting/{run}/training.plotly.json",
        "08_reporting/{run}/run.json",
        "08_reporting/{run}/report.md",
        "08_reporting/{run}/model_card.md",
    ],
)
def test_a_run_leaves(finished: Run, path: str) -> None:
    ids = {"run": finished.record["run_id"], "processed": finished.record["processed_run_id"]}
    assert path.format(**ids) in finished.files


def test_a_run_leaves_no_temporary_file(finished: Run) -> None:
    assert [path for path in finished.files if Path(path).name.startswith(".") or path.endswith(".tmp")] == []


def test_run_json_names_what_repeats_the_run(finished: Run) -> None:
    record = finished.record
    assert str(record["run_id"]).startswith("lstm-univariate-s42-")
    assert (record["seed"], record["commit_hash"]) == (42, None)
    assert {
        "input_path": "data/01_raw/small.csv",
        "epochs": 1,
        "hidden_units": [4],
        "export_formats": ["none"],
    }.items() <= (
        record["settings"].items()  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("baseline", ["ridge", "last value", "moving average", "seasonal naive"])
def test_the_report_names(finished: Run, baseline: str) -> None:
    report = next(finished.workspace.glob("data/08_reporting/*/report.md")).read_text()
    assert f"| {baseline} | " in report


def test_a_notebook_session_loads_the_metrics(finished: Run) -> None:
    params = dict(item.split("=") for item in SMALL.split(","))
    typed = {name: int(value) if value.isdigit() else value for name, value in params.items()}
    code = f"""
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
with KedroSession.create(runtime_params={typed!r}) as session:
    print(session.load_context().catalog.load("metrics")["run_id"])
"""
    loaded = run(finished.workspace, sys.executable, "-c", code)
    assert loaded.stdout.splitlines()[-1:] == [finished.record["run_id"]], loaded.stderr


@pytest.fixture(scope="module")
def repeated(make_workspace: Callable[[], Path]) -> Run:
    """The same run elsewhere: another folder, way to start, time zone, locale and hash seed."""
    workspace = make_workspace()
    environment = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "5"}
    result = run(workspace, sys.executable, "-m", "spline_lstm", "--params", SMALL, **environment)
    return Run(workspace, result, files_below(workspace / "data"))


def test_the_package_runs_like_kedro_run(finished: Run, repeated: Run) -> None:
    assert repeated.result.returncode == 0, repeated.result.stderr
    assert list(repeated.files) == list(finished.files)


@pytest.mark.parametrize(
    "name",
    [
        "processed.npz",
        "preprocessor.pkl",
        "meta.json",
        "model.keras",
        "last.keras",
        "predictions.parquet",
        "metrics.json",
    ],
)
def test_the_same_run_elsewhere_gives_the_same_bytes(finished: Run, repeated: Run, name: str) -> None:
    one, other = (
        {path: digest for path, digest in run.files.items() if Path(path).name == name} for run in (finished, repeated)
    )
    assert one == other


@pytest.fixture(scope="module")
def changed(finished: Run) -> Run:
    """A second run in the same place, with other epochs."""
    params = SMALL.replace("epochs=1", "epochs=2")
    result = run(finished.workspace, str(BIN / "kedro"), "run", "--pipeline=modelling", "--params", params)
    return Run(finished.workspace, result, files_below(finished.workspace / "data"))


def test_other_settings_leave_the_first_run_untouched(finished: Run, changed: Run) -> None:
    assert finished.files.items() <= changed.files.items()


def test_other_settings_have_another_run_id_on_the_same_data(changed: Run) -> None:
    folders = {
        name: len(list((changed.workspace / "data" / name).iterdir())) for name in ("05_model_input", "06_models")
    }
    assert folders == {"05_model_input": 1, "06_models": 2}


@pytest.mark.parametrize(("option", "code"), [("--only-missing-outputs", 0), ("--params=input_path=none.csv", 10)])
def test_a_run_with_nothing_to_do_or_refused_imports_no_pandas(finished: Run, option: str, code: int) -> None:
    params = ["--params", SMALL] if code == 0 else []
    command = [sys.executable, "-X", "importtime", "-m", "kedro", "run", option, *params]
    result = run(finished.workspace, *command)
    imported = set(re.findall(r"(\w+)$", result.stderr, re.MULTILINE))
    assert (result.returncode, "numpy" in imported, "pandas" in imported) == (code, True, False)


def test_kedro_registry_list_names_the_pipelines(workspace: Path) -> None:
    listed = run(workspace, str(BIN / "kedro"), "registry", "list").stdout
    assert {"- __default__", "- preprocessing", "- modelling"} <= set(listed.splitlines())


@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_a_closed_or_full_output_does_not_end_the_work(output: str, workspace: Path) -> None:
    command = f"{BIN / 'kedro'} run --pipeline=preprocessing --params {TABLE},lookback=6,horizon=3,run_id=unseen"
    done = run(workspace, "sh", "-c", f"{command} {output}")
    assert done.returncode == 0, done.stderr
    assert (workspace / "data/05_model_input/unseen/meta.json").exists()
    assert "Traceback" not in done.stderr
    refused = run(workspace, "sh", "-c", f"{command},horizn=3 {output}")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: parameter 'horizn' is unknown")


def test_help_that_cannot_be_written_is_one_line(workspace: Path) -> None:
    done = run(workspace, "sh", "-c", f"{BIN / 'kedro'} run --help > /dev/full")
    assert done.returncode == 60
    assert done.stderr == "Error: standard output cannot be written: No space left on device\n"
