"""Runs that are stopped or meet each other: no litter, and a code that says what happened."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PARAMS = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,hidden_units=4,export_formats=none,run_id=slow"
ENDLESS = f"{PARAMS},epochs=1000000,early_stopping_patience=1000000"
ENTRIES = {"kedro run": [str(BIN / "kedro"), "run"], "python -m spline_lstm": [sys.executable, "-m", "spline_lstm"]}

Process = subprocess.Popen[str]


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    return make_workspace()


@pytest.fixture
def start(workspace: Path) -> Iterator[Callable[..., Process]]:
    """Start a run that does not end by itself, and wait until it trains."""
    started: list[Process] = []

    def run(entry: str, *options: str) -> Process:
        command = [*ENTRIES[entry], "--params", ENDLESS, *options]
        process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        deadline = time.monotonic() + 60
        meta = workspace / "data" / "05_model_input" / "slow" / "meta.json"
        while not meta.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
    for path in (workspace / "data" / "05_model_input").rglob("meta.json"):
        path.unlink()


def second_run(workspace: Path, entry: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [*ENTRIES[entry], "--params", ENDLESS, *options]
    return subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=60, check=False)


def litter(workspace: Path) -> list[str]:
    return [path.name for path in (workspace / "data").rglob("*") if path.name.endswith((".tmp", ".lock"))]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_exits_with_128_and_the_signal_in_one_line_and_without_litter(
    workspace: Path, start: Callable[..., Process], entry: str, number: signal.Signals
) -> None:
    process = start(entry)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors == f"Error: stopped by {number.name}; the same command starts it again\n"
    assert litter(workspace) == []


def test_a_run_in_threads_is_stopped_though_its_pool_waits_for_them(
    workspace: Path, start: Callable[..., Process]
) -> None:  # fmt: skip
    process = start("kedro run", "--runner=ThreadRunner")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert litter(workspace) == []


def test_the_same_run_twice_at_once_is_refused_until_the_first_is_dead(
    workspace: Path, start: Callable[..., Process]
) -> None:
    first = start("kedro run")
    refused = [second_run(workspace, entry) for entry in ENTRIES]
    assert [result.returncode for result in refused] == [61, 61]
    assert [result.stderr.count("\n") for result in refused] == [1, 1]
    for result in refused:
        assert f"is in use by process {first.pid}; wait for its end, or give another run_id" in result.stderr
    first.kill()
    first.wait()
    again = second_run(workspace, "kedro run", "--pipeline=preprocessing")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_run(
    workspace: Path, start: Callable[..., Process], number: signal.Signals
) -> None:  # fmt: skip
    process = start("kedro run", "--runner=ParallelRunner", "--runner-params=max_workers=2")
    manager, *workers = children(process.pid)
    assert workers
    process.send_signal(number)
    process.wait(timeout=30)
    deadline = time.monotonic() + 10
    while alive := [pid for pid in workers if is_running(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.1)
    if is_running(manager):  # Kedro's own; it outlives a killed run
        os.kill(manager, signal.SIGKILL)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
