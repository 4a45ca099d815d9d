"""Bad tables, schemas and parameters, each typed as a user does: what is said, what is left and what was loaded.

What makes a cell, a timestamp or a key bad is tested beside the code that finds it; here it is the whole command.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
HEAVY = ("tensorflow", "keras", "onnxruntime", "tf2onnx", "ai_edge_litert")
WATCH = f"""
import atexit, os, sys
path = os.environ["LOADED"]
atexit.register(lambda: open(path, "w").write(" ".join(name for name in {HEAVY} if name in sys.modules)))
"""
"""Python runs a `sitecustomize` on its path before all else: this one tells what was loaded in the end."""


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    stdout: str
    stderr: str
    loaded: list[str]
    changed: list[str]


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path]) -> Path:
    workspace = make_workspace()
    (workspace / "watch").mkdir()
    (workspace / "watch" / "sitecustomize.py").write_text(WATCH)
    return workspace


def type_command(workspace: Path, *options: str) -> Outcome:
    """Run `kedro run` and look at what it leaves."""
    loaded, before = workspace / "loaded.txt", state_of(workspace / "data")
    loaded.unlink(missing_ok=True)
    path = os.pathsep.join(filter(None, (str(workspace / "watch"), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [KEDRO, "run", *options],
        cwd=workspace, env={**os.environ, "PYTHONPATH": path, "LOADED": str(loaded)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    changed = sorted(path for path, _ in before ^ state_of(workspace / "data"))
    return Outcome(done.returncode, done.stdout, done.stderr, loaded.read_text().split(), changed)


def state_of(folder: Path) -> set[tuple[str, bytes]]:
    return {(path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def edit(row: int, timestamp: str | None = None, target: str | None = None) -> Callable[[list[str]], str]:
    """Replace cells of one row, counted as an editor counts lines."""

    def change(lines: list[str]) -> str:
        cells = lines[row - 1].split(",")
        changed = f"{timestamp or cells[0]},{cells[1] if target is None else target}"
        return "\n".join([*lines[: row - 1], changed, *lines[row:]])

    return change


def repeat_an_hour(lines: list[str]) -> str:
    """Hourly local time of a day that ends summer time: 02:00 occurs twice."""
    hours = [f"2024-10-{day}T{hour:02}:00" for day in (26, 27, 28) for hour in range(24)]
    hours.insert(27, hours[26])
    return "\n".join(["timestamp,target", *(f"{hour},{number}" for number, hour in enumerate(hours))])


TABLES: dict[str, tuple[Callable[[list[str]], str | bytes], int, str]] = {
    "empty file": (lambda lines: "", 10, "cannot be read: Empty CSV file"),
    "header only": (lambda lines: lines[0], 10, "the table has a header but no rows"),
    "other header": (
        lambda lines: "\n".join(["timestamp,load", *lines[1:]]), 10,
        "column 'target' is missing; found: timestamp, load",
    ),
    "short row": (lambda lines: "\n".join([*lines[:9], "2024-01-09", *lines[10:]]), 10, "Row #10: Expected 2 columns"),
    "decimal comma": (edit(12, target='"1,5"'), 10, "row 12, column 'target': '1,5' is not a number; use a decimal"),
    "thousands separator": (edit(12, target="1'234.5"), 10, "row 12, column 'target': '1'234.5' is not a number"),
    "infinite value": (edit(12, target="inf"), 12, "row 12, column 'target': the value is infinite"),
    "not UTF-8": (lambda lines: "\n".join([*lines, "2024-05-30,é"]).encode("latin-1"), 10, "invalid UTF8 data"),
    "no timestamp": (edit(12, timestamp="soon"), 11, "row 12, column 'timestamp': 'soon' is not a timestamp"),
    "duplicate timestamp": (edit(12, timestamp="2024-01-10"), 11, "2024-01-10 occurs twice"),
    "off the grid": (edit(12, timestamp="2024-01-11T05:00"), 11, "T05:00 after 2024-01-10 is off the grid of step D"),
    "repeated hour": (repeat_an_hour, 11, "2024-10-27T02:00 occurs twice"),
    "absent rows": (lambda lines: "\n".join(lines[:20] + lines[60:]), 12, "40 rows are absent after 2024-01-19"),
    "long gap": (
        lambda lines: "\n".join([*lines[:20], *(line.split(",")[0] + "," for line in lines[20:60]), *lines[60:]]), 12,
        "a gap of 40 steps; at most max_gap=",
    ),
    "constant target": (
        lambda lines: "\n".join([lines[0], *(line.split(",")[0] + ",5" for line in lines[1:])]), 12,
        "the target is always 5 in the training part",
    ),
}  # fmt: skip
"""From the lines of a good table to a bad one, with exit code and message."""

SCHEMAS: dict[str, tuple[str, int, str]] = {
    "malformed": ('{"version": "phase5.v1",\n "target_cols": [}', 14, "schema.json line 2, column 18: not valid JSON"),
    "unknown key": (
        '{"version": "phase5.v1", "target_col": ["target"]}', 14,
        "key 'target_col' is unknown; did you mean 'target_cols'?; known: version",
    ),
    "unknown policy": (
        json.dumps({"version": "phase5.v1", "target_cols": ["target"], "missing_policy": {"target": "drop"}}), 14,
        "'missing_policy.target' is 'drop'; it should be 'interpolate_then_drop_if_remaining'",
    ),
    "required covariate": (
        json.dumps({"version": "phase5.v1", "target_cols": ["target"], "dynamic_covariates": [{"name": "humidity"}]}),
        13, "required covariate 'humidity' is missing",
    ),
}  # fmt: skip

SETTINGS: dict[str, tuple[str, str]] = {
    "lookback": ("lookback: -1", "'lookback' is -1; it should be greater than or equal to 1"),
    "float": ("lookback: 6.0", "'lookback' is 6.0; it should be a valid integer"),
    "misspelt": ("lokback: 6", "'lokback' is unknown; did you mean 'lookback'?"),
    "model type": ("model_type: grru", "'model_type' is 'grru'; allowed: lstm, gru, attention"),
    "formats": ("export_formats: [onnx, pdf]", "allowed: none, onnx, tflite"),
}
"""What stands in a file of parameters, and the message; the command line's own are in `test_cli.py`."""

