"""Preprocessing in parts: the same files bit for bit as in one piece, under every runner, and the same refusals."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
SCHEMA = {
    "version": "phase5.v1",
    "target_cols": ["target"],
    "dynamic_covariates": [{"name": "one"}, {"name": "kind", "dtype": "category"}],
    "static_covariates": [{"name": "station", "dim": 3}],
}
PARAMS = "feature_mode=multivariate,covariate_spec=stations.json,static_covariates=station,lookback=6,horizon=3"


def make_table() -> pd.DataFrame:
    """Seven hourly series with absent rows, gaps, and labels that not every series has; rows in any order."""
    random = np.random.default_rng(0)
    series = []
    for number in range(7):
        hours = int(random.integers(120, 200))
        part = pd.DataFrame(
            {
                "timestamp": pd.date_range("2024-01-01", periods=hours, freq="h").strftime("%Y-%m-%dT%H:%M:%S"),
                "station": f"s{number}",
                "target": np.round(5 * np.sin(np.arange(hours) / 4) + random.normal(size=hours), 2),
                "one": np.round(random.normal(size=hours), 2),
                "kind": random.choice(["c", "d"] if number % 2 else ["a", "b", "c"], size=hours),
            }
        )
        part.loc[random.choice(np.arange(5, hours - 5), 9, replace=False), "target"] = np.nan
        series.append(part.drop(index=random.choice(np.arange(5, hours - 5), 4, replace=False)))
    return pd.concat(series).sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    folder = make_workspace()
    table = make_table()
    table.to_csv(folder / "stations.csv", index=False)
    (folder / "stations").mkdir()
    for number in range(5):
        table.iloc[number::5].to_parquet(folder / "stations" / f"{number}.parquet", index=False)
    (folder / "stations.json").write_text(json.dumps(SCHEMA))
    return folder


def run(workspace: Path, run_id: str, settings: str, *options: str) -> "subprocess.CompletedProcess[str]":
    params = f"{PARAMS},run_id={run_id},{settings}"
    command = [KEDRO, "run", "--pipeline=preprocessing", *options, "--params", params]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300, check=False)


def results(workspace: Path, run_id: str) -> tuple[dict[str, bytes], dict[str, object], bytes]:
    with np.load(workspace / f"data/05_model_input/{run_id}/processed.npz") as file:
        arrays = {name: file[name].tobytes() for name in file.files if name != "run_id"}
    meta = json.loads((workspace / f"data/05_model_input/{run_id}/meta.json").read_text())
    del meta["run_id"], meta["sha256"]
    return arrays, meta, (workspace / f"data/03_primary/{run_id}/filled_series.parquet").read_bytes()


@pytest.mark.parametrize("table", ["stations.csv", "stations"])
@pytest.mark.parametrize(
    ("count", "options"),
    [(3, []), (7, ["--runner=ParallelRunner"]), (4, ["--runner=spline_lstm.runners.DaskRunner"])],
    ids=["one after another", "side by side", "dask"],
)
def test_the_files_are_those_of_one_piece(workspace: Path, table: str, count: int, options: list[str]) -> None:
    for run_id, settings, chosen in (("whole", "partitions=1", []), ("parts", f"partitions={count}", options)):
        result = run(workspace, run_id, f"input_path={table},{settings}", *chosen)
        assert (result.returncode, result.stderr) == (0, "")
    assert results(workspace, "parts") == results(workspace, "whole")


@pytest.mark.parametrize("count", [1, 3])
def test_a_refusal_names_the_row_of_the_whole_table(workspace: Path, count: int) -> None:
    table = make_table().astype({"one": object})
    table.loc[777, "one"] = "x"
    table.to_csv(workspace / "spoilt.csv", index=False)
    result = run(workspace, "refused", f"input_path=spoilt.csv,partitions={count}")
    assert (result.returncode, result.stderr) == (10, "Error: spoilt.csv row 779, column 'one': 'x' is not a number\n")


def test_labels_that_differ_by_the_type_of_their_file_are_refused(workspace: Path) -> None:
    (workspace / "typed").mkdir()
    for number, kind in enumerate(("int64", "float64")):
        table = make_table()
        table["station"] = table["station"].str.removeprefix("s").astype(kind)
        table.to_parquet(workspace / "typed" / f"{number}.parquet", index=False)
    result = run(workspace, "refused", "input_path=typed,partitions=3")
    assert result.returncode == 10
    assert "typed/1.parquet, column 'station': its cells are float64, and int64 in another file" in result.stderr


def test_more_parts_than_series_are_refused(workspace: Path) -> None:
    result = run(workspace, "refused", "input_path=stations.csv,partitions=8")
    assert (result.returncode, result.stderr) == (
        2,
        "Error: parameter 'partitions' is 8, and stations.csv has 7 series; a partition takes whole series, "
        "so at most partitions=7 is possible\n",
    )


FROM_A_BUCKET = """
import json
from pathlib import Path

import fsspec
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

bucket = fsspec.filesystem("memory")
for path in [*Path("stations").iterdir(), Path("stations.json")]:
    bucket.pipe(f"/bucket/{path}", path.read_bytes())
bootstrap_project(Path.cwd())
with KedroSession.create(runtime_params=PARAMETERS) as session:
    session.run(pipeline_names=["preprocessing"])
"""


@pytest.mark.parametrize("count", [1, 3])
def test_table_and_schema_can_lie_in_a_bucket(workspace: Path, count: int) -> None:
    """`memory://` has what a bucket has, objects under names, and lives within one process."""
    assert run(workspace, "whole", "input_path=stations").returncode == 0
    parameters = {
        "feature_mode": "multivariate", "static_covariates": "station", "lookback": 6, "horizon": 3,
        "input_path": "memory://bucket/stations", "covariate_spec": "memory://bucket/stations.json",
        "run_id": "bucket", "partitions": count,
    }  # fmt: skip
    script = FROM_A_BUCKET.replace("PARAMETERS", repr(parameters))
    subprocess.run([sys.executable, "-c", script], cwd=workspace, capture_output=True, timeout=300, check=True)
    arrays, meta, filled = results(workspace, "bucket")
    assert meta.pop("source") == "memory://bucket/stations"
    whole = results(workspace, "whole")
    del whole[1]["source"]
    assert (arrays, meta, filled) == whole
