"""File formats of a table: CSV with any separator, Parquet, Feather or a workbook, compressed or not."""

import bz2
import codecs
import gzip
import io
import logging
import lzma
import re
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Any

from spline_lstm.datasets.headers import as_text, rows_above, several_headers, split_rows, width_of
from spline_lstm.text import examples, first_line, printable
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)

_PARQUET, _WORKBOOKS = (".parquet", ".pq"), (".xlsx", ".xlsm")
_SEPARATORS = (",", ";", "\t", "|")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PACKED = {
    b"\x1f\x8b": (gzip.open, r"\.gz(ip)?$"),
    b"BZh": (bz2.open, r"\.bz2$"),
    b"\xfd7zXZ\0": (lzma.open, r"\.xz$"),
}
"""First bytes of a compressed file: its reader, and the ending to remove from its name."""
_ZIP, _ARROW = (b"PK\x03\x04", b"PK\x05\x06"), b"ARROW1"
_MOST_SHEETS = 20
_LARGEST, _BLOCK = 64 * 2**30, 1 << 24
_TOO_LARGE = "the file in the archive is too large"
_PROBE, _PROBE_LINES = 40, 200
_JSON = re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{])')
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")
_FEWER = re.compile(r"Expected (\d+) columns, got (\d+)")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_INDEX = "index"


def is_parquet(name: str) -> bool:
    """Tell whether a file is Parquet by the ending of its name."""
    return name.lower().endswith(_PARQUET)


def read_table(content: bytes, name: str) -> DataFrame:
    """Read a table; cells of text files stay text. The index is the row number in the file; data begins in row 2.

    Args:
        content: The file.
        name: The file's name; its ending tells Parquet and workbooks from text.

    Raises:
        ValueError: The file is not a table, or not of the format that its ending says.
        OSError: The file cannot be unpacked.

    """
    if not name.lower().endswith(_WORKBOOKS):
        content, name = _unpacked(content, name)
    if name.lower().endswith(_WORKBOOKS):
        return _read_workbook(content)
    if is_parquet(name) or content.startswith(_ARROW):
        return _named(_read_arrow(content))
    return _named(_read_csv(_in_utf_8(content)))


def _unpacked(content: bytes, name: str) -> tuple[bytes, str]:
    """Unpack gzip, bzip2, xz, or a zip archive of one file.

    Raises:
        ValueError: The archive holds several files or is damaged.

    """
    try:
        for mark, (reader, ending) in _PACKED.items():
            if content.startswith(mark):
                return _read_all(reader, content), re.sub(ending, "", name, flags=re.IGNORECASE)
        if content.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                files = [item for item in archive.infolist() if not item.is_dir() and not _is_hidden(item.filename)]
                if len(files) != 1:
                    names = examples(printable(item.filename) for item in files)
                    raise ValueError(f"the archive holds {len(files)} files ({names}); one table is needed")
                if files[0].file_size > _LARGEST:
                    raise ValueError(_TOO_LARGE)
                return archive.read(files[0]), files[0].filename
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise ValueError(f"the archive is damaged: {printable(str(error))}") from None
    return content, name