BAD = [
    *(("table", name) for name in TABLES),
    *(("schema", name) for name in SCHEMAS),
    *(("settings", name) for name in SETTINGS),
    ("parquet", "no parquet"),
]


@dataclass(frozen=True)
class Refusal:
    outcome: Outcome
    exit_code: int
    message: str


@pytest.fixture(scope="module", params=BAD, ids=lambda bad: f"{bad[0]}: {bad[1]}")
def refusal(request: pytest.FixtureRequest, workspace: Path) -> Refusal:
    """Run once for all that is asked of it."""
    kind, name = request.param
    raw = workspace / "data" / "01_raw"
    typed, options, exit_code = "input_path=data/01_raw/small.csv", [], 2
    if kind == "table":
        make, exit_code, message = TABLES[name]
        content = make((raw / "small.csv").read_text().splitlines())
        (raw / "bad.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        typed = "input_path=data/01_raw/bad.csv"
    elif kind == "schema":
        text, exit_code, message = SCHEMAS[name]
        (workspace / "schema.json").write_text(text)
        typed += ",covariate_spec=schema.json,feature_mode=multivariate"
    elif kind == "settings":
        text, message = SETTINGS[name]
        (workspace / "conf" / "bad").mkdir(exist_ok=True)
        (workspace / "conf" / "bad" / "parameters.yml").write_text(text)
        options = ["--env=bad"]
    else:
        (raw / "bad.parquet").write_text("timestamp,target\n")
        typed, exit_code, message = "input_path=data/01_raw/bad.parquet", 10, "data/01_raw/bad.parquet cannot be read"
    return Refusal(type_command(workspace, "--params", typed, *options), exit_code, message)


def test_it_is_refused_with_the_code_of_its_reason_in_one_line(refusal: Refusal) -> None:
    lines = refusal.outcome.stderr.splitlines()
    assert (refusal.outcome.exit_code, len(lines)) == (refusal.exit_code, 1), lines
    assert lines[0].startswith("Error: ")
    assert refusal.message in lines[0]
    assert "Traceback" not in refusal.outcome.stdout


def test_it_is_refused_before_tensorflow_or_another_runtime_loads(refusal: Refusal) -> None:
    assert refusal.outcome.loaded == []


def test_it_leaves_no_file_and_changes_none(refusal: Refusal) -> None:
    assert refusal.outcome.changed == []


@pytest.fixture(scope="module")
def preprocessed(workspace: Path) -> Outcome:
    typed = "input_path=data/01_raw/small.csv,lookback=6,horizon=3"
    return type_command(workspace, "--pipeline=preprocessing", "--params", typed)


def test_the_preprocessing_alone_loads_no_runtime(preprocessed: Outcome) -> None:
    assert (preprocessed.exit_code, preprocessed.loaded) == (0, []), preprocessed.stderr
    assert any(path.endswith("/meta.json") for path in preprocessed.changed)
