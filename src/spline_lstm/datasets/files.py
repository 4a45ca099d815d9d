"""Datasets of one file each."""

import hashlib
import io
import json
from abc import abstractmethod
from dataclasses import asdict
from typing import Any

from kedro.io import AbstractDataset

from spline_lstm.datasets.address import Place, place_at
from spline_lstm.datasets.previews import (
    HTMLPreview,
    JSONPreview,
    PlotlyPreview,
    TablePreview,
    show_model,
    show_text,
)
from spline_lstm.datasets.records import FailureRecord, Index, check_record
from spline_lstm.datasets.score_records import RECORDS
from spline_lstm.datasets.storage import read_bytes, remove, shown, write_bytes
from spline_lstm.errors import ArtifactDamagedError, Failure
from spline_lstm.strict_json import parse_json
from spline_lstm.text import first_line
from spline_lstm.types import DataFrame


def damaged(path: Place, error: Exception) -> ArtifactDamagedError:
    """Make the error for a damaged file."""
    return ArtifactDamagedError(f"{shown(path)} is damaged: {first_line(error)}; run the step again")


class FileDataset(AbstractDataset[Any, Any]):
    """One file, and the command that makes it; subclasses define the content."""

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = place_at(filepath)
        self._made_by = made_by
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """Where the dataset is written."""
        return self._filepath

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._filepath)}


class BytesDataset(FileDataset):
    """Any file as its bytes; models are loaded from the bytes where they are used.

    A `Failure` is saved beside the file, with the ending `.failed`. The file then counts as missing, and the next run
    tries again.
    """

    @property
    def _failed(self) -> Place:
        return self._filepath.with_name(f"{self._filepath.name}.failed")

    def load(self) -> bytes | Failure:
        """Read the file.

        Raises:
            ArtifactMissingError: There is no such file.
            ArtifactDamagedError: The failure beside the file cannot be read.

        """
        if not self._failed.is_file():
            return read_bytes(self._filepath, self._made_by)
        try:
            found = parse_json(read_bytes(self._failed))
        except ValueError as error:
            raise damaged(self._failed, error) from None
        source = f"{shown(self._failed)} (remove it and run the step again): key"
        return FailureRecord.parse(found, ArtifactDamagedError, source).to_failure()

    def save(self, data: bytes | Failure) -> None:
        """Write the file atomically."""
        if isinstance(data, Failure):
            write_bytes(self._failed, json.dumps(asdict(data)).encode())
            return
        write_bytes(self._filepath, data)
        remove(self._failed)

    def preview(self) -> JSONPreview:
        """Describe the model for kedro-viz."""
        found = self.load()
        return JSONPreview(json.dumps(asdict(found))) if isinstance(found, Failure) else show_model(found)

    def _exists(self) -> bool:
        return super()._exists() and not self._failed.is_file()


class _CodedDataset(FileDataset):
    """A file that encodes a value; subclasses define the encoding."""

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath=filepath, made_by=made_by, metadata=metadata)
        self._file = BytesDataset(filepath=filepath, made_by=made_by)

    @abstractmethod
    def _encode(self, data: Any) -> bytes:
        """Encode a value."""

    @abstractmethod
    def _decode(self, content: bytes) -> Any:
        """Decode a value; an exception means that the bytes are damaged."""

    def load(self) -> Any:
        """Read the value.

        Raises:
            ArtifactMissingError: There is no such file.
            ArtifactDamagedError: The file cannot be decoded.

        """
        content = self._file.load()
        if isinstance(content, Failure):
            return content
        try:
            return self._decode(content)
        except (ValueError, TypeError, AttributeError, RecursionError, OSError) as error:
            raise damaged(self._filepath, error) from error

    def save(self, data: Any) -> None:
        """Write the value atomically: the value is encoded whole before the file changes."""
        self._file.save(data if isinstance(data, Failure) else self._encode(data))

    def _exists(self) -> bool:
        return self._file.exists()


