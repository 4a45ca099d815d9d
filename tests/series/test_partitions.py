from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.errors import ParameterError, TableError, TimeAxisError
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.partitions import choose_series, join_series

Refuses = Callable[..., AbstractContextManager[None]]
Fill = Callable[..., FilledSeries]
MakeTable = Callable[..., pd.DataFrame]
SHARES = (0.7, 0.15, 0.15)


@given(names=st.sets(st.tuples(st.text(), st.text()), min_size=1, max_size=20), data=st.data())
def test_every_series_is_in_one_part_and_the_parts_follow_one_another(
    names: set[tuple[str, ...]], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(names)))
    parts = [sorted(choose_series(names, number, count, "table")) for number in range(count)]
    assert [name for part in parts for name in part] == sorted(names)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_part_takes_whole_series(refuses: Refuses) -> None:
    with refuses(ParameterError, 2, "'partitions' is 3, and table has 2 series", "at most partitions=2 is possible"):
        choose_series({("a",), ("b",)}, 0, 3, "table")


def test_a_table_that_changes_meanwhile_is_refused(fill_table: Fill, make_table: MakeTable, refuses: Refuses) -> None:
    filled = fill_table(make_table())
    with refuses(TableError, 10, "some partitions were made from another state of the table", "run it again without"):
        join_series([replace(filled, sha256="a"), replace(filled, sha256="b")], SHARES)


def test_parts_made_with_other_settings_are_refused(fill_table: Fill, make_table: MakeTable, refuses: Refuses) -> None:
    parts = [fill_table(make_table(), max_gap=gap) for gap in (24, 25)]
    with refuses(TableError, 10, "or with other settings"):
        join_series(parts, SHARES)
    with refuses(TableError, 10, "or with other settings"):
        join_series(parts[:1], (0.5, 0.25, 0.25))


def test_timestamps_with_an_offset_in_some_parts_only_are_refused(
    fill_table: Fill, make_table: MakeTable, refuses: Refuses
) -> None:
    table = make_table()
    naive = table.assign(timestamp=table["timestamp"].dt.tz_localize(None))
    text = naive.assign(timestamp=naive["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    with_offset = text.assign(timestamp=text["timestamp"] + "+00:00")
    for one, other in ((table, naive), (table, text), (with_offset, naive)):
        with refuses(TimeAxisError, 11, "timestamps without UTC offset among others with one"):
            join_series([fill_table(one), fill_table(other)], SHARES)
    join_series([fill_table(table), fill_table(with_offset)], SHARES)


def test_parts_of_different_steps_are_refused(fill_table: Fill, make_table: MakeTable, refuses: Refuses) -> None:
    parts = [fill_table(make_table(freq=freq)) for freq in ("h", "2h")]
    with refuses(TimeAxisError, 11, "there are series of step h and others of step 2h; give freq=..., or partitions=1"):
        join_series(parts, SHARES)
