from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io.core import DatasetError

from spline_lstm.datasets.inputs import SchemaDataset, TableDataset, TableFilesDataset, read_schema
from spline_lstm.datasets.storage import sha256_of
from spline_lstm.errors import SchemaError, TableError

Refuses = Callable[..., AbstractContextManager[None]]
TEXT = "timestamp,target\n2024-01-01,1\n2024-01-02,2\n"


def load(path: Path, content: bytes) -> pd.DataFrame:
    path.write_bytes(content)
    return TableDataset(filepath=str(path)).load()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Empty CSV file"),
        (b"\n", "Empty CSV file"),
        (b"\xef\xbb\xbf", "Empty CSV file"),
        (b"timestamp,target\n2024-01-01,1\n2024-01-02\n", "Row #3: Expected 2 columns, got 1: 2024-01-02"),
        (b"timestamp,target\n2024-01-01,1,5\n", "Row #2: Expected 2 columns, got 3"),
        ("timestamp,target\n2024-01-01,1\n2024-01-02,ä\n".encode("latin-1"), "invalid UTF8 data"),
        ("timestamp,tärget\n2024-01-01,1\n".encode("latin-1"), "is not UTF-8; save it as UTF-8"),
        (b'timestamp,target\n"2024-01-01,1\n2024-01-02,2\n', "cannot be read"),
        (bytes(range(256)) * 10, "cannot be read"),
        (b"timestamp,target,target\n2024-01-01,1,2\n", "column 'target' is there twice"),
    ],
)
def test_a_damaged_csv_is_refused(content: bytes, found: str, tmp_path: Path, refuses_load: Refuses) -> None:
    with refuses_load(TableError, 10, "table.csv", found):
        load(tmp_path / "table.csv", content)


