from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import TableError
from spline_lstm.series.cells import to_numbers

Refuses = Callable[..., Any]


def column(*cells: str) -> "pd.Series[Any]":
    return pd.Series(cells, name="y", dtype="str")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1,234.5", "12.25", "2,000"), (1234.5, 12.25, 2000)),
        (("1,234,567", "89,000"), (1_234_567, 89_000)),
        (("1,234", "567", "2,500"), (1234, 567, 2500)),
        (("1.234,5", "12,25"), (1234.5, 12.25)),
        (("1 234,5", "1 000"), (1234.5, 1000)),
        (("12,5", "13", "1200,75"), (12.5, 13, 1200.75)),
        (("1'234.5", "2'000"), (1234.5, 2000)),
        (("12 %", "-3.5%"), (12, -3.5)),
        (("€ 12.50", "-€3"), (12.5, -3)),
        (("$1,200.00", "$ 1,250.50", "980"), (1200, 1250.5, 980)),
        (("1 200 €", "12 €"), (1200, 12)),
        (("(1,234.50)", "($2.00)", "$3.00"), (-1234.5, -2, 3)),
        (("−1.5", "−2", "3"), (-1.5, -2, 3)),
    ],
)
def test_numbers_are_read_as_people_write_them(cells: tuple[str, ...], numbers: tuple[float, ...]) -> None:
    np.testing.assert_array_equal(to_numbers(column(*cells), "t.csv"), numbers)


def test_a_mark_before_three_digits_in_all_rows_may_be_two_things(refuses: Refuses) -> None:
    with refuses(TableError, 10, "t.csv row 3, column 'y': '1,234' may be 1234 or 1.234, and no row decides; write"):
        to_numbers(column("5", "1,234", "5,678"), "t.csv")


@pytest.mark.parametrize(
    "cells",
    [
        ("1", "1,234.5", "2"),
        ("12 %", "13 %", "0.14"),
        ("$12", "€13"),
        ("1,234.5", "1.234,5"),
        ("1,234.5", "2345.5", "2,345.5"),
        ("1,23.4", "1,23.5"),
        ("1,234 567", "1,234 568"),
        ("12 p", "13 p"),
    ],
    ids=str,
)
def test_one_odd_cell_and_two_ways_of_writing_are_refused(cells: tuple[str, ...], refuses: Refuses) -> None:
    with refuses(TableError, 10, "t.csv row", "column 'y': '", "is not a number"):
        to_numbers(column(*cells), "t.csv")


@pytest.mark.parametrize("cell", ["-", "--", ".", "..", ":", "n/a", "NULL", "#N/A", "…"])
def test_what_statistics_offices_write_for_a_missing_number_is_missing(cell: str) -> None:
    np.testing.assert_array_equal(to_numbers(column("1,234.5", cell, "1,000.5"), "t.csv"), [1234.5, np.nan, 1000.5])


def test_the_cells_of_a_melted_table_share_row_numbers() -> None:
    cells = column("1,234.5", "", "2,000").set_axis([0, 1, 0])
    np.testing.assert_array_equal(to_numbers(cells, "t.csv"), [1234.5, np.nan, 2000])
