"""Usual errors by the hour or the weekday."""

import numpy as np
import pytest

from spline_lstm.evaluation.error_cycle import Cycle, ErrorSums, usual_at
from spline_lstm.types import Bool, Float64

_HOUR_NS = 3_600 * 10**9


def times(*text: str) -> np.ndarray:
    """Return nanoseconds since 1970."""
    return np.array(text, dtype="datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (3_600, (3_600, 24)), (900, (3_600, 24)), (7 * 3_600, (3_600, 24)), (86_400, (86_400, 7)),
        (2.5, None),
        (7 * 86_400, None), (1.4 * 86_400, None), (0, None),
    ],
)  # fmt: skip
def test_short_steps_have_hours_and_days_have_weekdays(step: float, expected: tuple[int, int] | None) -> None:
    cycle = Cycle.of_step(step)
    assert (cycle and (cycle.part_seconds, cycle.parts)) == expected


def test_the_part_of_a_step_is_its_hour() -> None:
    parts = Cycle(3_600, 24, 1_800).parts_of(times("2024-05-01T22:45", "1969-12-31T23:30"), 3)
    assert parts.tolist() == [[23, 23, 0], [0, 0, 1]]


def test_days_of_one_weekday_have_one_part() -> None:
    parts = Cycle(86_400, 7, 86_400).parts_of(times("2024-05-01"), 15)[0]
    assert parts[0] == parts[7] == parts[14]
    assert len(set(parts.tolist())) == 7


def learn(size: Float64, known: Bool | None = None) -> Float64:
    """Usual errors of one series from windows an hour apart, with a horizon of one step."""
    sums = ErrorSums(Cycle(3_600, 24, 3_600), 1, 1)
    origin = np.arange(len(size)) * _HOUR_NS
    seen = np.ones(size.shape, dtype=bool) if known is None else known
    sums.add(size[:, None, None], seen[:, None, None], np.zeros(len(size), dtype=np.int64), origin)
    return sums.usual_errors().shares[0, :, 0]


def test_usual_errors_are_relative_to_their_mean_and_drawn_to_it() -> None:
    # A hundred days, in which the hour after midnight has errors of 3 and all others of 1: their mean is 26 / 24.
    size = np.where(np.arange(1, 2_401) % 24 == 0, 3.0, 1.0)
    shares = learn(size)
    of_all = (100 * 3 * 24 / 26 + 2) / 102
    assert shares[0] == pytest.approx((100 * 3 * 24 / 26 + 2 * of_all) / 102)
    assert shares[1] < 1


def test_what_was_not_observed_counts_nowhere() -> None:
    size = np.where(np.arange(1, 2_401) % 24 == 0, 1e9, 1.0)
    np.testing.assert_allclose(learn(size, size < 2), 1.0)


def test_a_quiet_hour_has_a_fifth_of_the_mean_at_least() -> None:
    shares = learn(np.where(np.arange(1, 2_401) % 24 < 12, 0.0, 1.0))
    assert shares[0] == 0.2
    assert shares[12] > 1.5


def test_perfect_forecasts_have_usual_errors_above_zero() -> None:
    assert (learn(np.zeros(480)) > 0).all()


def test_without_usual_errors_all_are_alike() -> None:
    assert usual_at(None, np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64), 3).tolist() == [[[1.0]]]
