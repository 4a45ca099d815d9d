"""The preprocessed data: `processed.npz`, `preprocessor.pkl` and, written last, `meta.json`."""

import json
import logging
import pickletools
from pathlib import Path
from typing import Any, Literal

from kedro.io import AbstractDataset

from spline_lstm.datasets.arrays import read_arrays, read_headers, write_arrays
from spline_lstm.datasets.previews import JSONPreview
from spline_lstm.datasets.records import Meta, check_record
from spline_lstm.datasets.storage import atomic_path, read_bytes, remove, sha256_of, shown, write_bytes
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, ParameterError
from spline_lstm.series.bundle_format import (
    ARRAYS,
    WINDOW_ARRAYS,
    check_meta,
    check_same_run,
    from_arrays,
    to_arrays,
    window_bytes,
)
from spline_lstm.series.legacy_format import LEGACY_KEYS, adapt_legacy_arrays
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor_file import PREPROCESSOR_FILE, dump_preprocessor, load_preprocessor
from spline_lstm.series.windows import WindowSpec
from spline_lstm.strict_json import parse_json
from spline_lstm.text import first_line

logger = logging.getLogger(__name__)

Materialize = Literal["auto", "always", "never"]
_MOST_WINDOW_BYTES = 256_000_000
_HASHED = ("processed.npz", PREPROCESSOR_FILE)


class ModelInputDataset(AbstractDataset[ModelInput, ModelInput]):
    """A folder with the three files of the contract.

    `meta.json` is written last and holds the hashes of the other two: without a valid one they do
    not count.
    """

    def __init__(
        self,
        *,
        filepath: str,
        made_by: str,
        windows: dict[str, Any],
        run_id: str | None = None,
        materialize_windows: Materialize = "auto",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Take the folder, the command that makes it, and the window settings for files of an earlier version.

        `run_id` is the id that the data has to have; the folder's name without it.
        `materialize_windows` decides whether the cut windows are written beside the rows they are cut from: with
        `auto`, as long as they take no more than 256 MB.
        """
        self._folder = Path(filepath)
        self._made_by = made_by
        self._run_id = run_id or self._folder.name
        self._windows = windows
        self._materialize = materialize_windows
        self.metadata = metadata

    @property
    def place(self) -> Path:
        """What it writes."""
        return self._folder

    def save(self, data: ModelInput) -> None:
        """Write the three files atomically, `meta.json` last."""
        remove(self._folder / "meta.json")
        stored = self._materialize == "always" or (
            self._materialize == "auto" and window_bytes(data) <= _MOST_WINDOW_BYTES
        )
        with atomic_path(self._folder / "processed.npz") as temporary:
            write_arrays(temporary, to_arrays(data, windows=stored))
        write_bytes(self._folder / PREPROCESSOR_FILE, dump_preprocessor(data.preprocessor))
        hashes = {name: sha256_of(self._folder / name) for name in _HASHED}
        meta = json.dumps({**data.meta, "sha256": hashes}, indent=2, allow_nan=False, ensure_ascii=False)
        write_bytes(self._folder / "meta.json", f"{meta}\n".encode())

    def load(self) -> ModelInput:
        """Read and check the three files.

        Raises:
            ArtifactMissingError: There is no `meta.json`, or a file beside it is missing.
            ArtifactDamagedError: A file is damaged, unsafe or of another version.
            RunIdMismatchError: The files belong to different runs.
            ShapeContractError: The arrays do not fit together.

        """
        meta = self._load_meta()
        check_same_run(self._run_id, {"meta.json": meta.get("run_id", self._run_id)})
        path = self._folder / "processed.npz"
        if not path.is_file():
            raise ArtifactMissingError(f"{shown(path)} is missing; make it with: {self._made_by}")
        if "schema_version" not in meta:
            logger.warning("%s is of an earlier version: taken as one series, without hash check", shown(self._folder))
            meta = {**meta, "run_id": self._run_id}
            return adapt_legacy_arrays(
                read_arrays(path, LEGACY_KEYS), meta, WindowSpec.parse(self._windows, ParameterError, "parameter")
            )
        content = read_bytes(self._folder / PREPROCESSOR_FILE, self._made_by)
        self._check_hashes(meta)
        preprocessor = load_preprocessor(content, shown(self._folder / PREPROCESSOR_FILE))
        arrays = read_arrays(path, ("run_id", *ARRAYS), mapped=True)  # their bytes are those of the hash
        return from_arrays(arrays, read_headers(path, tuple(WINDOW_ARRAYS)), preprocessor, meta)

    def _load_meta(self) -> dict[str, Any]:
        path = self._folder / "meta.json"
        content = read_bytes(path, self._made_by)
        try:
            meta = parse_json(content)
        except ValueError as error:
            raise ArtifactDamagedError(
                f"{shown(path)} is not valid JSON: {first_line(error)}; make it with: {self._made_by}"
            ) from None
        check_meta(meta, shown(path))
        if "schema_version" in meta:
            check_record(meta, Meta, shown(path), self._made_by)
        return dict(meta)

    def _check_hashes(self, meta: dict[str, Any]) -> None:
        for name in _HASHED:
            if sha256_of(self._folder / name) == meta["sha256"].get(name):
                continue
            found = self._run_id_in(name)
            if found is not None:
                check_same_run(meta["run_id"], {name: found})
            raise ArtifactDamagedError(
                f"{shown(self._folder / name)} is damaged: it is not the file that meta.json describes; "
                f"make it with: {self._made_by}"
            )

    def _run_id_in(self, name: str) -> str | None:
        """Return the run id that a file with a wrong hash holds, if it can still be read.

        A pickle is read over, not loaded: a damaged one may ask for any amount of memory.
        """
        path = self._folder / name
        try:
            if name == "processed.npz":
                return str(read_arrays(path, ("run_id",))["run_id"])
            texts = [value for _, value, _ in pickletools.genops(path.read_bytes()) if isinstance(value, str)]
            return texts[texts.index("run_id") + 1]
        except Exception:  # damaged files raise almost anything
            return None

    def _exists(self) -> bool:
        return all((self._folder / name).is_file() for name in (*_HASHED, "meta.json"))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._folder)}

    def preview(self) -> JSONPreview:
        """Return `meta.json` for kedro-viz."""
        return JSONPreview(json.dumps(self._load_meta()))