@given(content=st.binary(max_size=99) | st.text(alphabet='a1,"\n\r\t; \0', max_size=30).map(str.encode))
@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_any_file_is_a_table_or_refused(name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    outcome: Any
    try:
        outcome = load(tmp_path_factory.getbasetemp() / name, content)
    except DatasetError as wrapped:
        outcome = wrapped.__cause__
    assert isinstance(outcome, pd.DataFrame | TableError)


@pytest.mark.parametrize("kind", ["spline_lstm.datasets.TableDataset", "pandas.CSVDataset"])
def test_the_files_of_a_table_are_those_of_the_entry_that_names_it(kind: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TEXT)
    entry = {"type": kind, "filepath": str(tmp_path / "table.csv")}
    dataset = TableFilesDataset(datasets={"raw_table": entry})
    files = dataset.load()
    assert dataset.exists()
    assert files.join(list(files))["target"].astype(int).tolist() == [1, 2]


def test_files_of_a_table_are_not_written(tmp_path: Path, refuses_load: Refuses) -> None:
    entry = {"type": "spline_lstm.datasets.TableDataset", "filepath": str(tmp_path / "table.csv")}
    with refuses_load(TableError, 10, "the table is an input and is not written"):
        TableFilesDataset(datasets={"raw_table": entry}).save([])


@pytest.mark.parametrize("content", [b"", TEXT.encode(), b"PAR1" + bytes(100) + b"PAR1"])
@pytest.mark.parametrize("name", ["table.parquet", "table.PQ"])
def test_a_parquet_file_that_is_none_is_refused(
    content: bytes, name: str, tmp_path: Path, refuses_load: Refuses
) -> None:
    with refuses_load(TableError, 10, name, "cannot be read"):
        load(tmp_path / name, content)


@pytest.mark.parametrize("path", ["nowhere.csv", "nowhere.parquet"])
def test_a_missing_table_is_refused_with_what_to_type(path: str, tmp_path: Path, refuses_load: Refuses) -> None:
    with refuses_load(TableError, 10, "is not there; give the path of a CSV or Parquet file: input_path=..."):
        TableDataset(filepath=str(tmp_path / path)).load()


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_csv_is_read_as_text(prefix: bytes, line_end: str, tmp_path: Path) -> None:
    table = load(tmp_path / "table.csv", prefix + TEXT.replace("\n", line_end).encode())
    assert table.to_dict("list") == {"timestamp": ["2024-01-01", "2024-01-02"], "target": ["1", "2"]}


def test_an_empty_line_between_rows_is_a_row_without_cells(tmp_path: Path) -> None:
    table = load(tmp_path / "table.csv", TEXT.encode().replace(b"1\n", b"1\n\n"))
    assert table["timestamp"].fillna("").tolist() == ["2024-01-01", "", "2024-01-02"]


def test_empty_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    assert len(load(tmp_path / "table.csv", TEXT.encode() + b"\n\r\n")) == 2


def test_cells_are_not_reinterpreted(tmp_path: Path) -> None:
    table = load(tmp_path / "table.csv", b"station,target\n007,NA\n1e5,\n")
    assert table.to_dict("list") == {"station": ["007", "1e5"], "target": ["NA", ""]}


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
def test_a_header_without_rows_is_read_as_an_empty_table(tmp_path: Path, end: bytes) -> None:
    table = load(tmp_path / "table.csv", b"timestamp,target" + end)
    assert list(table.columns) == ["timestamp", "target"]
    assert table.empty


def test_a_table_knows_its_file_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    assert load(path, TEXT.encode()).attrs == {"source": str(path), "sha256": sha256_of(path)}


def test_a_parquet_table_keeps_its_types(tmp_path: Path, make_table: Callable[..., pd.DataFrame]) -> None:
    table = make_table(steps=5)
    table.to_parquet(tmp_path / "table.parquet")
    loaded = TableDataset(filepath=str(tmp_path / "table.parquet")).load()
    pd.testing.assert_frame_equal(loaded, table)


@pytest.fixture
def folder(tmp_path: Path, make_table: Callable[..., pd.DataFrame]) -> Path:
    table = make_table(steps=5)
    for number, (_, part) in enumerate(table.groupby("station")):
        part.to_parquet(tmp_path / f"part{number}.parquet", index=False)
    (tmp_path / "notes.txt").write_text("no part of it")
    return tmp_path


def test_the_parquet_files_of_a_folder_are_one_table(folder: Path, make_table: Callable[..., pd.DataFrame]) -> None:
    loaded = TableDataset(filepath=str(folder)).load()
    pd.testing.assert_frame_equal(loaded, make_table(steps=5))
    assert loaded.attrs["source"] == str(folder)
    before = loaded.attrs["sha256"]
    pd.read_parquet(folder / "part1.parquet").assign(humidity=1.0).to_parquet(folder / "part1.parquet", index=False)
    assert TableDataset(filepath=str(folder)).load().attrs["sha256"] != before


def test_the_rows_of_a_folder_are_counted_from_its_first_file_on(folder: Path) -> None:
    loaded = TableDataset(filepath=str(folder)).load()
    assert loaded.index.tolist() == list(range(len(loaded)))


def test_a_table_below_the_working_directory_is_named_from_there(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:  # fmt: skip
    monkeypatch.chdir(folder.parent)
    assert TableDataset(filepath=str(folder)).load().attrs["source"] == folder.name


def test_files_of_other_columns_are_no_parts_of_one_table(folder: Path, refuses_load: Refuses) -> None:
    pd.read_parquet(folder / "part1.parquet").drop(columns="humidity").to_parquet(folder / "part1.parquet")
    named = "part1.parquet and ", "part0.parquet are no parts of one table", "has the column 'humidity'"
    with refuses_load(TableError, 10, *named):
        TableDataset(filepath=str(folder)).load()


def test_a_folder_without_parquet_files_is_no_table(tmp_path: Path, refuses_load: Refuses) -> None:
    with refuses_load(TableError, 10, "is a folder without Parquet files; input_path=... names a table"):
        TableDataset(filepath=str(tmp_path)).load()


def test_a_named_index_of_a_parquet_table_is_a_column(tmp_path: Path, make_table: Callable[..., pd.DataFrame]) -> None:
    make_table(steps=5).set_index("timestamp").to_parquet(tmp_path / "table.parquet")
    assert "timestamp" in TableDataset(filepath=str(tmp_path / "table.parquet")).load()


@pytest.mark.parametrize("index", [["a", "b"], [7, 9], [0.5, 1.5]])
def test_an_index_without_a_name_is_no_column(index: Any, tmp_path: Path) -> None:
    pd.DataFrame({"target": [1.0, 2.0]}, index=index).to_parquet(tmp_path / "table.parquet")
    loaded = TableDataset(filepath=str(tmp_path / "table.parquet")).load()
    pd.testing.assert_frame_equal(loaded, pd.DataFrame({"target": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("nowhere://bucket/table.csv", "nowhere://bucket/table.csv cannot be read: Protocol not known: nowhere"),
        ("memory://bucket/nothing.csv", "memory://bucket/nothing.csv is not there; give the path"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused(place: str, found: str, refuses_load: Refuses) -> None:
    with refuses_load(TableError, 10, found):
        TableDataset(filepath=place).load()


def test_a_password_in_an_address_is_not_shown(refuses_load: Refuses) -> None:
    with refuses_load(TableError, 10, "nowhere://***@bucket/table.csv?*** cannot be read"):
        TableDataset(filepath="nowhere://me:secret@bucket/table.csv?sig=secret").load()


@pytest.mark.parametrize("name", ["self.csv", "self.parquet"])
def test_a_link_to_itself_is_refused(name: str, tmp_path: Path, refuses_load: Refuses) -> None:
    (tmp_path / name).symlink_to(name)
    with refuses_load(TableError, 10, name):
        TableDataset(filepath=str(tmp_path / name)).load()


def test_credentials_reach_the_file_system(tmp_path: Path) -> None:
    """A cache takes a folder where a store takes keys."""
    (tmp_path / "table.csv").write_text(TEXT)
    place = f"simplecache::file://{tmp_path}/table.csv"
    cache = tmp_path / "cache"
    dataset = TableDataset(filepath=place, credentials={"simplecache": {"cache_storage": str(cache)}})
    assert len(dataset.load()) == 2
    assert list(cache.iterdir())


def test_an_input_is_never_written(tmp_path: Path, refuses_load: Refuses) -> None:
    path = tmp_path / "table.csv"
    with refuses_load(TableError, 10, "is an input and is not written"):
        TableDataset(filepath=str(path)).save(pd.DataFrame())
    assert not path.exists()


def test_an_input_says_where_it_is(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=str(tmp_path / "table.csv"))
    assert dataset._describe() == {"filepath": str(tmp_path / "table.csv")}
    assert not dataset.exists()


def test_a_table_has_a_preview(tmp_path: Path) -> None:
    load(tmp_path / "table.csv", TEXT.encode())
    preview: Any = TableDataset(filepath=str(tmp_path / "table.csv")).preview(nrows=1)
    assert preview["data"] == [["2024-01-01", "1"]]


def test_the_preview_of_a_table_has_forty_rows(tmp_path: Path) -> None:
    load(tmp_path / "table.csv", b"target\n" + b"1\n" * 50)
    preview: Any = TableDataset(filepath=str(tmp_path / "table.csv")).preview()
    assert len(preview["data"]) == 40


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_a_schema_is_read(prefix: bytes, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(prefix + b'{"version": "phase5.v1", "target_cols": ["load"]}')
    assert SchemaDataset(filepath=str(path)).load().target_cols == ("load",)


def test_a_missing_schema_is_refused(tmp_path: Path, refuses_load: Refuses) -> None:
    with refuses_load(SchemaError, 14, "schema.json cannot be read: No such file or directory"):
        SchemaDataset(filepath=str(tmp_path / "schema.json")).load()


@pytest.mark.parametrize("path", [".", "/dev/zero"])
def test_a_schema_that_is_no_file_is_refused(path: str, tmp_path: Path, refuses: Refuses) -> None:
    with refuses(SchemaError, 14, "cannot be read: it is no file"):
        read_schema(tmp_path / path)


def test_a_schema_that_is_not_utf_8_is_refused(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes('{"units": "°F"}'.encode("latin-1"))
    with refuses(SchemaError, 14, "schema.json cannot be read"):
        read_schema(path)


def test_a_malformed_schema_is_refused_with_its_place(tmp_path: Path, refuses_load: Refuses) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{\n"version": }', encoding="utf-8")
    with refuses_load(SchemaError, 14, "schema.json line 2, column 12: not valid JSON"):
        SchemaDataset(filepath=str(path)).load()
