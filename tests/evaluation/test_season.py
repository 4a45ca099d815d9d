"""What the evaluation is asked for, and how many steps a season has."""

from typing import Any

import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.evaluation.season import EvaluationSpec, infer_season

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("step_seconds", "season"),
    [
        (MINUTE, 1_440),
        (15 * MINUTE, 96),
        (HOUR, 24),
        (12 * HOUR, 2),
        (DAY, 7),
        (2 * DAY, 4),
        (7 * DAY, 52),
        (2_629_746, 12),  # a mean month
        (7_889_238, 4),  # a mean quarter
        (31_556_952, 1),  # a mean year
        (10 * 365 * DAY, 1),
        (0, 1),  # bundles of earlier versions know no step
    ],
)
def test_a_season_is_a_day_a_week_or_a_year_in_steps(step_seconds: int, season: int) -> None:
    assert infer_season(step_seconds) == season


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
