"""Datasets of one file each."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import JSONPreview, TablePreview

from spline_lstm.datasets.storage import read_bytes, shown, write_bytes
from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.types import DataFrame


class BytesDataset(AbstractDataset[bytes, bytes]):
    """Any file as its bytes; models are loaded from them where they are used."""

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self._made_by = made_by
        self.metadata = metadata

    def load(self) -> bytes:
        """Read the file."""
        return read_bytes(self._filepath, self._made_by)

    def save(self, data: bytes) -> None:
        """Write the file atomically."""
        write_bytes(self._filepath, data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._filepath)}


class _CodedDataset(AbstractDataset[Any, Any]):
    """A file whose bytes stand for a value; subclasses say how."""

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._file = BytesDataset(filepath=filepath, made_by=made_by)
        self._filepath = Path(filepath)
        self.metadata = metadata

    def _encode(self, data: Any) -> bytes:
        raise NotImplementedError

    def _decode(self, content: bytes) -> Any:
        raise NotImplementedError

    def load(self) -> Any:
        """Read the value.

        Raises:
            ArtifactMissingError: There is no such file.
            ArtifactDamagedError: The file does not hold such a value.

        """
        content = self._file.load()
        try:
            return self._decode(content)
        except (ValueError, RecursionError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise ArtifactDamagedError(f"{shown(self._filepath)} is damaged: {reason}; run the step again") from error

    def save(self, data: Any) -> None:
        """Write the value atomically: it is encoded whole before the file is touched."""
        self._file.save(self._encode(data))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._filepath)}


class TextDataset(_CodedDataset):
    """A UTF-8 text."""

    def _encode(self, data: str) -> bytes:
        return data.encode()

    def _decode(self, content: bytes) -> str:
        return content.decode()


class JSONDataset(_CodedDataset):
    """A JSON value without NaN, with a preview in kedro-viz."""

    def _encode(self, data: Any) -> bytes:
        return (json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()

    def _decode(self, content: bytes) -> Any:
        return json.loads(content)

    def preview(self) -> JSONPreview:
        """Return the text for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))


class ParquetDataset(_CodedDataset):
    """A pandas table, with its first rows as preview in kedro-viz."""

    def _encode(self, data: DataFrame) -> bytes:
        buffer = io.BytesIO()
        data.to_parquet(buffer, index=False)
        return buffer.getvalue()

    def _decode(self, content: bytes) -> DataFrame:
        import pandas as pd

        return pd.read_parquet(io.BytesIO(content))

    def preview(self, nrows: int = 40) -> TablePreview:
        """Return the first rows for kedro-viz."""
        head = self.load().head(nrows)
        return TablePreview(json.loads(head.to_json(orient="split", date_format="iso")))


class FilesDataset(AbstractDataset[dict[str, bytes], dict[str, bytes]]):
    """Several files in a folder, as a mapping from name to bytes.

    `index.json` is written last and holds each file's hash; files that it does not name do not count.
    """

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(filepath)
        self._made_by = made_by
        self._index = JSONDataset(filepath=f"{filepath}/index.json", made_by=made_by)
        self.metadata = metadata

    def load(self) -> dict[str, bytes]:
        """Read all files.

        Raises:
            ArtifactMissingError: There is no index, or a file it names is missing.
            ArtifactDamagedError: A file is not the one that was written.

        """
        files = {}
        for name, digest in self._index.load().items():
            content = read_bytes(self._folder / name, self._made_by)
            if hashlib.sha256(content).hexdigest() != digest:
                hint = f"; make it with: {self._made_by}" if self._made_by else ""
                raise ArtifactDamagedError(f"{shown(self._folder / name)} is not the file that was written{hint}")
            files[name] = content
        return files

    def save(self, data: dict[str, bytes]) -> None:
        """Write all files atomically, the index last; files of an earlier index go."""
        earlier = set(self._index.load()) if self._index.exists() else set()
        for name, content in data.items():
            write_bytes(self._folder / name, content)
        self._index.save({name: hashlib.sha256(content).hexdigest() for name, content in data.items()})
        for name in earlier - set(data):
            (self._folder / name).unlink(missing_ok=True)

    def _exists(self) -> bool:
        return self._index.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._folder)}
