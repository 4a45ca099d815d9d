"""The preprocessed data: `processed.npz`, `preprocessor.pkl` and, written last, `meta.json`."""

import json
import logging
import pickletools
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from kedro.io import AbstractDataset

from spline_lstm.datasets.address import Place, place_at
from spline_lstm.datasets.arrays import read_arrays, read_headers, write_arrays
from spline_lstm.datasets.previews import JSONPreview
from spline_lstm.datasets.records import Meta, check_record
from spline_lstm.datasets.storage import atomic_path, local_file, read_bytes, remove, sha256_of, shown, write_bytes
from spline_lstm.errors import ArtifactDamagedError, ParameterError
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

    `meta.json` is written last and holds the hashes of the other two files. Without a valid `meta.json`, the dataset
    does not exist.
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

        `run_id` is the id that the data must have; by default the folder's name.
        `materialize_windows` decides whether the cut windows are written as well as the rows; `auto` writes up to
        256 MB of windows.
        """
        self._folder = place_at(filepath)
        self._made_by = made_by
        self._run_id = run_id or self._folder.name
        self._windows = windows
        self._materialize = materialize_windows
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """Where the dataset is written."""
        return self._folder

    def save(self, data: ModelInput) -> None:
        """Write the three files atomically, `meta.json` last."""
        remove(self._folder / "meta.json")
        stored = self._materialize == "always" or (
            self._materialize == "auto" and window_bytes(data) <= _MOST_WINDOW_BYTES
        )
        with atomic_path(self._folder / "processed.npz") as temporary:
            write_arrays(temporary, to_arrays(data, windows=stored))
            of_arrays = sha256_of(temporary)
        preprocessor = dump_preprocessor(data.preprocessor)
        write_bytes(self._folder / PREPROCESSOR_FILE, preprocessor)
        hashes = dict(zip(_HASHED, (of_arrays, sha256(preprocessor).hexdigest()), strict=True))
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
        with local_file(self._folder / "processed.npz", self._made_by) as path:
            return self._load_files(path, meta)

    def _load_files(self, path: Path, meta: dict[str, Any]) -> ModelInput:
        """Read the arrays from a file on this machine, and the preprocessor."""
        source = shown(self._folder / "processed.npz")
        if "schema_version" not in meta:
            logger.warning("%s is of an earlier version: taken as one series, without hash check", shown(self._folder))
            windows = WindowSpec.parse(self._windows, ParameterError, "parameter")
            arrays = read_arrays(path, LEGACY_KEYS, source=source)
            return adapt_legacy_arrays(arrays, {**meta, "run_id": self._run_id}, windows)
        content = read_bytes(self._folder / PREPROCESSOR_FILE, self._made_by)
        self._check_hashes(path, content, meta)
        preprocessor = load_preprocessor(content, shown(self._folder / PREPROCESSOR_FILE))
        # The hash has been checked, so mapped arrays need no checksum.
        arrays = read_arrays(path, ("run_id", *ARRAYS), mapped=True, source=source)
        return from_arrays(arrays, read_headers(path, tuple(WINDOW_ARRAYS), source=source), preprocessor, meta)

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

    def _check_hashes(self, path: Path, preprocessor: bytes, meta: dict[str, Any]) -> None:
        found = dict(zip(_HASHED, (sha256_of(path), sha256(preprocessor).hexdigest()), strict=True))
        for name, digest in found.items():
            if digest == meta["sha256"].get(name):
                continue
            run_id = _run_id_of_arrays(path) if name == "processed.npz" else _run_id_of_pickle(preprocessor)
            if run_id is not None:
                check_same_run(meta["run_id"], {name: run_id})
            raise ArtifactDamagedError(
                f"{shown(self._folder / name)} is damaged: it is not the file that meta.json describes; "
                f"make it with: {self._made_by}"
            )

    def _exists(self) -> bool:
        return all((self._folder / name).is_file() for name in (*_HASHED, "meta.json"))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._folder)}

    def preview(self) -> JSONPreview:
        """Return `meta.json` for kedro-viz."""
        return JSONPreview(json.dumps(self._load_meta()))


def _run_id_of_arrays(path: Path) -> str | None:
    """Return the run id in an archive with a wrong hash, if it can still be read."""
    with suppress(Exception):  # damaged files raise almost anything
        return str(read_arrays(path, ("run_id",))["run_id"])
    return None


def _run_id_of_pickle(content: bytes) -> str | None:
    """Return the run id in a pickle with a wrong hash, if it can still be read.

    The pickle is scanned, not loaded: a damaged pickle may request any amount of memory.
    """
    with suppress(Exception):  # damaged files raise almost anything
        texts = [value for _, value, _ in pickletools.genops(content) if isinstance(value, str)]
        return texts[texts.index("run_id") + 1]
    return None
