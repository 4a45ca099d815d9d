"""What a table comes in."""

import bz2
import gzip
import io
import lzma
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from spline_lstm.datasets import containers
from spline_lstm.datasets.containers import read_table
from spline_lstm.datasets.headers import several_headers

TEXT = "timestamp,target\n2024-01-01,1.5\n2024-01-02,2\n"
CELLS = {"timestamp": ["2024-01-01", "2024-01-02"], "target": ["1.5", "2"]}


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_cells_may_be_separated_by_commas_semicolons_tabs_and_bars(mark: str) -> None:
    assert read_table(TEXT.replace(",", mark).encode(), "table.csv").to_dict("list") == CELLS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_may_be_utf_8_or_utf_16(encoding: str) -> None:
    assert read_table(TEXT.encode(encoding), "table.csv").to_dict("list") == CELLS


def test_a_table_may_be_packed() -> None:
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        assert read_table(pack(TEXT.encode()), "table.csv.packed").to_dict("list") == CELLS
    assert read_table(zipped(**{"table.csv": TEXT}), "table.zip").to_dict("list") == CELLS
    assert read_table(zipped(**{"table.csv": TEXT, "__MACOSX/._table.csv": "a"}), "table.zip").to_dict("list") == CELLS


def test_a_feather_table_is_one() -> None:
    content = io.BytesIO()
    pd.DataFrame(CELLS).to_feather(content)
    assert read_table(content.getvalue(), "table.feather").to_dict("list") == CELLS


def test_a_packed_parquet_table_is_one() -> None:
    content = io.BytesIO()
    pd.DataFrame(CELLS).to_parquet(content, index=False)
    assert read_table(gzip.compress(content.getvalue()), "table.parquet.gz").to_dict("list") == CELLS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(a=TEXT, b=TEXT), r"the archive holds 2 files \(a, b\); one table is needed"),
        (zipped(), "the archive holds 0 files"),
        (zipped(a=TEXT)[:30], "the archive is damaged"),
        (gzip.compress(TEXT.encode())[:-9], "the archive is damaged"),
        (gzip.compress(b"") + b"\x1b[2J", "damaged|Not a gzipped"),
        (bz2.compress(TEXT.encode())[:-9], "the archive is damaged"),
        (lzma.compress(TEXT.encode())[:-9], "the archive is damaged"),
        (b'[{"date": "2024-01-01", "y": 1}]', "it is JSON; CSV, Parquet or xlsx is needed"),
        (b'{"date": "2024-01-01", "y": 1}', "it is JSON; CSV, Parquet or xlsx is needed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "it is no text; CSV, Parquet or xlsx is needed"),
    ],
    ids=[
        "two files",
        "no file",
        "half an archive",
        "half a packed file",
        "more behind a packed file",
        "half of bzip2",
        "half of xz",
        "JSON",
        "lines of JSON",
        "a picture",
    ],
)
def test_what_is_no_table_is_refused_without_its_bytes(content: bytes, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message) as caught:
        read_table(content, "table.csv")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_decimal_commas_are_read_where_commas_separate_nothing_else(mark: str) -> None:
    text = f"timestamp{mark}target{mark}note\n2024-01-01{mark}1,5{mark}a\n2024-01-02{mark}2{mark}b\n"
    table = read_table(text.encode(), "table.csv")
    assert table.to_dict("list") == {**CELLS, "note": ["a", "b"]}


def test_a_comma_that_may_separate_thousands_is_refused() -> None:
    with pytest.raises(ValueError, match="column 'y': '1,500' may be a decimal or a thousands separator"):
        read_table(b"t;y\n2024-01-01;1,500\n2024-01-02;2,000\n", "table.csv")


def test_text_with_commas_stays_text() -> None:
    table = read_table(b"t;place\n2024-01-01;Rome, Italy\n2024-01-02;Bern, Switzerland\n", "table.csv")
    assert table["place"].tolist() == ["Rome, Italy", "Bern, Switzerland"]


def test_a_column_without_a_name_gets_one() -> None:
    assert read_table(b",co2,\n2024-01-06,1,2\n", "table.csv").columns.tolist() == ["index", "co2", "column 3"]
    assert read_table(b",index\n2024-01-06,1\n", "table.csv").columns.tolist() == ["column 1", "index"]


