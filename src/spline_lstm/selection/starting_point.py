"""From a table's profile to window lengths and a schema for a first run."""

from typing import Any

from spline_lstm.series.profile import TableProfile
from spline_lstm.series.season import season_candidates

_DAY, _WEEK = 86_400, 7 * 86_400
_DAYS_A_YEAR = 365
_SPLIT = (0.70, 0.15)
_LONGEST_HORIZON, _SHORTEST_LOOKBACK, _LONGEST_LOOKBACK = 24, 24, 96
_ENOUGH_WEEKS = 10


def suggest_windows(profile: TableProfile) -> tuple[int, int]:
    """Suggest lookback and horizon: a season where it fits, shorter where the longest series is short.

    The horizon is at most the lookback, so that what is known ahead can be shown.
    """
    season = min(season_candidates(profile.step_seconds), default=1)
    train, other = (int(share * profile.longest) - 1 for share in _SPLIT)
    horizon = max(1, min(season, _LONGEST_HORIZON, other, train // 2))
    lookback = max(1, min(max(season, _SHORTEST_LOOKBACK), _LONGEST_LOOKBACK, train - horizon))
    return lookback, horizon


def make_starting_schema(profile: TableProfile) -> dict[str, Any]:
    """Add a weekly lag and the calendar features that suit the step and the length of the table.

    Returns:
        The covariate schema as JSON values.

    """
    _, horizon = suggest_windows(profile)
    step, short = profile.step_seconds, profile.days * _SPLIT[0] < _DAYS_A_YEAR
    weeks = [round(_WEEK / step)] if step < _DAY and profile.days > 7 * _ENOUGH_WEEKS else []
    features = ["hour_sin", "hour_cos"] if step < _DAY else []
    features += ["dow_sin", "dow_cos"] if step <= _DAY else []
    features += [] if short else ["year_sin", "year_cos"]
    return {
        **profile.schema.model_dump(mode="json", exclude_none=True),
        "seasonal_lags": [lag for lag in weeks if lag >= horizon],
        "calendar_features": {"enabled": True, "features": features, "known_future": True},
    }
