"""The Dask runner: the same results, whatever happens to a worker, and the same refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro_datasets.json import JSONDataset

from spline_lstm.errors import ParameterError
from spline_lstm.runners import DaskRunner, dask
from spline_lstm.runners.dask import split_by_memory

KEDRO = str(Path(sys.executable).parent / "kedro")
DASK = "--runner=spline_lstm.runners.DaskRunner"
PARAMS = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,hidden_units=4,epochs=2,export_formats=none"


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    return make_workspace()


def run(workspace: Path, run_id: str, *options: str, params: str = PARAMS) -> "subprocess.CompletedProcess[str]":
    command = [KEDRO, "run", "--params", f"{params},run_id={run_id}", *options]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300, check=False)


def results(workspace: Path, run_id: str) -> tuple[bytes, object]:
    metrics = json.loads((workspace / f"data/08_reporting/{run_id}/metrics.json").read_text())
    del metrics["run_id"], metrics["processed_run_id"]
    return (workspace / f"data/06_models/{run_id}/model.keras").read_bytes(), metrics


@pytest.fixture(scope="module")
def expected(workspace: Path) -> tuple[bytes, object]:
    result = run(workspace, "plain")
    assert (result.returncode, result.stderr) == (0, "")
    return results(workspace, "plain")


def test_results_are_the_same_bit_for_bit(workspace: Path, expected: object) -> None:
    result = run(workspace, "dask", DASK)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Dask dashboard: http://" in result.stdout
    assert result.stdout.count("Training dask") == 1  # told by this process, whichever worker trains
    assert results(workspace, "dask") == expected


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="workers are looked up in /proc")
def test_a_killed_worker_is_replaced_and_the_run_completes(workspace: Path, expected: object) -> None:
    command = [KEDRO, "run", DASK, "--runner-params=workers=1", "--params", f"{PARAMS},run_id=killed"]
    process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    meta = workspace / "data/05_model_input/killed/meta.json"
    deadline = time.monotonic() + 60
    while not meta.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for pid in children(process.pid):
        if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    assert results(workspace, "killed") == expected


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.parametrize(
    ("options", "params", "code", "message"),
    [
        ([], "input_path=data/01_raw/none.csv", 10, "none.csv is not there"),
        (["--runner-params=address=tcp://127.0.0.1:1"], PARAMS, 2, "no Dask scheduler answers at 'tcp://127.0.0.1:1'"),
        (["--runner-params=workers=0"], PARAMS, 2, "runner parameter 'workers' is 0; a whole number of at least 1"),
    ],
    ids=["table", "address", "workers"],
)
def test_a_refusal_is_one_line_with_its_own_code(
    workspace: Path, options: list[str], params: str, code: int, message: str
) -> None:
    result = run(workspace, "refused", DASK, *options, params=params)
    assert (result.returncode, result.stderr.count("\n")) == (code, 1)
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr


def test_parts_that_wait_for_each_other_are_refused() -> None:
    nodes = [
        Node(pass_on, "a", ["kept", "stored"], name="one"),
        Node(pass_on, "stored", "also_stored", name="two"),
        Node(pass_on, ["kept", "also_stored"], "d", name="three"),
    ]
    stored = {name: JSONDataset(filepath=f"{name}.json") for name in ("stored", "also_stored")}
    catalog = DataCatalog({"a": MemoryDataset(1), "kept": MemoryDataset(), "d": MemoryDataset(), **stored})
    with pytest.raises(ParameterError, match="wait for each other: one, three, two; keep what they share on storage"):
        DaskRunner(workers=1).run(Pipeline(nodes), catalog)


def pass_on(*values: object) -> object:
    return values[0]


def test_without_dask_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    pipeline = Pipeline([Node(pass_on, "a", "b", name="one")])
    catalog = DataCatalog({"a": MemoryDataset(1)})
    with pytest.raises(ParameterError, match=r"pip install 'spline-lstm\[dask\]'"):
        DaskRunner().run(pipeline, catalog)


def test_nodes_that_share_memory_stay_together() -> None:
    names = {"one": ("a", "b"), "two": ("b", "c"), "three": ("b", "stored"), "four": ("stored", "d")}
    nodes = [Node(pass_on, source, target, name=name) for name, (source, target) in names.items()]
    catalog = DataCatalog({name: MemoryDataset() for name in "abcd"} | {"stored": JSONDataset(filepath="stored.json")})
    parts = split_by_memory(Pipeline(nodes), catalog)
    assert [sorted(node.name for node in part.nodes) for part in parts] == [["one", "three", "two"], ["four"]]


@pytest.mark.parametrize("address", [8786, "somewhere", "", ["tcp://a:1"]])
def test_an_address_that_is_none_is_refused(address: Any, refuses: Any) -> None:
    with refuses(ParameterError, 2, "runner parameter 'address' is ", "such as tcp://10.0.0.1:8786"):
        DaskRunner(address=address)


def test_a_scheduler_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, refuses: Any) -> None:
    monkeypatch.setattr(dask, "_PATIENCE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with refuses(ParameterError, 2, f"no Dask scheduler answers at '{address}' within 0.5 s: TimeoutError"):
            DaskRunner(address=address).run(Pipeline([]), DataCatalog())
