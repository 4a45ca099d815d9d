"""The folds: consecutive test blocks up to the table's end, each after what it is trained on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.series.folds import cut_observations, fold_shares, make_cuts, make_fold_borders
from spline_lstm.series.grid import make_grid
from spline_lstm.series.splits import make_split_borders

SHARES = (0.7, 0.15, 0.15)
STATIONS = range(2)


@pytest.fixture(
    scope="module",
    params=[(1, {}), (3, {}), (4, {}), (4, {"target": [102, 106, 107, 111]})],
    ids=["one", "three", "four", "four with gaps where blocks meet"],
)
def whole(request: pytest.FixtureRequest, make_table: Any, observe_table: Any) -> Any:
    """Two stations of different lengths: their observations, grid, and cuts."""
    count, gaps = request.param
    observations = observe_table(make_table(steps=120, gaps=gaps).drop(index=[0, 1, 2]))
    grid = make_grid(observations, None, 24)
    return observations, grid, make_cuts(grid, SHARES, count)


@pytest.fixture(scope="module")
def folds(whole: Any) -> list[tuple[Any, Any]]:
    """Grid and borders of every fold."""
    observations, _, cuts = whole
    made = []
    for test_from, end in pairwise(cuts):
        grid = make_grid(cut_observations(observations, end), None, 24)
        made.append((grid, make_fold_borders(grid, test_from, SHARES)))
    return made


def blocks(folds: list[tuple[Any, Any]], station: int) -> list[Any]:
    """Timestamps of a station's test blocks."""
    return [grid.timestamps[borders.val_end[station] : borders.end[station]] for grid, borders in folds]


@pytest.mark.parametrize("station", STATIONS)
def test_the_test_blocks_are_in_order_and_do_not_overlap(folds: Any, station: int) -> None:
    assert all(earlier.max() < later.min() for earlier, later in pairwise(blocks(folds, station)))


@pytest.mark.parametrize("station", STATIONS)
def test_the_blocks_are_as_long_as_each_other(folds: Any, station: int) -> None:
    # A gap where two blocks meet is trimmed from the earlier one.
    assert np.ptp([len(block) for block in blocks(folds, station)]) <= 2


@pytest.mark.parametrize("station", STATIONS)
def test_the_blocks_begin_where_the_test_part_does_and_end_with_the_table(whole: Any, folds: Any, station: int) -> None:
    _, grid, _ = whole
    borders, found = make_split_borders(grid.borders, SHARES), blocks(folds, station)
    assert found[0].min() == grid.timestamps[borders.val_end[station]]
    assert found[-1].max() == grid.timestamps[borders.end[station] - 1]


def test_all_before_the_block_is_training_and_validation_in_their_proportion(folds: Any) -> None:
    for _, borders in folds:
        before = borders.val_end - borders.start
        np.testing.assert_array_equal(borders.train_end - borders.start, np.floor(before * 14 / 17 + 1e-6))


def test_a_fold_is_the_beginning_of_the_table(whole: Any, folds: Any) -> None:
    _, grid, _ = whole
    for part, _ in folds:
        for station in STATIONS:
            rows, all_rows = (slice(*each.borders[station : station + 2]) for each in (part, grid))
            seen = part.values[rows]
            np.testing.assert_array_equal(seen, grid.values[all_rows][: len(seen)])


@pytest.mark.parametrize(("number", "folds"), [(1, 1), (1, 4), (4, 4), (7, 9)])
def test_the_shares_of_a_fold_add_up(number: int, folds: int) -> None:
    train, val, test = fold_shares(SHARES, number, folds)
    assert train + val + test == pytest.approx(1)
    assert train / val == pytest.approx(0.7 / 0.15)


def test_the_last_of_one_fold_has_the_shares_of_the_single_split() -> None:
    assert fold_shares(SHARES, 1, 1) == pytest.approx(SHARES)


def test_more_folds_than_rows_leave_blocks_empty(grid_table: Any, make_table: Any) -> None:
    grid = grid_table(make_table(steps=20, series=("EWR",)))
    cuts = make_cuts(grid, SHARES, 30)
    assert np.count_nonzero(np.diff(cuts[:, 0]) == 0) == 27


@pytest.mark.parametrize("lengths", [(100, 1), (1, 100), (100, 1, 100), (2, 100)])
def test_a_series_of_a_row_or_two_stays_in_every_fold(lengths: tuple[int, ...], observe_table: Any) -> None:
    parts = [
        pd.DataFrame(
            {
                "timestamp": pd.date_range("2024-01-01", periods=length, freq="h", tz="UTC"),
                "target": np.arange(length, dtype=float),
                "station": f"s{number}",
            }
        )
        for number, length in enumerate(lengths)
    ]
    observations = observe_table(pd.concat(parts, ignore_index=True), series_id_cols=["station"])
    for end in make_cuts(make_grid(observations, None, 24), SHARES, 3)[1:]:
        grid = make_grid(cut_observations(observations, end), None, 24)
        assert (np.diff(grid.borders) > 0).all()
        assert not np.isnan(grid.values).any()
