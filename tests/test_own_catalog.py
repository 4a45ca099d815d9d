"""A catalog of one's own: other places and classes are followed everywhere, or refused before anything runs."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
TABLE = "input_path=data/01_raw/small.csv"
SMALL = f"{TABLE},lookback=6,horizon=3,epochs=1,hidden_units=4,export_formats=none,run_id=mine"
OWN = "spline_lstm.datasets."
CATALOG = f"""
raw_table:
  type: pandas.CSVDataset
  filepath: data/01_raw/small.csv
model_input:
  type: {OWN}ModelInputDataset
  filepath: elsewhere/windows of {{processed_run_id}}/here
  run_id: "{{processed_run_id}}"
  made_by: preprocessing
  windows: ${{runtime_params:windows}}
model:
  type: {OWN}BytesDataset
  filepath: elsewhere/best.keras
run_record:
  type: json.JSONDataset
  filepath: elsewhere/{{run_id}}/record.json
report:
  type: text.TextDataset
  filepath: elsewhere/{{run_id}}/report.md
report_page:
  type: text.TextDataset
  filepath: elsewhere/{{run_id}}/report.html
"""


@dataclass(frozen=True)
class Workspace:
    folder: Path

    def run(self, *options: str, params: str = SMALL) -> "subprocess.CompletedProcess[str]":
        command = [KEDRO, "run", *options, "--params", params]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)

    def write(self, name: str, text: str) -> None:
        (self.folder / "conf" / "local" / name).write_text(text)

    def files(self) -> set[Path]:
        folders = [self.folder / "data", self.folder / "elsewhere"]
        return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Workspace:
    """A finished run whose catalog is the user's own."""
    made = Workspace(make_workspace())
    (made.folder / "conf" / "local").mkdir(exist_ok=True)
    made.write("catalog.yml", CATALOG)
    result = made.run()
    assert (result.returncode, result.stderr) == (0, "")
    assert "Report   elsewhere/mine/report.html" in result.stdout
    return made


def test_report_and_card_name_the_files_where_they_are(workspace: Workspace) -> None:
    report = (workspace.folder / "elsewhere/mine/report.md").read_text()
    card = (workspace.folder / "data/08_reporting/mine/model_card.md").read_text()
    for path in ("elsewhere/best.keras", "elsewhere/windows of mine/here/"):
        assert f"`{path}" in report
        assert f"`{path}" in card
    for path in ("elsewhere/best.keras", "elsewhere/windows of mine/here", "elsewhere/mine/record.json"):
        assert (workspace.folder / path).exists()
    assert not (workspace.folder / "data/05_model_input").exists()


def test_a_forecast_follows_the_catalog(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=forecasting", params="run_id=mine")
    assert (result.returncode, result.stderr) == (0, "")
    assert (workspace.folder / "data/07_model_output/mine/forecasts/own-table/forecast.csv").exists()


def test_a_missing_run_names_those_that_lie_where_the_catalog_says(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=forecasting", params="run_id=mime")
    assert result.returncode == 20
    assert "'mime' is not there (elsewhere/mime/record.json is missing); did you mean 'mine'?" in result.stderr


def test_a_benchmark_whose_cells_would_share_a_file_is_refused(workspace: Workspace) -> None:
    before = workspace.files()
    result = workspace.run("--pipeline=benchmarking")
    assert result.returncode == 2
    assert "dataset 'model' has the same place in every run, 'elsewhere/best.keras'" in result.stderr
    assert workspace.files() == before


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f"{{type: {OWN}BytesDataset, filepath: a, versioned: true}}", "dataset 'model' is versioned; a run has"),
        (f"{{type: {OWN}BytesDataset, filepath: s4://b/a}}", "dataset 'model' lies at 's4://b/a': Protocol not known"),
        (
            "{type: tensorflow.TensorFlowModelDataset, filepath: a}",
            "dataset 'model' is of type 'tensorflow.TensorFlowM",
        ),
    ],
    ids=["versioned", "bucket", "class"],
)
def test_an_entry_that_no_run_could_use_is_refused_before_anything_runs(
    make_workspace: Callable[[], Path], entry: str, message: str
) -> None:
    workspace = Workspace(make_workspace())
    (workspace.folder / "conf" / "local").mkdir(exist_ok=True)
    workspace.write("catalog.yml", f"model: {entry}\n")
    before = workspace.files()
    result = workspace.run()
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr
    assert workspace.files() == before


def test_all_folders_move_with_the_globals(make_workspace: Callable[[], Path]) -> None:
    workspace = Workspace(make_workspace())
    (workspace.folder / "conf" / "local").mkdir(exist_ok=True)
    names = ("primary", "model_input", "models", "model_output", "reporting")
    workspace.write("globals.yml", "".join(f"{name}: elsewhere/{name}\n" for name in names))
    assert workspace.run().returncode == 0
    made = {path.relative_to(workspace.folder).parts[:2] for path in workspace.files() if path.suffix != ".csv"}
    assert made == {("elsewhere", name) for name in names}
    record = json.loads((workspace.folder / "elsewhere/reporting/mine/run.json").read_text())
    assert record["places"]["model"] == "elsewhere/models/mine/model.keras"
