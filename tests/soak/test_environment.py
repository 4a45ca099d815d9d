"""The same settings elsewhere: another time zone, locale, hash seed, folder or number of threads."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_kills import SMALL, artifacts, repeatable

BIN = Path(sys.executable).parent
ELSEWHERE: dict[str, dict[str, str]] = {
    "TZ=Pacific/Kiritimati": {"TZ": "Pacific/Kiritimati"},
    "TZ=America/New_York, LC_ALL=C": {"TZ": "America/New_York", "LC_ALL": "C"},
    "LC_ALL=POSIX, PYTHONHASHSEED=0": {"LC_ALL": "POSIX", "PYTHONHASHSEED": "0"},
    "LC_ALL=C.UTF-8, PYTHONHASHSEED=4294967295": {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4294967295"},
    "a folder below the project": {"FOLDER": "conf/base"},
}
THREADS: dict[str, dict[str, str]] = {
    count: dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), count
    )
    for count in ("1", "2")
}


def run_in(workspace: Path, environment: dict[str, str]) -> None:
    folder = workspace / environment.get("FOLDER", ".")
    command = [str(BIN / "kedro"), "run", "--params", SMALL]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def reference(make_workspace: Callable[[], Path]) -> Path:
    workspace = make_workspace()
    run_in(workspace, {})
    return workspace


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_same_run_elsewhere_gives_the_same_bytes(
    make_workspace: Callable[[], Path], reference: Path, name: str, note: Any
) -> None:
    workspace = make_workspace()
    run_in(workspace, ELSEWHERE[name])
    assert repeatable(artifacts(workspace)) == repeatable(artifacts(reference))
    note(f"`kedro run` with {name}", 1, "the same bytes of every artifact without times")


@pytest.mark.parametrize("count", THREADS)
def test_the_number_of_threads_changes_no_metric_by_more_than_1e_5(
    make_workspace: Callable[[], Path], reference: Path, count: str, note: Any
) -> None:
    workspace = make_workspace()
    run_in(workspace, THREADS[count])
    found, expected = (list(numbers(metrics_of(place))) for place in (workspace, reference))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
    difference = max(abs(one - other) for one, other in zip(found, expected, strict=True))
    note(f"`kedro run` with {count} threads in the environment", 1, f"largest difference of a metric {difference:.1e}")


def metrics_of(workspace: Path) -> Any:
    return json.loads(next(workspace.glob("data/08_reporting/*/metrics.json")).read_text())


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield float(value)
