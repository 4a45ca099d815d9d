"""Kedro's own server runs pipelines of the project by request."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CODE = """
import json
from pathlib import Path
from fastapi.testclient import TestClient
from kedro.server import create_http_server

table = "data/01_raw/small.csv"
requests = [
    {"pipeline_names": ["describe"], "params": {"input_path": table}},
    {"pipeline_names": ["forecasting"], "params": {"run_id": "absent", "input_path": table, "backend": "onnx"}},
    {"pipeline_names": ["describe"], "params": {"input_path": table, "lokback": 6}},
]
with TestClient(create_http_server(Path.cwd())) as client:
    answers = [client.get("/health").json(), *(client.post("/run", json=request).json() for request in requests)]
Path("answers.json").write_text(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(make_workspace: Callable[[], Path]) -> list[dict[str, Any]]:
    """The health of a server, then its answers to a run, to a run of what is not there, and to a misspelling."""
    folder = make_workspace()
    subprocess.run([sys.executable, "-c", CODE], cwd=folder, capture_output=True, timeout=300, check=True)
    assert list(folder.glob("data/08_reporting/tables/small-*/profile.md"))
    found: list[dict[str, Any]] = json.loads((folder / "answers.json").read_text())
    return found


def test_it_is_healthy_and_runs_what_is_asked_for(answers: list[dict[str, Any]]) -> None:
    assert [answer["status"] for answer in answers] == ["healthy", "success", "failure", "failure"]


def test_a_failure_is_the_line_of_the_command_line(answers: list[dict[str, Any]]) -> None:
    missing, misspelt = (answer["error"] for answer in answers[2:])
    assert missing["type"] == "ArtifactMissingError"
    assert missing["message"].startswith("run 'absent' is not there (data/08_reporting/absent/run.json is missing)")
    assert misspelt["message"].startswith("parameter 'lokback' is unknown; did you mean 'lookback'?")
