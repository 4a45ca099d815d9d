"""Runs that lie where the catalog says, in a folder or in a bucket."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets.address import place_at
from spline_lstm.datasets.storage import write_bytes
from spline_lstm.errors import ArtifactMissingError
from spline_lstm.project.finished_runs import FinishedRuns

KIND = {"type": "spline_lstm.datasets.JSONDataset"}


@pytest.fixture(params=["in a folder", "in a bucket"])
def finished(request: pytest.FixtureRequest, tmp_path: Path) -> FinishedRuns:
    """Two runs that were scored, and one that was not."""
    data = "data" if request.param == "in a folder" else f"memory://{uuid.uuid4().hex}/data"
    root = place_at(data if "://" in data else str(tmp_path / data))
    for run_id, names in {"first": ("run", "metrics"), "second": ("run", "metrics"), "third": ("run",)}.items():
        for name in names:
            write_bytes(root / f"08_reporting/{run_id}/{name}.json", json.dumps({"run_id": run_id}).encode())
    places = {"run_record": "run", "metrics": "metrics"}
    entries = {
        name: KIND | {"filepath": f"{data}/08_reporting/{{run_id}}/{file}.json"} for name, file in places.items()
    }
    return FinishedRuns(entries, tmp_path)


def test_runs_that_were_scored_are_found(finished: FinishedRuns) -> None:
    assert finished.ids == ["first", "second"]
    assert finished.load("second", "metrics") == {"run_id": "second"}


def test_a_run_that_is_not_there_names_the_one_that_was_probably_meant(finished: FinishedRuns, refuses: Any) -> None:
    with refuses(ArtifactMissingError, 20, "run 'frist' is not there; did you mean 'first'?"):
        finished.load("frist", "metrics")