@pytest.mark.parametrize(
    "index", [pd.date_range("2024-01-01", periods=2), pd.period_range("2024-01", periods=2, freq="M")]
)
def test_times_that_are_the_index_of_a_parquet_table_are_a_column(index: Any) -> None:
    content = io.BytesIO()
    pd.DataFrame({"y": [1.0, 2.0]}, index=index).to_parquet(content)
    assert read_table(content.getvalue(), "table.parquet").columns.tolist() == ["index", "y"]


def workbook(rows: list[list[Any]], *merged: str) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    book.save(content)
    return content.getvalue()


def test_the_first_sheet_of_a_workbook_is_a_table() -> None:
    rows = [["date", "sales"], [datetime(2024, 1, 1), 3], [datetime(2024, 1, 2), 4.5]]
    table = read_table(workbook(rows), "table.xlsx")
    assert table.columns.tolist() == ["date", "sales"]
    assert table["sales"].tolist() == [3, 4.5]
    assert [str(date)[:10] for date in table["date"]] == ["2024-01-01", "2024-01-02"]


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    with pytest.raises(ValueError, match="it is no workbook"):
        read_table(zipped(sheet="x"), "table.xlsx")


def test_an_empty_workbook_is_refused() -> None:
    with pytest.raises(ValueError, match="its sheets are empty"):
        read_table(workbook([]), "table.xlsx")


def test_broken_notes_of_pandas_do_not_matter() -> None:
    content = io.BytesIO()
    table = pyarrow.Table.from_pydict(CELLS).replace_schema_metadata({"pandas": '{"columns": 1}'})
    pyarrow.parquet.write_table(table, content)
    assert read_table(content.getvalue(), "table.parquet").to_dict("list") == CELLS


@pytest.mark.parametrize("numbers", [("980", "1.234", "2.345"), ("12", "1.234.567", "3.000")])
def test_points_that_may_separate_thousands_are_refused(numbers: tuple[str, ...]) -> None:
    content = "date;sales\n" + "".join(f"2024-01-0{day};{number}\n" for day, number in enumerate(numbers, start=1))
    with pytest.raises(ValueError, match=r"the point in '1.234.*' may separate thousands or decimals"):
        read_table(content.encode(), "table.csv")


def test_points_before_three_digits_in_every_row_are_decimal() -> None:
    table = read_table(b"date;level\n2024-01-01;1.234\n2024-01-02;12.345\n", "table.csv")
    assert table["level"].tolist() == ["1.234", "12.345"]


def test_empty_rows_at_the_end_are_left_out() -> None:
    assert read_table((TEXT + ",\n,\n").encode(), "table.csv").to_dict("list") == CELLS


GRID = ["date,a,b,c", "2024-01-01,1,2,3", "2024-01-02,4,5,6"]


@pytest.mark.parametrize(
    "above",
    [
        ["# source: me, you"],
        ["# one", "# two", ""],
        ["World Bank,,,", ",,,"],
        ["Category: All categories", ""],
        ["Title", "Last updated,2024-03-01"],
    ],
    ids=str,
)
def test_comments_and_titles_above_the_header_are_left_out_and_rows_keep_their_numbers(above: list[str]) -> None:
    table = read_table("\n".join([*above, *GRID]).encode(), "table.csv")
    assert table.columns.tolist() == ["date", "a", "b", "c"]
    assert table.index.tolist() == [len(above), len(above) + 1]


def test_years_are_names_of_columns_below_titles() -> None:
    text = '"Data Source","WDI",\n\n"Country Name","Code","1960","1961",\n"Aruba","ABW","1.5","2",\n"B","","","",\n'
    assert read_table(text.encode(), "table.csv").columns.tolist() == ["Country Name", "Code", "1960", "1961"]


@pytest.mark.parametrize("header", ["#date,y", "date,y"])
def test_a_first_row_that_names_the_columns_is_the_header(header: str) -> None:
    table = read_table(f"{header}\n2024-01-01,1\n2024-01-02,2\n".encode(), "table.csv")
    assert table.columns.tolist() == header.split(",")


@pytest.mark.parametrize("header", ["date,,value", "a,,,b"])
def test_a_row_of_labels_is_never_taken_for_the_header(header: str) -> None:
    rows = ",".join("xyzw"[: header.count(",") + 1])
    table = read_table(f"{header}\n{rows}\n{rows}\n".encode(), "table.csv")
    assert len(table) == 2


