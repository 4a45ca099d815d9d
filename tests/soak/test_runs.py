"""Whole runs, killed at random moments or elsewhere: they end with the bits of an uninterrupted run here.

`SOAK_KILLS` and `SOAK_MATRIX_KILLS` say how often.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

BIN = Path(sys.executable).parent
KILLS = int(os.environ.get("SOAK_KILLS", "100"))
MATRIX_KILLS = int(os.environ.get("SOAK_MATRIX_KILLS", "100"))
SMALL = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,hidden_units=4,epochs=2,export_formats=none"
MINE = SMALL.replace("export_formats=none", "export_formats=onnx,run_id=mine")
MATRIX = f"{SMALL},covariate_spec=humidity.json"
REPEATABLE = (
    "processed.npz", "preprocessor.pkl", "meta.json", "filled_series.parquet",
    "model.keras", "last.keras", "predictions.parquet", "metrics.json",
)  # fmt: skip
"""Artifacts without times in them: two runs of the same settings give the same bytes."""
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


def command(params: str, *options: str) -> list[str]:
    return [str(BIN / "kedro"), "run", *options, "--params", params]


def artifacts(workspace: Path) -> dict[str, str]:
    """Path below data to hash, for all that a run made under its own name."""
    made = (path for path in (workspace / "data").glob("0[2-9]*/**/*") if path.is_file())
    return {
        path.relative_to(workspace).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in made
        if not path.name.startswith(".")
    }


def repeatable(found: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in found.items() if Path(path).name in REPEATABLE}


def litter(workspace: Path) -> list[str]:
    return [path.name for path in (workspace / "data").rglob("*") if path.name.endswith((".tmp", ".lock"))]


def check_whole(workspace: Path, reference: dict[str, str]) -> None:
    """Every file under its own name is the one of an uninterrupted run, or holds times and can be read."""
    for path, digest in artifacts(workspace).items():
        assert path in reference, path
        if Path(path).name in REPEATABLE:
            assert digest == reference[path], path
        elif path.endswith(".json"):
            json.loads((workspace / path).read_text())


def kill_at_random(workspace: Path, typed: list[str], seconds: float, random_: random.Random) -> tuple[bool, str]:
    """Kill a run: half the time after a random time, half the time when its files change for a random time.

    Returns whether it was still running, and which artifact lay there last.
    """
    process = subprocess.Popen(
        typed, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + seconds * random_.uniform(0.1, 1.0)
    changes = random_.randrange(1, 40) if random_.random() < 0.5 else 10**9
    before: list[tuple[str, int]] = []
    while process.poll() is None and time.monotonic() < deadline and changes:
        now = listing(workspace)
        changes -= now != before
        before = now
        time.sleep(0.0005)
    killed = process.poll() is None
    if killed:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    newest = max(listing(workspace), key=lambda entry: entry[1], default=("", 0))[0]
    return killed, re.sub(r"\.[0-9]+(?=\.tmp$)", "", Path(newest).name)


def listing(workspace: Path) -> list[tuple[str, int]]:
    found = []
    for folder, _, names in os.walk(workspace / "data"):
        for name in names:
            try:
                found.append((f"{folder}/{name}", (Path(folder) / name).stat().st_mtime_ns))
            except FileNotFoundError:
                continue
    return sorted(found)


def reset(workspace: Path) -> None:
    for folder in (workspace / "data").glob("0[2-9]*"):
        shutil.rmtree(folder)


def finish(workspace: Path, typed: list[str]) -> None:
    done = subprocess.run(typed, cwd=workspace, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


def last_seen(places: Counter[str]) -> str:
    return "; last file before the kill: " + ", ".join(f"{name or 'none'} {n}" for name, n in places.most_common())


def test_every_restart_of_a_killed_run_ends_with_the_same_bits(
    make_workspace: Callable[[], Path], note: Any
) -> None:  # fmt: skip
    workspace, random_, places = make_workspace(), random.Random(0), Counter[str]()
    typed = command(SMALL)
    finish(workspace, typed)
    started = time.monotonic()
    reset(workspace)
    finish(workspace, typed)
    seconds = time.monotonic() - started
    reference = artifacts(workspace)
    kills = 0
    while kills < KILLS:
        if random_.random() < 0.5:
            reset(workspace)
        killed, newest = kill_at_random(workspace, typed, seconds, random_)
        if not killed:
            continue
        kills += 1
        places[newest] += 1
        check_whole(workspace, reference)
        finish(workspace, typed)
        assert repeatable(artifacts(workspace)) == repeatable(reference)
        assert litter(workspace) == []
    note("kill -9 of `kedro run`, each followed by a restart", kills, "the same bits" + last_seen(places))


LATER = {
    "edge_poc": f"{MINE},edge_poc.precisions=fp32",
    "forecasting": "run_id=mine,backend=onnx",
    "backtest": f"{MINE},backtest.folds=2",
    "describe": "input_path=data/01_raw/small.csv",
    "refit": "run_id=mine",
}
"""Pipelines that go on from a finished run, and what is typed for each."""


@pytest.mark.parametrize("pipeline", LATER)
def test_a_killed_later_step_leaves_the_run_as_it_was_and_its_restart_ends_with_the_same_bits(
    pipeline: str, make_workspace: Callable[[], Path], note: Any
) -> None:
    workspace, random_, places = make_workspace(), random.Random(1), Counter[str]()
    finish(workspace, command(MINE))
    before = repeatable(artifacts(workspace))
    typed = command(LATER[pipeline], f"--pipeline={pipeline}")
    started = time.monotonic()
    finish(workspace, typed)
    seconds, reference, kills = time.monotonic() - started, artifacts(workspace), 0
    while kills < KILLS:
        killed, newest = kill_at_random(workspace, typed, seconds, random_)
        kills += killed
        places[newest] += killed
        check_whole(workspace, reference)
        assert before.items() <= artifacts(workspace).items()
        finish(workspace, typed)
        assert repeatable(artifacts(workspace)) == repeatable(reference)
        assert litter(workspace) == []
    note(f"kill -9 of `--pipeline={pipeline}`, each followed by a restart", kills, "the same bits" + last_seen(places))


@pytest.fixture
def matrix_workspace(make_workspace: Callable[[], Path]) -> Path:
    """A copy of the project whose table has a covariate, so that both feature modes can run."""
    workspace = make_workspace()
    path = workspace / "data" / "01_raw" / "small.csv"
    table = pd.read_csv(path)
    table["humidity"] = np.round(60 + 5 * np.random.default_rng(1).standard_normal(len(table)), 2)
    table.to_csv(path, index=False)
    schema = {"version": "phase5.v1", "target_cols": ["target"], "dynamic_covariates": [{"name": "humidity"}]}
    (workspace / "humidity.json").write_text(json.dumps(schema))
    return workspace


def test_every_restart_of_a_killed_matrix_resumes_and_ends_with_the_same_bits(
    matrix_workspace: Path, note: Any
) -> None:  # fmt: skip
    workspace, random_, places = matrix_workspace, random.Random(1), Counter[str]()
    typed = command(MATRIX, "--pipeline=benchmarking", "--only-missing-outputs")
    finish(workspace, typed)
    reference = artifacts(workspace)
    assert sum(path.endswith("model.keras") for path in reference) == 12
    kills, completed = 0, 0
    while kills < MATRIX_KILLS or not completed:
        reset(workspace)
        while True:
            killed, newest = kill_at_random(workspace, typed, 40, random_)
            check_whole(workspace, reference)
            if not killed:
                break
            kills += 1
            places[newest] += 1
            if kills >= MATRIX_KILLS:
                finish(workspace, typed)
                break
        assert repeatable(artifacts(workspace)) == repeatable(reference)
        assert litter(workspace) == []
        completed += 1
    seen = f"the same bits after each of {completed} benchmarks that were resumed to their end"
    note("kill -9 of a benchmark of 12 cells, each followed by a resumed run", kills, seen)


def run_in(workspace: Path, environment: dict[str, str]) -> None:
    folder = workspace / environment.get("FOLDER", ".")
    done = subprocess.run(
        command(SMALL),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
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
    note(f"`kedro run` with at most {count} thread(s)", 1, f"largest difference of a metric {difference:.1e}")


def metrics_of(workspace: Path) -> Any:
    return json.loads(next(workspace.glob("data/08_reporting/*/metrics.json")).read_text())


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield float(value)
