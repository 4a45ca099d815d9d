"""What a run leaves for forecasts: what is accepted, and what is refused with which code."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from spline_lstm.datasets import FilesDataset, TrainedRunDataset
from spline_lstm.datasets.storage import sha256_of, write_bytes
from spline_lstm.edge.backends import MODEL_FILES
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, RunIdMismatchError
from spline_lstm.series.model_input import ModelInput

RECORD, PREPROCESSOR = "08_reporting/trained/run.json", "05_model_input/shared/preprocessor.pkl"
KERAS, EXPORTS = "06_models/trained/model.keras", "06_models/trained/edge"
SETTINGS = {"run_id": "trained", "processed_run_id": "shared", "model_type": "gru", "feature_mode": "univariate"}
RUN_AGAIN = (
    "make it with: kedro run --params run_id=trained,processed_run_id=shared,model_type=gru,feature_mode=univariate"
)


@pytest.fixture(scope="module")
def bundle(prepare_table: Any, make_table: Any) -> ModelInput:
    made: ModelInput = prepare_table(make_table())
    return made


@pytest.fixture
def data(bundle: ModelInput, tmp_path: Path) -> Path:
    """The files of a run; models are not opened here."""
    write_bytes(tmp_path / PREPROCESSOR, pickle.dumps(bundle.preprocessor))
    write_bytes(tmp_path / KERAS, b"keras")
    FilesDataset(filepath=str(tmp_path / EXPORTS)).save({"model.onnx": b"onnx", "model.tflite": b"tflite"})
    hashes = {path: sha256_of(tmp_path / path) for path in (PREPROCESSOR, KERAS)}
    record = {
        "run_id": "trained", "processed_run_id": "shared", "settings": SETTINGS, "seed": 1, "size_bytes": 5,
        "params": 1, "train_seconds": 0.5,
        "sha256": {"model.keras": hashes[KERAS]}, "processed_sha256": {"preprocessor.pkl": hashes[PREPROCESSOR]},
    }  # fmt: skip
    write_bytes(tmp_path / RECORD, json.dumps(record).encode())
    return tmp_path


def open_dataset(data: Path | str, backend: Any = "keras", run_id: str = "trained") -> TrainedRunDataset:
    places = {
        "run_record": ("JSON", "08_reporting/{run_id}/run.json"), "model": ("Bytes", "06_models/{run_id}/model.keras"),
        "exported_models": ("Files", "06_models/{run_id}/edge"),
    }  # fmt: skip
    datasets: dict[str, Any] = {
        name: {"type": f"spline_lstm.datasets.{kind}Dataset", "filepath": f"{data}/{path}", "made_by": "kedro"}
        for name, (kind, path) in places.items()
    }
    datasets["model_input"] = {
        "type": "spline_lstm.datasets.ModelInputDataset", "filepath": f"{data}/05_model_input/{{processed_run_id}}",
        "made_by": "kedro", "windows": {},
    }  # fmt: skip
    return TrainedRunDataset(datasets=datasets, run_id=run_id, backend=backend, run_command="kedro run")


@pytest.fixture
def in_bucket(data: Path, bucket: str) -> str:
    """The same files in a bucket."""
    fsspec.filesystem("memory").put(f"{data}/", bucket, recursive=True)
    return bucket


@pytest.mark.parametrize("backend", MODEL_FILES)
def test_a_run_in_a_bucket_is_the_same(backend: str, data: Path, in_bucket: str) -> None:
    assert open_dataset(in_bucket, backend).load() == open_dataset(data, backend).load()


def test_a_run_that_a_bucket_lacks_names_those_that_it_has(in_bucket: str, refuses_load: Any) -> None:
    missing = f"'trainee' is not there ({in_bucket}/08_reporting/trainee/run.json is missing)"
    with refuses_load(ArtifactMissingError, 20, f"{missing}; did you mean 'trained'?"):
        open_dataset(in_bucket, run_id="trainee").load()


@pytest.mark.parametrize("backend", MODEL_FILES)
def test_the_model_file_is_that_of_the_backend(backend: str, data: Path) -> None:
    assert open_dataset(data, backend).load().model_file == backend.encode()


def test_the_record_names_the_preprocessor(data: Path, bundle: ModelInput) -> None:
    preprocessor = open_dataset(data).load().preprocessor
    assert preprocessor.feature_order == bundle.feature_names
    assert preprocessor.windows.model_dump(mode="json") == bundle.preprocessor["windows"]


def test_a_run_is_there_with_its_record(data: Path) -> None:
    assert open_dataset(data).exists()
    assert not open_dataset(data, run_id="other").exists()


DAMAGES: dict[str, tuple[str, str, type[Exception], int, str]] = {
    "another preprocessor": ("keras", PREPROCESSOR, RunIdMismatchError, 23, "is not the file that run 'trained'"),
    "another model": ("keras", KERAS, RunIdMismatchError, 23, "model.keras is not the file that run 'trained'"),
    "another export": ("onnx", f"{EXPORTS}/model.onnx", ArtifactDamagedError, 21, "model.onnx is not the file"),
    "damaged record": ("keras", RECORD, ArtifactDamagedError, 21, "run.json is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_the_runs_is_refused(damage: str, data: Path, refuses_load: Any) -> None:
    backend, path, error, exit_code, message = DAMAGES[damage]
    (data / path).write_bytes(b"other")
    with refuses_load(error, exit_code, message):
        open_dataset(data, backend).load()


@pytest.mark.parametrize("content", ["[]", "{}"])
def test_another_json_is_no_record(content: str, data: Path, refuses_load: Any) -> None:
    (data / RECORD).write_text(content)
    with refuses_load(ArtifactDamagedError, 21, "run.json", "make it again with: kedro run"):
        open_dataset(data).load()


MISSING = {
    "preprocessor": ("keras", PREPROCESSOR, RUN_AGAIN),
    "model": ("keras", KERAS, RUN_AGAIN),
    "exports": (
        "tflite", f"{EXPORTS}/index.json",
        "make it with: kedro run --pipeline=edge_poc --params run_id=trained,processed_run_id=shared,model_type=gru,"
        "feature_mode=univariate,export_formats=tflite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_file_names_the_command_that_makes_it(name: str, data: Path, refuses_load: Any) -> None:
    backend, path, message = MISSING[name]
    (data / path).unlink()
    with refuses_load(ArtifactMissingError, 20, message):
        open_dataset(data, backend).load()


def test_a_format_that_was_not_exported_is_missing(data: Path, refuses_load: Any) -> None:
    FilesDataset(filepath=str(data / EXPORTS)).save({"model.onnx": b"onnx"})
    with refuses_load(ArtifactMissingError, 20, "model.tflite is missing", "--pipeline=edge_poc"):
        open_dataset(data, "tflite").load()


@pytest.mark.parametrize(
    ("run_id", "hint"), [("trainde", "; did you mean 'trained'?"), ("lstm-univariate-s1", "; found: trained;")]
)
def test_a_run_that_is_not_there_names_those_that_are(run_id: str, hint: str, data: Path, refuses_load: Any) -> None:
    command = f"make it with: kedro run --params run_id={run_id}"
    with refuses_load(ArtifactMissingError, 20, f"run '{run_id}' is not there", hint, command):
        open_dataset(data, run_id=run_id).load()


def test_without_any_run_none_is_named(data: Path, refuses_load: Any) -> None:
    shutil.rmtree(data / "08_reporting")
    with refuses_load(ArtifactMissingError, 20, "(", "run.json is missing); make it with"):
        open_dataset(data).load()


def test_a_run_is_not_written(data: Path, refuses_load: Callable[..., Any]) -> None:
    with refuses_load(ArtifactDamagedError, 21, "is written by the modelling"):
        open_dataset(data).save({})


def test_a_record_of_another_run_is_refused(data: Path, refuses_load: Callable[..., Any]) -> None:
    shutil.copytree(data / "08_reporting" / "trained", data / "08_reporting" / "other")
    with refuses_load(RunIdMismatchError, 23, "run.json belongs to run 'trained', not to 'other'"):
        open_dataset(data, run_id="other").load()