@pytest.mark.parametrize(
    ("row", "advice"), [("Source: me", "if the row is a title, a note or a total, delete it"), ("a,b,c,d,e", "quotes")]
)
def test_a_row_of_another_length_is_refused_with_what_to_do(row: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f"Row #4: Expected 4 columns, got .*{advice}"):
        read_table("\n".join([*GRID, row]).encode(), "table.csv")


def test_titles_above_the_header_of_a_sheet_are_left_out_and_rows_keep_their_numbers() -> None:
    rows = [["Sales of the shops"], [], [None, "date", "sales"], [None, datetime(2024, 1, 1), 3], [], [None, "x", 4]]
    table = read_table(workbook(rows), "table.xlsx")
    assert table.columns.tolist() == ["date", "sales"]
    assert table.index.tolist() == [2, 4]


@pytest.mark.parametrize("first", [[], ["See the sheet Data"]])
def test_the_first_sheet_that_holds_a_table_is_read_and_named(
    first: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    book, content = openpyxl.Workbook(), io.BytesIO()
    if first:
        book.active.append(first)
    data = book.create_sheet("Data")
    data.append(["date", "y"])
    data.append(["2024-01-01", 3])
    book.save(content)
    assert read_table(content.getvalue(), "table.xlsx").to_dict("list") == {"date": ["2024-01-01"], "y": [3]}
    assert "The table is read from the sheet 'Data'" in caplog.text


@pytest.mark.parametrize(
    ("levels", "names"),
    [
        (["Price,Close,Volume", "Ticker,A,A"], ["Date", "Close", "Volume"]),
        (["Price,Close,Close", "Ticker,A,B"], ["Date", "A", "B"]),
        (["Price,Close,Volume", "Ticker,A,B"], ["Date", "Close_A", "Volume_B"]),
    ],
)
def test_a_header_of_several_rows_becomes_one(levels: list[str], names: list[str]) -> None:
    table = read_table("\n".join([*levels, "Date,,", "2024-01-02,1,2", "2024-01-03,3,4"]).encode(), "table.csv")
    assert table.columns.tolist() == names
    assert table.iloc[0].tolist() == ["2024-01-02", "1", "2"]
    assert table.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    "lines",
    [
        ["date,demand", *(f"2024-01-{day:02},5" for day in range(1, 32)), "February,", "2024-02-01,6"],
        ["timestamp,demand", "UTC,", "2024-01-01,5"],
        ["a,b,c", "1,2,3", "Total,,", "4,5,6"],
        [",a,a", "series,x,x", "date,,", "2024-01-01,5,6"],
    ],
)
def test_a_cell_alone_in_its_row_does_not_make_a_header_of_several_rows(lines: list[str]) -> None:
    assert several_headers([line.split(",") for line in lines]) is None


def test_later_sheets_are_not_read_where_the_first_holds_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in (["date", "y"], ["2024-01-01", 3]):
        book.active.append(row)
    book.create_sheet("Later").append(["x", "y"])
    book.save(content)
    read: list[str] = []
    cells_of = containers._cells_of
    monkeypatch.setattr(containers, "_cells_of", lambda sheet: read.append(sheet.title) or cells_of(sheet))
    assert read_table(content.getvalue(), "table.xlsx")["y"].tolist() == [3]
    assert read == ["Sheet"]


def test_a_workbook_may_be_packed_too() -> None:
    packed = gzip.compress(workbook([["date", "y"], ["2024-01-01", 3]]))
    assert read_table(packed, "table.xlsx.gz")["y"].tolist() == [3]


def test_a_packed_file_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_LARGEST", 1_000)
    with pytest.raises(ValueError, match="too large"):
        read_table(bz2.compress(b"a,b\n" * 1_000), "table.csv.bz2")


def test_a_label_merged_over_several_rows_of_a_sheet_holds_for_all_of_them() -> None:
    rows = [["All shops"], ["shop", "date", "y"], ["a", 1, 2], [None, 2, 3], ["b", 1, 4], [None, 2, 5], [None, 3, 6]]
    table = read_table(workbook(rows, "A1:C1", "A3:A4", "A5:A7"), "table.xlsx")
    assert table["shop"].tolist() == ["a", "a", "b", "b", "b"]