def _read_all(reader: Any, content: bytes) -> bytes:
    unpacked = bytearray()
    with reader(io.BytesIO(content)) as file:
        while block := file.read(_BLOCK):
            unpacked += block
            if len(unpacked) > _LARGEST:
                raise ValueError(_TOO_LARGE)
    return bytes(unpacked)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _in_utf_8(content: bytes) -> bytes:
    """Return text as UTF-8 without a byte order mark."""
    if content.startswith(_UTF_16):
        return content.decode("utf-16").encode()
    odd, even = content[1:_PROBE:2], content[:_PROBE:2]
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):  # without a byte order mark
        if zeros and not zeros.strip(b"\0") and 0 not in others:
            return content.decode(encoding).encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _read_csv(content: bytes) -> DataFrame:
    import pyarrow
    from pyarrow import csv as arrow

    # With one thread, errors name the row, and files of this size are read no slower. Empty lines are dropped only at
    # the end. Elsewhere they count as rows, as in an editor, and lack their timestamp.
    lines = content.rstrip(b"\r\n")
    if not lines:
        raise ValueError("Empty CSV file")
    if b"\0" in lines[:1_000]:
        raise ValueError("it is no text; CSV, Parquet or xlsx is needed")
    if _JSON.match(lines):
        raise ValueError("it is JSON; CSV, Parquet or xlsx is needed (pandas: read_json, then to_parquet)")
    head = re.split(r"\r\n|\n|\r", lines[:100_000].decode("utf-8", errors="replace"))[:_PROBE_LINES]
    separator = _separator(head)
    rows = list(split_rows(head, separator))
    above, names = several_headers(rows) or (rows_above(rows), None)
    source = pyarrow.py_buffer(lines + b"\n")
    options = arrow.ReadOptions(use_threads=False, skip_rows=above + bool(names), column_names=names)
    parsing = arrow.ParseOptions(delimiter=separator, ignore_empty_lines=False)
    try:
        with arrow.open_csv(pyarrow.BufferReader(source), read_options=options, parse_options=parsing) as reader:
            names = reader.schema.names
        text = arrow.ConvertOptions(column_types=dict.fromkeys(names, "string"))
        table: DataFrame = arrow.read_csv(
            pyarrow.BufferReader(source), read_options=options, parse_options=parsing, convert_options=text
        ).to_pandas()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{first_line(error)}{_advice(str(error))}") from None
    table.index += above
    table = _without_empty_end(table)
    return table if separator == "," or table.columns.has_duplicates else _with_points(table)


def _advice(trouble: str) -> str:
    """Advise what to do with a row of another length."""
    found = _FEWER.search(trouble)
    if found and int(found[2]) < int(found[1]):
        return "; if the row is a title, a note or a total, delete it"
    return "; put cells that hold the separator in quotes" if found else ""


def _separator(head: list[str]) -> str:
    """Return the separator that splits most of the first lines into equally many cells, as many as possible."""

    def fits(mark: str) -> tuple[bool, float, int]:
        width, share = width_of(list(split_rows(head, mark)))
        return width > 1, share, width

    return max(_SEPARATORS, key=fits)


def _with_points(table: DataFrame) -> DataFrame:
    """Replace decimal commas by points in columns where all numbers have commas and no points.

    A comma that does not separate cells is a decimal or a thousands separator. It counts as the decimal separator
    unless three digits follow it in every cell.
    """
    for name in table.columns:
        cells = table[name].dropna().str.strip()
        _check_points(name, cells)
        cells = cells[cells.str.contains(",")]
        others = table[name].dropna().str.contains(r"\d\.\d")
        if not len(cells) or others.any() or not cells.str.fullmatch(_DECIMAL_COMMA.pattern).all():
            continue
        if cells.str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").all():
            raise ValueError(
                f"column '{printable(str(name))}': '{cells.iloc[0]}' may be a decimal or a thousands separator; "
                "use a decimal point"
            )
        table[name] = table[name].str.replace(",", ".")
    return table


def _check_points(name: object, cells: Any) -> None:
    """Refuse points that may separate thousands: three digits always follow, and some numbers have no point."""
    pointed = cells.str.contains(".", regex=False)
    thousands = cells[pointed].str.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
    if len(thousands) and thousands.all() and cells[~pointed].str.fullmatch(r"[+-]?\d+").any():
        raise ValueError(
            f"column '{printable(str(name))}': the point in '{cells[pointed].iloc[0]}' may separate thousands or "
            "decimals; write all numbers without a thousands separator"
        )


def _without_empty_end(table: DataFrame) -> DataFrame:
    """Drop empty rows at the end, which spreadsheets write."""
    rows = len(table)
    while rows and not any(str(cell).strip() for cell in table.iloc[rows - 1] if cell is not None):
        rows -= 1
    return table if rows == len(table) else table.iloc[:rows]


