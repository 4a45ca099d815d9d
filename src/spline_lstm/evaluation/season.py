"""What the evaluation is asked for, and how many steps a season has."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from spline_lstm.spec import Floats, Spec, StrictInt

# The season that dominates at each step length, in steps of that length.
_DAY, _WEEK, _YEAR = 86_400, 7 * 86_400, 365 * 86_400


def _check_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < level < 1 for level in levels) or len(set(levels)) < len(levels):
        raise ValueError("distinct numbers between 0 and 1 are needed")
    return levels


class EvaluationSpec(Spec):
    """What the metrics and intervals need to know."""

    season: Annotated[StrictInt, Field(ge=1)] | Literal["auto"]
    interval_levels: Annotated[Floats, Field(min_length=1), AfterValidator(_check_levels)]


def infer_season(step_seconds: int) -> int:
    """Return the usual season of a frequency: a day below one, a week of days, a year above.

    Args:
        step_seconds: Mean length of a step in seconds.

    """
    if step_seconds <= 0:
        return 1
    period = _DAY if step_seconds < _DAY else _WEEK if step_seconds < _WEEK else _YEAR
    return max(1, round(period / step_seconds))
