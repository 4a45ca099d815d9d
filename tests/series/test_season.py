"""What the evaluation is asked for, and how many steps a season has."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.evaluation.scores import EvaluationSpec
from spline_lstm.series.season import infer_season, season_candidates

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("step_seconds", "seasons"),
    [
        (MINUTE, (1_440, 10_080)),
        (15 * MINUTE, (96, 672)),
        (HOUR, (24, 168)),
        (12 * HOUR, (2, 14)),
        (DAY, (7, 365)),
        (2 * DAY, (4, 182)),
        (7 * DAY, (52,)),
        (2_629_746, (12,)),  # a mean month
        (7_889_238, (4,)),  # a mean quarter
        (31_556_952, ()),  # a mean year
        (0, ()),  # bundles of earlier versions know no step
    ],
)
def test_a_season_is_a_day_a_week_or_a_year_in_steps(step_seconds: int, seasons: tuple[int, ...]) -> None:
    assert season_candidates(step_seconds) == seasons


@pytest.fixture(scope="module")
def infer(prepare_table: Any, make_table: Any) -> Any:
    """Infer the season of two series that hold `signal` and some noise."""

    def run(signal: Any, freq: str = "h", noise: float = 0.1, gaps: list[int] | None = None) -> int:
        table = make_table(steps=len(signal), freq=freq)
        random = np.random.default_rng(0)
        table["target"] = np.concatenate([signal + noise * random.normal(size=len(signal)) for _ in range(2)])
        if gaps:
            table.loc[gaps, "target"] = np.nan
        return infer_season(prepare_table(table))

    return run


def wave(steps: int, period: float) -> Any:
    return np.sin(2 * np.pi * np.arange(steps) / period)


@pytest.mark.parametrize(
    ("freq", "period", "steps"), [("h", 24, 200), ("15min", 96, 400), ("D", 7, 90), ("MS", 12, 90), ("QS", 4, 60)]
)
def test_the_usual_season_is_found_where_the_series_has_it(infer: Any, freq: str, period: int, steps: int) -> None:
    assert infer(wave(steps, period), freq) == period


def test_a_week_wins_over_a_day_where_weekdays_differ(infer: Any) -> None:
    weekday = np.arange(1_200) // 24 % 7
    assert infer(wave(1_200, 24) * (weekday < 5) + 0.5 * (weekday < 5)) == 168


def test_a_day_wins_over_a_week_where_all_days_are_alike_and_the_level_drifts(infer: Any) -> None:
    assert infer(wave(1_200, 24) + np.linspace(0, 3, 1_200)) == 24


@pytest.mark.parametrize(
    "signal", [np.zeros(400), np.linspace(0, 50, 400), wave(400, 17)], ids=["noise", "trend", "17"]
)
def test_no_season_is_confirmed_where_there_is_none(infer: Any, signal: Any) -> None:
    assert infer(signal, noise=1.0) == 1


def test_a_season_that_training_does_not_hold_twice_is_not_confirmed(infer: Any) -> None:
    assert infer(wave(66, 24)) == 1  # 46 steps of training


def test_gaps_do_not_hide_a_season(infer: Any) -> None:
    assert infer(wave(200, 24), gaps=[5, 6, 30, 77, 78, 79]) == 24


@pytest.mark.parametrize("season", [1, 24, "auto"])
def test_a_season_is_a_number_of_steps_or_auto(season: int | str) -> None:
    assert EvaluationSpec(season=season, interval_levels=(0.8,)).season == season


@pytest.mark.parametrize("season", [0, -1, 1.5, True, "daily", None])
def test_refuses_another_season(season: object) -> None:
    with pytest.raises(ParameterError, match="parameter 'season") as refused:
        EvaluationSpec.parse({"season": season, "interval_levels": [0.8]}, ParameterError, "parameter")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(("typed", "levels"), [("0.8+0.95", (0.8, 0.95)), (0.9, (0.9,)), ([0.5], (0.5,))])
def test_interval_levels_are_shares(typed: Any, levels: tuple[float, ...]) -> None:
    parsed = EvaluationSpec.parse({"season": 1, "interval_levels": typed}, ParameterError, "parameter")
    assert parsed.interval_levels == levels


@pytest.mark.parametrize("levels", [[], [0.0], [1.0], [80.0], [0.8, 0.8], ["high"], None])
def test_refuses_other_interval_levels(levels: object) -> None:
    with pytest.raises(ParameterError, match="parameter 'interval_levels"):
        EvaluationSpec.parse({"season": 1, "interval_levels": levels}, ParameterError, "parameter")
