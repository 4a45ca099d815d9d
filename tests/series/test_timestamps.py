"""The time axis of strangers' tables: every spelling is read, or refused with what to type."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.time_formats import check_format
from spline_lstm.series.timestamps import Times, read_times


def read(*columns: list[Any], spelling: str | None = None, names: tuple[str, ...] = ("when", "b", "c", "d")) -> Times:
    table = pd.DataFrame(dict(zip(names, columns, strict=False)))
    return read_times(table, names[: len(columns)], spelling, "t.csv")


def shown(times: Times) -> list[str]:
    stamps = times.stamps.astype("datetime64[ns]").astype("datetime64[s]")
    return [str(stamp).removesuffix("T00:00:00") for stamp in stamps]


@pytest.mark.parametrize(
    ("cells", "expected", "found"),
    [
        (["2012/01/01", "2012/01/02"], ["2012-01-01", "2012-01-02"], "ISO8601"),
        (["2012/1/1 1:00", "2012/1/1 13:00"], ["2012-01-01T01:00:00", "2012-01-01T13:00:00"], "ISO8601"),
        (["2012/01", "2012/02"], ["2012-01-01", "2012-02-01"], "ISO8601"),
        (["2012.01.31", "2012.02.01"], ["2012-01-31", "2012-02-01"], "%Y.%m.%d"),
        ([20240101, 20240102], ["2024-01-01", "2024-01-02"], "ISO8601"),
        (["800102", "800103"], ["1980-01-02", "1980-01-03"], "%y%m%d"),
        ([202401, 202402], ["2024-01-01", "2024-02-01"], "%Y%m"),
        (["2024013113", "2024013114"], ["2024-01-31T13:00:00", "2024-01-31T14:00:00"], "%Y%m%d%H"),
        (["Jan 1 2000", "Feb 1 2000"], ["2000-01-01", "2000-02-01"], "%b %d %Y"),
        (["January 1, 2000", "May 2, 2000"], ["2000-01-01", "2000-05-02"], "%B %d, %Y"),
        (["1-Jan-2000", "2-Jan-2000"], ["2000-01-01", "2000-01-02"], "%d-%b-%Y"),
        (["01JAN1990", "02JAN1990"], ["1990-01-01", "1990-01-02"], "%d%b%Y"),
        (["Mon Jan 03 2000", "Tue Jan 04 2000"], ["2000-01-03", "2000-01-04"], "%a %b %d %Y"),
        (["Monday, January 03, 2000", "Tuesday, January 04, 2000"], ["2000-01-03", "2000-01-04"], "%A, %B %d, %Y"),
        (["Jan-00", "Feb-00"], ["2000-01-01", "2000-02-01"], "%b-%y"),
        (["Jan 2000", "Feb 2000"], ["2000-01-01", "2000-02-01"], "%b %Y"),
        (["1700", "1701"], ["1700-01-01", "1701-01-01"], "year"),
        (["1700.0", "1701.0"], ["1700-01-01", "1701-01-01"], "year"),
        ([1700.0, 1701.0], ["1700-01-01", "1701-01-01"], "year"),
        (["1960Q1", "1960Q2"], ["1960-01-01", "1960-04-01"], "quarter"),
        (["Q1 1960", "Q4 1960"], ["1960-01-01", "1960-10-01"], "quarter"),
        (["2000M01", "2000M12"], ["2000-01-01", "2000-12-01"], "month"),
        (["2024-W01", "2024-W02"], ["2024-01-01", "2024-01-08"], "week"),
        (["1949.000", "1949.083", "1949.167"], ["1949-01-01", "1949-02-01", "1949-03-01"], "decimal_year"),
        (["1958.2027", "1958.2877", "1958.3699"], ["1958-03-01", "1958-04-01", "1958-05-01"], "decimal_year"),
        (["1960", "1960.25", "1960.5"], ["1960-01-01", "1960-04-01", "1960-07-01"], "decimal_year"),
        (["1960.1", "1960.4", "1961.1"], ["1960-01-01", "1960-10-01", "1961-01-01"], "decimal_year"),
        (["1974.0", "1974.019231", "1974.038462"], ["1974-01-01", "1974-01-08", "1974-01-15"], "decimal_year"),
        ([1704067200, 1704070800], ["2024-01-01", "2024-01-01T01:00:00"], "epoch_s"),
        (["1704067200000", "1704070800000"], ["2024-01-01", "2024-01-01T01:00:00"], "epoch_ms"),
        ([45292, 45293], ["2024-01-01", "2024-01-02"], "excel_days"),
        (["45292.5", "45292.541666667"], ["2024-01-01T12:00:00", "2024-01-01T13:00:00"], "excel_days"),
        (["31/01/2020", "01/02/2020"], ["2020-01-31", "2020-02-01"], "%d/%m/%Y"),
        (["01/31/2020", "02/01/2020"], ["2020-01-31", "2020-02-01"], "%m/%d/%Y"),
        (["1/13/80 1:30 PM", "1/2/80 2:30 AM"], ["1980-01-13T13:30:00", "1980-01-02T02:30:00"], "%m/%d/%y %I:%M %p"),
        (["31.01.2020 00:00", "01.02.2020 01:00"], ["2020-01-31", "2020-02-01T01:00:00"], "%d.%m.%Y %H:%M"),
        (["31.01.2020 24:00", "01.02.2020 01:00"], ["2020-02-01", "2020-02-01T01:00:00"], "%d.%m.%Y %H:%M"),
        (["2020-12-31 24:00:00", "2021-01-01 01:00:00"], ["2021-01-01", "2021-01-01T01:00:00"], "ISO8601"),
        (["20200131T230000Z", "20200201T000000Z"], ["2020-01-31T23:00:00", "2020-02-01"], "ISO8601"),
        (
            ["31/01/2020 18.00.00", "01/02/2020 19.30.00"],
            ["2020-01-31T18:00:00", "2020-02-01T19:30:00"],
            "%d/%m/%Y %H.%M.%S",
        ),
        (["FY1980", "FY1981"], ["1980-01-01", "1981-01-01"], "year"),
        (["2021-001", "2021-032"], ["2021-01-01", "2021-02-01"], "%Y-%j"),
        (["Week 1 2018", "Week 52 2018"], ["2018-01-01", "2018-12-24"], "week"),
        (["2018 W1", "2018 W52"], ["2018-01-01", "2018-12-24"], "week"),
        (["KW 01/2018", "KW 52/2018"], ["2018-01-01", "2018-12-24"], "week"),
        (["Mär 1990", "Okt 1990"], ["1990-03-01", "1990-10-01"], "%b %Y"),
        (["31 août 2020", "1 sept. 2020"], ["2020-08-31", "2020-09-01"], "%d %b %Y"),
        (["31-dic-2020", "01-ene-2021"], ["2020-12-31", "2021-01-01"], "%d-%b-%Y"),
        (["giugno 2020", "luglio 2020", "mag 2020"], ["2020-06-01", "2020-07-01", "2020-05-01"], "%b %Y"),
        (
            ["31.01.2020 23:00 - 01.02.2020 00:00", "01.02.2020 00:00 - 01.02.2020 01:00"],
            ["2020-01-31T23:00:00", "2020-02-01"],
            "%d.%m.%Y %H:%M - %d.%m.%Y %H:%M",
        ),
        (["2020-01-06/2020-01-12", "2020-01-13/2020-01-19"], ["2020-01-06", "2020-01-13"], "ISO8601/ISO8601"),
        (["01/01/2018 - 07/01/2018", "29/01/2018 - 04/02/2018"], ["2018-01-01", "2018-01-29"], "%d/%m/%Y - %d/%m/%Y"),
        (["2019/2020", "2020/2021"], ["2019-01-01", "2020-01-01"], "year/year"),
        (
            ["2020-01-01 23:00 - 2020-01-01 24:00", "2020-01-02 00:00 - 2020-01-02 01:00"],
            ["2020-01-01T23:00:00", "2020-01-02"],
            "ISO8601 - ISO8601",
        ),
        (["2020-01-01 24:00/2020-01-02 24:00"], ["2020-01-02"], "ISO8601/ISO8601"),
        (
            ["2020-03-28T00:00+01:00/2020-03-29T00:00+01:00", "2020-03-30T00:00+02:00/2020-03-31T00:00+02:00"],
            ["2020-03-28", "2020-03-30"],
            "ISO8601/ISO8601",
        ),
        (["SEPT 2020", "OUT 2020"], ["2020-09-01", "2020-10-01"], "%b %Y"),
    ],
)
def test_the_only_format_of_a_column_is_found(cells: list[Any], expected: list[str], found: str) -> None:
    times = read(cells)
    assert (shown(times), times.format) == (expected, found)


@pytest.mark.parametrize(
    ("columns", "names", "expected"),
    [
        (([1960, 1960], [1, 4]), ("year", "quarter"), ["1960-01-01", "1960-10-01"]),
        (([1960.0, 1960.0], ["Q1", "Q4"]), ("year", "qtr"), ["1960-01-01", "1960-10-01"]),
        ((["1960", "1960"], ["Jan", "Dec"]), ("Year", "Month"), ["1960-01-01", "1960-12-01"]),
        (([1960, 1960], [1, 4]), ("Jahr", "Quartal"), ["1960-01-01", "1960-10-01"]),
        (([1960, 1960], [1, 12]), ("Année", "mois"), ["1960-01-01", "1960-12-01"]),
        (([12, 1], [1960, 1961]), ("mon", "yr"), ["1960-12-01", "1961-01-01"]),
        ((["2024"], ["2"], ["29"], ["23"]), ("year", "month", "day", "hour"), ["2024-02-29T23:00:00"]),
        (([2024, 2025], [1, 1]), ("year", "week"), ["2024-01-01", "2024-12-30"]),
        ((["2024-01-01"], ["24"]), ("date", "hour"), ["2024-01-02"]),
        ((["01/31/2024"], ["1:30 PM"]), ("Date", "Time"), ["2024-01-31T13:30:00"]),
        ((["31/01/2024"], ["18.00.00"]), ("Date", "Time"), ["2024-01-31T18:00:00"]),
        ((["2024-01-01"], ["24"]), ("Date", "HE"), ["2024-01-02"]),
    ],
)
def test_parts_in_several_columns_make_a_time(columns: Any, names: tuple[str, ...], expected: list[str]) -> None:
    assert shown(read(*columns, names=names)) == expected


def test_the_format_names_what_columns_of_other_names_hold() -> None:
    assert shown(read([1960], [2], spelling="year+quarter")) == ["1960-04-01"]
    assert shown(read([1960], [2], [5], spelling="%Y %m %d")) == ["1960-02-05"]


@pytest.mark.parametrize(
    ("columns", "spelling", "message"),
    [
        ((["01/02/2020", "03/04/2020"],), None, "'01/02/2020' may be 1 February 2020 or 2 January 2020, and no row "
         "decides; give timestamp_format=%d/%m/%Y or timestamp_format=%m/%d/%Y"),
        ((["31/01/2020", "soon"],), None,
         "row 3, column 'when': 'soon' is not a timestamp; the format of most cells is %d"),
        ((["31/01/2020"],), "%m/%d/%Y",
         "row 2, column 'when': '31/01/2020' is not a timestamp; timestamp_format is %m/%d"),
        ((["31/12/67", "31/12/70"],), None,
         "row 2, column 'when': the year of '31/12/67' may be 1967 or 2067; write it with four"),
        ((["2024-01-01", "Total"],), None, "row 3, column 'when': 'Total' is not a timestamp; ISO 8601 is needed, like "
         "2024-05-31T13:00:00Z, or timestamp_format=..., like %d/%m/%Y %H:%M; if the row is a title, units, a total"),
        ((["", "2024-01-01"],), None, "row 2, column 'when': the timestamp is missing; if the row is a title, units"),
        ((["5", "6"],), None, "row 2, column 'when': '5' is not a timestamp; ISO 8601 is needed"),
        ((["1565", "1570"],), None, "row 2, column 'when': years from 1678 to 2261 are possible"),
        (([1960], [5]), "year+quarter", "row 2, column 'b': '5' is not a valid quarter; 1 to 4 is needed"),
        (([2024], [2], [30]), "year+month+day", "row 2, columns 'when', 'b', 'c': there is no such day"),
        ((["2021-365", "2021-366"],), None, "row 3, column 'when': '2021-366' is not a timestamp"),
        ((["marraskuu 2023", "kesäkuu 2023"],), None, "row 2, column 'when': 'marraskuu 2023' is not a timestamp"),
        ((["2020-01-01/2020-01-02", "2020-01-02/2020-99-99"],), None,
         "row 3, column 'when': '2020-01-02/2020-99-99' is not a span of time from a start to a later end"),
        ((["2020-01-01/2020-01-02", "2020-01-05/2020-01-02"],), None,
         "row 3, column 'when': '2020-01-05/2020-01-02' is not"),
        ((["2020-01-01T00:00:00+01:00/2020-01-01T01:00:00+01:00", "2020-01-01T01:00:00/2020-01-01T02:00:00"],), None,
         "row 3, column 'when': a timestamp without UTC offset among others with one"),
        ((["2024-01-01"], ["25:00"]), "ISO8601+time", "column 'b': '25:00' is not a time of day"),
        ((["2024-01-01"], [1]), None, "do not make a time; one must hold dates or years"),
        (([1960], [2]), "year", "timestamp_format=year has 1 parts, and timestamp_col=when+b has 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_is_refused(
    columns: Any, spelling: str | None, message: str, refuses: Any
) -> None:
    with refuses(TimeAxisError, 11, message):
        read(*columns, spelling=spelling)


@given(days=st.lists(st.dates(), min_size=1, max_size=30), month_first=st.booleans())
def test_day_and_month_are_told_apart_only_where_one_order_reads_every_cell(days: list[Any], month_first: bool) -> None:
    days = [day for day in days if 1700 <= day.year <= 2250] or [pd.Timestamp("2024-01-31")]
    cells = [day.strftime("%m/%d/%Y" if month_first else "%d/%m/%Y") for day in days]
    try:
        found = shown(read(cells))
    except TimeAxisError:
        assert all(day.day <= 12 for day in days)
    else:
        assert found == [f"{day:%Y-%m-%d}" for day in days]


def test_a_daily_table_in_local_time_is_daily_across_a_clock_change() -> None:
    text = read(["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"])
    typed = read(list(pd.date_range("2024-03-30", periods=3, tz="Europe/Berlin")))
    assert shown(text) == shown(typed) == ["2024-03-30", "2024-03-31", "2024-04-01"]
    assert text.has_offsets
    assert typed.has_offsets


def test_quarters_of_a_typed_table_are_read() -> None:
    assert shown(read(list(pd.period_range("1960Q1", periods=2, freq="Q")))) == ["1960-01-01", "1960-04-01"]


@pytest.mark.parametrize("name", ["year", "%d/%m/%Y", "year+quarter", "ISO8601+hour", "epoch_ms", "%d/%m/%Y+time"])
def test_formats_have_names(name: str) -> None:
    assert check_format(name) == name


def test_an_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'quarter'"):
        check_format("quater")


def test_a_later_table_has_the_format_of_spans_that_was_found() -> None:
    assert shown(read(["01.02.2020 - 07.02.2020"], spelling="%d.%m.%Y - %d.%m.%Y")) == ["2020-02-01"]
    assert check_format("ISO8601/ISO8601") == "ISO8601/ISO8601"


@pytest.mark.parametrize("name", ["{", "{date}", "{row}"])
def test_braces_in_names_are_no_marks_of_messages(name: str, refuses: Any) -> None:
    with refuses(TimeAxisError, 11, "row 3", "'soon' is not a timestamp"):
        read(["31/01/2020", "soon"], names=(name,))


def test_the_order_of_rows_does_not_matter() -> None:
    cells = [f"1/{day}/2020" for day in range(1, 29)]
    np.testing.assert_array_equal(read(cells[::-1]).stamps[::-1], read(cells).stamps)
