"""A configuration elsewhere, as a folder or an archive: what it names is found in it."""

import json
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.project.configuration import locate

KEDRO = str(Path(sys.executable).parent / "kedro")
TABLE = "input_path=data/01_raw/small.csv"
Result = subprocess.CompletedProcess[str]


def run(workspace: Path, *options: str, params: str = TABLE) -> Result:
    command = [KEDRO, "run", "--pipeline=preprocessing", *options, "--params", f"{params},lookback=6,horizon=3"]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    return make_workspace()


@pytest.fixture(scope="module")
def elsewhere(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration under another name, with a schema and parameters of its own."""
    folder = tmp_path_factory.mktemp("in another place") / "my settings"
    shutil.copytree(workspace / "conf", folder)
    (folder / "local").mkdir(exist_ok=True)
    own = {"version": "phase5.v1", "target_cols": ["target"], "units": {"target": "kWh"}}
    (folder / "base/covariates/own.schema.json").write_text(json.dumps(own))
    (folder / "base/covariates/default.schema.json").write_text('{"version": "phase5.v1",}')
    return folder


def pack(folder: Path, name: str) -> Path:
    path = folder.parent / name
    if name.endswith(".zip"):
        return Path(shutil.make_archive(str(path.with_suffix("")), "zip", folder.parent, folder.name))
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "conf")
    return path


@pytest.fixture(scope="module", params=["folder", "conf.tar.gz", "conf.zip"])
def source(request: pytest.FixtureRequest, elsewhere: Path) -> Path:
    return elsewhere if request.param == "folder" else pack(elsewhere, request.param)


def test_a_broken_schema_of_the_configuration_is_noticed(workspace: Path, source: Path) -> None:
    result = run(workspace, f"--conf-source={source}")
    assert (result.returncode, result.stderr.count("\n")) == (14, 1)
    assert "base/covariates/default.schema.json" in result.stderr


def test_a_schema_of_the_configuration_is_taken(workspace: Path, source: Path) -> None:
    spec = "covariate_spec=conf/base/covariates/own.schema.json"
    result = run(workspace, f"--conf-source={source}", params=f"{TABLE},{spec},run_id=own")
    assert (result.returncode, result.stderr) == (0, "")
    meta = json.loads((workspace / "data/05_model_input/own/meta.json").read_text())
    assert meta["units"] == {"target": "kWh"}
    following = next(line for line in result.stdout.splitlines() if line.startswith("Next"))
    assert shlex.split(following)[:6] == ["Next", "kedro", "run", "--pipeline=modelling", "--conf-source", str(source)]


def test_a_schema_of_ones_own_counts_from_the_project(workspace: Path, source: Path) -> None:
    result = run(workspace, f"--conf-source={source}", params=f"{TABLE},covariate_spec=malformed.json")
    assert (result.returncode, result.stderr) != (0, "")
    assert result.stderr.startswith("Error: malformed.json line 1")


@pytest.mark.parametrize(
    ("place", "source", "found"),
    [
        ("conf/base/a.json", "/project/conf", "/project/conf/base/a.json"),
        ("conf/base/a.json", "/elsewhere/settings", "/elsewhere/settings/base/a.json"),
        ("conf/base/a.json", "s3://bucket/settings/", "s3://bucket/settings/base/a.json"),
        ("mine/a.json", "/elsewhere/settings", "/project/mine/a.json"),
        ("/tmp/a.json", "/elsewhere/settings", "/tmp/a.json"),
        ("s3://bucket/a.json", "/elsewhere/settings", "s3://bucket/a.json"),
    ],
)
def test_a_path_is_found(place: str, source: str, found: str) -> None:
    assert locate(place, Path("/project"), source) == found


def test_a_path_in_an_archive_is_an_address(elsewhere: Path) -> None:
    archive = pack(elsewhere, "conf.tar.gz")
    assert locate("conf/base/a.json", Path("/project"), str(archive)) == f"tar://conf/base/a.json::{archive}"


def test_the_recorded_command_of_a_run_with_everything_can_be_pasted(workspace: Path, elsewhere: Path) -> None:
    table = "data/01_raw/my table (1).csv"
    shutil.copy(workspace / "data/01_raw/small.csv", workspace / table)
    command = [
        KEDRO, "run", "--env=ci", f"--conf-source={elsewhere}", "--runner=ThreadRunner", "--params",
        f"input_path={table},covariate_spec=conf/base/covariates/own.schema.json,run_id=all,lookback=6,horizon=3,"
        "export_formats=none",
    ]  # fmt: skip
    first = subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300, check=False)
    assert (first.returncode, first.stderr) == (0, "")
    record = workspace / "data/08_reporting/all/run.json"
    typed: dict[str, Any] = json.loads(record.read_text())
    assert shlex.split(typed["command"]) == [
        "kedro", "run", "--env", "ci", "--conf-source", str(elsewhere), "--runner", "ThreadRunner", *command[-2:],
    ]  # fmt: skip
    record.unlink()
    again = typed["command"].replace("kedro", KEDRO, 1)
    subprocess.run(again, shell=True, cwd=workspace, capture_output=True, timeout=300, check=True)
    assert json.loads(record.read_text())["sha256"] == typed["sha256"]
