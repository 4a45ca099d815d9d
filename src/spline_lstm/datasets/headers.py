"""Find a table's header below the titles, sources and comments that other programs write above it."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

Cells = list[str]

_DATA = re.compile(r"[+-]?[0-9][0-9.,:/ TZ+-]*%?")
_YEAR = re.compile(r"(?:1[6-9]|20)[0-9]{2}")
_LONGEST = 50


def split_rows(lines: list[str], separator: str) -> Iterator[Cells]:
    """Yield the cells of lines of text; stop at the first line that is not CSV."""
    try:
        yield from csv.reader(lines, delimiter=separator)
    except csv.Error:
        return


def width_of(rows: list[Cells]) -> tuple[int, float]:
    """Return the usual number of cells, and the share of the rows with this number; empty rows do not count."""
    counts = Counter(len(row) for row in rows if row)
    width, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return width, times / max(1, counts.total())


def rows_above(rows: list[Cells]) -> int:
    """Count the rows above the header.

    Such rows are comments that begin with `#`, empty rows, and titles, which fill at most half of the columns. The
    header fills all columns except perhaps the first, the index, and has names above data. If no row is such a header,
    the table begins in its first row.

    Args:
        rows: Cells of the first rows, as text.

    """
    width = width_of(rows)[0]
    columns = _filled_columns([row for row in rows if len(row) == width])
    for number, row in enumerate(rows[:_LONGEST]):
        below = next((other for other in rows[number + 1 :] if other and not _is_comment(other)), [])
        if _names_columns(row, columns, width) and not (_is_comment(row) and _is_header(below, columns, width)):
            begins = number == 0 or _is_header(row, columns, width, rows[number + 1 :])
            return number if begins else 0
        if not (_is_comment(row) or _filled(row) <= columns / 2):
            return 0
    return 0


def several_headers(rows: list[Cells]) -> tuple[int, Cells] | None:
    """Find a header of several rows, as pandas writes it: the row below holds only the index's name.

    Returns:
        Number of rows above the header's last row, and the columns' names without a level that is the same for all.
        None if the header is a single row.

    """
    last = next((number for number, row in enumerate(rows[:_LONGEST]) if number and _names_index(row)), None)
    if last is None or len(rows) <= last + 1 or not _is_data(rows[last + 1][0]):
        return None
    levels = [row[1:] for row in rows[:last]]
    is_header = last > 1 and all(_is_level(level, len(rows[last]) - 1) for level in levels)
    telling = [level for level in levels if len(set(level)) > 1] or levels[:1]
    names = [rows[last][0], *("_".join(names) for names in zip(*telling, strict=is_header))]
    return (last, names) if is_header and len(set(names)) == len(names) else None


def _is_level(names: Cells, width: int) -> bool:
    return len(names) == width and all(name.strip() and not _is_data(name) for name in names)


def _names_index(row: Cells) -> bool:
    return len(row) > 1 and bool(row[0].strip()) and not _is_data(row[0]) and not any(cell.strip() for cell in row[1:])


def _is_comment(row: Cells) -> bool:
    return bool(row) and row[0].lstrip().startswith("#")


def _filled(row: Cells) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _filled_columns(rows: list[Cells]) -> int:
    """Count the columns up to the last column that is filled in any row."""
    return max((position + 1 for row in rows for position, cell in enumerate(row) if cell.strip()), default=0)


def _names_columns(row: Cells, columns: int, width: int) -> bool:
    return len(row) == width and all(cell.strip() for cell in row[1:columns]) and (columns > 1 or _filled(row) == 1)


def _is_header(row: Cells, columns: int, width: int, below: list[Cells] | None = None) -> bool:
    """Tell whether a row names all columns: its first cell is not data, and a row of `below` has data under a name.

    Several years count as names.
    """
    names = _names_columns(row, columns, width) and not _is_data(next(filter(None, row), ""))
    years = sum(_YEAR.fullmatch(name.strip()) is not None for name in row)
    data = any(
        not _is_data(name) and _is_data(cell) for other in below or [] for name, cell in zip(row, other, strict=False)
    )
    return names and (below is None or years > 1 or data)


def _is_data(cell: str) -> bool:
    return _DATA.fullmatch(cell.strip()) is not None


def as_text(cell: object) -> str:
    """Return a workbook's cell as text, as a CSV file would hold it."""
    return "" if cell is None else cell.isoformat() if isinstance(cell, date) else str(cell)