class TextDataset(_CodedDataset):
    """A UTF-8 text.

    With `contains`, the dataset exists only once the file contains that text: two datasets can thus be two stages of
    one file.
    """

    def __init__(
        self,
        *,
        filepath: str,
        made_by: str | None = None,
        contains: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, made_by=made_by, metadata=metadata)
        self._contains = contains.encode()

    def _exists(self) -> bool:
        return super()._exists() and self._contains in self._filepath.read_bytes()

    def preview(self) -> HTMLPreview:
        """Return the text for kedro-viz."""
        return show_text(self.load(), self._filepath.suffix)

    def _encode(self, data: str) -> bytes:
        return data.encode()

    def _decode(self, content: bytes) -> str:
        return content.decode()


class JSONDataset(_CodedDataset):
    """A JSON value without NaN, with a preview in kedro-viz; `holds` names the required record."""

    def __init__(
        self,
        *,
        filepath: str,
        made_by: str | None = None,
        holds: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, made_by=made_by, metadata=metadata)
        self._record = RECORDS[holds] if holds else None

    def _encode(self, data: Any) -> bytes:
        return (json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()

    def _decode(self, content: bytes) -> Any:
        value = parse_json(content)
        if self._record:
            check_record(value, self._record, shown(self._filepath), self._made_by)
        return value

    def preview(self) -> JSONPreview:
        """Return the text for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))


class ParquetDataset(_CodedDataset):
    """A pandas table as Parquet, with its first rows as preview in kedro-viz."""

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


class CSVDataset(_CodedDataset):
    """A pandas table as CSV, with a preview in kedro-viz."""

    def _encode(self, data: DataFrame) -> bytes:
        return data.to_csv(index=False).encode()

    def _decode(self, content: bytes) -> DataFrame:
        import pandas as pd

        return pd.read_csv(io.BytesIO(content))

    def preview(self, nrows: int = 40) -> TablePreview:
        """Return the first rows for kedro-viz."""
        return TablePreview(json.loads(self.load().head(nrows).to_json(orient="split")))


class PlotlyDataset(_CodedDataset):
    """A plotly figure as JSON, drawn by kedro-viz."""

    def _encode(self, data: Any) -> bytes:
        return str(data.to_json()).encode()

    def _decode(self, content: bytes) -> Any:
        import plotly.io

        return plotly.io.from_json(content.decode())

    def preview(self) -> PlotlyPreview:
        """Return the figure for kedro-viz."""
        return PlotlyPreview(json.loads(self.load().to_json()))


class FilesDataset(AbstractDataset[dict[str, bytes], dict[str, bytes]]):
    """Several files in a folder, as a mapping from name to bytes.

    `index.json` is written last and holds the hash of each file; files that the index does not name are ignored.
    """

    def __init__(self, *, filepath: str, made_by: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._folder = place_at(filepath)
        self._made_by = made_by
        self._index = JSONDataset(filepath=f"{filepath}/index.json", made_by=made_by)
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """Where the dataset is written."""
        return self._folder

    def load(self) -> dict[str, bytes]:
        """Read all files.

        Raises:
            ArtifactMissingError: The index, or a file that it names, is missing.
            ArtifactDamagedError: A file does not have the hash in the index.

        """
        files = {}
        for name, digest in self._entries().items():
            content = read_bytes(self._folder / name, self._made_by)
            if hashlib.sha256(content).hexdigest() != digest:
                hint = f"; make it with: {self._made_by}" if self._made_by else ""
                raise ArtifactDamagedError(f"{shown(self._folder / name)} is not the file that was written{hint}")
            files[name] = content
        return files

    def save(self, data: dict[str, bytes]) -> None:
        """Write all files atomically, the index last; other files in the folder are removed."""
        index = self._index.place
        remove(index)
        for name, content in data.items():
            write_bytes(self._folder / name, content)
        self._index.save({name: hashlib.sha256(content).hexdigest() for name, content in data.items()})
        for path in self._folder.iterdir():
            if path.name not in data and path != index and path.is_file():
                remove(path)

    def preview(self) -> JSONPreview:
        """Return the files' contract for kedro-viz, or their hashes if there is no contract."""
        contract = self._folder / "contract.json"
        return JSONPreview(contract.read_bytes().decode() if contract.is_file() else json.dumps(self._entries()))

    def _entries(self) -> dict[str, str]:
        entries: dict[str, str] = self._index.load()
        check_record({"files": entries}, Index, shown(self._index.place), self._made_by)
        return entries

    def _exists(self) -> bool:
        return self._index.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._folder)}
