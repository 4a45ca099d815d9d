"""The starter makes a project of its own name with the pipelines and the configuration of this one."""

import filecmp
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
OWN = """
from kedro.pipeline import Node, Pipeline


def create_pipeline():
    return Pipeline([Node(lambda threshold: f"{threshold}", "params:own.threshold", "greeting", name="greet")])
"""
Result = subprocess.CompletedProcess[str]


def call(*command: str, folder: Path, typed: str = "") -> Result:
    env = {**os.environ, "DO_NOT_TRACK": "1"}
    return subprocess.run(
        command, cwd=folder, env=env, input=typed, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def made(project: Path, make_table: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made without a question, with a table of its own and a pipeline of its own."""
    folder = tmp_path_factory.mktemp("projects")
    make_table(steps=400, series=("JFK",))[["timestamp", "target"]].to_csv(folder / "demand.csv", index=False)
    names = {"project_name": "Shop Demand", "repo_name": "shop-demand", "python_package": "shop_demand"}
    config = {"output_dir": ".", **names, "table": "demand.csv"}
    (folder / "new.yml").write_text("".join(f"{name}: {value}\n" for name, value in config.items()))
    done = call(KEDRO, "new", f"--starter={project / 'starter'}", "--config=new.yml", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    own = folder / "shop-demand" / "src" / "shop_demand" / "pipelines" / "own"
    own.mkdir()
    (own / "__init__.py").write_text("from shop_demand.pipelines.own.pipeline import create_pipeline\n")
    (own / "pipeline.py").write_text(OWN)
    return folder / "shop-demand"


def test_its_configuration_is_that_of_this_project_but_for_the_table(made: Path, project: Path) -> None:
    paths = [path.relative_to(project) for name in ("base", "ci") for path in (project / "conf" / name).rglob("*.*")]
    paths += [Path("conf/logging.yml"), Path(".telemetry"), Path(".gitignore")]
    other = [path for path in paths if not filecmp.cmp(made / path, project / path, shallow=False)]
    assert other == [Path("conf/base/parameters.yml")]
    lines = [(folder / other[0]).read_text().splitlines() for folder in (made, project)]
    changed = [now for now, before in zip(*lines, strict=True) if now != before]
    assert [line.split(" #")[0].strip() for line in changed] == ["input_path: data/01_raw/demand.csv"]


def test_its_own_tests_run_the_main_job(made: Path) -> None:
    done = call(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=made)
    assert done.returncode == 0, done.stdout
    assert list(made.glob("data/06_models/lstm-univariate-*/edge/model.onnx"))


def test_its_pipelines_are_those_of_this_project_and_its_own(made: Path) -> None:
    done = call(KEDRO, "registry", "list", folder=made)
    assert {"- own", "- forecasting", "- benchmarking"} <= set(done.stdout.splitlines())
    done = call(KEDRO, "run", "--pipeline=own", "--params=own.threshold=3", folder=made)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_refusal_is_one_line_with_its_code_there_too(made: Path) -> None:
    done = call(KEDRO, "run", "--pipeline=owm", folder=made)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("Error: pipeline 'owm' is unknown; did you mean 'own'?")


def test_with_a_name_alone_it_begins_with_the_bundled_table(project: Path, tmp_path: Path) -> None:
    done = call(KEDRO, "new", f"--starter={project / 'starter'}", "--name=Some Weather", folder=tmp_path, typed="\n")
    assert done.returncode == 0, done.stderr
    table = "data/01_raw/nyc_weather.csv"
    assert filecmp.cmp(tmp_path / "some-weather" / table, project / table, shallow=False)
    assert (tmp_path / "some-weather" / "src" / "some_weather" / "settings.py").exists()


def test_a_table_that_is_not_there_is_named(project: Path, tmp_path: Path) -> None:
    options = (f"--starter={project / 'starter'}", "--name=Some Weather")
    done = call(KEDRO, "new", *options, folder=tmp_path, typed="absent.csv\n")
    assert done.returncode == 1
    assert "absent.csv is not there; give the path of your table" in done.stderr
    assert not (tmp_path / "some-weather").exists()
