"""From a table's profile to window lengths, inputs and a schema for a first run."""

from dataclasses import dataclass
from typing import Any

from spline_lstm.errors import InsufficientDataError
from spline_lstm.selection.inputs import InputChoice, choose_inputs
from spline_lstm.series.durations import DAY, WEEK
from spline_lstm.series.profile import TableProfile
from spline_lstm.series.schema import CalendarFeatures, CovariateSchema
from spline_lstm.series.season import season_candidates
from spline_lstm.series.windows import WindowSpec

_DAYS_A_YEAR = 365
_SPLIT = (0.70, 0.15, 0.15)
_LONGEST_HORIZON, _SHORTEST_LOOKBACK, _LONGEST_LOOKBACK = 24, 24, 96
_WITHOUT_SEASON = 6
_ENOUGH_WEEKS = 10
_LONGEST_LAG = 2_016
"""Steps: a week of five minutes."""


@dataclass(frozen=True)
class StartingPoint:
    """The proposal for a first run."""

    schema: CovariateSchema
    windows: WindowSpec
    inputs: InputChoice


def propose_start(profile: TableProfile) -> StartingPoint:
    """Propose windows that every split has, a schema with calendar and lags, and the inputs that help.

    Raises:
        InsufficientDataError: The series are too short for a window in every split, however small.
        ValuesError: The target is constant in the training part.

    """
    lookback, horizon = suggest_windows(profile)
    while True:
        windows = WindowSpec(lookback=lookback, lookback_span=lookback, horizon=horizon, stride=1, split=_SPLIT)
        schema = make_starting_schema(profile, horizon)
        try:
            inputs = choose_inputs(profile.grid, schema, profile.spec, windows)
        except InsufficientDataError:
            if lookback == horizon == 1:
                raise
            lookback, horizon = max(1, lookback // 2), max(1, horizon // 2)
            horizon = min(horizon, lookback)
            continue
        if inputs.feature_mode == "multivariate" and not inputs.dynamic:  # an empty list would mean all
            schema = schema.model_copy(update={"dynamic_covariates": ()})
        return StartingPoint(schema, windows, inputs)


def suggest_windows(profile: TableProfile) -> tuple[int, int]:
    """Suggest lookback and horizon: a season if it fits, shorter if the longest series is short.

    Windows take at most half of each part, because a score from one or two windows says nothing. The horizon is at most
    the lookback, so that the window can show values that are known ahead.
    """
    season = min(season_candidates(profile.step_seconds), default=_WITHOUT_SEASON)
    train, other = (int(share * profile.longest) - 1 for share in _SPLIT[:2])
    horizon = max(1, min(season, _LONGEST_HORIZON, (other + 1) // 2, train // 4))
    return max(horizon, min(max(season, _SHORTEST_LOOKBACK), _LONGEST_LOOKBACK, train // 2)), horizon


def make_starting_schema(profile: TableProfile, horizon: int) -> CovariateSchema:
    """Add a weekly lag and the calendar features that suit the step and the length of the table.

    A lag longer than the comparison of inputs is left to the run.
    """
    step, short = profile.step_seconds, profile.days * _SPLIT[0] < _DAYS_A_YEAR
    weeks = [round(WEEK / step)] if step < DAY and profile.days > 7 * _ENOUGH_WEEKS else []
    lags = tuple(lag for lag in weeks if lag >= horizon)
    features = ["hour_sin", "hour_cos"] if step < DAY else []
    features += ["dow_sin", "dow_cos"] if profile.grid.frequency.kind == "business" or step <= DAY else []
    features += [] if short or step > 0.9 * _DAYS_A_YEAR * DAY else ["year_sin", "year_cos"]
    changes: dict[str, Any] = {
        "seasonal_lags": "auto" if max(lags, default=0) > _LONGEST_LAG else lags,
        "calendar_features": CalendarFeatures(enabled=True, features=tuple(features), known_future=True),
    }
    return profile.schema.model_copy(update=changes)
