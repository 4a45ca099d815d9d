"""The user's inputs: the table and the covariate schema, read-only, from any file system of fsspec."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import fsspec
from kedro.io import AbstractDataset

from spline_lstm.datasets.containers import is_parquet, read_table
from spline_lstm.datasets.previews import TablePreview
from spline_lstm.datasets.storage import shown
from spline_lstm.errors import SchemaError, TableError
from spline_lstm.series.schema import CovariateSchema, parse_schema
from spline_lstm.text import first_line, without_secrets
from spline_lstm.types import DataFrame


@dataclass(frozen=True)
class _Place:
    """A path, or an address such as `s3://bucket/table.parquet` with its credentials."""

    name: str
    credentials: dict[str, Any]

    @property
    def _is_local(self) -> bool:
        return "://" not in self.name

    def __str__(self) -> str:
        return shown(Path(self.name)) if self._is_local else without_secrets(self.name)

    def exists(self) -> bool:
        """Tell whether a file or folder exists."""
        return bool(self._ask("exists"))

    def is_folder(self) -> bool:
        """Tell whether the place is a folder."""
        return bool(self._ask("isdir"))

    def is_file(self) -> bool:
        """Tell whether the place is a file."""
        return bool(self._ask("isfile"))

    def children(self) -> list["_Place"]:
        """Return the places in a folder, sorted by name."""
        names = sorted(PurePosixPath(path).name for path in self._ask("ls", detail=False))
        return [_Place(f"{self.name.rstrip('/')}/{name}", self.credentials) for name in names]

    def matches(self) -> list[str]:
        """Return the paths or addresses that match a name with `*`, sorted."""
        protocol = "" if self._is_local else f"{self.name.partition('://')[0]}://"
        return [f"{protocol}{path}" for path in sorted(self._ask("glob"))]

    def read(self) -> bytes:
        """Read the file."""
        return bytes(self._ask("cat_file"))

    def _ask(self, question: str, **options: Any) -> Any:
        """Send a request about this place to the file system.

        Raises:
            OSError: The file system does not answer, is unknown, or needs a package that is not installed.

        """
        try:
            system, path = fsspec.core.url_to_fs(self.name, **self.credentials)
            return getattr(system, question)(path, **options)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # each store has errors of its own
            raise OSError(first_line(error)) from error


class _ReadOnlyDataset(AbstractDataset[Any, Any]):
    """A user's file."""

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """Take the path or address, and the credentials for an address."""
        self._place = _Place(filepath, credentials or {})
        self.metadata = metadata

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a user's file is never written."""
        raise TableError(f"{self._place} is an input and is not written")

    def _exists(self) -> bool:
        return self._place.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._place)}


class TableFiles:
    """The files of a table, read one at a time."""

    def __init__(self, place: _Place) -> None:
        """Find the files.

        Raises:
            TableError: The file is missing, or the folder holds none.

        """
        self._place = place
        try:
            is_file = place.is_file()
            self._is_folder = not is_file and place.is_folder()
            self._paths = [path for path in place.children() if is_parquet(path.name)] if self._is_folder else [place]
        except OSError as error:
            raise _unreadable(place, error) from None
        if not self._paths:
            raise TableError(f"{place} is a folder without Parquet files; input_path=... names a table")
        if not is_file and not self._is_folder:
            raise _absent(place)

    @property
    def source(self) -> str:
        """The table's name in messages."""
        return str(self._place)

    def __iter__(self) -> Iterator[DataFrame]:
        """Yield each file's part of the table; the index counts the rows of the whole.

        Raises:
            TableError: A file is missing, empty, not UTF-8, not of the format that its ending says, has rows of
                different lengths, or has other columns than the first file.

        """
        rows, first = 0, None
        for number, path in enumerate(self._paths):
            table = self.read(number, rows)
            first = table.columns if first is None else first
            other = set(table.columns) ^ set(first)
            if other:
                raise TableError(
                    f"{path} and {self._paths[0]} are no parts of one table: "
                    f"only one of them has the column '{min(map(str, other))}'"
                )
            rows += len(table)
            yield table

    def read(self, number: int, rows_before: int) -> DataFrame:
        """Read one file; the index counts the rows of the whole table.

        Args:
            number: Number of the file, from 0.
            rows_before: Number of rows in the files before it.

        Raises:
            TableError: As in `__iter__`.

        """
        table = _read(self._paths[number])
        table.index += rows_before
        return table

    def join(self, parts: list[DataFrame], hashes: list[str] | None = None) -> DataFrame:
        """Join the files, or selected rows; the table's hash is the hash of all files' hashes.

        Args:
            parts: The files' tables, or the wanted rows of some files.
            hashes: The hashes of all files, if `parts` leaves files out.

        """
        import pandas as pd

        hashes = hashes or [part.attrs["sha256"] for part in parts]
        sha256 = hashlib.sha256("".join(hashes).encode()).hexdigest() if self._is_folder else hashes[0]
        filled = [part for part in parts if len(part)] or parts[:1]
        table = filled[0] if len(filled) == 1 else pd.concat(filled)
        table.attrs = {"source": self.source, "sha256": sha256}
        return table


