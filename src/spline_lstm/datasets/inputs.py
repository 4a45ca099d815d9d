"""What a user brings: the table and the covariate schema. They are only read."""

import codecs
import hashlib
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from spline_lstm.datasets.storage import shown
from spline_lstm.errors import SchemaError, TableError
from spline_lstm.series.schema import CovariateSchema, parse_schema
from spline_lstm.types import DataFrame


class _ReadOnlyDataset(AbstractDataset[Any, Any]):
    """A user's file."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a user's file is never written."""
        raise TableError(f"{shown(self._filepath)} is an input and is not written")

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown(self._filepath)}


_PARQUET = (".parquet", ".pq")


class TableDataset(_ReadOnlyDataset):
    """A CSV or Parquet table, or a folder whose Parquet files are one.

    CSV cells stay text, so that the validation sees what stands in the file. The frame's `attrs`
    hold the `source` (for messages) and its `sha256`.
    """

    def load(self) -> DataFrame:
        """Read the table.

        Raises:
            TableError: The file is missing, empty, not UTF-8, not what its ending says, or has rows
                of different lengths; or the files of a folder have other columns each.

        """
        if not self._filepath.is_dir():
            return _read(self._filepath)
        parts = [_read(path) for path in sorted(self._filepath.iterdir()) if path.suffix.lower() in _PARQUET]
        if not parts:
            raise TableError(f"{shown(self._filepath)} is a folder without Parquet files; input_path=... names a table")
        return _join(parts, shown(self._filepath))

    def preview(self, nrows: int = 40) -> TablePreview:
        """Return the first rows for kedro-viz."""
        head = self.load().head(nrows)
        return TablePreview(head.astype(str).to_dict(orient="split"))


def _read(path: Path) -> DataFrame:
    source = shown(path)
    if not path.is_file():
        raise TableError(f"{source} is not there; give the path of a CSV or Parquet file: input_path=...")
    read = _read_parquet if path.suffix.lower() in _PARQUET else _read_csv
    try:
        content = path.read_bytes()
        table = read(content)
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise TableError(f"{source} cannot be read: {_first_line(error)}") from None
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise TableError(f"{source}: column '{twice[0]}' is there twice")
    table.attrs.update(source=source, sha256=hashlib.sha256(content).hexdigest())
    return table


def _join(parts: list[DataFrame], source: str) -> DataFrame:
    """Join the files of one table; its hash is that of their hashes."""
    import pandas as pd

    first = parts[0]
    for part in parts[1:]:
        other = set(part.columns) ^ set(first.columns)
        if other:
            raise TableError(
                f"{part.attrs['source']} and {first.attrs['source']} are no parts of one table: "
                f"only one of them has the column '{min(map(str, other))}'"
            )
    digest = hashlib.sha256("".join(part.attrs["sha256"] for part in parts).encode()).hexdigest()
    table = pd.concat(parts, ignore_index=True)
    table.attrs = {"source": source, "sha256": digest}
    return table


def _read_csv(content: bytes) -> DataFrame:
    import pyarrow
    from pyarrow import csv

    # One thread: errors then name the row, and files of this size are read no slower. Empty lines are left
    # out at the end only; elsewhere they count as rows, as they do in an editor, and lack their timestamp.
    lines = content.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")
    if not lines:
        raise ValueError("Empty CSV file")
    source = pyarrow.py_buffer(lines + b"\n")
    options, parsing = csv.ReadOptions(use_threads=False), csv.ParseOptions(ignore_empty_lines=False)
    with csv.open_csv(pyarrow.BufferReader(source), read_options=options, parse_options=parsing) as reader:
        names = reader.schema.names
    text = csv.ConvertOptions(column_types=dict.fromkeys(names, "string"))
    table: DataFrame = csv.read_csv(
        pyarrow.BufferReader(source), read_options=options, parse_options=parsing, convert_options=text
    ).to_pandas()
    return table


def _read_parquet(content: bytes) -> DataFrame:
    import pyarrow
    from pyarrow import parquet

    # Columns are handed over one by one, and what is let go of goes back to the system.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    read = parquet.read_table(pyarrow.BufferReader(content))
    table: DataFrame = read.to_pandas(split_blocks=True, self_destruct=True)
    # pandas writes a frame whose timestamps are its index; a name tells such an index from row numbers.
    return table if table.index.names == [None] else table.reset_index()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


class SchemaDataset(_ReadOnlyDataset):
    """A covariate schema in JSON."""

    def load(self) -> CovariateSchema:
        """Read and check the schema.

        Raises:
            SchemaError: The file is missing or not a valid schema.

        """
        return read_schema(self._filepath)


def read_schema(path: Path) -> CovariateSchema:
    """Read and check a covariate schema, for callers outside a catalog: Kedro wraps what a dataset raises.

    Raises:
        SchemaError: The file is missing or not a valid schema.

    """
    source = shown(path)
    if path.exists() and not path.is_file():
        raise SchemaError(f"{source} cannot be read: it is no file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise SchemaError(f"{source} cannot be read: {reason}") from None
    return parse_schema(text, source)
