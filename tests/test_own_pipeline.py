"""A pipeline of a team's own beside those of the project: its parameters are let through, its errors can be found."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

PIPELINE = """
import os

from kedro.pipeline import Node, Pipeline

if os.environ.get("BROKEN") == "import":
    {}["import"]


def check(threshold, metrics):
    return {"passed": {"threshold": threshold, "windows": 3}["windows"] >= threshold, **metrics}


def fail(threshold, metrics):
    return metrics["nothing of this name"]


def create_pipeline():
    if os.environ.get("BROKEN") == "create_pipeline":
        {}["create_pipeline"]
    function = fail if os.environ.get("BROKEN") == "node" else check
    return Pipeline([Node(function, ["params:my_pipeline.threshold", "backtest"], "passed", name="check")])
"""
HOOK = """

from kedro.framework.hooks import hook_impl


class MyHooks:
    @hook_impl
    def before_pipeline_run(self):
        import os
        if os.environ.get("BROKEN") == "hook":
            {}["hook"]


HOOKS = (*HOOKS, MyHooks())
"""


@dataclass(frozen=True)
class Workspace:
    folder: Path

    def run(self, *options: str, params: str = "run_id=mine", broken: str = "") -> "subprocess.CompletedProcess[str]":
        kedro = str(Path(sys.executable).parent / "kedro")
        env = {**os.environ, "PYTHONPATH": str(self.folder / "src"), "BROKEN": broken}
        command = [kedro, "run", *options, "--params", f"input_path=data/01_raw/small.csv,{params}"]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=300, check=False
        )


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path], project: Path) -> Workspace:
    """The project with a pipeline, parameters, a dataset and a hook of a team's own, and scores of a run."""
    folder = make_workspace()
    shutil.copytree(project / "src", folder / "src", dirs_exist_ok=True)
    package = folder / "src" / "spline_lstm"
    own = package / "pipelines" / "my_pipeline"
    own.mkdir()
    (own / "__init__.py").write_text("from spline_lstm.pipelines.my_pipeline.pipeline import create_pipeline\n")
    (own / "pipeline.py").write_text(PIPELINE)
    (package / "settings.py").write_text((package / "settings.py").read_text() + HOOK)
    (folder / "conf" / "base" / "parameters_my_pipeline.yml").write_text("my_pipeline: {threshold: 3}\n")
    (folder / "conf" / "base" / "catalog_my_pipeline.yml").write_text(
        "passed: {type: json.JSONDataset, filepath: data/passed.json}\n"
    )
    scores = folder / "data" / "08_reporting" / "mine" / "backtest.json"
    scores.parent.mkdir(parents=True)
    scores.write_text('{"rmse": 1.5}')
    return Workspace(folder)


def test_it_runs_with_its_own_parameters(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=my_pipeline")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads((workspace.folder / "data/passed.json").read_text()) == {"passed": True, "rmse": 1.5}


def test_its_parameters_can_be_given_on_the_command_line(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=my_pipeline", params="run_id=mine,my_pipeline.threshold=4")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads((workspace.folder / "data/passed.json").read_text())["passed"] is False


def test_other_pipelines_run_beside_its_parameters(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=describe")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("pipeline", ["my_pipeline", "describe"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("lokback=6", "Error: parameter 'lokback' is unknown; did you mean 'lookback'?"),
        ("my_pipelin.threshold=3", "Error: parameter 'my_pipelin' is unknown; "),
        ("windows.lookback=6", "Error: parameter 'windows' is unknown; "),
    ],
)
def test_a_name_that_no_pipeline_takes_is_refused(
    workspace: Workspace, pipeline: str, given: str, message: str
) -> None:
    result = workspace.run(f"--pipeline={pipeline}", params=f"run_id=mine,{given}")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(message)


def test_an_unknown_pipeline_is_still_named_in_words(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=my_pipelin")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "pipeline 'my_pipelin' is unknown; did you mean 'my_pipeline'?" in result.stderr


@pytest.mark.parametrize(
    ("broken", "key", "place"),
    [
        ("node", "nothing of this name", "in fail"),
        ("hook", "hook", "in before_pipeline_run"),
        ("create_pipeline", "create_pipeline", "in create_pipeline"),
        ("import", "import", "my_pipeline/pipeline.py"),
    ],
)
def test_an_error_in_its_own_code_is_one_line_that_names_the_traceback(
    workspace: Workspace, broken: str, key: str, place: str
) -> None:
    result = workspace.run("--pipeline=my_pipeline", broken=broken)
    assert (result.returncode, result.stderr.count("\n")) == (70, 1)
    start, _, log = result.stderr.strip().partition("; the traceback is in ")
    assert start == f"Error: unexpected KeyError: '{key}'; this is a bug in the project"
    text = (workspace.folder / log).read_text()
    assert place in text
    assert f"KeyError: '{key}'" in text


def test_a_switch_shows_the_traceback_on_the_terminal(workspace: Workspace) -> None:
    result = workspace.run("--pipeline=my_pipeline", "--traceback", broken="node")
    assert result.returncode == 70
    assert "in fail\n" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: unexpected KeyError: 'nothing of this name'")