def find_tables(pattern: str, credentials: dict[str, Any] | None = None) -> list[str]:
    """Return the paths or addresses of the tables that match a name with `*`, sorted.

    Raises:
        TableError: No table matches, or the file system does not answer.

    """
    place = _Place(pattern, credentials or {})
    try:
        found = place.matches()
    except OSError as error:
        raise _unreadable(place, error) from None
    if not found:
        raise TableError(f"{place} fits no file; give the path of a table, or a pattern of paths: input_path=...")
    return found


class TableDataset(_ReadOnlyDataset):
    """A table in a format of `datasets.containers`, or a folder of Parquet files that form one table.

    CSV cells stay text, so that the validation sees them as they are in the file. The frame's `attrs`
    hold the `source` (for messages) and its `sha256`.
    """

    def load(self) -> DataFrame:
        """Read the table.

        Raises:
            TableError: The table cannot be read; see `TableFiles`.

        """
        files = self.files()
        return files.join(list(files))

    def files(self) -> TableFiles:
        """Find the files of the table.

        Raises:
            TableError: There are no files.

        """
        return TableFiles(self._place)

    def preview(self, nrows: int = 40) -> TablePreview:
        """Return the first rows for kedro-viz."""
        head = self.load().head(nrows)
        return TablePreview(head.astype(str).to_dict(orient="split"))


class WholeTable(TableFiles):
    """A table that a dataset of another class reads whole; it has the interface of a single file."""

    def __init__(self, dataset: AbstractDataset[Any, Any]) -> None:
        """Take the dataset that reads the table."""
        self._dataset = dataset

    @property
    def source(self) -> str:
        """The table's name in messages."""
        return "raw_table"

    def __iter__(self) -> Iterator[DataFrame]:
        """Yield the table."""
        yield self.read(0, 0)

    def read(self, number: int, rows_before: int) -> DataFrame:  # noqa: ARG002 - there is one file
        """Read the table."""
        table: DataFrame = self._dataset.load()
        return table

    def join(self, parts: list[DataFrame], hashes: list[str] | None = None) -> DataFrame:  # noqa: ARG002
        """Return the table, or its selected rows."""
        return parts[0]


class TableFilesDataset(AbstractDataset[TableFiles, Any]):
    """The files of the table that `raw_table` reads whole."""

    def __init__(self, *, datasets: dict[str, dict[str, Any]], metadata: dict[str, Any] | None = None) -> None:
        """Take the catalog's entry of `raw_table`, which may be of any class."""
        self._table: Any = AbstractDataset.from_config("raw_table", datasets["raw_table"])
        self.metadata = metadata

    def load(self) -> TableFiles:
        """Find the files.

        Raises:
            TableError: There are no files.

        """
        return self._table.files() if isinstance(self._table, TableDataset) else WholeTable(self._table)

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a user's file is never written."""
        raise TableError("the table is an input and is not written")

    def _exists(self) -> bool:
        return bool(self._table.exists())

    def _describe(self) -> dict[str, Any]:
        return dict(self._table._describe())


def return_memory() -> None:
    """Return the memory of released tables to the system."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


def _unreadable(place: _Place, error: Exception) -> TableError:
    if isinstance(error, UnicodeDecodeError):
        return TableError(f"{place} is not UTF-8; save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    return TableError(f"{place} cannot be read: {without_secrets(first_line(error))}")


def _absent(place: _Place) -> TableError:
    return TableError(f"{place} is not there; give the path of a CSV or Parquet file: input_path=...")


def _read(path: _Place) -> DataFrame:
    try:
        if not path.is_file():
            raise _absent(path)
        content = path.read()
        table = read_table(content, path.name)
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise _unreadable(path, error) from None
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise TableError(f"{path}: column '{twice[0]}' is there twice")
    table.attrs.update(source=str(path), sha256=hashlib.sha256(content).hexdigest())
    return table


class SchemaDataset(_ReadOnlyDataset):
    """A covariate schema in JSON."""

    def load(self) -> CovariateSchema:
        """Read and check the schema.

        Raises:
            SchemaError: The file is missing or not a valid schema.

        """
        return _read_schema(self._place)


def read_schema(path: str | Path) -> CovariateSchema:
    """Read and check a covariate schema without a catalog: Kedro would wrap the exceptions of a dataset.

    Raises:
        SchemaError: The file is missing or not a valid schema.

    """
    return _read_schema(_Place(str(path), {}))


def _read_schema(place: _Place) -> CovariateSchema:
    try:
        if place.exists() and not place.is_file():
            raise SchemaError(f"{place} cannot be read: it is no file")
        text = place.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise SchemaError(f"{place} cannot be read: {without_secrets(reason)}") from None
    return parse_schema(text, str(place))