def _named(table: DataFrame) -> DataFrame:
    """Name the unnamed columns: `index`, as pandas and R write one, or by position.

    Columns without a name and without cells are dropped.
    """
    if not table.empty:
        named = [bool(str(name).strip()) or _is_filled(table.iloc[:, place]) for place, name in enumerate(table)]
        table = table.loc[:, named] if not all(named) else table
    names = [str(name) for name in table.columns]
    for position, name in enumerate(names):
        if not name.strip():
            first = position == 0 and _INDEX not in names
            names[position] = _INDEX if first else f"column {position + 1}"
    table.columns = names
    return table


def _is_filled(column: Any) -> bool:
    return bool((column.notna() & (column.astype("str").str.strip() != "")).any())


def _read_arrow(content: bytes) -> DataFrame:
    """Read Parquet or Feather."""
    import pyarrow
    from pyarrow import feather, parquet

    read_file = feather.read_table if content.startswith(_ARROW) else parquet.read_table

    # Columns are converted one by one, and the memory of each is returned to the system.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    table: DataFrame
    try:
        read = read_file(pyarrow.BufferReader(content))
        table = read.to_pandas(split_blocks=True, self_destruct=True)
    except (KeyError, TypeError, AttributeError):  # the metadata of pandas is broken
        table = read_file(pyarrow.BufferReader(content)).to_pandas(ignore_metadata=True)
    # A frame of pandas may have its times in the index; unnamed row numbers are not a column.
    index = table.index
    if list(index.names) != [None]:
        return table.reset_index()
    is_time = index.dtype.kind == "M" or str(index.dtype).startswith("period")
    return table.rename_axis(_INDEX).reset_index() if is_time and _INDEX not in table else table.reset_index(drop=True)


def _read_workbook(content: bytes) -> DataFrame:
    """Read the first sheet with a table in a workbook; numbers and dates keep their types.

    Raises:
        ValueError: The file is not a workbook, or no sheet holds a table.

    """
    import openpyxl
    import pandas as pd

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet, rows = _first_table(book.worksheets)
        merged = _merged_cells(content, sheet._worksheet_path)  # read-only sheets do not list merged cells
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises the errors of its XML reader and of zipfile
        raise ValueError(f"it is no workbook: {printable(str(error))}") from None
    width = _width(rows)
    if not width:
        raise ValueError("its sheets are empty")
    if sheet.title != book.sheetnames[0]:
        logger.warning("The table is read from the sheet '%s'", printable(sheet.title))
    rows = [row[:width] + [None] * (width - len(row)) for row in rows]
    above = rows_above([[as_text(cell) for cell in row] for row in rows[:_PROBE_LINES]])
    for column, first, last in merged:
        for number in range(max(first, above + 2), min(last, len(rows))):
            rows[number][column - 1] = rows[first - 1][column - 1]
    filled = [number for number in range(above + 1, len(rows)) if any(cell is not None for cell in rows[number])]
    table = pd.DataFrame([rows[number] for number in filled], columns=[as_text(cell) for cell in rows[above]])
    return _named(table.set_axis([number - 1 for number in filled]))


def _first_table(sheets: list[Any]) -> tuple[Any, list[list[Any]]]:
    """Return the first sheet with two columns, else the first with a cell, else the first; and its cells."""
    fullest: tuple[Any, list[list[Any]]] = sheets[0], []
    for sheet in sheets[:_MOST_SHEETS]:
        rows = _cells_of(sheet)
        if _width(rows) > _width(fullest[1]):
            fullest = sheet, rows
        if _width(rows) > 1:
            break
    return fullest


def _cells_of(sheet: Any) -> list[list[Any]]:
    sheet.reset_dimensions()  # some programs write wrong dimensions
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def _width(rows: list[list[Any]]) -> int:
    """Count the columns up to the last column with a cell."""
    return max((place + 1 for row in rows for place, cell in enumerate(row) if cell is not None), default=0)


def _merged_cells(content: bytes, path: str) -> list[tuple[int, int, int]]:
    """Return column, first row and last row, counted from 1, of the cells that are merged over several rows."""
    from openpyxl.utils import range_boundaries

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = _MERGED.findall(archive.read(path))
    areas = [range_boundaries(area.decode()) for area in found]
    return [(left, top, bottom) for left, top, _, bottom in areas if bottom > top]
