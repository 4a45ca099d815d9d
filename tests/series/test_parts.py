from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.errors import ParameterError, TableError, TimeAxisError
from spline_lstm.series.bundle import FilledSeries
from spline_lstm.series.parts import choose_series, join_series

Refuses = Callable[..., AbstractContextManager[None]]
Fill = Callable[..., FilledSeries]
MakeTable = Callable[..., pd.DataFrame]


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
    with refuses(TableError, 10, "the table has changed while its parts were read"):
        join_series([replace(filled, sha256="a"), replace(filled, sha256="b")])


def test_parts_of_different_steps_are_refused(fill_table: Fill, make_table: MakeTable, refuses: Refuses) -> None:
    parts = [fill_table(make_table(freq=freq)) for freq in ("h", "2h")]
    with refuses(TimeAxisError, 11, "there are series of step h and others of step 2h; give freq=..."):
        join_series(parts)
