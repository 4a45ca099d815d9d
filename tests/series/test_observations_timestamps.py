from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.errors import TimeAxisError
from spline_lstm.series.observations import Observations

Observe = Callable[..., Observations]
Refuses = Callable[..., Any]


def table_of(*timestamps: Any) -> pd.DataFrame:
    return pd.DataFrame({"timestamp": list(timestamps), "target": range(len(timestamps))})


def read(observe_table: Observe, *timestamps: Any) -> list[str]:
    """Return the timestamps as they are read, in UTC."""
    stamps = observe_table(table_of(*timestamps)).timestamps
    return [str(stamp) for stamp in stamps.astype("datetime64[ns]").astype("datetime64[m]")]


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("2024-05-31", "2024-05-31T00:00"),
        ("2024-5-1", "2024-05-01T00:00"),
        ("20240531", "2024-05-31T00:00"),
        ("2024-05", "2024-05-01T00:00"),
        ("2024-05-31 13:00", "2024-05-31T13:00"),
        ("2024-05-31T13:00:00.123456789", "2024-05-31T13:00"),
        (" 2024-05-31T13:00:00Z ", "2024-05-31T13:00"),
        ("2024-05-31T13:00:00+02:00", "2024-05-31T11:00"),
        ("2024-05-31 13:00-0330", "2024-05-31T16:30"),
        ("2024-05-31T13:00+02", "2024-05-31T11:00"),
    ],
)
def test_iso_8601_is_read_as_utc(text: str, read_as: str, observe_table: Observe) -> None:
    assert read(observe_table, text) == [read_as]


@pytest.mark.parametrize(
    "text",
    [
        "01/02/2024",
        "31.05.2024",
        "2024",
        "2024-13-01",
        "2024-02-30",
        "2024-W01-1",
        "noon",
        "٢٠٢٤-٠١-٠١",
    ],
)
def test_anything_else_is_refused_with_its_row(text: str, observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TimeAxisError, 11, f"row 3, column 'timestamp': '{text}' is not a timestamp; ISO 8601 is needed"):
        observe_table(table_of("2024-01-01", text))


@pytest.mark.parametrize("empty", ["", "NA", None])
def test_a_missing_timestamp_is_refused(empty: str | None, observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TimeAxisError, 11, "row 3, column 'timestamp': the timestamp is missing"):
        observe_table(table_of("2024-01-01", empty))


def test_a_missing_timestamp_of_a_parquet_table_is_refused(observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TimeAxisError, 11, "row 2, column 'timestamp': the timestamp is missing"):
        observe_table(table_of(pd.NaT, pd.Timestamp("2024-01-01")))


@pytest.mark.parametrize("text", ["1500-01-01", "9999-12-31", "1500-01-01T00:00Z"])
def test_a_year_that_nanoseconds_do_not_reach_is_refused(text: str, observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TimeAxisError, 11, "row 2, column 'timestamp': years from 1678 to 2261 are possible"):
        observe_table(table_of(text))


@pytest.mark.parametrize(
    ("timestamps", "row"),
    [
        (("2024-01-01T00:00Z", "2024-01-01T01:00"), "row 3"),
        (("2024-01-01T00:00", "2024-01-01T01:00+01:00"), "row 2"),
        (("2024-01-01", "2024-01-02T00:00Z"), "row 2"),
    ],
)
def test_a_naive_timestamp_among_aware_ones_is_refused(
    timestamps: tuple[str, ...], row: str, observe_table: Observe, refuses: Refuses
) -> None:
    with refuses(TimeAxisError, 11, f"{row}, column 'timestamp': a timestamp without UTC offset among others with one"):
        observe_table(table_of(*timestamps))


def test_offsets_that_change_with_summer_time_are_brought_to_utc(observe_table: Observe) -> None:
    hours = read(observe_table, "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00+01:00")
    assert hours == ["2024-10-27T00:00", "2024-10-27T01:00", "2024-10-27T02:00"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_datetimes_of_a_parquet_table_are_read_in_any_unit_and_zone(
    unit: str, zone: str | None, observe_table: Observe
) -> None:
    stamps = pd.date_range("2024-05-31T13:00", periods=3, freq="h", tz=zone).as_unit(unit)
    expected = stamps.tz_convert("UTC").tz_localize(None) if zone else stamps
    read_as = observe_table(table_of(*stamps).assign(timestamp=stamps)).timestamps
    np.testing.assert_array_equal(read_as, expected.as_unit("ns").asi8)


def test_a_repeated_hour_of_naive_local_time_is_refused(
    observe_table: Observe, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    table = make_table(steps=48, freq="h")
    local = (table["timestamp"] + pd.Timedelta("299D")).dt.tz_convert("Europe/Berlin").dt.tz_localize(None)
    with refuses(TimeAxisError, 11, "series 'EWR': 2024-10-27T02:00 occurs twice", "give UTC or an offset"):
        observe_table(table.assign(timestamp=local))


def test_a_duplicate_timestamp_is_refused_with_its_series_and_the_number_of_all(
    observe_table: Observe, make_table: Callable[..., pd.DataFrame], refuses: Refuses
) -> None:
    table = make_table(steps=5)
    table = pd.concat([table, table.iloc[[7, 8]]])
    with refuses(TimeAxisError, 11, "series 'JFK': 2024-01-01T02:00 occurs twice (duplicates in all: 2)"):
        observe_table(table)


def test_a_duplicate_in_a_table_of_one_series_hints_at_both_causes(observe_table: Observe, refuses: Refuses) -> None:
    with refuses(TimeAxisError, 11, "end of summer time, give UTC or an offset", "series_id_cols=..."):
        observe_table(table_of("2024-01-01", "2024-01-01"))


def test_two_series_may_share_their_timestamps(observe_table: Observe, make_table: Callable[..., pd.DataFrame]) -> None:
    observed = observe_table(make_table(steps=3))
    np.testing.assert_array_equal(observed.timestamps[:3], observed.timestamps[3:])
