import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spline_lstm.series.calendar import ANNUAL_FEATURES, CALENDAR_FEATURES

HALF = 0.5**0.5


def calendar_at(name: str, *texts: str) -> np.ndarray:
    stamps = pd.DatetimeIndex(texts).as_unit("ns").asi8
    return CALENDAR_FEATURES[name](stamps)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("hour_sin", "2024-05-31T00:00", 0.0),
        ("hour_sin", "2024-05-31T06:00", 1.0),
        ("hour_cos", "2024-05-31T12:00", -1.0),
        ("hour_sin", "2024-05-31T21:00", -HALF),
        ("hour_sin", "1969-12-31T18:00", -1.0),
        ("hour_sin", "2024-05-31T01:30", 0.3826834324),
        ("minute_sin", "2024-05-31T13:15", 1.0),
        ("minute_cos", "2024-05-31T13:30", -1.0),
        ("dow_sin", "2024-05-27T23:59", 0.0),  # a Monday
        ("dow_sin", "2024-05-28T00:00", 0.7818314825),
        ("dow_cos", "2024-06-02T12:00", 0.6234898019),
        ("dow_sin", "1969-12-30T00:00", 0.7818314825),  # a Tuesday
        ("month_cos", "2024-01-31T00:00", 1.0),
        ("month_sin", "2024-04-01T00:00", 1.0),
        ("month_cos", "2024-07-15T00:00", -1.0),
        ("year_sin", "2024-01-01T00:00", 0.0),
        ("year_sin", "2023-07-02T14:54:36", 0.0),  # half of 365.2425 days
        ("is_weekend", "2024-05-31T23:59", 0.0),
        ("is_weekend", "2024-06-01T00:00", 1.0),
        ("is_weekend", "2024-06-02T23:59", 1.0),
        ("is_weekend", "2024-06-03T00:00", 0.0),
    ],
)
def test_a_feature_has_the_value_known_beforehand(name: str, text: str, value: float) -> None:
    assert calendar_at(name, text)[0] == pytest.approx(value, abs=1e-9)


@given(st.lists(st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2250-01-01")), min_size=1, max_size=20))
def test_features_agree_with_the_calendar_of_pandas(stamps: list[pd.Timestamp]) -> None:
    index = pd.DatetimeIndex(stamps)
    hour = 2 * np.pi * (index - index.normalize()) / pd.Timedelta("1D")
    names = ("hour_sin", "hour_cos", "dow_sin", "month_cos", "is_weekend")
    expected = [
        np.sin(hour),
        np.cos(hour),
        np.sin(2 * np.pi * index.day_of_week / 7),
        np.cos(2 * np.pi * (index.month - 1) / 12),
        index.day_of_week >= 5,
    ]
    found = [CALENDAR_FEATURES[name](index.as_unit("ns").asi8) for name in names]
    np.testing.assert_allclose(found, np.stack(expected).astype(float), atol=1e-9)


@given(st.integers(-(2**62), 2**62))
def test_every_feature_lies_between_minus_one_and_one(stamp: int) -> None:
    features = [compute(np.array([stamp])) for compute in CALENDAR_FEATURES.values()]
    assert np.abs(features).max() <= 1


@pytest.mark.parametrize("name", CALENDAR_FEATURES)
def test_annual_features_are_those_that_tell_quarters_apart(name: str) -> None:
    january, april = calendar_at(name, "2024-01-01T05:00", "2024-04-01T05:00")  # both Mondays
    assert (name in ANNUAL_FEATURES) == (abs(january - april) > 1e-6)
