"""A scheduler may start one process a node: each node alone gives the bits of the whole run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import MemoryDataset

pytestmark = [
    # Kedro 1.7 reads `model_fields` from instances of pydantic's models, which pydantic deprecates.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance"),
    # The benchmark joins datasets of several namespaces, which Kedro takes for a naming mistake.
    pytest.mark.filterwarnings("ignore:One or more dataset names contain '.' characters:UserWarning"),
]
KEDRO = str(Path(sys.executable).parent / "kedro")
PARAMS = (
    "input_path=data/01_raw/small.csv,lookback=6,horizon=3,epochs=2,hidden_units=4,run_id=mine,export_formats=onnx,"
    "edge_poc.precisions=fp32"
)
NODES = (
    "make_model_input", "train_model", "evaluate_model", "describe_run", "explain_model", "plot_run",
    "write_model_card", "write_report", "export_model", "judge_exports", "write_edge_report",
)  # fmt: skip
# tf2onnx, which makes the file of the second route, numbers what it makes anew in every process.
MEASURED = re.compile(r"seconds|_at$|latency|^found$|^stable$|^second_route")
"""Keys whose values are times or follow from them."""


def run(workspace: Path, *options: str) -> None:
    command = [KEDRO, "run", *options, "--params", PARAMS]
    result = subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300, check=False)
    assert (result.returncode, result.stderr) == (0, ""), options


@pytest.fixture(scope="module")
def whole(make_workspace: Callable[[], Path]) -> Path:
    workspace = make_workspace()
    run(workspace)
    return workspace / "data"


@pytest.fixture(scope="module")
def apart(make_workspace: Callable[[], Path]) -> Path:
    workspace = make_workspace()
    for node in NODES:
        run(workspace, f"--nodes={node}")
    return workspace / "data"


def settled(path: Path) -> Any:
    """What a file holds besides times and what was measured in them."""
    if path.suffix == ".json":
        return list(without_times(json.loads(path.read_text())))
    if path.name in ("edge_gate.md", "report.html"):
        return re.sub(r"[\d.,]+| \(unstable\)|\bmet\b|\bmissed\b", "", path.read_text())
    if path.suffix == ".md":
        return re.sub(r"\d+ s\b|finished at .*", "", path.read_text())
    return path.read_bytes()


def without_times(values: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            if not MEASURED.search(str(key)):
                yield from without_times(value, f"{at}.{key}")
    else:
        yield at, values


def test_the_nodes_are_those_of_the_main_job(whole: Path) -> None:
    listed = subprocess.run(
        [KEDRO, "registry", "describe", "__default__"], cwd=whole.parent, capture_output=True, text=True, check=True
    ).stdout
    assert sorted(re.findall(r"- (\w+) \(", listed)) == sorted(NODES)


def test_every_node_in_a_process_of_its_own_gives_the_files_of_the_whole_run(whole: Path, apart: Path) -> None:
    names = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    assert names == {path.relative_to(apart) for path in apart.rglob("*") if path.is_file()}
    differ = [str(name) for name in names if settled(whole / name) != settled(apart / name)]
    assert [name for name in differ if not MEASURED.search(Path(name).name)] == []


def test_a_run_goes_on_from_any_node(whole: Path, apart: Path) -> None:
    before = settled(apart / "08_reporting/mine/metrics.json")
    for name in ("metrics.json", "report.md"):
        (apart / "08_reporting/mine" / name).unlink()
    run(apart.parent, "--pipeline=modelling", "--from-nodes=evaluate_model")
    assert settled(apart / "08_reporting/mine/metrics.json") == before
    assert (apart / "08_reporting/mine/report.md").exists()


@pytest.fixture(scope="module", params=[{"backtest": {"folds": 2}}, {"partitions": 3}], ids=["whole", "parts"])
def catalog(request: pytest.FixtureRequest, project: Path) -> Iterator[Any]:
    before = Path.cwd()
    os.chdir(project)
    bootstrap_project(project)
    with KedroSession.create(project_path=project, runtime_params=request.param) as session:
        yield session.load_context().catalog
    os.chdir(before)


@pytest.mark.parametrize(
    "name",
    [
        "preprocessing",
        "modelling",
        "edge_poc",
        "benchmarking",
        "edge_matrix",
        "backtest",
        "forecasting",
        "refit",
        "describe",
        "tuning",
    ],
)
def test_nothing_passes_from_node_to_node_in_memory(catalog: Any, name: str) -> None:
    made = pipelines[name].all_outputs()
    assert [dataset for dataset in made if isinstance(catalog[dataset], MemoryDataset)] == []
