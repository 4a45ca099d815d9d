"""What MLflow is told of a run: nothing without it, all that matters with it."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from spline_lstm.datasets import BytesDataset, FilesDataset, JSONDataset, TextDataset
from spline_lstm.hooks.mlflow import TrackingHooks

SCORES = {"overall": {"rmse": 5.65, "mase": None}}
METRICS = {
    "val": {"model": SCORES, "baselines": {}},
    "test": {"model": SCORES, "baselines": {"ridge": {"overall": {"rmse": 5.72}}}},
    "intervals": [{"level": 0.8, "coverage": 0.7, "mean_width": 9.0, "per_horizon": []}],
}
RECORD = {
    "run_id": "gru-1", "processed_run_id": "data-1", "commit_hash": None, "command": "kedro run", "params": 25,
    "settings": {"epochs": 2, "edge_poc": {"enforce": False}},
}  # fmt: skip
GATE = {"files": {"model.onnx": {"verdict": "PASS", "latency_p95_ms": 0.05, "size_bytes": 100}}}
# Cells join names of several namespaces, which Kedro takes for a naming mistake.
pytestmark = pytest.mark.filterwarnings("ignore:One or more dataset names contain '.' characters:UserWarning")
KINDS: dict[str, Any] = {"report": TextDataset, "model": BytesDataset, "exported_models": FilesDataset}
MADE = {
    "metrics": METRICS, "run_record": RECORD, "edge_gate": GATE, "report": "# Run", "model": b"model",
    "exported_models": {"model.onnx": b"onnx"},
}  # fmt: skip


class Recorder:
    """Stands for MLflow's module, with or without an open run."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.is_open = is_open
        self.names = [""]
        self.seen: dict[str, dict[str, Any]] = {}

    def active_run(self) -> object | None:
        return object() if self.is_open else None

    @contextmanager
    def start_run(self, run_name: str, nested: bool) -> Any:
        assert nested
        self.names.append(run_name)
        yield
        self.names.pop()

    def _add(self, what: dict[str, Any]) -> None:
        self.seen.setdefault(self.names[-1], {}).update(what)

    set_tags = log_params = log_metrics = _add

    def log_artifact(self, path: str, folder: str | None = None) -> None:
        self._add({f"folder {folder}" if folder else f"file {Path(path).name}": path})


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """End a run that made some datasets; returns what was recorded."""

    def run(made: dict[str, Any], mlflow: Any, folder: Path | str = tmp_path) -> dict[str, dict[str, Any]]:
        if mlflow is None:
            monkeypatch.delitem(sys.modules, "mlflow", raising=False)
        else:
            monkeypatch.setitem(sys.modules, "mlflow", mlflow)
        catalog = DataCatalog({"params:benchmark_id": MemoryDataset("benchmark-1")})
        for name, value in made.items():
            catalog[name] = KINDS.get(name.rpartition(".")[2], JSONDataset)(filepath=f"{folder}/{name}")
            catalog.save(name, value)
        TrackingHooks().after_pipeline_run(Pipeline([Node(lambda _: None, "raw", list(made), name="make")]), catalog)
        return dict(mlflow.seen) if mlflow else {}

    return run


@pytest.mark.parametrize("mlflow", [None, Recorder(is_open=False)])
def test_without_a_run_of_mlflow_nothing_is_recorded(record: Any, mlflow: Any) -> None:
    assert record(MADE, mlflow) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run_id", "gru-1"), ("command", "kedro run"), ("epochs", "2"), ("edge_poc.enforce", "False"),
        ("test.model.rmse", 5.65), ("test.ridge.rmse", 5.72), ("val.model.rmse", 5.65),
        ("test.interval_80.coverage", 0.7), ("model.params", 25.0),
        ("edge.model.onnx.passed", 1.0), ("edge.model.onnx.latency_p95_ms", 0.05),
    ],
)  # fmt: skip
def test_a_run_is_recorded_with(record: Any, name: str, value: object) -> None:
    assert record(MADE, Recorder())[""][name] == value


@pytest.mark.parametrize("name", ["file report", "file model", "file run_record", "folder exported_models"])
def test_a_run_keeps(record: Any, name: str) -> None:
    assert name in record(MADE, Recorder())[""]


def test_files_of_a_bucket_are_kept_too(record: Any, tmp_path: Path) -> None:
    on_machine, in_bucket = (record(MADE, Recorder(), folder)[""] for folder in (tmp_path, f"memory://{tmp_path.name}"))
    assert in_bucket.keys() == on_machine.keys()


def test_a_folder_inside_a_folder_is_not_kept(record: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "exported_models/.ipynb_checkpoints").mkdir(parents=True)
    assert "folder exported_models" in record(MADE, Recorder())[""]
    assert caplog.text == ""


def test_a_score_that_is_not_defined_is_left_out(record: Any) -> None:
    assert "test.model.mase" not in record(MADE, Recorder())[""]


def test_the_cells_of_a_benchmark_are_runs_below_it(record: Any) -> None:
    seen = record({"gru-1.metrics": METRICS, "gru-1.run_record": RECORD, "comparison": {}}, Recorder())
    assert seen[""]["mlflow.runName"] == "benchmark-1"
    assert "file comparison" in seen[""]
    assert seen["gru-1"]["test.model.rmse"] == 5.65


def test_a_server_that_refuses_does_not_break_the_run(record: Any, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    recorder.log_artifact = None  # type: ignore[assignment, method-assign]
    record(MADE, recorder)
    assert "MLflow has not recorded all of the run" in caplog.text
