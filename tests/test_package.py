"""What `kedro package` makes, the wheel and the configuration, runs in an empty folder without the project."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

BUDGET = "lookback=6,horizon=3,epochs=1,hidden_units=4,export_formats=onnx,edge_poc.precisions=fp32"


def call(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"DO_NOT_TRACK": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and an empty folder with a table."""

    python: Path
    conf: Path
    folder: Path

    def run(self, *options: str, params: str) -> "subprocess.CompletedProcess[str]":
        command = (str(self.python), "-m", "spline_lstm", f"--conf-source={self.conf}", *options, "--params", params)
        return call(*command, folder=self.folder)


@pytest.fixture(scope="module")
def installed(
    project: Path, make_workspace: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> Installed:  # fmt: skip
    """Package the project and install it, beside the packages that are here; nothing is downloaded."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    shutil.copytree(project / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(project / name, source / name)
    shutil.copytree(project / "conf", source / "conf")
    # As `kedro package` does, but for the build's own environment, which it would download.
    build = call(sys.executable, "-m", "build", "--wheel", "--no-isolation", f"--outdir={dist}", folder=source)
    assert build.returncode == 0, build.stderr
    conf = dist / "conf-spline_lstm.tar.gz"
    packed = call("tar", "--exclude=local/*.yml", "-czf", str(conf), f"--directory={source}", "conf", folder=source)
    assert packed.returncode == 0, packed.stderr
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (wheel,) = dist.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")
    # The packages of this environment without what its own .pth files add, which may be the project.
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    folder = tmp_path_factory.mktemp("empty")
    shutil.copy(make_workspace() / "data/01_raw/small.csv", folder / "table.csv")
    return Installed(home / "bin" / "python", conf, folder)


def test_the_package_is_that_of_the_wheel(installed: Installed) -> None:
    code = "import spline_lstm; print(spline_lstm.__file__)"
    found = call(str(installed.python), "-c", code, folder=installed.folder)
    assert Path(found.stdout.strip()).is_relative_to(installed.python.parents[1])


@pytest.fixture(scope="module")
def finished(installed: Installed) -> "subprocess.CompletedProcess[str]":
    return installed.run(params=f"input_path=table.csv,run_id=mine,{BUDGET}")


def test_the_main_job_runs(installed: Installed, finished: "subprocess.CompletedProcess[str]") -> None:
    assert (finished.returncode, finished.stderr) == (0, "")
    results = installed.folder / "data"
    assert (results / "06_models/mine/edge/model.onnx").exists()
    record = json.loads((results / "08_reporting/mine/run.json").read_text())
    assert record["command"].startswith(f"python -m spline_lstm --conf-source {installed.conf} --params input_path=")


def test_the_next_command_can_be_typed_there(
    installed: Installed, finished: "subprocess.CompletedProcess[str]"
) -> None:
    command = finished.stdout.splitlines()[-1].removeprefix("Next     ")
    typed = f"python -m spline_lstm --pipeline=forecasting --conf-source {installed.conf} --params run_id=mine"
    assert command == typed


@pytest.mark.parametrize("backend", ["keras", "onnx"])
def test_the_forecasting_runs(installed: Installed, finished: object, backend: str) -> None:
    result = installed.run("--pipeline=forecasting", params=f"run_id=mine,input_path=table.csv,backend={backend}")
    assert (result.returncode, result.stderr) == (0, "")
    assert list(installed.folder.glob("data/07_model_output/mine/forecasts/table-*/forecast.csv"))


def test_the_edge_gate_runs_again(installed: Installed, finished: object) -> None:
    result = installed.run("--pipeline=edge_poc", params=f"input_path=table.csv,run_id=mine,{BUDGET}")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_benchmark_runs(installed: Installed) -> None:
    axes = "benchmark.model_types=gru,lstm,benchmark.feature_modes=univariate,benchmark.seeds=1"
    result = installed.run("--pipeline=benchmarking", params=f"input_path=table.csv,{BUDGET},{axes}")
    assert (result.returncode, result.stderr) == (0, "")
    assert list(installed.folder.glob("data/08_reporting/benchmarks/*/comparison.md"))


def test_a_refusal_is_one_line_with_its_own_code(installed: Installed) -> None:
    result = installed.run(params="input_path=absent.csv")
    assert (result.returncode, result.stderr.count("\n")) == (10, 1)
    assert result.stderr.startswith("Error: absent.csv is not there")
