"""A run's record, preprocessor and model for forecasts, checked against each other."""

import glob
import hashlib
from collections.abc import Mapping
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.address import Address, Place, names_between, place_at
from spline_lstm.datasets.records import RunRecord, check_record
from spline_lstm.datasets.storage import read_bytes, shown
from spline_lstm.edge.backends import MODEL_FILES, Backend, TrainedRun
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, RunIdMismatchError
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.preprocessor_file import PREPROCESSOR_FILE, load_preprocessor
from spline_lstm.text import examples, nearest


class TrainedRunDataset(AbstractDataset[TrainedRun, Any]):
    """A finished run, read-only.

    The catalog's own entries give the places of its files. The record names the run's preprocessed data, of which only
    `preprocessor.pkl` is read.
    """

    def __init__(
        self,
        *,
        datasets: dict[str, dict[str, Any]],
        run_id: str,
        backend: Backend,
        run_command: str,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Take the entries of the run's files, and the command for messages.

        Args:
            datasets: Entries of the catalog with the placeholders `{run_id}` and `{processed_run_id}`: `run_record`,
                `model`, `exported_models` and `model_input`.
            run_id: The run.
            backend: The runtime for the model.
            run_command: The command that runs the main job, without parameters.
            metadata: For kedro-viz.

        """
        self._entries = datasets
        self._run_id = run_id
        self._backend = backend
        self._run_command = run_command
        self._record = self._open("run_record")
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """Where the model is read from."""
        place: Place = self._open("model" if self._backend == "keras" else "exported_models").place
        return place

    def _open(self, name: str, processed_run_id: str = "", made_by: str | None = None) -> Any:
        entry = fill_ids(self._entries[name], {"run_id": self._run_id, "processed_run_id": processed_run_id})
        return AbstractDataset.from_config(name, entry | ({"made_by": made_by} if made_by else {}))

    def load(self) -> TrainedRun:
        """Read the run.

        Raises:
            ArtifactMissingError: The run, or one of its files, is missing.
            ArtifactDamagedError: A file is damaged.
            RunIdMismatchError: A file belongs to another training or preprocessing.

        """
        record = self._load_record()
        model_file = self._load_keras(record) if self._backend == "keras" else self._load_export(record)
        return TrainedRun(record, self._load_preprocessor(record), self._backend, model_file)

    def _load_record(self) -> dict[str, Any]:
        made_by = f"{self._run_command} --params run_id={self._run_id}"
        path = self._entries["run_record"]["filepath"]
        shown_path = shown(place_at(fill_ids(path, {"run_id": self._run_id})))
        if not self._record.exists():
            raise ArtifactMissingError(
                f"run '{self._run_id}' is not there ({shown_path} is missing)"
                f"{others(self._run_id, runs_at(path))}; make it with: {made_by}"
            )
        record: dict[str, Any] = self._record.load()
        check_record(record, RunRecord, shown_path, made_by)
        if record["run_id"] != self._run_id:
            raise RunIdMismatchError(
                f"{shown_path} belongs to run '{record['run_id']}', not to '{self._run_id}'; make it with: {made_by}"
            )
        return record

    def _load_preprocessor(self, record: dict[str, Any]) -> Preprocessor:
        path = self._open("model_input", record["processed_run_id"]).place / PREPROCESSOR_FILE
        content = read_bytes(path, f"{self._run_command} --params {_settings(record)}")
        _check_hash(content, record["processed_sha256"].get(path.name), path, record["run_id"])
        state = load_preprocessor(content, shown(path))
        return Preprocessor.parse(state, ArtifactDamagedError, f"{shown(path)}: key")

    def _load_keras(self, record: dict[str, Any]) -> bytes:
        path: Place = self._open("model").place
        content = read_bytes(path, f"{self._run_command} --params {_settings(record)}")
        _check_hash(content, record["sha256"].get(MODEL_FILES["keras"]), path, record["run_id"])
        return content

    def _load_export(self, record: dict[str, Any]) -> bytes:
        made_by = f"{self._run_command} --pipeline=edge_poc --params {_settings(record)},export_formats={self._backend}"
        name = MODEL_FILES[self._backend]
        exported = self._open("exported_models", made_by=made_by)
        files: dict[str, bytes] = exported.load()
        if name not in files:
            raise ArtifactMissingError(f"{shown(exported.place / name)} is missing; make it with: {made_by}")
        return files[name]

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a run is written by its own pipelines."""
        raise ArtifactDamagedError(f"run '{self._run_id}' is written by the modelling")

    def _exists(self) -> bool:
        return bool(self._record.exists())

    def _describe(self) -> dict[str, Any]:
        return {"run_id": self._run_id, "backend": self._backend}


def fill_ids(value: Any, ids: Mapping[str, str]) -> Any:
    """Fill in the id placeholders of a catalog entry; other braces stay, because Kedro's patterns use them."""
    if isinstance(value, Mapping):
        return {key: fill_ids(item, ids) for key, item in value.items()}
    if isinstance(value, str):
        for name, text in ids.items():
            value = value.replace(f"{{{name}}}", text)
    return value


def runs_at(record: str) -> list[str]:
    """Return the ids of the runs whose records match a path with the placeholder `{run_id}`."""
    before, _, after = record.partition("{run_id}")
    if isinstance(place_at(record), Address):
        return names_between(before, after)
    found = glob.glob(f"{glob.escape(before)}*{glob.escape(after)}")  # noqa: PTH207 - the path may end in the id
    return [path.removeprefix(before).removesuffix(after) for path in found]


def _settings(record: dict[str, Any]) -> str:
    """Return the parameters that identify the run and its model."""
    shaping = ("run_id", "processed_run_id", "model_type", "feature_mode")
    return ",".join(f"{name}={record['settings'][name]}" for name in shaping)


def others(run_id: str, runs: list[str]) -> str:
    """Suggest the run that was probably meant, or list the existing runs."""
    return nearest(run_id, runs) or (f"; found: {examples(sorted(runs))}" if runs else "")


def _check_hash(content: bytes, digest: str | None, path: Place, run_id: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        raise RunIdMismatchError(
            f"{shown(path)} is not the file that run '{run_id}' was made with; run its preprocessing and modelling"
        )
